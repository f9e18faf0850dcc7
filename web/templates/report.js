/* The report: plots and tables of the numbers in <script id="data">, which train_native/report/report.c writes. */
import { element, make, percent, row, visible } from '../view.js';
import { classChoice, startRelabelling } from './relabel_view.js';

/* Labels, notes and names of files are text from others: they enter as text only, and all of it visible. */
const rawData = JSON.parse(element('data').textContent);
const data = JSON.parse(element('data').textContent,
    (key, value) => typeof value === 'string' && key !== 'url' && key !== 'file' ? visible(value) : value);
const { classes, confusion, examples, images } = data;
const number = new Intl.NumberFormat('en');
const count = (n, one, many = `${one}s`) => `${number.format(n)} ${n === 1 ? one : many}`;
const notes = Object.fromEntries(data.notes.split('\n').map((line) => /^([^:]+):\s*(.*)$/.exec(line)).filter(Boolean)
    .map(([, key, value]) => [key, value]));
const baseName = (path) => path.split('/').pop();

/* Classes with images, and those that are also answers: data may have some of the model's classes only. */
const indices = classes.map((_, i) => i);
const measured = indices.filter((i) => data.per_class[i].images > 0);
const involved = indices.filter((i) => data.per_class[i].images + data.per_class[i].answers > 0);

/* Pairs of true and predicted class that differ, the most frequent first. */
const confusedPairs = measured.flatMap((label) => confusion[label].map((n, answer) => ({ n, label, answer })))
    .filter(({ n, label, answer }) => n && label !== answer).sort((a, b) => b.n - a.n);

function draw(tag, attributes = {}, ...children) {
    const drawn = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes))
        drawn.setAttribute(name, value);
    drawn.append(...children);
    return drawn;
}

/* An interval of fractions, in percent. */
const between = ([low, high]) => `${(100 * low).toFixed(1)}\u2013${(100 * high).toFixed(1)}`;
const strong = (text) => make('strong', { textContent: text });

/* --- Summary --- */

function showSummary() {
    const name = notes.name || baseName(data.model).replace(/\.eyelet$/, '');
    const macroF1 = measured.reduce((sum, i) => sum + data.per_class[i].f1, 0) / measured.length;
    const [low, high] = data.interval;
    document.title = `${name}: ${percent(data.accuracy)} of ${data.data}`;
    element('title').textContent = `${name}: accuracy ${percent(data.accuracy)}`;
    element('summary').append('On ', strong(count(images, 'image')), ` of ${data.data}; 95\u00a0% confidence interval `,
        strong(`${percent(low)} to ${percent(high)}`), '.',
        ...(measured.length < classes.length ? [` There are images of ${number.format(measured.length)} of the ` +
            `model\u2019s ${number.format(classes.length)} classes; nothing is said of the others.`] : []));
    element('tiles').append(
        row('Accuracy', percent(data.accuracy, 2), `${percent(low, 2)} to ${percent(high, 2)}`),
        ...(classes.length > 5 ? [row('Top-5 accuracy', percent(data.top5, 2), 'true class among the best five')] : []),
        row('Macro F1', percent(macroF1, 2), `mean over ${count(measured.length, 'class', 'classes')}`),
        row('Expected calibration error', percent(data.calibration_error, 2), 'mean gap of score and accuracy'));
}

/* --- Images --- */

function gallery(shown, captionOf) {
    return shown.map((picture) => {
        const [first, second] = captionOf(picture), { file, label } = picture;
        const alt = `Image ${picture.index} of the data: ${classes[picture.label]}`;
        return make('li', {}, make('img', { src: picture.url, alt }),
            make('p', {}, first, make('br'), make('span', { className: 'quiet', textContent: second }),
                ...(file ? [make('br'), make('span', { className: 'quiet file', textContent: visible(file) })] : [])),
            ...(file ? [classChoice({ file, label })] : []));
    });
}

function showMistakes() {
    const mistakes = examples.filter(({ label, answer }) => label !== answer)
        .sort((a, b) => a.label_score - b.label_score).slice(0, 24);
    element('worst-words').textContent = mistakes.length === 0 ? 'There are none.'
        : 'Lowest scores of the true class first. Look for wrong labels: many of these are errors of the data.' +
            (mistakes[0].file ? ' Below a picture you can choose its class.' : '');
    element('worst').append(...gallery(mistakes, ({ label, answer, score }) =>
        [make('b', { textContent: classes[answer] }), `${percent(score)}; true class ${classes[label]}`]));
}

