/* The drawing pad with its tools. What is drawn is classified while it is, and after each stroke; or it is a game: draw
 * what is asked for until the model sees it, in the time there is. */
import { element, nameOf, showMessage } from '../view.js';
import { drawable } from './drawable.js';
import { currentModel, watchModel } from './models.js';
import { Pad } from './pad.js';
import { modes } from './panels.js';
import { classify, forget } from './recognise.js';
import { text } from './texts.js';

const seconds = 20;
const maxFew = 20, guesses = 3; /* of more classes than these, the best three count: a drawing is no photo */

const pad = new Pad(element('pad'), {
    ink: () => document.querySelector('#inks :checked').value,
    brush: () => element('brush').valueAsNumber,
    moved() {
        element('verdict').setAttribute('aria-live', 'off'); /* it would chatter */
        if (isFree) /* one at a time: the newest is guessed next */
            guess();
    },
    done() {
        element('verdict').removeAttribute('aria-live');
        guess();
    },
    pointed: showPoint,
});
let isFree = true; /* no guess is under way */
let game = null; /* { label, endsAt, timer } */
let labels = [], asked = []; /* of the model; those that were asked for */

async function guess() {
    isFree = false;
    element('undo').disabled = !pad.canUndo;
    const best = await classify(() => pad.pixels());
    isFree = true;
    if (game && best)
        element('game-guess').textContent = text('game.sees', { name: nameOf(best[0].label) });
    const counted = labels.length > maxFew ? guesses : 1;
    if (game && best?.slice(0, counted).some(({ label }) => label === game.label))
        finish('game.won', { count: Math.ceil(seconds - (game.endsAt - performance.now()) / 1000) });
}

function empty() {
    forget();
    pad.clear();
    element('undo').disabled = true;
    showMessage(text('draw.start'));
}

function showPoint(x, y, isDown) {
    const point = element('pad-point');
    point.hidden = false;
    point.style.setProperty('--x', x);
    point.style.setProperty('--y', y);
    point.classList.toggle('is-down', isDown);
}

/* --- The game --- */

async function play() {
    await currentModel();
    const choices = drawable(labels).filter((label) => !asked.includes(label));
    const from = choices.length > 0 ? choices : drawable(labels);
    const label = from[Math.floor(Math.random() * from.length)];
    asked = choices.length > 0 ? [...asked, label] : [label];
    empty();
    clearInterval(game?.timer);
    game = { label, endsAt: performance.now() + 1000 * seconds, timer: setInterval(tick, 250) };
    element('game').hidden = false;
    element('game-guess').textContent = '';
    element('game-words').textContent = text('game.draw', { name: nameOf(label) });
    element('game-play').textContent = text('game.stop');
    tick();
}

function tick() {
    const left = (game.endsAt - performance.now()) / 1000;
    element('game-left').value = left / seconds;
    element('game-left').textContent = text('game.left', { seconds: Math.max(0, Math.ceil(left)) });
    if (left <= 0)
        finish('game.lost', {});
}

function finish(key, values) {
    element('game-words').textContent = text(key, { name: nameOf(game.label), ...values });
    end();
}

function end() {
    clearInterval(game?.timer);
    game = null;
    element('game-left').value = 0;
    element('game-play').textContent = text('game.again');
}

/* Without a word, as when the model or the panel goes. */
function stop() {
    end();
    element('game').hidden = true;
    element('game-play').textContent = text('game.play');
}

/* --- Tools --- */

for (const ink of document.querySelectorAll('#inks input'))
    ink.style.setProperty('--ink', ink.value);

element('clear').addEventListener('click', empty);

element('undo').addEventListener('click', () => {
    pad.undo();
    if (pad.canUndo)
        guess();
    else
        empty();
});

element('game-play').addEventListener('click', () => game ? stop() : play());

element('pad').addEventListener('blur', () => { element('pad-point').hidden = true; });
element('pad').addEventListener('keydown', (event) => {
    if (event.key === 'z' && (event.ctrlKey || event.metaKey))
        element('undo').click();
});

watchModel({
    opening: stop,
    opened(model) {
        ({ labels } = model);
        asked = [];
    },
});

/* What the panel before has shown is no drawing. */
function enter() {
    if (pad.canUndo)
        return guess();
    forget();
    return showMessage(text('draw.start'));
}

modes.add('draw', { panel: element('drawing'), enter, leave: stop });
