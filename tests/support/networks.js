/* Models with every kind of layer, by name: the shipped ones, the golden one, and made ones with random weights. */
import { readFileSync } from 'node:fs';

import { everyKind, layersWith } from './kinds.js';
import { modelOf, random } from './tiny_model.js';

const file = (path) => readFileSync(new URL(path, import.meta.url));
const normalisation = { mean: [0.4, 0.5, 0.45], std: [0.2, 0.3, 0.25] };

const end = [{ kind: 'dense', channels: 5, bias: true }, { kind: 'softmax' }];
const conv = (channels, kernel, more) => ({ kind: 'conv2d', channels, kernel, ...more });
const networks = {
    'windows of all kinds, then a flatten of several pixels': { input: [23, 18, 3], layers: [
        conv(6, [4, 3], { same: true, bias: true }), { kind: 'relu' },
        { kind: 'avgpool', kernel: [3, 2], stride: 2, same: true },      /* means at the border are over less pixels */
        conv(7, [3, 4], { stride: 2, same: true }), { kind: 'tanh' },
        conv(8, [2, 3], { bias: true }),
        { kind: 'maxpool', kernel: [2, 2], same: true },                 /* padded behind only */
        { kind: 'flatten' }, { kind: 'dense', channels: 12 }, { kind: 'sigmoid' }, ...end] },
    'windows that leave pixels over': { input: [20, 17, 3], layers: [
        conv(6, [2, 2], { stride: 3, same: true }), conv(6, [3, 3], { stride: 2, bias: true }), { kind: 'avgpool', kernel: [2, 1], stride: 2 },
        { kind: 'flatten' }, ...end] },
    'the largest of padded windows, all below zero': { input: [7, 8, 3], mean: [2, 2, 2], layers: [
        { kind: 'maxpool', kernel: [3, 3], stride: 2, same: true }, { kind: 'flatten' }, ...end] },
    'branches, batch normalisation, every activation': { input: [12, 11, 3], temperature: 1.75, layers: [
        conv(6, [3, 3], { same: true }), { kind: 'batchnorm' }, { kind: 'gelu' },
        conv(6, [3, 3], { same: true, bias: true }), { kind: 'dropout', rate: 0.5 }, { kind: 'add', and: 3 }, { kind: 'scale', rate: 0.75 },
        conv(8, [3, 3], { stride: 2 }), { kind: 'tanh' }, { kind: 'flatten' }, { kind: 'batchnorm' }, { kind: 'sigmoid' },
        { kind: 'dense', channels: 16 }, { kind: 'gelu' }, { kind: 'dropout', rate: 0.5 }, ...end] },
    'one pixel as an image and flat, by turns': { input: [6, 5, 3], layers: [
        conv(4, [3, 3], { stride: 2, same: true }), { kind: 'flatten' },                                   /* 2: flat */
        conv(9, [1, 1], { bias: true }), { kind: 'global_avgpool', from: 1 }, { kind: 'dense', channels: 9, bias: true }, /* 3: image, 5: flat */
        { kind: 'add', from: 3, and: 5 }, { kind: 'add', from: 5, and: 3 }, { kind: 'tanh' },
        { kind: 'maxpool', kernel: [2, 2], same: true }, { kind: 'add', and: 6 }, { kind: 'flatten' }, { kind: 'global_avgpool' },
        conv(5, [3, 3], { same: true, bias: true }), { kind: 'softmax' }] },
    'a filter for each channel, and what is cut at 6': { input: [11, 10, 3], layers: [
        conv(7, [1, 1], { bias: true }), { kind: 'scale', rate: 8 }, { kind: 'relu6' }, { kind: 'depthwise', kernel: [3, 2], stride: 2, same: true, bias: true },
        { kind: 'relu6' }, { kind: 'depthwise', kernel: [2, 3] }, { kind: 'flatten' }, ...end] },
    'squeeze and excitation, a shift for each channel': { input: [11, 10, 3], layers: [
        conv(6, [3, 3], { bias: true }), { kind: 'silu' }, { kind: 'global_avgpool' }, conv(3, [1, 1], { bias: true }), { kind: 'leaky_relu', rate: 0.25 },
        conv(6, [1, 1], { bias: true }), { kind: 'hardsigmoid' }, { kind: 'multiply', from: 2, and: 7 },  /* 8: images times (1, 1, 6) */
        { kind: 'prelu' }, { kind: 'maxpool', kernel: [4, 4], stride: 5 },                                /* which leaves pixels over */
        { kind: 'global_avgpool', from: 2 }, { kind: 'flatten' }, { kind: 'dense', channels: 6, bias: true }, { kind: 'prelu' },
        { kind: 'add', from: 10, and: 14 }, { kind: 'relu' }, { kind: 'multiply', and: 16 },              /* by itself, after a flat one */
        { kind: 'global_avgpool' }, { kind: 'multiply', and: 14 }, { kind: 'flatten' }, ...end] },
    'grey, with the mean of channels as logits': { input: [9, 8, 1], temperature: 0.5, layers: [
        conv(5, [3, 3], { bias: true }), { kind: 'global_avgpool' }, { kind: 'softmax' }] },
    'means that count padding, and others': { input: [11, 10, 3], layers: [
        { kind: 'avgpool', kernel: [3, 2], padding: [1, 0, 2, 1], countPadding: true }, conv(6, [3, 3], { same: true, bias: true }),
        { kind: 'avgpool', kernel: [3, 3], stride: 2, same: true, countPadding: true }, { kind: 'avgpool', kernel: [3, 3], padding: [1, 1, 1, 1] },
        { kind: 'flatten' }, ...end] },
    'channels joined, cut and shuffled, of images and of one pixel': { input: [9, 7, 3], layers: [
        conv(6, [3, 3], { same: true, bias: true }), { kind: 'shuffle', groups: 3 }, { kind: 'concat', and: 1 },           /* 12 channels */
        { kind: 'slice', first: 5, channels: 6 }, { kind: 'concat', and: 0 }, { kind: 'global_avgpool' },                    /* 9 */
        { kind: 'dense', channels: 4, bias: true }, { kind: 'concat', and: 6 }, { kind: 'slice', first: 1, channels: 10 },   /* flat, then 13, 10 */
        { kind: 'shuffle', groups: 5 }, { kind: 'concat', from: 6, and: 10 }, ...end] },
    'dropout before the softmax': { input: [4, 4, 3], layers: [
        { kind: 'flatten' }, { kind: 'dense', channels: 5, bias: true }, { kind: 'dropout', rate: 0.5 }, { kind: 'softmax' }] },
    'a pixel and its softmax': { input: [1, 1, 3], layers: [{ kind: 'softmax' }] },
    ...Object.fromEntries(everyKind.map((kind) => [`a layer of ${kind}`, { input: [9, 8, 3], layers: layersWith(kind) }])),
};
export const models = {
    'tutorial.eyelet': file('../../web/models/tutorial.eyelet'),
    'airbench95.eyelet': file('../../web/models/airbench95.eyelet'),
    'the golden model': file('../golden/model.eyelet'),
    ...Object.fromEntries(Object.entries(networks).map(([name, network], i) =>
        [name, modelOf({ ...normalisation, weight: random(i + 1), ...network })])),
};
