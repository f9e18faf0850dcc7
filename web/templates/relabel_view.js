/* Below each picture of the report that is a file: the class to which it belongs. What was chosen is saved as a script
 * or a table (relabel.js).
 *
 *     startRelabelling(data);                        // the elements with the ids relabel, relabel-*
 *     make('li', {}, image, classChoice(picture));   // once it is started */
import { element, make, visible } from '../view.js';
import { lineOf, none, scriptOf, tableOf } from './relabel.js';

const chosen = new Map(); /* file -> { file, label, to } */
let relabelled, isSaved = true; /* the report's data; whether all that is chosen is saved */

function save(content, name, type) {
    const link = make('a', { href: URL.createObjectURL(new Blob([content], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); /* a browser may ask first where it should go */
    isSaved = true;
}

function showChosen() {
    const changes = [...chosen.values()];
    const rest = changes.filter((change) => lineOf(relabelled, change) === null).length;
    element('relabel').hidden = changes.length === 0;
    element('relabel-script').hidden = rest === changes.length;
    const count = changes.length === 1 ? '1 picture' : `${changes.length} pictures`;
    element('relabel-words').textContent = `${count} chosen` + (rest === 0 ? '.'
        : `, of which the script cannot move ${rest}: not in a folder of the class.`);
}

/* The same picture may be on the page twice. */
function choose(file, label, to) {
    if (to === label)
        chosen.delete(file);
    else
        chosen.set(file, { file, label, to });
    isSaved = chosen.size === 0;
    for (const select of document.querySelectorAll('.class-choice'))
        if (select.dataset.file === file)
            select.value = to;
    showChosen();
}

export function classChoice({ file, label }) {
    const select = make('select', { className: 'class-choice' }, ...relabelled.classes.map((name, i) =>
        make('option', { value: i, textContent: visible(name) })),
    make('option', { value: none, textContent: 'none: take it out' }));
    select.dataset.file = file;
    select.value = chosen.get(file)?.to ?? label;
    select.setAttribute('aria-label', `Class of ${visible(file)}`);
    select.addEventListener('change', () => choose(file, label, Number(select.value)));
    return select;
}

export function startRelabelling(data) {
    relabelled = data;
    const changes = () => [...chosen.values()];
    element('relabel-script').onclick = () => save(scriptOf(data, changes()), 'relabel.sh', 'application/x-sh');
    element('relabel-table').onclick = () => save(tableOf(data, changes()), 'relabel.csv', 'text/csv');
    element('relabel-forget').onclick = () => changes().forEach(({ file, label }) => choose(file, label, label));
    addEventListener('beforeunload', (event) => isSaved || event.preventDefault());
}
