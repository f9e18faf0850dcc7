/* What the page, the standalone page (templates/standalone.html) and in part the report show, each sentence once:
 * scores as bars, a problem, facts about the model; and the ways in which an image arrives.
 *
 *     showResult(await classifier.classify(image), milliseconds, classifier.info.threshold);
 *     showFacts(classifier.info, classifier.labels);
 *     acceptFiles(([file], problem) => file ? classify(file) : showProblem(new Error(problem)));
 *
 * The sentences are English; setSpeaker changes that. The ids are those of index.html. Labels, notes and names of files
 * are text from others: they enter as text only, and all of it visible. */

/* --- Text --- */

const hiddenOnes = '\\0-\\x09\\x0b-\\x1f\\x7f-\\x9f\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\ufff9-\\ufffb';
const seenLetter = `[^\\0-\\x7f${hiddenOnes}][\\ufe00-\\ufe0f]?`;
const seenOrHidden = new RegExp(
    `${seenLetter}(?:[\\u200c\\u200d]${seenLetter})*|[\\n -~][\\ufe00-\\ufe0f]?|([${hiddenOnes}])`, 'gu');

/* Text from others as it may stand on the page: what cannot be seen, or turns the order of what stands beside it, is
 * shown by its number, as \u{202E}. Joiners between characters beyond ASCII and a variation selector behind a character
 * stay: languages and emoji are written with them. train_native/cli/escape.h has the same rules. */
export function visible(text) {
    return text.replace(seenOrHidden, (part, control) => control
        ? `\\u{${control.codePointAt(0).toString(16).toUpperCase()}}` : part);
}

/* A class's name to read: folders, of which labels come, are often named with underscores for spaces. */
export function nameOf(label) {
    return visible(label).replaceAll('_', ' ');
}

/* "94.5 %" for 0.945. */
export function percent(fraction, digits = 1) {
    return `${(100 * fraction).toFixed(digits)}\u00a0%`;
}

export function scoreText(score) {
    return score > 0.999 ? `> ${percent(0.999)}` : score < 0.001 ? `< ${percent(0.001)}` : percent(score);
}

/* Three digits, as in "1.23", "45.6" or "789". */
function rounded(number) {
    return new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(number);
}

/* --- Sentences --- */

/* In English. {name} is filled in; of two forms one is chosen by `count`. */
export const english = {
    'result.loading': 'Loading the model\u2026',
    'result.none': 'No result',
    'result.outlier': 'None of these; most like {name}',
    'result.unsure': 'Not sure: perhaps {name}',
    'result.perhaps': 'Perhaps {name}',
    'result.time': '{time} ms on this device',
    'result.time_decoded': '{time} ms on this device, decoded by the browser',
    'classes.few': 'Show it one of these:',
    'classes.many': 'Show it one of {count} things, such as:',
    'classes.all': 'All {count} classes',
    'classes.found': '{count} found',
    'facts.name': 'Name',
    'facts.network': 'Network',
    'facts.data': 'Training data',
    'facts.accuracy': 'Accuracy',
    'facts.threshold': 'Rejection threshold',
    'facts.size': 'Size',
    'facts.input': 'Input',
    'facts.pixels': '{width} \u00d7 {height} pixels',
    'facts.classes': 'Classes',
    'drop.no_file': 'what was dropped is not a file: save the picture first, then drop the file',
    'paste.no_file': 'there is no picture in the clipboard: copy the picture itself, not its address',
};

/* What says a sentence of a table in its language: (key, values) => string, empty if the table has none of that key. */
export function speaker(table, language) {
    const plural = new Intl.PluralRules(language), number = new Intl.NumberFormat(language);
    return (key, values = {}) => {
        const entry = table[key] ?? '';
        const sentence = typeof entry === 'string' ? entry : entry[plural.select(values.count)] ?? entry.other;
        return sentence.replace(/\{(\w+)\}/g, (_, name) =>
            typeof values[name] === 'number' ? number.format(values[name]) : values[name]);
    };
}

let say = speaker(english, 'en');

/* Another language's speaker, of a table with at least the keys of `english`; "error.CODE" stands for what
 * a ClassifierError of that code says. */
