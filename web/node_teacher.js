/* teacher.js in Node: paths are read, and threads teach.
 *
 *     import { loadTeacher } from './node_teacher.js';
 *
 *     const teacher = await loadTeacher({ model: 'models/objects160.eyelet' }); */
import { Worker } from 'node:worker_threads';

import { platform } from './background.js';
import './node_platform.js';

export * from './teacher.js';

platform.startTeacher = async (onMessage, onEnd) => {
    const options = { execArgv: [] }; /* the program's own flags may be none that a worker takes */
    return new Worker(new URL('./node_teacher_worker.js', import.meta.url), options).on('message', onMessage)
        .on('error', ({ message }) => onEnd(` (${message})`)).on('exit', () => onEnd(''));
};
