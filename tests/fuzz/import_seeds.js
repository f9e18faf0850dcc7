/* Small models of other programs, for the fuzz targets of what imports them: each has its operators once, or a few.
 *
 *     writeFileSync('conv.onnx', onnxModels().conv);
 */
import { deflateRawSync } from 'node:zlib';

import { elements, float, node, onnxModel, tensor, value } from '../support/onnx_builder.js';
import { safetensors } from '../support/safetensors_file.js';
import { arithmetic, concatenation, conv, dense, depthwise, fusedInto, leaky, masks, newShape, pool, reducer, softmax, squeezeDims, storedZip,
    TfliteModel } from '../support/tflite_file.js';
import { crc32 } from '../support/tiny_model.js';

/* Files of one input, each behind a line with its name. */
export const filesIn = (files) => Buffer.concat(Object.entries(files).flatMap(([name, bytes], i) =>
    [Buffer.from(`${i ? '\n--8<--\n' : ''}${name}\n`), Buffer.from(bytes)]));

const wave = (count) => Array.from({ length: count }, (_, i) => Math.round(8 * Math.sin(i + 1)) / 8);
const product = (dims) => dims.reduce((a, b) => a * b, 1);

/* ---- ONNX ---- */

const weights = (name, dims) => tensor(name, dims, wave(product(dims)));
const positive = (name, count) => tensor(name, [count], wave(count).map((x) => 1.5 + x));
const list = (name, values) => tensor(name, [values.length], values, { type: 'int64' });
const picture = value('x', [1, 3, 6, 5]), scores = value('y', [1, 3]);
/* From a map `c` of so many channels to three classes. */
const head = (channels, from = 'c') => ({
    nodes: [node('GlobalAveragePool', [from], ['p']), node('Flatten', ['p'], ['f']), node('Gemm', ['f', 'h', 'b'], ['l'], { transB: 1 }), node('Softmax', ['l'], ['y'])],
    initializers: [weights('h', [3, channels]), weights('b', [3])],
});
const network = (channels, nodes, initializers = [], more = {}) => {
    const end = head(channels);
    return onnxModel({ inputs: [picture], outputs: [scores], ...more, nodes: [...nodes, ...end.nodes], initializers: [...initializers, ...end.initializers] });
};

