/* engine_port.js in a thread of Node's, which node.js starts. */
import { parentPort } from 'node:worker_threads';

import { listen } from './engine_port.js';
import './node_files.js';

listen(parentPort);
