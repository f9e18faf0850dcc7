/* A worker's first message, { alive }: the name of the lock that it holds until it ends, or ''. watched_worker.js hears
 * it.
 *
 *     announce(); */

/* Web Locks are there where the page came over https or from this machine. */
export function announce() {
    const alive = `eyelet worker ${Math.random()}`;
    const untilTheEnd = () => {
        self.postMessage({ alive });
        return new Promise(() => {});
    };
    if (navigator.locks)
        navigator.locks.request(alive, untilTheEnd).catch(() => self.postMessage({ alive: '' }));
    else
        self.postMessage({ alive: '' });
}
