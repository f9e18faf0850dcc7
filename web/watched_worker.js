/* worker.js in a worker of a browser or of Node, whose end is noticed, whatever ends it.
 *
 *     const worker = await startWorker((message) => {}, (reason) => {});    // reason: '' or ' (why)'
 *     worker.postMessage({ id: 1, open: bytes });
 *     worker.terminate();
 *
 * A browser does not tell when it has ended a worker, for lack of memory for instance. So the worker holds a Web Lock
 * (https://www.w3.org/TR/web-locks) for as long as it lives, and here the same lock is waited for. */

/* Milliseconds until a browser's worker gives its first sign of life, with which it names its lock. Files of the own
 * disk come at once; others may come over a slow network. Of Node's threads every end is told. */
const longestStart = import.meta.url.startsWith('file:') ? 900 : 20_000;

export async function startWorker(onMessage, onEnd) {
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
    const isBrowser = typeof Worker === 'function', worker = isBrowser ? inBrowser(hear, end) : await inNode(hear, end);
    if (isBrowser)
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

/* Bundlers look for the words `new Worker(new URL('./worker.js', ...` and for no others. */
function inBrowser(hear, end) {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }) => hear(data));
    worker.addEventListener('error', ({ message }) => end(message));
    return worker;
}

async function inNode(hear, end) {
    const { Worker: Thread } = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:worker_threads');
    const options = { execArgv: [] }; /* the program's own flags may be none that a worker takes */
    return new Thread(new URL('./worker.js', import.meta.url), options).on('message', hear)
        .on('error', ({ message }) => end(message)).on('exit', () => end());
}
