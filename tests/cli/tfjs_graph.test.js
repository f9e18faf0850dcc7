/* Graph models of TensorFlow.js, operator by operator: imported, they compute what TensorFlow.js computes. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { comparedWith, noise } from '../support/same_as_tensorflow.js';
import { eyelet, folder, refused } from '../support/program.js';
import { filesOf, loadTensorFlow } from '../support/tfjs_files.js';
import { GraphFile, bool, float, int, ints, text, texts } from '../support/tfjs_graph_file.js';
import { random } from '../support/tiny_model.js';

const tf = await loadTensorFlow();
const skip = tf ? false : 'NOT COMPARED: @tensorflow/tfjs-converter is not installed (npm install)';

/* A graph with random constants of usual sizes. */
class RandomGraph extends GraphFile {
    next = random(1);

    weights(...shape) {
        const count = shape.reduce((a, b) => a * b, 1), inputs = Math.max(1, count / shape.at(-1));
        return this.constant(shape, Array.from({ length: count }, () => 1.5 * this.next() / Math.sqrt(inputs)));
    }

    around(value, ...shape) {
        return this.constant(shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => value + 0.4 * this.next()));
    }
}

const window = (stride = 1, padding = 'SAME', more = {}) => ({ strides: ints(1, stride, stride, 1), dilations: ints(1, 1, 1, 1), padding: text(padding), data_format: text('NHWC'), ...more });
const conv = (g, x, from, to, attr = window()) => g.op('Conv2D', [x, g.weights(3, 3, from, to)], attr);
/* From 4 channels of any size to five classes. */
const head = (g, x, channels = 4) => g.op('Softmax', [g.op('BiasAdd', [g.op('MatMul', [g.op('Mean', [x, g.integers(1, 2)], { keep_dims: bool(false) }), g.weights(channels, 5)],
    { transpose_a: bool(false), transpose_b: bool(false) }), g.weights(5)])]);

