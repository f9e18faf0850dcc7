import type { Classifications, ClassifierError, Decoded, ImageSource, LoadOptions } from './classifier.js';

/** What the element tells. */
export interface EyeletClassifierEventMap {
    /** The best classes of the image; bubbles. */
    classify: CustomEvent<Decoded<Classifications>>;
    /** Of the model or the image; `error` is mostly a ClassifierError. */
    error: ErrorEvent & { readonly error: ClassifierError | Error };
}

/**
 * <eyelet-classifier model="objects160.eyelet" src="photo.jpg" top-k="3" threshold="0.5">: classifies an image that is
 * chosen, dropped or pasted, or that `src` or `image` says, and shows the names of the best classes.
 *
 * What stands in the element is the text of its chooser. Its parts for CSS, ::part(...): chooser, image, results, result,
 * label, score, message.
 */
export class EyeletClassifier extends HTMLElement {
    /** The model: an address, the same as the attribute, or what loadClassifier takes. */
    get model(): LoadOptions['model'] | null;
    set model(model: LoadOptions['model'] | null);
    /** The address of an image; the same as the attribute. */
    src: string;
    /** The image, whatever classifier.classify takes; instead of `src`. Null: none, or that of `src`. */
    get image(): ImageSource | null;
    set image(image: ImageSource | null | undefined);
    /** Max number of classes; the attribute top-k. */
    topK: number | undefined;
    /** Only classes with at least this score, from 0 to 1: "Not sure" where there is none. By default the model's own. */
    threshold: number | undefined;
    /** The newest result. */
    readonly result: Decoded<Classifications> | null;

    addEventListener<Name extends keyof EyeletClassifierEventMap>(name: Name,
        listener: (event: EyeletClassifierEventMap[Name]) => void, options?: boolean | AddEventListenerOptions): void;
    addEventListener(name: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
    interface HTMLElementTagNameMap {
        'eyelet-classifier': EyeletClassifier;
    }
}
