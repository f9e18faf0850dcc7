/* eyelet import, whatever the format: what it says, labels, preprocessing, notes, and that nothing is written where it fails. The
 * formats have tests of their own. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { filesOf, smallArtifacts } from '../support/tfjs_files.js';
import { conv, dense, reducer, softmax, TfliteModel } from '../support/tflite_file.js';

const here = folder();
const at = (name) => join(here, name);

/* The mean of each channel, a score for each class. */
function network(classes, channels = 3) {
    const model = new TfliteModel(), x = model.input([1, 16, 8, channels]);
    const mean = model.operator('MEAN', [x, model.constant([2], [1, 2], { type: 'int32' })], { options: reducer(false) });
    const weights = Array.from({ length: channels * classes }, (_, i) => Math.sin(i + 1));
    const scores = model.operator('FULLY_CONNECTED', [mean, model.constant([classes, channels], weights), model.constant([classes], weights.slice(0, classes))],
        { options: dense() });
    return model.bytes([model.operator('SOFTMAX', [scores], { options: softmax() })]);
}

const source = at('three.tflite');
writeFileSync(source, network(3));

let models = 0;
const output = () => at(`${++models}.eyelet`);
const summary = async (model) => JSON.parse(succeeded(await eyelet(['summary', model, '--json'])).stdout);
const noteOf = ({ notes }, key) => notes.match(new RegExp(`^${key}: (.*)$`, 'm'))?.[1];
const file = (name, content) => {
    writeFileSync(at(name), content);
    return at(name);
};

async function imported(...options) {
    const model = output();
    return { model, report: JSON.parse(succeeded(await eyelet(['import', source, '-o', model, '--json', ...options])).stdout) };
}

const picture = join(here, 'grey.png');
writeFileSync(picture, encodePng({ data: new Uint8ClampedArray(16 * 8 * 4).fill(128), width: 8, height: 16 }));

async function labelsOf(model) {
    const [{ predictions }] = JSON.parse(succeeded(await eyelet(['classify', model, picture, '--json', '--top', '9'])).stdout);
    return [...predictions].sort((a, b) => a.index - b.index).map(({ label }) => label);
}

/* As core/net/model.h has it. */
function preprocessOf(model) {
    const bytes = readFileSync(model), floats = (from) => [0, 1, 2].map((i) => Math.round(bytes.readFloatLE(from + 4 * i) * 1e4) / 1e4);
    return { mode: bytes[18], filter: bytes[19], side: bytes.readUInt16LE(20), order: bytes[22], mean: floats(28), std: floats(40) };
}

test('it says what it found, and writes that down', async () => {
    const model = output(), { stdout } = succeeded(await eyelet(['import', source, '-o', model]));
    const size = statSync(model).size.toLocaleString('en'), digest = createHash('sha256').update(readFileSync(source)).digest('hex');
    for (const line of [/^\S+three\.tflite$/, / {2}format {9}TFLite, schema 3, float32/, / {2}network {8}3 layers, 12 parameters, 9 multiply-adds$/,
        / {2}input {10}16x8x3$/, / {2}classes {8}3: class 0, class 1, class 2$/, /numbered, as the file names none \(--labels\)$/,
        / {2}preprocessing {2}RGB, mean 0\.5, std 0\.5, the largest centre, to 16x8$/, /assumed, as usual with TensorFlow \(--preprocess\)$/,
        / {2}embedding {6}3 values$/, new RegExp(` {2}written {8}${size} bytes to \\S+eyelet$`)])
        assert.match(stdout, new RegExp(line.source, 'm'));
    const notes = await summary(model);
    assert.equal(noteOf(notes, 'source'), 'three.tflite');
    assert.equal(noteOf(notes, 'sha256'), digest);
    assert.match(noteOf(notes, 'format'), /^TFLite/);
    assert.match(noteOf(notes, 'preprocessing from'), /^assumed/);
    assert.match(noteOf(notes, 'labels from'), /^numbered/);
    const { report } = await imported();
    assert.equal(report.sha256, digest);
    assert.deepEqual([report.layers, report.parameters, report.multiply_adds, report.classes, report.embedding, report.input], [3, 12, 9, 3, 3, [16, 8, 3]]);
});

