/** Where a model or module comes from. In Node, file: URLs and paths are read from disk. */
export type Source = string | URL | Response | Blob | ArrayBuffer | ArrayBufferView;

export interface LoadOptions {
    /** The model file (.eyelet). Bytes are copied. */
    model: Source | Promise<Source>;
    /** The WebAssembly module; by default classifier.wasm next to classifier.js. */
    wasm?: Source | WebAssembly.Module | Promise<Source | WebAssembly.Module>;
}

/** ImageData, or an object of its shape: RGBA, 8 bits each, alpha not premultiplied. */
export interface Pixels {
    readonly data: Uint8ClampedArray | Uint8Array;
    readonly width: number;
    readonly height: number;
}

/**
 * Pixels, or the bytes of a JPEG, PNG or BMP file. Prefer the file's bytes: the module decodes them to the same bits
 * everywhere, whereas canvas pixels differ between browsers.
 */
export type ImageSource = Pixels | ArrayBuffer | ArrayBufferView;

/** What classifyMany takes: also Files and other Blobs, and promises of images. */
export type ManyImageSource = ImageSource | Blob | Promise<ImageSource | Blob>;

export interface ClassifyManyOptions {
    topK?: number;
    /** Max number of workers; by default one per core, up to 4. */
    workers?: number;
    /** Stops the workers at once. */
    signal?: AbortSignal;
}

export interface Classification {
    /** Text from the author of the model: show it as text, never as HTML. */
    label: string;
    /** Softmax probability, calibrated if the model has a temperature. */
    score: number;
    /** Index of the class in `labels`. */
    index: number;
}

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
}

export interface Classifier {
    readonly labels: readonly string[];
    readonly info: ClassifierInfo;
    /** The best `topK` classes (5 by default) in descending order of score; ties by ascending index. */
    classify(image: ImageSource, options?: { topK?: number }): Classification[];
    /** The logits, one per class; a copy. */
    logits(image: ImageSource): Float32Array;
    /**
     * What the model makes of the image before its last layer, `info.embedding` values; a copy. Images that look alike
     * to the model have vectors with a small angle between them. ARGUMENT if the model has none.
     */
    embed(image: ImageSource): Float32Array;
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
     * `signal` aborts it; it then throws the signal's reason. background.js, worker.js and engine.js must be served next to
     * classifier.js, from the page's own origin; otherwise FETCH is thrown.
     */
    classifyMany(images: Iterable<ManyImageSource> | AsyncIterable<ManyImageSource>, options?: ClassifyManyOptions):
        AsyncGenerator<Classification[] | ClassifierError, void, undefined>;
    /** Frees the memory; later calls throw CLOSED. */
    close(): void;
}

export type ClassifierErrorCode =
    /* the model */
    | 'NOT_A_MODEL' | 'VERSION' | 'TRUNCATED' | 'TOO_LONG' | 'CHECKSUM' | 'HEADER' | 'NODE' | 'LIMIT' | 'NOT_FINITE'
    | 'TEXT' | 'SCALE'
    /* the image; IMAGE_CORRUPT also when a hostile file made the decoder trap */
    | 'IMAGE_FORMAT' | 'IMAGE_SIZE' | 'IMAGE_CORRUPT' | 'IMAGE_TRUNCATED' | 'IMAGE_SIDE' | 'IMAGE_PIXELS' | 'IMAGE_BYTES'
    | 'IMAGE_SCANS' | 'IMAGE_CMYK' | 'IMAGE_12_BIT' | 'IMAGE_LOSSLESS' | 'IMAGE_ARITHMETIC' | 'IMAGE_CGBI'
    /* a file of another format, by its name */
    | 'IMAGE_HEIC' | 'IMAGE_AVIF' | 'IMAGE_WEBP' | 'IMAGE_GIF' | 'IMAGE_TIFF' | 'IMAGE_RAW' | 'IMAGE_JPEG_XL'
    | 'IMAGE_JPEG_2000' | 'IMAGE_SVG' | 'IMAGE_PDF' | 'IMAGE_VIDEO' | 'IMAGE_HTML' | 'IMAGE_LFS_POINTER'
    /* the environment: a missing file, no WebAssembly SIMD, not Eyelet's module, out of memory */
    | 'FETCH' | 'NO_SIMD' | 'NOT_WASM' | 'MEMORY'
    /* the call; after TRAPPED the next call starts a new instance */
    | 'ARGUMENT' | 'CLOSED' | 'TRAPPED';

export class ClassifierError extends Error {
    constructor(code: ClassifierErrorCode, message: string, options?: { cause?: unknown });
    readonly name: 'ClassifierError';
    readonly code: ClassifierErrorCode;
}

export function loadClassifier(options: LoadOptions): Promise<Classifier>;
