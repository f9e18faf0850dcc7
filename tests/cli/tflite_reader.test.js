/* eyelet import of TFLite files: every operator and kind of number against naive loops over the same file, what is refused, and
 * files that are cut, damaged or lie. Published networks, where they are at hand: tflite_networks.test.js. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { arithmetic, concatenation, conv, dense, depthwise, fusedInto, leaky, masks, newShape, pool, reducer, softmax, squeezeDims, storedZip,
    TfliteModel } from '../support/tflite_file.js';
import { evaluateTflite } from '../support/tflite_reference.js';

const height = 6, width = 5, classes = 5;
const bytesOfPicture = Uint8Array.from({ length: height * width * 3 }, (_, i) => Math.imul(i + 7, 2654435761) >>> 24);
const rgba = new Uint8ClampedArray(height * width * 4).map((_, i) => i % 4 === 3 ? 255 : bytesOfPicture[(i >> 2) * 3 + i % 4]);
const here = folder({ 'picture.png': encodePng({ data: rgba, width, height }) });
const at = (name) => join(here, name);

/* Numbers within -1 .. 1, the same in every run. */
let drawn = 1;
const numbers = (count) => Array.from({ length: count }, () => {
    drawn = Math.imul(drawn, 1664525) + 1013904223 | 0;
    return (drawn >> 8) / 2 ** 23;
});
const whole = (count, from, to) => numbers(count).map((x) => Math.round((x + 1) / 2 * (to - from)) + from);
const list = (model, values) => model.constant([values.length], values, { type: 'int32' });
const weights = (model, shape) => model.constant(shape, numbers(shape.reduce((a, b) => a * b)));

/* Behind y, of so many channels, a head of classes: over a map its mean. */
function withHead(model, y, channels, { flat = false } = {}) {
    const pooled = flat ? y : model.operator('MEAN', [y, list(model, [1, 2])], { options: reducer(false) });
    const scores = model.operator('FULLY_CONNECTED', [pooled, weights(model, [classes, channels]), weights(model, [classes])], { options: dense() });
    return model.bytes([model.operator('SOFTMAX', [scores], { options: softmax() })]);
}

let files = 0;
const save = (bytes) => {
    const path = at(`${++files}.tflite`);
    writeFileSync(path, bytes);
    return path;
};

async function imported(bytes, options = []) {
    const path = save(bytes), model = path.replace('.tflite', '.eyelet');
    return { model, path, report: JSON.parse(succeeded(await eyelet(['import', path, '-o', model, '--json', ...options])).stdout) };
}

async function scoresOf(model) {
    const [{ logits, predictions }] = JSON.parse(succeeded(await eyelet(['classify', model, at('picture.png'), '--json', '--logits', '--top', '9'])).stdout);
    const powers = logits.map((x) => Math.exp(x - Math.max(...logits))), sum = powers.reduce((a, b) => a + b);
    return { probabilities: powers.map((x) => x / sum), labels: predictions.toSorted?.((a, b) => a.index - b.index).map(({ label }) => label), predictions };
}

/* The imported model's probabilities against those of the naive loops. */
async function agrees(bytes, picture = (byte) => byte / 127.5 - 1, options = []) {
    const { model, report } = await imported(bytes, options), { probabilities } = await scoresOf(model);
    const { data } = evaluateTflite(bytes, () => [...bytesOfPicture].map(picture));
    assert.equal(data.length, probabilities.length);
    data.forEach((value, i) => assert.ok(Math.abs(value - probabilities[i]) < 2e-6, `class ${i}: ${value}, imported ${probabilities[i]}`));
    assert.ok(Math.max(...data) - Math.min(...data) > 1e-3, 'the classes differ');
    return report;
}

/* ---- Operators ---- */

const through = (name, options) => (model, x) => [model.operator(name, [x], { options }), 3];
const convolution = (shape, options, more) => (model, x) =>
    [model.operator('CONV_2D', [x, weights(model, shape), weights(model, [shape[0]])], { options: conv(options), ...more }), shape[0]];