const operators = {
    'Conv2D, BiasAdd, Relu': (g) => head(g, g.op('Relu', [g.op('BiasAdd', [conv(g, 'input', 3, 4), g.weights(4)], { data_format: text('NHWC') })])),
    'Conv2D valid, strided, Relu6': (g) => head(g, g.op('Relu6', [conv(g, 'input', 3, 4, window(2, 'VALID'))])),
    'Conv2D explicit, dilated': (g) => head(g, conv(g, 'input', 3, 4, window(1, 'EXPLICIT', { explicit_paddings: ints(0, 0, 1, 2, 0, 1, 0, 0) }))),
    '_FusedConv2D, bias and Relu6': (g) => head(g, g.op('_FusedConv2D', ['input', g.weights(3, 3, 3, 4), g.weights(4)], window(2, 'SAME', { fused_ops: texts('BiasAdd', 'Relu6'), num_args: int(1) }))),
    '_FusedConv2D, bias and LeakyRelu': (g) => head(g, g.op('_FusedConv2D', ['input', g.weights(3, 3, 3, 4), g.weights(4)],
        window(1, 'SAME', { fused_ops: texts('BiasAdd', 'LeakyRelu'), num_args: int(1), leakyrelu_alpha: float(0.1) }))),
    '_FusedConv2D, bias and Prelu': (g) => head(g, g.op('_FusedConv2D', ['input', g.weights(3, 3, 3, 4), g.weights(4), g.around(0.2, 1, 1, 4)],
        window(1, 'SAME', { fused_ops: texts('BiasAdd', 'Prelu'), num_args: int(2) }))),
    'DepthwiseConv2dNative': (g) => head(g, g.op('DepthwiseConv2dNative', [conv(g, 'input', 3, 4), g.weights(3, 3, 4, 1)], window(2))),
    'FusedDepthwiseConv2dNative': (g) => head(g, g.op('FusedDepthwiseConv2dNative', [conv(g, 'input', 3, 4), g.weights(3, 3, 4, 1), g.weights(4)],
        window(1, 'SAME', { fused_ops: texts('BiasAdd', 'Relu'), num_args: int(1) }))),
    FusedBatchNormV3: (g) => head(g, g.op('FusedBatchNormV3', [conv(g, 'input', 3, 4), g.around(1, 4), g.around(0, 4), g.around(0, 4), g.around(1, 4)],
        { epsilon: float(0.001), is_training: bool(false), data_format: text('NHWC') })),
    'a batch norm of Mul, Rsqrt, Sub and AddV2': (g) => {
        const scale = g.op('Mul', [g.op('Rsqrt', [g.op('AddV2', [g.around(1, 4), g.constant([], [0.001])])]), g.around(1, 4)]);
        const shift = g.op('Sub', [g.around(0, 4), g.op('Mul', [g.around(0, 4), scale])]);
        return head(g, g.op('AddV2', [g.op('Mul', [conv(g, 'input', 3, 4), scale]), shift]));
    },
    '_FusedMatMul behind a Reshape of an open batch': (g) => {
        const x = g.op('MaxPool', [conv(g, 'input', 3, 4), ], { ...window(4, 'VALID'), ksize: ints(1, 4, 4, 1) });
        const batch = g.op('StridedSlice', [g.op('Shape', [x]), g.integers(0), g.integers(1), g.integers(1)], { shrink_axis_mask: int(1), begin_mask: int(0), end_mask: int(0) });
        const y = g.op('Reshape', [x, g.op('Pack', [batch, g.integer(-1)], { axis: int(0) })]);
        return g.op('Identity', [g.op('_FusedMatMul', [y, g.weights(36, 5), g.weights(5)], { fused_ops: texts('BiasAdd'), num_args: int(1), transpose_a: bool(false), transpose_b: bool(false) })]);
    },
    'MatMul transposed, behind Squeeze': (g) => {
        const x = g.op('Squeeze', [g.op('AvgPool', [conv(g, 'input', 3, 4)], { ...window(1, 'VALID'), ksize: ints(1, 11, 11, 1), strides: ints(1, 11, 11, 1) })], { squeeze_dims: ints(1, 2) });
        return g.op('MatMul', [x, g.weights(5, 4)], { transpose_a: bool(false), transpose_b: bool(true) });
    },
    'Pad, then a valid convolution': (g) => head(g, conv(g, g.op('Pad', ['input', g.constant([4, 2], [0, 0, 0, 1, 0, 1, 0, 0], 'int32')]), 3, 4, window(2, 'VALID'))),
    'MaxPool and AvgPool, same': (g) => head(g, g.op('AvgPool', [g.op('MaxPool', [conv(g, 'input', 3, 4)], { ...window(2), ksize: ints(1, 3, 3, 1) })], { ...window(2), ksize: ints(1, 3, 3, 1) })),
    'a residual: AddV2, Sub, AddN': (g) => {
        const x = conv(g, 'input', 3, 4), y = g.op('Tanh', [x]), z = g.op('Sigmoid', [x]);
        return head(g, g.op('AddN', [g.op('AddV2', [x, y]), z, y]));
    },
    'squeeze and excite: Mean, Conv2D, Mul': (g) => {
        const x = g.op('Relu', [conv(g, 'input', 3, 4)]), mean = g.op('Mean', [x, g.integers(1, 2)], { keep_dims: bool(true) });
        return head(g, g.op('Mul', [x, g.op('Sigmoid', [g.op('Conv2D', [mean, g.weights(1, 1, 4, 4)], window())])]));
    },
    'swish: x * Sigmoid(x)': (g) => {
        const x = conv(g, 'input', 3, 4);
        return head(g, g.op('Mul', [x, g.op('Sigmoid', [x])]));
    },
    'hard swish: x * Relu6(x + 3) / 6': (g) => {
        const x = conv(g, 'input', 3, 4);
        return head(g, g.op('Mul', [g.op('Mul', [x, g.op('Relu6', [g.op('AddV2', [x, g.constant([], [3])])])]), g.constant([], [1 / 6])]));
    },
    'LeakyRelu, Prelu': (g) => head(g, g.op('LeakyRelu', [g.op('Prelu', [conv(g, 'input', 3, 4), g.around(0.2, 4)])], { alpha: float(0.3) })),
    'RealDiv, Sub at the front': (g) => head(g, conv(g, g.op('Sub', [g.op('RealDiv', ['input', g.constant([], [2])]), g.constant([], [0.25])]), 3, 4)),
    'identities': (g) => head(g, g.op('StopGradient', [g.op('Identity', [conv(g, g.op('Identity', ['input']), 3, 4)])])),
    'ConcatV2, Split, SplitV and Slice': (g) => {
        const x = g.op('ConcatV2', [conv(g, 'input', 3, 4), conv(g, 'input', 3, 4), g.integer(-1)]);
        const halves = g.op('Split', [g.integer(3), x], { num_split: int(2) });
        const parts = g.op('SplitV', [`${halves}:1`, g.integers(1, -1), g.integer(3)], { num_split: int(2) });
        const slice = g.op('Slice', [halves, g.integers(0, 0, 0, 3), g.integers(-1, -1, -1, 1)]);
        return head(g, g.op('ConcatV2', [g.op('Tanh', [`${parts}:1`]), slice, g.integer(3)]));
    },
    'StridedSlice of channels': (g) => head(g, g.op('StridedSlice', [conv(g, 'input', 3, 9), g.integers(0, 0, 0, 2), g.integers(0, 0, 0, 6), g.integers(1, 1, 1, 1)],
        { begin_mask: int(7), end_mask: int(7), shrink_axis_mask: int(0) })),
    'ExpandDims and Squeeze': (g) => head(g, g.op('Squeeze', [g.op('ExpandDims', [conv(g, 'input', 3, 4), g.integer(1)])], { squeeze_dims: ints(1) })),
};

