/** What can be a model or a module. In Node, file: URLs and plain paths are read from disk. */
export type Source = string | URL | Response | Blob | ArrayBuffer | ArrayBufferView;

export interface LoadOptions {
    /** The model file (.eyelet). Bytes are copied, so the caller may reuse them. */
    model: Source | Promise<Source>;
    /** The WebAssembly module; by default classifier.wasm beside classifier.js. */
    wasm?: Source | WebAssembly.Module | Promise<Source | WebAssembly.Module>;
}

/** ImageData, or anything of its shape: red, green, blue, alpha, a byte each, alpha not premultiplied. */
export interface Pixels {
    readonly data: Uint8ClampedArray | Uint8Array;
    readonly width: number;
    readonly height: number;
}

/**
 * Pixels, or the bytes of a JPEG or PNG file. Prefer the file's bytes: they are decoded by the module, to the same
 * bits everywhere, whereas canvas pixels differ between browsers.
 */
export type ImageSource = Pixels | ArrayBuffer | ArrayBufferView;

/** What classifyMany takes: also Files and other Blobs, and a promise of an image. */
export type ManyImageSource = ImageSource | Blob | Promise<ImageSource | Blob>;

export interface ClassifyManyOptions {
    topK?: number;
    /** How many workers at most; by default as many as there are cores, up to 4. */
    workers?: number;
    /** Ends the workers at once. */
    signal?: AbortSignal;
}

export interface Classification {
    /** Text from whoever made the model: show it as text, never as HTML. */
    label: string;
    /** Between 0 and 1; the scores of all classes add up to 1. */
    score: number;
    /** The class's place in `labels`. */
    index: number;
}

export interface ClassifierInfo {
    readonly name: string;
    /** The model's "key: value" lines, such as name, network, data, accuracy. Text from whoever made the model. */
    readonly notes: Readonly<Record<string, string>>;
    readonly inputWidth: number;
    readonly inputHeight: number;
    readonly classes: number;
    readonly modelBytes: number;
    /** The score below which the best answer is too often wrong: say "not sure" instead. Undefined if the model names none. */
    readonly threshold: number | undefined;
}

export interface Classifier {
    readonly labels: readonly string[];
    readonly info: ClassifierInfo;
    /** The best `topK` classes (5 by default), best first; of equal scores the lower index first. */
    classify(image: ImageSource, options?: { topK?: number }): Classification[];
    /** The raw outputs of the network, one a class, before softmax; a copy. */
    logits(image: ImageSource): Float32Array;
    /**
     * Classifies many images in workers, each with an instance of its own: on several cores, and without keeping the page or
     * the event loop waiting. Yields, in the order of the images, what `classify` would return for each, to the last bit, or
     * the ClassifierError that says why there is none: TRAPPED also when an image took longer than ten seconds.
     *
     *     for await (const result of classifier.classifyMany(input.files))
     *         show(result instanceof ClassifierError ? result.message : result[0].label);
     *
     * Images may come from an array, a FileList, a generator or a stream. A worker is given at most 64 of them ahead, and beyond
     * three only while they are less than 4 MB in all; their bytes are copied when they are taken. Where reading or fetching an image may fail, give a promise of it: that is one bad image,
     * whereas what the iterable itself throws is thrown here, behind the results of the images before. The workers end with the
     * loop, also when it is left early or `signal` aborts it; it then throws the signal's reason. background.js and worker.js
     * stand beside classifier.js, from the page's own origin; FETCH is thrown where they do not.
     */
    classifyMany(images: Iterable<ManyImageSource> | AsyncIterable<ManyImageSource>, options?: ClassifyManyOptions):
        AsyncGenerator<Classification[] | ClassifierError, void, undefined>;
    /** Lets go of the memory; calls afterwards throw CLOSED. */
    close(): void;
}

export type ClassifierErrorCode =
    /* the model */
    | 'NOT_A_MODEL' | 'VERSION' | 'TRUNCATED' | 'TOO_LONG' | 'CHECKSUM' | 'HEADER' | 'NODE' | 'LIMIT' | 'NOT_FINITE' | 'TEXT' | 'SCALE'
    /* the image; IMAGE_CORRUPT also when a hostile file made the decoder stop */
    | 'IMAGE_FORMAT' | 'IMAGE_SIZE' | 'IMAGE_CORRUPT' | 'IMAGE_CMYK'
    /* the place: a missing file, no WebAssembly with SIMD, something else than Eyelet's module, no memory */
    | 'FETCH' | 'NO_SIMD' | 'NOT_WASM' | 'MEMORY'
    /* the call; after TRAPPED the next call starts afresh */
    | 'ARGUMENT' | 'CLOSED' | 'TRAPPED';

export class ClassifierError extends Error {
    constructor(code: ClassifierErrorCode, message: string, options?: { cause?: unknown });
    readonly name: 'ClassifierError';
    readonly code: ClassifierErrorCode;
}

export function loadClassifier(options: LoadOptions): Promise<Classifier>;
