/* Models of TensorFlow.js and Teachable Machine: imported, they compute what TensorFlow.js computes, on the same pixels. Small models are
 * made and saved by TensorFlow.js itself; the published ones (backbones in data/ or ../shared/data) are read where they are. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { comparedWith, noise } from '../support/same_as_tensorflow.js';
import { photoPixels } from '../support/photo_pixels.js';
import { dataFile, folder, photoSet } from '../support/program.js';
import { artifactsIn, filesOf, loadTensorFlow } from '../support/tfjs_files.js';
import { random } from '../support/tiny_model.js';

const tf = await loadTensorFlow();
const skip = tf ? false : 'NOT COMPARED: @tensorflow/tfjs-layers is not installed (npm install)';

const compared = (path, model, images, options) => comparedWith(tf, path, model, images, options);

/* ---- The same numbers ---- */

/* Random weights, of a size that keeps values in the range where activations bend; variances above 0. */
function randomize(model, seed = 1) {
    const next = random(seed);
    for (const layer of model.layers) {
        if (layer.layers)
            randomize(layer, ++seed);
        else if (layer.weights.length)
            layer.setWeights(layer.weights.map(({ name, shape }) => {
                const inputs = Math.max(1, shape.slice(0, -1).reduce((a, b) => a * b, 1)), count = inputs * (shape.at(-1) ?? 1);
                const values = Float32Array.from({ length: count }, () => name.includes('variance') ? 0.5 + Math.abs(next()) :
                    shape.length > 1 && !name.includes('alpha') ? 2 * next() / Math.sqrt(inputs) : 0.5 * next());
                return tf.tensor(values, shape);
            }));
    }
    return model;
}

async function saved(model) {
    let artifacts;
    await model.save(tf.io.withSaveHandler(async (all) => {
        artifacts = all;
        return { modelArtifactsInfo: {} };
    }));
    return artifacts;
}

const pictures = (side = 12, count = 3) => Array.from({ length: count }, (_, i) => noise(side, side, i + 1));

const { layers: l } = tf ?? {};
const input = (shape = [12, 12, 3]) => tf.input({ shape });
const head = (x) => l.dense({ units: 5 }).apply(x.rank === 2 ? x : l.flatten().apply(x));
/* A model that is one layer behind a convolution, and in front of a dense one. */
function around(layer) {
    const x = input(), y = l.conv2d({ filters: 6, kernelSize: 3 }).apply(x);
    return tf.model({ inputs: x, outputs: head(layer.apply(y)) });
}

const single = () => ({
    'conv2d same, strided, relu': l.conv2d({ filters: 7, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
    'conv2d valid, kernel 2x3, no bias': l.conv2d({ filters: 4, kernelSize: [2, 3], useBias: false }),
    'conv2d dilated, relu6': l.conv2d({ filters: 4, kernelSize: 3, dilationRate: 2, activation: 'relu6' }),
    'depthwise same, tanh': l.depthwiseConv2d({ kernelSize: 3, padding: 'same', activation: 'tanh' }),
    'depthwise strided, multiplier 2': l.depthwiseConv2d({ kernelSize: 3, strides: 2, depthMultiplier: 2 }),
    'separable, sigmoid': l.separableConv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'sigmoid' }),
    'separable strided, no bias': l.separableConv2d({ filters: 5, kernelSize: 3, strides: 2, depthMultiplier: 2, useBias: false }),
    'batch norm': l.batchNormalization({ epsilon: 0.01 }),
    'batch norm without scale and shift': l.batchNormalization({ center: false, scale: false }),
    relu: l.reLU(), 'relu to 6': l.reLU({ maxValue: 6 }), 'leaky relu': l.leakyReLU({ alpha: 0.2 }),
    'prelu, a slope a channel': l.prelu({ sharedAxes: [1, 2] }),
    'activation tanh': l.activation({ activation: 'tanh' }), 'activation hardSigmoid': l.activation({ activation: 'hardSigmoid' }),
    'activation swish': l.activation({ activation: 'swish' }), 'activation gelu_new': l.activation({ activation: 'gelu_new' }),
    'activation linear': l.activation({ activation: 'linear' }),
    dropout: l.dropout({ rate: 0.5 }), 'gaussian noise': l.gaussianNoise({ stddev: 1 }), 'gaussian dropout': l.gaussianDropout({ rate: 0.5 }),
    'alpha dropout': l.alphaDropout({ rate: 0.5 }),
    'max pool': l.maxPooling2d({ poolSize: 2 }), 'max pool same, 3 by 2': l.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    'average pool': l.averagePooling2d({ poolSize: 2 }), 'average pool same': l.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
    'zero padding, then nothing of it': l.zeroPadding2d({ padding: 0 }),
    permute: l.permute({ dims: [2, 1, 3] }), reshape: l.reshape({ targetShape: [5, 20, 6] }),
});
/* What makes a vector, with a dense layer behind it. */
const vectors = () => ({ flatten: l.flatten(), 'global max pool': l.globalMaxPooling2d({}), 'global average pool': l.globalAveragePooling2d({}) });