/* Four channels, positive and negative. */
const four = (model, x) => convolution([4, 1, 1, 3])(model, x)[0];
const eight = (model, x) => convolution([8, 3, 3, 3], { same: true })(model, x)[0];

const operators = {
    'CONV_2D': convolution([4, 3, 3, 3]),
    'CONV_2D, SAME, stride 2': convolution([4, 3, 3, 3], { same: true, stride: 2 }),
    'CONV_2D, SAME, stride 2, an even kernel': convolution([4, 2, 4, 3], { same: true, stride: 2 }),
    'CONV_2D, dilated': convolution([4, 2, 2, 3], { dilation: 2 }),
    'CONV_2D, dilated, SAME': convolution([4, 3, 3, 3], { dilation: 2, same: true }),
    'CONV_2D, ReLU': convolution([4, 3, 3, 3], { fused: 'relu' }),
    'CONV_2D, ReLU6': convolution([4, 3, 3, 3], { fused: 'relu6' }),
    'CONV_2D, tanh': convolution([4, 3, 3, 3], { fused: 'tanh' }),
    'CONV_2D, clipped to -1 .. 1': convolution([4, 3, 3, 3], { fused: 'relu_n1_to_1' }),
    'CONV_2D without a bias': (model, x) => [model.operator('CONV_2D', [x, weights(model, [4, 3, 3, 3]), -1], { options: conv() }), 4],
    'CONV_2D in groups': (model, x) => [model.operator('CONV_2D', [eight(model, x), weights(model, [6, 3, 3, 4])], { options: conv() }), 6],
    'DEPTHWISE_CONV_2D': (model, x) => [model.operator('DEPTHWISE_CONV_2D', [x, weights(model, [1, 3, 3, 3]), weights(model, [3])],
        { options: depthwise({ same: true, stride: 2, fused: 'relu6' }) }), 3],
    'DEPTHWISE_CONV_2D, multiplied': (model, x) => [model.operator('DEPTHWISE_CONV_2D', [x, weights(model, [1, 3, 3, 6]), weights(model, [6])],
        { options: depthwise({ multiplier: 2 }) }), 6],
    'DEPTHWISE_CONV_2D, dilated': (model, x) => [model.operator('DEPTHWISE_CONV_2D', [x, weights(model, [1, 2, 2, 3])],
        { options: depthwise({ dilation: 2, same: true }) }), 3],
    'FULLY_CONNECTED of a map': (model, x) => [model.operator('FULLY_CONNECTED', [x, weights(model, [7, height * width * 3]), weights(model, [7])],
        { options: dense({ fused: 'relu' }) }), 7, { flat: true }],
    'FULLY_CONNECTED that keeps dims': (model, x) => [model.operator('FULLY_CONNECTED', [x, weights(model, [4, 3]), weights(model, [4])],
        { options: dense({ keepDims: true }) }), 4],
    'MAX_POOL_2D': through('MAX_POOL_2D', pool({ stride: 2 })),
    'MAX_POOL_2D, SAME': through('MAX_POOL_2D', pool({ stride: 2, same: true, kernel: [3, 2] })),
    'AVERAGE_POOL_2D': through('AVERAGE_POOL_2D', pool({ kernel: [2, 3] })),
    'AVERAGE_POOL_2D, SAME': through('AVERAGE_POOL_2D', pool({ stride: 2, same: true, kernel: [3, 3] })),
    'AVERAGE_POOL_2D, ReLU': through('AVERAGE_POOL_2D', pool({ fused: 'relu' })),
    'AVERAGE_POOL_2D of all': through('AVERAGE_POOL_2D', pool({ kernel: [height, width] })),
    'MEAN that keeps dims': (model, x) => [model.operator('MEAN', [x, list(model, [-3, 2])], { options: reducer(true) }), 3],
    'ADD': (model, x) => [model.operator('ADD', [four(model, x), four(model, x)], { options: fusedInto('ADD', 'relu') }), 4],
    'ADD of a constant a channel': (model, x) => [model.operator('ADD', [four(model, x), weights(model, [4])], { options: fusedInto('ADD', 'relu') }), 4],
    'SUB': (model, x) => [model.operator('SUB', [four(model, x), four(model, x)], { options: fusedInto('SUB', 'relu6') }), 4],
    'SUB from a constant': (model, x) => [model.operator('SUB', [weights(model, [1, 1, 1, 4]), four(model, x)], { options: fusedInto('SUB', 'none') }), 4],
    'MUL': (model, x) => [model.operator('MUL', [four(model, x), four(model, x)], { options: fusedInto('MUL', 'none') }), 4],
    'MUL by one number a channel of the map': (model, x) => {
        const y = four(model, x), gate = model.operator('MEAN', [y, list(model, [1, 2])], { options: reducer(true) });
        return [model.operator('MUL', [y, model.operator('LOGISTIC', [gate])], { options: fusedInto('MUL', 'none') }), 4];
    },
    'MUL by a constant': (model, x) => [model.operator('MUL', [four(model, x), model.constant([], [0.75])], { options: fusedInto('MUL', 'relu') }), 4],
    'DIV by a constant': (model, x) => [model.operator('DIV', [four(model, x), model.constant([4], [2, -3, 0.5, 4])], { options: fusedInto('DIV', 'none') }), 4],
    'PAD': (model, x) => {
        const padded = model.operator('PAD', [x, model.constant([4, 2], [0, 0, 1, 0, 0, 1, 0, 0], { type: 'int32' })]);
        return convolution([4, 3, 3, 3], { stride: 2 })(model, padded);
    },
    'PADV2': (model, x) => {
        const margins = model.constant([4, 2], [0, 0, 0, 1, 1, 1, 0, 0], { type: 'int64' });
        return convolution([4, 3, 3, 3])(model, model.operator('PADV2', [x, margins, model.constant([1], [0])]));
    },
    'RELU': (model, x) => [model.operator('RELU', [four(model, x)]), 4],
    'RELU6': (model, x) => [model.operator('RELU6', [four(model, x)]), 4],
    'RELU_0_TO_1': (model, x) => [model.operator('RELU_0_TO_1', [four(model, x)]), 4],
    'LEAKY_RELU': (model, x) => [model.operator('LEAKY_RELU', [four(model, x)], { options: leaky(0.2) }), 4],
    'PRELU': (model, x) => [model.operator('PRELU', [four(model, x), weights(model, [1, 1, 4])]), 4],
    'HARD_SWISH': (model, x) => [model.operator('HARD_SWISH', [four(model, x)]), 4],
    'LOGISTIC': (model, x) => [model.operator('LOGISTIC', [four(model, x)]), 4],
    'TANH': (model, x) => [model.operator('TANH', [four(model, x)]), 4],
    'CONCATENATION': (model, x) => [model.operator('CONCATENATION', [four(model, x), x, four(model, x)], { options: concatenation(-1, 'relu') }), 11],
    'SPLIT': (model, x) => {
        const first = model.operator('SPLIT', [model.constant([], [3], { type: 'int32' }), eight(model, x)], { outputs: 2 });
        return [model.operator('SUB', [first + 1, first], { options: fusedInto('SUB', 'none') }), 4];
    },
    'SPLIT_V': (model, x) => [model.operator('SPLIT_V', [eight(model, x), list(model, [3, 5]), list(model, [-1])], { outputs: 2 }) + 1, 5],
    'SLICE': (model, x) => [model.operator('SLICE', [eight(model, x), list(model, [0, 0, 0, 2]), list(model, [1, -1, 5, 4])]), 4],
    'STRIDED_SLICE': (model, x) => [model.operator('STRIDED_SLICE', [eight(model, x), list(model, [0, 0, 0, -6]), list(model, [1, 0, 9, -1]), list(model, [1, 1, 1, 1])],
        { options: masks({ begin: 1, end: 2 }) }), 5],
    'TRANSPOSE there and back': (model, x) => {
        const there = model.operator('TRANSPOSE', [four(model, x), list(model, [0, 3, 1, 2])]);
        return [model.operator('TRANSPOSE', [model.operator('RELU', [there]), list(model, [0, 2, 3, 1])]), 4];
    },
    'RESHAPE of a map': (model, x) => [model.operator('RESHAPE', [four(model, x)], { options: newShape([1, -1]) }), height * width * 4, { flat: true }],
    'RESHAPE, SQUEEZE and EXPAND_DIMS': (model, x) => {
        const pooled = model.operator('MEAN', [four(model, x), list(model, [1, 2])], { options: reducer(true) });
        const squeezed = model.operator('SQUEEZE', [pooled], { options: squeezeDims([1, 2]) });
        const expanded = model.operator('EXPAND_DIMS', [squeezed, list(model, [1])]);
        return [model.operator('RESHAPE', [expanded, list(model, [-1, 4])]), 4, { flat: true }];
    },
    'QUANTIZE, DEQUANTIZE and CAST of values': (model, x) =>
        [model.operator('CAST', [model.operator('DEQUANTIZE', [model.operator('QUANTIZE', [four(model, x)])])]), 4],
};
/* (batch, h * w * c) from SHAPE, as graphs for any number of pictures have it. */
operators['SHAPE, STRIDED_SLICE, REDUCE_PROD and PACK'] = (model, x) => {
    const y = four(model, x), integers = { output: { type: 'int32' } };
    const shape = model.operator('SHAPE', [y], integers), one = list(model, [1]);
    const batch = model.operator('STRIDED_SLICE', [shape, list(model, [0]), one, one], { options: masks({ shrink: 1 }), ...integers });
    const sides = model.operator('GATHER', [shape, list(model, [1, 2])], integers);
    const pixels = model.operator('REDUCE_PROD', [sides, list(model, [0])], { ...integers, options: reducer(false) });
    const all = model.operator('MUL', [pixels, list(model, [4])], integers);
    return [model.operator('RESHAPE', [y, model.operator('PACK', [batch, all], integers)]), height * width * 4, { flat: true }];
};

