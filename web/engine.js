/* One model in one instance of the WebAssembly module: what classifier.js, its workers and the standalone page share.
 *
 *     const engine = await openEngine({ model: 'models/tutorial.eyelet', wasm: 'classifier.wasm' });
 *     const [best] = engine.classify(bytes, { topK: 1 });
 *     engine.close();
 *
 * Calls are synchronous. After a trap, or a picture that took very much memory, the instance is discarded, and the
 * next call starts another. */
import { ClassifierError, defaultTopK, limits, statusCodes } from './contract.js';
import { checkedFile, checkedPixels, looksLikePixels } from './pixels.js';
import { compileModule, moduleImports, readSource, recognise } from './source.js';

const statusMemory = statusCodes.indexOf('MEMORY');

/* Memory of an instance never shrinks: one that has grown by more than this, for a giant, is given up after it. */
const maxGrowth = 128 * 2 ** 20;

export async function openEngine({ model, wasm }) {
    if (model === undefined || model === null)
        throw new ClassifierError('ARGUMENT', 'loadClassifier needs { model }: a URL, a Response, bytes or a Blob');
    const [module, { bytes, name }] = await Promise.all([compileModule(wasm), readSource(model, 'the model')]);
    return new Engine(module, bytes, name);
}

class Engine {
    #module;
    #model;
    #modelName;
    #exports; /* of the running instance; null after a trap or a giant, until the next call starts another */
    #openedBytes; /* of its memory when the model was open */
    #giants = 0;
    #bytes = new Uint8Array(0); /* views on the instance's memory */
    #floats = new Float32Array(0);

    constructor(module, model, modelName) {
        this.#module = module;
        this.#model = model;
        this.#modelName = modelName;
        const exports = this.#running();
        const labelAt = (_, index) => textAt(exports, exports.label(index));
        const labels = Array.from({ length: exports.class_count() }, labelAt);
        const notes = Object.freeze(parseNotes(textAt(exports, exports.notes())));
        this.labels = Object.freeze(labels);
        this.info = Object.freeze({
            name: notes.name ?? '',
            notes,
            inputWidth: exports.input_width(),
            inputHeight: exports.input_height(),
            classes: labels.length,
            embedding: exports.embedding_count(),
            modelBytes: model.length,
            threshold: thresholdIn(notes),
            outlierLimit: outlierLimitIn(notes),
        });
    }

    classify(image, options) {
        const { topK = defaultTopK, threshold = 0 } = options ?? {};
        checkScoreOptions({ topK, threshold });
        const exports = this.#run(image), first = (exports.probabilities() >>> 0) / 4;
        const { labels } = this, best = [];
        for (let index = 0; index < labels.length; index++) {
            const score = this.#floats[first + index];
            let rank = Math.min(best.length, topK - 1);
            if (rank < best.length && !(score > best[rank].score))
                continue;
            for (; rank > 0 && best[rank - 1].score < score; rank--)
                best[rank] = best[rank - 1];
            best[rank] = { label: labels[index], score, index };
        }
        const isOutlier = this.#floats[(exports.logits() >>> 0) / 4 + best[0].index] < this.info.outlierLimit;
        this.#giveUpGiant();
        const result = best.filter(({ score }) => score >= threshold);
        return isOutlier ? Object.assign(result, { isOutlier }) : result;
    }

    logits(image) {
        const first = (this.#run(image).logits() >>> 0) / 4;
        const logits = this.#floats.slice(first, first + this.labels.length);
        this.#giveUpGiant();
        return logits;
    }

    embed(image) {
        return this.#look(image, false).embedding;
    }

    /* In teacher.wasm: { embedding, pixels }, with what the model saw of the image, (height, width, 3). */
    look(image) {
        return this.#look(image, true);
    }

    #look(image, withPixels) {
        this.checkOpen();
        const { embedding: count, inputWidth, inputHeight } = this.info;
        if (!count)
            throw new ClassifierError('ARGUMENT', `${this.#modelName}: the model has no embedding`);
        const exports = this.#run(image), first = (exports.embedding() >>> 0) / 4;
        if (!first)
            throw new ClassifierError('MEMORY', 'there is not enough memory for the embedding');
        const bytes = this.#view(exports), seen = { embedding: this.#floats.slice(first, first + count) };
        if (withPixels) {
            const address = exports.input_pixels() >>> 0;
            seen.pixels = bytes.slice(address, address + inputWidth * inputHeight * 3);
        }
        this.#giveUpGiant();
        return seen;
    }

