/* Panels of which one is shown, each with a button that says which: the views in the header, and the ways to a picture.
 *
 *     views.add('teach', { panel: element('teach'), enter() {}, leave() {}, take(files, why) {} });
 *     views.show('teach');    // as the button #view-teach does
 *
 * `enter` and `leave` are called when a panel comes and goes. A view is given by `take` what is chosen, dropped or
 * pasted while it is shown: an array of files, or none and why. */
import { element } from '../view.js';

class Panels {
    #prefix;
    #all = new Map();
    #shown = null;

    constructor(prefix) {
        this.#prefix = prefix;
    }

    /* The one whose button is pressed is shown. */
    add(name, { panel, ...given }) {
        const button = element(`${this.#prefix}-${name}`);
        this.#all.set(name, { name, panel, button, ...given });
        button.addEventListener('click', () => this.show(name));
        button.parentElement.hidden = this.#all.size < 2;
        if (button.getAttribute('aria-pressed') === 'true')
            this.#shown = this.#all.get(name);
    }

    show(name) {
        const before = this.#shown;
        if (before.name === name)
            return;
        before.leave?.();
        this.#shown = this.#all.get(name);
        for (const one of this.#all.values()) {
            one.button.setAttribute('aria-pressed', String(one === this.#shown));
            one.panel.hidden = one !== this.#shown;
        }
        this.#shown.enter?.();
    }

    get shown() {
        return this.#shown;
    }
}

export const views = new Panels('view'), modes = new Panels('mode');
