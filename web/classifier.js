/* Classifies images with an Eyelet model, in browsers (page or worker) and in Node.
 *
 *     import { loadClassifier } from './classifier.js';
 *
 *     const classifier = await loadClassifier({ model: 'models/tutorial.eyelet' });
 *     const [best] = classifier.classify(await file.arrayBuffer());    // a JPEG, PNG or BMP file, or ImageData
 *     console.log(best.label, best.score);
 *
 *     for await (const result of classifier.classifyMany(files))   // in workers, on several cores; in the files' order
 *         console.log(result instanceof ClassifierError ? result.message : result[0].label);
 *
 * The same image bytes and model give the same numbers to the last bit wherever this runs, and in the native program.
 * On failure a ClassifierError is thrown. Types and details: classifier.d.ts.
 *
 * Imports go one way: contract.js <- source.js <- engine.js <- worker.js <- watched_worker.js <- background.js <-
 * classifier.js. */
import { ClassifierError } from './contract.js';
import { checkCount, openEngine } from './engine.js';
import { bytesOf } from './source.js';

export { ClassifierError };

export async function loadClassifier(options) {
    return new Classifier(await openEngine(options));
}

class Classifier {
    #engine;

    constructor(engine) {
        this.#engine = engine;
        this.labels = engine.labels;
        this.info = engine.info;
        Object.freeze(this);
    }

    classify(image, options) {
        return this.#engine.classify(image, options);
    }

    logits(image) {
        return this.#engine.logits(image);
    }

    embed(image) {
        return this.#engine.embed(image);
    }

    classifyMany(images, { topK, workers, signal } = {}) {
        if (topK !== undefined)
            checkCount(topK, 'topK');
        if (workers !== undefined)
            checkCount(workers, 'workers');
        if (typeof images !== 'object' || bytesOf(images) || !isIterable(images))
            throw new ClassifierError('ARGUMENT', 'classifyMany takes an array or another iterable of images');
        return inWorkers(images, this.#engine.opening, { topK, workers, signal });
    }

    close() {
        this.#engine.close();
    }
}

function isIterable(object) {
    return Boolean(object?.[Symbol.asyncIterator] ?? object?.[Symbol.iterator]);
}

/* The pool of workers is a file of its own, fetched when it is first needed. Each worker gets the compiled module. */
async function* inWorkers(images, opening, options) {
    const { classifyInOrder } = await import('./background.js');
    yield* classifyInOrder(images, opening, options);
}
