/* eyelet import of ONNX files as other programs write them: shape arithmetic, layouts, types of numbers, quantisation, metadata. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { headerPart } from '../support/model_format.js';
import { agrees, imported, next, number, shape, skip, statisticNames, statistics, weights } from '../support/onnx_agreement.js';
import { elements, float, node, onnxModel, tensor, value } from '../support/onnx_builder.js';

const image = (type = 'float') => [value('image', ['batch', 3, 8, 8], type)];
const classes = [value('y', ['batch', 5])];

/* ---- Exporters ---- */

test('PyTorch: shape arithmetic of a dynamic batch, constants as nodes', { skip }, async () => {
    const constant = (name, values) => node('Constant', [], [name], { value: tensor(null, values.length ? [values.length] : [], values.length ? values : [0], { type: 'int64' }) });
    await agrees(onnxModel({ opset: 11, producer: ['pytorch', '1.13.1'], inputs: image(), outputs: classes,
        initializers: [tensor('w', [6, 3, 3, 3], weights), tensor('v', [5, 6 * 16], weights), tensor('a', [5], weights), ...statistics('n', 6)],
        nodes: [node('Conv', ['image', 'w'], ['c'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }),
            node('BatchNormalization', ['c', ...statisticNames('n')], ['n'], { epsilon: float(1e-5) }), node('Relu', ['n'], ['r']),
            node('Shape', ['r'], ['s']), constant('zero', []), node('Gather', ['s', 'zero'], ['batch'], { axis: 0 }),
            node('Unsqueeze', ['batch'], ['batch1'], { axes: [0] }), constant('rest', [-1]), node('Concat', ['batch1', 'rest'], ['dims'], { axis: 0 }),
            node('Reshape', ['r', 'dims'], ['f']), node('Gemm', ['f', 'v', 'a'], ['y'], { alpha: float(0.5), beta: float(2), transB: 1 })] }));
});

test('PyTorch: the average as a pool of the map\'s size, Floor and Cast in its arithmetic', { skip }, async () => {
    await agrees(onnxModel({ opset: 13, inputs: image(), outputs: classes,
        initializers: [tensor('w', [6, 3, 3, 3], weights), tensor('v', [6, 5], weights), shape('two', [2]), shape('three', [3]), shape('first', [0]), shape('minus', [-1]), number('half', 0.5)],
        nodes: [node('Conv', ['image', 'w'], ['c'], { kernel_shape: [3, 3] }), node('Relu', ['c'], ['r']), node('AveragePool', ['r'], ['p'], { kernel_shape: [6, 6] }),
            node('Shape', ['p'], ['s']), node('Slice', ['s', 'first', 'two', 'first'], ['head']), node('Cast', ['head'], ['h'], { to: 1 }), node('Mul', ['h', 'half'], ['hh']),
            node('Add', ['hh', 'hh'], ['h2']), node('Floor', ['h2'], ['h3']), node('Cast', ['h3'], ['dims'], { to: 7 }),
            node('Reshape', ['p', 'dims'], ['f']), node('MatMul', ['f', 'v'], ['y'])] }));
});

test('tf2onnx: pictures (n, h, w, c), transposed, MatMul and Add, a softmax', { skip }, async () => {
    const stdout = await agrees(onnxModel({ opset: 15, producer: ['tf2onnx', '1.16.1'], inputs: [value('input_1', ['unk__1', 8, 8, 3])], outputs: [value('y', ['unk__2', 5])],
        initializers: [tensor('w', [6, 3, 3, 3], weights), tensor('b', [6], weights), tensor('d', [6, 1, 3, 3], weights), tensor('v', [6, 5], weights), tensor('a', [5], weights)],
        nodes: [node('Transpose', ['input_1'], ['t'], { perm: [0, 3, 1, 2] }), node('Conv', ['t', 'w', 'b'], ['c'], { auto_pad: 'SAME_UPPER', strides: [2, 2], kernel_shape: [3, 3] }),
            node('Relu', ['c'], ['r']), node('Conv', ['r', 'd'], ['d1'], { auto_pad: 'SAME_UPPER', kernel_shape: [3, 3], group: 6 }), node('Transpose', ['d1'], ['back'], { perm: [0, 2, 3, 1] }),
            node('ReduceMean', ['back'], ['p'], { axes: [1, 2], keepdims: 0 }), node('MatMul', ['p', 'v'], ['q']), node('Add', ['q', 'a'], ['l']), node('Softmax', ['l'], ['y'])] }),
    { last: true, probabilities: true });
    assert.match(stdout, /tf2onnx 1\.16\.1/);
});

