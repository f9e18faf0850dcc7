'use client';
/* For React 18 and later: the element as a component, and a classifier as a hook.
 *
 *     <EyeletClassifier model="/objects160.eyelet" image={file} onClassify={(best) => setLabel(best[0].label)} />
 *
 *     const { classifier, error } = useClassifier('/objects160.eyelet');    // both null until the model is there
 *
 * On a server the component renders as an empty <eyelet-classifier>. */
import { createElement, useEffect, useRef, useState } from 'react';

import { loadClassifier } from './classifier.js';
import './element.js';

/* The classifier of the model, closed with the component or when another model is given. `model` is what loadClassifier
 * takes; what is no address must be the same object each time. */
export function useClassifier(model) {
    const [state, setState] = useState({ classifier: null, error: null });
    const key = model instanceof URL ? String(model) : model;
    useEffect(() => {
        let isCurrent = true, opened;
        setState({ classifier: null, error: null });
        loadClassifier({ model: key }).then((classifier) => {
            if (!isCurrent)
                return classifier.close();
            opened = classifier;
            setState({ classifier, error: null });
        }, (error) => isCurrent && setState({ classifier: null, error }));
        return () => {
            isCurrent = false;
            opened?.close();
        };
    }, [key]);
    return state;
}

export function EyeletClassifier(props) {
    const { model, image, topK, threshold, onClassify, onError, className, ...others } = props;
    const reference = useRef(null), heard = useRef({});
    useEffect(() => {
        heard.current = { onClassify, onError };
    });
    useEffect(() => {
        const element = reference.current;
        const listeners = {
            classify: ({ detail }) => heard.current.onClassify?.(detail),
            error: ({ error }) => heard.current.onError?.(error),
        };
        for (const [name, listener] of Object.entries(listeners))
            element.addEventListener(name, listener);
        return () => {
            for (const [name, listener] of Object.entries(listeners))
                element.removeEventListener(name, listener);
        };
    }, []);
    const isAddress = typeof model === 'string';
    useEffect(() => {
        if (!isAddress)
            reference.current.model = model;
    }, [model, isAddress]);
    useEffect(() => {
        reference.current.image = image;
    }, [image]);
    return createElement('eyelet-classifier',
        { ...others, ...(isAddress && { model }), 'top-k': topK, threshold, class: className, ref: reference });
}
