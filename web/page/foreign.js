/* Models of other programs: what TensorFlow.js writes, and so Teachable Machine's export, as a .zip, a folder or its
 * files. They become what `eyelet import` makes of them, to the byte, by importer.wasm, in a worker of its own.
 *
 *     const model = foreignModel(files, { pathOf });    // null: there is none among the files
 *     addModel({ name: model.name || 'Mine', bytes: model.bytes });    // bytes: promises those of an .eyelet file
 *     files.filter((file) => !model.files.includes(file));             // what is none of its files
 *
 * Nothing is read before `bytes` is called, which rejects with a ClassifierError. */
import { ClassifierError } from '../contract.js';
import { watched } from '../watched_worker.js';
import { text } from './texts.js';
import { foreignParcel, partsOf } from './foreign_files.js';

const timeLimit = 60_000; /* milliseconds */

export function foreignModel(files, { pathOf }) {
    const parts = partsOf(files, { pathOf });
    if (!parts)
        return null;
    let made = null; /* promise of the bytes: the model may be opened again */
    return { ...parts, bytes: () => {
        made ??= importModel(parts);
        return made;
    } };
}

async function importModel(parts) {
    const { bytes, reason, code, words } = await inWorker(await foreignParcel(parts));
    if (bytes)
        return bytes;
    throw words ? refusal(reason, code, words) : new ClassifierError(code, reason);
}

/* words: of the sentence that the reader's language may have for the code (sentenceOf). */
function refusal(reason, code = 'FOREIGN', words = []) {
    return Object.assign(new ClassifierError(code, text('foreign.failed', { reason })), { words });
}

/* What the worker answers. */
async function inWorker(parcel) {
    const own = new Worker(new URL('./foreign_worker.js', import.meta.url), { type: 'module' });
    let worker, timer;
    try {
        return await new Promise((resolve, reject) => {
            timer = setTimeout(() => reject(refusal(text('foreign.slow', { seconds: timeLimit / 1000 }))), timeLimit);
            worker = watched(own, resolve, (reason) => reject(refusal(text('foreign.ended', { reason }))));
            worker.then(({ postMessage }) => postMessage(parcel)).catch(reject);
        });
    } finally {
        clearTimeout(timer);
        (await worker).terminate();
    }
}
