/* The other side of teacher_port.js: a worker that teaches or, where none can be started, this thread.
 *
 *     const { remote, opened } = await startRemote({ model: bytes, wasm: module });
 *     const { milliseconds } = await remote.call({ train: true });
 *     remote.end(new ClassifierError('CLOSED', 'the teacher has been closed'));
 *
 * One call at a time. A worker that ends, or is ended since a call took longer than its limit, rejects the call with
 * TRAPPED and is to be replaced by another. */
import { platform } from './background.js';
import { ClassifierError } from './contract.js';
import { TeacherPort } from './teacher_port.js';
import { watched } from './watched_worker.js';

const opens = (message) => Object.hasOwn(message, 'open');

platform.startTeacher ??= async (onMessage, onEnd) =>
    watched(new Worker(new URL('./teacher_worker.js', import.meta.url), { type: 'module' }), onMessage, onEnd);

class WorkerRemote {
    #worker;
    #call = null; /* { resolve, reject, message } of the one that is not answered yet */
    #timer;
    #ended = null; /* the error of all calls from now on */

    constructor() {
        this.#worker = platform.startTeacher((answer) => this.#settle(answer), (reason) => this.#lose(reason));
        this.#worker.catch(({ message }) => this.#lose(` (${message})`));
    }

    get hasEnded() {
        return Boolean(this.#ended);
    }

    call(message, { limit, what } = {}) {
        return new Promise((resolve, reject) => {
            if (this.#ended)
                return reject(this.#ended);
            this.#call = { resolve, reject, message };
            if (limit)
                this.#timer = setTimeout(() => this.end(new ClassifierError('TRAPPED',
                    `${what} took longer than ${limit / 1000} seconds`)), limit);
            this.#worker.then((worker) => {
                worker.ref?.(); /* Node does not end while this is not answered */
                worker.postMessage(message);
            }).catch(({ message: reason }) => this.#lose(` (${reason})`));
        });
    }

    end(error) {
        if (this.#ended)
            return;
        this.#ended = error;
        this.#worker.then((worker) => worker.terminate()).catch(() => {});
        this.#settle({ error });
    }

    #settle({ value, error }) {
        clearTimeout(this.#timer);
        const call = this.#call;
        this.#call = null;
        this.#worker.then((worker) => this.#call ?? worker.unref?.()).catch(() => {});
        if (error)
            call?.reject(new ClassifierError(error.code, error.message));
        else
            call?.resolve(value);
    }

    /* Before it has opened the model: it could not be started. */
    #lose(reason) {
        const opening = this.#call && opens(this.#call.message);
        this.end(opening ? new ClassifierError('FETCH',
            `teacher_worker.js or what it imports could not be loaded, or the browser ended the worker${reason}`)
            : new ClassifierError('TRAPPED', `the worker that teaches was stopped${reason}: call again`));
    }
}

/* Others have their turn before each call. */
class OwnThreadRemote {
    #port = new TeacherPort();
    #ended = null;

    get hasEnded() {
        return Boolean(this.#ended);
    }

    async call(message) {
        await new Promise((resolve) => { setTimeout(resolve); });
        if (this.#ended)
            throw this.#ended;
        const value = await this.#port.perform(message).catch((cause) => {
            throw cause instanceof ClassifierError ? cause : new ClassifierError('TRAPPED', cause.message, { cause });
        });
        if (this.#ended)
            throw this.#ended;
        return value;
    }

    end(error) {
        this.#ended ??= error;
        this.#port = null;
    }
}

export async function startRemote(opening) {
    if (platform.hasWorkers()) {
        const remote = new WorkerRemote();
        try {
            return { remote, opened: await remote.call({ open: opening }) };
        } catch (error) {
            remote.end(error);
            if (error.code !== 'FETCH')
                throw error;
            console.warn(`Eyelet teaches in this thread: ${error.message}`);
        }
    }
    const remote = new OwnThreadRemote();
    return { remote, opened: await remote.call({ open: opening }) };
}
