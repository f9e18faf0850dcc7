/* The view "Teach": classes of one's own, on a device of one's own. Loaded when it is first shown.
 *
 *     const view = await startTeaching(element('teach'));
 *     view.take(files, why);    // what is chosen, dropped or pasted; view.enter(), view.leave()
 *
 * Session is what is taught, the other parts show it: ClassCards, Look, Estimate, Keeping. */
import { make, nameOf, sentenceOf, visible } from '../view.js';
import { fetchFile, pathOf } from './files.js';
import { foreignModel } from './foreign.js';
import { countExamples } from './model_file.js';
import { whenReleased } from './released.js';
import { ClassCards } from './teach_classes.js';
import { Estimate } from './teach_estimate.js';
import { picturesIn } from './teach_files.js';
import { Keeping } from './teach_keep.js';
import { Look } from './teach_look.js';
import { Session } from './teach_session.js';
import { openStore } from './teach_store.js';
import { text } from './texts.js';

const firstClasses = [1, 2], mostOwnClasses = 10, mostNamed = 4, undoFor = 20_000; /* milliseconds */
const atOnce = 3; /* pictures that are read ahead */
const drawAfter = 16; /* milliseconds */

class TeachView {
    #session;
    #backbone; /* promise of the model that is taught */
    #undoEnds;
    #drawing = null;
    #adding = Promise.resolve(); /* what is being read; never rejects */

