/* Classifies images with an Eyelet model, in browsers (page or worker) and in Node.
 *
 *     import { loadClassifier } from './classifier.js';
 *
 *     const classifier = await loadClassifier({ model: 'models/tutorial.eyelet' });
 *     const [best] = classifier.classify(await file.arrayBuffer());    // a JPEG or PNG file, or ImageData
 *     console.log(best.label, best.score);
 *
 *     for await (const result of classifier.classifyMany(files))       // in workers, on several cores; in the files' order
 *         console.log(result instanceof ClassifierError ? result.message : result[0].label);
 *
 * The same image bytes and model give the same numbers to the last bit wherever this runs, and in the native program.
 * Everything that fails throws a ClassifierError. Types and details: classifier.d.ts. */

/* The names of core/base/status.h's values, by number. */
const statusCodes = [
    'OK', 'NOT_A_MODEL', 'VERSION', 'TRUNCATED', 'TOO_LONG', 'CHECKSUM', 'HEADER', 'NODE', 'LIMIT', 'NOT_FINITE', 'TEXT',
    'MEMORY', 'IMAGE_FORMAT', 'IMAGE_SIZE', 'IMAGE_CORRUPT', 'IMAGE_CMYK', 'SCALE',
];
const statusMemory = statusCodes.indexOf('MEMORY');

/* As in core/base/bounds.h; checked here first, before anything is allocated or narrowed to 32 bits. */
const largestModel = 160 * 2 ** 20, largestFile = 64 * 2 ** 20, largestSide = 16384, largestPixels = 64e6;

const mostWorkers = 4; /* by default: each has a model and its memory */

const requiredExports = [
    'memory', '_initialize', 'model_buffer', 'model_open', 'pixel_buffer', 'classify_pixels', 'logits', 'probabilities',
    'class_count', 'label', 'notes', 'status_message', 'input_width', 'input_height',
];

/* The module announces that its memory has grown; views are compared with memory.buffer instead. */
const imports = { env: { emscripten_notify_memory_growth() {} } };

export class ClassifierError extends Error {
    constructor(code, message, options) {
        super(message, options);
        this.name = 'ClassifierError';
        this.code = code;
    }
}

export async function loadClassifier({ model, wasm = new URL('./classifier.wasm', import.meta.url) } = {}) {
    if (model === undefined || model === null)
        throw new ClassifierError('ARGUMENT', 'loadClassifier needs { model }: a URL, a Response, bytes or a Blob');
    const [module, { bytes, name }] = await Promise.all([compile(wasm), read(model, 'the model')]);
    return new Classifier(module, bytes, name);
}

class Classifier {
    #module;
    #model;
    #modelName;
    #exports; /* of the running instance; null after a trap, until the next call starts another */
    #bytes = new Uint8Array(0); /* views on the instance's memory */
    #floats = new Float32Array(0);

    constructor(module, model, modelName) {
        this.#module = module;
        this.#model = model;
        this.#modelName = modelName;
        const exports = this.#exports = start(module, model, modelName);
        const labels = Array.from({ length: exports.class_count() }, (_, index) => text(exports, exports.label(index)));
        const notes = Object.freeze(parseNotes(text(exports, exports.notes())));
        this.labels = Object.freeze(labels);
        this.info = Object.freeze({
            name: notes.name ?? '',
            notes,
            inputWidth: exports.input_width(),
            inputHeight: exports.input_height(),
            classes: labels.length,
            modelBytes: model.length,
            threshold: thresholdIn(notes),
        });
        Object.freeze(this);
    }

