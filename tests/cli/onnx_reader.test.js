/* eyelet import of ONNX files: Eyelet's own come back to the bit, and each operator computes what ONNX Runtime computes.
 * onnx_dialects.test.js has the exporters, onnx_refusals.test.js what is refused. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { everyKind, layersWith } from '../support/kinds.js';
import { headerPart } from '../support/model_format.js';
import { agrees, farthest, network, next, number, picture, shape, skip, statisticNames, statistics, through, weights } from '../support/onnx_agreement.js';
import { float, node, tensor } from '../support/onnx_builder.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { modelOf, random } from '../support/tiny_model.js';

/* ---- Eyelet's own files ---- */

for (const kind of everyKind)
    test(`${kind}: what Eyelet exports comes back`, async () => {
        const labels = Array.from({ length: 10 }, (_, i) => `label "${i}" \u00e4`);
        const original = modelOf({ labels, input: [12, 11, 3], layers: layersWith(kind), weight: random(3), background: [1, 2, 3], mean: [0.1, 0.2, 0.3],
            std: [0.3, 0.7, 0.9], temperature: 1.7 });
        const here = folder({ 'm.eyelet': original });
        succeeded(await eyelet(['export', 'm.eyelet', '--onnx', '-o', 'm.onnx'], { cwd: here }));
        const { stdout } = succeeded(await eyelet(['import', 'm.onnx', '-o', 'back.eyelet'], { cwd: here }));
        const back = readFileSync(join(here, 'back.eyelet'));
        assert.match(stdout, /by eyelet/);
        for (const [first, last] of [['resize mode', 'std'], ['temperature', 'temperature']])
            assert.deepEqual(headerPart(back, first, last), headerPart(original, first, last), `${first} to ${last}`);
        const [a, b] = [await loadClassifier({ model: original }), await loadClassifier({ model: back })];
        assert.deepEqual(b.labels, labels);
        const one = picture(40, 50, 4), [expected, own] = [a, b].map((classifier) => classifier.logitsSync(one));
        if (kind === 'batchnorm' || kind === 'shuffle') /* which are folded into the layers beside them */
            assert.ok(farthest([...own], expected) < 1e-4);
        else
            assert.deepEqual(own, expected);
    });

/* ---- Operators ---- */

const activations = { Relu: {}, LeakyRelu: { alpha: float(0.2) }, Sigmoid: {}, Tanh: {}, HardSigmoid: { alpha: float(1 / 6), beta: float(0.5) }, HardSwish: {}, Identity: {}, Dropout: {}, Neg: {} };
for (const [type, attributes] of Object.entries(activations))
    test(`${type}`, { skip }, async () => { await agrees(network(through(type, attributes))); });

