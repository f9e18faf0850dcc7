/* What of TensorFlow.js cannot be imported is named, and nothing is written; hostile files get an error, in bounded memory. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { filesOf, smallArtifacts } from '../support/tfjs_files.js';

async function refusedFor(files, reason, hint) {
    const here = folder(files), out = folder();
    refused(await eyelet(['import', here, '-o', join(out, 'm.eyelet')]), { reason, hint });
    assert.deepEqual(readdirSync(out), []);
}

const files = filesOf(smallArtifacts()), model = () => JSON.parse(files['model.json']);
const withModel = (change) => {
    const changed = model();
    change(changed);
    return { ...files, 'model.json': JSON.stringify(changed) };
};
const layersOf = ({ modelTopology }) => modelTopology.config.layers;
const between = (class_name, config) => withModel((m) => layersOf(m).splice(1, 0, { class_name, config: { name: 'it', ...config } }));
const before = (class_name, config) => withModel((m) => {
    const [first] = layersOf(m);
    layersOf(m).unshift({ class_name, config: { name: 'it', batch_input_shape: first.config.batch_input_shape, ...config } });
    delete first.config.batch_input_shape;
});
const weights = (change) => withModel(({ weightsManifest: [group] }) => change(group));

test('what cannot be imported is named with class and layer', async () => {
    for (const [content, reason] of [
        [between('LSTM', {}), /LSTM "it": layers of this class cannot be imported/],
        [between('my_package>Attention', {}), /my_package>Attention "it": layers of this class/],
        [between('Activation', { activation: 'elu' }), /Activation "it": its activation elu is none/],
        [between('Activation', { activation: 'gelu' }), /Activation "it": its activation gelu by the error function/],
        [between('Activation', { activation: 3 }), /Activation "it": its setting `activation` is not a name/],
        [between('ReLU', { threshold: 1 }), /ReLU "it": its threshold is 1/],
        [between('ReLU', { max_value: 6, negative_slope: 0.1 }), /ReLU "it": it has a slope below 0 and a max_value/],
        [before('Conv2D', {}), /Conv2D "it": its weights `kernel` are missing/],
        [before('MaxPooling2D', { pool_size: [2, 'x'] }), /MaxPooling2D "it": its setting `pool_size` is not one or two integers/],
        [before('MaxPooling2D', { padding: 'causal' }), /MaxPooling2D "it": its padding is causal/],
        [before('MaxPooling2D', { pool_size: 200 }), /MaxPooling2D "it": /],
        [before('ZeroPadding2D', { padding: [[1], [2]] }), /ZeroPadding2D "it": its setting `padding`/],
        [before('ZeroPadding2D', { padding: 2147483647 }), /ZeroPadding2D "it": /],
        [before('AveragePooling2D', { data_format: 'middle' }), /AveragePooling2D "it": its setting `data_format` is not channels_last/],
        [before('Reshape', { target_shape: [7, 7] }), /Reshape "it": /],
        [before('Reshape', { target_shape: [65536, 65536, 65536, 65536] }), /Reshape "it": /],
        [before('Permute', { dims: [1, 1, 1] }), /Permute "it": /],
        [before('Permute', { dims: [2, 1] }), /Permute "it": its setting `dims`/],
        [before('GlobalAveragePooling2D', { keepdims: 2 }), /GlobalAveragePooling2D "it": its setting `keepdims` is not true or false/],
        [before('Rescaling', { scale: 'much' }), /Rescaling "it": one of its settings is not a number/],
        [between('Add', {}), /Add "it": it has 1 inputs/],
    ])
        await refusedFor(content, reason);
});

test('labels of another number than the classes: both are said', async () => {
    await refusedFor({ ...files, 'metadata.json': '{"labels": ["a", "b", "c"]}' }, /metadata\.json has 3 labels, and the model has 2 classes/);
    await refusedFor({ ...files, 'metadata.json': '{"labels": ["a", 7]}' }, /label 2 in metadata\.json is no text/);
    await refusedFor({ ...files, 'metadata.json': '{"labels": [' }, /is no valid JSON/);
    await refusedFor({ ...files, 'metadata.json': '{"wordLabels": ["a", "b"]}' }, /model of sounds/, /image project/);
    await refusedFor({ ...files, 'metadata.json': '{"packageName": "@teachablemachine/pose"}' }, /model of poses/);
    const here = folder({ ...files, 'metadata.json': '{"labels": ["\\u001b[31mred", "\\u202egreen"]}' });
    const { stdout } = succeeded(await eyelet(['import', here, '-o', join(folder(), 'm.eyelet')]));
    assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f\u202e]/, 'labels are attacker text');
});

test('weights that are not all there, or too many, or of no known form', async () => {
    const short = files['weights.bin'].subarray(0, 385), long = Buffer.concat([files['weights.bin'], Buffer.alloc(4)]);
    for (const [content, reason, hint] of [
        [{ ...files, 'weights.bin': short }, /weights\.bin ends before the weights do: dense\/bias needs bytes up to 392, and there are 385/, /all of one export/],
        [{ ...files, 'weights.bin': Buffer.alloc(0) }, /weights\.bin ends before the weights do: dense\/kernel/],
        [{ ...files, 'weights.bin': long }, /the weights end at byte 392 of 396 of weights\.bin: it belongs to another model/],
        [withModel((m) => delete m.weightsManifest), /the model has no weights/],
        [weights((group) => { group.paths = []; }), /names no files/],
        [weights((group) => { group.paths = [7]; }), /a path that is no text/],
        [weights((group) => { group.weights[0].name = 'dense/bias'; group.weights[0].shape = [96]; }), /the weights have two called dense\/bias/],
        [weights((group) => { delete group.weights[0].name; }), /a weight in the manifest has no name/],
        [weights((group) => { group.weights[0].dtype = 'complex64'; }), /dense\/kernel: its dtype is none that can be read/],
        [weights((group) => { group.weights[0].quantization = { dtype: 'uint4', scale: 1, min: 0 }; }), /dense\/kernel: its quantization is none/],
        [weights((group) => { group.weights[0].quantization = { dtype: 'uint8', scale: '1' }; }), /dense\/kernel: its quantization has no numbers/],
        [weights((group) => { group.weights[0].shape = [-48, -2]; }), /dense\/kernel: its shape is no list/],
        [weights((group) => { group.weights[0].shape = [65536, 65536, 65536, 65536]; }), /dense\/kernel: its shape is no list/],
        [weights((group) => { group.weights[0].shape = [4294967296, 4294967296]; }), /dense\/kernel: its shape is no list/],
        [weights((group) => { group.weights[0].shape = [8192, 8192]; }), /needs bytes up to 268435456/],
        [weights((group) => { group.weights[0].shape = Array(9).fill(1); }), /dense\/kernel: its shape is no list of up to 8/],
        [weights((group) => { group.weights[0].shape = [2, 48]; }), /Dense "dense": /],
        [{ ...files, 'weights.bin': Buffer.from(Float32Array.from({ length: 98 }, () => NaN).buffer) }, /Dense "dense": /],
    ])
        await refusedFor(content, reason, hint);
});

test('inputs that are no images', async () => {
    const shaped = (shape) => withModel((m) => { layersOf(m)[0].config.batch_input_shape = shape; });
    for (const [content, reason] of [
        [shaped([null, 48]), /the model's input has 2 dimensions/], [shaped([null, null, null, 3]), /leaves its input's height and width open/],
        [shaped([null, 4, 4, 'x']), /a shape that is no list of sizes/], [shaped([null, 4, 4, 2]), /InputLayer/], [shaped([null, 1e9, 1e9, 3]), /InputLayer/],
        [shaped([null, -4, 4, 3]), /open/], [shaped(undefined), /does not say what shape its input has/], [shaped([null, 100000, 100000, 1]), /InputLayer/],
    ])
        await refusedFor(content, reason);
});

test('model.json that is damaged or hostile', async () => {
    const text = files['model.json'], deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const json = (content) => ({ ...files, 'model.json': content });
    for (const [content, reason] of [
        ...[10, 100, text.length - 2].map((length) => [json(text.slice(0, length)), /is no valid JSON, at byte \d+ of/]),
        [json(text.replace('{', '{{')), /is no valid JSON/], [json(`${text}x`), /is no valid JSON/], [json('<html>'), /is no valid JSON/], [json(''), /is no valid JSON/],
        [json(text.replace('"config":', `"deep": ${deep}, "config":`)), /nested more than 100 deep, at byte/],
        [json(`{"modelTopology": [${'1,'.repeat(1 << 20)}1]}`), /more than 1048576 values/],
        [json('{"modelTopology": "Sequential"}'), /it has no object `modelTopology`/], [json('[]'), /it has no object `modelTopology`/],
        [withModel((m) => { delete m.modelTopology.class_name; }), /a layer without a class/],
        [withModel((m) => { m.modelTopology.class_name = 'Dense'; }), /it is no Sequential or Functional model/],
        [withModel((m) => { layersOf(m)[1].config.name = 'x'.repeat(300); }), /a name of more than 255 bytes/],
        [withModel((m) => { layersOf(m).length = 0; }), /does not say what shape its input has/],
    ])
        await refusedFor(content, reason);
});

/* A Functional of the small model's layers. */
const functional = (change) => withModel((m) => {
    const layers = layersOf(m), at = (name) => [[[name, 0, 0, {}]]];
    const config = { name: 'f', layers: [
        { class_name: 'InputLayer', name: 'in', config: { name: 'in', batch_input_shape: [null, 4, 4, 3] }, inbound_nodes: [] },
        { ...layers[0], name: 'flatten', inbound_nodes: at('in') }, { ...layers[1], name: 'dense', inbound_nodes: at('flatten') }],
    input_layers: [['in', 0, 0]], output_layers: [['dense', 0, 0]] };
    m.modelTopology = { class_name: 'Functional', config };
    change(config);
});