test('each operator computes what TensorFlow.js computes', { skip }, async (t) => {
    for (const [name, build] of Object.entries(operators))
        await t.test(name, async () => {
            const graph = new RandomGraph([-1, 12, 12, 3]), artifacts = graph.artifacts(build(graph));
            const model = await tf.loadGraphModel(tf.io.fromMemory(artifacts)), last = graph.nodes.at(-1).op;
            await comparedWith(tf, folder(filesOf(artifacts)), model, [1, 2, 3].map((seed) => noise(12, 12, seed)), { probabilities: last === 'Softmax', more: ['--preprocess', 'tf'] });
        });
});

test('without a signature, and with constants that lead nowhere', { skip }, async () => {
    const graph = new RandomGraph([-1, 12, 12, 3]), output = operators['Conv2D, BiasAdd, Relu'](graph);
    graph.weights(7);
    const artifacts = graph.artifacts(output, { signed: false }), model = await tf.loadGraphModel(tf.io.fromMemory(artifacts));
    await comparedWith(tf, folder(filesOf(artifacts)), { predict: (x) => model.execute(x, output) }, [noise(12, 12, 1)], { probabilities: true, more: ['--preprocess', 'tf'] });
});

/* ---- What cannot be imported ---- */

const small = (build, input = [1, 12, 12, 3]) => {
    const graph = new RandomGraph(input);
    return graph.artifacts(build(graph));
};
const broken = (change) => {
    const artifacts = small(operators['Conv2D, BiasAdd, Relu']);
    change(artifacts.modelTopology.node, artifacts);
    return artifacts;
};