test('each layer computes what TensorFlow.js computes', { skip }, async (t) => {
    for (const [name, layer] of Object.entries({ ...single(), ...vectors() }))
        await t.test(name, async () => {
            const model = randomize(around(layer));
            await compared(folder(filesOf(await saved(model))), model, pictures(), { more: ['--preprocess', 'tf'] });
        });
});

const several = () => {
    const forked = (join, count = 2) => {
        const x = input(), branches = Array.from({ length: count }, () => l.conv2d({ filters: 6, kernelSize: 3, activation: 'tanh' }).apply(x));
        return tf.model({ inputs: x, outputs: head(join.apply(branches)) });
    };
    const squeeze = () => {
        const x = input(), y = l.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }).apply(x);
        const gate = l.conv2d({ filters: 8, kernelSize: 1, activation: 'hardSigmoid' }).apply(l.reshape({ targetShape: [1, 1, 8] }).apply(l.globalAveragePooling2d({}).apply(y)));
        return tf.model({ inputs: x, outputs: head(l.multiply().apply([y, gate])) });
    };
    const padded = () => {
        const x = input(), y = l.zeroPadding2d({ padding: [[0, 1], [0, 1]] }).apply(x);
        return tf.model({ inputs: x, outputs: head(l.conv2d({ filters: 4, kernelSize: 3, strides: 2 }).apply(y)) });
    };
    const shared = () => {
        const x = input(), twice = l.conv2d({ filters: 3, kernelSize: 3, padding: 'same', activation: 'tanh' });
        return tf.model({ inputs: x, outputs: head(twice.apply(twice.apply(x))) });
    };
    const nested = () => {
        const inner = tf.sequential({ layers: [l.conv2d({ filters: 4, kernelSize: 3, inputShape: [10, 10, 3], activation: 'relu' }), l.maxPooling2d({ poolSize: 2 })] });
        const x = input(), middle = tf.input({ shape: [10, 10, 3] });
        const block = tf.model({ inputs: middle, outputs: l.globalAveragePooling2d({}).apply(inner.apply(middle)) });
        return tf.model({ inputs: x, outputs: l.dense({ units: 5 }).apply(block.apply(l.conv2d({ filters: 3, kernelSize: 3 }).apply(x))) });
    };
    const teachable = () => tf.sequential({ layers: [
        tf.sequential({ layers: [l.conv2d({ filters: 6, kernelSize: 3, inputShape: [12, 12, 3] }), l.globalAveragePooling2d({})] }),
        tf.sequential({ layers: [l.dense({ units: 9, inputShape: [6], activation: 'relu' }), l.dense({ units: 5, useBias: false })] })] });
    return { add: forked(l.add()), 'add of three': forked(l.add(), 3), multiply: forked(l.multiply()), average: forked(l.average(), 3),
        concatenate: forked(l.concatenate(), 3), 'squeeze and excite': squeeze(), 'zero padding before a convolution': padded(),
        'a layer called twice': shared(), 'models within models': nested(), 'the layout of Teachable Machine': teachable() };
};