export const onnxModels = () => ({
    conv: network(4, [node('Conv', ['x', 'w'], ['1'], { strides: [1, 1], pads: [1, 1, 1, 1], kernel_shape: [3, 3] }),
        node('BatchNormalization', ['1', 'bs', 'bb', 'bm', 'bv'], ['2'], { epsilon: float(1e-5) }), node('Relu', ['2'], ['3']),
        node('MaxPool', ['3'], ['c'], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 })],
    [weights('w', [4, 3, 3, 3]), weights('bs', [4]), weights('bb', [4]), weights('bm', [4]), positive('bv', 4)],
    { producer: ['pytorch', '2.1.0'], metadata: { names: '{0: \'cat\', 1: \'dog\', 2: \'cow\'}', imgsz: '[6, 5]' } }),
    depthwise: network(4, [node('Conv', ['x', 'w'], ['1']), node('Clip', ['1', 'lo', 'hi'], ['2']),
        node('Conv', ['2', 'd', 'e'], ['3'], { group: 4, auto_pad: 'SAME_UPPER', dilations: [2, 2] }), node('Add', ['2', '3'], ['4']),
        node('GlobalAveragePool', ['4'], ['g']), node('HardSigmoid', ['g'], ['5'], { alpha: float(0.1875), beta: float(0.5) }), node('Mul', ['4', '5'], ['6']),
        node('AveragePool', ['6'], ['c'], { kernel_shape: [2, 2], pads: [0, 0, 1, 1], count_include_pad: 1 })],
    [weights('w', [4, 3, 1, 1]), tensor('lo', [], [0]), tensor('hi', [], [6]), weights('d', [4, 1, 3, 3]), weights('e', [4])]),
    shapes: onnxModel({ opset: 13, inputs: [value('x', ['batch', 3, 6, 5])], outputs: [scores], initializers: [list('i0', [0]), list('i1', [-1]), weights('h', [90, 3])],
        nodes: [node('Shape', ['x'], ['1']), node('Gather', ['1', 'i0'], ['2'], { axis: 0 }), node('Concat', ['2', 'i1'], ['3'], { axis: 0 }),
            node('Transpose', ['x'], ['t'], { perm: [0, 2, 3, 1] }), node('Reshape', ['t', '3'], ['4']), node('MatMul', ['4', 'h'], ['y'])] }),
    views: network(6, [node('Split', ['x', 'n'], ['1', '2'], { axis: 1 }), node('Concat', ['2', '1', 'x'], ['3'], { axis: 1 }), node('Slice', ['3', 'from', 'to', 'axes'], ['4']),
        node('Pad', ['4', 'pads'], ['5']), node('Conv', ['5', 'w'], ['6']), node('Reshape', ['6', 'r'], ['7']), node('Transpose', ['7'], ['8'], { perm: [0, 2, 1, 3, 4] }),
        node('Reshape', ['8', 'q'], ['c'])],
    [list('n', [1, 2]), list('from', [1]), list('to', [5]), list('axes', [1]), list('pads', [0, 0, 1, 1, 0, 0, 1, 1]), weights('w', [6, 4, 3, 3]),
        list('r', [1, 2, 3, 6, 5]), list('q', [1, 6, 6, 5])]),
    activations: network(3, [node('LeakyRelu', ['x'], ['1'], { alpha: float(0.2) }), node('PRelu', ['1', 'w'], ['2']), node('Sigmoid', ['2'], ['3']), node('Mul', ['2', '3'], ['4']),
        node('Tanh', ['4'], ['5']), node('HardSwish', ['5'], ['6']), node('Sub', ['6', 'm'], ['7']), node('Div', ['7', 'm'], ['8']), node('ReduceMean', ['8'], ['c'], { axes: [2, 3], keepdims: 1 })],
    [weights('w', [3, 1, 1]), tensor('m', [1, 3, 1, 1], [0.5, 0.25, 0.75])]),
    quantised: network(2, [node('QuantizeLinear', ['x', 's', 'z'], ['1']), node('DequantizeLinear', ['1', 's', 'z'], ['2']),
        node('DequantizeLinear', ['w', 'ws', 'wz'], ['3'], { axis: 0 }), node('Conv', ['2', '3'], ['c'])],
    [tensor('s', [], [0.5]), tensor('z', [], [3], { type: 'uint8' }), tensor('w', [2, 3, 1, 1], [1, -2, 3, -4, 5, 6], { type: 'int8' }), tensor('ws', [2], [0.5, 0.25]),
        tensor('wz', [2], [0, 0], { type: 'int8' })], { opset: 13 }),
    integers: network(2, [node('QuantizeLinear', ['x', 's', 'z'], ['1']), node('QLinearConv', ['1', 's', 'z', 'w', 'ws', 'wz', 's', 'z', 'cb'], ['2']), node('DequantizeLinear', ['2', 's', 'z'], ['c'])],
        [tensor('s', [], [0.5]), tensor('z', [], [0], { type: 'uint8' }), tensor('w', [2, 3, 1, 1], [1, -2, 3, -4, 5, 6], { type: 'int8' }), tensor('ws', [], [0.5]),
            tensor('wz', [], [0], { type: 'int8' }), tensor('cb', [2], [7, -7], { type: 'int32', as: 'list' })], { opset: 11 }),
    types: network(3, [node('Constant', [], ['1'], { value: tensor(null, [3, 1, 1], [1, 2, 3], { type: 'float16', as: 'list' }) }), node('Mul', ['x', '1'], ['2']),
        node('Cast', ['d'], ['3'], { to: 1 }), node('Add', ['2', '3'], ['4']), node('Add', ['4', 'e'], ['5']), node('Add', ['5', 'far'], ['c'])],
    [tensor('d', [3, 1, 1], [0.5, 1, 2], { type: 'double', as: 'list' }), tensor('e', [3, 1, 1], [1, 2, 3], { as: 'list' }),
        tensor('far', [], [], { as: { location: 'far.bin', offset: 0, length: 4 } })]),
    far: network(3, [node('Add', ['x', 'far'], ['c'])], [tensor('far', [], [], { as: { location: 'far.bin', offset: 12, length: 4 } })]),
    computed: onnxModel({ opset: 15, inputs: [picture], outputs: [scores], initializers: [list('shape', [3]), list('two', [2]), list('rows', [90, 3]), tensor('half', [1], [0.5]), tensor('zero', [], [0], { type: 'int64' }),
        tensor('three', [], [3], { type: 'int64' }), tensor('one', [], [1], { type: 'int64' })],
    nodes: [node('ConstantOfShape', ['rows'], ['1'], { value: tensor(null, [1], [0.25]) }), node('Range', ['zero', 'three', 'one'], ['2']), node('Cast', ['2'], ['3'], { to: 1 }),
        node('Expand', ['half', 'shape'], ['4']), node('Pow', ['4', '3'], ['5']), node('Where', ['c', '5', '3'], ['6']), node('Less', ['3', '5'], ['c']), node('Flatten', ['x'], ['f']),
        node('Gemm', ['f', '1', '5'], ['7'], { alpha: float(0.5), beta: float(2) }), node('Identity', ['7'], ['8']), node('Dropout', ['8'], ['9']), node('LogSoftmax', ['9'], ['y'], { axis: -1 })] }),
});

