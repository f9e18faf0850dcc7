/* Models as safetensors: read here, run as PyTorch would run their layers - images and weights channels first, plain loops in double - and
 * compared with Eyelet's module and with the same model's ONNX file. Needs no data set. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { models } from '../support/networks.js';
import { readOnnx } from '../support/onnx_file.js';
import { gradient } from '../support/pictures.js';
import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { modelOf, random, tinyModel } from '../support/tiny_model.js';

async function exported(model, format) {
    const here = folder({ 'm.eyelet': model });
    succeeded(await eyelet(['export', 'm.eyelet', `--${format}`, '-o', 'out'], { cwd: here }));
    return readFileSync(join(here, 'out'));
}

/* Checks what the format's description asks for: offsets in order, without gaps, to the end; data aligned. */
function parse(bytes) {
    const length = Number(bytes.readBigUInt64LE()), data = bytes.subarray(8 + length);
    assert.equal(bytes[8], 0x7b, 'the header starts with {');
    assert.equal(length % 8, 0);
    const { __metadata__: metadata, ...header } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
    const tensors = {};
    let end = 0;
    for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
        assert.equal(dtype, 'F32', name);
        assert.equal(from, end, name);
        assert.equal(to - from, shape.reduce((count, side) => count * side, 4), name);
        end = to;
        tensors[name] = { shape, values: new Float32Array(data.buffer.slice(data.byteOffset + from, data.byteOffset + to)) };
    }
    assert.equal(end, data.length);
    return { metadata, tensors };
}

/* ---- As PyTorch would ---- */

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const elementwise = { relu: (x) => Math.max(x, 0), relu6: (x) => Math.min(Math.max(x, 0), 6), sigmoid,
    hardswish: (x) => x * Math.min(Math.max(x + 3, 0), 6) / 6, hardsigmoid: (x) => Math.min(Math.max(x / 6 + 0.5, 0), 1),
    silu: (x) => x * sigmoid(x), tanh: Math.tanh, dropout: (x) => x,
    gelu: (x) => x * sigmoid(1.5957691216 * (x + 0.044715 * x ** 3)) };

/* The values of an image (c, h, w) under a window, without those in the padding. */
function* under({ h, w, values }, c, y, x, { kernel, stride, padding: [top, left] }) {
    for (let i = 0; i < kernel[0]; i++)
        for (let k = 0; k < kernel[1]; k++) {
            const row = y * stride + i - top, column = x * stride + k - left;
            if (row >= 0 && row < h && column >= 0 && column < w)
                yield [values[(c * h + row) * w + column], i * kernel[1] + k];
        }
}

function windowed(layer, one) {
    const [c, h, w] = layer.output;
    return Array.from({ length: c * h * w }, (_, i) => one(Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w));
}