test('labels come from a file, with or without numbers, in any ending of lines', async () => {
    for (const [name, content] of [['plain', 'cat\ndog\nbird\n'], ['windows', '\ufeffcat\r\ndog\r\nbird\r\n\r\n'], ['open', 'cat\ndog\nbird'],
        ['numbered', '0 cat\n1 dog\n2 bird\n']]) {
        const { model, report } = await imported('--labels', file(`${name}.txt`, content));
        assert.deepEqual(await labelsOf(model), ['cat', 'dog', 'bird'], name);
        assert.equal(report.labels_from, at(`${name}.txt`));
    }
    for (const [name, content] of [['list', ['cat', 'dog', 'bird']], ['object', { 0: 'cat', 2: 'bird', 1: 'dog' }],
        ['keras', { 0: ['n01', 'cat'], 1: ['n02', 'dog'], 2: ['n03', 'bird'] }], ['numbers', { bird: 2, cat: 0, dog: 1 }]]) {
        const { model } = await imported('--labels', file(`${name}.json`, JSON.stringify(content)));
        assert.deepEqual(await labelsOf(model), ['cat', 'dog', 'bird'], name);
    }
    const { model } = await imported('--labels', file('fewer.txt', 'cat\ndog\n'));
    assert.deepEqual(await labelsOf(model), ['background', 'cat', 'dog']);
    const odd = await imported('--labels', file('odd.txt', Buffer.from(`\x1b[31mred\n\n${'ä'.repeat(200)}\xff\n`, 'latin1')));
    assert.deepEqual((await labelsOf(odd.model)).map((label) => label.slice(0, 6)), ['?[31mr', 'class ', '??????']);
    const long = await imported('--labels', file('long.txt', `a\nb\n${'ä'.repeat(200)}\n`));
    assert.equal((await labelsOf(long.model))[2], 'ä'.repeat(127), 'cut to 255 bytes, between characters');
});

/* What an import of another path says; labels: of the model that it makes. */
async function from(path, ...options) {
    const model = output(), report = JSON.parse(succeeded(await eyelet(['import', path, '-o', model, '--json', ...options])).stdout);
    return { report, labels: report.classes ? await labelsOf(model) : [] };
}

test('labels that lie beside a model in its folder are taken, and their file is named', async () => {
    const tfjs = filesOf(smallArtifacts()), tflite = { 'm.tflite': network(2) };
    for (const [name, content] of Object.entries({ 'labels.txt': 'ant\nbee\n', 'class_names.txt': '0 ant\n1 bee\n', 'classes.txt': 'ant\r\nbee',
        'labels.json': '["ant", "bee"]', 'classes.json': '{"0": "ant", "1": "bee"}', 'class_names.json': '["ant","bee"]', 'class_indices.json': '{"bee": 1, "ant": 0}' }))
        for (const path of [folder({ ...tfjs, [name]: content }), join(folder({ ...tfjs, [name]: content }), 'model.json'), folder({ ...tflite, [name]: content })]) {
            const { labels, report } = await from(path);
            assert.deepEqual([labels, report.labels_from], [['ant', 'bee'], name]);
        }
    assert.deepEqual((await from(folder({ ...tfjs, 'labels.txt': 'ant\n' }))).labels, ['background', 'ant']);
    const many = await from(folder({ ...tfjs, 'labels.txt': 'a\nb\nc\n' }));
    assert.deepEqual([many.labels[1], many.report.labels_from], ['class 1', 'numbered, as labels.txt has 3 labels for 2 classes (--labels)']);
    const broken = await from(folder({ ...tfjs, 'labels.json': '{"0": "ant"', 'classes.json': '{"format": {}}', 'classes.txt': '' }));
    assert.equal(broken.report.labels_from, 'numbered, as the file names none (--labels)');
    const named = { ...tfjs, 'labels.txt': 'ant\nbee\n', 'metadata.json': '{"labels": ["cat", "dog"]}' };
    assert.deepEqual((await from(folder(named))).labels, ['cat', 'dog'], "the format's own file comes first");
    assert.deepEqual((await from(folder(named), '--labels', file('own.txt', 'elk\nfox\n'))).labels, ['elk', 'fox']);
    assert.equal((await from(join(folder({ ...tflite, 'labels.txt': 'ant\nbee\n' }), 'm.tflite'))).labels[0], 'class 0', 'beside a single file is anything');
});

/* Ends in a mean over each channel of a convolution, as SqueezeNet does and as trunks do. */
function pooled(channels) {
    const model = new TfliteModel(), x = model.input([1, 16, 8, 3]);
    const weights = Array.from({ length: 3 * channels }, (_, i) => Math.cos(i));
    const map = model.operator('CONV_2D', [x, model.constant([channels, 1, 1, 3], weights), model.constant([channels], weights.slice(0, channels))], { options: conv() });
    return model.bytes([model.operator('MEAN', [map, model.constant([2], [1, 2], { type: 'int32' })], { options: reducer(false) })]);
}

test('a network that ends in a mean has classes where there are so many labels, or 32 do not divide it; else features', async () => {
    const path = at('pooled.tflite'), lines = (count) => Array.from({ length: count }, (_, i) => `thing ${i}\n`).join('');
    writeFileSync(path, pooled(64));
    assert.equal((await from(path)).report.classes, 0);
    for (const count of [64, 63]) { /* and a background */
        const { report } = await from(path, '--labels', file('things.txt', lines(count)));
        assert.deepEqual([report.classes, report.embedding], [64, 0], `${count} labels`);
    }
    assert.equal((await from(folder({ 'm.tflite': pooled(64), 'labels.txt': lines(64) }))).report.classes, 64);
    assert.equal((await from(folder({ 'm.tflite': pooled(64), 'labels.txt': lines(20) }))).report.classes, 0);
    refused(await eyelet(['import', path, '-o', output(), '--labels', file('twenty.txt', lines(20))]),
        { subject: at('twenty.txt'), reason: /the network has no classes, only features: 64, and there are 20 labels/, hint: /--labels/ });
    writeFileSync(path, pooled(10));
    assert.equal((await from(path)).report.classes, 10);
});

