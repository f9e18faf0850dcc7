/* engine.js behind a worker's messages, of a browser or of Node. background.js is the other side.
 *
 *     { id, open: model, wasm, warmUp }  ->  { id, value: { labels, info } }
 *     { id, classify: picture, scores }  ->  { id, value: { best, milliseconds } }
 *     { id, explain: picture, wanted, wasm }  ->  { id, value: what engine.explain returns }; wasm: teacher.wasm
 *     any that fails                     ->  { id, error: { code, message } }
 *
 * A picture is what picture.js makes, scores are { topK, threshold }. Every answer has `hasGrown`: whether the picture
 * was a giant, whose memory may be held until the worker ends. */
import { openEngine } from './engine.js';
import { withBrowserDecoder } from './picture.js';

let opening; /* promise of the engine */
let explaining; /* the same of teacher.wasm's, once it was needed */
let engines = []; /* what these have become */

export function listen(port) {
    let known = 0;
    const answer = (message) => {
        const giants = engines.reduce((sum, engine) => sum + engine.giants, 0);
        port.postMessage({ ...message, hasGrown: giants > known });
        known = giants;
    };
    port.addEventListener('message', async ({ data }) => {
        const { id, open, wasm, warmUp, classify: picture, scores } = data;
        try {
            if (open) {
                engines = [];
                opening = opened({ model: open, wasm });
                explaining = null;
            }
            const engine = await opening;
            if (open) {
                answer({ id, value: { labels: engine.labels, info: engine.info } });
                if (warmUp)
                    runOnBlanks(engine);
            } else if (data.explain) {
                answer({ id, value: await explain(engine, data) });
            } else {
                answer({ id, value: await classifyTimed(engine, picture, scores) });
            }
        } catch ({ code = 'TRAPPED', message }) {
            answer({ id, error: { code, message } });
        }
    });
}

async function opened(opening) {
    const engine = await openEngine(opening);
    engines.push(engine);
    return engine;
}

async function classifyTimed(engine, picture, scores) {
    const started = performance.now();
    const best = await withBrowserDecoder(picture, (image) => engine.classify(image, scores));
    return { best, milliseconds: performance.now() - started };
}

async function explain(engine, { explain: picture, wanted, wasm }) {
    explaining ??= opened({ ...engine.opening, wasm });
    explaining.catch(() => { explaining = null; }); /* another try may find the module */
    const explainer = await explaining;
    return withBrowserDecoder(picture, (image) => explainer.explain(image, wanted));
}

/* JavaScript engines optimise a module while it runs: without this the first image takes 10x the time of the
 * next. */
function runOnBlanks(engine) {
    const { inputWidth: width, inputHeight: height } = engine.info;
    const blank = { data: new Uint8Array(width * height * 4), width, height };
    const until = performance.now() + 40; /* milliseconds */
    do
        engine.classify(blank);
    while (performance.now() < until);
}
