/* Classifiers in workers, of a browser or of Node, so that the page never waits and never dies.
 *
 *     const classifier = new BackgroundClassifier();
 *     const { info } = await classifier.open({ model: bytes, warmUp: true });
 *     const { best, milliseconds } = await classifier.classify(image, 5);
 *     classifier.close();
 *
 * Calls are answered in their order. An image that keeps the module longer than the time limit costs the worker its
 * life; the calls behind it, and the next one, go to another worker with the same model. Errors are ClassifierErrors.
 * classifyInOrder is what classifier.classifyMany does. */
import { ClassifierError } from './classifier.js';

const timeLimit = 10_000; /* milliseconds for one image */

/* What a worker has in hand, so that it goes on while the page is busy for a frame: three images, or more that are small. */
const fewestAhead = 3, mostAhead = 64, bytesAhead = 4 * 2 ** 20;

export class BackgroundClassifier {
    #worker = null; /* promise of it */
    #opening = null; /* the message that opens the model */
    #calls = new Map(); /* id -> { message, resolve, reject } of what is not answered yet, the oldest first */
    #lastId = 0;
    #timer;

    open({ model, wasm, warmUp }) {
        this.#stop(new ClassifierError('CLOSED', 'another model was opened'));
        this.#opening = { open: model, wasm, warmUp };
        return this.#start();
    }

    classify(image, topK) {
        if (!this.#worker)
            this.#start().catch(() => {}); /* the image's answer says the same */
        return this.#send({ classify: image, topK });
    }

    get pending() {
        return this.#calls.size;
    }

    close() {
        this.#stop(new ClassifierError('CLOSED', 'the classifier has been closed'));
    }

    /* Starts a worker, which opens the model and then goes on with the calls that are left. */
    #start() {
        const left = [...this.#calls];
        this.#calls.clear();
        const worker = this.#worker = startWorker((answer) => this.#settle(answer), ({ message = '' }) => {
            if (this.#worker === worker)
                this.#lose(message && ` (${message})`);
        });
        const opened = this.#send(this.#opening);
        for (const [id, call] of left) {
            this.#calls.set(id, call);
            this.#post(id, call.message);
        }
        return opened;
    }

    #send(message) {
        return new Promise((resolve, reject) => {
            const id = ++this.#lastId;
            this.#calls.set(id, { message, resolve, reject });
            this.#post(id, message);
            if (this.#calls.size === 1)
                this.#watch();
        });
    }

    #post(id, message) {
        this.#worker.then((worker) => worker.postMessage({ id, ...message })).catch(({ message: reason }) => {
            this.#settle({ id, error: { code: 'FETCH', message: `the worker could not be reached (${reason})` } });
        });
    }

    #settle({ id, value, error }) {
        const call = this.#calls.get(id); /* none when it was answered, or given up, before */
        this.#calls.delete(id);
        this.#watch();
        if (error)
            call?.reject(new ClassifierError(error.code, error.message));
        else
            call?.resolve(value);
    }

    /* The oldest image's time runs from now on. */
    #watch() {
        clearTimeout(this.#timer);
        const [oldest] = this.#calls.values();
        if (oldest?.message.classify)
            this.#timer = setTimeout(() => this.#replace(
                `the image took longer than ${timeLimit / 1000} seconds and was given up`), timeLimit);
    }

    /* The worker broke: before it had opened the model nothing can be done, later the oldest image is taken to be why. */
    #lose(reason) {
        const [oldest] = this.#calls.values();
        if (oldest?.message.classify)
            this.#replace(`the worker was stopped${reason}`);
        else
            this.#stop(new ClassifierError('FETCH', `worker.js or classifier.js could not be loaded${reason}`));
    }

    #replace(reason) {
        const [[id, { reject }]] = this.#calls;
        this.#calls.delete(id);
        this.#terminate();
        if (this.#calls.size > 0)
            this.#start().catch(() => {}); /* the images' answers say the same */
        reject(new ClassifierError('TRAPPED', reason));
    }

    #stop(error) {
        this.#terminate();
        for (const { reject } of this.#calls.values())
            reject(error);
        this.#calls.clear();
    }

    #terminate() {
        clearTimeout(this.#timer);
        this.#worker?.then((worker) => worker.terminate()).catch(() => {});
        this.#worker = null;
    }
}

