/* worker.js in a browser's worker, whose end is noticed, whatever ends it.
 *
 *     const worker = await startWorker((message) => {}, (reason) => {});    // reason: '' or ' (why)'
 *     worker.postMessage({ id: 1, open: bytes });
 *     worker.terminate();
 *
 * A browser does not tell when it has ended a worker, for lack of memory for instance. So the worker holds a Web Lock
 * (https://www.w3.org/TR/web-locks) for as long as it lives, and here the same lock is waited for. */

/* Milliseconds until a worker gives its first sign of life, with which it names its lock. Files of the own disk come at
 * once; others may come over a slow network. */
const longestStart = /^http/.test(globalThis.location?.protocol) ? 20_000 : 900;

/* Bundlers look for the words `new Worker(new URL('./worker.js', ...` and for no others. */
export const startWorker = async (onMessage, onEnd) =>
    watched(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }), onMessage, onEnd);

/* A worker that begins with announce.js. */
export async function watched(worker, onMessage, onEnd) {
    const waiting = new AbortController();
    let timer;
    const end = (reason = '') => {
        clearTimeout(timer);
        onEnd(reason && ` (${reason})`);
    };
    const hear = (message) => {
        clearTimeout(timer);
        if (message.alive === undefined)
            onMessage(message);
        else if (message.alive)
            navigator.locks.request(message.alive, { signal: waiting.signal }, () => end()).catch(() => {});
    };
    worker.addEventListener('message', ({ data }) => hear(data));
    worker.addEventListener('error', ({ message }) => end(message));
    timer = setTimeout(end, longestStart, `it did not start within ${longestStart / 1000} seconds`);
    return {
        postMessage: (message) => worker.postMessage(message),
        terminate() {
            clearTimeout(timer);
            waiting.abort();
            worker.terminate();
        },
    };
}
