/* The page: takes a picture in whatever way it comes, and shows what the classifier says of the newest one. */
import { BackgroundClassifier } from './background.js';
import { ClassifierError } from './classifier.js';
import { Pad } from './pad.js';
import { imageFrom } from './picture.js';

const topK = 5;
const element = (id) => document.getElementById(id);
const verdict = element('verdict'), problem = element('problem'), preview = element('preview');

const classifier = new BackgroundClassifier();
let model; /* promise of the open model */
let threshold; /* the open model's, if it has one */
let latest = null; /* what prepared the latest picture, for another model to see it too */
let newest = 0; /* number of the latest picture */
let running = Promise.resolve(); /* the classification under way; never rejects */

/* --- Classifying --- */

/* Classifies the image that `prepare` gives. Newest wins: a picture that is overtaken is dropped without a word. */
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
        const answer = classifier.classify(image, topK);
        running = answer.catch(() => {});
        const { best, milliseconds } = await answer;
        if (isNewest())
            showResult(best, milliseconds);
    } catch (error) {
        if (isNewest())
            showProblem(error);
    }
}

/* A file, or a promise of one. */
function classifyFile(file) {
    setMode('picture');
    classify(async (isNewest) => {
        let readable = null;
        try {
            const given = await file;
            const image = await imageFrom(given);
            readable = given;
            return image;
        } finally {
            if (isNewest())
                showPreview(readable);
        }
    });
}

/* --- The model --- */

async function openModel(bytes) {
    newest++;
    showReset('Loading the model\u2026');
    element('facts').replaceChildren();
    const opening = model = Promise.resolve(bytes).then((buffer) => classifier.open({ model: buffer, warmUp: true }));
    try {
        const { labels, info } = await opening;
        if (model !== opening)
            return;
        ({ threshold } = info);
        showFacts(info);
        if (latest)
            classify(latest);
        else
            showKnown(labels);
    } catch (error) {
        if (model === opening)
            showProblem(error);
    }
}

/* models.json lists the model files beside it; with more than one there is a choice. */
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
        throw new ClassifierError('FETCH', `${path} could not be fetched: is the server still there?`, { cause });
    });
    if (!response.ok)
        throw new ClassifierError('FETCH', `${path} could not be fetched: the server answered ${response.status}`);
    return response;
}

/* --- Showing. Labels and notes are text from whoever made the model: textContent only. --- */

const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

function showReset(words) {
    element('result').removeAttribute('aria-busy');
    verdict.textContent = words;
    verdict.classList.remove('is-answer');
    problem.hidden = true;
    element('timing').textContent = '';
    element('bars').replaceChildren();
    element('known').replaceChildren();
}

function showKnown(labels) {
    const shown = labels.slice(0, 40);
    showReset(`Show it one of ${labels.length > shown.length ? `${labels.length} things, such as` : 'these'}:`);
    element('known').replaceChildren(...shown.map((label) => {
        const item = document.createElement('li');
        item.textContent = label;
        return item;
    }));
}

/* On a phone the result stands below the picture. Not while drawing: the pad must stay where it is. */
function revealResult() {
    if (!element('picture').hidden)
        element('result').scrollIntoView({ block: 'nearest' });
}

function showResult(best, milliseconds) {
    const [{ label, score }] = best;
    element('result').removeAttribute('aria-busy');
    problem.hidden = true;
    element('known').replaceChildren();
    showBars(best, element('bars').children);
    verdict.textContent = score < threshold ? `Not sure: perhaps ${label}` : score < 0.5 ? `Perhaps ${label}` : label;
    verdict.classList.add('is-answer');
    element('timing').textContent = `${number.format(Math.max(milliseconds, 0.1))} ms on this device`;
    revealResult();
}

/* Rows are used again, so that the bars glide from one result to the next. */
function showBars(best, rows) {
    const template = element('bar');
    while (rows.length > best.length)
        rows[rows.length - 1].remove();
    while (rows.length < best.length)
        element('bars').append(template.content.cloneNode(true));
    best.forEach(({ label, score }, index) => {
        const [name, share, bar] = rows[index].children;
        name.textContent = label;
        share.textContent = score > 0.999 ? '> 99.9%' : score < 0.001 ? '< 0.1%' : percent.format(score);
        bar.style.setProperty('--score', score);
    });
}

function showProblem({ message }) {
    showReset('No result');
    problem.textContent = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
    problem.hidden = false;
    revealResult();
}

function showFacts({ name, notes, modelBytes, inputWidth, inputHeight, classes }) {
    const facts = [
        ['Name', name],
        ['Network', notes.network],
        ['Trained on', notes.data],
        ['Accuracy', notes.accuracy],
        ['Size', modelBytes < 1e6 ? `${number.format(modelBytes / 1e3)} kB` : `${number.format(modelBytes / 1e6)} MB`],
        ['Looks at', `${inputWidth} \u00d7 ${inputHeight} pixels`],
        ['Tells apart', `${classes} classes`],
    ];
    element('facts').replaceChildren(...facts.filter(([, value]) => value).map(([term, value]) => {
        const row = document.createElement('div');
        row.append(document.createElement('dt'), document.createElement('dd'));
        row.firstChild.textContent = term;
        row.lastChild.textContent = value;
        return row;
    }));
}

/* Null: none. */
function showPreview(file) {
    URL.revokeObjectURL(preview.src);
    preview.hidden = !file;
    element('invitation').hidden = Boolean(file);
    if (file)
        preview.src = URL.createObjectURL(file);
    else
        preview.removeAttribute('src');
}

preview.addEventListener('error', () => showPreview(null));

function setMode(mode) {
    for (const [name, panel] of [['picture', 'picture'], ['draw', 'drawing']]) {
        element(`mode-${name}`).setAttribute('aria-pressed', String(name === mode));
        element(panel).hidden = name !== mode;
    }
}

/* --- Ways in --- */

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
    showReset('Draw something');
});
element('mode-picture').addEventListener('click', () => setMode('picture'));
element('mode-draw').addEventListener('click', () => setMode('draw'));

element('choose').addEventListener('click', () => element('file').click());
element('file').addEventListener('change', ({ target }) => {
    if (target.files.length > 0)
        take(target);
    target.value = ''; /* so that the same file can be chosen again */
});

document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('is-dragging');
});
document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget)
        document.body.classList.remove('is-dragging');
});
document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('is-dragging');
    take(event.dataTransfer, 'what was dropped is not a file: save the picture first, then drop the file');
});
document.addEventListener('paste', ({ clipboardData }) => {
    take(clipboardData, 'there is no picture in the clipboard: copy the picture itself, not its address');
});

/* The first of some files: a picture, or a model. */
function take({ files: [file] }, otherwise) {
    if (!file)
        classify(() => Promise.reject(new ClassifierError('IMAGE_FORMAT', otherwise)));
    else if (/\.eyelet$/i.test(file.name))
        openModel(file.arrayBuffer());
    else
        classifyFile(file);
}

element('examples').addEventListener('click', ({ target }) => {
    const image = target.closest('button')?.querySelector('img');
    if (image)
        classifyFile(fetchFile(image.getAttribute('src')).then((response) => response.blob()));
});

const modelList = loadModels();
modelList.catch(showProblem);