/* ---- TFLite ---- */

const constant = (model, shape) => model.constant(shape, wave(product(shape)));
const whole = (model, values) => model.constant([values.length], values, { type: 'int32' });

/* As onnx's head: from a map, or a row if `flat`, to three classes. */
function tflite(build, { flat = false, quantization, outer = (bytes) => bytes } = {}) {
    const model = new TfliteModel(), [y, channels] = build(model, model.input([1, 6, 5, 3], quantization));
    const pooled = flat ? y : model.operator('MEAN', [y, whole(model, [1, 2])], { options: reducer(false) });
    const row = model.operator('FULLY_CONNECTED', [pooled, constant(model, [3, channels]), constant(model, [3])], { options: dense() });
    return outer(model.bytes([model.operator('SOFTMAX', [row], { options: softmax() })]));
}

function shapeArithmetic(model, x) {
    const integers = { output: { type: 'int32' } }, one = whole(model, [1]), shape = model.operator('SHAPE', [x], integers);
    const batch = model.operator('STRIDED_SLICE', [shape, whole(model, [0]), one, one], { options: masks({ shrink: 1 }), ...integers });
    const sides = model.operator('GATHER', [shape, whole(model, [1, 2])], integers);
    const pixels = model.operator('REDUCE_PROD', [sides, whole(model, [0])], { ...integers, options: reducer(false) });
    const all = model.operator('MUL', [pixels, whole(model, [3])], integers);
    return [model.operator('RESHAPE', [x, model.operator('PACK', [batch, all], integers)]), 90];
}

function withLabels(bytes) {
    const labels = storedZip({ 'labels.txt': 'cat\ndog\ncow\n' }, bytes.length);
    return Buffer.concat([bytes, labels]);
}

