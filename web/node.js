/* The public module in Node: classifier.js, which here also reads paths and file: URLs, and starts threads.
 *
 *     import { loadClassifier } from './node.js';
 *
 *     const classifier = await loadClassifier({ model: 'models/tutorial.eyelet' });
 *     const [best] = await classifier.classify('photo.jpg'); */
import { Worker } from 'node:worker_threads';

import { platform } from './background.js';
import { wasmBytes } from './classifier_wasm.js';
import './node_platform.js';

export * from './classifier.js';

platform.wasm = wasmBytes;

platform.startWorker = async (onMessage, onEnd) => {
    const options = { execArgv: [] }; /* the program's own flags may be none that a worker takes */
    return new Worker(new URL('./node_worker.js', import.meta.url), options).on('message', onMessage)
        .on('error', ({ message }) => onEnd(` (${message})`)).on('exit', () => onEnd(''));
};
