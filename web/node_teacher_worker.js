/* teacher_port.js in a thread of Node's, which node_teacher.js starts. */
import { parentPort } from 'node:worker_threads';

import { listen } from './teacher_port.js';
import './node_files.js';

listen(parentPort);
