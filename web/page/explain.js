/* "Why?": where in the picture the model sees what speaks for a class, drawn over the picture. For a class that is
 * chosen among the bars, with a slider for how strong; it goes with the picture that it is of. */
import { element, make, nameOf, visible } from '../view.js';
import { modes } from './panels.js';
import { watchAnswers } from './recognise.js';
import { text } from './texts.js';

const colour = [255, 40, 90]; /* the program's too: train_native/report/heat_picture.c */
const places = [
    'why.top_left', 'why.top', 'why.top_right',
    'why.left', 'why.middle', 'why.right',
    'why.bottom_left', 'why.bottom', 'why.bottom_right',
];
const longestSide = 512; /* pixels of the canvas */

const heat = make('canvas', { id: 'heat', className: 'preview heat', hidden: true });
heat.setAttribute('aria-hidden', 'true'); /* #why-said says where it is warm */
const toggle = make('button', { type: 'button', id: 'why', textContent: text('why.show') });
const strength = make('input', { type: 'range', id: 'why-strength', min: 10, max: 100, value: 85 });
const slider = make('label', { className: 'brush', hidden: true },
    make('span', { textContent: text('why.strength') }), ' ', strength);
const said = make('p', { id: 'why-said', className: 'quiet why-said' });
said.setAttribute('role', 'status');
const panel = make('div', { className: 'why', hidden: true }, make('div', { className: 'row' }, toggle, slider), said);
element('frame').append(heat);
element('timing').before(panel);

let answer = null; /* { image, classifier, best } of the picture that is shown; null: there is none to explain */
let chosen = null; /* index of the class that is shown */
let turn = 0; /* number of the latest wish */

watchAnswers((newest) => {
    hide();
    answer = newest && modes.shown.name === 'picture' ? newest : null;
    panel.hidden = !answer;
    const rows = [...element('bars').children];
    for (const row of rows)
        row.querySelector('.why-this')?.remove();
    answer?.best.forEach((found, i) => rows[i].append(buttonOf(found)));
});

/* Over the whole row of a class. */
function buttonOf({ label, index }) {
    const title = text('why.class', { name: nameOf(label) });
    const button = make('button', { type: 'button', className: 'why-this', title });
    button.dataset.index = index;
    button.setAttribute('aria-label', title);
    button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => chosen === index ? hide() : show(index));
    return button;
}

function hide() {
    turn++;
    press(null);
    heat.hidden = slider.hidden = true;
    said.textContent = '';
}

function press(index) {
    chosen = index;
    toggle.setAttribute('aria-pressed', String(index !== null));
    for (const button of element('bars').querySelectorAll('.why-this'))
        button.setAttribute('aria-pressed', String(Number(button.dataset.index) === index));
}

/* Newest wins. */
async function show(index) {
    const mine = ++turn, { image, classifier } = answer;
    press(index);
    said.textContent = text('why.waiting');
    try {
        const explanation = await classifier.explain(image, { class: index });
        if (mine !== turn)
            return;
        const preview = element('preview');
        await preview.decode().catch(() => {});
        if (mine !== turn)
            return;
        draw(explanation, preview);
        heat.hidden = slider.hidden = false;
        said.textContent = sentenceOf(explanation);
    } catch ({ code, message }) {
        if (mine !== turn)
            return;
        hide();
        said.textContent = text(`error.${code}`) || visible(message);
    }
}

/* What those hear who do not see it: where on the picture the warmest cells lie in the mean, by thirds. */
function sentenceOf({ label, grid: { map, width, height }, box }) {
    const name = nameOf(label), warmest = [...map.keys()].filter((i) => map[i] > 0.9);
    if (warmest.length === 0)
        return text('why.nothing', { name });
    const mean = (cellOf) => warmest.reduce((sum, i) => sum + cellOf(i) + 0.5, 0) / warmest.length;
    const third = (at) => Math.min(2, Math.max(0, Math.floor(3 * at)));
    const row = third(box.y + mean((i) => Math.floor(i / width)) / height * box.height);
    const column = third(box.x + mean((i) => i % width) / width * box.width);
    return text('why.where', { name, place: text(places[3 * row + column]) });
}

/* On a canvas of the picture's shape, which lies over it as the picture itself does. */
function draw({ map, width, height, box }, { naturalWidth, naturalHeight }) {
    const across = naturalWidth || width, down = naturalHeight || height, scale = longestSide / Math.max(across, down);
    heat.width = Math.max(1, Math.round(across * scale));
    heat.height = Math.max(1, Math.round(down * scale));
    const small = make('canvas', { width, height }), pixels = small.getContext('2d').createImageData(width, height);
    map.forEach((value, i) => pixels.data.set([...colour, 255 * value], 4 * i));
    small.getContext('2d').putImageData(pixels, 0, 0);
    const context = heat.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(small, box.x * heat.width, box.y * heat.height, box.width * heat.width, box.height * heat.height);
    heat.style.setProperty('--strength', strength.value / 100);
}

toggle.addEventListener('click', () => chosen === null ? show(answer.best[0].index) : hide());
strength.addEventListener('input', () => heat.style.setProperty('--strength', strength.value / 100));
