import type { Classification, ClassifierError, Decoded, ImageSource, SignalOption, Source } from './classifier.js';

export { ClassifierError } from './classifier.js';

/** What loadTeacher is given. */
export interface TeacherOptions {
    /**
     * A model with an embedding, such as objects160.eyelet, to teach other classes; or one that a teacher has saved, or
     * that was trained natively and holds examples, to go on with. Bytes are copied. What stands behind the embedding is
     * replaced. NO_HEAD if there is no embedding; or if there are examples, and behind it not one linear layer alone, which
     * could go on with them.
     */
    model: Source | PromiseLike<Source>;
    /**
     * The WebAssembly module, compiled (WebAssembly.Module) or not; by default teacher.wasm beside teacher.js, in the npm
     * package the one that comes along. A compiled one saves the worker from compiling it again.
     */
    wasm?: Source | object | PromiseLike<Source | object>;
}

/** A picture that was taught. */
export interface TaughtExample {
    /** Stays the same for as long as the teacher is open. */
    readonly id: number;
    readonly label: string;
}

/** A class, and how many pictures it has. */
export interface TaughtClass {
    readonly label: string;
    readonly count: number;
}

/** A picture as the model saw it: what ImageData is made of (new ImageData(data, width, height)). */
export interface Thumbnail {
    readonly data: Uint8ClampedArray<ArrayBuffer>;
    readonly width: number;
    readonly height: number;
}

/** A taught picture near to one that was asked about. */
export interface NearExample extends TaughtExample {
    /** Cosine of the angle between the embeddings: 1 for the same picture. */
    readonly similarity: number;
}

/** What `classify` answers. */
export interface TaughtAnswer {
    /** The best `topK` classes, as classifier.classify gives them; index counts in `classes`. */
    best: Decoded<Classification[]>;
    /** The `nearest` taught pictures, the most similar first. */
    nearest: NearExample[];
    /**
     * Whether this looks like nothing that was taught: the nearest picture is less similar than 95 % of the taught ones are
     * to the nearest of the others. False while fewer than ten pictures are there to tell from.
     */
    isOutlier: boolean;
    /** What the worker took for it. */
    milliseconds: number;
}

/** A picture that cross-validation got wrong. */
export interface Mistake {
    readonly id: number;
    /** Its class, and the class that it was taken for. */
    readonly label: string;
    readonly answered: string;
    /** How probable the wrong answer was, from 0 to 1. */
    readonly score: number;
}

/** What `evaluate` found. */
export interface Evaluation {
    /** How many of `count` pictures were right when they were held out; NaN if there were none. */
    accuracy: number;
    /** Wilson's 95 % interval of the accuracy. */
    interval: [low: number, high: number];
    /** Pictures that were held out, each once: all but those of classes with one picture only. */
    count: number;
    /** The classes with pictures, and [i][k]: how many pictures of labels[i] were taken for labels[k]. */
    labels: string[];
    confusion: number[][];
    /** The surest mistakes first. */
    mistakes: Mistake[];
    /**
     * Below this score say "not sure": above it 95 % were right. Undefined where no score has that, or where fewer than 20
     * answers stand above it.
     */
    threshold: number | undefined;
    /** Of the softmax, fitted to the held out pictures; 1 where one of 20 or more does not pay. */
    temperature: number;
    milliseconds: number;
}

/** Facts about a teacher. */
export interface TeacherInfo {
    /** Of the model that is taught: its "key: value" lines. Text from its author. */
    readonly name: string;
    readonly notes: Readonly<Record<string, string>>;
    readonly inputWidth: number;
    readonly inputHeight: number;
    /** Its classes as it came: `classes` are those that are taught. */
    readonly labels: readonly string[];
    /** Values of an embedding. */
    readonly embedding: number;
    /** Bytes of the model. */
    readonly modelBytes: number;
    /** Bytes that are held at present: pictures and embeddings here, and the worker's instances. */
    readonly memoryBytes: number;
    /** Height and width of the thumbnails: the input's, halved once there are more than a thousand pictures. */
    readonly thumbnailSide: number;
    readonly maxClasses: number;
    readonly maxExamples: number;
    /** Of the last `evaluate` or `save`, or of the model that was loaded. */
    readonly threshold: number | undefined;
}

