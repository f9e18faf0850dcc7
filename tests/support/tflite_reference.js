/* What a TFLite file computes, by naive loops in double: a reader of its own and an evaluation operator by operator, after
 * TensorFlow's documentation. Quantised weights are dequantised, and values stay real numbers.
 *
 *     const { shape, data } = evaluateTflite(bytes, ([n, height, width, channels]) => numbersOfThePicture);
 */
import assert from 'node:assert/strict';

import { codeOf } from './tflite_file.js';

/* ---- Reading ---- */

function walker(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const field = (at, i) => {
        const vtable = at - view.getInt32(at, true), entry = vtable + 4 + 2 * i;
        const position = at && entry < vtable + view.getUint16(vtable, true) ? view.getUint16(entry, true) : 0;
        return position ? at + position : 0;
    };
    const follow = (at) => at ? at + view.getUint32(at, true) : 0;
    const count = (vector) => vector ? view.getUint32(vector, true) : 0;
    const items = (vector, size, get) => Array.from({ length: count(vector) }, (_, i) => get(vector + 4 + size * i));
    const int = (at, i, absent = 0) => field(at, i) ? view.getInt32(field(at, i), true) : absent;
    return {
        root: view.getUint32(0, true), int,
        byte: (at, i) => field(at, i) ? view.getInt8(field(at, i)) : 0,
        float: (at, i) => field(at, i) ? view.getFloat32(field(at, i), true) : 0,
        table: (at, i) => at ? follow(field(at, i)) : 0,
        tables: (at, i) => items(follow(field(at, i)), 4, follow),
        ints: (at, i) => at && field(at, i) ? items(follow(field(at, i)), 4, (p) => view.getInt32(p, true)) : [],
        floats: (at, i) => at && field(at, i) ? items(follow(field(at, i)), 4, (p) => view.getFloat32(p, true)) : [],
        longs: (at, i) => at && field(at, i) ? items(follow(field(at, i)), 8, (p) => Number(view.getBigInt64(p, true))) : [],
        data: (at, i) => {
            const vector = follow(field(at, i));
            return bytes.subarray(vector + 4, vector + 4 + count(vector));
        },
        has: (at, i) => at && field(at, i) > 0,
    };
}

function half(bits) {
    const exponent = bits >> 10 & 31, fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
    return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction / 1024 * 2 ** -14);
}

const sizes = { 0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 7: 2, 9: 1 };
const product = (list) => list.reduce((a, b) => a * b, 1);

function numbersOf(data, type, { shape, scales, points, axis }) {
    const view = new DataView(data.buffer, data.byteOffset, data.length), inner = product(shape.slice(axis + 1));
    const get = { 0: (p) => view.getFloat32(p, true), 1: (p) => half(view.getUint16(p, true)), 2: (p) => view.getInt32(p, true),
        3: (p) => view.getUint8(p), 4: (p) => Number(view.getBigInt64(p, true)), 7: (p) => view.getInt16(p, true), 9: (p) => view.getInt8(p) }[type];
    return Float64Array.from({ length: data.length / sizes[type] }, (_, i) => {
        const k = Math.floor(i / inner) % scales.length || 0, x = get(i * sizes[type]);
        return scales.length ? (x - (points[k] ?? points[0])) * scales[k] : x;
    });
}

/* ---- Operators, each (shapes and data of inputs, options) => shape and data; NHWC ---- */

const strides = (shape) => shape.map((_, i) => product(shape.slice(i + 1)));
const make = (shape, value) => {
    const steps = strides(shape);
    return { shape, data: Float64Array.from({ length: product(shape) }, (_, i) => value(steps.map((step, k) => Math.floor(i / step) % shape[k]))) };
};
const at = ({ shape, data }, index) => data[strides(shape).reduce((sum, step, k) => sum + step * index[k], 0)];
const map = ({ shape, data }, f) => ({ shape, data: data.map(f) });
const fused = [(x) => x, (x) => Math.max(x, 0), (x) => Math.min(Math.max(x, -1), 1), (x) => Math.min(Math.max(x, 0), 6), Math.tanh];
const activated = (tensor, code) => map(tensor, fused[code]);

/* Where windows lie along one side: the number of them, and what is padded before. */
function sideOf(size, kernel, stride, dilation, valid) {
    const reach = (kernel - 1) * dilation + 1, out = valid ? Math.floor((size - reach) / stride) + 1 : Math.ceil(size / stride);
    return { out, before: valid ? 0 : Math.floor(Math.max(0, (out - 1) * stride + reach - size) / 2) };
}

