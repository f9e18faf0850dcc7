/* A classifier in a worker, so that the page never waits and never dies.
 *
 *     const classifier = new BackgroundClassifier();
 *     const { info } = await classifier.open(bytes);
 *     const { best, milliseconds } = await classifier.classify(image, 5);
 *
 * An image that makes the module stop or keeps it longer than the time limit costs the worker its life; the next call
 * starts another with the same model. Errors are ClassifierErrors. */
import { ClassifierError } from './classifier.js';

const timeLimit = 10_000; /* milliseconds for one image */

export class BackgroundClassifier {
    #worker = null;
    #model = null;
    #opened = null; /* promise of the worker's answer to the model */
    #waiting = new Map(); /* id of a message -> its promise's { resolve, reject } */
    #lastId = 0;

    open(model) {
        this.#model = model;
        this.#stop(new ClassifierError('CLOSED', 'another model was opened'));
        return this.#start();
    }

    async classify(image, topK) {
        await (this.#opened ?? this.#start());
        const late = setTimeout(() => this.#stop(new ClassifierError('TRAPPED',
            `the image took longer than ${timeLimit / 1000} seconds and was given up`)), timeLimit);
        try {
            return await this.#send({ classify: image, topK });
        } catch (error) {
            if (error.code === 'TRAPPED')
                this.#stop(error);
            throw error;
        } finally {
            clearTimeout(late);
        }
    }

    #start() {
        this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
        this.#worker.addEventListener('message', ({ data: { id, value, error } }) => {
            const call = this.#waiting.get(id); /* none when it was answered, or given up, before */
            this.#waiting.delete(id);
            if (error)
                call?.reject(new ClassifierError(error.code, error.message));
            else
                call?.resolve(value);
        });
        this.#worker.addEventListener('error', () => {
            this.#stop(new ClassifierError('FETCH', 'worker.js or classifier.js could not be loaded'));
        });
        return this.#opened = this.#send({ open: this.#model });
    }

    #stop(error) {
        this.#worker?.terminate();
        this.#worker = this.#opened = null;
        for (const { reject } of this.#waiting.values())
            reject(error);
        this.#waiting.clear();
    }

    #send(message) {
        return new Promise((resolve, reject) => {
            const id = ++this.#lastId;
            this.#waiting.set(id, { resolve, reject });
            this.#worker.postMessage({ id, ...message });
        });
    }
}
