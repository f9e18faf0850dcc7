/* make bench-operators: runs the one-operator models of ONNX's own test suite (Debian's libonnx-testdata) that Eyelet
 * can import, and compares each with the output that stands beside it; lists the others by reason. Fails where a model
 * is imported and computes something else.
 *
 * A model is fitted to a picture: its first input becomes one, with dimensions of 1 before its own; all other inputs
 * become constants; behind the operator a product with the identity makes all values classes. Of a batch the first item
 * is looked at. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
    bytesField, integerField, node, shapeConstant, tensorOfBytes, textField, value,
} from '../support/onnx_builder.js';

const data = process.env.ONNX_TESTDATA ?? '/usr/share/libonnx-testdata/data', [program] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'eyelet-operators-'));
const maxClasses = 2048;
/* These are not in opset 7, the oldest that Eyelet reads, what they were in opset 6. */
const changed = /^(Add|Sub|Mul|Div|Pow|BatchNormalization|Dropout|Gemm|PRelu|And|Or|Equal|Less|Greater)$/;

/* Fields by number: integers, or bytes. */
function fields(bytes) {
    const found = {};
    let at = 0;
    const varint = () => {
        let x = 0n, shift = 0n, byte;
        do {
            byte = bytes[at++];
            x |= BigInt(byte & 0x7f) << shift;
            shift += 7n;
        } while (byte & 0x80);
        return Number(BigInt.asIntN(64, x));
    };
    while (at < bytes.length) {
        const key = varint(), wire = key & 7, fixed = wire === 5 ? 4 : wire === 1 ? 8 : 0;
        const length = wire === 2 ? varint() : fixed;
        (found[key >> 3] ??= []).push(wire === 0 ? varint() : bytes.subarray(at, at += length));
    }
    return found;
}

const text = (bytes) => bytes.toString('utf8');
const product = (dims) => dims.reduce((a, b) => a * b, 1);
const floats = (bytes) => new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));

/* float32 alone; values null: of another type. */
function readTensor(file) {
    const bytes = readFileSync(file), { 1: dims = [], 2: [type] = [], 4: list, 9: [raw] = [] } = fields(bytes);
    const numbers = raw ?? (list && Buffer.concat(list));
    return { bytes, dims, values: type === 1 && numbers ? floats(numbers) : null };
}

/* The model with its first input as a picture and `count` classes; or why that is not possible. */
function fitted(model, tensors, count) {
    const { 7: [graph], 8: opsets = [] } = fields(model), [first] = tensors;
    const { 1: nodes = [], 5: initializers = [], 11: inputs = [], 12: outputs = [] } = fields(graph);
    const names = inputs.map((input) => text(fields(input)[1][0]));
    if (!first?.values || outputs.length === 0 || names.length !== tensors.length)
        return { reason: 'its first input is no float32' };
    if (first.dims.length > 4 || product(first.dims) === 0)
        return { reason: 'its first input has more than four dimensions, or none' };
    const own = first.dims.length === 4 ? [1, ...first.dims.slice(1)] : first.dims;
    const dims = [...Array(4 - own.length).fill(1), ...own];
    if (dims[1] !== 1 && dims[1] !== 3)
        return { reason: 'its first input has neither 1 nor 3 channels' };
    const identity = new Float32Array(count * count);
    for (let i = 0; i < count; i++)
        identity[i * count + i] = 1;
    const constants = [
        ...initializers,
        ...tensors.slice(1).map(({ bytes }, i) => Buffer.concat([bytes, textField(8, names[i + 1])])),
        shapeConstant('its dims', own), shapeConstant('a row', [1, -1]),
        tensorOfBytes('identity', [count, count], Buffer.from(identity.buffer)),
    ];
    const all = [
        node('Reshape', ['the picture', 'its dims'], [names[0]]), ...nodes,
        node('Reshape', [text(fields(outputs[0])[1][0]), 'a row'], ['the row']),
        node('MatMul', ['the row', 'identity'], ['classes']),
    ];
    const whole = Buffer.concat([...all.map((one) => bytesField(1, one)), bytesField(2, Buffer.from('test')),
        ...constants.map((one) => bytesField(5, one)), bytesField(11, value('the picture', dims)),
        bytesField(12, value('classes', [1, 'n']))]);
    const old = fields(opsets[0])[2]?.[0] ?? 0, same = nodes.every((one) => !changed.test(text(fields(one)[4][0])));
    const opset = bytesField(8, integerField(2, same ? Math.max(7, old) : old));
    const bytes = Buffer.concat([integerField(1, 8), bytesField(7, whole), opset]);
    return { dims, picture: first.values.subarray(0, product(dims)), bytes };
}

