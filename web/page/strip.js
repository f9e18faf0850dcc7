/* Many pictures at once: a strip of them with their labels, and the results as a file.
 *
 *     showStrip(files);    // classified in workers; a click on one shows it in full
 *     closeStrip();
 *
 * Cards are made as far as the strip is scrolled, and their small pictures as far as they are seen, so that a folder of
 * thousands costs no more than what is looked at. */
import { classifyInOrder, platform } from '../background.js';
import { element, make, nameOf, percent, showWarning, visible } from '../view.js';
import { csvOf } from './csv.js';
import { download } from './download.js';
import { pathOf } from './files.js';
import { currentModel, watchModel } from './models.js';
import { classifyFile } from './recognise.js';
import { text } from './texts.js';

const cardsAtOnce = 60;
const drawEvery = 100; /* milliseconds */
const side = 96; /* of a small picture, in pixels of the page */

let files = [], results = [];
let threshold; /* the model's */
let running = null; /* AbortController of the classification under way */
let drawn = 0; /* a timer */
let chosen = 0; /* index of the one that is shown in full */

export function showStrip(given) {
    closeStrip();
    files = given;
    element('strip-shown').hidden = false;
    element('strip').scrollTo(0, 0);
    choose(0);
    run();
}

export function closeStrip() {
    running?.abort();
    running = null;
    files = [];
    results = [];
    element('strip').replaceChildren();
    element('strip-shown').hidden = true;
    seen.disconnect();
}

async function run() {
    running?.abort();
    const mine = running = new AbortController(), { signal } = mine;
    results = [];
    seen.disconnect();
    element('strip').replaceChildren();
    addCards();
    draw();
    try {
        const { bytes, info } = await currentModel();
        ({ threshold } = info);
        const opening = { model: bytes, wasm: platform.wasm() };
        for await (const result of classifyInOrder(files, opening, { topK: 1, signal })) {
            results.push(result);
            drawn ||= setTimeout(draw, drawEvery);
        }
    } catch (error) {
        if (running === mine && error.code !== 'ABORTED')
            showWarning(error);
    }
    if (running !== mine)
        return;
    running = null;
    draw();
    element('strip-said').textContent = element('strip-words').textContent;
}

/* --- What is shown --- */

function draw() {
    clearTimeout(drawn);
    drawn = 0;
    const done = results.length, count = files.length;
    element('strip-words').textContent = running ? text('strip.progress', { done, count })
        : done < count ? text('strip.stopped', { done, count }) : text('strip.count', { count });
    element('strip-progress').value = done / count;
    element('strip-progress').hidden = element('strip-cancel').hidden = !running;
    element('strip-csv').hidden = done === 0;
    const cards = element('strip').children;
    for (let i = 0; i < Math.min(done, cards.length); i++)
        if (!cards[i].dataset.done)
            label(cards[i], results[i]);
}

function label(card, result) {
    const [, name, score] = card.firstElementChild.children;
    card.dataset.done = 'true';
    if (!Array.isArray(result)) {
        name.textContent = text('strip.unreadable');
        card.classList.add('is-unreadable');
        return;
    }
    const [best] = result, isSure = best.score >= (threshold ?? 0.5);
    name.textContent = isSure ? nameOf(best.label) : text('result.perhaps', { name: nameOf(best.label) });
    score.textContent = percent(best.score, 0);
}

/* The next ones of those that have none yet. */
function addCards() {
    const from = element('strip').children.length, path = (i) => visible(pathOf(files[i]));
    for (let i = from; i < Math.min(from + cardsAtOnce, files.length); i++) {
        const picture = make('canvas', { width: 2 * side, height: 2 * side });
        picture.setAttribute('role', 'img');
        picture.setAttribute('aria-label', path(i));
        const name = make('span', { className: 'name', dir: 'auto', textContent: '\u2026' });
        const card = make('li', {}, make('button', { type: 'button', title: path(i) },
            picture, name, make('span', { className: 'score' })));
        card.dataset.index = i;
        press(card);
        element('strip').append(card);
        seen.observe(card);
        if (results[i])
            label(card, results[i]);
    }
}

function press(card) {
    card.firstElementChild.setAttribute('aria-pressed', String(Number(card.dataset.index) === chosen));
}

function choose(i) {
    chosen = i;
    for (const card of element('strip').children)
        press(card);
    classifyFile(files[i], { mayScroll: false });
}

/* --- Small pictures, one after the other --- */

let painting = Promise.resolve();

const seen = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
        if (!isIntersecting)
            continue;
        seen.unobserve(target);
        if (target === element('strip').lastElementChild)
            addCards();
        painting = painting.then(() => target.isConnected && paint(target));
    }
}, { rootMargin: '200px' });

/* Nothing of what the browser cannot decode. */
async function paint(card) {
    const canvas = card.firstElementChild.firstElementChild, file = files[card.dataset.index];
    const options = { resizeHeight: canvas.height, resizeQuality: 'medium' };
    const bitmap = await createImageBitmap(file, options).catch(() => null);
    if (!bitmap)
        return;
    const scale = Math.max(canvas.width / bitmap.width, canvas.height / bitmap.height);
    const width = scale * bitmap.width, height = scale * bitmap.height;
    canvas.getContext('2d').drawImage(bitmap, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    bitmap.close();
}

/* --- Buttons --- */

element('strip').addEventListener('click', ({ target }) => {
    const card = target.closest('li');
    if (card)
        choose(Number(card.dataset.index));
});

element('strip-cancel').addEventListener('click', () => running?.abort());

element('strip-csv').addEventListener('click', () => {
    const rows = results.map((result, i) => ({ path: pathOf(files[i]), result }));
    download(csvOf(rows), 'eyelet.csv', 'text/csv');
});

watchModel({
    opening: () => running?.abort(),
    opened: () => files.length > 0 && run(),
});