export const tfliteModels = () => ({
    conv: tflite((model, x) => {
        const y = model.operator('CONV_2D', [x, constant(model, [4, 3, 3, 3]), constant(model, [4])], { options: conv({ same: true, stride: 2, fused: 'relu6' }) });
        const z = model.operator('DEPTHWISE_CONV_2D', [y, constant(model, [1, 2, 2, 4]), constant(model, [4])], { options: depthwise({ same: true }) });
        return [model.operator('ADD', [y, z], { options: fusedInto('ADD', 'relu') }), 4];
    }),
    quantised: tflite((model, x) => {
        const filters = model.constant([2, 1, 1, 3], [1, -2, 3, -4, 5, 6], { type: 'int8', scale: [0.5, 0.25] });
        const bias = model.constant([2], [7, -7], { type: 'int32', scale: [0.25, 0.125] });
        return [model.operator('CONV_2D', [x, filters, bias], { options: conv(), output: { type: 'int8', scale: 6 / 255, zeroPoint: -128 } }), 2];
    }, { quantization: { type: 'int8', scale: 0.02, zeroPoint: -5 } }),
    half: tflite((model, x) => {
        const filters = model.operator('DEQUANTIZE', [model.constant([2, 1, 1, 3], Buffer.from([0, 60, 0, 56, 0, 188, 0, 60, 0, 0, 0, 64]), { type: 'float16' })], { shape: [2, 1, 1, 3] });
        return [model.operator('CONV_2D', [x, filters, -1], { options: conv() }), 2];
    }),
    shapes: tflite(shapeArithmetic, { flat: true }),
    views: tflite((model, x) => {
        const padded = model.operator('PAD', [x, model.constant([4, 2], [0, 0, 1, 0, 0, 1, 0, 0], { type: 'int32' })]);
        const y = model.operator('AVERAGE_POOL_2D', [padded], { options: pool({ kernel: [2, 2] }) });
        const first = model.operator('STRIDED_SLICE', [y, whole(model, [0, 0, 0, 0]), whole(model, [1, 6, 5, 1]), whole(model, [1, 1, 1, 1])], { options: masks({ begin: 7, end: 7 }) });
        const all = model.operator('CONCATENATION', [y, first], { options: concatenation(3) });
        const split = model.operator('SPLIT', [whole(model, [3]), all], { options: [35, [{ size: 4, write: (bytes, at) => bytes.writeInt32LE(2, at) }]], outputs: 2 });
        return [model.operator('MAX_POOL_2D', [split], { options: pool({ stride: 2 }) }), 2];
    }),
    activations: tflite((model, x) => {
        let y = x;
        for (const [name, options, more = []] of [['LEAKY_RELU', leaky(0.2)], ['HARD_SWISH', [0]], ['PRELU', [0], [constant(model, [1, 1, 3])]], ['TANH', [0]], ['LOGISTIC', [0]]])
            y = model.operator(name, [y, ...more], { options });
        const scaled = model.operator('DIV', [y, model.constant([3], [2, -3, 0.5])], { options: [arithmetic.DIV, fusedInto('DIV', 'none')[1]] });
        const squeezed = model.operator('SQUEEZE', [model.operator('MEAN', [scaled, whole(model, [1, 2])], { options: reducer(true) })], { options: squeezeDims([1, 2]) });
        return [model.operator('RESHAPE', [squeezed], { options: newShape([1, -1]) }), 3];
    }, { flat: true }),
    labelled: (() => {
        const model = new TfliteModel(), x = model.input([1, 2, 2, 3], { type: 'uint8', scale: 1 / 128, zeroPoint: 128 });
        model.describe({ name: 'small', mean: [127.5], std: [127.5], labels: 'labels.txt' });
        return withLabels(model.bytes([model.operator('FULLY_CONNECTED', [x, constant(model, [3, 12])], { options: dense() })]));
    })(),
});

/* ---- TensorFlow.js ---- */

const shards = (dims) => Buffer.from(Float32Array.from(wave(dims.reduce((sum, shape) => sum + product(shape), 0)).map((x) => x + 1.5)).buffer);
const manifest = (specs, paths = ['w']) => [{ paths, weights: Object.entries(specs).map(([name, shape]) => ({ name, shape, dtype: 'float32' })) }];

function layersModel(layers, specs, { name = 'Sequential', more = {}, files = { w: shards(Object.values(specs)) } } = {}) {
    const modelTopology = { class_name: name, config: { name: 'm', layers, ...more }, keras_version: 'tfjs-layers 4.22.0' };
    return filesIn({ 'model.json': JSON.stringify({ modelTopology, weightsManifest: manifest(specs, Object.keys(files).filter((file) => file !== 'metadata.json')) }), ...files });
}

const layer = (name, class_name, config = {}, inbound) => ({ class_name, name, config: { name, ...config }, ...inbound && { inbound_nodes: [inbound.map((from) => [from, 0, 0, {}])] } });
const input = { batch_input_shape: [null, 6, 5, 3], dtype: 'float32' };

/* ints: further weights, by their names, of whole numbers. */
function graphModel(nodes, specs, ints = {}) {
    const attributes = (attr) => Object.fromEntries(Object.entries(attr).map(([key, x]) => [key,
        Array.isArray(x) ? typeof x[0] === 'string' ? { list: { s: x.map(btoa) } } : { list: { i: x.map(String) } } : typeof x === 'string' ? { s: btoa(x) }
            : typeof x === 'boolean' ? { b: x } : { f: x }]));
    const all = [{ name: 'x', op: 'Placeholder', attr: { shape: { shape: { dim: [-1, 6, 5, 3].map((size) => ({ size: `${size}` })) } } } },
        ...[...Object.keys(specs), ...Object.keys(ints)].map((name) => ({ name, op: 'Const' })), ...nodes.map(([op, name, inputs, attr = {}]) => ({ name, op, input: inputs, attr: attributes(attr) }))];
    const weightsManifest = manifest(specs), w = Buffer.concat([shards(Object.values(specs)), Buffer.from(Int32Array.from(Object.values(ints).flat()).buffer)]);
    weightsManifest[0].weights.push(...Object.entries(ints).map(([name, list]) => ({ name, shape: Array.isArray(list) ? [list.length] : [], dtype: 'int32' })));
    return filesIn({ 'model.json': JSON.stringify({ format: 'graph-model', modelTopology: { node: all }, weightsManifest }), w });
}