/* sum(pixel index, kernel index, output channel) over all taps that lie within the picture. */
function windows(x, { kernel, stride, dilation, valid }, channels, start, each, end = (sum) => sum) {
    const [n, height, width, depth] = x.shape, [a, b] = [0, 1].map((i) => sideOf([height, width][i], kernel[i], stride[i], dilation[i], valid));
    const data = new Float64Array(n * a.out * b.out * channels);
    for (let oy = 0, i = 0; oy < a.out; oy++)
        for (let ox = 0; ox < b.out; ox++)
            for (let c = 0; c < channels; c++, i++) {
                let sum = start, taps = 0;
                for (let ky = 0; ky < kernel[0]; ky++)
                    for (let kx = 0; kx < kernel[1]; kx++) {
                        const y = oy * stride[0] - a.before + ky * dilation[0], z = ox * stride[1] - b.before + kx * dilation[1];
                        if (y < 0 || z < 0 || y >= height || z >= width)
                            continue;
                        sum = each(sum, (y * width + z) * depth, ky * kernel[1] + kx, c);
                        taps++;
                    }
                data[i] = end(sum, taps);
            }
    return { shape: [n, a.out, b.out, channels], data };
}

const addBias = ({ shape, data }, bias) => ({ shape, data: bias ? data.map((value, i) => value + bias.data[i % bias.data.length]) : data });

function convolve([x, weights, bias], options) {
    const [out, height, width, depth] = weights.shape, groups = x.shape[3] / depth, taps = height * width;
    return addBias(windows(x, { ...options, kernel: [height, width] }, out, 0, (sum, pixel, tap, c) => {
        const first = pixel + Math.floor(c / (out / groups)) * depth, row = (c * taps + tap) * depth;
        for (let k = 0; k < depth; k++)
            sum += x.data[first + k] * weights.data[row + k];
        return sum;
    }), bias);
}

function convolveDepthwise([x, weights, bias], options) {
    const [, height, width, out] = weights.shape, multiplier = out / x.shape[3];
    return addBias(windows(x, { ...options, kernel: [height, width] }, out, 0, (sum, pixel, tap, c) =>
        sum + x.data[pixel + Math.floor(c / multiplier)] * weights.data[tap * out + c]), bias);
}

const maxPool = (x, options) => windows(x, options, x.shape[3], -Infinity, (most, pixel, tap, c) => Math.max(most, x.data[pixel + c]));
const meanPool = (x, options) => windows(x, options, x.shape[3], 0, (sum, pixel, tap, c) => sum + x.data[pixel + c], (sum, taps) => sum / taps);

function fullyConnected([x, weights, bias], keepDims) {
    const [out, depth] = weights.shape, rows = x.data.length / depth;
    const data = Float64Array.from({ length: rows * out }, (_, i) => {
        let sum = bias ? bias.data[i % out] : 0;
        for (let k = 0; k < depth; k++)
            sum += x.data[Math.floor(i / out) * depth + k] * weights.data[i % out * depth + k];
        return sum;
    });
    return { shape: keepDims ? [...x.shape.slice(0, -1), out] : [rows, out], data };
}

function broadcast(a, b, f) {
    const rank = Math.max(a.shape.length, b.shape.length), long = ({ shape }) => [...Array(rank - shape.length).fill(1), ...shape];
    const [p, q] = [long(a), long(b)];
    return make(p.map((size, i) => Math.max(size, q[i])), (index) =>
        f(at({ ...a, shape: p }, index.map((k, i) => k % p[i])), at({ ...b, shape: q }, index.map((k, i) => k % q[i]))));
}

function concatenate(list, axis) {
    const rank = list[0].shape.length, along = axis < 0 ? axis + rank : axis;
    const shape = list[0].shape.map((size, i) => i === along ? list.reduce((sum, x) => sum + x.shape[i], 0) : size);
    return make(shape, (index) => {
        let k = index[along], from = 0;
        while (k >= list[from].shape[along])
            k -= list[from++].shape[along];
        return at(list[from], index.with?.(along, k) ?? index.map((v, i) => i === along ? k : v));
    });
}

const part = (x, starts, shape) => make(shape, (index) => at(x, index.map((k, i) => k + starts[i])));

