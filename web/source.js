/* Reads models and modules from whatever names or holds them, and compiles the module.
 *
 *     const { bytes, name } = await readSource('models/tutorial.eyelet', 'the model');
 *     const module = await compileModule(new URL('./classifier.wasm', import.meta.url));
 *
 * A source is a URL, a Response, a Blob, bytes, or a promise of one; in Node also a path. Throws ClassifierErrors. */
import { ClassifierError } from './contract.js';

const requiredExports = [
    'memory', '_initialize', 'model_buffer', 'model_open', 'pixel_buffer', 'classify_pixels', 'logits', 'probabilities',
    'class_count', 'embedding', 'embedding_count', 'label', 'notes', 'status_message', 'input_width', 'input_height',
];

/* The module announces that its memory has grown; views are compared with memory.buffer instead. */
export const moduleImports = { env: { emscripten_notify_memory_growth() {} } };

/* The smallest module with a SIMD instruction: (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt). */
const simdModule = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

export async function compileModule(source) {
    if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(simdModule))
        throw new ClassifierError('NO_SIMD', 'this browser is too old: it lacks WebAssembly with 128-bit SIMD');
    const given = await source;
    const module = given instanceof WebAssembly.Module ? given : await compileBytes(given);
    const exported = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
    const isOurs = requiredExports.every((name) => exported.has(name)) && WebAssembly.Module.imports(module)
        .every(({ module, name, kind }) => kind === 'function' && typeof moduleImports[module]?.[name] === 'function');
    if (!isOurs)
        throw new ClassifierError('NOT_WASM', "this WebAssembly module is not Eyelet's");
    return module;
}

async function compileBytes(source) {
    const { bytes, name } = await readSource(source, 'the WebAssembly module');
    const hint = recognise(bytes);
    if (hint)
        throw new ClassifierError('NOT_WASM', `${name}: this is not a WebAssembly module (${hint})`);
    try {
        return await WebAssembly.compile(bytes);
    } catch (cause) {
        const isForbidden = /content security|disallowed by embedder|unsafe-eval/i.test(cause.message);
        throw new ClassifierError('NOT_WASM', isForbidden
            ? "the page's Content-Security-Policy forbids WebAssembly: script-src needs 'wasm-unsafe-eval'"
            : `${name}: this is not a valid WebAssembly module`, { cause });
    }
}

/* How paths and file: URLs are read: readFile(location) promises their bytes. Null: they are fetched, as all addresses
 * are. node_files.js sets it. */
export const disk = { readFile: null };

/* Names what is often served instead of a binary file; an empty string for anything else. */
export function recognise(bytes) {
    const head = String.fromCharCode(...bytes.subarray(0, 64)).replace(/^\xef\xbb\xbf/, '').trimStart();
    if (bytes.length === 0)
        return 'the file is empty';
    if (head.startsWith('<'))
        return 'got HTML: is the path right?';
    if (head.startsWith('version https://git-lfs'))
        return 'got a Git LFS pointer: run git lfs pull';
    if (bytes[0] === 0x1f && bytes[1] === 0x8b)
        return 'got gzip: serve it with Content-Encoding: gzip, or unpack it';
    return '';
}

/* The source's bytes, a copy (a model is kept to start a new instance after a trap), and its name for error
 * messages. */
export async function readSource(source, role, fetchOptions) {
    const given = await source;
    const isLocation = isAddress(given);
    const name = isLocation ? shorten(String(given)) : given?.url || role;
    if (isLocation && isLocalFile(given))
        return { bytes: await readLocalFile(given, name), name };
    const holder = isLocation ? await fetchFrom(given, name, fetchOptions) : given;
    if (typeof holder?.arrayBuffer === 'function')
        return { bytes: await readHolder(holder, name), name };
    const bytes = bytesOf(holder);
    if (!bytes)
        throw new ClassifierError('ARGUMENT', `${role} must be a URL, a Response, bytes or a Blob`);
    return { bytes: bytes.slice(), name };
}

