/* The page: takes an image however it arrives, and shows the scores of the newest one. view.js shows them. */
import { BackgroundClassifier } from '../background.js';
import { ClassifierError } from '../contract.js';
import { Pad } from './pad.js';
import {
    acceptFiles, element, hideFacts, showClasses, showFacts, showMessage, showPreview, showProblem, showResult,
} from '../view.js';

const classifier = new BackgroundClassifier();
let model; /* promise of the open model */
let threshold; /* the open model's, if it has one */
let latest = null; /* what prepared the latest image, to classify it again with another model */
let newest = 0; /* number of the latest image */
let running = Promise.resolve(); /* the classification under way; never rejects */

/* --- Classifying --- */

/* Classifies the image that `prepare` gives. Newest wins: an image that is overtaken is dropped silently. */
async function classify(prepare) {
    const turn = ++newest;
    const isNewest = () => turn === newest;
    latest = prepare;
    element('result').setAttribute('aria-busy', 'true');
    try {
        const image = await prepare(isNewest);
        await modelList;
        await model;
        await running;
        if (!isNewest())
            return;
        const answer = classifier.classify(image);
        running = answer.catch(() => {});
        const { best, milliseconds } = await answer;
        if (isNewest())
            showResult(best, milliseconds, threshold);
    } catch (error) {
        if (!isNewest())
            return;
        if (error.code?.startsWith('IMAGE_'))
            showPreview(null);
        showProblem(error);
    }
}

/* A file, or a promise of one. */
function classifyFile(file) {
    setMode('picture');
    classify(async (isNewest) => {
        const given = await Promise.resolve(file).catch((error) => {
            if (isNewest())
                showPreview(null);
            throw error;
        });
        if (isNewest())
            showPreview(given);
        return given;
    });
}

/* --- The model --- */

async function openModel(bytes) {
    newest++;
    showMessage('Loading the model\u2026');
    hideFacts();
    const opening = model = Promise.resolve(bytes).then((buffer) => classifier.open({ model: buffer, warmUp: true }));
    try {
        const { labels, info } = await opening;
        if (model !== opening)
            return;
        ({ threshold } = info);
        showFacts(info, labels);
        showExamples(labels);
        if (latest)
            classify(latest);
        else
            showClasses(labels);
    } catch (error) {
        if (model === opening)
            showProblem(error);
    }
}

/* Those of which the model has the class. */
function showExamples(labels) {
    const examples = [...element('examples').children];
    for (const example of examples)
        example.hidden = !labels.includes(example.dataset.label);
    element('examples-shown').hidden = examples.every(({ hidden }) => hidden);
}

/* models.json lists the model files beside it: the first is opened, with more than one there is a choice. */
async function loadModels() {
    const names = await (await fetchFile('models/models.json')).json().catch(() => null);
    if (!Array.isArray(names) || names.length === 0)
        throw new ClassifierError('FETCH', 'models/models.json is not a list of model files');
    const open = (name) => openModel(fetchFile(`models/${name}`).then((response) => response.arrayBuffer()));
    const choice = element('models');
    choice.replaceChildren(...names.map((name) => new Option(name.replace(/\.eyelet$/, ''), name)));
    choice.addEventListener('change', () => open(choice.value));
    element('model-choice').hidden = names.length < 2;
    open(names[0]);
}

async function fetchFile(path) {
    const response = await fetch(path).catch((cause) => {
        throw new ClassifierError('FETCH', `${path} cannot be fetched: is the server still there?`, { cause });
    });
    if (!response.ok)
        throw new ClassifierError('FETCH', `${path} cannot be fetched: the server answered ${response.status}`);
    return response;
}

/* --- Ways in --- */

function setMode(mode) {
    for (const [name, panel] of [['picture', 'picture'], ['draw', 'drawing']]) {
        element(`mode-${name}`).setAttribute('aria-pressed', String(name === mode));
        element(panel).hidden = name !== mode;
    }
}

const pad = new Pad(element('pad'), {
    ink: () => document.querySelector('#inks :checked').value,
    brush: () => element('brush').valueAsNumber,
    done: () => classify(() => pad.pixels()),
});

for (const ink of document.querySelectorAll('#inks input'))
    ink.style.setProperty('--ink', ink.value);

element('clear').addEventListener('click', () => {
    newest++;
    latest = null;
    pad.clear();
    showMessage('Draw something');
});
element('mode-picture').addEventListener('click', () => setMode('picture'));
element('mode-draw').addEventListener('click', () => setMode('draw'));

element('file').accept += ',.eyelet';
acceptFiles((file, problem) => {
    if (!file)
        classify(() => Promise.reject(new ClassifierError('IMAGE_FORMAT', problem)));
    else if (/\.eyelet$/i.test(file.name))
        openModel(file.arrayBuffer());
    else
        classifyFile(file);
});

element('examples').addEventListener('click', ({ target }) => {
    const image = target.closest('button')?.querySelector('img');
    if (image)
        classifyFile(fetchFile(image.getAttribute('src')).then((response) => response.blob()));
});

const modelList = loadModels();
modelList.catch(showProblem);