function split(x, axis, lengths) {
    const along = axis < 0 ? axis + x.shape.length : axis;
    let start = 0;
    return lengths.map((length) => {
        const piece = part(x, x.shape.map((_, i) => i === along ? start : 0), x.shape.map((size, i) => i === along ? length : size));
        start += length;
        return piece;
    });
}

function stridedSlice([x, begin, end, step], file, options) {
    const bit = (i, mask) => file.int(options, mask) >> i & 1, ranges = x.shape.map((size, i) => {
        if (i >= begin.data.length)
            return { start: 0, count: size };
        const start = bit(i, 0) ? 0 : begin.data[i] < 0 ? begin.data[i] + size : begin.data[i];
        const stop = bit(i, 4) ? start + 1 : bit(i, 1) ? size : end.data[i] < 0 ? end.data[i] + size : Math.min(end.data[i], size);
        assert.equal(step.data[i], 1);
        return { start, count: stop - start, gone: bit(i, 4) };
    });
    const piece = part(x, ranges.map(({ start }) => start), ranges.map(({ count }) => count));
    return { ...piece, shape: piece.shape.filter((_, i) => !ranges[i].gone) };
}

function reduceMean(x, axes, keepDims) {
    const gone = axes.map((axis) => axis < 0 ? axis + x.shape.length : axis), shape = x.shape.map((size, i) => gone.includes(i) ? 1 : size);
    const sums = make(shape, () => 0), steps = strides(shape), from = strides(x.shape);
    x.data.forEach((value, i) => {
        sums.data[steps.reduce((sum, step, k) => sum + step * (gone.includes(k) ? 0 : Math.floor(i / from[k]) % x.shape[k]), 0)] += value;
    });
    const mean = map(sums, (value) => value * sums.data.length / x.data.length);
    return { ...mean, shape: keepDims ? shape : shape.filter((_, i) => !gone.includes(i)) };
}

function softmax({ shape, data }, beta) {
    const most = Math.max(...data), powers = data.map((value) => Math.exp(beta * (value - most)));
    const sum = powers.reduce((a, b) => a + b);
    return { shape, data: powers.map((value) => value / sum) };
}

function pad(x, margins, value = 0) {
    return make(x.shape.map((size, i) => size + margins[2 * i] + margins[2 * i + 1]), (index) => {
        const inner = index.map((k, i) => k - margins[2 * i]);
        return inner.some((k, i) => k < 0 || k >= x.shape[i]) ? value : at(x, inner);
    });
}

const resolved = (dims, count) => dims.map((size) => size < 0 ? count / -product(dims) : size);

/* Fields of the options by the operator's name; file: the walker, o: its options. */
const window = (file, o, dilation) => ({ valid: file.byte(o, 0) === 1, stride: [file.int(o, 2), file.int(o, 1)],
    dilation: dilation ? [file.int(o, dilation + 1, 1), file.int(o, dilation, 1)] : [1, 1], kernel: [file.int(o, 4), file.int(o, 3)] });