/* Of a Response, a Blob or the like. */
async function readHolder(holder, name) {
    if (holder.ok === false)
        throw new ClassifierError('FETCH', holder.type === 'opaque'
            ? `${name}: scripts may not read an opaque response: fetch it without mode: 'no-cors'`
            : `${name}: HTTP ${holder.status} ${holder.statusText}`.trim());
    if (holder.bodyUsed)
        throw new ClassifierError('FETCH', `${name}: the response was read before: pass response.clone() there`);
    try {
        return new Uint8Array(await holder.arrayBuffer());
    } catch (cause) {
        throw new ClassifierError('FETCH', `${name}: cannot be read (${cause.message})`, { cause });
    }
}

/* "Uint8Array", "HTMLImageElement": which class a value is of, also if it is of another realm's (a frame, a test
 * runner's sandbox), of which it would be no instance here. */
export function tagOf(value) {
    return Object.prototype.toString.call(value).slice(8, -1);
}

/* What a value is, for messages: "null", "a number", "an HTMLImageElement". */
export function describe(value) {
    if (value === null || value === undefined)
        return String(value);
    try {
        const tag = tagOf(value), isObject = typeof value === 'object';
        const name = !isObject ? typeof value : tag === 'Object' ? value.constructor?.name || tag : tag;
        return `${/^([AEIO]|HTML|SVG)/.test(name) ? 'an' : 'a'} ${name}`;
    } catch {
        return 'an object that scripts may not look into'; /* a window of another origin */
    }
}

/* The bytes of a buffer or view, not copied; undefined for anything else. */
export function bytesOf(value) {
    const isView = ArrayBuffer.isView(value);
    if (!isView && !/^(Shared)?ArrayBuffer$/.test(tagOf(value)))
        return undefined;
    try {
        return isView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    } catch (cause) {
        throw new ClassifierError('DETACHED', `${describe(value)} is empty since it was transferred, as postMessage ` +
            'does with what stands in its list: transfer a copy, bytes.slice()', { cause });
    }
}

export function isAddress(value) {
    return typeof value === 'string' || tagOf(value) === 'URL';
}

/* The promise's outcome, or ABORTED as soon as the signal, if there is one, aborts. */
export async function untilAborted(promise, signal) {
    if (!signal)
        return promise;
    promise.catch(() => {}); /* nobody may be left to hear of it */
    throwIfAborted(signal);
    let abort;
    const aborted = new Promise((_, reject) => {
        abort = () => reject(abortedError(signal));
        signal.addEventListener('abort', abort);
    });
    return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

export function abortedError({ reason }) {
    return new ClassifierError('ABORTED', `the signal was aborted (${reason?.message ?? reason}): ` +
        'a new call needs a new AbortController', { cause: reason });
}

export function throwIfAborted(signal) {
    if (signal && typeof signal.addEventListener !== 'function')
        throw new ClassifierError('ARGUMENT', `signal must be an AbortSignal, not ${describe(signal)}: ` +
            'of an AbortController pass controller.signal');
    if (signal?.aborted)
        throw abortedError(signal);
}

/* A data: URL contains the file. */
function shorten(name) {
    return name.length > 300 ? `${name.slice(0, 80)}...` : name;
}

async function fetchFrom(url, name, options) {
    try {
        return await fetch(url, options);
    } catch (cause) {
        const isNode = Boolean(globalThis.process?.versions?.node);
        const hint = isNode && !disk.readFile ? ': in Node, import node.js, not classifier.js' : '';
        throw new ClassifierError('FETCH', `${name}: cannot be fetched (${cause.message})${hint}`, { cause });
    }
}

/* Where files are read, file: URLs and paths; a drive letter is not a scheme. */
function isLocalFile(location) {
    return disk.readFile && (/^file:/i.test(location) || !/^[a-z][a-z0-9+.-]+:/i.test(location));
}

async function readLocalFile(location, name) {
    try {
        return new Uint8Array(await disk.readFile(location));
    } catch (cause) {
        throw new ClassifierError('FETCH', `${name}: cannot be read (${cause.code ?? cause.message})`, { cause });
    }
}