test('tf2onnx: a flattened map keeps its order', { skip }, async () => {
    await agrees(onnxModel({ opset: 13, inputs: [value('x', ['n', 8, 8, 3])], outputs: classes, initializers: [tensor('w', [4, 3, 3, 3], weights), tensor('v', [36 * 4, 5], () => 0.2 * next()), shape('s', [-1, 144])],
        nodes: [node('Transpose', ['x'], ['t'], { perm: [0, 3, 1, 2] }), node('Conv', ['t', 'w'], ['c']), node('Transpose', ['c'], ['back'], { perm: [0, 2, 3, 1] }), node('Reshape', ['back', 's'], ['f']),
            node('MatMul', ['f', 'v'], ['y'])] }), { last: true });
});

test('an older softmax over (1, c, 1, 1), Squeeze, weights through Identity', { skip }, async () => {
    await agrees(onnxModel({ opset: 8, inputs: image(), outputs: classes, initializers: [tensor('w', [5, 3, 3, 3], () => 3 * next())],
        nodes: [node('Identity', ['w'], ['shared']), node('Conv', ['image', 'shared'], ['c']), node('GlobalAveragePool', ['c'], ['p']), node('Softmax', ['p'], ['q']), node('Squeeze', ['q'], ['y'], { axes: [2, 3] })] }),
    { probabilities: true });
});

test('a model that was exported with a batch of four', { skip }, async () => {
    const { model } = await imported(onnxModel({ opset: 13, inputs: [value('image', [4, 3, 8, 8])], outputs: [value('y', [4, 5])],
        initializers: [tensor('w', [4, 3, 1, 1], weights), tensor('v', [4 * 64, 5], weights), shape('s', [4, 256])],
        nodes: [node('Conv', ['image', 'w'], ['c']), node('Reshape', ['c', 's'], ['f']), node('MatMul', ['f', 'v'], ['y'])] }));
    assert.ok(model.length > 4 * 64 * 5 * 4);
});

test('an input whose size is left open is 224x224, and that is said', async () => {
    const { stdout } = await imported(onnxModel({ inputs: [value('image', ['n', 3, 'h', 'w'])], outputs: classes, initializers: [tensor('w', [5, 3, 3, 3], weights)],
        nodes: [node('Conv', ['image', 'w'], ['c']), node('GlobalAveragePool', ['c'], ['p']), node('Flatten', ['p'], ['y'])] }));
    assert.match(stdout, /input +224x224x3/);
    assert.match(stdout, /size left open: 224/);
});

test('bytes as input, cast in the graph, give the preprocessing', { skip }, async () => {
    const stdout = await agrees(onnxModel({ inputs: image('uint8'), outputs: classes, initializers: [number('k', 255), tensor('w', [4, 3, 3, 3], weights), tensor('v', [144, 5], () => 0.2 * next())],
        nodes: [node('Cast', ['image'], ['x'], { to: 1 }), node('Div', ['x', 'k'], ['z']), node('Conv', ['z', 'w'], ['c']), node('Flatten', ['c'], ['f']), node('MatMul', ['f', 'v'], ['y'])] }), { bytes: true });
    assert.match(stdout, /uint8/);
});

test('a normalisation in front goes into the preprocessing', { skip }, async () => {
    const stdout = await agrees(onnxModel({ inputs: image(), outputs: classes,
        initializers: [tensor('mean', [1, 3, 1, 1], [0.485, 0.456, 0.406]), tensor('std', [3, 1, 1], [0.229, 0.224, 0.225]), tensor('w', [4, 3, 3, 3], weights), tensor('v', [256, 5], () => 0.1 * next())],
        nodes: [node('Sub', ['image', 'mean'], ['x']), node('Div', ['x', 'std'], ['z']), node('Conv', ['z', 'w'], ['c'], { pads: [1, 1, 1, 1] }), node('Flatten', ['c'], ['f']), node('MatMul', ['f', 'v'], ['y'])] }));
    assert.match(stdout, /mean 0\.485 0\.456 0\.406, std 0\.229 0\.224 0\.225/);
});

/* ---- Numbers ---- */

const exact = Array.from({ length: 135 }, () => Math.round(16 * next()) / 16 + 0); /* which float16 and bfloat16 hold too */
const wholes = exact.map((x) => Math.round(16 * x) + 0);

