import type { HTMLAttributes, ReactElement, ReactNode } from 'react';

import type { Classifications, Classifier, ClassifierError, Decoded, ImageSource, LoadOptions } from './classifier.js';

/**
 * The classifier of the model; both are null until that is open. It is closed with the component, and when another model
 * is given. A model that is no address, such as bytes, must be the same object each time.
 */
export function useClassifier(model: LoadOptions['model']):
    | { classifier: Classifier; error: null }
    | { classifier: null; error: ClassifierError | null };

/** Of the component: the element's, and what any element has. */
export interface EyeletClassifierProps extends Omit<HTMLAttributes<HTMLElement>, 'onError'> {
    model: LoadOptions['model'];
    /** The address of an image. */
    src?: string;
    /** The image, whatever classifier.classify takes; instead of `src`. */
    image?: ImageSource | null;
    topK?: number;
    threshold?: number;
    onClassify?: (best: Decoded<Classifications>) => void;
    onError?: (error: ClassifierError) => void;
    /** The text of the chooser. */
    children?: ReactNode;
}

/** <eyelet-classifier> (eyelet/element) as a component. */
export function EyeletClassifier(props: EyeletClassifierProps): ReactElement;
