/* The drawing pad with its tools; what is drawn is classified after each stroke. */
import { element, showMessage } from '../view.js';
import { Pad } from './pad.js';
import { modes } from './panels.js';
import { classify, forget } from './recognise.js';
import { text } from './texts.js';

const pad = new Pad(element('pad'), {
    ink: () => document.querySelector('#inks :checked').value,
    brush: () => element('brush').valueAsNumber,
    done: () => classify(() => pad.pixels()),
});

for (const ink of document.querySelectorAll('#inks input'))
    ink.style.setProperty('--ink', ink.value);

element('clear').addEventListener('click', () => {
    forget();
    pad.clear();
    showMessage(text('draw.start'));
});

modes.add('draw', { panel: element('drawing') });