/* (h, w, c) from (c, h, w). */
function turned(values, [, c, h, w]) {
    const out = new Float32Array(values.length);
    for (let k = 0; k < c; k++)
        for (let i = 0; i < h * w; i++)
            out[i * c + k] = values[k * h * w + i];
    return out;
}

/* Without what is another in each model. */
const reasonOf = (stderr) => `${stderr}`.split('\n')[0].replace(/^eyelet: /, '').replace(/ "[^"]*"/g, '')
    .replace(/\d+/g, 'N') || 'it crashed';

/* null: the same numbers; else why not. */
function runOne(path) {
    const set = join(path, 'test_data_set_0');
    if (!existsSync(join(set, 'input_0.pb')) || !existsSync(join(set, 'output_0.pb')))
        return { reason: 'it has no input or no output' };
    const inputs = readdirSync(set).filter((name) => name.startsWith('input_')).length;
    const tensors = Array.from({ length: inputs }, (_, i) => readTensor(join(set, `input_${i}.pb`)));
    const expected = readTensor(join(set, 'output_0.pb'));
    const items = tensors[0].dims.length === 4 ? tensors[0].dims[0] : 1;
    if (!expected.values)
        return { reason: 'its output is no float32' };
    const count = product(expected.dims) / (expected.dims[0] === items ? items : 1);
    if (count > maxClasses || count < 1)
        return { reason: `its output has no values, or more than ${maxClasses}` };
    const model = fitted(readFileSync(join(path, 'model.onnx')), tensors, count);
    if (model.reason)
        return model;
    const file = join(folder, 'm.onnx'), picture = join(folder, 'p.f32');
    writeFileSync(file, model.bytes);
    writeFileSync(picture, Buffer.from(turned(model.picture, model.dims).buffer));
    const { status, stdout, stderr } = spawnSync(program, [file, picture], { maxBuffer: 1 << 28 });
    if (status !== 0)
        return { reason: reasonOf(stderr), crashed: status === null };
    const own = [...floats(stdout)], wanted = [...expected.values.subarray(0, own.length)];
    const errors = own.map((x, i) => Math.abs(x - wanted[i]) / (1 + Math.abs(wanted[i])));
    return own.length === count && errors.every((error) => error < 1e-4) ? null
        : { wrong: `${own.slice(0, 4)} is not ${wanted.slice(0, 4)} (${own.length} of ${count})` };
}

if (!existsSync(data)) {
    console.log('SKIPPED: there are no test models: install Debian\'s libonnx-testdata');
} else {
    const reasons = new Map(), wrong = [], agreed = [];
    for (const group of ['node', 'pytorch-operator', 'pytorch-converted', 'simple'])
        for (const name of readdirSync(join(data, group)).sort()) {
            const result = runOne(join(data, group, name));
            if (!result)
                agreed.push(name);
            else if (result.wrong || result.crashed)
                wrong.push(`${name}: ${result.wrong ?? 'crashed'}`);
            else
                reasons.set(result.reason, [...reasons.get(result.reason) ?? [], name]);
        }
    console.log(`${agreed.length} models compute what they should: ${agreed.join(' ')}\n`);
    for (const [reason, names] of [...reasons].sort((a, b) => b[1].length - a[1].length))
        console.log(`${names.length}: ${reason} (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', ...' : ''})`);
    if (wrong.length) {
        console.log(`\nFAILED: ${wrong.length} models compute something else:\n${wrong.join('\n')}`);
        process.exitCode = 1;
    }
}
rmSync(folder, { recursive: true });
