/* eyelet import of ONNX files that it cannot read: operator and node are named, or what is damaged; nothing crashes, nothing is written. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { network, number, shape, statisticNames, statistics, through, weights } from '../support/onnx_agreement.js';
import { bytesField, elements, float, integerField, node, onnxModel, tensor, textField, value } from '../support/onnx_builder.js';
import { eyelet, folder, refused } from '../support/program.js';
import { random } from '../support/tiny_model.js';

async function refuses(files, reason, prepare = () => {}) {
    const here = folder(Buffer.isBuffer(files) ? { 'm.onnx': files } : files);
    prepare(here);
    const before = readdirSync(here).sort();
    refused(await eyelet(['import', 'm.onnx', '-o', 'm.eyelet'], { cwd: here }), { subject: 'm.onnx', reason });
    assert.deepEqual(readdirSync(here).sort(), before, 'something was written');
}

/* ---- Operators ---- */

const named = (type, attributes = {}, inputs = ['c'], domain = '') => [node(type, inputs, ['m'], attributes, { name: '/features/7/op', domain })];
const gelu = [node('Div', ['c', 'root'], ['t0']), node('Erf', ['t0'], ['t1']), node('Add', ['t1', 'one'], ['t2']), node('Mul', ['c', 't2'], ['t3']), node('Mul', ['t3', 'half'], ['m'], {}, { name: '/act/Mul_1' })];

const refusals = {
    'LRN': [named('LRN', { size: 5 }), /LRN "\/features\/7\/op": .*local response normalisation/],
    'LayerNormalization': [named('LayerNormalization'), /LayerNormalization "\/features\/7\/op": .*picture at hand/],
    'InstanceNormalization': [named('InstanceNormalization'), /InstanceNormalization "\/features\/7\/op": /],
    'DepthToSpace': [named('DepthToSpace', { blocksize: 2 }), /DepthToSpace "\/features\/7\/op": /],
    'ConvTranspose': [named('ConvTranspose'), /ConvTranspose "\/features\/7\/op": .*transposed/],
    'Resize': [named('Resize'), /Resize "\/features\/7\/op": /],
    'an operator nobody knows': [named('Frobnicate'), /Frobnicate "\/features\/7\/op": Eyelet has no layer/],
    'a function of the model\'s own': [named('Gelu', {}, ['c'], 'pkg.torch'), /Gelu "\/features\/7\/op": .*"pkg\.torch".*inlined/],
    'GELU by erf': [gelu, /GELU "\/act\/Mul_1": .*erf.*approximate='tanh'/, { initializers: [number('root', Math.SQRT2), number('one', 1), number('half', 0.5)] }],
    'Gelu of opset 20, by erf': [named('Gelu'), /Gelu "\/features\/7\/op": .*erf/, { opset: 20 }],
    'If': [named('If'), /If "\/features\/7\/op": .*control flow/],
    'weights that are computed': [named('Conv', {}, ['c', 'c']), /Conv "\/features\/7\/op": its weights .*computed from the picture/],
    'attention': [named('MatMul', {}, ['c', 'c']), /MatMul "\/features\/7\/op": .*two tensors/],
    'batch statistics': [named('BatchNormalization', { training_mode: 1 }, ['c', ...statisticNames('n')]), /BatchNormalization "\/features\/7\/op": .*statistics of the batch/, { initializers: statistics('n', 4) }],
    'dropout in training': [named('Dropout', {}, ['c', 'half', 'yes']), /Dropout "\/features\/7\/op": drops values at random/, { initializers: [number('half', 0.5), tensor('yes', [], [1], { type: 'bool' })] }],
    'a clip without bounds that mean anything': [named('Clip', {}, ['c', 'two', 'one']), /Clip "\/features\/7\/op": /, { initializers: [number('one', 1), number('two', 2)] }],
    'the mean over channels': [named('ReduceMean', { axes: [1] }), /ReduceMean "\/features\/7\/op": /, { opset: 13 }],
    'a cast to integers': [named('Cast', { to: 6 }), /Cast "\/features\/7\/op": .*int32/],
    'a mirrored border': [named('Pad', { mode: 'reflect' }, ['c', 'pads']), /Pad "\/features\/7\/op": .*mirrors/, { initializers: [shape('pads', [0, 0, 1, 1, 0, 0, 1, 1])] }],
    'strides of three dimensions': [named('MaxPool', { kernel_shape: [2, 2, 2] }), /MaxPool "\/features\/7\/op": its kernel_shape/],
};
for (const [name, [middle, reason, more]] of Object.entries(refusals))
    test(`${name} is refused by operator and node`, async () => { await refuses(network(middle, more), reason); });

test('an operator that does not lead to the scores does not matter', async () => {
    const here = folder({ 'm.onnx': network([...through('Relu'), node('LRN', ['c'], ['other'], { size: 3 })]) });
    assert.equal((await eyelet(['import', 'm.onnx', '-o', 'm.eyelet'], { cwd: here })).status, 0);
});

/* ---- Graphs ---- */