    /* Of an engine that was opened with teacher.wasm; wanted: as in indexOfClass. */
    explain(image, wanted) {
        const chosen = indexOfClass(wanted, this.labels), exports = this.#run(image);
        const index = chosen ?? this.#best(exports), score = this.#floats[(exports.probabilities() >>> 0) / 4 + index];
        const status = exports.explain_open() || exports.explain(index);
        const heat = status ? 0 : exports.explain_heat() >>> 0;
        this.#view(exports);
        if (status)
            throw statusError(exports, status, this.#modelName);
        if (!heat)
            throw new ClassifierError('MEMORY', 'there is not enough memory for the map');
        const { inputWidth: width, inputHeight: height } = this.info;
        const grid = { width: exports.explain_columns(), height: exports.explain_rows() };
        const floatsAt = (address, count) => this.#floats.slice(address / 4, address / 4 + count);
        grid.map = floatsAt(exports.explain_map() >>> 0, grid.width * grid.height);
        const [x, y, across, down] = new Float64Array(this.#bytes.buffer, exports.explain_part() >>> 0, 4);
        const map = floatsAt(heat, width * height);
        this.#giveUpGiant();
        const box = { x, y, width: across, height: down };
        return { label: this.labels[index], index, score, map, width, height, grid, box };
    }

    #best(exports) {
        const first = (exports.probabilities() >>> 0) / 4;
        const scores = this.#floats.subarray(first, first + this.labels.length);
        return scores.indexOf(scores.reduce((a, b) => Math.max(a, b)));
    }

    /* What another engine of the same model is opened with: { model, wasm }. */
    get opening() {
        this.checkOpen();
        return { model: this.#model, wasm: this.#module };
    }

    /* Instances given up for their size: their memory is held until they are collected, or the worker ends. */
    get giants() {
        return this.#giants;
    }

    close() {
        this.#module = this.#model = this.#exports = null;
        this.#bytes = this.#floats = null;
    }

    checkOpen() {
        if (!this.#model)
            throw new ClassifierError('CLOSED', 'the classifier has been closed: load it again');
    }

    /* Runs the network; the results stand in the memory of the instance whose exports are returned. */
    #run(image) {
        this.checkOpen();
        const isPixels = looksLikePixels(image);
        const { data: input, width, height } = isPixels ? checkedPixels(image) : { data: checkedFile(image) };
        const exports = this.#running();
        if (!isPixels && !exports.classify_file)
            throw new ClassifierError('IMAGE_FORMAT', 'this module was built without decoders: pass pixels');
        let status = statusMemory;
        try {
            const address = (isPixels ? exports.pixel_buffer(width, height) : exports.file_buffer(input.length)) >>> 0;
            if (address) {
                this.#view(exports).set(input, address);
                status = isPixels ? exports.classify_pixels(width, height) : exports.classify_file(input.length);
            }
        } catch (cause) {
            this.#view(exports);
            this.#giveUpGiant();
            this.#exports = null;
            if (!isPixels && cause instanceof WebAssembly.RuntimeError)
                throw new ClassifierError('IMAGE_CORRUPT', 'the image is damaged: its decoder was stopped', { cause });
            throw new ClassifierError('TRAPPED', 'the WebAssembly module trapped', { cause });
        }
        this.#view(exports);
        if (status) {
            this.#giveUpGiant();
            throw statusError(exports, status);
        }
        return exports;
    }

    #running() {
        if (!this.#exports) {
            this.#exports = start(this.#module, this.#model, this.#modelName);
            this.#openedBytes = this.#exports.memory.buffer.byteLength;
        }
        return this.#exports;
    }

    #giveUpGiant() {
        if (this.#bytes.length - this.#openedBytes <= maxGrowth)
            return;
        this.#giants++;
        this.#exports = null;
        this.#bytes = new Uint8Array(0);
        this.#floats = new Float32Array(0);
    }

    #view({ memory: { buffer } }) {
        if (this.#bytes.buffer !== buffer) {
            this.#bytes = new Uint8Array(buffer);
            this.#floats = new Float32Array(buffer);
        }
        return this.#bytes;
    }
}

