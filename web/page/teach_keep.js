/* What becomes of what was taught: its title, a file, a page to share; and what this browser kept of before.
 *
 *     const keeping = new Keeping(session, { open(bytes) {}, goOn(kept) {}, startAgain() {}, refuse(error) {},
 *         settle() {} });      // settle: what was changed is told now, by changed()
 *     await keeping.showKept();    // keeping.kept and keeping.root are its elements */
import { make, nameOf, sentenceOf } from '../view.js';
import { download, fileName } from './download.js';
import { canShare, sharedPage } from './share.js';
import { language, text } from './texts.js';

const mostKept = 5, longestName = 60;

export class Keeping {
    #session;
    #ways;
    #isProblem = false;
    #changes = 0;

    constructor(session, ways) {
        this.#session = session;
        this.#ways = ways;
        this.title = make('input', { className: 'teach-title', value: session.name, maxLength: longestName,
            autocomplete: 'off' });
        this.title.addEventListener('input', () => { session.name = this.title.value.trim(); });
        this.status = make('p', { className: 'quiet', role: 'status' });
        this.ready = make('div', { className: 'teach-ready' });
        this.file = make('input', { type: 'file', accept: '.eyelet', hidden: true });
        this.file.addEventListener('change', async () => {
            const [file] = this.file.files;
            this.file.value = '';
            if (file)
                ways.open(file);
        });
        const button = (key, className, work) => make('button', { type: 'button', className, textContent: text(key),
            onclick: work });
        this.share = button('teach.share', 'primary teach-share', () => this.#work(this.share, () => this.#share()));
        this.save = button('teach.save', 'teach-save', () => this.#work(this.save, () => this.#save()));
        this.update = button('teach.update', 'teach-quiet teach-update',
            () => this.#work(this.update, () => this.#exportUpdate()));
        this.update.title = text('teach.update_what');
        this.root = make('section', { className: 'card teach-keep', ariaLabel: text('teach.keep') },
            make('h2', { textContent: text('teach.keep') }),
            make('label', { className: 'teach-field' }, text('teach.title'), this.title),
            make('div', { className: 'row' }, this.share), this.ready, make('div', { className: 'row' }, this.save,
                button('teach.open', 'teach-open', () => this.file.click()), this.file,
                button('teach.start_again', 'teach-quiet teach-start', () => ways.startAgain()),
                this.update), this.status);
        this.kept = make('div', { className: 'teach-kept' });
    }

    /* One thing at a time, and what fails is told. */
    async #work(button, work) {
        if (button.getAttribute('aria-busy'))
            return;
        button.setAttribute('aria-busy', 'true');
        try {
            await work();
        } catch (error) {
            this.#ways.refuse(error);
        }
        button.removeAttribute('aria-busy');
    }

    async #save() {
        download(await this.#session.save(), fileName(this.#session.name, 'eyelet'));
    }

    async #exportUpdate() {
        download(await this.#session.exportUpdate(), fileName(`${this.#session.name} update`, 'eyelet'));
        this.status.textContent = text('teach.update_what');
    }

    /* Made again if something was changed meanwhile. */
    async #page() {
        for (;;) {
            this.#ways.settle();
            const before = this.#changes, file = await sharedPage(this.#session);
            this.#ways.settle();
            if (before === this.#changes)
                return file;
        }
    }

    async #share() {
        const file = await this.#page(), address = URL.createObjectURL(file);
        const size = (file.size / 1e6).toFixed(1);
        this.ready.replaceChildren(make('p', { className: 'quiet', role: 'status', textContent: text('share.ready',
            { size }) }), make('div', { className: 'row' },
        make('a', { className: 'button', href: address, download: file.name, textContent: text('share.download') }),
        ...canShare(file) ? [make('button', { type: 'button', textContent: text('share.send'),
            onclick: () => navigator.share({ files: [file], title: this.#session.name }).catch((error) =>
                error.name === 'AbortError' || this.#ways.refuse(error)) })] : []));
        this.ready.querySelector('a').focus();
    }

    /* After a change the page that was made is of before. */
    changed() {
        this.#changes++;
        const address = this.ready.querySelector('a')?.href;
        if (address)
            URL.revokeObjectURL(address);
        this.ready.replaceChildren();
        if (!this.#isProblem)
            this.status.textContent = '';
    }

    showStatus(error) {
        this.#isProblem = error !== null;
        this.status.textContent = error ? sentenceOf(error) : text('teach.is_kept');
    }

    setTitle(title) {
        this.title.value = this.#session.name = title;
    }

    async showKept() {
        const { store } = this.#session, all = store ? await store.list().catch(() => []) : [];
        const isElsewhere = store && await store.isElsewhere().catch(() => false);
        this.kept.replaceChildren(
            ...isElsewhere ? [make('p', { className: 'teach-note', role: 'status',
                textContent: text('teach.elsewhere') })] : [],
            ...all.slice(0, mostKept).map((one) => this.#offer(one)));
    }

    #offer(one) {
        const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(one.at);
        const names = one.classes.slice(0, 5).map(({ label }) => nameOf(label)).join(', ');
        const count = one.classes.reduce((sum, { count }) => sum + count, 0);
        const offer = make('section', { className: 'card teach-offer', ariaLabel: text('teach.kept') },
            make('p', {}, make('strong', { textContent: text('teach.go_on', { date }) }), make('br'),
                make('span', { className: 'quiet', textContent: `${text('teach.pictures', { count })}: ${names}` })),
            make('div', { className: 'row' },
                make('button', { type: 'button', className: 'primary', textContent: text('teach.yes'), onclick: () => {
                    offer.remove();
                    this.#ways.goOn(one);
                } }),
                make('button', { type: 'button', textContent: text('teach.forget'), onclick: () => {
                    offer.remove();
                    this.#session.store.forget(one.id).catch(this.#ways.refuse);
                } })));
        return offer;
    }
}
