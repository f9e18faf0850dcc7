/* What transfer learning takes for the head of a network and puts another in the place of: all dense layers behind the last pool or flatten, a
 * convolution of class scores in front of the last pool. Models are written from their description (tiny_model.js). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { classNames, eyelet, folder, makeData, makeRecords, refused, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

const data = makeData(makeRecords(200));
const conv = { kind: 'conv2d', channels: 4, kernel: [3, 3], stride: 4, same: true, bias: true }, relu = { kind: 'relu' }, softmax = { kind: 'softmax' };
const pool = { kind: 'global_avgpool' }, flatten = { kind: 'flatten' }, dropout = { kind: 'dropout', rate: 0.5 };
const dense = (channels) => ({ kind: 'dense', channels, bias: true }), pointwise = (channels) => ({ kind: 'conv2d', channels, kernel: [1, 1], bias: true });
const scale = { kind: 'scale', rate: 0.25 }, trunk = [conv, relu];

/* Trains the head alone on a model of these layers; what its network is then. */
async function headOf(layers, { labels, more = ['--linear-probe'], ...rest } = {}) {
    const here = folder({ 'from.eyelet': modelOf({ layers, labels, ...rest }) });
    const result = await eyelet(['train', '-o', 'm.eyelet', '--data', data, '--from', 'from.eyelet', '--limit', '100', ...more], { cwd: here });
    if (result.status)
        return { here, result };
    const { layers: after } = JSON.parse(succeeded(await eyelet(['summary', join(here, 'm.eyelet'), '--json'], { cwd: here })).stdout);
    return { here, result, kinds: after.map(({ kind }) => kind), outputs: after.map(({ output }) => output.at(-1)) };
}

test('every dense layer behind the last pool gives way to one', async () => {
    for (const between of [[relu], [{ kind: 'tanh' }, dropout], [dropout, flatten, { kind: 'batchnorm' }]]) {
        const { kinds, outputs } = await headOf([...trunk, pool, dense(6), ...between, dense(5), relu, dense(3), softmax]);
        assert.deepEqual(kinds, ['conv2d', 'relu', 'global_avgpool', 'dense', 'softmax']);
        assert.deepEqual(outputs, [4, 4, 4, 10, 10]);
    }
    const scaled = await headOf([...trunk, pool, flatten, dense(6), relu, dense(3), scale, scale, softmax]);
    assert.deepEqual(scaled.kinds, ['conv2d', 'relu', 'global_avgpool', 'flatten', 'dense', 'scale', 'softmax']);
});

test('so do those behind a flattened map, and convolutions of one pixel', async () => {
    const flat = await headOf([...trunk, flatten, dense(20), relu, dense(3), softmax]);
    assert.deepEqual([flat.kinds, flat.outputs], [['conv2d', 'relu', 'flatten', 'dense', 'softmax'], [4, 4, 256, 10, 10]]);
    const pixels = await headOf([...trunk, pool, pointwise(6), { kind: 'hardswish' }, pointwise(3), flatten, softmax]);
    assert.deepEqual([pixels.kinds, pixels.outputs], [['conv2d', 'relu', 'global_avgpool', 'dense', 'softmax'], [4, 4, 4, 10, 10]]);
});

test('a convolution of class scores in front of the last pool becomes a mean and a dense layer', async () => {
    for (const tail of [[relu, pool], [pool], [{ kind: 'avgpool', kernel: [8, 8], stride: 8 }, flatten], [relu, { kind: 'maxpool', kernel: [8, 8], stride: 8 }]]) {
        const { kinds, outputs } = await headOf([...trunk, dropout, pointwise(3), ...tail, softmax]);
        assert.deepEqual(kinds, ['conv2d', 'relu', 'global_avgpool', 'dense', 'softmax'], 'which has no dropout: it is written for inference');
        assert.deepEqual(outputs.slice(-3), [4, 10, 10]);
    }
    const wide = await headOf([...trunk, { ...pointwise(3), kernel: [3, 3] }, pool, softmax], { more: ['--epochs', '1', '--warmup', '0'] });
    assert.deepEqual([wide.kinds, wide.outputs], [['conv2d', 'relu', 'conv2d', 'global_avgpool', 'softmax'], [4, 4, 10, 10, 10]], 'another convolution is a layer like any');
});

test('what has no trunk keeps its hidden layers', async () => {
    const { kinds, outputs } = await headOf([{ kind: 'avgpool', kernel: [8, 8], stride: 8 }, flatten, dense(6), relu, dense(3), softmax]);
    assert.deepEqual([kinds, outputs], [['avgpool', 'flatten', 'dense', 'relu', 'dense', 'softmax'], [3, 48, 6, 6, 10, 10]]);
});

test('the same labels in the same order keep the head with all its layers', async () => {
    const layers = [...trunk, pool, dense(6), relu, dense(10), softmax], still = ['--epochs', '1', '--warmup', '0'];
    const kept = await headOf(layers, { labels: classNames, more: still });
    assert.deepEqual(kept.outputs, [4, 4, 4, 6, 6, 10, 10]);
    const swapped = await headOf(layers, { labels: [...classNames].reverse(), more: still });
    assert.deepEqual(swapped.outputs, [4, 4, 4, 10, 10]);
    const probed = await headOf(layers, { labels: classNames });
    assert.deepEqual(probed.outputs, [4, 4, 4, 10, 10], 'a probe is asked for a new one');
});

test('an embedding of the model follows the head, and a new size of the input the features', async () => {
    const layers = [...trunk, pool, dense(6), relu, dense(3), softmax];
    const deep = await headOf(layers, { embedding: 5 }), early = await headOf(layers, { embedding: 3 });
    assert.deepEqual([deep.kinds.length, early.kinds.length], [5, 5]);
    const larger = await headOf([...trunk, flatten, dense(6), relu, dense(3), softmax], { more: ['--linear-probe', '--size', '48'] });
    assert.deepEqual(larger.outputs, [4, 4, 576, 10, 10]);
    const shorter = await headOf([...trunk, dropout, pointwise(3), pool, softmax], { more: ['--linear-probe', '--size', '48'] });
    assert.deepEqual(shorter.outputs, [4, 4, 4, 10, 10]);
});

test('two heads that are added are refused, for none of them is the last', async () => {
    const { result, here } = await headOf([...trunk, pool, dense(3), { ...dense(3), from: 3 }, { kind: 'add', and: 4 }, softmax], { labels: ['a', 'b', 'c'] });
    refused(result, { subject: 'from.eyelet', reason: /layer 6 \(add\) does not fit what comes to it/ });
    assert.ok(here);
});