test('preprocessing by name and by hand', async () => {
    const preprocessed = async (text) => {
        const { model, report } = await imported('--preprocess', text);
        assert.equal(report.preprocessing_from, '--preprocess');
        return preprocessOf(model);
    };
    const imagenet = { mode: 3, filter: 0, side: 18, order: 0, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
    assert.deepEqual(await preprocessed('imagenet'), imagenet);
    assert.deepEqual(await preprocessed('tf'), { mode: 1, filter: 0, side: 0, order: 0, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    assert.deepEqual(await preprocessed('inception'), await preprocessed('tf'));
    assert.deepEqual(await preprocessed('unit'), { mode: 1, filter: 0, side: 0, order: 0, mean: [0, 0, 0], std: [1, 1, 1] });
    assert.deepEqual((await preprocessed('bytes')).std, [0.0039, 0.0039, 0.0039]);
    const caffe = await preprocessed('caffe');
    assert.deepEqual([caffe.order, caffe.side, caffe.mean], [1, 18, [0.485, 0.458, 0.4076]]);
    assert.deepEqual(await preprocessed('imagenet,resize=40,order=bgr,filter=bicubic,mean=0.25,std=0.1/0.2/0.3'),
        { mode: 3, filter: 1, side: 40, order: 1, mean: [0.25, 0.25, 0.25], std: [0.1, 0.2, 0.3] });
    assert.equal((await preprocessed('imagenet,resize=stretch')).mode, 0);
});

test('a mistake is named, and nothing is written', async () => {
    const target = at('kept.eyelet');
    writeFileSync(target, 'what was there');
    const fails = async (options, expected) => {
        refused(await eyelet(['import', ...options, '-o', target]), expected);
        assert.equal(readFileSync(target, 'utf8'), 'what was there');
    };
    const four = file('four.txt', 'a\nb\nc\nd\n'), one = file('one.txt', 'a\n');
    await fails([source, '--labels', four], { subject: four, reason: /^there are 4 labels, and the network has 3 classes$/ });
    await fails([source, '--labels', one], { subject: one, reason: /^there are 1 labels, and the network has 3 classes$/ });
    for (const [text, reason] of [['{"a": 1, }', /./], ['{"1e9": "a", "-1": "b", "x": "c", "": "d"}', /there are 0 labels/], ['[1, 2, 3]', /there are 0 labels/]])
        await fails([source, '--labels', file('odd.json', text)], { subject: at('odd.json'), reason });
    await fails([source, '--labels', at('none.txt')], { subject: at('none.txt'), reason: /./ });
    for (const [text, reason] of [['vgg', /no preprocessing called "vgg"/], ['', /no preprocessing called ""/], ['tf,mean', /cannot have "mean"/],
        ['tf,std=0', /cannot have "std=0"/], ['tf,mean=1\/2', /cannot have "mean=1\/2"/], ['tf,mean=nan', /cannot have/], ['tf,mean=1\/2\/3\/4', /cannot have/],
        ['tf,mean=1\/2\/', /cannot have/], ['tf,order=grb', /cannot have "order=grb"/], ['tf,resize=8', /cannot have "resize=8"/],
        ['tf,resize=99999999999', /cannot have/], ['tf,zoom=2', /cannot have "zoom=2"/], ['tf,', /cannot have ""/]])
        await fails([source, '--preprocess', text], { subject: source, reason });
    const grey = file('grey.tflite', network(3, 1));
    await fails([grey, '--preprocess', 'caffe'], { subject: grey, reason: /^no model can have this preprocessing \(--preprocess\): grey, .*: grey pictures have no order of colours/ });
    const text = file('model.txt', 'no model'), empty = file('empty.tflite', '');
    await fails([text], { subject: text, reason: /no model of a format that is known: .*TFLite/ });
    await fails([empty], { subject: empty, reason: /cut short/ });
    await fails([at('none.tflite')], { subject: at('none.tflite'), reason: /./ });
    const nothing = folder();
    await fails([nothing], { subject: nothing, reason: /no model of a format/ });
    nothingLeftOver(here);
    assert.ok(!existsSync(at('none.eyelet')));
    refused(await eyelet(['import', source]), { status: 2, reason: /import needs -o FILE/ });
    refused(await eyelet(['import', '-o', target]), { status: 2, reason: /takes one file or folder, got 0/ });
});

test('a model that is imported is one like any other', async () => {
    const { model } = await imported('--labels', file('plain.txt', 'cat\ndog\nbird\n'));
    const small = output();
    succeeded(await eyelet(['convert', model, '-o', small, '--weights', 'f16']));
    assert.ok(statSync(small).size <= statSync(model).size);
    assert.deepEqual(await labelsOf(small), ['cat', 'dog', 'bird']);
    assert.equal(noteOf(await summary(small), 'source'), 'three.tflite');
});