export const tfjsModels = () => ({
    sequential: layersModel([layer('c', 'Conv2D', { ...input, filters: 4, kernel_size: [3, 3], strides: [1, 1], padding: 'same', activation: 'relu', use_bias: true }),
        layer('b', 'BatchNormalization', { epsilon: 0.001 }), layer('p', 'MaxPooling2D', { pool_size: [2, 2], strides: [2, 2], padding: 'valid' }),
        layer('g', 'GlobalAveragePooling2D'), layer('o', 'Dropout', { rate: 0.5 }), layer('d', 'Dense', { units: 3, activation: 'softmax', use_bias: true })],
    { 'c/kernel': [3, 3, 3, 4], 'c/bias': [4], 'b/gamma': [4], 'b/beta': [4], 'b/moving_mean': [4], 'b/moving_variance': [4], 'd/kernel': [4, 3], 'd/bias': [3] }),
    functional: layersModel([layer('x', 'InputLayer', input, []), layer('c', 'SeparableConv2D', { filters: 3, kernel_size: 3, padding: 'same', use_bias: false }, ['x']),
        layer('a', 'Add', {}, ['x', 'c']), layer('r', 'ReLU', { max_value: 6 }, ['a']), layer('t', 'Concatenate', { axis: -1 }, ['r', 'a']),
        layer('f', 'Flatten', {}, ['t']), layer('d', 'Dense', { units: 3, use_bias: false }, ['f'])],
    { 'c/depthwise_kernel': [3, 3, 3, 1], 'c/pointwise_kernel': [1, 1, 3, 3], 'd/kernel': [180, 3] },
    { name: 'Model', more: { input_layers: [['x', 0, 0]], output_layers: [['d', 0, 0]] }, files: { w: shards([[13, 5]]), v: shards([[511]]) } }),
    teachable: layersModel([{ class_name: 'Sequential', config: [layer('p', 'ZeroPadding2D', { ...input, padding: [[0, 1], [1, 0]] }), layer('c', 'DepthwiseConv2D', { kernel_size: [2, 2], depth_multiplier: 2, use_bias: false }),
        layer('l', 'LeakyReLU', { alpha: 0.25 }), layer('g', 'GlobalAveragePooling2D')], name: 's' }, layer('d', 'Dense', { units: 2, activation: 'softmax', use_bias: false })],
    { 'c/depthwise_kernel': [2, 2, 3, 2], 'd/kernel': [6, 2] },
    { files: { w: shards([[2, 2, 3, 2], [6, 2]]), 'metadata.json': JSON.stringify({ tfjsVersion: '1.3.1', tmVersion: '2.4.4', packageName: '@teachablemachine/image', packageVersion: '0.8.4', modelName: 'tm', labels: ['a', 'b'], imageSize: 6 }) } }),
    graph: graphModel([['_FusedConv2D', 'c', ['x', 'k', 'b'], { strides: [1, 2, 2, 1], padding: 'SAME', data_format: 'NHWC', fused_ops: ['BiasAdd', 'Relu6'], epsilon: 0 }],
        ['DepthwiseConv2dNative', 'e', ['c', 'dk'], { strides: [1, 1, 1, 1], padding: 'VALID' }], ['FusedBatchNormV3', 'n', ['e', 'b', 'b', 'b', 'b'], { epsilon: 0.001, is_training: false }],
        ['AvgPool', 'a', ['n'], { ksize: [1, 2, 2, 1], strides: [1, 1, 1, 1], padding: 'SAME' }], ['LeakyRelu', 'l', ['a'], { alpha: 0.25 }], ['AddV2', 's', ['l', 'n']], ['Mul', 'm', ['s', 'b']],
        ['Prelu', 'r', ['m', 'b']]], { k: [3, 3, 3, 2], b: [2], dk: [2, 2, 2, 1] }),
    products: graphModel([['MatMul', 'y', ['r', 'w'], { transpose_b: true }], ['Reshape', 'r', ['x', 'shape']], ['BiasAdd', 'z', ['y', 'b']], ['Softmax', 'p', ['z']]], { w: [3, 90], b: [3] }, { shape: [1, 90] }),
    shapes: graphModel([['Shape', 's', ['x']], ['StridedSlice', 'n', ['s', 'from', 'to', 'step'], { shrink_axis_mask: 1 }], ['Pack', 'p', ['n', 'rest'], { axis: 0 }],
        ['Reshape', 'r', ['x', 'p']], ['MatMul', 'y', ['r', 'w']]], { w: [90, 2] }, { from: [0], to: [1], step: [1], rest: 90 }),
});