for (const [name, build] of Object.entries(operators))
    test(`${name} is what naive loops compute`, async () => {
        const model = new TfliteModel(), x = model.input([1, height, width, 3]);
        await agrees(withHead(model, ...build(model, x)));
    });

test('a graph that ends in scores gets its softmax', async () => {
    const model = new TfliteModel(), x = model.input([1, height, width, 3]);
    const scores = model.operator('FULLY_CONNECTED', [x, weights(model, [classes, height * width * 3])], { options: dense() });
    const { model: path } = await imported(model.bytes([scores]));
    const { data } = evaluateTflite(readFileSync(path.replace('.eyelet', '.tflite')), () => [...bytesOfPicture].map((byte) => byte / 127.5 - 1));
    const powers = [...data].map(Math.exp), sum = powers.reduce((a, b) => a + b);
    (await scoresOf(path)).probabilities.forEach((value, i) => assert.ok(Math.abs(value - powers[i] / sum) < 2e-6));
});

test('files from before 2020, with their operators\' codes in a byte', async () => {
    const model = new TfliteModel(), x = model.input([1, height, width, 3]);
    model.bytes = model.bytes.bind(model);
    const plain = model.bytes;
    model.bytes = (outputs) => plain(outputs, { old: true });
    await agrees(withHead(model, x, 3));
});