    classify(image, { topK = 5 } = {}) {
        checkCount(topK, 'topK');
        const first = (this.#run(image).probabilities() >>> 0) / 4;
        const { labels } = this, best = [];
        for (let index = 0; index < labels.length; index++) {
            const score = this.#floats[first + index];
            let place = Math.min(best.length, topK - 1);
            if (place < best.length && !(score > best[place].score))
                continue;
            for (; place > 0 && best[place - 1].score < score; place--)
                best[place] = best[place - 1];
            best[place] = { label: labels[index], score, index };
        }
        return best;
    }

    logits(image) {
        const first = (this.#run(image).logits() >>> 0) / 4;
        return this.#floats.slice(first, first + this.labels.length);
    }

    classifyMany(images, { topK = 5, workers, signal } = {}) {
        checkCount(topK, 'topK');
        if (workers !== undefined)
            checkCount(workers, 'workers');
        if (typeof images !== 'object' || bytesOf(images) || !(images?.[Symbol.asyncIterator] ?? images?.[Symbol.iterator]))
            throw new ClassifierError('ARGUMENT', 'classifyMany takes an array or another iterable of images');
        this.#checkOpen();
        return inWorkers(images, { model: this.#model, wasm: this.#module }, { topK, workers, signal });
    }

    close() {
        this.#module = this.#model = this.#exports = null;
        this.#bytes = this.#floats = null;
    }

    #checkOpen() {
        if (!this.#model)
            throw new ClassifierError('CLOSED', 'the classifier has been closed');
    }

    /* Runs the network; the results stand in the memory of the instance whose exports are returned. */
    #run(image) {
        this.#checkOpen();
        const isPixels = ArrayBuffer.isView(image?.data);
        const { width, height } = isPixels ? image : {};
        const input = isPixels ? checkedPixels(image.data, width, height) : checkedFile(image);
        const exports = this.#exports ??= start(this.#module, this.#model, this.#modelName);
        if (!isPixels && !exports.classify_file)
            throw new ClassifierError('IMAGE_FORMAT', 'this module was built without decoders: pass pixels');
        let status = statusMemory;
        try {
            const place = (isPixels ? exports.pixel_buffer(width, height) : exports.file_buffer(input.length)) >>> 0;
            if (place) {
                this.#view(exports).set(input, place);
                status = isPixels ? exports.classify_pixels(width, height) : exports.classify_file(input.length);
            }
        } catch (cause) {
            this.#exports = null;
            if (!isPixels && cause instanceof WebAssembly.RuntimeError)
                throw new ClassifierError('IMAGE_CORRUPT', 'the image is damaged: its decoder was stopped', { cause });
            throw new ClassifierError('TRAPPED', 'the WebAssembly module was stopped', { cause });
        }
        if (status)
            throw statusError(exports, status);
        this.#view(exports);
        return exports;
    }

    #view({ memory: { buffer } }) {
        if (this.#bytes.buffer !== buffer) {
            this.#bytes = new Uint8Array(buffer);
            this.#floats = new Float32Array(buffer);
        }
        return this.#bytes;
    }
}

/* The pool of workers is a file of its own, fetched when it is first needed. Each worker gets the compiled module. */
async function* inWorkers(images, opening, { topK, workers, signal }) {
    const { classifyInOrder } = await import('./background.js');
    const cores = globalThis.navigator?.hardwareConcurrency
        ?? (await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:os')).cpus().length; /* Node 18 and 20 */
    yield* classifyInOrder(images, forWorker, opening, { topK, workers: workers ?? Math.min(cores, mostWorkers), signal });
}

/* An image, or a promise of one, as a worker takes it: pixels or the bytes of a file, a copy that nobody else changes. The copy
 * of bytes that are there is made before this returns its promise. */
async function forWorker(image) {
    const given = typeof image?.then === 'function' ? await Promise.resolve(image).catch(unreadable) : image;
    if (given?.size > largestFile)
        throw new ClassifierError('IMAGE_SIZE', `the image file is larger than ${largestFile / 2 ** 20} MB`);
    if (typeof given?.arrayBuffer === 'function')
        return checkedFile(await given.arrayBuffer().catch(unreadable));
    if (!ArrayBuffer.isView(given?.data))
        return checkedFile(given).slice();
    const { data, width, height } = given;
    return { data: new Uint8Array(checkedPixels(data, width, height)), width, height };
}

function unreadable(cause) {
    throw cause instanceof ClassifierError ? cause
        : new ClassifierError('FETCH', `the image could not be read (${cause?.message ?? cause})`, { cause });
}

/* Instantiates the module and opens the model in it. Synchronous, so that a call after a trap simply works. */
function start(module, model, modelName) {
    if (model.length > largestModel)
        throw new ClassifierError('LIMIT', `${modelName}: larger than ${largestModel / 2 ** 20} MB`);
    let exports, status = statusMemory;
    try {
        ({ exports } = new WebAssembly.Instance(module, imports));
        exports._initialize();
        const place = exports.model_buffer(model.length) >>> 0;
        if (place) {
            new Uint8Array(exports.memory.buffer).set(model, place);
            status = exports.model_open();
        }
    } catch (cause) {
        if (cause instanceof RangeError)
            throw new ClassifierError('MEMORY', 'there is not enough memory for a WebAssembly instance', { cause });
        throw new ClassifierError('TRAPPED', `${modelName}: the WebAssembly module was stopped`, { cause });
    }
    if (status)
        throw statusError(exports, status, modelName, statusCodes[status] === 'NOT_A_MODEL' ? whatItIs(model) : '');
    return exports;
}

function statusError(exports, status, name = '', hint = '') {
    const message = text(exports, exports.status_message(status));
    return new ClassifierError(statusCodes[status] ?? 'TRAPPED', (name && `${name}: `) + message + (hint && ` (${hint})`));
}

function checkCount(number, name) {
    if (!Number.isInteger(number) || number < 1)
        throw new ClassifierError('ARGUMENT', `${name} is to be a whole number of at least 1`);
}

function checkedPixels(data, width, height) {
    if (!(data instanceof Uint8ClampedArray || data instanceof Uint8Array))
        throw new ClassifierError('ARGUMENT', 'image.data is to be a Uint8ClampedArray or Uint8Array of RGBA');
    if (!Number.isInteger(width) || !Number.isInteger(height))
        throw new ClassifierError('ARGUMENT', 'image.width and image.height are to be whole numbers');
    if (width < 1 || height < 1 || width > largestSide || height > largestSide || width * height > largestPixels)
        throw new ClassifierError('IMAGE_SIZE', `an image of ${width} x ${height} pixels is not accepted: ` +
            'at least one pixel, at most 16,384 a side and 64 million in all');
    if (data.length !== width * height * 4)
        throw new ClassifierError('ARGUMENT', `image.data has ${data.length} bytes, but ${width} x ${height} pixels ` +
            `of RGBA are ${width * height * 4}`);
    return data;
}

function checkedFile(image) {
    const bytes = bytesOf(image);
    if (!bytes)
        throw new ClassifierError('ARGUMENT', 'an image is { data, width, height } or the bytes of a JPEG or PNG file; ' +
            'of a Blob pass await blob.arrayBuffer(), of an element its pixels by way of a canvas');
    if (bytes.length === 0)
        throw new ClassifierError('IMAGE_FORMAT', 'the image file is empty');
    if (bytes.length > largestFile)
        throw new ClassifierError('IMAGE_SIZE', `the image file is larger than ${largestFile / 2 ** 20} MB`);
    return bytes;
}

/* The bytes of a buffer or view, not copied; undefined of anything else. By name, because buffers from another
 * realm (a frame, a test runner's sandbox) are no instances of this one's ArrayBuffer. */
function bytesOf(value) {
    if (ArrayBuffer.isView(value))
        return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value)))
        return new Uint8Array(value);
    return undefined;
}

