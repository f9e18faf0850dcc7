/* Classifies an image however it arrives, and shows the scores of the newest one.
 *
 *     classify(async () => pixels);    // what prepares the image
 *     classifyFile(file);
 *     showPicture();                   // the latest file again, or that there is none yet
 *     forget();                        // there is no image any more */
import {
    element, hideFacts, revealResult, showClasses, showFacts, showMessage, showPreview, showProblem,
    showResult, showWarning,
} from '../view.js';
import { currentModel, watchModel } from './models.js';
import { modes } from './panels.js';
import { text } from './texts.js';

let latest = null; /* what prepared the latest image, to classify it again with another model */
let latestFile = null; /* likewise, of the image in the frame */
let newest = 0; /* number of the latest image */
let running = Promise.resolve(); /* the classification under way; never rejects */

const listeners = [];

/* Calls listener({ image, classifier, best }) with each answer that is shown, and with null when it no longer holds. */
export function watchAnswers(listener) {
    listeners.push(listener);
}

function tell(answer) {
    for (const listener of listeners)
        listener(answer);
}

/* The best classes. Newest wins: an image that is overtaken is dropped silently, and gives undefined. */
export async function classify(prepare, { mayScroll = false } = {}) {
    const turn = ++newest;
    const isNewest = () => turn === newest;
    latest = prepare;
    tell(null);
    element('result').setAttribute('aria-busy', 'true');
    try {
        const image = await prepare(isNewest);
        const { classifier, info } = await currentModel();
        await running;
        if (!isNewest())
            return undefined;
        const answer = classifier.classify(image);
        running = answer.catch(() => {});
        const { best, milliseconds } = await answer;
        if (!isNewest())
            return undefined;
        showResult(best, milliseconds, info.threshold);
        tell({ image, classifier, best });
        if (mayScroll)
            revealResult();
        return best;
    } catch (error) {
        if (!isNewest())
            return undefined;
        if (error.code?.startsWith('IMAGE_'))
            showPreview(null);
        showProblem(error);
        if (mayScroll)
            revealResult();
        return undefined;
    }
}

/* A file, or a promise of one. */
export function classifyFile(file, { mayScroll = true } = {}) {
    latestFile = async (isNewest) => {
        const given = await Promise.resolve(file).catch((error) => {
            if (isNewest())
                showPreview(null);
            throw error;
        });
        if (isNewest())
            showPreview(given);
        return given;
    };
    modes.show('picture');
    classify(latestFile, { mayScroll });
}

export function showPicture() {
    if (latestFile)
        classify(latestFile);
    else
        showNothing(currentModel());
}

async function showNothing(opening) {
    forget();
    const turn = newest, { labels } = await opening;
    if (turn === newest)
        showClasses(labels);
}

export function forget() {
    newest++;
    tell(null);
    latest = null;
}

/* There is no picture, and this is why. */
export function refuse(message) {
    latestFile = null;
    forget();
    showPreview(null);
    showProblem({ message });
}

/* Those of which the model has the class. */
function showExamples(labels) {
    const examples = [...element('examples').children];
    for (const example of examples)
        example.hidden = !labels.includes(example.dataset.label);
    element('examples-shown').hidden = examples.every(({ hidden }) => hidden);
}

function begin({ info, labels }) {
    showFacts(info, labels);
    showExamples(labels);
    if (latest)
        return classify(latest);
    return showClasses(labels);
}

watchModel({
    opening() {
        newest++;
        tell(null);
        showMessage(text('result.loading'));
        hideFacts();
    },
    opened: begin,
    async failed(error, model) {
        if (!model)
            return showProblem(error);
        const turn = newest + (latest ? 1 : 0);
        await begin(model);
        if (newest === turn)
            showWarning(error, (reason) => text('model.kept', { reason, name: model.entry.name }));
    },
});