/* ---- Kinds of numbers ---- */

const half = (values) => {
    const bytes = Buffer.alloc(values.length * 2);
    values.forEach((value, i) => { /* of those that a half holds exactly */
        const exponent = Math.floor(Math.log2(Math.abs(value))), fraction = Math.abs(value) / 2 ** exponent - 1;
        bytes.writeUInt16LE((value < 0 ? 0x8000 : 0) | (exponent + 15) << 10 | fraction * 1024, i * 2);
    });
    return bytes;
};

const quantised = {
    'float16 behind DEQUANTIZE': (model, x) => {
        const eighths = whole(108, 1, 63).map((value, i) => value / 32 * (i % 3 ? 1 : -1));
        const filters = model.operator('DEQUANTIZE', [model.constant([4, 3, 3, 3], half(eighths), { type: 'float16' })], { shape: [4, 3, 3, 3] });
        return [model.operator('CONV_2D', [x, filters, weights(model, [4])], { options: conv() }), 4];
    },
    'int8 a channel, biases in int32': (model, x) => {
        const scale = [0.01, 0.02, 0.005, 0.03];
        const filters = model.constant([4, 3, 3, 3], whole(108, -127, 127), { type: 'int8', scale });
        const bias = model.constant([4], whole(4, -9000, 9000), { type: 'int32', scale: scale.map((value) => value * 0.0078125) });
        return [model.operator('CONV_2D', [x, filters, bias], { options: conv({ fused: 'relu' }) }), 4];
    },
    'int8 a channel along the last dimension': (model, x) => {
        const filters = model.constant([1, 3, 3, 3], whole(27, -127, 127), { type: 'int8', scale: [0.01, 0.002, 0.03], axis: 3 });
        return [model.operator('DEPTHWISE_CONV_2D', [x, filters], { options: depthwise() }), 3];
    },
    'uint8 with a zero point': (model, x) => {
        const filters = model.constant([4, 3, 3, 3], whole(108, 0, 255), { type: 'uint8', scale: 0.008, zeroPoint: 131 });
        return [model.operator('CONV_2D', [x, filters], { options: conv() }), 4];
    },
    'int16, and a bias in int64': (model, x) => {
        const filters = model.constant([4, 3, 3, 3], whole(108, -30000, 30000), { type: 'int16', scale: 3e-5 });
        const bias = model.constant([4], whole(4, -9000, 9000), { type: 'int64', scale: 1e-4 });
        return [model.operator('CONV_2D', [x, filters, bias], { options: conv() }), 4];
    },
};
for (const [name, build] of Object.entries(quantised))
    test(`weights in ${name}`, async () => {
        const model = new TfliteModel(), x = model.input([1, height, width, 3]);
        const report = await agrees(withHead(model, ...build(model, x)));
        assert.match(report.format, /^TFLite, schema 3, (float16|int8 a channel|uint8 a tensor|float32)$|^TFLite, schema 3$/);
    });