function run({ metadata, tensors }, input) {
    const outputs = [input], layers = JSON.parse(metadata.network);
    for (const layer of layers.slice(0, -1)) {
        const { name, kind } = layer, [x, other] = layer.inputs.map((n) => outputs[n]), pixels = x.h * x.w;
        const of = (part) => tensors[`${name}.${part}`]?.values;
        const weight = of('weight'), bias = of('bias'), channelOf = (i) => Math.floor(i / pixels);
        let values;
        if (kind in elementwise)
            values = x.values.map(elementwise[kind]);
        else if (kind === 'scale')
            values = x.values.map((value) => value * layer.factor);
        else if (kind === 'add' || kind === 'multiply') { /* PyTorch, too, broadcasts (c, 1, 1) */
            const second = (i) => other.values[other.values.length < x.values.length ? channelOf(i) : i];
            values = x.values.map((value, i) => kind === 'add' ? value + second(i) : value * second(i));
        } else if (kind === 'leaky_relu')
            values = x.values.map((value) => value < 0 ? value * layer.slope : value);
        else if (kind === 'prelu')
            values = x.values.map((value, i) => value < 0 ? value * weight[channelOf(i)] : value);
        else if (kind === 'concat')
            values = [...x.values, ...other.values];
        else if (kind === 'slice')
            values = x.values.slice(layer.first * pixels, (layer.first + layer.channels) * pixels);
        else if (kind === 'shuffle')
            values = x.values.map((_, i) => {
                const k = channelOf(i), { groups } = layer;
                return x.values[(k % groups * (x.c / groups) + Math.floor(k / groups)) * pixels + i % pixels];
            });
        else if (kind === 'flatten')
            ({ values } = x);
        else if (kind === 'global_avgpool')
            values = Array.from({ length: x.c }, (_, c) => x.values.slice(c * pixels, (c + 1) * pixels).reduce((sum, value) => sum + value, 0) / pixels);
        else if (kind === 'batchnorm')
            values = x.values.map((value, i) => (value - of('running_mean')[channelOf(i)]) / Math.sqrt(of('running_var')[channelOf(i)] + layer.epsilon) *
                weight[channelOf(i)] + bias[channelOf(i)]);
        else if (kind === 'maxpool')
            values = windowed(layer, (c, row, column) => Math.max(...[...under(x, c, row, column, layer)].map(([value]) => value)));
        else if (kind === 'avgpool')
            values = windowed(layer, (c, row, column) => [...under(x, c, row, column, layer)].reduce((sum, [value], _, { length }) =>
                sum + value / (layer.count_padding ? layer.kernel[0] * layer.kernel[1] : length), 0));
        else if (kind === 'dense')
            values = Array.from({ length: layer.output[0] }, (_, o) => x.values.reduce((sum, value, i) => sum + value * weight[o * x.c + i], bias?.[o] ?? 0));
        else if (kind === 'conv2d' || kind === 'depthwise')
            values = windowed(layer, (o, row, column) => {
                const taps = layer.kernel[0] * layer.kernel[1], inputs = layer.groups ? [o] : Array.from({ length: x.c }, (_, c) => c);
                let sum = bias?.[o] ?? 0;
                inputs.forEach((c, i) => {
                    for (const [value, tap] of under(x, c, row, column, layer))
                        sum += value * weight[(o * inputs.length + i) * taps + tap];
                });
                return sum;
            });
        assert.ok(values, `an unknown layer: ${kind}`);
        const [c, h, w] = layer.output;
        assert.equal(values.length, c * h * w, name);
        outputs.push({ c, h, w, values });
    }
    return outputs[layers.at(-1).inputs[0]].values;
}

/* (c, h, w), less the mean, over the std. */
function prepared({ metadata }, { data, width, height }) {
    const [mean, std, [, , c]] = ['mean', 'std', 'input_size'].map((key) => JSON.parse(metadata[key]));
    const values = Array.from({ length: c * width * height }, (_, i) => {
        const at = 4 * (i % (width * height)), k = Math.floor(i / (width * height));
        const byte = c === 3 ? data[at + k] : data[at] * 19595 + data[at + 1] * 38470 + data[at + 2] * 7471 + 0x8000 >> 16;
        return (byte / 255 - mean[k]) / std[k];
    });
    return { c, h: height, w: width, values };
}

const { 'airbench95.eyelet': large, ...small } = models; /* the large one would take minutes in such loops */

for (const [name, model] of Object.entries(small))
    test(`its layers and weights give what the module gives: ${name}`, async () => {
        const file = parse(await exported(model, 'safetensors')), classifier = await loadClassifier({ model });
        const { inputWidth, inputHeight } = classifier.info, picture = gradient(inputWidth, inputHeight);
        const expected = classifier.logitsSync(picture), found = run(file, prepared(file, picture));
        const largest = Math.max(...expected.map(Math.abs));
        expected.forEach((logit, i) => assert.ok(Math.abs(logit - found[i]) <= 1e-5 * largest, `logit ${i}: ${found[i]}, not ${logit}`));
        assert.deepEqual(JSON.parse(file.metadata.labels), classifier.labels);
    });