/* A convolution with these weights (5, 3, 3, 3), of a file or more; and what is at the end of its model, the weights. */
const convolution = (initializers, nodes = [], input = 'k') => onnxModel({ inputs: image(), outputs: classes, initializers,
    nodes: [...nodes, node('Conv', ['image', input], ['c']), node('GlobalAveragePool', ['c'], ['p']), node('Flatten', ['p'], ['y'])] });
const lastNumbers = ({ model }) => Buffer.from(model.subarray(-4 - 576, -4));
const dims = [5, 3, 3, 3];
const expected = async () => lastNumbers(await imported(convolution([tensor('k', dims, exact)]), '--labels', await labelFile()));
const labelFile = async () => (await imported({ 'm.onnx': convolution([tensor('k', dims, exact)]), 'labels.txt': 'a\nb\nc\nd\ne\n' }).then(({ here }) => `${here}/labels.txt`));
const comesOut = async (files) => assert.deepEqual(lastNumbers(await imported(files, '--labels', await labelFile())), await expected());

for (const type of ['float', 'double', 'float16', 'bfloat16'])
    for (const as of ['raw', 'list'])
        test(`weights of ${type}, ${as === 'raw' ? 'as bytes' : 'in the list of the type'}`, async () => { await comesOut(convolution([tensor('k', dims, exact, { type, as })])); });

for (const [type, zero] of [['int8', -3], ['uint8', 100], ['int16', 7], ['int32', 0]])
    test(`weights of ${type}, dequantised`, async () => {
        const numbers = wholes.map((x) => x + zero);
        await comesOut(convolution([tensor('q', dims, numbers, { type }), number('s', 1 / 16), tensor('z', [], [zero], { type })], [node('DequantizeLinear', ['q', 's', 'z'], ['k'])]));
    });