const relu = through('Relu');
test('opset, inputs and outputs that are none of a classifier', async () => {
    await refuses(network(relu, { opset: 6 }), /opset 6: export the model again with opset 7 or newer/);
    await refuses(network(relu, { inputs: [value('image', ['n', 3, 8, 8]), value('other', ['n', 4])] }), /two inputs or more, "image" and "other"/);
    await refuses(network(relu, { inputs: [] }), /no input/);
    await refuses(network(relu, { inputs: [value('image', ['n', 3, 8])] }), /input "image": has 3 dimensions/);
    await refuses(network(relu, { inputs: [value('image', ['n', 4, 8, 8])] }), /input "image": /);
    await refuses(network(relu, { outputs: [] }), /no output/);
    await refuses(network(relu, { tail: [node('Sigmoid', ['y'], ['s'])], outputs: [value('s', ['n', 5])] }), /output "s": ends in a sigmoid/);
    await refuses(network(relu, { tail: [node('Identity', ['w'], ['s'])], outputs: [value('s', [4, 3, 3, 3])] }), /does not depend on the picture/);
});

test('nodes in a circle, out of order, twice, without an operator', async () => {
    await refuses(network([node('Add', ['c', 'm'], ['m'])]), /Add "Add of c": reads "m", which no node before it makes/);
    await refuses(network([node('Relu', ['q'], ['m']), node('Relu', ['c'], ['q'])]), /reads "q", which no node before it makes/);
    await refuses(network([node('Relu', ['c'], ['m']), node('Relu', ['c'], ['m'])]), /graph "test": makes "m" twice/);
    await refuses(network([...relu, node('Relu', ['c'], ['w'])]), /graph "test": makes "w" twice/);
    await refuses(network([node('Relu', ['nowhere'], ['m'])]), /reads "nowhere"/);
    await refuses(network([node('Relu', [], ['m'])], {}), /lacks input 1/);
    await refuses(onnxModel({ inputs: [value('image', ['n', 3, 8, 8])], outputs: [value('y', ['n', 5])], more: [bytesField(1, textField(2, 'y'))] }), /has no operator/);
});

test('dimensions that are absurd', async () => {
    const huge = '9223372036854775807';
    await refuses(network(relu, { inputs: [value('image', ['n', 3, huge, huge])] }), /./);
    await refuses(network(relu, { inputs: [value('image', ['n', 3, 100000, 100000])] }), /./);
    for (const dims of [[huge, huge], [65536, 65536, 65536, 65536, 4], [-1, 4], [2147483647, 2], [1, 1, 1, 1, 1, 1, 1, 1, 1]]) {
        const bad = tensor('k', dims.map(() => 0), []).subarray(); /* of no elements, then of other dimensions */
        const named = Buffer.concat([...dims.map((dim) => integerField(1, dim)), bad.subarray(2 * dims.length)]);
        await refuses(network(named.length ? through('Conv', {}, ['k']) : [], { initializers: [named] }), /Conv "Conv of c": the initializer "k" has /);
    }
    await refuses(network(through('Conv', { strides: [0, 0] }, ['k']), { initializers: [tensor('k', [4, 4, 1, 1], weights)] }), /Conv "Conv of c": /);
    await refuses(network(through('Conv', { pads: [huge, 0, 0, 0] }, ['k']), { initializers: [tensor('k', [4, 4, 1, 1], weights)] }), /Conv "Conv of c": /);
    await refuses(network(through('Conv', { group: '-9223372036854775808' }, ['k']), { initializers: [tensor('k', [4, 4, 1, 1], weights)] }), /Conv "Conv of c": /);
    await refuses(network([node('Reshape', ['c', 's'], ['m'])], { initializers: [shape('s', [huge, huge])] }), /Reshape "Reshape of c": /);
    await refuses(network([node('Reshape', ['c', 's'], ['m'])], { initializers: [shape('s', [-1, -1])] }), /Reshape "Reshape of c": /);
    await refuses(network([node('Expand', ['k', 's'], ['e']), node('Add', ['c', 'e'], ['m'])], { initializers: [number('k', 1), shape('s', [60000, 60000])] }), /Expand "Expand of k": .*more than 33,554,432 elements/);
    await refuses(network([node('Expand', ['k', 's'], ['e']), node('Add', ['c', 'e'], ['m'])], { initializers: [number('k', 1), shape('s', [8193, 4096])] }), /Expand "Expand of k": .*more than 33,554,432 elements/);
    const many = Array.from({ length: 8 }, (_, i) => [node('Expand', ['k', 's'], [`e${i}`]), node('Add', [i ? `t${i - 1}` : 'k', `e${i}`], [`t${i}`])]).flat();
    await refuses(network([...many, node('Add', ['c', 't7'], ['m'])], { initializers: [number('k', 1), shape('s', [8000, 4000])] }), /(Expand|Add) ".*": .*512 MB do not hold all constants/);
    await refuses(network([node('Range', ['zero', 'end', 'none'], ['e']), node('Add', ['c', 'e'], ['m'])], { initializers: [number('zero', 0), number('end', 9), number('none', 0)] }), /Range "Range of zero": counts/);
    await refuses(network([node('Transpose', ['c'], ['m'], { perm: [0, 0, 1, 2] })]), /Transpose "Transpose of c": /);
});