const inputs = {
    'uint8': [{ type: 'uint8', scale: 0.02, zeroPoint: 100 }, (byte) => (byte - 100) * Math.fround(0.02)],
    'int8': [{ type: 'int8', scale: 0.02, zeroPoint: -5 }, (byte) => (byte - 128 + 5) * Math.fround(0.02)],
    'uint8 without a scale': [{ type: 'uint8' }, (byte) => byte],
};
for (const [name, [quantization, picture]] of Object.entries(inputs))
    test(`pictures come in as an input of ${name} has it`, async () => {
        const model = new TfliteModel(), x = model.input([1, height, width, 3], quantization);
        const small = model.operator('MUL', [model.operator('CAST', [x]), model.constant([], [0.01])], { options: fusedInto('MUL', 'none') });
        const report = await agrees(withHead(model, small, 3), picture);
        assert.match(report.preprocessing_from, /^the input's (quantization|type)/);
    });

/* The last axes say what is clamped: [scale, zero point, the activation that it is]. */
for (const [type, lowest] of [['uint8', 0], ['int8', -128]])
    for (const [scale, above, activation] of [[6 / 255, 0, 'relu6'], [0.02, 0, 'relu'], [0.04, 0, 'relu'], [0.04, 90, 'none']])
        test(`an output of ${type} from ${above ? 'below 0' : `0 to ${(255 * scale).toFixed(1)}`} is ${activation}`, async () => {
            const build = (fused, output) => {
                drawn = 77;
                const model = new TfliteModel(), x = model.input([1, height, width, 3]);
                return withHead(model, ...convolution([4, 3, 3, 3], { fused }, { output })(model, x));
            };
            const [{ model: implied }, { model: said }] = [await imported(build('none', { type, scale, zeroPoint: lowest + above })),
                await imported(build(activation))];
            assert.deepEqual((await scoresOf(implied)).probabilities, (await scoresOf(said)).probabilities);
        });

/* ---- What the file says beside its graph ---- */

const plain = () => {
    const model = new TfliteModel();
    return { model, x: model.input([1, height, width, 3]) };
};

test('a scale of the input that leaves nothing of a picture: refused, with the numbers', async () => {
    const model = new TfliteModel(), x = model.input([1, height, width, 3], { type: 'uint8', scale: 1e6, zeroPoint: 3 });
    await isRefused(withHead(model, model.operator('CAST', [x]), 3), /^no model can have this preprocessing \(the input's quantization\): RGB, mean 0\.011765, std 3\.9216e-09, .*: a mean is infinite, or a std below/);
});

test('metadata say how pictures come in, and what the network is called', async () => {
    const { model, x } = plain();
    model.describe({ name: 'A small network', mean: [100, 110, 120], std: [50, 60, 70] });
    const report = await agrees(withHead(model, x, 3), (byte, i) => (byte - [100, 110, 120][i % 3]) / [50, 60, 70][i % 3]);
    assert.equal(report.name, 'A small network');
    assert.match(report.preprocessing_from, /metadata/);
    assert.equal(report.exporter, 'made by a test');
});

test('labels stand in the zip behind the graph, or beside it in a folder', async () => {
    const names = ['ant', 'bee', 'cat', 'dog', 'elk'];
    const { model, x } = plain();
    model.describe({ labels: 'names.txt' });
    const graph = withHead(model, x, 3), { model: path, report } = await imported(Buffer.concat([graph, storedZip({ 'names.txt': `${names.join('\r\n')}\n` }, graph.length)]));
    assert.match(report.labels_from, /names\.txt/);
    assert.deepEqual((await scoresOf(path)).predictions.map(({ label, index }) => label === names[index]), Array(classes).fill(true));

    const beside = folder({ 'model.tflite': withHead(...(({ model: own, x: y }) => [own, y, 3])(plain())), 'labels.txt': names.map((name, i) => `${i} ${name}`).join('\n') });
    const result = JSON.parse(succeeded(await eyelet(['import', beside, '-o', at('beside.eyelet'), '--json'])).stdout);
    assert.match(result.labels_from, /labels\.txt/);
    assert.deepEqual((await scoresOf(at('beside.eyelet'))).predictions.map(({ label, index }) => label === names[index]), Array(classes).fill(true));
});

/* ---- Refusals ---- */

async function isRefused(bytes, reason) {
    const path = save(bytes), output = path.replace('.tflite', '.eyelet');
    refused(await eyelet(['import', path, '-o', output]), { subject: path, reason });
    assert.ok(!existsSync(output));
}

const onMap = (name, inputs = [], more = {}) => (model, x) => [model.operator(name, [x, ...inputs.map((make) => make(model))], more), 3];
const refusals = {
    'an operator that has no layer': [onMap('EXP'), /^EXP "tensor \d+": Eyelet has no layer for it/],
    'a mirrored border': [onMap('MIRROR_PAD', [(model) => list(model, [0, 0, 1, 1, 1, 1, 0, 0])]), /MIRROR_PAD/],
    'a custom operator': [onMap('FlexRoll'), /FlexRoll/],
    'an operator of the future': [onMap(4000), /operator 4000/],
    'a fused activation that is not known': [convolution([4, 3, 3, 3], { fused: 5 }), /CONV_2D.*fused activation 5/],
    'shuffled weights': [(model, x) => [model.operator('FULLY_CONNECTED', [x, weights(model, [4, height * width * 3])], { options: dense({ shuffled: 1 }) }), 4, { flat: true }],
        /FULLY_CONNECTED.*shuffled/],
    'options of another operator': [onMap('SOFTMAX', [], { options: [arithmetic.ADD, []] }), /options of another operator/],
    'a softmax of beta 0': [onMap('SOFTMAX', [], { options: softmax(0) }), /beta 0/],
    'weights that are computed': [(model, x) => [model.operator('CONV_2D', [x, x], { options: conv() }), 4], /its weights must be a constant/],
    'a constant for a picture': [(model) => [model.operator('RELU', [weights(model, [1, 2, 2, 3])]), 3], /RELU.*input 0 is a constant/],
    'what nobody has made': [(model) => [model.operator('RELU', [model.tensor([1, 2, 2, 3])]), 3], /no operator before it has made/],
    'strides that differ': [onMap('MAX_POOL_2D', [], { options: [5, pool({ stride: 2 })[1].with?.(1, pool({ stride: 3 })[1][1]) ?? pool({ stride: 99 })[1]] }), /MAX_POOL_2D.*stride/],
    'a stride of 0': [onMap('MAX_POOL_2D', [], { options: pool({ stride: 0 }) }), /MAX_POOL_2D.*stride 0/],
    'dims that do not match': [(model, x) => [model.operator('RESHAPE', [x], { options: newShape([1, 7]) }), 7, { flat: true }], /RESHAPE/],
    'an axis that is none': [onMap('MEAN', [(model) => list(model, [1, 9])], { options: reducer(true) }), /MEAN/],
    'a mean over the channels': [onMap('MEAN', [(model) => list(model, [3])], { options: reducer(true) }), /MEAN/],
    'paddings that are too few': [onMap('PAD', [(model) => list(model, [0, 0, 1, 1])]), /PAD.*4 paddings for 4 dimensions/],
    'weights of another size than they say': [(model, x) => [model.operator('CONV_2D', [x, model.constant([4, 3, 3, 3], numbers(107))], { options: conv() }), 4],
        /dimensions do not match its bytes/],
    'dims whose product overflows': [(model, x) => [model.operator('CONV_2D', [x, model.constant([65536, 65536, 65536, 65536], numbers(4))], { options: conv() }), 4],
        /dimensions do not match its bytes/],
    'dims below 0': [(model, x) => [model.operator('CONV_2D', [x, model.constant([-4, -3, 3, 3], numbers(108))], { options: conv() }), 4],
        /dimensions do not match its bytes/],
    'weights that are not finite': [(model, x) => [model.operator('CONV_2D', [x, model.constant([4, 3, 3, 3], numbers(108).fill(NaN, 7, 8))], { options: conv() }), 4], /not finite/],
    'scales that are too few': [(model, x) => [model.operator('CONV_2D', [x, model.constant([4, 1, 1, 3], whole(12, 0, 9), { type: 'int8', scale: [1, 2] })], { options: conv() }), 4],
        /the number of its scales/],
    'integers without a scale': [(model, x) => [model.operator('CONV_2D', [x, model.constant([4, 1, 1, 3], whole(12, 0, 9), { type: 'int8' })], { options: conv() }), 4], /without a scale/],
    'numbers of a type that is not read': [(model, x) => [model.operator('CONV_2D', [x, model.constant([4, 1, 1, 3], whole(12, 0, 1), { type: 'uint8', scale: 1 }), 99], { options: conv() }), 4],
        /tensor 99 of/],
};
for (const [name, [build, reason]] of Object.entries(refusals))
    test(`${name}: refused, and nothing is written`, async () => {
        const { model, x } = plain();
        await isRefused(withHead(model, ...build(model, x)), reason);
    });
