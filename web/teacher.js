/* Teaches a model other classes from a few pictures of each, in browsers and in Node (node_teacher.js).
 *
 *     import { loadTeacher } from './teacher.js';
 *
 *     const teacher = await loadTeacher({ model: 'models/objects160.eyelet' });
 *     await teacher.add('apple', file);                          // what classifier.classify takes
 *     await teacher.add('pear', video);
 *     await teacher.train();                                     // within milliseconds
 *     const { best: [best], isOutlier } = await teacher.classify(video);
 *     const bytes = await teacher.save({ name: 'fruit' });       // an .eyelet file with the pictures
 *
 * Types and details: teacher.d.ts. The pictures, what is known of them and their classes live here (teaching_set.js);
 * the work is done by teacher_port.js, in a worker where there are workers, which may be replaced by another at any
 * time (teacher_remote.js). */
import { ownPicture, platform } from './background.js';
import { ClassifierError, defaultTopK } from './contract.js';
import { checkCount } from './engine.js';
import { compileModule, isAddress, readSource, throwIfAborted, untilAborted } from './source.js';
import { evaluationOf, notesOf, thresholdOf } from './teacher_estimate.js';
import { joined, labelBytes, noteBytes, resized, sideThatFits } from './teacher_file.js';
import { startRemote } from './teacher_remote.js';
import { maxClasses, maxExamples, TeachingSet } from './teaching_set.js';

export { ClassifierError };

const timeLimit = 10_000; /* milliseconds for one picture */

const defaultNearest = 3;

export async function loadTeacher(options) {
    const { model, wasm = platform.teacherWasm() } = options ?? {};
    if (model === undefined || model === null)
        throw new ClassifierError('ARGUMENT', 'loadTeacher needs { model }: a URL, a Response, bytes or a Blob');
    const [module, { bytes }] = await Promise.all([compileModule(wasm), readSource(model, 'the model')]);
    const opening = { model: bytes, wasm: module };
    return new Teacher(opening, await startRemote(opening));
}

class Teacher {
    #opening;
    #remote;
    #remoteBytes; /* of the instance that teaches */
    #model; /* the facts that a classifier would give */
    #labels;
    #set;
    #restored = -1; /* the version of the set that the model brought along with its head */
    #restoredClasses = 0;
    #queue = Promise.resolve();
    #closed = null; /* the error of all calls from then on */
    #pending = 0; /* pictures that are being added */
    #sent = null; /* the snapshot that the remote has */
    #trained = -1; /* the version of the set that the head was trained on */
    #evaluated = -1;
    #found = null; /* of that version, unless it came with the file */
    #notes = {}; /* what an evaluation found */
    #threshold;

    constructor(opening, { remote, opened: { info, labels, examples, memoryBytes } }) {
        this.#opening = opening;
        this.#remote = remote;
        this.#remoteBytes = memoryBytes;
        this.#model = info;
        this.#labels = Object.freeze([...labels]);
        this.#set = new TeachingSet(info);
        if (examples.classes.length && examples.embeddings.length)
            this.#restore(labels, examples);
        else if (info.notes.averaged) /* all clients have its classes, in its order */
            labels.forEach((label) => this.#set.addClass(label));
        Object.freeze(this);
    }

    /* ---- What there is ---- */

    get examples() {
        return this.#set.examples;
    }

    get classes() {
        return this.#set.classes;
    }

    get info() {
        const { name, notes, inputWidth, inputHeight, embedding, modelBytes } = this.#model;
        return Object.freeze({
            name, notes, inputWidth, inputHeight, embedding, modelBytes, maxClasses, maxExamples,
            labels: this.#labels,
            memoryBytes: this.#set.bytes + 3 * modelBytes + this.#remoteBytes,
            thumbnailSide: this.#set.thumbnailSide,
            threshold: this.#threshold,
        });
    }

    async thumbnail(id) {
        this.#checkOpen();
        const { pixels, side } = this.#set.thumbnail(id);
        if (!pixels)
            throw new ClassifierError('ARGUMENT', 'this picture came from a file without thumbnails');
        const data = new Uint8ClampedArray(side * side * 4).fill(255);
        for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4)
            data.set(pixels.subarray(from, from + 3), to);
        return { data, width: side, height: side };
    }

    /* ---- What changes ---- */

