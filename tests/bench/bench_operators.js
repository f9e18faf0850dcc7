/* make bench-operators: runs the one-operator models of ONNX's own test suite (Debian's libonnx-testdata) that Eyelet can
 * import, and compares each with the output that stands beside it; lists the others by reason. Fails where a model is
 * imported and computes something else.
 *
 * A model is fitted to a picture: its first input becomes one, with dimensions of 1 before its own; all other inputs
 * become constants; behind the operator all values are laid out as classes. Of a batch the first item is looked at. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bytesField, integerField, node, shapeConstant, textField, value } from '../support/onnx_builder.js';

const data = process.env.ONNX_TESTDATA ?? '/usr/share/libonnx-testdata/data', [program] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'eyelet-operators-'));

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

/* float32 alone; null: another type. */
function readTensor(file) {
    const bytes = readFileSync(file), { 1: dims = [], 2: [type] = [], 4: list, 9: [raw] = [] } = fields(bytes);
    const numbers = raw ?? (list && Buffer.concat(list));
    if (type !== 1 || !numbers)
        return { bytes, dims, values: null };
    return { bytes, dims, values: new Float32Array(numbers.buffer.slice(numbers.byteOffset, numbers.byteOffset + numbers.length)) };
}

/* The model with its first input as a picture; or why that is not possible. */
function fitted(model, tensors) {
    const { 7: [graph], 8: opsets = [] } = fields(model), { 1: nodes = [], 5: initializers = [], 11: inputs = [], 12: outputs = [] } = fields(graph);
    const names = inputs.map((input) => text(fields(input)[1][0])), [first] = tensors;
    if (!first?.values || outputs.length === 0 || names.length !== tensors.length)
        return { reason: 'its first input is no float32' };
    if (first.dims.length > 4 || product(first.dims) === 0)
        return { reason: 'its first input has more than four dimensions, or none' };
    const own = first.dims.length === 4 ? [1, ...first.dims.slice(1)] : first.dims;
    const dims = [...Array(4 - own.length).fill(1), ...own];
    if (dims[1] !== 1 && dims[1] !== 3)
        return { reason: 'its first input has neither 1 nor 3 channels' };
    const constants = tensors.slice(1).map(({ bytes }, i) => bytesField(5, Buffer.concat([bytes, textField(8, names[i + 1])])));
    const result = text(fields(outputs[0])[1][0]), old = opsets.map((of) => fields(of)[2]?.[0] ?? 0)[0] < 13;
    const before = own.length === 4 ? node('Identity', ['the picture'], [names[0]]) : node('Reshape', ['the picture', 'its dims'], [names[0]]);
    const whole = Buffer.concat([
        ...initializers.map((one) => bytesField(5, one)), ...constants, bytesField(5, shapeConstant('its dims', own)), bytesField(5, shapeConstant('a row', [1, -1])),
        bytesField(1, before), ...nodes.map((one) => bytesField(1, one)), bytesField(1, node('Reshape', [result, 'a row'], ['the row'])),
        bytesField(2, Buffer.from('test')), bytesField(11, value('the picture', dims)), bytesField(12, value('the row', [1, 'n']))]);
    return { old, dims, types: nodes.map((one) => text(fields(one)[4][0])), picture: first.values.subarray(0, product(dims)), bytes: Buffer.concat([integerField(1, 8), bytesField(7, whole), ...opsets.map((one) => bytesField(8, one))]) };
}

/* (h, w, c) from (c, h, w). */
function turned(values, [, c, h, w]) {
    const out = new Float32Array(values.length);
    for (let k = 0; k < c; k++)
        for (let i = 0; i < h * w; i++)
            out[i * c + k] = values[k * h * w + i];
    return out;
}

const softmax = (logits) => {
    const e = logits.map((x) => Math.exp(x - Math.max(...logits))), sum = e.reduce((a, b) => a + b, 0);
    return e.map((x) => x / sum);
};

/* null: the same numbers; else why not. */
function runOne(path) {
    const set = join(path, 'test_data_set_0');
    if (!existsSync(join(set, 'input_0.pb')) || !existsSync(join(set, 'output_0.pb')))
        return { reason: 'it has no input or no output' };
    const inputs = readdirSync(set).filter((name) => name.startsWith('input_')).length;
    const tensors = Array.from({ length: inputs }, (_, i) => readTensor(join(set, `input_${i}.pb`)));
    const model = fitted(readFileSync(join(path, 'model.onnx')), tensors), expected = readTensor(join(set, 'output_0.pb'));
    if (model.reason)
        return model;
    if (!expected.values)
        return { reason: 'its output is no float32' };
    writeFileSync(join(folder, 'm.onnx'), model.bytes);
    writeFileSync(join(folder, 'p.f32'), Buffer.from(turned(model.picture, model.dims).buffer));
    const { status, stdout, stderr } = spawnSync(program, [join(folder, 'm.onnx'), join(folder, 'p.f32')], { maxBuffer: 1 << 28 });
    if (status !== 0)
        return { reason: `${stderr}`.split('\n')[0].replace(/^eyelet: /, '').replace(/"[^"]*"/g, '').replace(/\d+/g, 'N') || 'it crashed', crashed: status === null };
    let own = [...new Float32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length))];
    if (/Softmax$/.test(model.types.at(-1)))
        own = softmax(own).map((x) => model.types.at(-1) === 'LogSoftmax' ? Math.log(x) : x);
    const wanted = [...expected.values.subarray(0, own.length)];
    const error = own.length > expected.values.length ? Infinity : own.reduce((max, x, i) => Math.max(max, Math.abs(x - wanted[i]) / (1 + Math.abs(wanted[i]))), 0);
    return error < 1e-4 ? null : { wrong: `${own.slice(0, 4)} is not ${wanted.slice(0, 4)}` };
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