    constructor(root, store, problem) {
        const refuse = (error) => this.#refuse(error);
        this.#session = new Session({ store, hear: {
            changed: () => this.#changed(), trained: () => this.look.again(),
            estimated: (evaluation) => whenReleased(() => this.#showEstimate(evaluation)),
            kept: (error) => this.keeping.showStatus(error),
            undoable: (what, values, undo) => this.#offerUndo(what, values, undo),
        } });
        this.#session.name = text('teach.untitled');
        this.look = new Look(this.#session, refuse);
        this.estimate = new Estimate(this.#session);
        this.list = make('div', { className: 'teach-list' });
        this.cards = new ClassCards(this.list, this.#session, {
            hold: (label) => this.look.hold(label), release: () => this.look.release(),
            once: (label) => this.look.once(label), refuse,
            take: (files, label, why) => files.length ? this.#teach(files, label) : refuse(new Error(why)),
        });
        this.keeping = new Keeping(this.#session, { refuse, open: (file) => this.#open(file),
            goOn: (kept) => this.#goOn(kept), startAgain: () => this.#startAgain(),
            settle: () => this.#drawing && this.#draw() });
        this.note = make('div', { className: 'teach-note', hidden: true });
        this.undo = make('div', { className: 'teach-note', hidden: true }); /* which a message does not take away */
        this.#build(root);
        if (problem)
            this.keeping.showStatus(problem);
        document.addEventListener('visibilitychange', () => document.hidden && this.#session.flush());
    }

    #showEstimate(evaluation) {
        if (evaluation !== this.#session.evaluation)
            return; /* something was changed before it could be shown */
        this.estimate.show(evaluation);
        this.look.again(); /* the scores are calibrated by it */
    }

    #build(root) {
        const button = (key, className, work) => make('button', { type: 'button', className, textContent: text(key),
            onclick: work });
        const folder = make('input', { type: 'file', webkitdirectory: true, hidden: true });
        folder.addEventListener('change', () => {
            const files = [...folder.files];
            folder.value = '';
            this.#teach(files, '');
        });
        this.progress = make('div', { className: 'card teach-progress', hidden: true });
        root.replaceChildren(
            make('div', { className: 'opening' }, make('h1', { textContent: text('teach.heading') }),
                make('p', {}, `${text('teach.what')} `, make('strong', { textContent: text('teach.private') }))),
            this.keeping.kept, this.note, this.undo,
            make('div', { className: 'teach-bench' }, this.look.root,
                make('div', { className: 'teach-classes' }, this.progress, this.list,
                    make('div', { className: 'row' }, button('teach.add_class', 'teach-add', () => this.#addClass()),
                        button('teach.folder', 'teach-folder', () => folder.click()), folder),
                    make('p', { className: 'quiet', textContent: text('teach.drop') })),
                make('div', { className: 'teach-side' }, this.estimate.root, this.keeping.root)));
    }

    async start() {
        await this.#openBackbone();
        this.look.again();
        await this.keeping.showKept();
    }

    /* A picture's number may be that of another one of the teacher before. */
    async #openModel(bytes, options) {
        if (this.#session.teacher)
            this.look.closeCamera();
        await this.#session.flush();
        await this.#session.open(bytes, options);
        this.cards.clear();
        this.#draw();
        this.estimate.show(null);
        this.#hideNote();
        this.undo.hidden = true;
    }

    async #openBackbone(classes = firstClasses) {
        this.#backbone ??= firstModel();
        this.#backbone.catch(() => { this.#backbone = null; });
        await this.#openModel(await this.#backbone, { isFirst: true });
        this.#addClasses(classes.map((number) => text('teach.class', { number })));
    }

    #addClasses(labels) {
        for (const label of labels)
            this.#session.teacher.addClass(label);
        this.#draw();
    }

    async #startAgain() {
        if (this.#session.teacher?.examples.length > 0 && !confirm(text('teach.sure')))
            return;
        await this.#session.forget();
        this.keeping.setTitle(text('teach.untitled'));
        await this.#openBackbone().catch((error) => this.#refuse(error));
    }

    #open(file) {
        return this.teachOn({ name: file.name.replace(/\.eyelet$/i, ''), bytes: () => file.arrayBuffer() });
    }

    /* Goes on with what a model was taught; one that holds no pictures is the backbone of what is taught now. */
    async teachOn({ name, bytes }) {
        try {
            const model = new Uint8Array(await bytes());
            await this.#openModel(model);
            this.#session.store?.renew();
            const { info } = this.#session.teacher, isTaught = countExamples(model) > 0;
            this.keeping.setTitle(isTaught && info.name || name);
            if (!isTaught)
                this.#beginOn(name, info.labels);
        } catch (error) {
            this.#refuse(error);
        }
    }

    /* Of a few classes the names stay, for pictures to come. */
    #beginOn(name, labels) {
        const stay = labels.length > 1 && labels.length <= mostOwnClasses && labels.every((label) => label.trim());
        this.#addClasses(stay ? labels : firstClasses.map((number) => text('teach.class', { number })));
        this.#say(text(stay ? 'teach.on_model' : 'teach.on_network', { name: visible(name) }));
    }

    async #goOn(kept) {
        try {
            const { store } = this.#session, bytes = await store.read(kept.id);
            const { model, pictures } = Array.isArray(bytes) ? { pictures: bytes } : bytes; /* of one class */
            if (!pictures)
                await this.#openModel(bytes);
            else if (model)
                await this.#openModel(model);
            else
                await this.#openBackbone([]);
            await this.#session.addAgain(pictures ?? []);
            store.take(kept.id); /* not before: what stood here was kept under its own number */
            this.keeping.setTitle(kept.name);
        } catch (error) {
            this.#refuse(error);
        }
    }

    /* Of many changes, one after the other, not each is drawn. */
    #changed() {
        this.#drawing ??= setTimeout(() => whenReleased(() => this.#drawing && this.#draw()), drawAfter);
    }

    #draw() {
        clearTimeout(this.#drawing);
        this.#drawing = null;
        this.cards.show();
        this.estimate.wait();
        this.keeping.changed();
    }

    #addClass() {
        let number = this.#session.teacher.classes.length + 1;
        while (this.#session.has(text('teach.class', { number })))
            number++;
        const label = text('teach.class', { number });
        try {
            this.#session.addClass(label);
            this.#draw();
            this.cards.nameField(label).focus();
        } catch (error) {
            this.#refuse(error);
        }
    }

    /* --- What is dropped, chosen or pasted --- */

    async take(files, why) {
        const [first] = files;
        if (!first)
            this.#refuse(new Error(why));
        else if (files.length === 1 && /\.eyelet$/i.test(first.name))
            await this.#open(first);
        else if (files.length === 1 && !pathOf(first).includes('/') && !/\.(zip|tm)$/i.test(first.name))
            this.look.ask(first);
        else
            await this.#teach(files, '');
    }

    /* Pictures of which nothing says the class are taught as `label`, or the class is asked for. */
    async #teach(files, label) {
        try {
            const { pictures, others, leftOut } = await picturesIn(files, { pathOf, room: this.#session.room });
            if (pictures.length === 0)
                return this.#refuse(new Error(text('teach.no_pictures')));
            const isOneClass = label && new Set(pictures.map((picture) => picture.label)).size === 1;
            for (const picture of pictures)
                picture.label = isOneClass ? label : picture.label || label;
            if (!label && pictures.every((picture) => picture.label))
                dropEmptyClasses(this.#session, pictures);
            if (pictures.every((picture) => picture.label))
                return await this.#addAll(pictures, others, leftOut);
            return this.#askForClass(pictures, others, leftOut);
        } catch (error) {
            const foreign = error.code === 'EXPORTED_MODEL' && !label ? foreignModel(files, { pathOf }) : null;
            return foreign ? this.teachOn({ ...foreign, name: foreign.name || text('foreign.name') })
                : this.#refuse(error);
        }
    }

    #askForClass(pictures, others, leftOut) {
        const choice = make('select', { ariaLabel: text('teach.which') },
            ...this.#session.teacher.classes.map((one) => new Option(nameOf(one.label), one.label)));
        const count = pictures.filter((picture) => !picture.label).length;
        this.#showNote(text('teach.which_class', { count }), choice, make('button', { type: 'button',
            className: 'primary', textContent: text('teach.do'), onclick: () => {
                for (const picture of pictures)
                    picture.label ||= choice.value;
                this.#hideNote();
                this.#addAll(pictures, others, leftOut);
            } }));
        choice.focus();
    }

    /* One after the other, of all that was given. */
    #addAll(pictures, others, leftOut) {
        this.#adding = this.#adding.then(() => this.#addNow(pictures, others, leftOut))
            .catch((error) => this.#refuse(error));
        return this.#adding;
    }

    async #addNow(pictures, others, leftOut) {
        const session = this.#session, resume = session.pause(), stopping = new AbortController(), failed = [];
        const { signal } = stopping, bar = make('progress', { max: pictures.length, value: 0,
            ariaLabel: text('teach.reading') });
        this.#hideNote();
        this.progress.replaceChildren(make('span', { textContent: text('teach.reading') }), bar, make('button', {
            type: 'button', textContent: text('teach.stop'), onclick: () => stopping.abort() }));
        this.progress.hidden = false;
        const pending = [];
        for (const picture of pictures) {
            if (signal.aborted)
                break;
            const added = await this.#begin(picture, signal);
            pending.push(added().catch((error) => { failed.push({ ...picture, error }); })
                .then(() => { bar.value++; }));
            if (pending.length > atOnce)
                await pending.shift();
        }
        await Promise.all(pending);
        resume();
        whenReleased(() => {
            this.progress.hidden = true;
            this.#report({ failed: failed.filter(({ error }) => error.code !== 'ABORTED'), others, leftOut });
        });
    }

    /* What teaches a picture, and is called at once: bytes are taken in the order of the calls, as files are not. */
    async #begin({ label, open }, signal) {
        try {
            const given = await open(), bytes = new Uint8Array(await new Blob([given]).arrayBuffer());
            return () => this.#session.add(label, bytes, { signal });
        } catch (error) {
            return () => Promise.reject(error);
        }
    }

    #report({ failed, others, leftOut }) {
        const names = failed.slice(0, mostNamed).map(({ name, error }) => `${visible(name)} (${sentenceOf(error)
            .replace(/[.\u3002]$/, '')})`).join(', ');
        const words = [
            ...failed.length ? [text('teach.failed', { count: failed.length, names })] : [],
            ...others.length ? [text('teach.others', { count: others.length })] : [],
            ...leftOut ? [text('teach.left_out', { count: leftOut, most: this.#session.teacher.info.maxExamples })]
                : [],
        ];
        if (words.length)
            this.#say(words.join(' '));
    }

    /* --- Notes --- */

    #refuse(error) {
        this.#showNote(sentenceOf(error)).classList.add('is-problem');
    }

    #say(words) {
        this.#showNote(words);
    }

    #offerUndo(what, values, undo) {
        const named = Object.fromEntries(Object.entries(values).map(([key, label]) => [key, nameOf(label)]));
        clearTimeout(this.#undoEnds);
        fillNote(this.undo, text(what, named), make('button', { type: 'button', className: 'teach-undo',
            textContent: text('teach.undo'), onclick: () => {
                this.undo.hidden = true;
                Promise.resolve(undo()).catch((error) => this.#refuse(error));
            } }));
        this.#undoEnds = setTimeout(() => whenReleased(() => { this.undo.hidden = true; }), undoFor);
    }

    #showNote(words, ...more) {
        this.note.className = 'teach-note';
        return fillNote(this.note, words, ...more);
    }

    #hideNote() {
        this.note.hidden = true;
    }

    enter() {
        this.keeping.showKept();
    }

    leave() {
        this.look.closeCamera();
    }
}