/* --- Confusion matrix --- */

const totals = confusion.map((counts) => counts.reduce((sum, n) => sum + n, 0));
const cells = new Map(); /* "label,answer" -> the buttons for it */

/* Of more classes than a matrix can show, those that are confused most often. */
const matrixClasses = (() => {
    const chosen = new Set();
    if (involved.length <= 200)
        return involved;
    for (const { label, answer } of [...confusedPairs, ...measured.map((i) => ({ label: i, answer: i }))])
        if (chosen.size < 60)
            chosen.add(label).add(answer);
    return [...chosen].sort((a, b) => a - b);
})();
const cellSide = matrixClasses.length > 40 ? 13 : matrixClasses.length > 16 ? 26 : 42; /* pixels */

function cellButton(button, label, answer) {
    const key = `${label},${answer}`;
    Object.assign(button, { type: 'button', onclick() {
        showCell(label, answer);
        element('cell').scrollIntoView({ block: 'nearest' });
    } });
    button.setAttribute('aria-pressed', 'false');
    cells.set(key, [...cells.get(key) ?? [], button]);
    return button;
}

function cellTitle(label, answer) {
    return label === answer ? `${classes[label]}, correct` : `${classes[label]}, predicted as ${classes[answer]}`;
}

function cellOf(label, answer) {
    const n = confusion[label][answer], fraction = n / totals[label], cell = make('td');
    if (n === 0)
        return cell;
    const title = cellTitle(label, answer), textContent = cellSide > 13 ? n : '';
    const button = cellButton(make('button', { textContent, title: `${title}: ${n}`, tabIndex: -1 }), label, answer);
    button.setAttribute('aria-label', `${title}: ${count(n, 'image')}`);
    button.classList.add(label === answer ? 'right' : 'wrong', ...(fraction > 0.55 ? ['strong'] : []));
    button.style.setProperty('--fraction', fraction.toFixed(3));
    cell.append(button);
    return cell;
}

function showMatrix() {
    const matrix = element('matrix');
    const heading = (text, scope, className = '') =>
        make('th', { scope, className, title: text }, make('span', { textContent: text }));
    matrix.style.setProperty('--cell', `${cellSide}px`);
    matrix.classList.toggle('dense', matrixClasses.length > 16);
    element('around').classList.toggle('pair', matrixClasses.length <= 16);
    if (matrixClasses.length < involved.length)
        element('confusion-words').append(` Of ${number.format(involved.length)} classes that are there or ` +
            `predicted, these ${matrixClasses.length} are confused most often.`);
    const corner = make('th', { className: 'axis', textContent: 'true \u2193 \u00a0 predicted \u2192' });
    matrix.append(
        make('thead', {}, make('tr', {}, corner, ...matrixClasses.map((i) => heading(classes[i], 'col', 'down')))),
        make('tbody', {}, ...matrixClasses.filter((label) => totals[label] > 0).map((label) =>
            make('tr', {}, heading(classes[label], 'row'), ...matrixClasses.map((answer) => cellOf(label, answer))))));
    matrix.querySelector('button').tabIndex = 0;
    matrix.addEventListener('keydown', moveFocus);
}

/* Arrow keys go to the next cell with a count. */
function moveFocus(event) {
    const matrix = element('matrix'), from = event.target.closest('td');
    const steps = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
    const [down, right] = steps[event.key] ?? [0, 0];
    if (!from || !(down || right))
        return;
    event.preventDefault();
    const { rows } = matrix.tBodies[0];
    let y = from.parentElement.rowIndex - 1 + down, x = from.cellIndex + right, next;
    for (; rows[y] && x >= 1 && rows[y].cells[x] && !next; y += down, x += right)
        next = rows[y].cells[x].querySelector('button');
    if (!next)
        return;
    matrix.querySelector('[tabindex="0"]').tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
}

