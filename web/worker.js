/* engine_port.js in a browser's worker, which watched_worker.js starts. */
import { announce } from './announce.js';
import { listen } from './engine_port.js';

announce();
listen(self);
