/* teacher_port.js in a browser's worker, which teacher_remote.js starts. */
import { announce } from './announce.js';
import { listen } from './teacher_port.js';

announce();
listen(self);