/* ---- Files ---- */

const sound = network(relu);
test('cut short anywhere', async () => {
    for (let length = 0; length < sound.length; length += Math.ceil(sound.length / 23))
        await refuses(sound.subarray(0, length), /cut short|without a graph|no model|empty/);
});

test('bits turned anywhere: a model comes out, or an error', async () => {
    const next = random(11);
    for (let round = 0; round < 60; round++) {
        const bytes = Buffer.from(sound);
        for (let k = 0; k < 3; k++) /* where the structure is: nine tenths of the file are weights */
            bytes[Math.floor((next() + 1) / 2 * (round % 2 ? bytes.length : 500)) % bytes.length] ^= 1 << Math.floor((next() + 1) * 4) % 8;
        const here = folder({ 'm.onnx': bytes });
        const result = await eyelet(['import', 'm.onnx', '-o', 'm.eyelet'], { cwd: here });
        if (result.status)
            refused(result, { subject: 'm.onnx', reason: /./ });
        assert.doesNotMatch(result.stderr, /signal|trap|killed/, bytes.toString('base64'));
        assert.deepEqual(readdirSync(here).sort(), result.status ? ['m.onnx'] : ['m.eyelet', 'm.onnx']);
    }
});

test('deep nesting, and messages of nothing by the million', async () => {
    let deep = Buffer.alloc(0);
    for (let i = 0; i < 5000; i++) /* graphs in attributes of nodes of graphs */
        deep = bytesField(i % 3 === 0 ? 1 : i % 3 === 1 ? 5 : 6, deep);
    await refuses(Buffer.concat([integerField(1, 8), bytesField(7, deep), bytesField(8, integerField(2, 17))]), /./);
    const empty = Buffer.alloc(8 << 20);
    for (let i = 0; i < empty.length; i += 2)
        empty[i] = 0x0a; /* nodes */
    await refuses(Buffer.concat([integerField(1, 8), bytesField(7, empty)]), /take more than \d+ MB/);
});

test('external data: outside of the folder, not there, too short, no number', async () => {
    const external = (entries) => network(through('Conv', {}, ['k']), { initializers: [tensor('k', [4, 4, 1, 1], [], { as: entries })] });
    const data = elements(Array.from({ length: 16 }, () => 1));
    const outside = (here) => { mkdirSync(join(here, 'x')); writeFileSync(join(here, '../outside.bin'), data); symlinkSync('../outside.bin', join(here, 'link.bin')); };
    const at = /Conv "Conv of c": the initializer "k" (is|has|ends)/;
    for (const location of ['../outside.bin', 'x/../../outside.bin', '/etc/passwd', 'link.bin', '..\\outside.bin', ''])
        await refuses(external({ location }), at, outside);
    await refuses(external({ location: 'gone.bin' }), /the initializer "k" is in another file.*gone\.bin/);
    await refuses(external({ offset: 3 }), /does not name/);
    for (const entries of [{ offset: 1 }, { offset: 65 }, { offset: '18446744073709551615' }, { offset: '18446744073709551616' }, { length: 65 }, { length: 63 }, { offset: -1 }, { length: '1e3' }, { offset: 8, length: '18446744073709551612' }])
        await refuses({ 'm.onnx': external({ location: 'k.bin', ...entries }), 'k.bin': data }, at);
});

test('initializers whose numbers are more or fewer than their dimensions say, or of no known type', async () => {
    const conv = (initializer) => network(through('Conv', {}, ['k']), { initializers: [initializer] });
    const at = (more) => new RegExp(`Conv "Conv of c": the initializer "k" ${more}`);
    await refuses(conv(tensor('k', [4, 4, 1, 1], [1, 2, 3])), at('has 12 bytes, but its 16 elements'));
    await refuses(conv(tensor('k', [4, 4, 1, 1], [1, 2, 3], { as: 'list' })), at('has 3 elements'));
    await refuses(conv(Buffer.concat([tensor('k', [4, 4, 1, 1], weights), integerField(2, 17)])), at('has elements of float8'));
    await refuses(conv(Buffer.concat([tensor('k', [4, 4, 1, 1], weights), integerField(2, -5)])), at('has elements of an unknown'));
    await refuses(conv(tensor('k', [4, 4, 1, 1], () => 1, { type: 'int64' })), /Conv "Conv of c": its weights \(input 2\) are int64/);
    await refuses(conv(tensor('k', [4, 4, 1, 1], () => NaN)), /./);
    await refuses(network([node('Constant', [], ['k'], { value_string: 'x' }), ...through('Conv', {}, ['k'])]), /Constant "Constant of undefined": holds no numbers/);
    await refuses(network(through('LeakyRelu', { alpha: float(NaN) })), /LeakyRelu/);
});
