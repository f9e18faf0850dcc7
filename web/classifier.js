/* Classifies images with an Eyelet model, in browsers (page or worker) and in Node.
 *
 *     import { ClassifierError, loadClassifier } from './classifier.js';
 *
 *     const classifier = await loadClassifier({ model: 'models/tutorial.eyelet' });
 *     const [best] = await classifier.classify(file);    // JPEG, PNG, BMP; or an <img>, a canvas, a video, an address
 *     console.log(best.label, best.score);
 *
 *     for await (const result of classifier.classifyMany(files))   // in workers, on several cores; in the files' order
 *         console.log(result instanceof ClassifierError ? result.message : result[0].label);
 *
 * The same image bytes and model give the same numbers to the last bit wherever this runs, and in the native program.
 * On failure a ClassifierError is thrown. Types and details: classifier.d.ts.
 *
 * Imports go one way: contract.js <- source.js <- pixels.js <- engine.js, picture.js <- engine_port.js <- worker.js <-
 * watched_worker.js <- background.js <- camera_classifier.js <- classifier.js <- node.js, and picture.js <- camera.js
 * <- camera_classifier.js. */
import { classifyInOrder, ownPicture, platform } from './background.js';
import { openCamera } from './camera.js';
import { CameraClassifier } from './camera_classifier.js';
import { ClassifierError } from './contract.js';
import { checkCount, checkScoreOptions, indexOfClass, openEngine } from './engine.js';
import { pictureAtOnce, pictureFrom, withBrowserDecoder } from './picture.js';
import { bytesOf, describe, throwIfAborted, untilAborted } from './source.js';

export { CameraClassifier, ClassifierError, openCamera };

export async function loadClassifier(options) {
    const { model, wasm = platform.wasm() } = options ?? {};
    return new Classifier(await openEngine({ model, wasm }));
}

class Classifier {
    #engine;
    #explaining = null; /* promise of an engine of the module that can go back through the network */

    constructor(engine) {
        this.#engine = engine;
        this.labels = engine.labels;
        this.info = engine.info;
        Object.freeze(this);
    }

    classify(image, options) {
        const { topK, threshold, signal } = options ?? {};
        return this.#run(image, signal, (given) => this.#engine.classify(given, { topK, threshold }));
    }

    logits(image, options) {
        return this.#run(image, options?.signal, (given) => this.#engine.logits(given));
    }

    embed(image, options) {
        return this.#run(image, options?.signal, (given) => this.#engine.embed(given));
    }

    /* Loads teacher.wasm the first time. */
    async explain(image, options) {
        const { class: wanted, signal } = options ?? {};
        this.#engine.checkOpen();
        throwIfAborted(signal);
        indexOfClass(wanted, this.labels);
        const explaining = this.#explaining ??= this.#openExplainer();
        const reading = async () => {
            const [picture, explainer] = await Promise.all([ownPicture(image, signal), explaining]);
            return withBrowserDecoder(picture, (given) => explainer.explain(given, wanted));
        };
        return untilAborted(reading(), signal);
    }

    async #openExplainer() {
        try {
            return await openEngine({ ...this.#engine.opening, wasm: platform.teacherWasm() });
        } catch (error) {
            this.#explaining = null; /* another call may find the module */
            throw error;
        }
    }

    classifySync(image, options) {
        return this.#engine.classify(this.#atOnce(image), options);
    }

    logitsSync(image) {
        return this.#engine.logits(this.#atOnce(image));
    }

    embedSync(image) {
        return this.#engine.embed(this.#atOnce(image));
    }

    classifyMany(images, options) {
        const { topK, threshold, workers, signal } = options ?? {};
        checkScoreOptions({ topK, threshold });
        if (workers !== undefined)
            checkCount(workers, 'workers');
        if (typeof images !== 'object' || bytesOf(images) || !isIterable(images))
            throw new ClassifierError('ARGUMENT', 'classifyMany takes an array or another iterable of images');
        return classifyInOrder(images, this.#engine.opening, { topK, threshold, workers, signal });
    }

    close() {
        this.#engine.close();
        this.#explaining?.then((explainer) => explainer.close()).catch(() => {});
    }

    /* Pixels and bytes are read before this returns. */
    async #run(image, signal, run) {
        this.#engine.checkOpen();
        throwIfAborted(signal);
        const reading = async () =>
            withBrowserDecoder(pictureAtOnce(image) ?? await pictureFrom(image, signal), run);
        return untilAborted(reading(), signal);
    }

    #atOnce(image) {
        this.#engine.checkOpen();
        const picture = pictureAtOnce(image);
        if (!picture)
            throw new ClassifierError('ARGUMENT', "pixels or a file's bytes are taken at once, " +
                `${describe(image)} is not: await classifier.classify(image), logits(image) or embed(image)`);
        return picture.image;
    }
}

function isIterable(object) {
    return Boolean(object?.[Symbol.asyncIterator] ?? object?.[Symbol.iterator]);
}
