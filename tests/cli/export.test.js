/* Models in other programs' formats. An ONNX file is read twice: by a small reader here, and by ONNX Runtime, whose numbers must
 * be those of Eyelet's module. Needs no data set. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { models } from '../support/networks.js';
import { readOnnx } from '../support/onnx_file.js';
import { eyelet, eyeletUnder, folder, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { modelOf, random, tinyModel } from '../support/tiny_model.js';

const ort = await import('onnxruntime-web').catch(() => null);
const skip = ort ? false : 'NOT CHECKED: onnxruntime-web is not installed (npm install)';
if (ort) {
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
}

async function exported(model, ...more) {
    const here = folder({ 'm.eyelet': model });
    const result = succeeded(await eyelet(['export', 'm.eyelet', '--onnx', '-o', 'm.onnx', ...more], { cwd: here }));
    assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'm.onnx']);
    return { bytes: readFileSync(join(here, 'm.onnx')), ...result };
}

/* ---- The same numbers ---- */

/* A colour of its own on each half, and noise. */
function picture(width, height, seed) {
    const next = random(seed), data = new Uint8ClampedArray(4 * width * height);
    const colours = Array.from({ length: 6 }, () => 128 + 110 * next());
    for (let i = 0; i < data.length; i++)
        data[i] = i % 4 === 3 ? 255 : colours[i % 4 + 3 * (i >= data.length / 2)] + 30 * next();
    return { data, width, height };
}

/* (c, h, w) from 0 to 1. */
function channels({ data, width, height }, c) {
    const count = width * height, out = new Float32Array(c * count);
    for (let i = 0; i < count; i++) {
        const [red, green, blue] = data.subarray(4 * i);
        const values = c === 3 ? [red, green, blue] : [red * 19595 + green * 38470 + blue * 7471 + 0x8000 >> 16]; /* ITU-R 601 in integers */
        values.forEach((value, k) => { out[k * count + i] = value / 255; });
    }
    return out;
}

const farthest = (a, b) => a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i])), 0);

const tolerance = 1e-5; /* ten times what was measured: sums are in another order there */

async function agrees(model) {
    const { bytes } = await exported(model);
    const [, c, height, width] = readOnnx(bytes).inputs[0].shape;
    const classifier = await loadClassifier({ model }), session = await ort.InferenceSession.create(bytes);
    const pictures = [1, 2, 3, 4].map((seed) => picture(width, height, seed)), classes = classifier.labels.length;
    try {
        assert.deepEqual([session.inputNames, session.outputNames], [['image'], ['logits', 'probabilities']]);
        for (const batch of [pictures, pictures.slice(0, 1)]) {
            const image = new ort.Tensor('float32', batch.flatMap((one) => [...channels(one, c)]), [batch.length, c, height, width]);
            const { logits, probabilities } = await session.run({ image });
            assert.deepEqual([logits.dims, probabilities.dims], [[batch.length, classes], [batch.length, classes]]);
            batch.forEach((one, i) => {
                const expected = classifier.logitsSync(one), scores = new Float32Array(classes);
                for (const { index, score } of classifier.classifySync(one, { topK: classes }))
                    scores[index] = score;
                const of = ({ data }) => data.subarray(i * classes, (i + 1) * classes);
                const error = farthest(expected, of(logits)) / Math.max(...expected.map(Math.abs));
                assert.ok(error <= tolerance, `picture ${i}: logits off by ${error} of the largest: ${of(logits)} against ${expected}`);
                assert.ok(farthest(scores, of(probabilities)) <= tolerance, `picture ${i}: ${of(probabilities)} against ${scores}`);
            });
        }
        const [first, second] = pictures.map((one) => classifier.logitsSync(one)); /* else nothing would have been shown */
        assert.ok(farthest(first, second) > 0.02 * Math.max(...first.map(Math.abs)), `the pictures look alike: ${first} and ${second}`);
    } finally {
        await session.release();
        classifier.close();
    }
}

for (const [name, model] of Object.entries(models))
    test(`ONNX Runtime computes what the module computes: ${name}`, { skip }, () => agrees(model));

test('ONNX Runtime computes what the module computes: weights in int8', { skip }, async () => {
    const here = folder({ 'm.eyelet': models['the golden model'] });
    succeeded(await eyelet(['convert', 'm.eyelet', '-o', 'small.eyelet', '--weights', 'int8'], { cwd: here }));
    await agrees(readFileSync(join(here, 'small.eyelet')));
});

/* ---- What is in the file ---- */

const types = ['Add', 'AveragePool', 'BatchNormalization', 'Clip', 'Concat', 'Conv', 'Div', 'Flatten', 'Gemm', 'GlobalAveragePool', 'HardSigmoid', 'LeakyRelu', 'MaxPool', 'Mul',
    'PRelu', 'Relu', 'Reshape', 'Sigmoid', 'Slice', 'Softmax', 'Sub', 'Tanh', 'Transpose', 'Unsqueeze'];

