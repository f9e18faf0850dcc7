/* What browsers and Node have, by its shape, so that this compiles without TypeScript's DOM library too. */

/** A URL. */
export interface Address {
    readonly href: string;
    readonly protocol: string;
    readonly searchParams: unknown;
}

/** A Response, a Blob or a File. */
export interface FileHolder {
    arrayBuffer(): Promise<ArrayBuffer>;
}

/** An AbortSignal. */
export interface Signal {
    readonly aborted: boolean;
    readonly reason?: unknown;
    addEventListener(type: 'abort', listener: () => void): void;
    removeEventListener(type: 'abort', listener: () => void): void;
}

/** Where a model or module comes from. In Node, file: URLs and paths are read from disk. */
export type Source = string | Address | FileHolder | ArrayBuffer | ArrayBufferView;

/** What loadClassifier is given. */
export interface LoadOptions {
    /** The model file (.eyelet). Bytes are copied. */
    model: Source | PromiseLike<Source>;
    /**
     * The WebAssembly module, compiled (WebAssembly.Module) or not; by default classifier.wasm beside classifier.js, in the npm
     * package the one that comes along.
     */
    wasm?: Source | object | PromiseLike<Source | object>;
}

/**
 * ImageData, or an object of its shape, such as sharp, canvas and @napi-rs/canvas make it: 8 bits a sample, in sRGB, alpha
 * not premultiplied. Without `channels` the number of bytes says whether they are RGBA, RGB or grey.
 */
export interface Pixels {
    readonly data: Uint8ClampedArray | Uint8Array | ArrayBuffer;
    readonly width: number;
    readonly height: number;
    readonly channels?: 1 | 3 | 4;
}

/** What sharp's toBuffer({ resolveWithObject: true }) gives of raw pixels. */
export interface SharpPixels {
    readonly data: Uint8Array;
    readonly info: { readonly width: number; readonly height: number; readonly channels: number };
}

/**
 * Pixels, or the bytes of a JPEG, PNG or BMP file. Prefer the file's bytes: the module decodes them to the same bits
 * everywhere, whereas canvas pixels differ between browsers.
 */
export type PixelsOrBytes = Pixels | SharpPixels | ArrayBuffer | ArrayBufferView;

/** ImageData of any kind: that in display-p3 or with samples of 16 bits is converted where there is an OffscreenCanvas. */
export interface AnyImageData {
    readonly data: ArrayBufferView;
    readonly width: number;
    readonly height: number;
    readonly colorSpace: string;
}

/**
 * An <img> or an SVG <image>, of which the file's bytes are read where scripts may read them; a canvas, an
 * OffscreenCanvas, a <video>, an ImageBitmap or a VideoFrame.
 */
export type Drawable =
    | { readonly naturalWidth: number; readonly naturalHeight: number; readonly complete: boolean; readonly src: unknown }
    | { readonly href: { readonly baseVal: string }; readonly width: { readonly baseVal: unknown } }
    | { getContext(kind: '2d'): unknown; readonly width: number; readonly height: number }
    | { readonly videoWidth: number; readonly videoHeight: number; readonly readyState: number }
    | { readonly width: number; readonly height: number; close(): void }
    | { readonly displayWidth: number; readonly displayHeight: number; close(): void };

/** What people hold. A string is an address, also data: and blob:, in Node also a path. */
export type ImageSource = PixelsOrBytes | AnyImageData | Drawable | Source | PromiseLike<ImageSource>;

/** How a call is given up. */
export interface SignalOption {
    /** Ends the call at once: ABORTED is thrown, with the signal's reason as `cause`. */
    signal?: Signal;
}

/** Which of the classes are given. */
export interface ScoreOptions {
    /** Max number of classes; 5 by default. */
    topK?: number;
    /** Only classes with at least this score, from 0 to 1; perhaps none. `info.threshold` is a model's own. */
    threshold?: number;
}

/** What classifyMany is given. */
export interface ClassifyManyOptions extends ScoreOptions, SignalOption {
    /** Max number of workers; by default one per core, up to 4. */
    workers?: number;
}