    async add(label, image, options) {
        const { signal } = options ?? {};
        this.#checkOpen();
        this.#set.checkRoom(label, this.#pending);
        throwIfAborted(signal);
        const read = reader(image, signal), known = this.#set.find(label);
        this.#pending++;
        const added = this.#enqueue(async () => {
            throwIfAborted(signal);
            const seen = await this.#perform({ look: await read() }, { limit: timeLimit, what: 'the picture' });
            throwIfAborted(signal);
            return this.#set.add(label, known, seen);
        }).finally(() => this.#pending--);
        return untilAborted(added, signal);
    }

    addClass(label) {
        this.#checkOpen();
        this.#set.addClass(label);
    }

    renameClass(from, to) {
        this.#checkOpen();
        this.#set.renameClass(from, to);
    }

    removeClass(label) {
        this.#checkOpen();
        this.#set.removeClass(label);
    }

    remove(id) {
        this.#checkOpen();
        this.#set.remove(id);
    }

    move(id, label) {
        this.#checkOpen();
        this.#set.move(id, label);
    }

    /* ---- What is done ---- */

    async train() {
        return this.#enqueue(() => this.#train());
    }

    async classify(image, options) {
        const { topK = defaultTopK, nearest = defaultNearest, signal } = options ?? {};
        this.#checkOpen();
        checkCount(topK, 'topK');
        checkCount(nearest + 1, 'nearest + 1');
        throwIfAborted(signal);
        const read = reader(image, signal);
        return untilAborted(this.#enqueue(async () => {
            throwIfAborted(signal);
            const picture = await read(), { version, classes } = await this.#sync();
            if (this.#trained !== version)
                await this.#train();
            const message = { classify: picture, nearest };
            const answer = await this.#perform(message, { limit: timeLimit, what: 'the picture' });
            return this.#inWords(answer, classes, topK);
        }), signal);
    }

    async evaluate() {
        return this.#enqueue(async () => {
            const snapshot = await this.#evaluate();
            return evaluationOf(this.#found, snapshot.classes.map(({ label }) => label), snapshot);
        });
    }

    async save(options) {
        const { name = '', notes = {} } = options ?? {};
        return this.#enqueue(async () => {
            const { version } = await this.#sync();
            const snapshot = this.#evaluated === version ? this.#sent : await this.#evaluate();
            const { classes, ids } = snapshot, own = this.#model.notes;
            const all = noteBytes({
                name,
                data: `${ids.length} pictures of ${classes.length} classes`,
                backbone: own.backbone ?? this.#model.name,
                taught: `softmax regression on ${this.#model.embedding} numbers of the backbone`,
                ...notes,
                ...this.#notes,
            });
            const side = sideThatFits(this.#smallestSide(ids), ids.length, this.#model);
            const { bytes } = await this.#perform({ write: {
                labels: labelBytes(classes.map(({ label }) => label)), notes: all, side,
                thumbnails: joined(ids.map((id) => this.#thumbnailFor(id, side))),
            } });
            return bytes;
        });
    }

    async exportUpdate(options) {
        const { name = '' } = options ?? {};
        return this.#enqueue(async () => {
            const { classes, ids, version } = await this.#sync(true);
            if (this.#trained !== version)
                await this.#train(true);
            const { bytes } = await this.#perform({ write: {
                labels: labelBytes(classes.map(({ label }) => label)),
                notes: noteBytes({ name, data: `${ids.length} pictures of ${classes.length} classes`,
                    backbone: this.#model.notes.backbone ?? this.#model.name, update: 'weights only' }),
                side: -1, thumbnails: new Uint8Array(),
            } });
            return bytes;
        });
    }

    close() {
        this.#closed ??= new ClassifierError('CLOSED', 'the teacher has been closed: load it again');
        this.#remote.end(this.#closed);
    }

    /* ---- How ---- */

    /* After all calls before it, whether these failed or not, with a remote that runs. */
    #enqueue(run) {
        this.#checkOpen();
        const result = this.#queue.then(async () => {
            this.#checkOpen();
            if (this.#remote.hasEnded)
                await this.#restart();
            return run();
        });
        this.#queue = result.catch(() => {});
        return result;
    }

    /* The other worker knows nothing yet. */
    async #restart() {
        const { remote } = await startRemote(this.#opening);
        this.#remote = remote;
        this.#sent = this.#found = null;
        this.#trained = this.#evaluated = -1;
        if (this.#closed)
            remote.end(this.#closed);
        this.#checkOpen();
    }

    async #perform(message, options) {
        const value = await this.#remote.call(message, options);
        this.#remoteBytes = value.memoryBytes;
        return value;
    }

    /* Sends the remote what it does not have of the set; promises the snapshot that it has then. */
    async #sync(withEmpty = false) {
        const snapshot = this.#set.snapshot(withEmpty), { version, ids, classes, indices } = snapshot;
        const sent = this.#sent;
        if (classes.length < 2 || ids.length === 0)
            throw tooFew(ids.length ? classes : []);
        if (sent?.version === version && sent.classes.length === classes.length)
            return sent;
        if (sent?.version === version) /* its head has other classes now */
            this.#trained = this.#evaluated = -1;
        const has = new Set(sent?.ids);
        this.#sent = null;
        await this.#perform({ pictures: {
            ids, classes: indices,
            from: Int32Array.from(classes, (known) => sent ? sent.classes.indexOf(known) : -1),
            added: ids.filter((id) => !has.has(id)).map((id) => [id, this.#set.embeddingOf(id)]),
        } });
        if (version === this.#restored && classes.length === this.#restoredClasses) {
            await this.#perform({ takeHead: true });
            this.#trained = this.#evaluated = version;
        }
        this.#sent = snapshot;
        return snapshot;
    }

    async #train(withEmpty = false) {
        const { version, classes, ids } = await this.#sync(withEmpty);
        const { milliseconds } = await this.#perform({ train: true });
        this.#trained = version;
        return { milliseconds, classes: classes.length, examples: ids.length };
    }

    /* Promises the snapshot that #found is of. */
    async #evaluate() {
        const snapshot = await this.#sync(), { version } = snapshot;
        if (this.#evaluated === version && this.#found)
            return snapshot;
        this.#found = await this.#perform({ evaluate: true });
        this.#notes = notesOf(this.#found);
        this.#threshold = thresholdOf(this.#found);
        this.#trained = this.#evaluated = version;
        return snapshot;
    }

    #restore(labels, examples) {
        const { accuracy, calibration, 'rejection threshold': threshold } = this.#model.notes;
        this.#set.restore(labels, examples);
        const { version, classes } = this.#set.snapshot();
        if (classes.length !== labels.length)
            return;
        this.#restored = version;
        this.#restoredClasses = labels.length;
        this.#notes = { accuracy, calibration, 'rejection threshold': threshold };
        this.#threshold = this.#model.threshold;
    }

    /* A class or picture that has gone meanwhile is left out. */
    #inWords({ probabilities, nearest, isOutlier, decoder, milliseconds }, classes, topK) {
        const best = Array.from(probabilities, (score, position) => ({
            label: classes[position].label, score, index: this.#set.indexOf(classes[position]) }))
            .filter(({ index }) => index >= 0).sort((a, b) => b.score - a.score || a.index - b.index).slice(0, topK);
        return {
            best: decoder ? Object.assign(best, { decoder }) : best,
            nearest: nearest.map(([id, similarity]) => ({ id, label: this.#set.labelOf(id), similarity }))
                .filter(({ label }) => label !== undefined),
            isOutlier,
            milliseconds,
        };
    }

    #smallestSide(ids) {
        return Math.min(...ids.map((id) => this.#set.thumbnail(id).side || Infinity), this.#set.thumbnailSide);
    }

    /* Grey for those that came without. */
    #thumbnailFor(id, side) {
        const { pixels, side: own } = this.#set.thumbnail(id);
        return pixels ? resized(pixels, { width: own, height: own }, side)
            : new Uint8Array(side * side * 3).fill(128);
    }

    #checkOpen() {
        if (this.#closed)
            throw this.#closed;
    }
}

function tooFew([only]) {
    return new ClassifierError('TOO_FEW', only
        ? `only "${only.label}" has pictures: add some of another class, or of none of them`
        : 'no pictures have been taught: add some of two classes or more');
}

/* When a picture is read: files and addresses when its turn comes, whatever may change before at once. */
function reader(image, signal) {
    if (isFileOrAddress(image))
        return () => ownPicture(image, signal);
    const reading = ownPicture(image, signal);
    reading.catch(() => {}); /* its turn may not come */
    return () => reading;
}

function isFileOrAddress(image) {
    try {
        return isAddress(image) || typeof image.arrayBuffer === 'function';
    } catch {
        return false; /* ownPicture says why */
    }
}
