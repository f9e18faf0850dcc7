/* A network for TensorFlow.js, made of its core operations as one writes them for speed: NHWC, bias and activation
 * fused into the convolution, tensors disposed of after their last reader.
 *
 *     const { plan, weights } = planFrom(readOnnx(readFileSync('m.onnx')));      // in Node: steps as JSON, and floats
 *     const run = build(tf, plan, weights);                                      // anywhere
 *     const { logits, probabilities } = run(tf.tensor4d(floats, [n, h, w, 3]));  // the caller disposes of them
 *
 * Knows the layers of the benchmarks' networks, and refuses others. Imports nothing in the page. */

/* From `readOnnx`'s graph to steps and weights in TensorFlow's layouts. */
export function planFrom({ nodes, constants }) {
    const weights = [], specs = new Map(), steps = [], names = new Map(); /* aliases of tensors */
    const constant = new Map(constants.map((it) => [it.name, it]));
    const readers = (name) => nodes.filter(({ inputs }) => inputs.includes(name));
    let at = 0;
    const add = (name, shape, order) => {
        if (name === undefined || specs.has(name))
            return name;
        const { dims, bytes } = constant.get(name);
        const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
        const moved = order ? transposed(values, dims, order) : values;
        specs.set(name, { name, shape, at });
        at += moved.length;
        weights.push(moved);
        return name;
    };
    const fused = new Set();
    const activationBehind = (node) => {
        const [next, ...others] = readers(node.outputs[0]);
        if (others.length || !['Relu', 'Clip'].includes(next?.type))
            return { output: node.outputs[0], activation: 'linear' };
        fused.add(next);
        return { output: next.outputs[0], activation: next.type === 'Relu' ? 'relu' : 'relu6' };
    };
    for (const node of nodes) {
        if (fused.has(node))
            continue;
        const { type, inputs: [first, second, third], outputs: [name], attributes } = node;
        const input = names.get(first) ?? first, dims = constant.get(second)?.dims;
        const { kernel_shape: window, strides, pads } = attributes, pad = pads?.some(Boolean) ? 'same' : 'valid';
        if (type === 'Conv') {
            const depthwise = (attributes.group ?? 1) > 1, [out, , h, w] = dims;
            const filter = depthwise ? add(second, [h, w, out, 1], [2, 3, 0, 1])
                : add(second, [h, w, dims[1], out], [2, 3, 1, 0]);
            const kind = depthwise ? 'depthwise' : 'conv', bias = add(third, [out]);
            steps.push({ kind, input, filter, bias, strides, pad, ...activationBehind(node) });
        } else if (type === 'Gemm') {
            const filter = add(second, dims), bias = add(third, [dims[1]]);
            steps.push({ kind: 'dense', input, filter, bias, ...activationBehind(node) });
        } else if (type === 'MaxPool') {
            steps.push({ kind: 'maxpool', input, output: name, window, strides, pad });
        } else if (['Add', 'Sub', 'Mul', 'Div'].includes(type)) {
            const other = dims ? add(second, dims.length === 4 ? [dims[1]] : []) : names.get(second) ?? second;
            steps.push({ kind: type.toLowerCase(), input, with: other, output: name });
        } else if (type === 'Transpose') {
            names.set(name, input); /* NCHW to NHWC, which it is */
        } else if (['Sigmoid', 'Softmax', 'Flatten', 'GlobalAveragePool'].includes(type)) {
            steps.push({ kind: type.toLowerCase(), input, output: name });
        } else {
            throw new Error(`no ${type} in TensorFlow.js so far`);
        }
    }
    markLastReaders(steps, new Set(['image', 'logits', 'probabilities', ...specs.keys()]));
    const together = new Float32Array(at);
    [...specs.values()].forEach(({ at: offset }, i) => together.set(weights[i], offset));
    return { plan: { steps, specs: [...specs.values()] }, weights: together };
}

/* step.last: the tensors that no later step reads, so that they can be disposed of; kept ones never are. */
function markLastReaders(steps, kept) {
    steps.forEach((step, i) => {
        step.last = [...new Set([step.input, step.with])].filter((name) => name && !kept.has(name)
            && !steps.slice(i + 1).some((later) => later.input === name || later.with === name));
    });
}

/* Values whose dimension i is the old dimension order[i]. */
function transposed(values, dims, order) {
    const strides = dims.map((_, i) => dims.slice(i + 1).reduce((a, b) => a * b, 1));
    const out = new Float32Array(values.length);
    const index = dims.map(() => 0);
    for (let i = 0; i < out.length; i++) {
        out[i] = values[order.reduce((sum, from, k) => sum + strides[from] * index[k], 0)];
        for (let k = order.length - 1; k >= 0 && ++index[k] === dims[order[k]]; k--)
            index[k] = 0;
    }
    return out;
}

const operations = {
    conv: (tf, x, { filter, bias, strides, pad, activation }) =>
        tf.fused.conv2d({ x, filter, bias, strides, pad, activation }),
    depthwise: (tf, x, { filter, bias, strides, pad, activation }) =>
        tf.fused.depthwiseConv2d({ x, filter, bias, strides, pad, activation }),
    dense: (tf, a, { filter, bias, activation }) => tf.fused.matMul({ a, b: filter, bias, activation }),
    maxpool: (tf, x, { window, strides, pad }) => tf.maxPool(x, window, strides, pad),
    globalaveragepool: (tf, x) => tf.mean(x, [1, 2]),
    flatten: (tf, x) => tf.reshape(x, [x.shape[0], -1]),
    add: (tf, x, { with: y }) => tf.add(x, y),
    sub: (tf, x, { with: y }) => tf.sub(x, y),
    mul: (tf, x, { with: y }) => tf.mul(x, y),
    div: (tf, x, { with: y }) => tf.div(x, y),
    sigmoid: (tf, x) => tf.sigmoid(x),
    softmax: (tf, x) => tf.softmax(x),
};

export function build(tf, { steps, specs }, weights) {
    const constants = new Map(specs.map(({ name, shape, at }) => {
        const count = shape.reduce((a, b) => a * b, 1);
        return [name, tf.tensor(weights.subarray(at, at + count), shape)];
    }));
    return (image) => tf.tidy(() => {
        const values = new Map([...constants, ['image', image]]), value = (name) => values.get(name);
        for (const { kind, input, output, last, ...step } of steps) {
            const operands = { ...step, with: value(step.with), filter: value(step.filter), bias: value(step.bias) };
            values.set(output, operations[kind](tf, value(input), operands));
            for (const name of last)
                value(name).dispose();
        }
        return { logits: value('logits'), probabilities: value('probabilities') };
    });
}
