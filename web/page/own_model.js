/* What there is to do with a model of one's own: one that was imported is saved as the .eyelet file that it has become. */
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

watchModel({
    opened(model) {
        current = model;
        element('own-model').hidden = !model.entry.isImported;
        element('own-model-said').textContent = '';
    },
});
