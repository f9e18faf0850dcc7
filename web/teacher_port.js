/* teacher_engine.js behind messages: of a worker, of a browser or of Node, or of this thread. teacher.js is the other
 * side. A message is an object, whose first key says what is to be done:
 *
 *     { open: { model, wasm } }      ->  { info, labels, examples }, what the model brings along (teacher_engine.js)
 *     { look: picture }              ->  { embedding, pixels }, and decoder: 'browser' where that decoded it
 *     { pictures: { ids, classes, from, added } }               the teaching set; added: [[id, embedding]], of those
 *                                                               that have not come before
 *     { takeHead }, { train }        ->  {}
 *     { evaluate }                   ->  as the engine's
 *     { classify: picture, nearest } ->  { probabilities, nearest: [[id, similarity]], isOutlier, decoder }
 *     { write: { labels, notes, side, thumbnails } }  ->  { bytes }
 *
 * Every answer has `milliseconds` and the `memoryBytes` of the instance that teaches. A picture is what picture.js
 * makes. From a worker comes { value } or { error: { code, message } }, in the order of the messages. */
import { withBrowserDecoder } from './picture.js';
import { openTeacherEngine } from './teacher_engine.js';

export class TeacherPort {
    #engine;
    #embeddings = new Map(); /* of every picture of the teaching set, by id */
    #ids = [];

    async perform(message) {
        const [key] = Object.keys(message), started = performance.now();
        const value = await this[key](message[key], message);
        return { milliseconds: performance.now() - started, memoryBytes: this.#engine.memoryBytes, ...value };
    }

    async open(opening) {
        this.#engine = await openTeacherEngine(opening);
        const examples = this.#engine.examples(), { info, labels } = this.#engine;
        if (!examples.embeddings)
            examples.embeddings = this.#embed(examples);
        return { info, labels, examples };
    }

    look(picture) {
        return withBrowserDecoder(picture, (image) => this.#engine.look(image));
    }

    pictures({ ids, classes, from, added }) {
        const before = this.#embeddings, { embedding: features } = this.#engine.info;
        const arrived = new Map(added), embeddings = new Float32Array(ids.length * features);
        this.#embeddings = new Map(ids.map((id) => [id, before.get(id) ?? arrived.get(id)]));
        this.#ids = ids;
        ids.forEach((id, index) => embeddings.set(this.#embeddings.get(id), index * features));
        this.#engine.setPictures({ embeddings, classes, from });
    }

    takeHead() {
        this.#engine.takeHead();
    }

    train() {
        this.#engine.train();
    }

    evaluate() {
        return this.#engine.evaluate();
    }

    async classify(picture, { nearest }) {
        const seen = await this.look(picture);
        const { probabilities, similarities, limit } = this.#engine.answer(seen.embedding);
        const order = largestOf(similarities, Math.max(nearest, 1));
        return {
            probabilities,
            nearest: order.slice(0, nearest).map((index) => [this.#ids[index], similarities[index]]),
            isOutlier: order.length > 0 && similarities[order[0]] < limit,
            decoder: seen.decoder,
        };
    }

    write(parts) {
        return { bytes: this.#engine.write(parts) };
    }

    /* The embeddings of examples that have none; of no thumbnails none can be made. */
    #embed({ classes, side, thumbnails }) {
        const { embedding: features } = this.#engine.info, size = side * side * 3;
        const embeddings = new Float32Array(side ? classes.length * features : 0);
        for (let index = 0; side && index < classes.length; index++) {
            const data = thumbnails.subarray(index * size, (index + 1) * size);
            embeddings.set(this.#engine.look({ data, width: side, height: side }).embedding, index * features);
        }
        return embeddings;
    }
}

/* The indices of the largest numbers, at most `count`, in descending order; the first among equals first. */
function largestOf(numbers, count) {
    const best = [];
    for (let index = 0; index < numbers.length; index++) {
        let rank = best.length;
        for (; rank > 0 && numbers[best[rank - 1]] < numbers[index]; rank--)
            best[rank] = best[rank - 1];
        best[rank] = index;
        best.length = Math.min(best.length, count);
    }
    return best;
}

export function listen(port) {
    const teacher = new TeacherPort();
    let done = Promise.resolve();
    port.addEventListener('message', ({ data }) => {
        done = done.then(() => teacher.perform(data)).then((value) => port.postMessage({ value }),
            ({ code = 'TRAPPED', message }) => port.postMessage({ error: { code, message } }));
    });
}