/**
 * Teaches a model other classes from a few pictures of each. The work is done in a worker where there are workers, else
 * in this thread; what returns a promise is done one call after the other, in their order, and sees the classes and
 * pictures that are there when its turn comes. Errors are ClassifierErrors; after TRAPPED call again.
 *
 *     const teacher = await loadTeacher({ model: 'objects160.eyelet' });
 *     for (const file of files)
 *         await teacher.add(file.folder, file);
 *     await teacher.train();
 *     const { best: [best], isOutlier } = await teacher.classify(video);
 *     const bytes = await teacher.save({ name: 'fruit' });      // loadClassifier({ model: bytes }) answers the same
 *
 * The pictures live here, so that nothing is lost when a worker ends: another is started with them.
 */
export interface Teacher {
    /** All pictures in the order in which they were added; a new array when something has changed. */
    readonly examples: readonly TaughtExample[];
    /** All classes in the order in which they were made, also those without pictures. */
    readonly classes: readonly TaughtClass[];
    readonly info: TeacherInfo;
    /**
     * Teaches a picture and promises its id. A class of this label is made where there is none. Pixels and bytes are read
     * before this returns its promise. LIMIT beyond `info.maxExamples` and `info.maxClasses`.
     */
    add(label: string, image: ImageSource, options?: SignalOption): Promise<number>;
    /** Makes a class without pictures, at once; one that is there already stays as it is. TEXT for a label that a model cannot hold. */
    addClass(label: string): void;
    /** Where there is a class `to` already, the pictures go there. ARGUMENT if there is no class `from`. */
    renameClass(from: string, to: string): void;
    /** With its pictures. */
    removeClass(label: string): void;
    /** Takes a picture away. ARGUMENT for an id that is not there. */
    remove(id: number): void;
    /** Gives a picture another class, which is made where there is none. */
    move(id: number, label: string): void;
    /** A copy. */
    thumbnail(id: number): Promise<Thumbnail>;
    /**
     * Fits the head to the pictures, from where it stands: within milliseconds for some hundred pictures. Classes without
     * pictures take no part. TOO_FEW with fewer than two classes that have pictures.
     */
    train(): Promise<{ milliseconds: number; classes: number; examples: number }>;
    /**
     * What the head says of a picture, to the last bit what classify of the saved model answers. Trains before it where
     * pictures have changed since the last training. TOO_FEW as `train`.
     */
    classify(image: ImageSource, options?: { topK?: number; nearest?: number } & SignalOption): Promise<TaughtAnswer>;
    /**
     * An honest estimate: cross-validation on the embeddings. Each class is cut into five blocks in the order in which its
     * pictures came, since those that a camera takes one after the other are nearly the same; each block is answered by a
     * head that was trained without it. It fits the temperature of the softmax, chooses the strength of the regularization
     * (of up to 1,000 pictures) and trains with them, so that scores change a little. TOO_FEW as `train`.
     */
    evaluate(): Promise<Evaluation>;
    /**
     * The taught model, an .eyelet file with the pictures: loadTeacher goes on with it, loadClassifier opens it, and
     * `eyelet train MORE --from FILE` goes on natively. Evaluates before it where that has not been done since the last
     * change; from then on `classify` answers what the file answers. Above 160 MB the thumbnails are made smaller.
     */
    save(options?: { name?: string; notes?: Record<string, string> }): Promise<Uint8Array<ArrayBuffer>>;
    /**
     * What this teacher's pictures have taught, for `eyelet average`: an .eyelet file that classifies, with the weights and,
     * in its notes, how many pictures there were. No picture, embedding, thumbnail, accuracy, temperature or threshold is in
     * it; the weights themselves may tell of the pictures. Its labels are all classes in their order, also those without
     * pictures: an average that is opened brings its own along. TOO_FEW without a picture or with one class.
     */
    exportUpdate(options?: { name?: string }): Promise<Uint8Array<ArrayBuffer>>;
    /** Frees the memory and ends the worker; later calls throw CLOSED, and those that are not answered yet reject with it. */
    close(): void;
}

/**
 * Opens a model to teach it.
 *
 *     const teacher = await loadTeacher({ model: 'objects160.eyelet' });
 *     await teacher.add('apple', file);
 */
export function loadTeacher(options: TeacherOptions): Promise<Teacher>;
