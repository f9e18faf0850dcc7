/* Classifiers in workers, of a browser or of Node, so that the page stays responsive.
 *
 *     const classifier = new BackgroundClassifier();
 *     const { info } = await classifier.open({ model: bytes, warmUp: true });
 *     const { best, milliseconds } = await classifier.classify(image, { topK, threshold, signal });
 *     classifier.close();
 *
 * Images are those that classifier.classify takes, answered in the order in which they are read. When one takes longer
 * than the time limit its worker is terminated; the calls behind it go to a new worker with the same model. So does
 * what comes after a giant, once another worker is open. Errors are ClassifierErrors. classifyInOrder is what
 * classifier.classifyMany does. */
import { ClassifierError } from './contract.js';
import { checkScoreOptions, openEngine } from './engine.js';
import { pictureAtOnce, pictureFrom, withBrowserDecoder } from './picture.js';
import { abortedError, throwIfAborted, untilAborted } from './source.js';
import { startWorker } from './watched_worker.js';

const timeLimit = 10_000; /* milliseconds for one image */

const idOfNext = 0; /* of a message to #next; those of calls begin with 1 */

const maxDefaultWorkers = 4; /* each has a model and its memory */

/* What a worker is given ahead, so that it goes on while the page is busy for a frame: at least `min` images, and
 * up to `max` while they are smaller than `bytes` in all. */
export const ahead = Object.freeze({ min: 3, max: 64, bytes: 4 * 2 ** 20 });

/* A browser's, of a page that is served as it stands; bundled.js and node.js put others in their place. */
export const platform = {
    wasm: () => new URL('./classifier.wasm', import.meta.url).href,
    teacherWasm: () => new URL('./teacher.wasm', import.meta.url).href, /* with what goes back through the network */
    startWorker,
    hasWorkers: () => typeof Worker === 'function',
    coreCount: () => globalThis.navigator?.hardwareConcurrency ?? 1,
};

export class BackgroundClassifier {
    #worker = null; /* promise of it */
    #next = null; /* promise of one that takes its place when it has opened the model and nothing is to be answered */
    #isNextOpen = false;
    #opening = null; /* the message that opens the model */
    #calls = new Map(); /* id -> { message, resolve, reject } of what is not answered yet, the oldest first */
    #lastId = 0;
    #timer;

    open({ model, wasm = platform.wasm(), warmUp }) {
        this.#stop(new ClassifierError('CLOSED', 'another model was opened'));
        this.#opening = { open: model, wasm, warmUp };
        return this.#start();
    }

    /* An image that is given up by `signal` is finished by the worker all the same. */
    async classify(image, { topK, threshold, signal } = {}) {
        this.#checkOpen();
        checkScoreOptions({ topK, threshold });
        throwIfAborted(signal);
        const reading = async () => this.classifyPicture(await ownPicture(image, signal), { topK, threshold });
        return untilAborted(reading(), signal);
    }

    /* As classifier.explain, in the worker. */
    async explain(image, { class: wanted, signal } = {}) {
        this.#checkOpen();
        throwIfAborted(signal);
        const reading = async () => {
            const [picture, wasm] = await Promise.all([ownPicture(image, signal), platform.teacherWasm()]);
            this.#startAgain();
            return this.#send({ explain: picture, wanted, wasm });
        };
        return untilAborted(reading(), signal);
    }

    /* What picture.js makes of an image, which nobody else changes. */
    classifyPicture(picture, scores) {
        this.#startAgain();
        return this.#send({ classify: picture, scores });
    }

    /* After a time limit. */
    #startAgain() {
        this.#checkOpen();
        if (!this.#worker)
            this.#start().catch(() => {}); /* the image's call is rejected with the same error */
    }

    #checkOpen() {
        if (!this.#opening)
            throw new ClassifierError('CLOSED', 'no model is open: await classifier.open({ model }) first');
    }

    get pending() {
        return this.#calls.size;
    }

    close() {
        this.#opening = null;
        this.#stop(new ClassifierError('CLOSED', 'the classifier has been closed: open a model again'));
    }

    /* Starts a worker, which opens the model and then goes on with the unanswered calls. */
    #start() {
        const unanswered = [...this.#calls];
        this.#calls.clear();
        this.#worker = this.#startWorker();
        const opened = this.#send(this.#opening);
        for (const [id, call] of unanswered) {
            this.#calls.set(id, call);
            this.#post(id, call.message);
        }
        return opened;
    }