test('models whose layers read what is not there, or one another', async () => {
    succeeded(await eyelet(['import', folder(functional(() => {})), '-o', join(folder(), 'm.eyelet')]));
    const reads = (reference) => functional(({ layers }) => { layers[1].inbound_nodes = reference; });
    const twice = functional(({ layers }) => {
        const inner = { class_name: 'Sequential', name: 'inner', config: { name: 'inner', layers: [] } };
        layers.push({ ...inner, inbound_nodes: [[['in', 0, 0]], [['in', 0, 0]]] });
    });
    for (const [content, reason] of [
        [reads([[['dense', 0, 0, {}]]]), /layers read one another/], [reads([[['flatten', 0, 0, {}]]]), /layers read one another/],
        [reads([[['nothing', 0, 0, {}]]]), /Flatten "flatten": it reads a layer nothing, which is not there/],
        [reads([[['in', 5, 0, {}]]]), /it reads call 5 of in, which has 1/], [reads([[['in', -1, 0, {}]]]), /is not said as \[layer, call, output\]/],
        [reads([[['in', 0, 1, {}]]]), /it reads output 1 of in/], [reads([[]]), /Flatten "flatten": it has no input/], [reads([]), /it reads call 0 of flatten, which has 0/],
        [reads([[7]]), /is not said as/], [reads(Array(65).fill([['in', 0, 0]])), /more than 64 calls/], [reads([Array(65).fill(['in', 0, 0])]), /more than 64 inputs/],
        [functional((config) => { config.output_layers = [['dense', 0, 0], ['flatten', 0, 0]]; }), /another number of outputs than one/],
        [functional((config) => { config.input_layers = []; }), /does not say what shape/],
        [functional((config) => { config.input_layers = [['dense', 0, 0]]; }), /./],
        [functional((config) => { config.layers.push(config.layers[2]); }), /two layers called dense/],
        [twice, /its model inner is called several times/],
    ])
        await refusedFor(content, reason);
});