/* Bundlers look for the words `new Worker(new URL('./worker.js', ...` and for no others. */
async function startWorker(hear, breaks) {
    if (typeof Worker === 'function') {
        const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
        worker.addEventListener('message', ({ data }) => hear(data));
        worker.addEventListener('error', breaks);
        return worker;
    }
    const { Worker: Thread } = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:worker_threads');
    const options = { execArgv: [] }; /* the program's own flags may be none that a worker takes */
    return new Thread(new URL('./worker.js', import.meta.url), options).on('message', hear).on('error', breaks);
}

/* Yields the answer to each image, or its ClassifierError, in the order of the images: an iterable, perhaps an asynchronous
 * one. `prepare` makes an image, or a promise of one, a promise of what a worker takes. Images are read only while the workers
 * have too little in hand; a worker is started only when the others are busy. */
export async function* classifyInOrder(images, prepare, opening, { topK, workers: most, signal }) {
    const workers = [], results = []; /* promises, of the oldest image's first */
    const source = images[Symbol.asyncIterator]?.() ?? images[Symbol.iterator]();
    let over = null, wake = () => {}, inHand = 0, bytesInHand = 0;

    function stop(reason) {
        over ??= { reason };
        workers.forEach((worker) => worker.close());
        wake();
    }

    const abort = () => stop(signal.reason);

    function freest() {
        let best = workers[0];
        for (const worker of workers)
            best = worker.pending < best.pending ? worker : best;
        if (workers.length < most && (!best || best.pending > 0)) {
            workers.push(best = new BackgroundClassifier());
            best.open(opening).catch(stop);
        }
        return best;
    }

    async function classify(image) {
        const bytes = image?.size ?? image?.byteLength ?? image?.data?.byteLength ?? bytesAhead;
        inHand++;
        bytesInHand += bytes;
        try {
            const prepared = await prepare(image);
            if (over)
                throw over.reason;
            return (await freest().classify(prepared, topK)).best;
        } catch (error) {
            return error instanceof ClassifierError ? error : new ClassifierError('ARGUMENT', error.message, { cause: error });
        } finally {
            inHand--;
            bytesInHand -= bytes;
        }
    }

    const hasRoom = () => results.length < most * mostAhead && (inHand < most * fewestAhead || bytesInHand < most * bytesAhead);

    let reading = null, ended = false, failure = null;
    try {
        signal?.throwIfAborted();
        signal?.addEventListener('abort', abort);
        while (!ended || results.length > 0) {
            if (!ended && hasRoom())
                reading ??= readNext(source);
            const turn = over ? null : await new Promise((resolve) => {
                wake = resolve;
                reading?.then(resolve);
                results[0]?.then(resolve);
            });
            if (over)
                throw over.reason;
            if (turn.isNext) {
                ({ done: ended, failure } = turn);
                reading = null;
                if (!ended)
                    results.push(classify(turn.image));
            } else {
                results.shift();
                yield turn;
            }
        }
        if (failure)
            throw failure.error;
    } finally {
        signal?.removeEventListener('abort', abort);
        stop(new ClassifierError('CLOSED', 'nobody waits for this image any more'));
        if (!ended)
            giveUp(source);
    }
}

/* What an iterable throws is for its caller, after the results of the images before. */
async function readNext(source) {
    try {
        const { done = false, value: image } = await source.next();
        return { isNext: true, done, image, failure: null };
    } catch (error) {
        return { isNext: true, done: true, failure: { error } };
    }
}

/* Not waited for: an asynchronous source may be waiting itself, for an image that never comes. */
async function giveUp(source) {
    try {
        await source.return?.();
    } catch {
        /* nobody asked for more */
    }
}
