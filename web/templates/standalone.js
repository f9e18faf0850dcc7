/* The mailed page: index.html in one file, with the model and the module in it. Without a server there are no
 * workers, so that the page waits while it classifies. */
import { ClassifierError } from '../contract.js';
import { openEngine } from '../engine.js';
import { pictureFrom, withBrowserDecoder } from '../picture.js';
import { acceptFiles, element, visible } from '../view.js';
import { showClasses, showFacts, showPreview, showProblem, showResult } from '../view.js';

const bytesIn = (id) => Uint8Array.from(atob(element(id).textContent), (character) => character.charCodeAt(0));
const opening = openEngine({ wasm: bytesIn('wasm'), model: bytesIn('model') });
let newest = 0; /* number of the latest image: the one to show */

acceptFiles(async ([file], problem) => {
    const turn = ++newest;
    try {
        if (!file)
            throw new ClassifierError('IMAGE_FORMAT', problem);
        const [engine, picture] = [await opening, await pictureFrom(file)];
        if (turn !== newest)
            return;
        showPreview(file);
        const started = performance.now();
        const best = await withBrowserDecoder(picture, (image) => engine.classify(image));
        if (turn !== newest)
            return;
        showResult(best, performance.now() - started, engine.info.threshold);
    } catch (error) {
        if (turn !== newest)
            return;
        showPreview(null);
        showProblem(error);
    }
});

opening.then(({ labels, info }) => {
    document.title = visible(info.name || document.title);
    element('name').textContent = visible(info.name);
    showClasses(labels);
    showFacts(info, labels);
}, showProblem);
