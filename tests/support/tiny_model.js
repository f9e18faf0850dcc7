/* Writes model files, from their description in core/net/model.h alone, for tests that need no trained ones.
 *
 *     tinyModel()                                   // 32 x 32 x 3, the mean colour through one dense layer, ten classes
 *     tinyModel({ labels: ['yes', 'no'], notes: 'name: Two\n' })
 *     modelOf({ input: [9, 8, 3], layers: [
 *         { kind: 'conv2d', channels: 4, kernel: [3, 2], stride: 2, same: true, bias: true },
 *         { kind: 'tanh', from: 1 },                // reads tensor 1, the output of the first layer; default: the one before
 *         { kind: 'add', and: 1 }, { kind: 'flatten' }, { kind: 'dense', channels: 5 }, { kind: 'softmax' }] })
 */
import { kinds } from './kinds.js';

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const fitCrop = 1;

export function tinyModel({ labels = classes, notes = 'name: Tiny\nnetwork: mean colour\naccuracy: none\n', weight } = {}) {
    let i = 0;
    return modelOf({ labels, notes, weight: () => weight ?? Math.sin(++i),
        layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: labels.length, bias: true }, { kind: 'softmax' }] });
}

/* weight(inputs) gives each number of the weights: inputs are those of one output, or undefined for what is no product. */
export function modelOf({ input = [32, 32, 3], layers, labels, notes = '', fit = fitCrop, background = [0, 0, 0],
    mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25], temperature = 1, weight = random(1) }) {
    const shapes = [input], nodes = [], weights = [];
    layers.forEach((layer, i) => {
        const from = shapes[layer.from ?? i];
        nodes.push(node(layer, layer.from ?? i));
        shapes.push(shapeBehind(layer, from));
        const numbers = [], c = from[2], depthwise = layer.kind === 'depthwise', { kernel = [1, 1] } = layer;
        const channels = depthwise ? c : layer.channels ?? 0, inputs = kernel[0] * kernel[1] * (depthwise ? 1 : c);
        for (let k = 0; (depthwise || layer.kind === 'conv2d' || layer.kind === 'dense') && k < inputs * channels + (layer.bias ? channels : 0); k++)
            numbers.push(weight(k < inputs * channels ? inputs : undefined));
        for (let k = 0; layer.kind === 'batchnorm' && k < 4 * c; k++) /* scale, shift, mean; variance, which is not below 0 */
            numbers.push(k < 3 * c ? weight() : 0.002 + Math.abs(weight()));
        weights.push(padded(Buffer.from(Float32Array.from(numbers).buffer)));
    });

    const header = Buffer.alloc(64);
    Buffer.from([0x89, 0x45, 0x59, 0x4c, 0x0d, 0x0a, 0x1a, 0x0a]).copy(header);
    header.writeUInt32LE(1, 8);
    input.forEach((side, i) => header.writeUInt16LE(side, 12 + 2 * i));
    header[18] = fit;
    header.set(background, 20);
    for (let i = 0; i < 3; i++) {
        header.writeFloatLE(mean[i], 24 + 4 * i);
        header.writeFloatLE(std[i], 36 + 4 * i);
    }
    header.writeFloatLE(temperature, 48);
    header.writeUInt16LE(nodes.length, 52);
    header.writeUInt16LE(Buffer.byteLength(notes), 54);

    labels ??= Array.from({ length: shapes.at(-1)[2] }, (_, i) => `class ${i}`);
    const texts = labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)]));
    const head = padded(Buffer.concat([header, ...nodes, ...texts, Buffer.from(notes)]));
    const body = Buffer.concat([head, ...weights]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32(body));
    return Buffer.concat([body, sum]);
}

function shapeBehind({ kind, kernel, stride = 1, same, channels }, [h, w, c]) {
    const count = (side, window) => same ? Math.ceil(side / stride) : Math.floor((side - window) / stride) + 1;
    if (kernel)
        return [count(h, kernel[0]), count(w, kernel[1]), channels ?? c];
    return kind === 'global_avgpool' ? [1, 1, c] : kind === 'flatten' ? [1, 1, h * w * c] : [h, w, channels ?? c];
}

function node({ kind, kernel = [0, 0], stride = kernel[0] && 1, same, bias, channels = 0, and = 0, rate = 0 }, from) {
    const bytes = Buffer.alloc(16);
    bytes.set([kinds.indexOf(kind), ...kernel, stride, (same ? 1 : 0) | (bias ? 2 : 0)]);
    bytes.writeUInt16LE(channels, 6);
    bytes.writeUInt16LE(from, 8);
    bytes.writeUInt16LE(and, 10);
    bytes.writeFloatLE(rate, 12);
    return bytes;
}

/* Weights that keep numbers at their size from layer to layer; others between -1 and 1. */
export function random(seed) {
    let state = seed;
    return (inputs = 3) => {
        state = Math.imul(state, 1664525) + 1013904223 | 0;
        return ((state >>> 8) / 2 ** 23 - 1) * Math.sqrt(3 / inputs);
    };
}

function padded(bytes) {
    return Buffer.concat([bytes, Buffer.alloc((64 - bytes.length % 64) % 64)]);
}

export function crc32(bytes) {
    let sum = 0xffffffff;
    for (const byte of bytes) {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit++)
            sum = sum >>> 1 ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum >>> 0;
}
