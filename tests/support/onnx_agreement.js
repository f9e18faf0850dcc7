/* Imports ONNX files that a test makes (onnx_builder.js), and compares the network with ONNX Runtime.
 *
 *     await agrees(network([node('Tanh', ['c'], ['m'])]));
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadClassifier } from '../../web/node.js';
import { node, onnxModel, tensor, value } from './onnx_builder.js';
import { eyelet, folder, succeeded } from './program.js';
import { random } from './tiny_model.js';

const ort = await import('onnxruntime-web').catch(() => null);
export const skip = ort ? false : 'NOT CHECKED: onnxruntime-web is not installed (npm install)';
if (ort) {
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
}

/* Files by their names, or the bytes of m.onnx; with the model that comes of it, what was printed, and the folder. */
export async function imported(files, ...options) {
    const here = folder(Buffer.isBuffer(files) ? { 'm.onnx': files } : files);
    const { stdout } = succeeded(await eyelet(['import', 'm.onnx', '-o', 'm.eyelet', ...options], { cwd: here }));
    return { model: readFileSync(join(here, 'm.eyelet')), stdout, here };
}

/* A brighter half, and noise. */
export function picture(height, width, seed) {
    const next = random(seed), data = new Uint8ClampedArray(4 * width * height);
    for (let i = 0; i < data.length; i++)
        data[i] = i % 4 === 3 ? 255 : 128 + 100 * next() + (i < data.length / 2 ? 40 : -40);
    return { data, width, height };
}

const softmax = (logits) => {
    const e = logits.map((x) => Math.exp(x - Math.max(...logits))), sum = e.reduce((a, b) => a + b, 0);
    return e.map((x) => x / sum);
};
export const farthest = (a, b) => a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i])), 0);

/* The model's scores and ONNX Runtime's, for pictures of numbers from 0 to 1; `last`: channels last. */
export async function agrees(files, { h = 8, w = 8, last = false, probabilities = false, tolerance = 1e-5, bytes: asBytes = false } = {}) {
    const bytes = Buffer.isBuffer(files) ? files : files['m.onnx'];
    const { model, stdout } = await imported(files, ...asBytes ? [] : ['--preprocess', 'unit,resize=stretch']);
    const external = Object.entries(files).filter(([name]) => !Buffer.isBuffer(files) && name !== 'm.onnx').map(([path, data]) => ({ path, data }));
    const session = await ort.InferenceSession.create(bytes, { externalData: external }), classifier = await loadClassifier({ model });
    const seen = [];
    for (const one of [1, 2, 3].map((seed) => picture(h, w, seed))) {
        const area = h * w, input = asBytes ? new Uint8Array(3 * area) : new Float32Array(3 * area);
        for (let i = 0; i < 3 * area; i++) {
            const [pixel, c] = last ? [Math.floor(i / 3), i % 3] : [i % area, Math.floor(i / area)];
            input[i] = one.data[4 * pixel + c] / (asBytes ? 1 : 255);
        }
        const tensorOf = new ort.Tensor(asBytes ? 'uint8' : 'float32', input, last ? [1, h, w, 3] : [1, 3, h, w]);
        const result = await session.run({ [session.inputNames[0]]: tensorOf });
        const output = [...result[session.outputNames[0]].data], expected = probabilities ? output : softmax(output);
        const own = new Array(expected.length).fill(NaN);
        for (const { index, score } of classifier.classifySync(one, { topK: own.length }))
            own[index] = score;
        assert.ok(farthest(own, expected) <= tolerance, `${own} is not ${expected}`);
        seen.push(expected);
    }
    assert.ok(farthest(seen[0], seen[1]) > Math.min(100 * tolerance, 0.01), `the pictures look alike: ${seen.join(' / ')}`);
    classifier.close();
    await session.release();
    return stdout;
}

/* ---- Parts of networks ---- */

export const next = random(5);
export const weights = () => 0.5 * next();
export const statistics = (name, c) => [tensor(`${name}.scale`, [c], () => 1 + 0.3 * next()), tensor(`${name}.shift`, [c], () => 0.3 * next()),
    tensor(`${name}.mean`, [c], () => 0.3 * next()), tensor(`${name}.variance`, [c], () => 0.5 + Math.abs(next()))];
export const statisticNames = (name) => ['scale', 'shift', 'mean', 'variance'].map((part) => `${name}.${part}`);
export const shape = (name, values) => tensor(name, [values.length], values, { type: 'int64' });
export const number = (name, x) => tensor(name, [], [x]);
export const nchw = [value('image', ['batch', 3, 8, 8])];

/* A network with `middle` between a convolution "c" (4 channels, 8x8) and the classes: `middle` ends in "m", of this many channels. */
export function network(middle, { channels = 4, initializers = [], side = 8, tail = [], ...more } = {}) {
    return onnxModel({ inputs: nchw, outputs: [value('y', ['batch', 5])], ...more,
        initializers: [tensor('w', [4, 3, 3, 3], weights), tensor('b', [4], weights), tensor('v', [5, channels * side * side], () => 0.8 / side * next()), tensor('a', [5], weights), ...initializers],
        nodes: [node('Conv', ['image', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1], kernel_shape: [3, 3] }), ...middle,
            node('Flatten', ['m'], ['f'], { axis: 1 }), node('Gemm', ['f', 'v', 'a'], ['y'], { transB: 1 }), ...tail] });
}
export const through = (type, attributes = {}, inputs = []) => [node(type, ['c', ...inputs], ['m'], attributes)];
