/* The page's script: puts its parts together, and takes what is chosen, dropped or pasted. */
import { acceptFiles, element, make, sentenceOf } from '../view.js';
import './camera_mode.js';
import './draw.js';
import './explain.js';
import './link.js';
import { droppedFiles, fetchFile, pathOf } from './files.js';
import { foreignModel } from './foreign.js';
import { addModel } from './models.js';
import { keepOffline } from './offline.js';
import { whenTaught } from './own_model.js';
import { modes, views } from './panels.js';
import { classifyFile, refuse, showPicture } from './recognise.js';
import { closeStrip, showStrip } from './strip.js';
import { showLanguages, text, translate } from './texts.js';

translate(document);
showLanguages(element('languages'));

modes.add('picture', { panel: element('picture'), enter: showPicture });

const isModel = ({ name }) => /\.eyelet$/i.test(name);
/* Of a folder, images only. */
const mayBePicture = (file) => file.type.startsWith('image/') || !pathOf(file).includes('/');
const byPath = new Intl.Collator(undefined, { numeric: true });

/* What is chosen, dropped or pasted: a picture, many, a model, one of another program. */
function take(files, why) {
    const model = files.find(isModel), foreign = model ? null : foreignModel(files, { pathOf });
    const pictures = files.filter((file) => !isModel(file) && !foreign?.files.includes(file) && mayBePicture(file));
    if (model)
        addModel({ name: model.name.replace(/\.eyelet$/i, ''), bytes: () => model.arrayBuffer() });
    else if (foreign)
        addModel({ name: foreign.name || text('foreign.name'), bytes: foreign.bytes, isImported: true });
    else if (pictures.length === 0)
        refuse(files.length > 0 ? text('strip.no_pictures') : why);
    if (pictures.length > 0)
        closeStrip();
    if (pictures.length === 1)
        classifyFile(pictures[0]);
    else if (pictures.length > 1)
        showStrip(pictures.sort((a, b) => byPath.compare(pathOf(a), pathOf(b))));
}

views.add('recognise', {
    panel: element('recognise'),
    enter: () => modes.shown.enter?.(),
    leave: () => modes.shown.leave?.(),
    take,
});

let teaching = null; /* promise of the view, which is loaded when it is first shown */

function teach(work) {
    teaching ??= import('./teach.js').then(({ startTeaching }) => startTeaching(element('teach')));
    teaching.then(work).catch((error) => {
        teaching = null;
        element('teach').replaceChildren(make('p', { className: 'problem', role: 'alert',
            textContent: sentenceOf(error) }));
    });
}

views.add('teach', {
    panel: element('teach'),
    enter: () => teach((view) => view.enter()),
    leave: () => teach((view) => view.leave()),
    take: (files, why) => teach((view) => view.take(files, why)),
});

whenTaught((model) => {
    views.show('teach');
    teach((view) => view.teachOn(model));
});

element('file').accept += ',.eyelet,.zip,.json,.bin';
element('file').multiple = true;
element('choose').after(element('choose-folder'));
element('choose-folder').addEventListener('click', () => element('folder').click());
element('folder').addEventListener('change', ({ target }) => {
    take([...target.files], text('strip.no_pictures'));
    target.value = '';
});
acceptFiles((files, why) => views.shown.take?.(files, why), droppedFiles);

for (const { dataset, firstElementChild } of element('examples').children)
    firstElementChild.firstElementChild.alt = text('example', { label: dataset.label });

element('examples').addEventListener('click', ({ target }) => {
    const image = target.closest('button')?.querySelector('img');
    if (!image)
        return;
    closeStrip();
    classifyFile(fetchFile(image.getAttribute('src')).then((response) => response.blob()));
});

keepOffline();
