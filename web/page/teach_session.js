/* What is being taught: a teacher, and what follows from each change: training at once, an estimate when there is a
 * pause, and a copy in this browser. It knows nothing of elements.
 *
 *     const session = new Session({ store, hear });
 *     await session.open(bytes);                        // a model, or what was taught before; isFirst: the page's own
 *     await session.add('apple', file);
 *     session.teacher.classes;
 *
 * hear: { changed(), trained(milliseconds), estimated(evaluation), kept(error), undoable(what, values, undo) }. Of
 * trained and estimated, null means that there are too few pictures. */
import { loadTeacher } from '../teacher.js';
import { withoutExamples } from './model_file.js';

const trainAfter = 30, estimateAfter = 700, keepAfter = 1000; /* milliseconds without a change */
const estimateRest = 2, keepRest = 10; /* of the time that it took: with thousands of pictures it is done less often */

export class Session {
    teacher = null;
    store;
    name = '';
    evaluation = null;
    #hear;
    #backbone = null; /* bytes of another model than the page's own */
    #timers = {};
    #paused = 0;
    #keepPause = keepAfter;
    #estimatePause = estimateAfter;
    #isDirty = false;
    #keeping = Promise.resolve(); /* never rejects */

    constructor({ store, hear }) {
        this.store = store;
        this.#hear = hear;
    }

    /* The one before stays where this one cannot be opened. */
    async open(model, { isFirst = false } = {}) {
        const teacher = await loadTeacher({ model });
        this.#stopTimers();
        this.teacher?.close();
        this.teacher = teacher;
        this.#backbone = isFirst ? null : withoutExamples(model, teacher.info.embedding);
        this.evaluation = null;
        this.#isDirty = false;
        this.#hear.changed();
        if (teacher.examples.length > 0)
            this.#schedule(false);
    }

    get room() {
        return this.teacher.info.maxExamples - this.teacher.examples.length;
    }

    countOf(label) {
        return this.teacher.classes.find((one) => one.label === label)?.count ?? 0;
    }

    has(label) {
        return this.teacher.classes.some((one) => one.label === label);
    }

    /* While a button is held or files are read there is no estimate. Returns what ends it. */
    pause() {
        this.#paused++;
        let isOver = false;
        return () => {
            this.#paused -= isOver ? 0 : 1;
            isOver = true;
            this.#schedule(this.#isDirty);
        };
    }

    async add(label, image, options) {
        const { teacher } = this, id = await teacher.add(label, image, options);
        if (teacher === this.teacher)
            this.#changed();
        return id;
    }

    addClass(label) {
        this.teacher.addClass(label);
        this.#changed();
    }

    rename(from, to) {
        this.teacher.renameClass(from, to);
        this.#changed();
        this.#hear.undoable('teach.renamed', { from, to }, () => this.#undoRename(to, from));
    }

    #undoRename(from, to) {
        if (!this.has(from) || this.has(to))
            return;
        this.teacher.renameClass(from, to);
        this.#changed();
    }

    move(id, label) {
        const before = this.labelOf(id);
        this.teacher.move(id, label);
        this.#changed();
        this.#hear.undoable('teach.moved', { label }, () => {
            this.teacher.move(id, before);
            this.#changed();
        });
    }

    labelOf(id) {
        return this.teacher.examples.find((example) => example.id === id)?.label;
    }

    /* Taken back, a picture is taught again as the model saw it. */
    async remove(id) {
        const { teacher } = this, label = this.labelOf(id), picture = await teacher.thumbnail(id);
        teacher.remove(id);
        this.#changed();
        this.#hear.undoable('teach.removed', { label }, () => this.addAgain([{ label, picture }]));
    }

    async removeClass(label) {
        const { teacher } = this;
        const pictures = await this.#pictures(teacher.examples.filter((example) => example.label === label));
        teacher.removeClass(label);
        this.#changed();
        this.#hear.undoable('teach.class_removed', { label }, () => {
            this.addClass(label);
            return this.addAgain(pictures);
        });
    }

    /* [{ label, picture }] of examples, which can be taught again. */
    #pictures(examples) {
        const { teacher } = this;
        return Promise.all(examples.map(async ({ id, label }) => ({ label, picture: await teacher.thumbnail(id) })));
    }

    async addAgain(pictures) {
        const resume = this.pause();
        try {
            for (const { label, picture } of pictures)
                await this.add(label, picture);
        } finally {
            resume();
        }
    }

    /* What is not kept yet. */
    async flush() {
        clearTimeout(this.#timers.keep);
        if (this.#isDirty && this.teacher?.examples.length > 0)
            this.#keep();
        await this.#keeping;
    }

    async forget() {
        clearTimeout(this.#timers.keep);
        this.#isDirty = false;
        await this.#keeping;
        await this.store?.forget().catch(() => {});
    }

    save() {
        return this.teacher.save({ name: this.name });
    }

    exportUpdate() {
        return this.teacher.exportUpdate({ name: this.name });
    }

    #changed() {
        this.#isDirty = true;
        this.evaluation = null;
        this.#hear.changed();
        this.#schedule(true);
    }

    /* A model that was opened is trained already. */
    #schedule(isDirty) {
        if (isDirty)
            this.#after('train', trainAfter, () => this.#train());
        if (this.#paused > 0)
            return;
        this.#after('estimate', this.#estimatePause, () => this.#estimate());
        if (isDirty)
            this.#after('keep', this.#keepPause, () => this.#keep());
    }

    #after(name, pause, work) {
        clearTimeout(this.#timers[name]);
        this.#timers[name] = setTimeout(work, pause);
    }

    #stopTimers() {
        Object.values(this.#timers).forEach(clearTimeout);
    }

    async #train() {
        const { teacher } = this;
        const trained = await teacher.train().catch(() => null);
        if (teacher === this.teacher)
            this.#hear.trained(trained?.milliseconds ?? null);
    }

    async #estimate() {
        const { teacher } = this, { examples } = teacher;
        const evaluation = await teacher.evaluate().catch(() => null);
        this.#estimatePause = Math.max(estimateAfter, estimateRest * (evaluation?.milliseconds ?? 0));
        if (teacher !== this.teacher || examples !== teacher.examples)
            return;
        this.evaluation = evaluation;
        this.#hear.estimated(evaluation);
    }

    #keep() {
        this.#keeping = this.#keeping.then(() => this.#keepNow());
    }

    /* What is no longer there is forgotten; what cannot be kept is told. */
    async #keepNow() {
        const { teacher, store } = this, started = performance.now();
        if (!store)
            return;
        try {
            this.#isDirty = false;
            if (teacher.examples.length > 0)
                await this.#keepIn(store);
            else
                await store.forget();
            this.#hear.kept(null);
        } catch (error) {
            if (teacher === this.teacher)
                this.#hear.kept(error);
        }
        this.#keepPause = Math.max(keepAfter, keepRest * (performance.now() - started));
    }

    async #keepIn(store) {
        const bytes = await this.save().catch(async (error) => {
            if (error.code !== 'TOO_FEW')
                throw error;
            return { pictures: await this.#pictures(this.teacher.examples), model: this.#backbone }; /* of one class */
        });
        const { name, teacher: { classes } } = this;
        await store.keep(bytes, { name, classes: classes.map(({ label, count }) => ({ label, count })) });
    }
}
