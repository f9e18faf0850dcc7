/* The pictures of a teacher and their classes: what teacher.js keeps in this thread.
 *
 *     const set = new TeachingSet(info);
 *     const id = set.add('apple', undefined, { embedding, pixels });
 *     set.move(id, 'pear');
 *     const { version, ids, classes, indices } = set.snapshot();    // of what can be trained: classes with pictures
 *
 * A class is an object, so that it stays the same when it gets another label. */
import { ClassifierError } from './contract.js';
import { describe } from './source.js';
import { checkLabel, resized, thumbnailSideFor } from './teacher_file.js';

export const maxClasses = 256, maxExamples = 10_000;

/* Beyond so many, new thumbnails have half the height and width: a quarter of the memory. */
const manyExamples = 1000;

const quoted = (label) => `"${label}"`;

export class TeachingSet {
    #info;
    #classes = []; /* { label, count, mergedInto, isRemoved } */
    #examples = new Map(); /* id -> { id, class, embedding, pixels, side } */
    #lastId = 0;
    #examplesView = null;
    #classesView = null;

    version = 0; /* of all but the labels */

    constructor(info) {
        this.#info = info;
    }

    /* ---- Looking ---- */

    get examples() {
        this.#examplesView ??= Object.freeze(Array.from(this.#examples.values(), ({ id, class: { label } }) =>
            Object.freeze({ id, label })));
        return this.#examplesView;
    }

    get classes() {
        this.#classesView ??= Object.freeze(this.#classes.map(({ label, count }) => Object.freeze({ label, count })));
        return this.#classesView;
    }

    get count() {
        return this.#examples.size;
    }

    get thumbnailSide() {
        return thumbnailSideFor(this.#info, this.count, manyExamples);
    }

    get bytes() {
        let sum = 0;
        for (const { embedding, pixels } of this.#examples.values())
            sum += embedding.byteLength + (pixels?.byteLength ?? 0);
        return sum;
    }

    find(label) {
        return this.#classes.find((known) => known.label === label);
    }

    indexOf(known) {
        return this.#classes.indexOf(known);
    }

    labelOf(id) {
        return this.#examples.get(id)?.class.label;
    }

    embeddingOf(id) {
        return this.#examples.get(id)?.embedding;
    }

    /* Of a picture: { pixels, side }; pixels (side, side, 3). */
    thumbnail(id) {
        return this.#example(id);
    }

    /* What can be trained: pictures in their order, ids and the index of each one's class among classes; withEmpty:
     * among all of them. */
    snapshot(withEmpty = false) {
        const classes = this.#classes.filter(({ count }) => withEmpty || count > 0), ids = [...this.#examples.keys()];
        const index = new Map(classes.map((known, position) => [known, position]));
        const indices = Int32Array.from(this.#examples.values(), ({ class: known }) => index.get(known));
        return { version: this.version, ids, classes, indices };
    }

    /* ---- Changing ---- */

    /* Throws where a picture of this class would be one too many, with `pending` on their way. */
    checkRoom(label, pending) {
        checkLabel(label);
        if (this.count + pending >= maxExamples)
            throw new ClassifierError('LIMIT', `there are ${maxExamples.toLocaleString('en')} pictures, which is as ` +
                'many as can be taught: remove some');
        if (!this.find(label))
            this.#checkClasses();
    }

    /* `known`: the class that had the label when the picture came. */
    add(label, known, { embedding, pixels }) {
        if (known?.isRemoved)
            throw new ClassifierError('ABORTED',
                `the class ${quoted(label)} was removed before its picture was taught`);
        const { inputWidth: width, inputHeight: height } = this.#info, side = this.thumbnailSide;
        return this.#put(this.#current(known) ?? this.addClass(label), {
            embedding, side, pixels: resized(pixels, { width, height }, side) });
    }

    addClass(label) {
        checkLabel(label);
        const known = this.find(label);
        if (known)
            return known;
        this.#checkClasses();
        return this.#append(label);
    }

    renameClass(from, to) {
        checkLabel(to);
        const known = this.#class(from), other = this.find(to);
        if (other && other !== known) {
            for (const example of this.#examples.values())
                if (example.class === known)
                    this.#place(example, other);
            known.mergedInto = other;
            this.#classes.splice(this.#classes.indexOf(known), 1);
            this.#change();
        }
        if (!other)
            known.label = to;
        this.#changeViews();
    }

    removeClass(label) {
        const known = this.#class(label);
        for (const example of this.#examples.values())
            if (example.class === known)
                this.#examples.delete(example.id);
        known.isRemoved = true;
        this.#classes.splice(this.#classes.indexOf(known), 1);
        this.#change();
    }

    remove(id) {
        const example = this.#example(id);
        example.class.count--;
        this.#examples.delete(id);
        this.#change();
    }

    move(id, label) {
        const example = this.#example(id);
        this.#place(example, this.addClass(label));
        this.#change();
    }

    /* The examples of a file: labels of its classes; of each picture its class, thumbnail (if there is a side) and
     * embedding, one behind the other. */
    restore(labels, { classes, side, thumbnails, embeddings }) {
        const { embedding: features } = this.#info, size = side * side * 3;
        if (classes.length > maxExamples || labels.length > maxClasses)
            throw new ClassifierError('LIMIT', `the model holds ${classes.length} pictures of ${labels.length} ` +
                `classes: ${maxExamples} of ${maxClasses} can be taught`);
        const known = labels.map((label) => this.find(label) ?? this.#append(label));
        classes.forEach((index, position) => this.#put(known[index], {
            embedding: embeddings.slice(position * features, (position + 1) * features),
            side,
            pixels: side ? thumbnails.slice(position * size, (position + 1) * size) : null,
        }));
        this.version = 0;
    }

    #append(label) {
        const made = { label, count: 0, mergedInto: null, isRemoved: false };
        this.#classes.push(made);
        this.#changeViews();
        return made;
    }

    #put(known, parts) {
        const id = ++this.#lastId;
        this.#examples.set(id, { id, class: known, ...parts });
        known.count++;
        this.#change();
        return id;
    }

    #place(example, known) {
        example.class.count--;
        known.count++;
        example.class = known;
    }

    #current(known) {
        return known?.mergedInto ? this.#current(known.mergedInto) : known;
    }

    #change() {
        this.version++;
        this.#changeViews();
    }

    #changeViews() {
        this.#examplesView = this.#classesView = null;
    }

    #checkClasses() {
        if (this.#classes.length >= maxClasses)
            throw new ClassifierError('LIMIT', `there are ${maxClasses} classes, which is as many as can be taught`);
    }

    #class(label) {
        const known = this.find(label);
        if (!known)
            throw new ClassifierError('ARGUMENT', typeof label === 'string' ? `there is no class ${quoted(label)}`
                : `a label must be a string, not ${describe(label)}`);
        return known;
    }

    #example(id) {
        const example = this.#examples.get(id);
        if (!example)
            throw new ClassifierError('ARGUMENT', `there is no picture with the id ${String(id)}`);
        return example;
    }
}