test('weights and metadata are those of the ONNX file', async () => {
    for (const model of [large, models['a filter for each channel, and what is cut at 6']]) {
        const { tensors, metadata: { format, network, ...metadata } } = parse(await exported(model, 'safetensors')), onnx = readOnnx(await exported(model, 'onnx'));
        const constants = Object.fromEntries(onnx.constants.map(({ name, dims, bytes }) => [name, { dims, values: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)) }]));
        let compared = 0;
        for (const [name, { shape, values }] of Object.entries(tensors).filter(([name]) => !name.startsWith('dense'))) {
            assert.deepEqual(shape, constants[name].dims, name);
            assert.deepEqual(values, constants[name].values, name);
            compared++;
        }
        assert.ok(compared >= 4);
        assert.deepEqual(metadata, onnx.metadata);
        assert.equal(format, 'pt');
        assert.ok(JSON.parse(network).length > 0);
    }
    const { tensors } = parse(await exported(tinyModel(), 'safetensors')), onnx = readOnnx(await exported(tinyModel(), 'onnx'));
    const { bytes } = onnx.constants.find(({ name }) => name === 'dense_2.weight'); /* (in, out) there */
    assert.deepEqual(tensors['dense_2.weight'].shape, [10, 3]);
    tensors['dense_2.weight'].values.forEach((value, i) => assert.equal(value, bytes.readFloatLE(4 * (i % 3 * 10 + Math.floor(i / 3)))));
});

test('the lines of Python in the help read it', { skip: spawnSync('python3', ['--version']).status === 0 ? false : 'NOT TESTED: python3 is not installed' }, async () => {
    const help = succeeded(await eyelet(['export', '--help'])).stdout;
    const lines = help.split('\n').filter((line) => line.startsWith('    ')).map((line) => line.slice(4)).filter((line) => !/^ {10}/.test(line));
    const print = 'print(json.dumps([labels, [layer["name"] for layer in layers], {name: [shape, list(values)] for name, (shape, values) in weights.items()}]))';
    const here = folder({ 'mine.safetensors': await exported(tinyModel(), 'safetensors'), 'read.py': `${lines.join('\n')}\n${print}\n` });
    const result = spawnSync('python3', ['read.py'], { cwd: here, encoding: 'utf8' });
    assert.equal(result.status, 0, result.stderr);
    const [labels, layers, weights] = JSON.parse(result.stdout), { tensors } = parse(readFileSync(join(here, 'mine.safetensors')));
    assert.equal(labels[3], 'cat');
    assert.deepEqual(layers, ['global_avgpool_1', 'dense_2', 'softmax_3']);
    assert.deepEqual(Object.keys(weights), Object.keys(tensors));
    for (const [name, [shape, values]] of Object.entries(weights))
        assert.deepEqual([shape, Float32Array.from(values)], [tensors[name].shape, tensors[name].values], name);
});

test('a flattened image that PyTorch would have in another order is refused, and nothing written', async () => {
    const flat = { kind: 'flatten' }, dense = (channels) => ({ kind: 'dense', channels });
    for (const [layers, reason] of [[[flat, dense(48), { kind: 'add', and: 1 }, dense(5)], /layer 3 \(add\)/], [[flat], /layer 2 \(softmax\)/]]) {
        const here = folder({ 'm.eyelet': modelOf({ input: [4, 4, 3], layers: [...layers, { kind: 'softmax' }], weight: random(1) }), out: 'the old one' });
        refused(await eyelet(['export', 'm.eyelet', '--safetensors', '-o', 'out'], { cwd: here }), { subject: 'm.eyelet', reason, hint: /ONNX/ });
        assert.equal(readFileSync(join(here, 'out'), 'utf8'), 'the old one');
    }
});
