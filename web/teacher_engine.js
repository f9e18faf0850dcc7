/* One model that is taught, in two instances of teacher.wasm: one makes embeddings of pictures, and is discarded where
 * a hostile one makes it trap; the other has the teaching set and reads nothing but numbers. What teacher_port.js runs.
 *
 *     const engine = await openTeacherEngine({ model: bytes, wasm: module });
 *     const { embedding, pixels } = engine.look(image);
 *     engine.setPictures({ embeddings, classes, from });    // classes: of each picture; from: what a class was before
 *     engine.train();
 *     const { probabilities, similarities, limit } = engine.answer(embedding);
 *
 * Calls are synchronous. */
import { ClassifierError } from './contract.js';
import { openEngine, start, statusError } from './engine.js';
import { compileModule, readSource } from './source.js';

export async function openTeacherEngine({ model, wasm }) {
    const [module, { bytes, name }] = await Promise.all([compileModule(wasm), readSource(model, 'the model')]);
    if (!WebAssembly.Module.exports(module).some(({ name: exported }) => exported === 'teacher_open'))
        throw new ClassifierError('NOT_WASM', 'this WebAssembly module cannot teach: teacher.wasm can');
    const exports = start(module, bytes, name, 'teacher_open');
    return new TeacherEngine(exports, await openEngine({ model: bytes, wasm: module }));
}

class TeacherEngine {
    #exports; /* of the instance that teaches */
    #engine; /* the other one */
    #count = 0; /* pictures */
    #classes = 0;

    constructor(exports, engine) {
        this.#exports = exports;
        this.#engine = engine;
    }

    get info() {
        return this.#engine.info;
    }

    get labels() {
        return this.#engine.labels;
    }

    get memoryBytes() {
        return this.#exports.memory.buffer.byteLength;
    }

    look(image) {
        return this.#engine.look(image);
    }

    /* What the model brings along: { classes, side, thumbnails, embeddings }, all of one picture behind those of the
     * other; no thumbnails without a side, and embeddings null where the file has none. */
    examples() {
        const exports = this.#exports, count = exports.teacher_example_count(), side = exports.teacher_example_side();
        const size = side * side * 3, { embedding: features } = this.info;
        const classes = Int32Array.from({ length: count }, (_, index) => exports.teacher_example_class(index));
        const thumbnails = new Uint8Array(count * size);
        const embeddings = exports.teacher_example_has_embeddings() ? new Float32Array(count * features) : null;
        for (let index = 0; index < count; index++) {
            thumbnails.set(this.#bytes(exports.teacher_example_thumbnail(index), size), index * size);
            embeddings?.set(this.#floats(this.#address(exports.teacher_example_embedding(index)), features),
                index * features);
        }
        return { classes, side, thumbnails, embeddings };
    }

    /* embeddings: (count, features); classes: (count); from: for each class its index before, or -1. */
    setPictures({ embeddings, classes, from }) {
        const exports = this.#exports, count = classes.length;
        this.#floats(this.#address(exports.teacher_embeddings(count)), embeddings.length).set(embeddings);
        this.#integers(this.#address(exports.teacher_classes(count)), count).set(classes);
        this.#integers(this.#address(exports.teacher_from(from.length)), from.length).set(from);
        if (from.length !== this.#classes || from.some((before, index) => before !== index))
            this.#check(exports.teacher_set_classes(from.length));
        this.#count = count;
        this.#classes = from.length;
    }

    takeHead() {
        this.#check(this.#exports.teacher_take_head());
    }

    train() {
        this.#check(this.#exports.teacher_train());
    }

    /* { answers, scores }, of each picture, and what was found: struct eyelet_estimate. */
    evaluate() {
        const exports = this.#exports, count = this.#count;
        this.#check(exports.teacher_evaluate());
        const [heldOut, right, temperature, low, high, threshold, answered, answeredRight, l2] =
            new Float64Array(exports.memory.buffer, exports.teacher_estimate(), 9);
        return {
            answers: this.#integers(exports.teacher_answers(), count).slice(),
            scores: this.#floats(exports.teacher_scores(), count).slice(),
            heldOut, right, temperature, temperatureInterval: [low, high], threshold, answered, answeredRight, l2,
        };
    }

    /* Of a picture: the classes' probabilities, the similarity to each picture that was taught, and below which largest
     * one it is unlike all of them. */
    answer(embedding) {
        const exports = this.#exports;
        this.#floats(this.#address(exports.teacher_query()), embedding.length).set(embedding);
        this.#check(exports.teacher_run());
        return {
            probabilities: this.#floats(exports.teacher_probabilities(), this.#classes).slice(),
            similarities: this.#floats(exports.teacher_similarities(), this.#count).slice(),
            limit: exports.teacher_limit(),
        };
    }

    /* The model file. labels, notes: as it stores them, bytes; thumbnails: (count, side, side, 3); side -1: without
     * pictures. */
    write({ labels, notes, side, thumbnails }) {
        const exports = this.#exports, text = this.#address(exports.teacher_text(labels.length, notes.length));
        this.#bytes(text, labels.length).set(labels);
        this.#bytes(text + labels.length, notes.length).set(notes);
        const size = exports.teacher_write(side);
        if (size === 0)
            throw new ClassifierError('LIMIT', 'the model would be larger than 160 MB: take some pictures away');
        this.#address(size > 0);
        const place = exports.teacher_thumbnails() >>> 0;
        if (place)
            this.#bytes(place, thumbnails.length).set(thumbnails);
        this.#check(exports.teacher_seal());
        return this.#bytes(exports.teacher_file(), size).slice();
    }

    #check(status) {
        if (status)
            throw statusError(this.#exports, status);
    }

    #address(address) {
        if (!address)
            throw new ClassifierError('MEMORY', 'there is not enough memory to teach so many pictures');
        return address >>> 0;
    }

    /* Views on the instance's memory, good until it grows. */
    #bytes(address, count) {
        return new Uint8Array(this.#exports.memory.buffer, address >>> 0, count);
    }

    #floats(address, count) {
        return new Float32Array(this.#exports.memory.buffer, address >>> 0, count);
    }

    #integers(address, count) {
        return new Int32Array(this.#exports.memory.buffer, address >>> 0, count);
    }
}
