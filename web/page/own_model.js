/* What there is to do with a model of one's own: one that was imported is saved as the .eyelet file that it has become,
 * and one with an embedding is taught other classes.
 *
 *     whenTaught(({ name, bytes }) => {});    // bytes: a function, as addModel of models.js takes it */
import { element } from '../view.js';
import { download, fileName } from './download.js';
import { watchModel } from './models.js';
import { text } from './texts.js';

let current = null;

element('save-model').addEventListener('click', () => {
    const name = fileName(current.entry.name, 'eyelet');
    download(current.bytes, name);
    element('own-model-said').textContent = text('model.saved', { name });
});

export function whenTaught(teach) {
    element('teach-model').addEventListener('click', () => {
        const { entry: { name }, bytes } = current;
        teach({ name, bytes: () => bytes });
    });
}

watchModel({
    opened(model) {
        const { entry: { address, isImported }, info } = current = model;
        element('save-model').hidden = !isImported;
        element('teach-model').hidden = Boolean(address) || !info.embedding;
        element('own-model').hidden = element('save-model').hidden && element('teach-model').hidden;
        element('own-model-said').textContent = '';
    },
});