test('models of several layers compute what TensorFlow.js computes', { skip }, async (t) => {
    for (const [name, model] of Object.entries(several()))
        await t.test(name, async () => {
            randomize(model);
            await compared(folder(filesOf(await saved(model))), model, pictures(), { more: ['--preprocess', 'tf'] });
        });
});

/* ---- Weights ---- */

/* Artifacts with their weights quantised to `dtype`, as tensorflowjs_converter --quantize_* writes them. */
function quantised({ weightSpecs, weightData, ...rest }, dtype) {
    const bytes = [], max = { uint8: 255, uint16: 65535 }[dtype];
    let at = 0;
    const specs = weightSpecs.map((spec) => {
        const count = spec.shape.reduce((a, b) => a * b, 1), values = new Float32Array(weightData.slice(at, at += 4 * count));
        if (dtype === 'float16') {
            bytes.push(Uint16Array.from(values, half));
            return { ...spec, quantization: { dtype, original_dtype: 'float32' } };
        }
        const min = Math.min(...values), scale = (Math.max(...values) - min) / max || 1;
        bytes.push((dtype === 'uint8' ? Uint8Array : Uint16Array).from(values, (x) => Math.round((x - min) / scale)));
        return { ...spec, quantization: { dtype, min, scale, original_dtype: 'float32' } };
    });
    const joined = Buffer.concat(bytes.map(({ buffer }) => Buffer.from(buffer)));
    return { ...rest, weightSpecs: specs, weightData: new Uint8Array(joined).buffer };
}

/* The float16 below a float32 of usual size in magnitude: its bits without the last 13. */
function half(x) {
    const [bits] = new Uint32Array(Float32Array.of(x).buffer), exponent = (bits >>> 23 & 255) - 112;
    return bits >>> 16 & 0x8000 | (exponent > 0 ? exponent << 10 | bits >>> 13 & 1023 : 0);
}

test('weights that were quantised, and weights in shards of odd sizes', { skip }, async (t) => {
    const artifacts = await saved(randomize(several()['squeeze and excite']));
    for (const dtype of ['uint8', 'uint16', 'float16'])
        await t.test(dtype, async () => {
            const less = quantised(artifacts, dtype), model = await tf.loadLayersModel(tf.io.fromMemory(less));
            await compared(folder(filesOf(less, { shard: 501 })), model, pictures(), { more: ['--preprocess', 'tf'] });
        });
});

test('weights that no layer has are passed over; so is the state of an optimizer', { skip }, async () => {
    const model = randomize(around(l.reLU())), artifacts = await saved(model);
    const weightSpecs = [{ name: 'other/kernel', shape: [3], dtype: 'float32' }, ...artifacts.weightSpecs, { name: 'Adam/m', shape: [2], dtype: 'float32', group: 'optimizer' },
        { name: 'step', shape: [], dtype: 'int32' }, { name: 'words', shape: [2], dtype: 'string' }];
    const weightData = new Uint8Array(Buffer.concat([Buffer.alloc(12), Buffer.from(artifacts.weightData), Buffer.alloc(8), Buffer.alloc(4),
        Buffer.from([2, 0, 0, 0, 65, 66, 1, 0, 0, 0, 67])])).buffer;
    await compared(folder(filesOf({ ...artifacts, weightSpecs, weightData })), model, pictures(), { more: ['--preprocess', 'tf'] });
});

/* ---- What Keras writes and TensorFlow.js does not ---- */

