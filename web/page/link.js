/* ?model=ADDRESS opens that model, and a button copies such a link where the model has come by an address. The policy
 * of the page lets it fetch from its own origin only. */
import { element } from '../view.js';
import { watchModel } from './models.js';
import { text } from './texts.js';

let link = null;

async function copy() {
    try {
        await navigator.clipboard.writeText(link);
        element('copied').textContent = text('link.copied');
    } catch { /* not allowed, or no clipboard over http */
        history.replaceState(null, '', link);
        element('copied').textContent = text('link.in_address');
    }
}

element('copy-link').addEventListener('click', copy);

watchModel({
    opened({ entry: { address } }) {
        element('model-link').hidden = !address;
        element('copied').textContent = '';
        const page = new URL(location.pathname, location);
        if (address)
            page.searchParams.set('model', address);
        link = page.href;
    },
});