function text(exports, place) {
    const bytes = new Uint8Array(exports.memory.buffer, place >>> 0);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, bytes.indexOf(0)));
}

function parseNotes(notes) {
    return Object.fromEntries(notes.split('\n').map((line) => /^([^:]+):\s*(.*)$/.exec(line)).filter(Boolean)
        .map(([, key, value]) => [key.trim(), value.trim()]));
}

/* What `eyelet calibrate` wrote; the notes may also be anybody's. */
function thresholdIn(notes) {
    const score = Number.parseFloat(notes['not sure below']);
    return score > 0 && score <= 1 ? score : undefined;
}

async function compile(source) {
    if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(simdModule))
        throw new ClassifierError('NO_SIMD', 'this browser is too old: it lacks WebAssembly with 128-bit SIMD');
    const given = await source;
    let module = given;
    if (!(given instanceof WebAssembly.Module)) {
        const { bytes, name } = await read(given, 'the WebAssembly module');
        const hint = whatItIs(bytes);
        if (hint)
            throw new ClassifierError('NOT_WASM', `${name}: this is not a WebAssembly module (${hint})`);
        try {
            module = await WebAssembly.compile(bytes);
        } catch (cause) {
            const policy = /content security|disallowed by embedder|unsafe-eval/i.test(cause.message);
            throw new ClassifierError('NOT_WASM', policy
                ? "the page's Content-Security-Policy forbids WebAssembly: script-src needs 'wasm-unsafe-eval'"
                : `${name}: this is not a WebAssembly module that can be compiled`, { cause });
        }
    }
    const exported = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
    const isOurs = requiredExports.every((name) => exported.has(name)) && WebAssembly.Module.imports(module)
        .every(({ module, name, kind }) => kind === 'function' && typeof imports[module]?.[name] === 'function');
    if (!isOurs)
        throw new ClassifierError('NOT_WASM', "this WebAssembly module is not Eyelet's");
    return module;
}

