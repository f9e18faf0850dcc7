/* The page's script: puts its parts together, and takes what is chosen, dropped or pasted. */
import { acceptFiles, element } from '../view.js';
import './camera_mode.js';
import './draw.js';
import { droppedFiles, fetchFile } from './files.js';
import { addModel } from './models.js';
import { keepOffline } from './offline.js';
import { modes, views } from './panels.js';
import { classifyFile, refuse } from './recognise.js';
import { showLanguages, text, translate } from './texts.js';

translate(document);
showLanguages(element('languages'));

modes.add('picture', { panel: element('picture') });

views.add('recognise', {
    panel: element('recognise'),
    enter: () => modes.shown.enter?.(),
    leave: () => modes.shown.leave?.(),
    take([file], why) {
        if (!file)
            refuse(why);
        else if (/\.eyelet$/i.test(file.name))
            addModel({ name: file.name.replace(/\.eyelet$/i, ''), bytes: () => file.arrayBuffer() });
        else
            classifyFile(file);
    },
});

element('file').accept += ',.eyelet';
acceptFiles((files, why) => views.shown.take?.(files, why), droppedFiles);

for (const { dataset, firstElementChild } of element('examples').children)
    firstElementChild.firstElementChild.alt = text('example', { label: dataset.label });

element('examples').addEventListener('click', ({ target }) => {
    const image = target.closest('button')?.querySelector('img');
    if (image)
        classifyFile(fetchFile(image.getAttribute('src')).then((response) => response.blob()));
});

keepOffline();