/* ---- Safetensors ---- */

const torch = (dims, more) => ({ shape: dims, values: wave(product(dims)), ...more });
const described = (lines, tensors) => Buffer.concat([Buffer.from(`input 6x5x3\n${lines.join('\n')}\n--8<--\n`), safetensors(tensors)]);
const norm = (name, count, more) => ({ [`${name}.weight`]: torch([count], more), [`${name}.bias`]: torch([count]), [`${name}.running_mean`]: torch([count]),
    [`${name}.running_var`]: { ...torch([count]), values: wave(count).map((x) => 1.5 + x) }, [`${name}.num_batches_tracked`]: { shape: [], values: [7n], dtype: 'I64' } });

export const safetensorsModels = () => ({
    named: described(['layers.10: conv2d 4 3x3 stride 2 same batchnorm relu', 'depthwise 2x2', 'global_avgpool', 'fc: dense classes softmax'],
        { 'layers.10.weight': torch([4, 3, 3, 3]), 'layers.10.bias': torch([4]), ...norm('layers.11', 4, { dtype: 'F64' }), 'layers.2.weight': torch([4, 1, 2, 2], { dtype: 'BF16' }),
            'layers.2.bias': torch([4]), 'fc.weight': torch([2, 4], { dtype: 'F16' }), 'fc.bias': torch([2], { dtype: 'F16' }) }),
    joined: described(['a: conv2d 4 1x1 nobias', 'prelu', 'conv2d 4 3x2 padding 1 1 1 0 groups 2 nobias', 'b: add a', 'slice 1 2', 'concat b', 'shuffle 3', 'maxpool 2 stride 1 same', 'scale 0.5',
        'flatten', 'dense classes nobias softmax'],
    { '0.weight': torch([4, 3, 1, 1]), '1.weight': torch([4]), '2.weight': torch([4, 2, 3, 2]), '3.weight': torch([2, 180]) }),
    gate: described(['x: conv2d 2 2x2 padding 1 silu', 'global_avgpool', 'g: dense 2 hardsigmoid', 'multiply g from x', 'avgpool 2 padding 1 count_padding', 'leaky_relu 0.2', 'dropout 0.5', 'conv2d 2 1x1',
        'global_avgpool', 'flatten softmax'],
    { 'x.weight': torch([2, 3, 2, 2]), 'x.bias': torch([2]), 'l.weight': torch([2, 2]), 'l.bias': torch([2]), weight: torch([2, 2, 1, 1]), bias: torch([2]) }),
});

/* ---- Zips ---- */

/* The same with its contents packed. */
function packedZip(name, content) {
    const data = deflateRawSync(content), zip = storedZip({ [name]: data }), directory = zip.indexOf('PK\x01\x02');
    for (const [at, from] of [[0, 8], [directory, 10]]) { /* where the method stands; the sizes behind it */
        zip.writeUInt16LE(8, at + from);
        zip.writeUInt32LE(crc32(Buffer.from(content)), at + from + 6);
        zip.writeUInt32LE(Buffer.byteLength(content), at + from + 14);
    }
    return zip;
}

export const zips = () => ({
    model: storedZip({ 'model.json': '{}', 'weights.bin': '0123', 'metadata.json': '{"labels":[]}' }),
    folder: storedZip({ 'my/deep/model.json': '{}', 'my/deep/group1': 'abc', '__MACOSX/._model.json': 'x', 'my/deep/': '' }),
    packed: packedZip('a/labels.txt', 'cat\n'.repeat(40)),
    behind: storedZip({ 'labels.txt': 'cat\ndog\n' }),
    external: storedZip({ 'far.bin': elements([1, 2, 3]) }),
});