test('what cannot be imported is named with operator and node, hostile graphs too', async () => {
    const relu = (nodes) => nodes.find(({ op }) => op === 'Relu');
    for (const [artifacts, reason] of [
        [small((g) => g.op('NonMaxSuppressionV5', ['input'])), /NonMaxSuppressionV5 "NonMaxSuppressionV5_1": this operator cannot be imported/],
        [small((g) => g.op('Elu', ['input'])), /Elu "Elu_1": this operator cannot be imported/],
        [small((g) => g.op('Relu', [])), /Relu "Relu_1": it has no input 0/],
        [small((g) => g.op('Conv2D', ['input', 'input'], window())), /Conv2D "Conv2D_1": its input 1 is no constant/],
        [small((g) => conv(g, 'input', 3, 4, window(1, 'MIRROR'))), /its padding is MIRROR/],
        [small((g) => conv(g, 'input', 3, 4, { ...window(), data_format: text('CNHW') })), /its data_format is CNHW/],
        [small((g) => conv(g, 'input', 3, 4, { ...window(), strides: ints(1, '99999999999999999999', 1, 1) })), /Conv2D "Conv2D_2"/],
        [small((g) => g.op('Reshape', ['input', g.integers(-1, -1)])), /Reshape "Reshape_2"/],
        [small((g) => g.op('Reshape', ['input', g.integers(65536, 65536)])), /Reshape "Reshape_2"/],
        [small((g) => g.op('Transpose', ['input', g.integers(0, 9, -3, 1)])), /Transpose "Transpose_2"/],
        [small((g) => g.op('Squeeze', ['input'], { squeeze_dims: ints(1) })), /Squeeze "Squeeze_1": dimension 1 is 12, not 1/],
        [small((g) => g.op('ExpandDims', ['input', g.integer(77)])), /ExpandDims "ExpandDims_2": its axis is none/],
        [small((g) => g.op('Pad', ['input', g.integers(1, 2)])), /Pad "Pad_2": its paddings are not two a dimension/],
        [small((g) => g.op('Mean', ['input', g.integers(...Array(9).fill(1))])), /Mean "Mean_2": its input 1 is no list of up to 8/],
        [small((g) => g.op('StridedSlice', ['input', g.integers(0), g.integers(1), g.integers(0)])), /StridedSlice/],
        [small((g) => g.op('Split', [g.integer(3), 'input'], { num_split: int(1e9) })), /Split "Split_2": it makes 0 parts/],
        [small((g) => g.op('FusedBatchNormV3', ['input', ...Array(4).fill(g.weights(3))], { is_training: bool(true) })), /it is that of training/],
        [small((g) => head(g, conv(g, 'input', 3, 4)), [1, -1, -1, 3]), /leaves its input's height and width open/],
        [small((g) => head(g, conv(g, 'input', 3, 4)), [1, 12]), /the model's input has 2 dimensions/],
        [broken((nodes) => { relu(nodes).input = [relu(nodes).name]; }), /nodes read one another/],
        [broken((nodes) => { relu(nodes).input = ['nothing']; }), /Relu "Relu_\d+": it reads nothing, which is not there/],
        [broken((nodes) => { relu(nodes).input = [`${relu(nodes).input[0]}:9`]; }), /Relu "Relu_\d+": it reads .*:9, and there are 1 outputs/],
        [broken((nodes) => { relu(nodes).input = Array(65).fill(relu(nodes).input[0]); }), /more than 64/],
        [broken((nodes) => { nodes.push(nodes[0]); }), /it has two nodes called input/],
        [broken((nodes) => { delete nodes[3].op; }), /it has a node without name or operator/],
        [broken((nodes, all) => { all.signature.outputs.more = { name: 'input:0' }; }), /it has 2 outputs, not one/],
        [broken((nodes, all) => { all.signature.outputs = { more: { name: 'none:0' } }; }), /its output is not there/],
        [broken((nodes, all) => { all.weightSpecs[0].name = 'other'; }), /Const "constant_1": its weights are missing/],
    ]) {
        const here = folder(filesOf(artifacts)), out = folder();
        refused(await eyelet(['import', here, '-o', join(out, 'm.eyelet')]), { reason });
        assert.deepEqual(readdirSync(out), []);
    }
});