test('every name is made once, before it is read, and every constant has the bytes of its shape', async () => {
    const used = new Set();
    for (const [name, model] of Object.entries(models)) {
        const { irVersion, opsets, nodes, constants, inputs, outputs } = readOnnx((await exported(model)).bytes);
        assert.ok(irVersion >= 3 && irVersion <= 8, name);
        assert.deepEqual(opsets, [['', 13]]);
        const made = new Set(inputs.map((input) => input.name)), read = new Set(outputs.map((output) => output.name));
        const make = (one) => {
            assert.ok(one && !made.has(one), `${name}: ${one} is made twice`);
            made.add(one);
        };
        for (const { name: constant, dims, element, bytes } of constants) {
            make(constant);
            assert.ok(element === 1 || /\.(axes|starts|ends|channels|split|joined)$/.test(constant) && element === 7, `${name}: ${constant}`);
            assert.equal(bytes.length, dims.reduce((count, dim) => count * dim, element === 1 ? 4 : 8), `${name}: ${constant}`);
        }
        for (const { inputs: from, outputs: to, type, attributes: { pads = [] } } of nodes) {
            assert.ok(pads.every((pad) => pad >= 0 && pad < 11), `${name}: ${type} is padded by ${pads}`); /* below 0 they would be huge */
            for (const one of from) {
                assert.ok(made.has(one), `${name}: ${type} reads ${one}`);
                read.add(one);
            }
            to.forEach(make);
            used.add(type);
        }
        assert.deepEqual([...made].filter((one) => !read.has(one)), [], `${name}: nothing is there for nothing`);
    }
    assert.deepEqual([...used].sort(), types);
});

test('a model becomes the layers that one would write by hand', async () => {
    const typesOf = async (model) => readOnnx((await exported(model)).bytes).nodes.map((node) => node.type).join(' ');
    assert.equal(await typesOf(tinyModel()), 'Sub Div GlobalAveragePool Flatten Gemm Softmax');
    assert.equal(await typesOf(models['tutorial.eyelet']),
        'Sub Div Conv Relu MaxPool Conv Relu MaxPool Conv Relu Transpose Flatten Gemm Relu Gemm Div Softmax'); /* by its temperature */
    assert.equal(await typesOf(models['dropout before the softmax']), 'Sub Div Transpose Flatten Gemm Softmax');
});

test('input and outputs are named, shaped and explained', async () => {
    const { inputs, outputs, about, producer } = readOnnx((await exported(tinyModel())).bytes);
    assert.deepEqual(inputs.map(({ name, shape }) => [name, shape]), [['image', ['batch', 3, 32, 32]]]);
    assert.deepEqual(outputs.map(({ name, shape }) => [name, shape]), [['logits', ['batch', 10]], ['probabilities', ['batch', 10]]]);
    assert.match(inputs[0].about, /^red, green, blue from 0 to 1: .*mean and std/);
    assert.match(about, /0\.\.1/);
    assert.equal(producer, 'eyelet');
    assert.match(readOnnx((await exported(models['grey, with the mean of channels as logits'])).bytes).inputs[0].about, /^luminance .* from 0 to 1/);
});

test('labels, notes and preprocessing stand in the metadata, whatever the text', async () => {
    const labels = ['cat', '', 'a "quoted" \\ label', 'naïve', '☃ snowman', '🐱', '\ufeffmarked', 'é'.repeat(127)];
    const notes = 'name: Ünusual\ncommand: eyelet train -o "m.eyelet"\n';
    const layers = [{ kind: 'global_avgpool' }, { kind: 'dense', channels: labels.length }, { kind: 'softmax' }];
    const { metadata } = readOnnx((await exported(modelOf({ input: [9, 8, 3], layers, labels, notes, fit: 2, background: [10, 200, 90],
        mean: [0.5, 0.4375, 0.40625], std: [0.25, 0.21875, 0.3], temperature: 1.5 }))).bytes);
    assert.equal(metadata.notes, notes);
    delete metadata.notes;
    const { std, ...exact } = Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, JSON.parse(value)]));
    assert.deepEqual(exact, { labels, input_size: [9, 8, 3], resize_mode: 'pad', filter: 'bilinear', channel_order: 'rgb', background: [10, 200, 90], mean: [0.5, 0.4375, 0.40625], temperature: 1.5 });
    assert.deepEqual(std.map(Math.fround), [0.25, 0.21875, Math.fround(0.3)]);
    for (const [fit, name] of [[0, 'stretch'], [1, 'crop']])
        assert.equal(JSON.parse(readOnnx((await exported(modelOf({ layers, fit }))).bytes).metadata.resize_mode), name);

    const many = Array.from({ length: 4096 }, (_, i) => `${i}`.padStart(255, 'x'));
    assert.deepEqual(JSON.parse(readOnnx((await exported(tinyModel({ labels: many }))).bytes).metadata.labels), many);
});

