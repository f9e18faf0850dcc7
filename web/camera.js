/* A camera's frames, drawn at the model's size: of a frame of 1280 x 720 pixels, for a model of 32 x 32, the 57 x 32
 * that count, not 500 times as many.
 *
 *     const camera = await openCamera(document.querySelector('video'));    // asks the user
 *     for await (const frame of camera.frames(classifier.info)) {          // the newest one each time
 *         const [best] = await classifier.classify(frame, { topK: 1 });
 *         output.textContent = best.label;
 *     }
 *
 * The loop ends with camera.close(). The browser scales the frames, so that scores differ a little from those of the
 * whole frame, classifier.classify(video), and between browsers. */
import { ClassifierError } from './contract.js';
import { contextOf, pixelsOf } from './picture.js';
import { describe, untilAborted } from './source.js';

const refusals = {
    NotAllowedError: 'was not allowed: ask for it on a click, and in an <iframe> with allow="camera"',
    NotFoundError: 'was not found: is one connected?',
    NotReadableError: 'is used by another program: close that',
    OverconstrainedError: 'that would fit these constraints was not found: ask for less',
};

/* Shows the camera in the <video>. `constraints` are those of getUserMedia({ video }). */
export async function openCamera(video, constraints = { facingMode: 'environment' }) {
    if (typeof video?.play !== 'function')
        throw new ClassifierError('ARGUMENT',
            `openCamera needs a <video> to show the camera in, not ${describe(video)}`);
    if (!globalThis.navigator?.mediaDevices)
        throw new ClassifierError('CAMERA', 'there is no camera for this page: open it over https, or from localhost');
    let stream;
    try {
        stream = await navigator.mediaDevices.getUserMedia({ video: constraints });
        Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
        await video.play();
        return new Camera(video, stream);
    } catch (cause) {
        switchOff(video, stream);
        throw new ClassifierError('CAMERA',
            `a camera ${refusals[cause.name] ?? `could not be opened (${cause.message})`}`, { cause });
    }
}

function switchOff(video, stream) {
    for (const track of stream?.getTracks() ?? [])
        track.stop();
    video.srcObject = null;
}

function checkInfo(info) {
    if (!(info?.inputWidth > 0 && info.inputHeight > 0))
        throw new ClassifierError('ARGUMENT', 'camera.frames needs the size of the input: pass classifier.info');
    return info;
}

class Camera {
    #stream;
    #isClosed = false;
    #context; /* of frames of one size */
    #waiting = new Set(); /* what ends the wait for a frame */

    constructor(video, stream) {
        this.video = video;
        this.#stream = stream;
        stream.getVideoTracks()[0].addEventListener('ended', () => this.close()); /* unplugged */
        Object.freeze(this);
    }

    async *frames(info, options) {
        checkInfo(info);
        for (;;) {
            await untilAborted(this.#nextFrame(), options?.signal);
            if (this.#isClosed)
                return;
            yield this.frame(info);
        }
    }

    /* The frame that is shown. */
    frame(info) {
        const { inputWidth, inputHeight } = checkInfo(info);
        const { videoWidth, videoHeight } = this.video; /* a phone may have been turned */
        const scale = Math.min(1, Math.max(inputWidth / videoWidth, inputHeight / videoHeight));
        const width = Math.round(videoWidth * scale), height = Math.round(videoHeight * scale);
        const kept = this.#context, isOfSize = kept?.canvas.width === width && kept.canvas.height === height;
        const context = isOfSize ? kept
            : Object.assign(contextOf(width, height, 'a camera'), { imageSmoothingQuality: 'high' });
        this.#context = context;
        return pixelsOf(this.video, width, height, context);
    }

    close() {
        this.#isClosed = true;
        this.#waiting.forEach((wake) => wake());
        switchOff(this.video, this.#stream);
    }

    /* Fulfilled when the video shows another frame, or the camera is closed. */
    async #nextFrame() {
        const { video } = this;
        let wake;
        const woken = new Promise((resolve) => { wake = resolve; });
        this.#waiting.add(wake);
        if (this.#isClosed)
            wake();
        else if (video.requestVideoFrameCallback)
            video.requestVideoFrameCallback(wake);
        else
            requestAnimationFrame(wake); /* Firefox before 132 */
        await woken;
        this.#waiting.delete(wake);
    }
}
