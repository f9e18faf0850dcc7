/* Live labels of what a camera sees, classified in a worker.
 *
 *     const live = new CameraClassifier(document.querySelector('video'), {
 *         model: 'objects160.eyelet',
 *         onResult: ([best]) => { output.textContent = best.label; },
 *         onError: ({ message }) => { output.textContent = message; },
 *     });
 *     await live.start();           // asks the user
 *     await live.switchCamera();    // from a phone's back to its front
 *     await live.freeze();          // the frame that is shown stays, and is classified; live.resume()
 *     live.close();
 *
 * The newest frame wins: those that come while one is classified are left out. Errors are ClassifierErrors. */
import { BackgroundClassifier } from './background.js';
import { openCamera } from './camera.js';
import { ClassifierError } from './contract.js';
import { describe } from './source.js';

export class CameraClassifier {
    #video;
    #given; /* the options */
    #own = null; /* the BackgroundClassifier of options.model */
    #info = null;
    #camera = null;
    #constraints;
    #isFrozen = false;
    #isClosed = false;
    #finished = []; /* when the frames of the last second were classified, in milliseconds */

    constructor(video, options) {
        const { model, classifier, facingMode = 'environment' } = options ?? {};
        if (!model === !classifier)
            throw new ClassifierError('ARGUMENT', 'CameraClassifier needs { model } or { classifier }, one of them');
        if (classifier && typeof classifier.classify !== 'function')
            throw new ClassifierError('ARGUMENT', `${describe(classifier)} is no classifier`);
        this.#video = video;
        this.#given = { ...options };
        this.#constraints = { facingMode };
    }

    /* Fulfilled when the camera is on and the model open; results come from then on. */
    async start() {
        this.#checkOpen();
        if (this.#camera)
            return;
        const opening = this.#openModel();
        opening.catch(() => {}); /* the camera's error, if there is one, comes first */
        await this.#openCamera(this.#constraints);
        await opening.catch((error) => {
            this.close();
            throw error;
        });
        this.#run();
    }

    get isFrozen() {
        return this.#isFrozen;
    }

    /* Of the last second. */
    get framesPerSecond() {
        const [first] = this.#finished, last = this.#finished.at(-1), count = this.#finished.length - 1;
        return count > 0 ? 1000 * count / (last - first) : 0;
    }

    /* Another Classifier or BackgroundClassifier, which was opened with `info`. */
    use(classifier, info = classifier.info) {
        this.#own?.close();
        this.#own = null;
        this.#given.classifier = classifier;
        this.#info = info;
    }

    /* The frame that is shown stays; its result is the last one. */
    async freeze() {
        this.#checkStarted();
        this.#isFrozen = true;
        this.#video.pause();
        await this.#classify(this.#camera.frame(this.#size), true);
    }

    async resume() {
        this.#checkStarted();
        this.#isFrozen = false;
        await this.#video.play();
    }

    /* 'user' or 'environment'; undefined of a camera that does not say. */
    get facingMode() {
        return this.#camera ? this.#track.getSettings().facingMode : undefined;
    }

    /* How many cameras there are to switch between; known once one was allowed. */
    async cameraCount() {
        return (await cameras()).length;
    }

    /* To the other side of a phone, else to the next camera. If that one cannot be opened, the one before goes on. */
    async switchCamera() {
        this.#checkStarted();
        const before = this.#constraints, next = await this.#nextCamera();
        this.#camera.close(); /* a phone opens one at a time */
        try {
            await this.#openCamera(next);
        } catch (error) {
            await this.#openCamera(before);
            throw error;
        } finally {
            this.#isFrozen = false;
            if (this.#camera)
                this.#run();
        }
    }

    close() {
        this.#isClosed = true;
        this.#camera?.close();
        this.#camera = null;
        this.#own?.close();
    }

    async #openModel() {
        const { model, wasm, classifier, info } = this.#given;
        if (classifier) {
            this.#info = info ?? classifier.info;
            return;
        }
        this.#own = new BackgroundClassifier();
        ({ info: this.#info } = await this.#own.open({ model, ...wasm && { wasm }, warmUp: true }));
    }

    async #openCamera(constraints) {
        this.#camera = null;
        const camera = await openCamera(this.#video, constraints);
        if (this.#isClosed) {
            camera.close();
            this.#checkOpen();
        }
        this.#camera = camera;
        this.#constraints = constraints;
        this.#track.addEventListener('ended', (cause) => {
            if (this.#camera !== camera)
                return;
            this.#camera = null;
            this.#tell(new ClassifierError('CAMERA',
                'the camera was unplugged or taken away: connect it and start again', { cause }));
        });
    }

    get #track() {
        return this.#video.srcObject.getVideoTracks()[0];
    }

    async #nextCamera() {
        const { facingMode, deviceId } = this.#track.getSettings();
        if (facingMode)
            return { facingMode: facingMode === 'user' ? 'environment' : 'user' };
        const all = await cameras();
        const next = all[(all.findIndex((camera) => camera.deviceId === deviceId) + 1) % all.length];
        return { deviceId: { exact: next.deviceId } };
    }

    /* The model's size, also when it is another one by then. */
    get #size() {
        const info = () => this.#info;
        return {
            get inputWidth() {
                return info().inputWidth;
            },
            get inputHeight() {
                return info().inputHeight;
            },
        };
    }

    async #run() {
        const camera = this.#camera;
        for await (const frame of camera.frames(this.#size)) {
            if (this.#camera !== camera)
                return;
            if (!this.#isFrozen)
                await this.#classify(frame, false);
        }
    }

    async #classify(frame, isFrozen) {
        try {
            const { onResult, topK, threshold, classifier = this.#own } = this.#given, started = performance.now();
            const answer = await classifier.classify(frame, { topK, threshold });
            if (this.#isClosed || !this.#camera || this.#isFrozen !== isFrozen)
                return;
            const finished = performance.now(), { best = answer, milliseconds = finished - started } = answer;
            this.#finished = [...this.#finished.filter((time) => time > finished - 1000), finished];
            onResult?.(best, { milliseconds, framesPerSecond: this.framesPerSecond, isFrozen, frame });
        } catch (error) {
            if (this.#isClosed || error.code === 'CLOSED') /* of a model that was replaced */
                return;
            if (error.code !== 'TRAPPED') /* the next frame would be no better */
                this.close();
            this.#tell(error);
        }
    }

    #tell(error) {
        if (!this.#given.onError)
            throw error;
        this.#given.onError(error);
    }

    #checkOpen() {
        if (this.#isClosed)
            throw new ClassifierError('CLOSED', 'the CameraClassifier has been closed: make another');
    }

    #checkStarted() {
        this.#checkOpen();
        if (!this.#camera)
            throw new ClassifierError('CAMERA', 'the camera is off: await live.start() first');
    }
}

async function cameras() {
    return (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
}
