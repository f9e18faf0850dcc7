/* Every kind of layer, by the list in core/net/kinds.h, through what the command line does with one: no kind may be left out anywhere,
 * or computed as something else. Export and the module have them from networks.js. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { everyKind, layersWith, textWith } from '../support/kinds.js';
import { models } from '../support/networks.js';
import { classNames, eyelet, folder, makeData, makeRecords, refused, succeeded } from '../support/program.js';
import { modelOf, random } from '../support/tiny_model.js';

const data = makeData(makeRecords(120));

test('the networks that are exported and run by others hold every kind', () => {
    const held = new Set(Object.keys(models));
    for (const kind of everyKind)
        assert.ok(held.has(`a layer of ${kind}`), kind);
});

for (const kind of everyKind)
    test(`${kind} is read as text, and summary shows it as the model file has it`, async () => {
        const here = folder({ 'net.txt': `input 9x8x3\n${textWith(kind)}`, 'm.eyelet': modelOf({ input: [9, 8, 3], layers: layersWith(kind) }) });
        const [fromText, fromModel] = await Promise.all(['net.txt', 'm.eyelet'].map(async (name) =>
            JSON.parse(succeeded(await eyelet(['summary', name, '--json'], { cwd: here })).stdout)));
        assert.ok(fromText.layers.some((layer) => layer.kind === kind));
        assert.deepEqual(fromText.layers, fromModel.layers);
        const table = succeeded(await eyelet(['summary', 'net.txt'], { cwd: here })).stdout;
        assert.match(table, new RegExp(`^ +\\d+ +${kind} `, 'm'));
    });

test('an unknown layer is answered by the names of all', async () => {
    const { stderr } = await eyelet(['summary', 'net.txt'], { cwd: folder({ 'net.txt': 'nothing\n' }) });
    const [, names] = stderr.match(/expected a layer: (.*), got "nothing"$/m);
    assert.deepEqual(names.split(/, | or /).sort(), [...everyKind].sort());
});

const logits = async (here, name) => {
    succeeded(await eyelet(['evaluate', name, '--data', data, '--limit', '50', '--logits', `${name}.logits`], { cwd: here }));
    const bytes = readFileSync(join(here, `${name}.logits`));
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

for (const kind of everyKind)
    test(`${kind} is quantized, or refused by its name`, async () => {
        const here = folder({ 'm.eyelet': modelOf({ labels: classNames, layers: layersWith(kind), weight: random(3) }) });
        const result = await eyelet(['quantize', 'm.eyelet', '-o', 'q.eyelet', '--data', data, '--images', '50', '--limit', '50', '--drop', '100'], { cwd: here });
        if (result.status) {
            assert.match(result.stderr, new RegExp(`layer \\d+ \\(${kind}\\) cannot be computed in int8`));
            return;
        }
        const [floats, int8] = [await logits(here, 'm.eyelet'), await logits(here, 'q.eyelet')];
        let signal = 0, noise = 0;
        floats.forEach((x, i) => { signal += x * x; noise += (x - int8[i]) ** 2; });
        assert.ok(signal > 0 && noise < 0.03 ** 2 * signal, `${Math.sqrt(noise / signal)} off`);
    });

test('a layer that int8 cannot compute is refused by its name', async () => {
    for (const [setting, reason] of [[{ groups: 2 }, /layer 2 \(conv2d in groups\) cannot be/], [{ dilation: 2 }, /layer 2 \(conv2d, dilated\) cannot be/]]) {
        const [first, ...rest] = layersWith('relu'), layer = { kind: 'conv2d', channels: 4, kernel: [3, 3], ...setting };
        const here = folder({ 'm.eyelet': modelOf({ labels: classNames, layers: [first, layer, ...rest] }) });
        refused(await eyelet(['quantize', 'm.eyelet', '-o', 'q.eyelet', '--data', data, '--images', '50'], { cwd: here }), { reason });
    }
});

test('padding, dilation and groups are read as text, and summary shows them', async () => {
    const here = folder({ 'net.txt': ['input 12x11x3', 'conv2d 6 3x3 padding 1', 'conv2d 8 3x2 groups 2 dilation 2 padding 1 0 2 1',
        'maxpool 3 stride 2 padding 1', 'flatten', 'dense classes softmax', ''].join('\n') });
    const { stdout } = succeeded(await eyelet(['summary', 'net.txt'], { cwd: here }));
    assert.match(stdout, /^ +1 +conv2d +3x3, padding 1 +12x11x6 /m);
    assert.match(stdout, /^ +2 +conv2d +3x2, padding 1 0 2 1, dilation 2, groups 2 +11x10x8 /m);
    assert.match(stdout, /^ +3 +maxpool +3x3, stride 2, padding 1 +6x5x8 /m);
});

test('a gate of one pixel is read as text, with activations and their slope behind layers', async () => {
    const lines = ['input 9x8x3', 'a: conv2d 6 3x3 silu', 'global_avgpool', 'conv2d 2 1x1 leaky_relu 0.25', 'g: conv2d 6 1x1 hardsigmoid',
        'multiply g from a', 'prelu', 'add g relu', 'flatten', 'dense classes softmax', ''];
    const here = folder({ 'net.txt': lines.join('\n') });
    const { layers } = JSON.parse(succeeded(await eyelet(['summary', 'net.txt', '--json'], { cwd: here })).stdout);
    assert.deepEqual(layers.map(({ kind, inputs, output, parameters }) => [kind, inputs, output, parameters]).slice(4, 10), [
        ['leaky_relu', [4], [1, 1, 2], 0], ['conv2d', [5], [1, 1, 6], 18], ['hardsigmoid', [6], [1, 1, 6], 0],
        ['multiply', [2, 7], [7, 6, 6], 0], ['prelu', [8], [7, 6, 6], 6], ['add', [9, 7], [7, 6, 6], 0]]);
    assert.match(succeeded(await eyelet(['summary', 'net.txt'], { cwd: here })).stdout, /^ +5 +leaky_relu +0\.25 +1x1x2 /m);
});

for (const [name, line, reason] of [
    ['a gate of other channels', 'multiply g', /net\.txt:3:1: multiply needs two inputs of one shape, or the second of one pixel, got 6x6x6 and 8x8x4/],
    ['a slope that is missing', 'conv2d 4 1x1 leaky_relu', /net\.txt:3:24: expected the slope below 0, 0 to 1 at the end of the line/],
    ['a slope above 1', 'leaky_relu 1.5', /net\.txt:3:12: expected the slope below 0, 0 to 1, got "1\.5"/],
    ['a slope where there is none', 'silu 0.5', /net\.txt:3:6: expected from NAME, an activation, or nothing more, got "0\.5"/]])
    test(`a mistake in a network is named: ${name}`, async () => {
        const here = folder({ 'net.txt': ['g: conv2d 4 2x2', 'conv2d 6 3x3', line, 'flatten', 'dense classes softmax', ''].join('\n') });
        refused(await eyelet(['summary', 'net.txt', '--size', '9'], { cwd: here }), { reason });
    });

test('a part of the channels, their order and means that count padding are read as text, and summary shows them', async () => {
    const here = folder({ 'net.txt': ['input 12x11x3', 'a: conv2d 8 3x3 padding 1', 'slice 2 4', 'shuffle 2', 'concat a', 'avgpool 3 stride 1 padding 1 count_padding',
        'global_avgpool', 'dense classes softmax', ''].join('\n') });
    const { stdout } = succeeded(await eyelet(['summary', 'net.txt'], { cwd: here }));
    assert.match(stdout, /^ +2 +slice +channels 2 to 5 +12x11x4 /m);
    assert.match(stdout, /^ +3 +shuffle +groups 2 +12x11x4 /m);
    assert.match(stdout, /^ +4 +concat +3 and 1 +12x11x12 /m);
    assert.match(stdout, /^ +5 +avgpool +3x3, stride 1, padding 1, count_padding +12x11x12 /m);
    for (const [line, reason] of [['slice 2 7', /channels 2 to 8 of an input that has 8 \(from 0 on\)/], ['slice 2', /the number of channels/], ['shuffle 3', /3 groups do not divide 8 channels/],
        ['shuffle', /the number of groups/], ['concat b', /the name of a layer above/], ['maxpool 3 count_padding', /count_padding/], ['conv2d 8 3x3\nconcat a', /two inputs of one height and width/]])
        refused(await eyelet(['summary', 'net.txt'], { cwd: folder({ 'net.txt': `input 12x11x3\na: conv2d 8 3x3 same\n${line}\nglobal_avgpool\ndense classes softmax\n` }) }), { reason, hint: /.*/s });
});

test('a small network with every kind trains', async () => {
    const lines = everyKind.filter((kind) => !['softmax', 'dense', 'flatten', 'global_avgpool', 'add', 'multiply', 'concat'].includes(kind))
        .map((kind) => textWith(kind).split('\n')[1]);
    const here = folder({ 'net.txt': ['a: conv2d 4 3x3 same', 'tanh', 'add a', 'multiply a', 'concat a', ...lines, 'global_avgpool', 'flatten', 'dense classes', 'softmax', ''].join('\n') });
    succeeded(await eyelet(['train', '-o', 'm.eyelet', '--network', 'net.txt', '--limit', '64', '--epochs', '1', '--data', data], { cwd: here }));
    const { layers } = JSON.parse(succeeded(await eyelet(['summary', 'm.eyelet', '--json'], { cwd: here })).stdout);
    for (const kind of everyKind.filter((one) => !['dropout', 'batchnorm'].includes(one))) /* which go when a model is written */
        assert.ok(layers.some((layer) => layer.kind === kind), kind);
});
