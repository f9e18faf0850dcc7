/* The classes: a card for each, with its name, its pictures, and the ways to give it more.
 *
 *     const cards = new ClassCards(list, session, { hold(label) {}, release() {}, once(label) {},
 *         take(files, label, why) {}, refuse(error) {} });
 *     cards.show();    // after each change */
import { make, nameOf } from '../view.js';
import { droppedFiles } from './files.js';
import { pictureBar, thumbnail } from './teach_picture.js';
import { text } from './texts.js';

const fewPictures = 12, morePictures = 200;

export class ClassCards {
    #list;
    #session;
    #cards = new Map(); /* by label */
    #ownWays;

    constructor(list, session, ways) {
        this.#list = list;
        this.#session = session;
        this.#ownWays = { ...ways, rename: (from, to) => this.#rename(from, to) };
    }

    /* The card stays, and with it what has the focus. */
    #rename(from, to) {
        this.#session.rename(from, to); /* throws for what cannot be a label */
        this.#cards.set(to, this.#cards.get(from));
        this.#cards.delete(from);
    }

    show() {
        const { classes, examples } = this.#session.teacher, byLabel = new Map(classes.map(({ label }) => [label, []]));
        for (const { id, label } of examples)
            byLabel.get(label)?.push(id);
        for (const [label, card] of this.#cards)
            if (!byLabel.has(label)) {
                card.root.remove();
                this.#cards.delete(label);
            }
        classes.forEach(({ label }, i) => {
            const card = this.#cards.get(label) ?? new ClassCard(label, this.#session, this.#ownWays);
            this.#cards.set(label, card);
            if (this.#list.children[i] !== card.root)
                this.#list.insertBefore(card.root, this.#list.children[i] ?? null);
            card.show(byLabel.get(label).reverse()); /* the newest first */
        });
    }

    /* Of another teacher, of which the pictures have other numbers. */
    clear() {
        this.#cards.clear();
        this.#list.replaceChildren();
    }

    nameField(label) {
        return this.#cards.get(label)?.name;
    }
}

class ClassCard {
    #label;
    #session;
    #ways;
    #ids = [];
    #items = new Map(); /* by id */
    #limit = fewPictures;
    #picked = null; /* id */

    constructor(label, session, ways) {
        this.#label = label;
        this.#session = session;
        this.#ways = ways;
        this.name = make('input', { className: 'teach-name', ariaLabel: text('teach.name'),
            autocomplete: 'off', spellcheck: false, maxLength: 200, dir: 'auto' });
        this.count = make('span', { className: 'quiet teach-count' });
        this.remove = make('button', { type: 'button', className: 'teach-quiet teach-remove', textContent: '\u00d7',
            onclick: () => session.removeClass(this.#label) });
        this.pictures = make('ul', { className: 'teach-pictures' });
        this.more = make('button', { type: 'button', className: 'teach-quiet', hidden: true,
            onclick: () => this.#showMore() });
        this.place = make('div');
        this.root = make('section', { className: 'card teach-class' },
            make('div', { className: 'teach-head' }, this.name, this.count, this.remove),
            make('div', { className: 'row teach-ways' }, this.#holdButton(), this.#chooser()),
            this.pictures, this.more, this.place);
        this.#listen();
        this.#showName();
    }

    #showName() {
        const name = nameOf(this.#label);
        this.name.value = this.#label;
        this.root.ariaLabel = name;
        this.remove.ariaLabel = this.remove.title = text('teach.remove_class', { name });
        this.pictures.ariaLabel = text('teach.pictures_of', { name });
    }

    #holdButton() {
        const { hold, release, once } = this.#ways;
        const button = make('button', { type: 'button', className: 'primary teach-hold',
            textContent: text('teach.hold') });
        let wasHeld = false;
        const begin = () => {
            wasHeld = true;
            button.classList.add('is-held');
            hold(this.#label);
        };
        const end = () => {
            button.classList.remove('is-held');
            release();
        };
        button.addEventListener('pointerdown', (event) => {
            if (!event.isPrimary || event.button !== 0)
                return;
            button.setPointerCapture(event.pointerId);
            begin();
        });
        for (const name of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur'])
            button.addEventListener(name, end);
        button.addEventListener('keydown', (event) => {
            if (!event.repeat && (event.key === ' ' || event.key === 'Enter'))
                begin();
        });
        button.addEventListener('keyup', end);
        button.addEventListener('contextmenu', (event) => event.preventDefault()); /* of a finger that stays */
        button.addEventListener('click', () => { /* a screen reader's click holds nothing */
            if (!wasHeld)
                once(this.#label);
            wasHeld = false;
        });
        return button;
    }

    #chooser() {
        const files = make('input', { type: 'file', multiple: true, hidden: true, accept: 'image/*,.zip,.tm' });
        files.addEventListener('change', () => {
            this.#ways.take([...files.files], this.#label);
            files.value = '';
        });
        return make('span', { className: 'teach-pair' }, files, make('button', { type: 'button',
            className: 'teach-files', textContent: text('teach.files'), onclick: () => files.click() }));
    }

    #listen() {
        this.name.addEventListener('change', () => this.#rename(this.name.value.trim()));
        this.name.addEventListener('focus', () => this.name.select());
        this.name.addEventListener('keydown', ({ key }) => key === 'Enter' && this.name.blur());
        this.root.addEventListener('dragover', () => this.root.classList.add('is-target'));
        this.root.addEventListener('dragleave', () => this.root.classList.remove('is-target'));
        this.root.addEventListener('drop', async (event) => {
            event.preventDefault();
            event.stopPropagation();
            this.root.classList.remove('is-target');
            document.body.classList.remove('is-dragging');
            const id = Number(event.dataTransfer.getData('text/x-eyelet-picture'));
            if (!id)
                this.#ways.take(await droppedFiles(event.dataTransfer), this.#label, text('drop.no_file'));
            else if (this.#session.labelOf(id) && this.#session.labelOf(id) !== this.#label)
                this.#session.move(id, this.#label);
        });
    }

    #rename(to) {
        const from = this.#label;
        try {
            if (to && to !== from && this.#session.has(to))
                throw new Error(text('teach.name_taken', { name: nameOf(to) }));
            if (to && to !== from) {
                this.#label = to;
                this.#ways.rename(from, to);
            }
        } catch (error) {
            this.#label = from;
            this.#ways.refuse(error);
        }
        this.#showName();
    }

    show(ids) {
        this.#ids = ids;
        this.count.textContent = text('teach.pictures', { count: ids.length });
        if (this.#picked !== null && !ids.includes(this.#picked))
            this.#pick(null);
        this.#showPictures();
    }

    #showMore() {
        this.#limit = this.#limit >= this.#ids.length ? fewPictures : this.#limit + morePictures;
        this.#showPictures();
    }

    /* Items are used again, so that only new pictures are drawn. */
    #showPictures() {
        const ids = this.#ids.slice(0, this.#limit), isThere = new Set(ids);
        for (const [id, item] of this.#items)
            if (!isThere.has(id)) {
                item.remove();
                this.#items.delete(id);
            }
        ids.forEach((id, i) => {
            const item = this.#items.get(id) ?? this.#item(id);
            this.#items.set(id, item);
            if (this.pictures.children[i] !== item)
                this.pictures.insertBefore(item, this.pictures.children[i] ?? null);
        });
        const rest = this.#ids.length - ids.length;
        this.more.hidden = this.#ids.length <= fewPictures;
        this.more.textContent = rest > 0 ? text('teach.more', { count: Math.min(rest, morePictures) })
            : text('teach.fewer');
    }

    #item(id) {
        const button = make('button', { type: 'button', draggable: true, ariaLabel: text('teach.picture_of', {
            name: nameOf(this.#label) }), onclick: () => this.#pick(this.#picked === id ? null : id) },
        thumbnail(this.#session, id, this.#label));
        button.addEventListener('dragstart', ({ dataTransfer }) => dataTransfer.setData('text/x-eyelet-picture', id));
        button.addEventListener('keydown', (event) => {
            if (event.key !== 'Delete' && event.key !== 'Backspace')
                return;
            event.preventDefault();
            const item = this.#items.get(id), next = item.nextElementSibling ?? item.previousElementSibling;
            (next?.querySelector('button') ?? this.name).focus();
            this.#session.remove(id);
        });
        return make('li', {}, button);
    }

    #pick(id) {
        const before = this.#items.get(this.#picked);
        before?.classList.remove('is-picked');
        this.#picked = id;
        const item = this.#items.get(id);
        item?.classList.add('is-picked');
        const close = () => {
            this.#pick(null);
            (item?.isConnected ? item.querySelector('button') : this.name).focus();
        };
        this.place.replaceChildren(...id === null ? [] : [pictureBar(this.#session, id, { close })]);
        this.place.querySelector('select, button')?.focus();
    }
}
