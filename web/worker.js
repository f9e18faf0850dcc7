/* engine_port.js in a browser's worker, which watched_worker.js starts. Its first message is { alive }: the name of the
 * lock that it holds until it ends, or ''. */
import { listen } from './engine_port.js';

/* Web Locks are there where the page came over https or from this machine. */
function announce() {
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

announce();
listen(self);
