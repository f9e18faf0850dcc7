/* Writes model files, from their description in core/net/model.h alone, for tests that need no trained ones.
 *
 *     tinyModel()                                   // 32 x 32 x 3, the mean colour through one dense layer, ten classes
 *     tinyModel({ labels: ['yes', 'no'], notes: 'name: Two\n' })
 *     modelOf({ input: [9, 8, 3], layers: [
 *         { kind: 'conv2d', channels: 4, kernel: [3, 2], stride: 2, same: true, bias: true }, // or padding: [1, 0, 2, 1], dilation, groups
 *         { kind: 'tanh', from: 1 },                // reads tensor 1, the output of the first layer; default: the one before
 *         { kind: 'add', and: 1 }, { kind: 'flatten' }, { kind: 'dense', channels: 5 }, { kind: 'softmax' }] })
 */
import { kinds } from './kinds.js';
import { modelFormat, put } from './model_format.js';

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const fitCrop = 1;

export function tinyModel({ labels = classes, notes = 'name: Tiny\nnetwork: mean colour\naccuracy: none\n', weight } = {}) {
    let i = 0;
    return modelOf({ labels, notes, weight: () => weight ?? Math.sin(++i),
        layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: labels.length, bias: true }, { kind: 'softmax' }] });
}

/* weight(inputs) gives each number of the weights: inputs are those of one output, or undefined for what is no product.
 * examples: { classes, side, embeddings }: of each picture that was taught its class and its embedding; the side of the thumbnails. */
export function modelOf({ input = [32, 32, 3], layers, labels, notes = '', fit = fitCrop, background = [0, 0, 0],
    mean = [0.5, 0.5, 0.5], std = [0.25, 0.25, 0.25], temperature = 1, embedding = 0, weight = random(1), examples = {} }) {
    const shapes = [input], nodes = [], weights = [];
    layers.forEach((layer, i) => {
        const from = shapes[layer.from ?? i];
        nodes.push(node(layer, layer.from ?? i));
        shapes.push(shapeBehind(layer, from, shapes[layer.and]));
        const numbers = [], c = from[2], depthwise = layer.kind === 'depthwise', { kernel = [1, 1], groups = 1 } = layer;
        const channels = depthwise ? c : layer.channels ?? 0, inputs = kernel[0] * kernel[1] * (depthwise ? 1 : c / groups);
        for (let k = 0; (depthwise || layer.kind === 'conv2d' || layer.kind === 'dense') && k < inputs * channels + (layer.bias ? channels : 0); k++)
            numbers.push(weight(k < inputs * channels ? inputs : undefined));
        for (let k = 0; layer.kind === 'batchnorm' && k < 4 * c; k++) /* scale, shift, mean; variance, which is not below 0 */
            numbers.push(k < 3 * c ? weight() : 0.002 + Math.abs(weight()));
        for (let k = 0; layer.kind === 'prelu' && k < c; k++) /* slopes */
            numbers.push(weight());
        weights.push(padded(Buffer.from(Float32Array.from(numbers).buffer)));
    });

    const { header: fields } = modelFormat, header = Buffer.alloc(fields.recordBytes);
    const set = (name, value) => put(header, fields, name, value);
    set('magic', [0x89, 0x45, 0x59, 0x4c, 0x0d, 0x0a, 0x1a, 0x0a]);
    set('version', 2);
    ['input height', 'input width', 'input channels'].forEach((name, i) => set(name, input[i]));
    set('resize mode', fit);
    set('background', background);
    set('mean', mean);
    set('std', std);
    set('temperature', temperature);
    set('node count', nodes.length);
    set('embedding', embedding);
    set('notes length', Buffer.byteLength(notes));
    const { classes: taught = [], side = 0, embeddings = [] } = examples;
    set('example count', taught.length);
    set('thumbnail side', side);
    set('example embeddings', embeddings.length ? 1 : 0);
    const sections = [new Uint16Array(taught), new Uint8Array(taught.length * 3 * side ** 2).fill(128), new Float32Array(embeddings.flat())];

    labels ??= Array.from({ length: shapes.at(-1)[2] }, (_, i) => `class ${i}`);
    const texts = labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)]));
    const head = padded(Buffer.concat([header, ...nodes, ...texts, Buffer.from(notes)]));
    return sealed(Buffer.concat([head, ...weights, ...sections.map(({ buffer }) => padded(Buffer.from(buffer))), Buffer.alloc(4)]));
}

/* A file with its checksum made right, behind a change. */
export function sealed(bytes) {
    bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
    return bytes;
}

function shapeBehind({ kind, kernel, stride = 1, same, channels, padding: [top, left, bottom, right] = [0, 0, 0, 0], dilation = 1 }, [h, w, c], second) {
    const count = (side, window) => same ? Math.ceil(side / stride) : Math.floor((side - (window - 1) * dilation - 1) / stride) + 1;
    if (kernel)
        return [count(h + top + bottom, kernel[0]), count(w + left + right, kernel[1]), channels ?? c];
    if (kind === 'concat')
        return [h, w, c + second[2]];
    return kind === 'global_avgpool' ? [1, 1, c] : kind === 'flatten' ? [1, 1, h * w * c] : [h, w, channels ?? c];
}

function node(layer, from) {
    const { node: fields } = modelFormat, bytes = Buffer.alloc(fields.recordBytes), conv = layer.kind === 'conv2d' ? 1 : 0;
    const { kind, kernel = [0, 0], padding = [0, 0, 0, 0], and = 0, rate = 0, first = 0, countPadding } = layer;
    const { stride = kernel[0] && 1, same, bias, channels = 0, dilation = conv, groups = conv } = layer;
    const set = (name, value) => put(bytes, fields, name, value);
    set('kind', kinds.indexOf(kind));
    set('same', same ? 1 : 0);
    set('bias', bias ? 1 : 0);
    set('kernel height', kernel[0]);
    set('kernel width', kernel[1]);
    set('stride', stride);
    set('dilation', dilation);
    set('count padding', countPadding ? 1 : 0);
    set('padding', padding);
    set('groups', groups);
    set('channels', channels);
    set('inputs', [from, and]);
    set('number', rate);
    set('first', first);
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