const composed = {
    'Clip with attributes': [through('Clip', { min: float(0), max: float(6) }), { opset: 9 }],
    'Clip with inputs': [through('Clip', {}, ['zero', 'six']), { initializers: [number('zero', 0), number('six', 6)] }],
    'Clip between other bounds': [through('Clip', {}, ['low', 'high']), { initializers: [number('low', -0.25), number('high', 0.5)] }],
    'Max': [through('Max', {}, ['zero']), { initializers: [number('zero', 0)] }],
    'PRelu': [through('PRelu', {}, ['s']), { initializers: [tensor('s', [4, 1, 1], weights)] }],
    'SiLU': [[node('Sigmoid', ['c'], ['s']), node('Mul', ['c', 's'], ['m'])]],
    'hard-swish of three operators': [[node('Add', ['c', 'three'], ['p']), node('Clip', ['p', 'zero', 'six'], ['q']), node('Mul', ['c', 'q'], ['r']), node('Div', ['r', 'six'], ['m'])],
        { initializers: [number('three', 3), number('zero', 0), number('six', 6)] }],
    'GELU by tanh': [[node('Pow', ['c', 'three'], ['c3']), node('Mul', ['c3', 'k'], ['k3']), node('Add', ['c', 'k3'], ['sum']), node('Mul', ['sum', 'r'], ['t0']),
        node('Tanh', ['t0'], ['t1']), node('Add', ['t1', 'one'], ['t2']), node('Mul', ['c', 't2'], ['t3']), node('Mul', ['t3', 'half'], ['m'])],
    { initializers: [number('three', 3), number('k', 0.044715), number('r', Math.sqrt(2 / Math.PI)), number('one', 1), number('half', 0.5)] }],
    'BatchNormalization': [[node('BatchNormalization', ['c', ...statisticNames('n')], ['n'], { epsilon: float(0.01) }), node('Relu', ['n'], ['m'])], { initializers: statistics('n', 4) }],
    'squeeze and excite': [[node('GlobalAveragePool', ['c'], ['p']), node('Conv', ['p', 'sw'], ['q']), node('HardSigmoid', ['q'], ['g'], { alpha: float(1 / 6) }), node('Mul', ['g', 'c'], ['m'])],
        { initializers: [tensor('sw', [4, 4, 1, 1], weights)] }],
    'a residual': [[node('Relu', ['c'], ['r']), node('Conv', ['r', 'sw'], ['q'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }), node('Sum', ['r', 'q'], ['m'])],
        { initializers: [tensor('sw', [4, 4, 3, 3], weights)] }],
    'constants of each channel': [[node('Mul', ['k', 'c'], ['p']), node('Sub', ['p', 'k'], ['q']), node('Div', ['q', 'd'], ['m'])],
        { initializers: [tensor('k', [1, 4, 1, 1], weights), tensor('d', [4, 1, 1], () => 1.5 + next())] }],
    'a grouped convolution': [through('Conv', { group: 2, kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, ['g']), { initializers: [tensor('g', [4, 2, 3, 3], weights)] }],
    'a depthwise convolution, dilated': [through('Conv', { group: 4, kernel_shape: [3, 3], pads: [2, 2, 2, 2], dilations: [2, 2] }, ['g']), { initializers: [tensor('g', [4, 1, 3, 3], weights)] }],
    'auto_pad SAME_UPPER': [through('Conv', { auto_pad: 'SAME_UPPER', strides: [2, 2], kernel_shape: [3, 3] }, ['g']), { side: 4, initializers: [tensor('g', [4, 4, 3, 3], weights)] }],
    'auto_pad SAME_LOWER': [through('Conv', { auto_pad: 'SAME_LOWER', strides: [2, 2], kernel_shape: [3, 3] }, ['g']), { side: 4, initializers: [tensor('g', [4, 4, 3, 3], weights)] }],
    'padding of four sides': [through('Conv', { pads: [0, 1, 2, 3], kernel_shape: [3, 5] }, ['g']), { side: 8, initializers: [tensor('g', [4, 4, 3, 5], weights)] }],
    'MaxPool': [through('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }), { side: 4 }],
    'MaxPool that rounds up': [through('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }), { side: 4 }],
    'AveragePool': [through('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }), { side: 4 }],
    'AveragePool that counts its padding': [through('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 }), { side: 4, needs: 'concat' }],
    'AveragePool of everything': [through('AveragePool', { kernel_shape: [8, 8] }), { side: 1 }],
    'ReduceMean, axes an attribute': [through('ReduceMean', { axes: [2, 3] }), { side: 1, opset: 13 }],
    'ReduceMean, axes an input': [through('ReduceMean', {}, ['axes']), { side: 1, opset: 18, initializers: [shape('axes', [-2, -1])] }],
    'Pad and Conv': [[node('Pad', ['c', 'pads'], ['p']), node('Conv', ['p', 'g'], ['m'], { kernel_shape: [3, 3], strides: [2, 2] })],
        { side: 4, initializers: [shape('pads', [0, 0, 0, 0, 0, 0, 1, 1]), tensor('g', [4, 4, 3, 3], weights)] }],
    'Concat': [[node('Relu', ['c'], ['r']), node('Concat', ['r', 'c', 'r'], ['m'], { axis: 1 })], { channels: 12, needs: 'concat' }],
    'Split with sizes': [[node('Split', ['c', 'sizes'], ['p', 'q'], { axis: 1 }), node('Relu', ['q'], ['m'])], { channels: 3, initializers: [shape('sizes', [1, 3])], needs: 'slice' }],
    'Split with an attribute': [[node('Split', ['c'], ['p', 'q'], { axis: 1, split: [3, 1] }), node('Relu', ['p'], ['m'])], { channels: 3, opset: 11, needs: 'slice' }],
    'Slice': [[node('Slice', ['c', 'from', 'to', 'axes'], ['m'])], { channels: 3, initializers: [shape('from', [-3]), shape('to', ['9223372036854775807']), shape('axes', [1])], needs: 'slice' }],
    'Gather': [[node('Gather', ['c', 'items'], ['m'], { axis: 1 })], { channels: 2, initializers: [shape('items', [1, 2])], needs: 'slice' }],
    'a channel shuffle': [[node('Reshape', ['c', 'five'], ['p']), node('Transpose', ['p'], ['q'], { perm: [0, 2, 1, 3, 4] }), node('Reshape', ['q', 'four'], ['r']), node('Conv', ['r', 'g'], ['m'], { group: 2 })],
        { initializers: [shape('five', [0, 2, 2, 8, 8]), shape('four', [0, -1, 8, 8]), tensor('g', [4, 2, 1, 1], weights)], needs: 'shuffle' }],
};
for (const [name, [middle, { needs, ...more } = {}]] of Object.entries(composed))
    test(name, { skip: skip || needs && !everyKind.includes(needs) && `there is no layer ${needs} yet` }, async () => { await agrees(network(middle, more)); });
