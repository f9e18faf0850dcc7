/* How good what was taught is: an estimate with its interval, what is taken for what, and the pictures it gets wrong.
 *
 *     const estimate = new Estimate(session);    // its elements stand in estimate.root
 *     estimate.show(await teacher.evaluate());   // null: too few pictures */
import { make, nameOf, percent } from '../view.js';
import { pictureBar, thumbnail } from './teach_picture.js';
import { text } from './texts.js';

const mostColumns = 8, fewMistakes = 8, mostMistakes = 200, surePictures = 30;

export class Estimate {
    #session;

    constructor(session) {
        this.#session = session;
        this.words = make('p', { className: 'teach-accuracy', role: 'status' });
        this.more = make('p', { className: 'quiet' });
        this.table = make('div', { className: 'teach-table', role: 'group', ariaLabel: text('teach.table'),
            tabIndex: 0, hidden: true }); /* it may be wider than a phone */
        this.wrong = make('ul', { className: 'teach-wrong' });
        this.wrongTitle = make('h3', { textContent: text('teach.wrong'), hidden: true });
        this.moreWrong = make('button', { type: 'button', className: 'teach-quiet', hidden: true });
        this.place = make('div');
        this.root = make('section', { className: 'card teach-estimate', ariaLabel: text('teach.estimate') },
            make('h2', { textContent: text('teach.estimate') }), this.words, this.more, this.wrongTitle, this.wrong,
            this.moreWrong, this.place, this.table);
        this.show(null);
    }

    /* While pictures change, what stood there is of before. */
    wait() {
        this.root.setAttribute('aria-busy', 'true');
    }

    show(evaluation) {
        this.root.removeAttribute('aria-busy');
        const isKnown = evaluation?.count > 0;
        this.words.classList.toggle('quiet', !isKnown);
        this.words.textContent = isKnown ? text('teach.accuracy', {
            accuracy: percent(evaluation.accuracy, 0), low: percent(evaluation.interval[0], 0),
            high: percent(evaluation.interval[1], 0), count: evaluation.count,
        }) : text('teach.no_estimate');
        this.more.textContent = isKnown ? this.#remarks(evaluation).join(' ') : '';
        this.place.replaceChildren();
        this.#showMistakes(isKnown ? evaluation.mistakes : []);
        this.table.hidden = !(isKnown && evaluation.mistakes.length);
        this.table.replaceChildren(...isKnown && evaluation.mistakes.length ? [confusionTable(evaluation)] : []);
    }

    #remarks({ count, threshold }) {
        const single = this.#session.teacher.classes.filter((one) => one.count === 1).map(({ label }) => nameOf(label));
        return [
            ...count < surePictures ? [text('teach.few_pictures')] : [],
            ...threshold ? [text('teach.threshold', { percent: percent(threshold, 0) })] : [],
            ...single.length ? [text('teach.single', { names: single.join(', ') })] : [],
        ];
    }

    /* The surest first. */
    #showMistakes(mistakes, limit = fewMistakes) {
        const session = this.#session, rest = mistakes.length - limit;
        this.wrongTitle.hidden = mistakes.length === 0;
        this.moreWrong.hidden = rest <= 0;
        this.moreWrong.textContent = text('teach.all_wrong', { count: rest });
        this.moreWrong.onclick = () => this.#showMistakes(mistakes, mostMistakes);
        this.wrong.replaceChildren(...mistakes.slice(0, limit).map(({ id, label, answered }) => {
            const words = text('teach.taken_for', { label: nameOf(label), answered: nameOf(answered) });
            const button = make('button', { type: 'button', ariaLabel: words, title: words },
                thumbnail(session, id, label), make('span', { className: 'quiet', textContent: nameOf(answered) }));
            button.addEventListener('click', () => this.#pick(id, answered, button));
            return make('li', {}, button);
        }));
    }

    #pick(id, proposed, button) {
        const close = () => {
            this.place.replaceChildren();
            if (button.isConnected)
                button.focus();
        };
        this.place.replaceChildren(pictureBar(this.#session, id, { proposed, close }));
        this.place.querySelector('select, button').focus();
    }
}

/* A row a class; of many classes those alone that are taken for another. */
function confusionTable({ labels, confusion }) {
    const isMixed = (i) => labels.some((_, k) => k !== i && (confusion[i][k] || confusion[k][i]));
    const shown = labels.map((_, i) => i).filter((i) => labels.length <= mostColumns || isMixed(i))
        .slice(0, mostColumns);
    const name = (i, scope) => make('th', { scope, textContent: nameOf(labels[i]) });
    const cell = (i, k) => make('td', { textContent: confusion[i][k] || '\u00b7',
        className: !confusion[i][k] ? '' : i === k ? 'is-right' : 'is-wrong' });
    return make('table', {}, make('caption', { className: 'quiet', textContent: text('teach.table') }),
        make('thead', {}, make('tr', {}, make('td'), ...shown.map((k) => name(k, 'col')))),
        make('tbody', {}, ...shown.map((i) => make('tr', {}, name(i, 'row'), ...shown.map((k) => cell(i, k))))));
}