/* The smallest module with a SIMD instruction: (func (result v128) i32.const 0 i8x16.splat i8x16.popcnt). */
const simdModule = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/* Names what often arrives in the place of a binary file; an empty string if it is none of these. */
function whatItIs(bytes) {
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

/* The bytes of whatever the caller names, theirs alone (a model is kept for a fresh start), and a name for errors. */
async function read(source, role) {
    const given = await source;
    const isPlace = typeof given === 'string' || given instanceof URL;
    const name = isPlace ? shorten(String(given)) : given?.url || role;
    if (isPlace && isLocalFile(given))
        return { bytes: await readLocalFile(given, name), name };
    const holder = isPlace ? await fetchFrom(given, name) : given;
    if (typeof holder?.arrayBuffer === 'function') {
        if (holder.ok === false)
            throw new ClassifierError('FETCH', `${name}: HTTP ${holder.status} ${holder.statusText}`.trim());
        try {
            return { bytes: new Uint8Array(await holder.arrayBuffer()), name };
        } catch (cause) {
            throw new ClassifierError('FETCH', `${name}: it could not be read (${cause.message})`, { cause });
        }
    }
    const bytes = bytesOf(holder);
    if (!bytes)
        throw new ClassifierError('ARGUMENT', `${role} is to be a URL, a Response, bytes or a Blob`);
    return { bytes: bytes.slice(), name };
}

/* A data: URL holds the whole file. */
function shorten(name) {
    return name.length > 300 ? `${name.slice(0, 80)}...` : name;
}

async function fetchFrom(url, name) {
    try {
        return await fetch(url);
    } catch (cause) {
        throw new ClassifierError('FETCH', `${name}: it could not be fetched (${cause.message})`, { cause });
    }
}

/* In Node, file: URLs and paths; a drive letter is not a scheme. */
function isLocalFile(place) {
    const isNode = typeof process === 'object' && Boolean(process.versions?.node);
    return isNode && (/^file:/i.test(place) || !/^[a-z][a-z0-9+.-]+:/i.test(place));
}

async function readLocalFile(place, name) {
    /* Bundlers for browsers would stop at a node: import; this line never runs there. */
    const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:fs/promises');
    try {
        return new Uint8Array(await readFile(/^file:/i.test(place) ? new URL(place) : place));
    } catch (cause) {
        throw new ClassifierError('FETCH', `${name}: it could not be read (${cause.code ?? cause.message})`, { cause });
    }
}