export function setSpeaker(other) {
    say = other;
}

/* What an error says, in the page's language: {0}, {1} are words of the error's own. */
export function sentenceOf({ code, message, words = [] }) {
    const end = /[.?\u3002]$/.test(message) ? '' : '.';
    return say(`error.${code}`, words.map(visible)) ||
        visible(`${message.charAt(0).toUpperCase()}${message.slice(1)}${end}`);
}

/* Below the model's rejection threshold, if it has one, the answer is no answer; nor is it where the image is none of
 * what the model knows. */
function verdictOf({ isOutlier, 0: { label, score } }, threshold) {
    const name = nameOf(label);
    if (isOutlier)
        return say('result.outlier', { name });
    return score < threshold ? say('result.unsure', { name }) : score < 0.5 ? say('result.perhaps', { name }) : name;
}

/* --- Elements --- */

export function element(id) {
    return document.getElementById(id);
}

export function make(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
}

/* A line of a <dl>. */
export function row(term, ...values) {
    const described = values.map((value) => make('dd', { dir: 'auto' }, value));
    return make('div', {}, make('dt', { textContent: term }), ...described);
}

/* --- The result --- */

/* A message instead of a result, such as while the model is loading. */
export function showMessage(words) {
    element('result').removeAttribute('aria-busy');
    element('verdict').textContent = words;
    element('verdict').classList.remove('is-answer');
    element('problem').hidden = true;
    element('timing').textContent = '';
    element('bars').replaceChildren();
    element('known').replaceChildren();
}

const maxClassesAtOnce = 20;

const classList = (labels) => labels.map((label) => make('li', { dir: 'auto', textContent: nameOf(label) }));

/* Before the first image. Of many classes a few, from the whole alphabet. */
export function showClasses(labels) {
    const few = labels.length <= maxClassesAtOnce ? labels
        : Array.from({ length: maxClassesAtOnce }, (_, i) => labels[Math.floor(i * labels.length / maxClassesAtOnce)]);
    showMessage(say(few === labels ? 'classes.few' : 'classes.many', { count: labels.length }));
    element('known').replaceChildren(...classList(few));
}

export function showResult(best, milliseconds, threshold) {
    element('result').removeAttribute('aria-busy');
    element('problem').hidden = true;
    element('known').replaceChildren();
    showBars(best);
    element('verdict').textContent = verdictOf(best, threshold);
    element('verdict').classList.add('is-answer');
    element('timing').textContent = say(best.decoder ? 'result.time_decoded' : 'result.time',
        { time: rounded(Math.max(milliseconds, 0.1)) });
}

/* Rows are used again, so that the bars glide from one result to the next. */
function showBars(best) {
    const rows = element('bars').children;
    while (rows.length > best.length)
        rows[rows.length - 1].remove();
    while (rows.length < best.length)
        element('bars').append(make('li', {}, make('span', { className: 'name', dir: 'auto' }),
            make('span', { className: 'score' }), make('span', { className: 'bar' })));
    best.forEach(({ label, score }, index) => {
        const [name, text, bar] = rows[index].children;
        name.textContent = nameOf(label);
        text.textContent = scoreText(score);
        bar.style.setProperty('--score', score);
    });
}

export function showProblem(error) {
    showMessage(say('result.none'));
    showWarning(error);
}

/* Beside the result, which stays. `around` makes the sentence longer. */
export function showWarning(error, around = (sentence) => sentence) {
    element('problem').textContent = around(sentenceOf(error));
    element('problem').hidden = false;
}

/* On a small screen the result may stand out of sight: its first lines are shown, and the picture as far as it goes. */
export function revealResult() {
    const [frame, verdict, bar, problem] = [element('frame'), element('verdict'), element('bars').firstElementChild,
        element('problem')];
    const topOf = (part) => part.getBoundingClientRect().top;
    if (topOf(verdict) < 0)
        (topOf(frame) < topOf(verdict) ? frame : verdict).scrollIntoView({ block: 'start' });
    else
        (problem.hidden ? bar ?? verdict : problem).scrollIntoView({ block: 'nearest' });
}

