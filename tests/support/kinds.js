/* The kinds of layers as core/net/kinds.h numbers them, so that a new one takes part in every test that goes through this list.
 *
 *     kinds[1]                                   // 'conv2d': the number that models store, to the name
 *     modelOf({ layers: layersWith('tanh') })    // a network with that layer, for tiny_model.js
 *     textWith('tanh')                           // the same in the network language
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const header = readFileSync(new URL('../../core/net/kinds.h', import.meta.url), 'utf8');
const [, list] = header.match(/enum node_kind \{([^}]*)\}/);

export const kinds = [];
for (const [, name, number] of list.matchAll(/\bNODE_([A-Z0-9_]+) = (\d+)/g))
    kinds[number] = name.toLowerCase();
assert.ok(kinds.length > 17);

export const everyKind = kinds.filter(Boolean);

/* What a layer needs beside its kind. */
const settings = {
    conv2d: { channels: 6, kernel: [3, 2], stride: 2, same: true, bias: true },
    depthwise: { kernel: [2, 3], same: true, bias: true },
    maxpool: { kernel: [2, 2], stride: 2 },
    avgpool: { kernel: [3, 3], stride: 2, same: true },
    dense: { channels: 6, bias: true },
    dropout: { rate: 0.5 },
    scale: { rate: 0.75 },
    add: { and: 1 },
    multiply: { and: 1 },
    leaky_relu: { rate: 0.125 },
    concat: { and: 1 },
    slice: { first: 1, channels: 2 },
    shuffle: { groups: 2 },
};
const text = {
    conv2d: 'conv2d 6 3x2 stride 2 same',
    depthwise: 'depthwise 2x3 same',
    maxpool: 'maxpool 2',
    avgpool: 'avgpool 3 stride 2 same',
    dense: 'dense 6',
    dropout: 'dropout 0.5',
    scale: 'scale 0.75',
    add: 'add a',
    multiply: 'multiply a',
    leaky_relu: 'leaky_relu 0.125',
    concat: 'concat a',
    slice: 'slice 1 2',
    shuffle: 'shuffle 2',
};
/* Layers between the first convolution and this one. */
const before = { dense: ['global_avgpool'], add: ['tanh'], multiply: ['tanh'], concat: ['tanh'] };

export function layersWith(kind, classes = 10) {
    const middle = kind === 'softmax' ? [] : [...(before[kind] ?? []).map((other) => ({ kind: other })), { kind, ...settings[kind] }];
    return [{ kind: 'conv2d', channels: 4, kernel: [3, 3], bias: true }, ...middle, { kind: 'flatten' },
        { kind: 'dense', channels: classes, bias: true }, { kind: 'softmax' }];
}

export function textWith(kind) {
    const middle = kind === 'softmax' ? [] : [...before[kind] ?? [], text[kind] ?? kind];
    return ['a: conv2d 4 3x3', ...middle, 'flatten', 'dense classes', 'softmax', ''].join('\n');
}