/**
 * 'browser' where the browser has decoded the image: a file that the module's decoder refuses and the browser's reads
 * (WebP, AVIF, GIF, a CMYK or damaged JPEG; turned as the browser turns it), an element or a frame. Then equal bits are
 * not promised.
 */
export type Decoded<T> = T & { decoder?: 'browser' };

/**
 * The best classes. `isOutlier`: no class's logit reaches the model's `outlierLimit`, so that the image is probably none of
 * what the model knows, whatever the scores; undefined if the model has no limit or one is reached.
 */
export type Classifications = Classification[] & { isOutlier?: true };

/** A class, and how probable it is. */
export interface Classification {
    /** Text from the author of the model: show it as text, never as HTML. */
    label: string;
    /** Softmax probability, calibrated if the model has a temperature. */
    score: number;
    /** Index of the class in `labels`. */
    index: number;
}

/** Which class is explained. */
export interface ExplainOptions extends SignalOption {
    /** Its index or its label; by default the best class. */
    class?: number | string;
}

/** A map of numbers from 0 to 1, row by row: the largest is 1, or all are 0 where nothing speaks for the class. */
export interface ExplanationMap {
    readonly map: Float32Array;
    readonly width: number;
    readonly height: number;
}

/** Where in the image the model sees what speaks for a class; `map` is of the model's input size. */
export interface Explanation extends Classification, ExplanationMap {
    /** The map as it is computed, of the size of the finer of the two feature maps. */
    readonly grid: ExplanationMap;
    /**
     * The part of the upright image that both are of, as fractions of its width and height: a centred part where the
     * model crops, beyond 0 .. 1 where it pads.
     */
    readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** Facts about the model. */
export interface ClassifierInfo {
    readonly name: string;
    /** The model's "key: value" lines, such as name, network, data, accuracy. Text from the author of the model. */
    readonly notes: Readonly<Record<string, string>>;
    readonly inputWidth: number;
    readonly inputHeight: number;
    readonly classes: number;
    /** Values of an embedding; 0 if the model has none. */
    readonly embedding: number;
    readonly modelBytes: number;
    /** Rejection threshold: below this score say "not sure" instead of the best label. Undefined if the model has none. */
    readonly threshold: number | undefined;
    /**
     * The max logit that 95 % of the validation images reach (Hendrycks et al. 2022). Undefined if the model has none.
     */
    readonly outlierLimit: number | undefined;
}

/**
 * An open model. Several calls may run at once; the same bytes give the same numbers to the last bit on every machine. On
 * failure calls throw, or reject their promise with, a ClassifierError.
 *
 *     const [best] = await classifier.classify(file);
 *     console.log(best.label, best.score);
 */
export interface Classifier {
    readonly labels: readonly string[];
    readonly info: ClassifierInfo;
    /**
     * The best `topK` classes (5 by default) in descending order of score; ties by ascending index. Pixels and bytes are
     * read before this returns its promise, so that their buffer may be used again.
     */
    classify(image: ImageSource, options?: ScoreOptions & SignalOption): Promise<Decoded<Classifications>>;
    /** The logits, one per class; a copy. */
    logits(image: ImageSource, options?: SignalOption): Promise<Decoded<Float32Array>>;
    /**
     * What the model makes of the image before its last layer, `info.embedding` values; a copy. Images that look alike
     * to the model have vectors with a small angle between them. ARGUMENT if the model has none.
     */
    embed(image: ImageSource, options?: SignalOption): Promise<Decoded<Float32Array>>;
    /**
     * Where in the image the model sees what speaks for a class: Grad-CAM (Selvaraju et al. 2017) of the last feature
     * map times HiResCAM (Draelos & Carin 2020) of a finer one. Loads `teacher.wasm`, the module that goes back through
     * the network, with the first call. NO_FEATURE_MAP: no layer of the model makes
     * more than one pixel.
     */
    explain(image: ImageSource, options?: ExplainOptions): Promise<Decoded<Explanation>>;
    /** The first three of what needs no waiting; without the browser's decoder. */
    classifySync(image: PixelsOrBytes, options?: ScoreOptions): Classifications;
    logitsSync(image: PixelsOrBytes): Float32Array;
    embedSync(image: PixelsOrBytes): Float32Array;
    /**
     * Classifies many images in workers, on several cores, without blocking the page or the event loop. Yields, in the order
     * of the images, what `classify` would return for each, to the last bit, or the ClassifierError that it would throw;
     * TRAPPED also when an image took longer than ten seconds.
     *
     *     for await (const result of classifier.classifyMany(input.files))
     *         show(result instanceof ClassifierError ? result.message : result[0].label);
     *
     * Images may come from an array, a FileList, a generator or a stream. Each worker is given up to 64 of them ahead, and
     * beyond three only while they are less than 4 MB in all; their bytes are copied when they are read. Where reading or
     * fetching one image may fail, give a promise of it: that costs one image, whereas an error of the iterable itself is
     * thrown here, after the results of the images before it. The workers end with the loop, also when it is left early or
     * `signal` aborts it; it then throws ABORTED. Where no worker can be started (a service worker starts none, and
     * console.warn tells if a bundler or server has left out worker.js) images are classified one by one in this thread.
     */
    classifyMany(images: Iterable<ImageSource> | AsyncIterable<ImageSource>, options?: ClassifyManyOptions):
        AsyncGenerator<Decoded<Classifications> | ClassifierError, void, undefined>;
    /** Frees the memory; later calls throw CLOSED. */
    close(): void;
}

/** What failed; the message says what came and what mends it. */
export type ClassifierErrorCode =
    /* the model */
    | 'NOT_A_MODEL' | 'VERSION' | 'TRUNCATED' | 'TOO_LONG' | 'CHECKSUM' | 'HEADER' | 'NODE' | 'LIMIT' | 'NOT_FINITE'
    | 'TEXT' | 'SCALE'
    /* explain: no layer of the model makes more than one pixel */
    | 'NO_FEATURE_MAP'
    /* teaching (teacher.d.ts): a model whose head cannot be replaced; fewer than two classes with pictures */
    | 'NO_HEAD' | 'TOO_FEW'
    /* the image; IMAGE_CORRUPT also when a hostile file made the decoder trap */
    | 'IMAGE_FORMAT' | 'IMAGE_SIZE' | 'IMAGE_CORRUPT' | 'IMAGE_TRUNCATED' | 'IMAGE_SIDE' | 'IMAGE_PIXELS' | 'IMAGE_BYTES'
    | 'IMAGE_SCANS' | 'IMAGE_CMYK' | 'IMAGE_12_BIT' | 'IMAGE_LOSSLESS' | 'IMAGE_ARITHMETIC' | 'IMAGE_CGBI'
    /* a file of another format, by its name */
    | 'IMAGE_HEIC' | 'IMAGE_AVIF' | 'IMAGE_WEBP' | 'IMAGE_GIF' | 'IMAGE_TIFF' | 'IMAGE_RAW' | 'IMAGE_JPEG_XL'
    | 'IMAGE_JPEG_2000' | 'IMAGE_SVG' | 'IMAGE_PDF' | 'IMAGE_VIDEO' | 'IMAGE_HTML' | 'IMAGE_LFS_POINTER'
    /* the environment: a missing file, no WebAssembly SIMD, not Eyelet's module, out of memory */
    | 'FETCH' | 'NO_SIMD' | 'NOT_WASM' | 'MEMORY'
    /* what came: an element that is not loaded, pixels of another origin, a buffer or frame that was given away */
    | 'NOT_READY' | 'TAINTED' | 'DETACHED' | 'CAMERA'
    /* the call; after TRAPPED the next call starts a new instance */
    | 'ARGUMENT' | 'ABORTED' | 'CLOSED' | 'TRAPPED';

/** What every call throws; `cause` is the error behind it, if there is one. */
export class ClassifierError extends Error {
    constructor(code: ClassifierErrorCode, message: string, options?: { cause?: unknown });
    readonly name: 'ClassifierError';
    readonly code: ClassifierErrorCode;
}

/**
 * Opens a model.
 *
 *     const classifier = await loadClassifier({ model: 'objects160.eyelet' });
 */
export function loadClassifier(options: LoadOptions): Promise<Classifier>;

/**
 * A camera that is shown in a <video>.
 *
 *     const camera = await openCamera(document.querySelector('video'));
 */
export interface Camera {
    readonly video: VideoElement;
    /**
     * The newest frame each time it is asked for one, drawn at the size of the model's input, one side perhaps longer:
     *
     *     for await (const frame of camera.frames(classifier.info))
     *         show(await classifier.classify(frame));
     *
     * The browser scales them, so that scores differ a little from those of `classify(video)`, which draws whole frames.
     * Ends with close(); ABORTED is thrown when `signal` aborts it.
     */
    frames(info: Pick<ClassifierInfo, 'inputWidth' | 'inputHeight'>, options?: SignalOption):
        AsyncGenerator<Pixels, void, undefined>;
    /** The frame that is shown now, drawn at that size. */
    frame(info: Pick<ClassifierInfo, 'inputWidth' | 'inputHeight'>): Pixels;
    /** Switches the camera off. */
    close(): void;
}

/** A <video>. */
export interface VideoElement {
    srcObject: unknown;
    readonly videoWidth: number;
    readonly videoHeight: number;
    readonly readyState: number;
    play(): Promise<void>;
}

/**
 * Asks the user for a camera and shows it in the <video>. `constraints` are those of getUserMedia({ video }); by default
 * the camera of a phone's back. CAMERA if there is none, it is refused, or the page is not of https or localhost.
 */
export function openCamera(video: VideoElement, constraints?: object | boolean): Promise<Camera>;

/** What a CameraClassifier tells with each result. */
export interface CameraResult {
    /** What the frame's classification took. */
    milliseconds: number;
    /** Of the last second. */
    framesPerSecond: number;
    /** Whether this is the frame that freeze() has left on the screen. */
    isFrozen: boolean;
    /** The pixels that were classified. */
    frame: Pixels;
}

/** What a CameraClassifier is given. */
export interface CameraClassifierOptions extends ScoreOptions {
    /** A model, which is opened in a worker: address, bytes, Blob or Response; this or `classifier`. */
    model?: LoadOptions['model'];
    wasm?: LoadOptions['wasm'];
    /** An open classifier, which classifies in this thread, and stays open. */
    classifier?: Pick<Classifier, 'classify' | 'info'>;
    onResult?(best: Decoded<Classification[]>, details: CameraResult): void;
    /**
     * What happens after start(). CAMERA: it was unplugged, and is off; TRAPPED: one frame was given up, the next ones are
     * classified; any other: it is closed. Without this it is an unhandled rejection.
     */
    onError?(error: ClassifierError): void;
    /** Which side of a phone; 'environment', its back, by default. */
    facingMode?: 'environment' | 'user';
}

/**
 * Live labels of what a camera sees. The newest frame wins: what comes while one is classified is left out. Frames are
 * drawn at the size of the model's input.
 *
 *     const live = new CameraClassifier(document.querySelector('video'), {
 *         model: 'objects160.eyelet',
 *         onResult: ([best]) => { output.textContent = best.label; },
 *         onError: ({ message }) => { output.textContent = message; },
 *     });
 *     await live.start();
 */
export class CameraClassifier {
    constructor(video: VideoElement, options: CameraClassifierOptions);
    /** Asks the user. CAMERA if there is none, it is refused or used elsewhere; the errors of opening a model. */
    start(): Promise<void>;
    /** Stops at the frame that is shown; fulfilled when that one's result was told. */
    freeze(): Promise<void>;
    resume(): Promise<void>;
    readonly isFrozen: boolean;
    readonly framesPerSecond: number;
    /** Which side of a phone is on; undefined of a camera that does not say. A front camera is shown as in a mirror, by CSS. */
    readonly facingMode: string | undefined;
    /** The number of cameras, known once one is on. */
    cameraCount(): Promise<number>;
    /** To the other side of a phone, elsewhere to the next camera. If that cannot be opened the one before goes on. */
    switchCamera(): Promise<void>;
    /** Goes on with another model. */
    use(classifier: Pick<Classifier, 'classify' | 'info'>): void;
    /** Switches the camera off, and closes the model if it was opened here. */
    close(): void;
}
