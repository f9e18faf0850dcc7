/* eyelet import of safetensors with a network as text: every kind there and back, PyTorch's names, what is refused. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { everyKind, layersWith, textWith } from '../support/kinds.js';
import { gradient } from '../support/pictures.js';
import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { safetensors } from '../support/safetensors_file.js';
import { modelOf } from '../support/tiny_model.js';

const picture = gradient(32, 32);
const logitsOf = async (path) => (await loadClassifier({ model: path })).logitsSync(picture);

function near(found, wanted, tolerance = 1e-5) {
    const largest = Math.max(...wanted.map(Math.abs));
    assert.equal(found.length, wanted.length);
    found.forEach((value, i) => assert.ok(Math.abs(value - wanted[i]) <= tolerance * largest, `${value} is not ${wanted[i]}`));
}

const conv = { kind: 'conv2d', channels: 4, kernel: [3, 3], bias: true }, pool = { kind: 'global_avgpool' }, dense = (channels) => ({ kind: 'dense', channels, bias: true });
const end = [dense(10), { kind: 'softmax' }];
for (const [name, layers, text] of [
    ...everyKind.map((kind) => [kind, layersWith(kind), textWith(kind)]),
    ['a gate of dense layers', [conv, pool, dense(4), { kind: 'hardsigmoid' }, { kind: 'multiply', from: 1, and: 4 }, pool, ...end],
        'x: conv2d 4 3x3\nglobal_avgpool\ng: dense 4 hardsigmoid\nmultiply g from x\nglobal_avgpool\ndense classes softmax\n'],
    ['a gate behind a flattened pixel', [conv, pool, { kind: 'flatten' }, { kind: 'sigmoid' }, { kind: 'multiply', from: 1, and: 4 }, pool, ...end],
        'x: conv2d 4 3x3\nglobal_avgpool\nflatten\ng: sigmoid\nmultiply g from x\nglobal_avgpool\ndense classes softmax\n'],
    ['prelu of dense units', [conv, pool, dense(5), { kind: 'prelu' }, ...end], 'conv2d 4 3x3\nglobal_avgpool\ndense 5\nprelu\ndense classes softmax\n'],
    ['a convolution behind a dense layer', [conv, pool, dense(5), { kind: 'conv2d', channels: 6, kernel: [1, 1], bias: true }, ...end],
        'conv2d 4 3x3\nglobal_avgpool\ndense 5\nconv2d 6 1x1\ndense classes softmax\n'],
])
    test(`what is exported comes back: ${name}`, async () => {
        const here = folder({ 'm.eyelet': modelOf({ layers }), 'net.txt': `input 32x32x3\n${text}` }), at = (name) => join(here, name);
        succeeded(await eyelet(['export', at('m.eyelet'), '--safetensors', '-o', at('m.safetensors')]));
        succeeded(await eyelet(['import', at('m.safetensors'), '--network', at('net.txt'), '-o', at('back.eyelet'), '--epsilon', '0.001',
            '--preprocess', 'unit,mean=0.5,std=0.25']));
        near(await logitsOf(at('back.eyelet')), await logitsOf(at('m.eyelet')));
    });

/* ---- As PyTorch writes them ---- */

let state = 1;
const random = () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32 - 0.5;
const of = (...shape) => ({ shape, values: Array.from({ length: shape.reduce((product, side) => product * side, 1) }, random) });

/* Two 1x1 convolutions of the same shape, with batch norms, on a plain picture: what comes out is arithmetic on a pixel. */
const tensors = () => ({
    'layers.10.bias': of(3), 'layers.10.weight': of(3, 3, 1, 1),
    'layers.2.bias': of(3), 'layers.2.weight': of(3, 3, 1, 1),
    'norm.bias': of(3), 'norm.running_mean': of(3), 'norm.running_var': { shape: [3], values: [0.5, 1, 2] }, 'norm.weight': { ...of(3), dtype: 'F64' },
    'norm.num_batches_tracked': { shape: [], values: [7n], dtype: 'I64' },
    'fc.bias': of(2), 'fc.weight': of(2, 3),
});
const product = ({ shape: [out, inputs], values }, { values: bias }, x) =>
    Array.from({ length: out }, (_, o) => x.reduce((sum, value, i) => sum + value * values[o * inputs + i], bias[o]));
function expected(t, order, pixel) {
    let x = product(t[`layers.${order[0]}.weight`], t[`layers.${order[0]}.bias`], pixel).map((value, i) =>
        (value - t['norm.running_mean'].values[i]) / Math.sqrt(t['norm.running_var'].values[i] + 1e-5) * t['norm.weight'].values[i] + t['norm.bias'].values[i]);
    x = product(t[`layers.${order[1]}.weight`], t[`layers.${order[1]}.bias`], x);
    return product(t['fc.weight'], t['fc.bias'], x);
}
const plain = { data: new Uint8ClampedArray(32 * 32 * 4).map((_, i) => [255, 51, 102, 255][i % 4]), width: 32, height: 32 }, pixel = [1, 0.2, 0.4];