function showCell(label, answer) {
    for (const [key, buttons] of cells)
        for (const button of buttons)
            button.setAttribute('aria-pressed', String(key === `${label},${answer}`));
    const shown = examples.filter((picture) => picture.label === label && picture.answer === answer).slice(0, 6);
    const n = confusion[label][answer];
    const which = shown.length === 0 ? 'None of its images are in this file.'
        : shown.length < n ? `The ${shown.length} worst:` : '';
    const captionOf = (picture) => [`${classes[answer]} ${percent(picture.score)}`,
        label === answer ? `image ${picture.index}` : `${classes[label]} ${percent(picture.label_score)}`];
    element('cell').replaceChildren(
        make('h2', { textContent: `${cellTitle(label, answer)}: ${count(n, 'image')}` }),
        make('p', { className: 'quiet', textContent: which }),
        make('ul', { className: 'gallery' }, ...gallery(shown, captionOf)));
}

function showConfusions() {
    const pairs = confusedPairs.slice(0, 12);
    element('confusions').append(...pairs.map(({ n, label, answer }) => make('li', {}, cellButton(make('button', {},
        make('span', { textContent: `${classes[label]} \u2192 ${classes[answer]}` }),
        make('span', { className: 'quiet', textContent: number.format(n) })), label, answer))));
    if (pairs.length > 0)
        showCell(pairs[0].label, pairs[0].answer);
}

/* --- Plots: x and y are from 0 to 1 --- */

const frame = { width: 400, height: 280, left: 50, right: 8, top: 26, bottom: 38 };
const across = (x) => frame.left + x * (frame.width - frame.left - frame.right);
const up = (y) => frame.height - frame.bottom - y * (frame.height - frame.top - frame.bottom);

/* axes: { x: [title, ticks], y: [title, ticks] }, a tick [position, text]. */
function plot(title, { x: [xTitle, xTicks], y: [yTitle, yTicks] }, ...drawn) {
    const line = (x1, y1, x2, y2, className) => draw('line', { x1, y1, x2, y2, class: className });
    return draw('svg', { viewBox: `0 0 ${frame.width} ${frame.height}`, role: 'img', 'aria-label': title },
        ...yTicks.flatMap(([y, text]) => [line(across(0), up(y), across(1), up(y), 'grid'),
            draw('text', { x: across(0) - 6, y: up(y) + 4, 'text-anchor': 'end' }, text)]),
        ...xTicks.map(([x, text]) => draw('text', { x: across(x), y: up(0) + 16, 'text-anchor': 'middle' }, text)),
        line(across(0), up(0), across(1), up(0), 'base'),
        draw('text', { x: across(0.5), y: frame.height - 4, 'text-anchor': 'middle' }, xTitle),
        draw('text', { x: 6, y: 10 }, yTitle), ...drawn);
}