    #startWorker() {
        const worker = platform.startWorker((answer) => this.#settle(answer), (reason) => {
            if (this.#worker === worker)
                this.#lose(reason);
            else if (this.#next === worker)
                this.#endNext();
        });
        return worker;
    }

    /* What a giant took is held while its worker lives: another one takes its place. */
    #renew() {
        const next = this.#next = this.#startWorker();
        next.then((worker) => worker.postMessage({ id: idOfNext, ...this.#opening })).catch(() => this.#endNext());
    }

    #takeNext() {
        [this.#worker, this.#next] = [this.#next, this.#worker];
        this.#endNext();
    }

    #endNext() {
        this.#next?.then((worker) => worker.terminate()).catch(() => {});
        this.#next = null;
        this.#isNextOpen = false;
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

    #settle({ id, value, error, hasGrown }) {
        const call = this.#calls.get(id); /* none when it was answered, or given up, before */
        this.#calls.delete(id);
        this.#watch();
        if (error)
            call?.reject(new ClassifierError(error.code, error.message));
        else
            call?.resolve(value);
        if (id === idOfNext && error)
            this.#endNext();
        else if (id === idOfNext)
            this.#isNextOpen = true;
        else if (hasGrown && !this.#next)
            this.#renew();
        if (this.#isNextOpen && this.#calls.size === 0)
            this.#takeNext();
    }

    /* The oldest image's time runs from now on. */
    #watch() {
        clearTimeout(this.#timer);
        const [oldest] = this.#calls.values();
        if (isOfImage(oldest))
            this.#timer = setTimeout(() => this.#replace(
                `the image took longer than ${timeLimit / 1000} seconds`), timeLimit);
    }

    /* The worker ended: before it has opened the model that is final, later the oldest image is taken to be the
     * cause. */
    #lose(reason) {
        const [oldest] = this.#calls.values();
        if (isOfImage(oldest))
            this.#replace(`the worker was stopped${reason}`);
        else
            this.#stop(new ClassifierError('FETCH',
                `worker.js or engine.js could not be loaded, or the browser ended the worker${reason}`));
    }

    #replace(reason) {
        const [[id, { reject }]] = this.#calls;
        this.#calls.delete(id);
        this.#terminate();
        if (this.#calls.size > 0)
            this.#start().catch(() => {}); /* the images' calls are rejected with the same error */
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
        this.#endNext();
        this.#worker?.then((worker) => worker.terminate()).catch(() => {});
        this.#worker = null;
    }
}

const isOfImage = (call) => Boolean(call?.message.classify ?? call?.message.explain);

/* Workers that share the images of one caller. Each image goes to the worker with the fewest calls pending; another
 * worker is started only when all are busy. */
class Pool {
    #workers = [];
    #opening;
    #maxWorkers;
    #scores;
    #here = null; /* promise of an engine in this thread, once there is no worker */
    #stopped = null; /* { reason } */
    #wake = () => {};
    #pending = 0; /* images, and their bytes */
    #pendingBytes = 0;

    constructor(opening, { maxWorkers, scores }) {
        this.#opening = opening;
        this.#maxWorkers = maxWorkers;
        this.#scores = scores;
    }