test('what is said about the result is so, in words and in JSON, and the same model gives the same bytes', async () => {
    const model = models['grey, with the mean of channels as logits'];
    const { bytes, stdout, stderr } = await exported(model), again = await exported(model, '--json');
    assert.equal(stderr, '');
    assert.match(stdout, /^input +8 x 9 pixels, luminance$/m);
    assert.match(stdout, /^classes +5$/m);
    assert.match(stdout, new RegExp(`^format +ONNX with opset 13: .*\n(.*\n)*size +${bytes.length.toLocaleString('en')} bytes$`, 'm'));
    assert.deepEqual(JSON.parse(again.stdout), { format: 'onnx', input: [1, 9, 8], classes: 5, bytes: bytes.length });
    assert.ok(bytes.equals(again.bytes));
});

/* ---- Mistakes ---- */

const mistakes = [
    ['no model', ['--onnx', '-o', 'm.onnx'], /export takes one model, got 0/],
    ['two models', ['m.eyelet', 'm.eyelet', '--onnx', '-o', 'm.onnx'], /export takes one model, got 2/],
    ['no format', ['m.eyelet', '-o', 'm.onnx'], /export needs one format: --html, --onnx or --safetensors/],
    ['two formats', ['m.eyelet', '--onnx', '--html', '-o', 'm.onnx'], /export needs one format/],
    ['a module for what has none', ['m.eyelet', '--onnx', '--wasm', 'x', '-o', 'm.onnx'], /--wasm is for --html/],
    ['no output', ['m.eyelet', '--onnx'], /export needs -o FILE/],
    ['an empty output', ['m.eyelet', '--onnx', '-o', ''], /export needs -o FILE/],
    ['a value for the format', ['m.eyelet', '--onnx=14', '-o', 'm.onnx'], /--onnx/],
    ['a format that is none', ['m.eyelet', '--tflite', '-o', 'm.onnx'], /no option "--tflite"/],
];

for (const [name, argumentList, reason] of mistakes)
    test(`a mistake in the options is answered, and nothing written: ${name}`, async () => {
        const here = folder({ 'm.eyelet': tinyModel() });
        refused(await eyelet(['export', ...argumentList], { cwd: here }), { status: 2, reason, hint: /See `eyelet export --help`/ });
        assert.deepEqual(readdirSync(here), ['m.eyelet']);
    });

test('what is no model is named, and what stood at the path of the result stays', async () => {
    const model = tinyModel(), flipped = Buffer.from(model);
    flipped[flipped.length - 40] ^= 0x10;
    for (const [bytes, reason] of [[Buffer.alloc(0), /not an Eyelet model/], [model.subarray(0, -1), /cut short/], [flipped, /damaged/],
        ['<!DOCTYPE html>', /not an Eyelet model/], [tinyModel({ weight: NaN }), /NaN/]]) {
        const here = folder({ 'm.eyelet': bytes, 'm.onnx': 'the old one' });
        refused(await eyelet(['export', 'm.eyelet', '--onnx', '-o', 'm.onnx'], { cwd: here }), { subject: 'm.eyelet', reason });
        assert.equal(readFileSync(join(here, 'm.onnx'), 'utf8'), 'the old one');
        assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'm.onnx']);
    }
    const here = folder();
    for (const [path, reason] of [['missing', /No such file/], ['.', /is a folder/]])
        refused(await eyelet(['export', path, '--onnx', '-o', 'm.onnx'], { cwd: here }), { subject: path, reason });
    assert.ok(!existsSync(join(here, 'm.onnx')));
});

test('what cannot be written is named, and nothing is half written', async () => {
    const here = folder({ 'm.eyelet': models['the golden model'], 'old.onnx': 'the old one' });
    mkdirSync(join(here, 'taken'));
    const hint = /unchanged/, argumentList = ['export', 'm.eyelet', '--onnx', '-o'];
    for (const [path, reason] of [['taken', /is a folder/], ['missing/m.onnx', /No such file/]])
        refused(await eyelet([...argumentList, path], { cwd: here }), { subject: path, reason, hint });
    refused(await eyeletUnder('ulimit -f 4', [...argumentList, 'old.onnx'], { cwd: here }),
        { subject: 'old.onnx', reason: /cannot be written: .*too large/, hint });
    assert.equal(readFileSync(join(here, 'old.onnx'), 'utf8'), 'the old one');
    nothingLeftOver(here);
    succeeded(await eyelet([...argumentList, 'old.onnx'], { cwd: here }));
    assert.ok(statSync(join(here, 'old.onnx')).size > 4096, 'the limit was too high to show anything');
});

test('a model is not replaced by its own export', async () => {
    const model = tinyModel(), here = folder({ 'm.eyelet': model });
    for (const path of ['m.eyelet', './m.eyelet', join(here, 'm.eyelet')])
        refused(await eyelet(['export', 'm.eyelet', '--onnx', '-o', path], { cwd: here }),
            { subject: path, reason: /this is the model itself/, hint: /another file/ });
    assert.ok(readFileSync(join(here, 'm.eyelet')).equals(model));
});