function fillNote(note, words, ...more) {
    note.replaceChildren(make('p', { role: 'status', textContent: words }), ...more, make('button', { type: 'button',
        className: 'teach-quiet', textContent: '\u00d7', ariaLabel: text('teach.close'),
        onclick: () => { note.hidden = true; } }));
    note.hidden = false;
    return note;
}

/* The classes of the beginning that nobody named or filled give way to those of folders. */
function dropEmptyClasses(session, pictures) {
    const isNeeded = new Set(pictures.map(({ label }) => label)), { teacher } = session;
    if (teacher.examples.length === 0)
        teacher.classes.forEach(({ label }, i) => {
            if (!isNeeded.has(label) && label === text('teach.class', { number: i + 1 }))
                teacher.removeClass(label);
        });
}

/* The first of the page's models. */
async function firstModel() {
    const [name] = await (await fetchFile('models/models.json')).json();
    return new Uint8Array(await (await fetchFile(`models/${name}`)).arrayBuffer());
}

export async function startTeaching(root) {
    let problem = null;
    const store = await openStore().catch((error) => {
        problem = error;
        return null;
    });
    root.setAttribute('aria-busy', 'true');
    const view = new TeachView(root, store, problem);
    await view.start();
    root.removeAttribute('aria-busy');
    return view;
}