test('weights of int8 with a scale for each channel, quantised in the graph, transposed, cast from float16', async () => {
    const perChannel = exact.map((x, i) => Math.round(x * 2 ** (Math.floor(i / 27) % 3 + 4))), scales = Array.from({ length: 5 }, (_, o) => 2 ** -(o % 3 + 4));
    await comesOut(convolution([tensor('q', dims, perChannel, { type: 'int8', as: 'list' }), tensor('s', [5], scales)], [node('DequantizeLinear', ['q', 's'], ['k'], { axis: 0 })]));
    await comesOut(convolution([tensor('f', dims, exact), number('s', 1 / 16), tensor('z', [], [0], { type: 'int8' })],
        [node('QuantizeLinear', ['f', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['k'])]));
    const turned = Array.from({ length: 135 }, (_, i) => exact[(i % 5) * 27 + Math.floor(i / 5)]); /* (3, 3, 3, 5) */
    await comesOut(convolution([tensor('f', [3, 3, 3, 5], turned, { type: 'float16' })], [node('Transpose', ['f'], ['t'], { perm: [3, 0, 1, 2] }), node('Cast', ['t'], ['k'], { to: 1 })]));
});

test('weights in parts, joined, cut, reshaped, expanded and chosen', async () => {
    const all = tensor('all', [135], exact);
    await comesOut(convolution([all, shape('s', dims)], [node('Reshape', ['all', 's'], ['k'])]));
    await comesOut(convolution([tensor('k0', [2, 3, 3, 3], exact.slice(0, 54)), tensor('k1', [3, 3, 3, 3], exact.slice(54))], [node('Concat', ['k0', 'k1'], ['k'], { axis: 0 })]));
    await comesOut(convolution([tensor('more', [6, 3, 3, 3], [...exact.slice(0, 27), ...exact]), shape('one', [1]), shape('end', ['9223372036854775807']), shape('axis', [0])],
        [node('Slice', ['more', 'one', 'end', 'axis'], ['k'])]));
    await comesOut(convolution([tensor('more', [6, 3, 3, 3], [...exact.slice(27), ...exact.slice(0, 54)]), shape('items', [4, -6, 1, 2, 3])], [node('Gather', ['more', 'items'], ['k'])]));
    await comesOut(convolution([tensor('k0', dims, exact.map((x) => x / 2)), shape('s', dims), shape('n', [1])],
        [node('ConstantOfShape', ['s'], ['zero']), node('Add', ['zero', 'k0'], ['k1']), node('Add', ['k1', 'k0'], ['k2']), node('Expand', ['k2', 'n'], ['k'])]));
    await comesOut(convolution([tensor('k0', dims, exact), tensor('k1', dims, exact.map(() => 9)), tensor('which', [1], [1], { type: 'bool' })], [node('Where', ['which', 'k0', 'k1'], ['k'])]));
});

test('weights in a file beside the model', async () => {
    const bytes = Buffer.concat([Buffer.alloc(3), elements(exact), Buffer.alloc(5)]);
    const external = (entries) => convolution([tensor('k', dims, exact, { as: { location: 'm.onnx.data', ...entries } })]);
    await comesOut({ 'm.onnx': external({ offset: 3, length: 540 }), 'm.onnx.data': bytes });
    await comesOut({ 'm.onnx': external({}), 'm.onnx.data': elements(exact) });
    await comesOut({ 'm.onnx': external({ length: 540, checksum: 'x' }), 'm.onnx.data': Buffer.concat([elements(exact), bytes]) });
});

/* ---- Quantised networks: beside the float network that they stand for, as near as eight bits are ---- */

const fine = 1 / 64;
const quantised = (name, dims, values, type = 'int8') => tensor(name, dims, values, { type });
const int8s = (count, bound) => Array.from({ length: count }, () => Math.round(bound * next()));

test('QuantizeLinear and DequantizeLinear around everything, a ReLU left out', { skip }, async () => {
    const pair = (from, to, zero) => [node('QuantizeLinear', [from, `${to}.s`, zero], [`${to}.q`]), node('DequantizeLinear', [`${to}.q`, `${to}.s`, zero], [to])];
    await agrees(onnxModel({ opset: 13, inputs: image(), outputs: classes,
        initializers: [number('x.s', 1 / 255), quantised('low', [], [-128]), quantised('w.q', [4, 3, 3, 3], int8s(108, 60)), number('w.s', fine), quantised('z', [], [0]), number('c.s', 2 / 64),
            number('p.s', 2 / 64), quantised('v.q', [5, 256], int8s(1280, 12)), number('v.s', fine)],
        nodes: [...pair('image', 'x', 'low'), node('DequantizeLinear', ['w.q', 'w.s', 'z'], ['w']), node('Conv', ['x', 'w'], ['c0'], { pads: [1, 1, 1, 1] }), ...pair('c0', 'c', 'low'),
            node('MaxPool', ['c'], ['p0'], { kernel_shape: [1, 1] }), ...pair('p0', 'p', 'low'), node('DequantizeLinear', ['v.q', 'v.s', 'z'], ['v']), node('Flatten', ['p'], ['f']), node('Gemm', ['f', 'v'], ['y'], { transB: 1 })] }),
    { tolerance: 0.01 });
});

test('QLinearConv, QLinearAdd, QLinearGlobalAveragePool, QLinearMatMul', { skip }, async () => {
    const zero = (name, x, type = 'uint8') => quantised(name, [], [x], type);
    await agrees(onnxModel({ opset: 13, inputs: image(), outputs: classes,
        initializers: [number('xs', 1 / 255), zero('0', 0), zero('128', 128), zero('i0', 0, 'int8'), quantised('w', [4, 3, 3, 3], int8s(108, 12)), tensor('ws', [4], [fine, fine / 2, fine, fine / 2]), quantised('wz', [4], [0, 0, 0, 0]),
            quantised('b', [4], int8s(4, 9000), 'int32'), number('cs', 3 / 255), number('ss', 6 / 255), number('ps', 4 / 255), quantised('v', [4, 5], int8s(20, 100)), number('vs', fine), number('ys', 20 / 255)],
        nodes: [node('QuantizeLinear', ['image', 'xs', '0'], ['x']), node('QLinearConv', ['x', 'xs', '0', 'w', 'ws', 'wz', 'cs', '0', 'b'], ['c'], { kernel_shape: [3, 3] }),
            node('QLinearAdd', ['c', 'cs', '0', 'c', 'cs', '0', 'ss', '0'], ['s'], {}, { domain: 'com.microsoft' }), node('QLinearGlobalAveragePool', ['s', 'ss', '0', 'ps', '0'], ['p'], {}, { domain: 'com.microsoft' }),
            node('Flatten', ['p'], ['f']), node('QLinearMatMul', ['f', 'ps', '0', 'v', 'vs', 'i0', 'ys', '128'], ['q']), node('DequantizeLinear', ['q', 'ys', '128'], ['y'])] }),
    { tolerance: 0.03 });
});

test('DynamicQuantizeLinear, ConvInteger, MatMulInteger', { skip }, async () => {
    await agrees(onnxModel({ opset: 13, inputs: image(), outputs: classes,
        initializers: [quantised('w', [4, 3, 3, 3], Array.from({ length: 108 }, () => Math.round(120 + 80 * next())), 'uint8'), quantised('wz', [], [120], 'uint8'), number('ws', 1 / 100),
            quantised('v', [144, 5], int8s(720, 100)), quantised('vz', [], [0]), number('vs', 1 / 400), tensor('b', [5], weights)],
        nodes: [node('DynamicQuantizeLinear', ['image'], ['q', 'qs', 'qz']), node('ConvInteger', ['q', 'w', 'qz', 'wz'], ['i'], { kernel_shape: [3, 3] }), node('Cast', ['i'], ['c0'], { to: 1 }),
            node('Mul', ['qs', 'ws'], ['scale']), node('Mul', ['c0', 'scale'], ['c']), node('Relu', ['c'], ['r']), node('Flatten', ['r'], ['f']), node('DynamicQuantizeLinear', ['f'], ['fq', 'fs', 'fz']),
            node('MatMulInteger', ['fq', 'v', 'fz', 'vz'], ['m']), node('Cast', ['m'], ['mf'], { to: 1 }), node('Mul', ['fs', 'vs'], ['s2']), node('Mul', ['mf', 's2'], ['l']), node('Add', ['l', 'b'], ['y'])] }),
    { tolerance: 0.02 });
});

/* ---- What stands beside the network ---- */

const labelled = async (metadata, outputs = classes, nodes = []) => {
    const { model, stdout } = await imported(onnxModel({ inputs: image(), outputs, metadata, initializers: [tensor('k', dims, exact)],
        nodes: [node('Conv', ['image', 'k'], ['c']), node('GlobalAveragePool', ['c'], ['p']), node('Flatten', ['p'], ['y']), ...nodes] }));
    const classifier = await loadClassifier({ model });
    return { labels: classifier.labels, stdout, model };
};

test('labels in the metadata, as JSON, as Python prints them, a line each', async () => {
    const five = ['a', 'b', "c's", 'd "d"', '\u00e9'];
    for (const metadata of [{ labels: JSON.stringify(five) }, { names: `{0: 'a', 1: 'b', 2: "c's", 3: 'd "d"', 4: '\u00e9'}` }, { names: `['a', 'b', 'c\\'s', 'd "d"', '\u00e9']` },
        { id2label: JSON.stringify(Object.fromEntries(five.entries())) }, { classes: five.join('\n') }, { class_names: five.join(', ') }])
        assert.deepEqual((await labelled(metadata)).labels, five, JSON.stringify(metadata));
    const { labels } = await labelled({ labels: '["a", "b", "c", "d"]' });
    assert.deepEqual(labels, ['background', 'a', 'b', 'c', 'd']);
    const { stdout } = await labelled({ names: "{0: 'a', 1: 'b'}" });
    assert.match(stdout, /2 names for 5 classes/);
});

test('labels that are no list are none', async () => {
    for (const names of ['{0: "a", 2: "b"}', "{0: 'a'", '[1, 2, 3, 4, 5]', '[[["a"]]]', "['a', 'b'", '{', '['.repeat(100_000)])
        assert.equal((await labelled({ names })).labels[0], 'class 0', names.slice(0, 40));
});

test('Ultralytics: size, names and preprocessing', async () => {
    const { model, stdout } = await labelled({ author: 'Ultralytics', task: 'classify', imgsz: '[8, 8]', names: "{0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e'}" });
    assert.match(stdout, /mean 0, std 1/);
    assert.equal(headerPart(model, 'resize mode', 'resize mode')[0], 1);
});

test('of several outputs that with the scores is taken, and named', async () => {
    const { stdout, labels } = await labelled({}, [value('p', ['batch', 5, 1, 1]), value('q', ['batch', 5])], [node('Softmax', ['y'], ['q'])]);
    assert.match(stdout, /output q/);
    assert.equal(labels.length, 5);
    const best = await labelled({}, [value('best', ['batch'], 'int64')], [node('ArgMax', ['y'], ['best'], { axis: 1 })]);
    assert.equal(best.labels.length, 5);
});
