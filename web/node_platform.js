/* What Node has, for node.js and node_teacher.js: threads, files, and the module that teaches. */
import { cpus } from 'node:os';

import { platform } from './background.js';
import './node_files.js';

platform.teacherWasm = async () => (await import('./teacher_wasm.js')).wasmBytes();

platform.hasWorkers = () => true;

platform.coreCount = () => cpus().length || 1; /* none are told where there is no /proc */