function polyline(points, className) {
    const at = ([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`;
    return draw('polyline', { class: `line ${className}`, points: points.map(at).join(' ') });
}

function legend(...entries) {
    return entries.map(([className, words]) => make('span', { className: 'legend' },
        draw('svg', { viewBox: '0 0 18 10', 'aria-hidden': 'true' },
            draw('line', { x1: 0, x2: 18, y1: 5, y2: 5, class: `line ${className}` })), words));
}

const fractionTicks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((x) => [x, percent(x, 0)]);

/* --- Calibration --- */

function showReliability() {
    const width = 1 / data.bins.length;
    const bars = data.bins.flatMap(({ count: n, right, score }, i) => {
        if (n === 0)
            return [];
        const box = (from, to, className) => draw('rect', {
            x: across(i * width) + 1, width: across(width) - across(0) - 2,
            y: up(Math.max(from, to)), height: Math.abs(up(from) - up(to)), class: className,
        }, draw('title', {}, `${count(n, 'prediction')}: score ${percent(score)}, accuracy ${percent(right / n)}`));
        return [box(0, right / n, 'bin'), box(right / n, score, 'gap')];
    });
    const diagonal = draw('line', { x1: across(0), y1: up(0), x2: across(1), y2: up(1), class: 'diagonal' });
    const title = `Reliability diagram: expected calibration error ${percent(data.calibration_error, 2)}`;
    element('reliability').append(
        plot(title, { x: ['score', fractionTicks], y: ['accuracy', fractionTicks] }, ...bars, diagonal),
        make('figcaption', { textContent: 'Reliability diagram: accuracy of the predictions in each bin of scores. ' +
            'On the dashed line the model is calibrated; the dotted part is the gap.' }));
}

function showCalibration() {
    const { temperature, uncalibrated } = data;
    const before = temperature === 1 ? ''
        : ` (${percent(uncalibrated.calibration_error, 2)} before temperature scaling)`;
    element('calibration-words').append(
        'Of predictions with a score of 80\u00a0%, 80\u00a0% should be correct. The expected calibration error is ',
        strong(percent(data.calibration_error, 2)), `${before}. `,
        ...(notes.calibration ? [`Fitted on held-out images: ${notes.calibration}.`]
            : [temperature === 1 ? 'No temperature has been fitted: ' : `The temperature is ${temperature}: `,
                'eyelet calibrate fits one on held-out images.']));
    showReliability();
    element('threshold').value = Math.round(100 * (data.threshold?.score ?? 0.5));
    element('threshold').addEventListener('input', showThreshold);
    showThreshold();
}

/* Accuracy and coverage at the threshold that is chosen, which may be the model's own. */
function showThreshold() {
    const chosen = element('threshold').valueAsNumber / 100, own = data.threshold;
    const isOwn = own && Math.abs(own.score - chosen) < 0.005;
    const [accepted, correct, interval] = isOwn ? [own.answered, own.right, own.interval]
        : data.above[Math.round(100 * chosen)];
    const x = across(isOwn ? own.score : chosen);
    element('score').textContent = isOwn ? own.score : chosen.toFixed(2);
    element('coverage-words').replaceChildren(
        ...legend(['first', 'accuracy of accepted predictions'], ['second', 'accepted (coverage)']), make('br'),
        isOwn ? 'The model\u2019s own threshold rejects ' : 'It rejects ',
        `${percent(1 - accepted / images)} of the images; `,
        `accuracy of ${count(accepted, 'accepted prediction')}: ` +
            (accepted ? `${percent(correct / accepted)} (95\u00a0% interval ${between(interval)}).` : 'none.'));
    const coverage = data.above.map(([n], i) => [i / 100, n / images]);
    const accuracy = data.above.flatMap(([n, right], i) => n ? [[i / 100, right / n]] : []);
    const axes = { x: ['threshold', fractionTicks], y: ['fraction', fractionTicks] };
    element('coverage').replaceChildren(plot('Accuracy and coverage by rejection threshold', axes,
        polyline(coverage, 'second'), polyline(accuracy, 'first'),
        draw('line', { x1: x, x2: x, y1: up(0), y2: up(1), class: 'marker' })));
}

/* --- Per-class metrics --- */

function showClassTable() {
    const table = element('classes');
    const columns = [['class', (i) => i], ['images', (i) => data.per_class[i].images],
        ...['precision', 'recall', 'f1'].map((key) => [key, (i) => data.per_class[i][key]])];
    const meter = (fraction, interval) => {
        if (fraction === undefined)
            return make('td', { textContent: '\u2013' });
        const bar = make('i');
        bar.style.width = `${100 * fraction}%`;
        return make('td', { title: interval ? `95\u00a0% interval: ${between(interval)}` : '' }, percent(fraction),
            ...(interval ? [make('span', { className: 'quiet', textContent: ` ${between(interval)}` })] : []),
            make('span', { className: 'meter' }, bar));
    };
    const lineOf = (name, { images: n, precision, precision_interval: near, recall, recall_interval: found, f1 }) =>
        make('tr', {}, make('th', { scope: 'row', textContent: name }), make('td', { textContent: number.format(n) }),
            meter(precision, near), ...(n ? [meter(recall, found), meter(f1)] : [meter(), meter()]));
    const lines = involved.map((i) => [i, lineOf(classes[i], data.per_class[i])]);
    const heads = columns.map(([key, value]) => {
        const onclick = ({ target }) => sort(target.parentElement, value);
        return make('th', { scope: 'col' },
            make('button', { type: 'button', textContent: key === 'f1' ? 'F1' : key, onclick }));
    });
    const sort = (head, value) => {
        const isFalling = head.getAttribute('aria-sort') === 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', isFalling ? 'descending' : 'ascending');
        table.tBodies[0].append(...lines.map(([i, line]) => [value(i) * (isFalling ? -1 : 1), i, line])
            .sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , line]) => line));
    };
    table.append(make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...lines.map(([, line]) => line)));
    sort(heads[0], columns[0][1]);
}

/* --- Training curves --- */

/* About five evenly spaced round numbers that enclose low and high. */
function roundNumbers(low, high) {
    const rough = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough), first = Math.floor(low / step);
    return Array.from({ length: Math.max(1, Math.ceil(high / step) - first) + 1 }, (_, i) => (first + i) * step);
}

/* A column of the log for training, and one for validation. */
function curve(title, keys, isFraction) {
    const { columns, rows } = data.training, epochs = rows.map((values) => values[0]);
    const series = keys.map((key) => rows.map((values) => values[columns.indexOf(key)] ?? null));
    const all = series.flat().filter((y) => y !== null), last = Math.max(...epochs), first = Math.min(...epochs);
    const marks = roundNumbers(isFraction ? Math.min(...all) : 0, Math.max(...all));
    const bottom = marks[0], top = marks.at(-1);
    const y = (value) => (value - bottom) / (top - bottom);
    const x = (epoch) => last > first ? (epoch - first) / (last - first) : 0.5;
    const digits = marks[1] - bottom < 0.01 ? 1 : 0;
    const textOf = (mark) => isFraction ? percent(mark, digits) : String(Number(mark.toPrecision(4)));
    const yTicks = marks.map((mark) => [y(mark), textOf(mark)]);
    const shown = new Set([0, 0.25, 0.5, 0.75, 1].map((t) => Math.round(first + t * (last - first))));
    const drawn = series.map((values, i) => polyline(values.map((value, at) => [x(epochs[at]), value])
        .filter(([, value]) => value !== null).map(([at, value]) => [at, y(value)]), i ? 'first' : 'second'));
    const axes = { x: ['epoch', [...shown].map((epoch) => [x(epoch), epoch])], y: [title, yTicks] };
    const hasValidation = series[1].some((value) => value !== null);
    return make('figure', {}, plot(`${title} by epoch`, axes, ...drawn), make('figcaption', {},
        ...legend(['second', 'training'], ...(hasValidation ? [['first', 'validation']] : []))));
}

function showTraining() {
    if (!data.training?.rows.length || !data.training.columns.includes('loss'))
        return;
    element('training').hidden = false;
    const { file, rows } = data.training;
    element('training-words').textContent = `From ${baseName(file)}, ${count(rows.length, 'epoch')}. Training ` +
        'metrics are running means over augmented images; they may stay below those of validation.';
    element('curves').append(curve('loss', ['loss', 'validation_loss'], false),
        curve('accuracy', ['accuracy', 'validation_accuracy'], true));
}

/* --- Reproduction --- */

function showOrigin() {
    const code = (text) => make('code', { textContent: text });
    const [h, w, c] = data.input;
    element('command').textContent = data.command;
    element('facts').append(row('Model', data.model), row('SHA-256 of the model', code(data.model_sha256)),
        row('Data', `${data.data}, ${count(images, 'image')}, from ${data.data_path}`),
        row('SHA-256 of images and labels', code(data.data_sha256)), row('Views (test-time augmentation)', data.views),
        row('Input', `${h} \u00d7 ${w} pixels, ${c === 1 ? 'greyscale' : 'RGB'}`),
        row('Parameters', number.format(data.parameters)), row('Size', `${number.format(data.model_bytes)} bytes`),
        row('Loss', data.loss.toFixed(4)), row('Temperature', String(data.temperature)),
        row('Time', `${data.seconds.toFixed(2)} s`),
        row('Images in this file', `${number.format(examples.length)} of ${number.format(images)}`),
        ...Object.entries(notes).filter(([key]) => key !== 'name').map(([key, value]) => row(`Note: ${key}`, value)));
    element('layers').append(make('tbody', {}, ...data.layers.map(([kind, details, parameters], i) => make('tr', {},
        make('td', { textContent: `${i + 1} \u00a0 ${kind}` }), make('td', { textContent: details }),
        make('td', { textContent: parameters ? number.format(parameters) : '' })))));
}

startRelabelling(rawData);
showSummary();
showMatrix();
showConfusions();
showMistakes();
showCalibration();
showClassTable();
showTraining();
showOrigin();