/* --- The model and the picture --- */

export function showFacts({ name, notes, modelBytes, inputWidth, inputHeight, classes, threshold }, labels) {
    const facts = [
        ['name', name],
        ['network', notes.network],
        ['data', notes.data],
        ['accuracy', notes.accuracy],
        ['threshold', threshold && percent(threshold)],
        ['size', modelBytes < 1e6 ? `${rounded(modelBytes / 1e3)} kB` : `${rounded(modelBytes / 1e6)} MB`],
        ['input', say('facts.pixels', { width: inputWidth, height: inputHeight })],
        ['classes', String(classes)],
    ];
    element('facts').replaceChildren(
        ...facts.filter(([, value]) => value).map(([fact, value]) => row(say(`facts.${fact}`), visible(value))));
    listClasses(labels);
}

export function hideFacts() {
    element('facts').replaceChildren();
    element('classes').hidden = true;
}

/* All of them, to open and to search, where the message before the first image has room for some only. */
function listClasses(labels) {
    const items = classList(labels), search = element('classes-search');
    element('classes').hidden = labels.length <= maxClassesAtOnce;
    element('classes').open = false;
    element('classes-title').textContent = say('classes.all', { count: labels.length });
    element('classes-names').replaceChildren(...items);
    search.oninput = () => {
        const wanted = search.value.trim().toLowerCase();
        for (const item of items)
            item.hidden = !item.textContent.toLowerCase().includes(wanted);
        element('classes-found').textContent = wanted &&
            say('classes.found', { count: items.filter(({ hidden }) => !hidden).length });
    };
    search.value = '';
    search.oninput();
}

/* A file that the browser may be able to show; null: none. */
export async function showPreview(file) {
    const preview = element('preview'), address = file ? URL.createObjectURL(file) : '';
    URL.revokeObjectURL(preview.src);
    preview.hidden = !file;
    element('invitation').hidden = Boolean(file);
    preview.dataset.address = address;
    const shown = address && await reduced(file, address);
    if (preview.dataset.address !== address) /* another file has come */
        return URL.revokeObjectURL(shown);
    if (shown)
        preview.src = shown;
    else
        preview.removeAttribute('src');
}

const maxPreviewPixels = 4e6;

/* The address of a smaller copy if the picture is so large that a browser would hold hundreds of megabytes to show it;
 * else its own. */
async function reduced(file, address) {
    const probe = Object.assign(new Image(), { src: address }); /* it is only decoded when it is shown */
    await new Promise((resolve) => { probe.onload = probe.onerror = resolve; });
    const { naturalWidth, naturalHeight } = probe;
    const scale = Math.sqrt(maxPreviewPixels / (naturalWidth * naturalHeight));
    if (!(scale < 1))
        return address;
    const width = Math.ceil(naturalWidth * scale), height = Math.ceil(naturalHeight * scale);
    const bitmap = await createImageBitmap(file, { resizeWidth: width, resizeHeight: height }).catch(() => null);
    if (!bitmap)
        return address;
    URL.revokeObjectURL(address);
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    canvas.getContext('bitmaprenderer').transferFromImageBitmap(bitmap);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve); });
    return blob ? URL.createObjectURL(blob) : '';
}

/* --- Ways in --- */

/* Calls take(files), or take([], why), when files are chosen, dropped or pasted. `filesIn` gives those of a
 * DataTransfer, or a promise of them. */
export function acceptFiles(take, filesIn = ({ files }) => [...files]) {
    element('preview').addEventListener('error', () => showPreview(null));
    element('choose').addEventListener('click', () => element('file').click());
    element('file').addEventListener('change', ({ target }) => {
        if (target.files.length > 0)
            take([...target.files]);
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
    document.addEventListener('drop', async (event) => {
        event.preventDefault();
        document.body.classList.remove('is-dragging');
        take(await filesIn(event.dataTransfer), say('drop.no_file'));
    });
    document.addEventListener('paste', ({ clipboardData, target }) => {
        const isText = clipboardData.files.length === 0 && target.matches?.('input, textarea');
        if (!isText)
            take([...clipboardData.files], say('paste.no_file'));
    });
}