    /* Whether to read another image, where this many results have not been taken yet. */
    hasRoom(results) {
        const max = this.#maxWorkers;
        return results < max * ahead.max && (this.#pending < max * ahead.min || this.#pendingBytes < max * ahead.bytes);
    }

    /* The answer to an image or a promise of one, or its ClassifierError; never rejects. */
    async classify(image) {
        const bytes = sizeOf(image);
        this.#pending++;
        this.#pendingBytes += bytes;
        try {
            const picture = await ownPicture(image);
            if (this.#stopped)
                throw this.#stopped.reason;
            return await (this.#here ? this.#classifyHere(picture) : this.#classifyInWorker(picture));
        } catch (error) {
            return error instanceof ClassifierError ? error
                : new ClassifierError('ARGUMENT', error.message, { cause: error });
        } finally {
            this.#pending--;
            this.#pendingBytes -= bytes;
        }
    }

    async #classifyInWorker(picture) {
        try {
            return (await this.#freest().classifyPicture(picture, this.#scores)).best;
        } catch (error) {
            if (error.code !== 'FETCH')
                throw error;
            this.#here ??= this.#openHere(error);
            return this.#classifyHere(picture);
        }
    }

    /* Service workers and some servers start no workers; and a bundler may have left out worker.js, which is told. */
    #openHere({ message }) {
        if (platform.hasWorkers())
            console.warn(`Eyelet classifies in this thread: ${message}`);
        return openEngine(this.#opening);
    }

    /* Others have their turn between two images. */
    async #classifyHere(picture) {
        const engine = await this.#here;
        await new Promise((resolve) => { setTimeout(resolve); });
        if (this.#stopped)
            throw this.#stopped.reason;
        return withBrowserDecoder(picture, (image) => engine.classify(image, this.#scores));
    }

    #freest() {
        const workers = this.#workers;
        let best = workers[0];
        for (const worker of workers)
            best = worker.pending < best.pending ? worker : best;
        if (workers.length < this.#maxWorkers && (!best || best.pending > 0)) {
            workers.push(best = new BackgroundClassifier());
            best.open(this.#opening).catch((error) => error.code === 'FETCH' || this.stop(error));
        }
        return best;
    }

    /* The value of the promise that is fulfilled first; some may be null. Throws the reason once the pool is
     * stopped. */
    async firstOf(...promises) {
        const first = this.#stopped ? null : await new Promise((resolve) => {
            this.#wake = resolve;
            for (const promise of promises)
                promise?.then(resolve);
        });
        if (this.#stopped)
            throw this.#stopped.reason;
        return first;
    }

    stop(reason) {
        this.#stopped ??= { reason };
        this.#workers.forEach((worker) => worker.close());
        this.#here?.then((engine) => engine.close(), () => {});
        this.#wake();
    }
}

/* Yields the answer to each image, or its ClassifierError, in the order of the images: an iterable, perhaps an
 * asynchronous one, of what classifier.classify takes. `opening` is of engine.js. */
export async function* classifyInOrder(images, opening, { topK, threshold, workers, signal }) {
    throwIfAborted(signal);
    const maxWorkers = workers ?? Math.min(platform.coreCount(), maxDefaultWorkers);
    const pool = new Pool(opening, { maxWorkers, scores: { topK, threshold } });
    const source = images[Symbol.asyncIterator]?.() ?? images[Symbol.iterator]();
    const results = []; /* promises, of the oldest image's first */
    const abort = () => pool.stop(abortedError(signal));
    let reading = null, isDone = false, failure = null;
    try {
        throwIfAborted(signal);
        signal?.addEventListener('abort', abort);
        while (!isDone || results.length > 0) {
            if (!isDone && pool.hasRoom(results.length))
                reading ??= readNext(source);
            const event = await pool.firstOf(reading, results[0]);
            if (!event.isRead) {
                results.shift();
                yield event;
                continue;
            }
            ({ isDone, failure } = event);
            reading = null;
            if (!isDone)
                results.push(pool.classify(event.image));
        }
        if (failure)
            throw failure.error;
    } finally {
        signal?.removeEventListener('abort', abort);
        pool.stop(new ClassifierError('CLOSED', 'the results are no longer read'));
        if (!isDone)
            endSource(source);
    }
}

/* What an iterable throws is for its caller, after the results of the images before. */
async function readNext(source) {
    try {
        const { done: isDone = false, value: image } = await source.next();
        return { isRead: true, isDone, image, failure: null };
    } catch (error) {
        return { isRead: true, isDone: true, failure: { error } };
    }
}

/* Not awaited: an asynchronous source may itself be waiting, for an image that never comes. */
async function endSource(source) {
    try {
        await source.return?.();
    } catch {
        /* no more images are wanted */
    }
}

/* The bytes of an image, where they are told at once. */
function sizeOf(image) {
    try {
        return image?.size ?? image?.byteLength ?? image?.data?.byteLength ?? ahead.bytes;
    } catch {
        return ahead.bytes; /* ownPicture says why */
    }
}

/* The picture of an image, a copy that nobody else changes. Bytes that are there are copied before this returns its
 * promise. */
export async function ownPicture(given, signal) {
    const { image, decoder } = pictureAtOnce(given) ?? await pictureFrom(given, signal);
    const isFile = ArrayBuffer.isView(image);
    return { image: isFile ? image.slice() : { ...image, data: image.data.slice() }, decoder };
}