/* Instantiates the module and opens the model in it, for classifying or, by 'teacher_open', for teaching. Synchronous,
 * so that a call after a trap simply works. */
export function start(module, model, modelName, open = 'model_open') {
    if (model.length > limits.modelBytes)
        throw new ClassifierError('LIMIT', `${modelName}: larger than ${limits.modelBytes / 2 ** 20} MB`);
    let exports, status = statusMemory;
    try {
        ({ exports } = new WebAssembly.Instance(module, moduleImports));
        exports._initialize();
        const address = exports.model_buffer(model.length) >>> 0;
        if (address) {
            new Uint8Array(exports.memory.buffer).set(model, address);
            status = exports[open]();
        }
    } catch (cause) {
        if (cause instanceof RangeError)
            throw new ClassifierError('MEMORY', 'there is not enough memory for a WebAssembly instance', { cause });
        throw new ClassifierError('TRAPPED', `${modelName}: the WebAssembly module trapped`, { cause });
    }
    if (status)
        throw statusError(exports, status, modelName, statusCodes[status] === 'NOT_A_MODEL' ? recognise(model) : '');
    return exports;
}

export function statusError(exports, status, name = '', hint = '') {
    const message = textAt(exports, exports.status_message(status));
    return new ClassifierError(statusCodes[status] ?? 'TRAPPED',
        (name && `${name}: `) + message + (hint && ` (${hint})`));
}

/* Of a class's index or label; undefined: of none. */
export function indexOfClass(wanted, labels) {
    const index = typeof wanted === 'string' ? labels.indexOf(wanted) : wanted;
    if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index < labels.length))
        throw new ClassifierError('ARGUMENT', `class must be a label or an index below ${labels.length}: ` +
            `the model has no class ${JSON.stringify(wanted)}`);
    return index;
}

export function checkCount(number, name) {
    if (!Number.isInteger(number) || number < 1)
        throw new ClassifierError('ARGUMENT', `${name} must be a positive integer`);
}

/* Those of which scores are given; undefined: the default. */
export function checkScoreOptions({ topK = defaultTopK, threshold = 0 }) {
    checkCount(topK, 'topK');
    if (!(typeof threshold === 'number' && threshold >= 0 && threshold <= 1))
        throw new ClassifierError('ARGUMENT', 'threshold must be a score, from 0 to 1');
}

/* Of UTF-8, which the core has checked. Jest's jsdom has no TextDecoder. */
function textAt(exports, address) {
    const bytes = new Uint8Array(exports.memory.buffer, address >>> 0), text = bytes.subarray(0, bytes.indexOf(0));
    return decodeURIComponent(Array.from(text, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
}

function parseNotes(notes) {
    return Object.fromEntries(notes.split('\n').map((line) => /^([^:]+):\s*(.*)$/.exec(line)).filter(Boolean)
        .map(([, key, value]) => [key.trim(), value.trim()]));
}

/* What `eyelet calibrate` wrote; the notes may also be anybody's. */
function thresholdIn(notes) {
    const score = Number.parseFloat(notes['rejection threshold']);
    return score > 0 && score <= 1 ? score : undefined;
}

/* The same of images that are none of what the model knows. */
function outlierLimitIn(notes) {
    const limit = Number.parseFloat(notes['outlier limit']);
    return Number.isFinite(limit) ? limit : undefined;
}
