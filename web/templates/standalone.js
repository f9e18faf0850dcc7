/* The mailed page: index.html in one file, with the model and the module in it. Without a server there are no
 * workers, so that the page waits while it classifies. Model and module may be gzipped, and there may be pictures to
 * try: a taught model's (page/share.js). */
import { ClassifierError } from '../contract.js';
import { openEngine } from '../engine.js';
import { pictureFrom, withBrowserDecoder } from '../picture.js';
import { acceptFiles, element, make, nameOf, visible } from '../view.js';
import { revealResult, showClasses, showFacts, showPreview, showProblem, showResult } from '../view.js';

const decoded = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

async function bytesIn(id) {
    const bytes = decoded(element(id).textContent), isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return isGzip ? new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))) : bytes;
}

const opening = openEngine({ wasm: bytesIn('wasm'), model: bytesIn('model') });
let newest = 0; /* number of the latest image: the one to show */

async function classify(file, problem) {
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
        revealResult();
    } catch (error) {
        if (turn !== newest)
            return;
        showPreview(null);
        showProblem(error);
        revealResult();
    }
}

function showExamples(examples) {
    element('examples').append(...examples.map(({ label, picture }) => {
        const file = new Blob([decoded(picture)]);
        const image = make('img', { src: URL.createObjectURL(file), alt: nameOf(label), title: nameOf(label) });
        return make('li', {}, make('button', { type: 'button', onclick: () => classify(file) }, image));
    }));
    element('examples-shown').hidden = examples.length === 0;
}

acceptFiles(([file], problem) => classify(file, problem));
showExamples(JSON.parse(element('examples-data').textContent));

opening.then(({ labels, info }) => {
    document.title = visible(info.name || document.title);
    element('name').textContent = visible(info.name);
    showClasses(labels);
    showFacts(info, labels);
}, showProblem);