for (const [name, text, order] of [
    ['in the order of their numbers', 'conv2d 3 1x1 batchnorm\nconv2d 3 1x1', [2, 10]],
    ['by their names', 'layers.10: conv2d 3 1x1\nnorm: batchnorm\nlayers.2: conv2d 3 1x1', [10, 2]],
    ['by the name of one, the other by its shape', 'layers.10: conv2d 3 1x1 batchnorm\nconv2d 3 1x1', [10, 2]],
])
    test(`weights are found ${name}`, async () => {
        const t = tensors(), here = folder({ 'w.safetensors': safetensors(t), 'net.txt': `input 32x32x3\n${text}\nglobal_avgpool\ndense classes softmax\n` });
        succeeded(await eyelet(['import', join(here, 'w.safetensors'), '--network', join(here, 'net.txt'), '-o', join(here, 'm.eyelet'), '--preprocess', 'unit']));
        const classifier = await loadClassifier({ model: join(here, 'm.eyelet') });
        near(classifier.logitsSync(plain), expected(t, order, pixel), 1e-4);
    });

/* ---- Refusals ---- */

const usual = 'input 32x32x3\nconv2d 3 1x1 batchnorm\nconv2d 3 1x1\nglobal_avgpool\ndense classes softmax\n';
async function refusedImport(bytes, text, expectation) {
    const here = folder({ 'w.safetensors': bytes, 'net.txt': text ?? '' }), output = join(here, 'm.eyelet');
    const result = await eyelet(['import', join(here, 'w.safetensors'), ...text ? ['--network', join(here, 'net.txt')] : [], '-o', output]);
    refused(result, expectation);
    assert.ok(!existsSync(output));
}

test('weights alone are no network', () => refusedImport(safetensors(tensors()), undefined, { reason: /does not say of which network/, hint: /--network/ }));

for (const [name, text, reason] of [
    ['a shape that no tensor has', usual.replace('conv2d 3 1x1\n', 'conv2d 3 3x3 same\n'), /no weight of shape \(3, 3, 3, 3\) is left/],
    ['a name whose tensor has another shape', usual.replace('conv2d 3 1x1 batchnorm', 'layers.2: conv2d 3 3x3 batchnorm'), /needs a weight of shape \(3, 3, 3, 3\), and the file has \(3, 3, 1, 1\)/],
    ['a layer left over', usual.replace('conv2d 3 1x1\n', ''), /tensors of layers\.10 belong to no layer/],
    ['a bias that the text denies', usual.replace('conv2d 3 1x1\n', 'conv2d 3 1x1 nobias\n'), /says nobias, and layers\.10 has a bias/],
    ['a mistake in the text', 'input 32x32x3\nconvolution 3\n', /expected a layer/],
])
    test(`refused: ${name}`, () => refusedImport(safetensors(tensors()), text, { reason }));

test('tensors without a module belong to layers without a name', async () => {
    const { 'fc.weight': weight, 'fc.bias': bias } = tensors(), here = folder({ 'w.safetensors': safetensors({ weight, bias }), 'net.txt': 'input 32x32x3\nglobal_avgpool\ndense classes softmax\n' });
    succeeded(await eyelet(['import', join(here, 'w.safetensors'), '--network', join(here, 'net.txt'), '-o', join(here, 'm.eyelet'), '--preprocess', 'unit']));
    near((await loadClassifier({ model: join(here, 'm.eyelet') })).logitsSync(plain), product(weight, bias, pixel), 1e-4);
});

test('damaged files are refused', async () => {
    const bytes = safetensors(tensors()), length = Number(bytes.readBigUInt64LE());
    const withHeader = (change) => {
        const text = Buffer.from(change(bytes.toString('utf8', 8, 8 + length))), start = Buffer.alloc(8);
        start.writeBigUInt64LE(BigInt(text.length));
        return Buffer.concat([start, text, bytes.subarray(8 + length)]);
    };
    const twins = Buffer.from(safetensors({ 'a.weight': of(3), 'b.weight': of(3) }).toString('latin1').replace('[12,24]', '[ 0,12]'), 'latin1').subarray(0, -12);
    for (const [wrong, reason] of [
        [bytes.subarray(0, 5), /cut short/], [bytes.subarray(0, 7), /cut short/], [bytes.subarray(0, bytes.length - 4), /a place that cannot be/],
        [Buffer.concat([Buffer.alloc(8, 255), bytes.subarray(8)]), /cut short/], [withHeader(() => '[]'), /no object/], [withHeader((text) => text.slice(0, -1)), /JSON|cut|expected/i],
        [withHeader((text) => text.replace('"shape":[3,3,1,1]', '"shape":[2147483647,2147483647]')), /cannot be/],
        [withHeader((text) => text.replace('"shape":[3,3,1,1]', '"shape":[-3,-3,1,1]')), /cannot be/],
        [withHeader((text) => text.replace(/"data_offsets":\[0,\d+\]/, '"data_offsets":[-12,0]')), /cannot be/],
        [withHeader((text) => text.replace(/"data_offsets":\[0,\d+\]/, '"data_offsets":[1e300,1e301]')), /cannot be/],
        [twins, /b\.weight stands where another one does/],
        [withHeader(() => '['.repeat(100_000)), /./],
    ])
        await refusedImport(wrong, usual, { reason });
});