const operators = {
    CONV_2D: (x, file, o) => activated(convolve(x, window(file, o, 4)), file.byte(o, 3)),
    DEPTHWISE_CONV_2D: (x, file, o) => activated(convolveDepthwise(x, window(file, o, 5)), file.byte(o, 4)),
    MAX_POOL_2D: ([x], file, o) => activated(maxPool(x, window(file, o)), file.byte(o, 5)),
    AVERAGE_POOL_2D: ([x], file, o) => activated(meanPool(x, window(file, o)), file.byte(o, 5)),
    FULLY_CONNECTED: (x, file, o) => activated(fullyConnected(x, file.byte(o, 2)), file.byte(o, 0)),
    ADD: ([x, y], file, o) => activated(broadcast(x, y, (a, b) => a + b), file.byte(o, 0)),
    SUB: ([x, y], file, o) => activated(broadcast(x, y, (a, b) => a - b), file.byte(o, 0)),
    MUL: ([x, y], file, o) => activated(broadcast(x, y, (a, b) => a * b), file.byte(o, 0)),
    DIV: ([x, y], file, o) => activated(broadcast(x, y, (a, b) => a / b), file.byte(o, 0)),
    MEAN: ([x, axes], file, o) => reduceMean(x, [...axes.data], file.byte(o, 0)),
    PAD: ([x, margins]) => pad(x, margins.data),
    PADV2: ([x, margins, value]) => pad(x, margins.data, value.data[0]),
    RESHAPE: ([x, dims], file, o) => ({ data: x.data, shape: resolved(dims ? [...dims.data] : file.ints(o, 0), x.data.length) }),
    SQUEEZE: ([x], file, o) => ({ data: x.data, shape: x.shape.filter((size, i) => size > 1 || !file.ints(o, 0).concat(file.ints(o, 0).length ? [] : [i]).includes(i)) }),
    EXPAND_DIMS: ([x, axis]) => ({ data: x.data, shape: x.shape.toSpliced?.(axis.data[0], 0, 1) ?? [...x.shape.slice(0, axis.data[0]), 1, ...x.shape.slice(axis.data[0])] }),
    SHAPE: ([x]) => ({ shape: [x.shape.length], data: Float64Array.from(x.shape) }),
    PACK: (x) => ({ shape: [x.length], data: Float64Array.from(x, ({ data }) => data[0]) }),
    GATHER: ([x, index]) => ({ shape: index.shape, data: index.data.map((i) => x.data[i]) }),
    REDUCE_PROD: ([x]) => ({ shape: [], data: Float64Array.of(product([...x.data])) }),
    STRIDED_SLICE: stridedSlice,
    SLICE: ([x, begin, size]) => part(x, begin.data, [...size.data].map((count, i) => count < 0 ? x.shape[i] - begin.data[i] : count)),
    SPLIT: ([axis, x], file, o, count) => split(x, axis.data[0], Array(count).fill(x.shape.at(axis.data[0]) / count)),
    SPLIT_V: ([x, lengths, axis]) => split(x, axis.data[0], [...lengths.data]),
    CONCATENATION: (x, file, o) => activated(concatenate(x, file.int(o, 0)), file.byte(o, 1)),
    TRANSPOSE: ([x, order]) => make([...order.data].map((i) => x.shape[i]), (index) => at(x, x.shape.map((_, i) => index[order.data.indexOf(i)]))),
    SOFTMAX: ([x], file, o) => softmax(x, file.float(o, 0)),
    LOGISTIC: ([x]) => map(x, (value) => 1 / (1 + Math.exp(-value))),
    TANH: ([x]) => map(x, Math.tanh),
    RELU: ([x]) => map(x, fused[1]),
    RELU6: ([x]) => map(x, fused[3]),
    RELU_N1_TO_1: ([x]) => map(x, fused[2]),
    RELU_0_TO_1: ([x]) => map(x, (value) => Math.min(Math.max(value, 0), 1)),
    HARD_SWISH: ([x]) => map(x, (value) => value * Math.min(Math.max(value + 3, 0), 6) / 6),
    LEAKY_RELU: ([x], file, o) => map(x, (value) => value < 0 ? value * file.float(o, 0) : value),
    PRELU: ([x, slope]) => broadcast(x, slope, (value, factor) => value < 0 ? value * factor : value),
    QUANTIZE: ([x]) => x, DEQUANTIZE: ([x]) => x, CAST: ([x]) => x,
};
const byCode = new Map(Object.entries(operators).map(([name, of]) => [codeOf(name), of]));

/* picture(shape): the numbers that the graph's input takes. */
export function evaluateTflite(bytes, picture) {
    const file = walker(bytes), [graph] = file.tables(file.root, 2), buffers = file.tables(file.root, 4);
    const codes = file.tables(file.root, 1).map((code) => Math.max(file.byte(code, 0), file.int(code, 3)));
    const values = file.tables(graph, 0).map((tensor) => {
        const shape = file.ints(tensor, 0), type = file.byte(tensor, 1), buffer = buffers[file.int(tensor, 2)];
        const quantization = file.table(tensor, 4);
        return file.has(buffer, 0) ? { shape, data: numbersOf(file.data(buffer, 0), type, { shape, axis: quantization ? file.int(quantization, 6) : 0,
            scales: quantization ? file.floats(quantization, 2) : [], points: quantization ? file.longs(quantization, 3) : [] }) } : { shape };
    });
    const [input] = file.ints(graph, 1), [output] = file.ints(graph, 2);
    values[input].data = Float64Array.from(picture(values[input].shape));
    for (const operator of file.tables(graph, 3)) {
        const made = file.ints(operator, 2), of = byCode.get(codes[file.int(operator, 0)]);
        const found = of(file.ints(operator, 1).filter((i) => i >= 0).map((i) => values[i]), file, file.table(operator, 4), made.length);
        [found].flat().forEach((value, i) => { values[made[i]] = value; });
    }
    return values[output];
}