test('the names, shapes and settings of Keras', { skip }, async (t) => {
    const model = randomize(several()['models within models']), artifacts = await saved(model);
    const change = (text, by) => {
        const json = JSON.stringify(artifacts.modelTopology);
        assert.ok(json.match(text), `${text} is not in ${json}`);
        return { ...artifacts, modelTopology: JSON.parse(json.replaceAll(text, by)) };
    };
    const cases = {
        'model_config around the model': { ...artifacts, modelTopology: { keras_version: '2.15.0', backend: 'tensorflow', model_config: artifacts.modelTopology } },
        'Functional, not Model': change(/"class_name":"(Model|Functional)"/g, '"class_name":"Functional"'),
        'batch_shape, as of Keras 3': change(/"batch_input_shape"/g, '"batch_shape"'),
        'a shape as a tuple': change(/"batch_input_shape":(\[[^\]]*\])/g, '"batch_input_shape":{"class_name":"__tuple__","items":$1}'),
        'an activation as a function of Keras 3': change(/"activation":"relu"/g, '"activation":{"module":"builtins","class_name":"function","config":"relu"}'),
        'calls of models counted from 0': change(/\[\["(model|sequential)[^"]*",1,0/g, (text) => text.replace(',1,0', ',0,0')),
    };
    for (const [name, changed] of Object.entries(cases))
        await t.test(name, () => compared(folder(filesOf(changed)), model, pictures(), { more: ['--preprocess', 'tf'] }));
});

test('a Rescaling at the front says how images come in', { skip }, async () => {
    const inner = randomize(several()['the layout of Teachable Machine']), x = tf.input({ shape: [12, 12, 3] });
    const model = tf.model({ inputs: x, outputs: inner.apply(l.rescaling({ scale: 1 / 127.5, offset: -1 }).apply(x)) });
    const said = await compared(folder(filesOf(await saved(model))), inner, pictures());
    assert.match(said, /RGB, mean 0\.5, std 0\.5, the largest centre, to 12x12\n +the network's own normalisation/);
});

/* ---- The published models, on photos ---- */

const photos = photoSet('photos-20'), teachable = dataFile('backbones/teachable-machine'), doodles = dataFile('backbones/tfjs-doodlenet');
const missing = skip || (!photos && 'NOT COMPARED: photos-20 is neither in data/ nor in ../shared/data/') ||
    ((!teachable || !doodles) && 'NOT COMPARED: backbones are neither in data/ nor in ../shared/data/');

/* The first photo of each class. */
function somePhotos() {
    return readdirSync(join(photos, 'test')).sort().slice(0, 20)
        .map((name) => join(photos, 'test', name, readdirSync(join(photos, 'test', name)).sort()[0]));
}

test('a Teachable Machine export classifies 20 photos as TensorFlow.js does', { skip: missing }, async () => {
    const model = await tf.loadLayersModel(tf.io.fromMemory(artifactsIn(teachable)));
    const files = somePhotos();
    assert.equal(files.length, 20);
    const said = await compared(teachable, model, photoPixels(files, 224), { probabilities: true, tolerance: 1e-4 });
    assert.match(said, /Teachable Machine, TensorFlow\.js layers model, by @teachablemachine\/image 0\.8\.4-alpha2/);
    assert.match(said, /classes +5: 노마스크, 마스크, 가위, 바위, 보\n +metadata\.json/);
    assert.match(said, /RGB, mean 0\.5, std 0\.5, the largest centre, to 224x224\n +metadata\.json \(Teachable Machine\)/);
});

test('DoodleNet classifies 20 photos, grey and small, as TensorFlow.js does', { skip: missing }, async () => {
    const model = await tf.loadLayersModel(tf.io.fromMemory(artifactsIn(doodles)));
    const said = await compared(doodles, model, photoPixels(somePhotos(), 28), { channels: 1, probabilities: true, tolerance: 1e-4,
        more: ['--preprocess', 'tf'] });
    assert.match(said, /classes +345: flashlight, belt, [^\n]*\n +class_names\.txt/);
});
