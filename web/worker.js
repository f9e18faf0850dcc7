/* classifier.js in a worker, of a browser or of Node: the same calls as messages. background.js is the other side.
 *
 *     { id, open: model, wasm, warmUp }  ->  { id, value: { labels, info } }
 *     { id, classify: image, topK }      ->  { id, value: { best, milliseconds } }
 *     whatever fails                     ->  { id, error: { code, message } } */
import { loadClassifier } from './classifier.js';

let opening;

function listen(port) {
    port.addEventListener('message', async ({ data: { id, open, wasm, warmUp, classify: image, topK } }) => {
        try {
            if (open)
                opening = loadClassifier({ model: open, wasm });
            const classifier = await opening;
            if (open) {
                port.postMessage({ id, value: { labels: classifier.labels, info: classifier.info } });
                if (warmUp)
                    runOnBlanks(classifier);
            } else {
                port.postMessage({ id, value: classifyTimed(classifier, image, topK) });
            }
        } catch ({ code = 'TRAPPED', message }) {
            port.postMessage({ id, error: { code, message } });
        }
    });
}

function classifyTimed(classifier, image, topK) {
    const started = performance.now();
    const best = classifier.classify(image, { topK });
    return { best, milliseconds: performance.now() - started };
}

/* Engines compile a module better once it has run: without this the first picture takes ten times as long as the next. */
function runOnBlanks(classifier) {
    const { inputWidth: width, inputHeight: height } = classifier.info;
    const blank = { data: new Uint8Array(width * height * 4), width, height };
    const until = performance.now() + 40; /* milliseconds */
    do
        classifier.classify(blank);
    while (performance.now() < until);
}

if (typeof self === 'object')
    listen(self);
else
    import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:worker_threads').then(({ parentPort }) => listen(parentPort));
