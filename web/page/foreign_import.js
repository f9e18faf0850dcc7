/* From the files of another program's model to an .eyelet file, by importer.wasm (wasm/importer/exports.c).
 *
 *     const bytes = await importFiles('importer.wasm', { form: 'zip', files: [{ name: 'mine.zip', bytes: zip },
 *         { name: 'model.json', bytes: json }, { name: 'weights.bin', bytes: weights }] });
 *
 * The first file is what was named: form 'folder' (without bytes), 'zip', or 'file', which is one of the model's;
 * behind it stand the others in the order of their names. Throws ClassifierErrors. Where the reason lies in the files,
 * there are `words` in it, those that a sentence in another language needs, and the code is FOREIGN, or else
 * FOREIGN_KEY where the table of a language may have a sentence: the key is that of struct failure (cli/errors.h). */
import { ClassifierError } from '../contract.js';
import { moduleImports, readSource } from '../source.js';

const forms = ['folder', 'zip', 'file'];
const texts = ['failure_subject', 'failure_reason', 'failure_hint', 'reason_key', 'reason_words'];

export async function importFiles(wasm, { form, files }) {
    const { exports } = await WebAssembly.instantiate(await moduleOf(wasm), moduleImports);
    let address;
    try {
        exports._initialize();
        for (const file of files)
            hand(exports, file);
        address = exports.import_files(forms.indexOf(form));
    } catch (cause) {
        throw new ClassifierError('FOREIGN_MEMORY', 'there is not enough memory to read this model: ' +
            'close other tabs, then try again', { cause });
    }
    if (!address)
        throw reasonOf(exports);
    return new Uint8Array(exports.memory.buffer, address, exports.imported_size()).slice();
}

async function moduleOf(wasm) {
    if (wasm instanceof WebAssembly.Module)
        return wasm;
    const { bytes, name } = await readSource(wasm, 'the WebAssembly module');
    return WebAssembly.compile(bytes).catch((cause) => {
        throw new ClassifierError('NOT_WASM', `${name}: this is not a valid WebAssembly module`, { cause });
    });
}

function hand(exports, { name, bytes }) {
    const letters = new TextEncoder().encode(name.replaceAll('\0', '?'));
    const address = exports.file_buffer(letters.length, bytes.length);
    const memory = new Uint8Array(exports.memory.buffer);
    memory.set(letters, address);
    memory.set(bytes, address + letters.length + 1);
}

/* "mine.zip: there is no weights.bin in the zip. The model needs it.", as FOREIGN_NO_FILE with the word weights.bin. */
function reasonOf(exports) {
    const memory = new Uint8Array(exports.memory.buffer);
    const [subject, reason, hint, key, words] = texts.map((name) => {
        const start = exports[name]();
        return new TextDecoder().decode(memory.subarray(start, memory.indexOf(0, start)));
    });
    const message = `${subject ? `${subject}: ` : ''}${reason}${hint ? `. ${hint}` : ''}`;
    const error = new ClassifierError(key ? `FOREIGN_${key}` : 'FOREIGN', message);
    return Object.assign(error, { words: words.split('\n') });
}
