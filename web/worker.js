/* classifier.js in a worker: the same calls as messages. background.js is the other side.
 *
 *     { id, open: model }            ->  { id, value: { labels, info } }
 *     { id, classify: image, topK }  ->  { id, value: { best, milliseconds } }
 *     whatever fails                 ->  { id, error: { code, message } } */
import { loadClassifier } from './classifier.js';

let opening;

self.addEventListener('message', async ({ data: { id, open, classify: image, topK } }) => {
    try {
        if (open)
            opening = loadClassifier({ model: open });
        const classifier = await opening;
        if (open) {
            self.postMessage({ id, value: { labels: classifier.labels, info: classifier.info } });
            warmUp(classifier);
        } else {
            self.postMessage({ id, value: classifyTimed(classifier, image, topK) });
        }
    } catch ({ code = 'TRAPPED', message }) {
        self.postMessage({ id, error: { code, message } });
    }
});

function classifyTimed(classifier, image, topK) {
    const started = performance.now();
    const best = classifier.classify(image, { topK });
    return { best, milliseconds: performance.now() - started };
}

/* Engines compile a module better once it has run: without this the first picture takes ten times as long as the next. */
function warmUp(classifier) {
    const { inputWidth: width, inputHeight: height } = classifier.info;
    const blank = { data: new Uint8Array(width * height * 4), width, height };
    const until = performance.now() + 40; /* milliseconds */
    do
        classifier.classify(blank);
    while (performance.now() < until);
}
