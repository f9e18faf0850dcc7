/* eyelet import of TFLite files that are cut, damaged or lie: a named error or a model, never a crash, and nothing half written. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { conv, dense, flatbuffer, int32, reducer, softmax, storedZip, tables, text, TfliteModel, uint32 } from '../support/tflite_file.js';

const here = folder(), at = (name) => join(here, name);
const numbers = (count) => Array.from({ length: count }, (_, i) => Math.sin(i + 1));

/* A small network with metadata and labels, of every kind of table that is read. */
function whole({ labels = ['a', 'b', 'c'], zip } = {}) {
    const model = new TfliteModel(), x = model.input([1, 6, 5, 3], { type: 'uint8', scale: 0.0078125, zeroPoint: 128 });
    const list = (values) => model.constant([values.length], values, { type: 'int32' });
    const y = model.operator('CONV_2D', [x, model.constant([4, 3, 3, 3], numbers(108)), model.constant([4], numbers(4))], { options: conv() });
    const pooled = model.operator('MEAN', [y, list([1, 2])], { options: reducer(false) });
    const filters = model.constant([3, 4], numbers(12).map((value) => Math.round(value * 100)), { type: 'int8', scale: [0.01, 0.02, 0.03] });
    const scores = model.operator('FULLY_CONNECTED', [pooled, filters], { options: dense() });
    const output = model.operator('SOFTMAX', [scores], { options: softmax() });
    model.describe({ name: 'small', mean: [127.5], std: [127.5], labels: 'labels.txt' });
    const graph = model.bytes([output]);
    return Buffer.concat([graph, zip?.(graph.length) ?? storedZip({ 'labels.txt': labels.join('\n') }, graph.length)]);
}

/* Status 0 with a model that can be opened, or 1 with one line about the file. Returns whether it was imported. */
async function survives(bytes, what) {
    const path = at('hostile.tflite'), output = at('hostile.eyelet');
    writeFileSync(path, bytes);
    const result = await eyelet(['import', path, '-o', output]);
    if (result.status === 0) {
        succeeded(await eyelet(['summary', output]));
        rmSync(output);
        return true;
    }
    refused(result, { subject: path, reason: /./ });
    assert.doesNotMatch(result.stderr, /killed|signal|crash|memory/i, what);
    assert.ok(!existsSync(output), what);
    return false;
}

test('a file that is cut short is named as such', async () => {
    const bytes = whole();
    assert.ok(await survives(bytes));
    for (let i = 0; i < 40; i++) {
        const length = Math.floor(bytes.length * i / 40);
        assert.ok(!await survives(bytes.subarray(0, length), `${length} bytes`));
    }
    nothingLeftOver(here);
});

test('a file with any bit turned is imported or refused', async () => {
    const bytes = whole();
    let refusals = 0;
    for (let i = 0; i < 120; i++) {
        const damaged = Buffer.from(bytes), bit = Math.imul(i + 1, 40503) % (bytes.length * 8);
        damaged[bit >> 3] ^= 1 << (bit & 7);
        refusals += !await survives(damaged, `bit ${bit}`);
    }
    assert.ok(refusals > 20, `${refusals} of 120 were refused`);
    nothingLeftOver(here);
});

test('offsets that lie anywhere are refused, or make no difference', async () => {
    const bytes = whole();
    for (let i = 0; i < 100; i++) {
        const damaged = Buffer.from(bytes);
        damaged.writeUInt32LE([0, 4, 0x7fffffff, 0x80000000, 0xffffffff, bytes.length][i % 6], Math.floor(bytes.length / 4 * i / 100) * 4);
        await survives(damaged, `case ${i}`);
    }
});

const identified = (fields) => flatbuffer('TFL3', fields);
const refusals = {
    'another format': [Buffer.from('PNG, or so it seems'), /no whole TFLite model: byte 4: it is another format/],
    'eight bytes': [Buffer.from('\0\0\0\0TFL3', 'latin1'), /an offset leads to itself/],
    'no schema': [identified([]), /schema 0/],
    'schema 2': [identified([uint32(2), tables([]), tables([[]])]), /schema 2/],
    'no subgraph': [identified([uint32(3), tables([]), tables([]), text('')]), /0 subgraphs/],
    'no input': [identified([uint32(3), tables([]), tables([[]])]), /reads 0 tensors/],
};
for (const [name, [bytes, reason]] of Object.entries(refusals))
    test(`${name}: refused`, async () => {
        writeFileSync(at('wrong.tflite'), bytes);
        refused(await eyelet(['import', at('wrong.tflite'), '-o', at('wrong.eyelet')]), { subject: at('wrong.tflite'), reason });
        assert.ok(!existsSync(at('wrong.eyelet')));
    });

/* The network is as it is, and one thing about it is not. */
const plain = (change = () => {}, output = (y) => [y]) => {
    const model = new TfliteModel(), x = model.input([1, 6, 5, 3]);
    const filters = model.constant([3, 90], numbers(270));
    const y = model.operator('FULLY_CONNECTED', [x, filters], { options: dense() });
    change(model, x, y);
    return model.bytes(output(y, x));
};
const lies = {
    'two inputs': [plain((model) => model.input([1, 6, 5, 3])), /reads 2 tensors/],
    'an input that is no tensor': [plain((model) => model.inputs.fill(999)), /tensor 999 of/],
    'an input of integers': [plain((model) => { model.tensors[model.inputs[0]][1] = int32(2); }), /INT32/],
    'a picture of 100,000 pixels a side': [plain((model) => { model.inputs[0] = model.tensor([1, 100_000, 100_000, 3]); }), /100000 pixels a side/],
    'a batch of pictures': [plain((model) => { model.inputs[0] = model.tensor([8, 6, 5, 3]); }), /batch of 8/],
    'two outputs': [plain(undefined, (y) => [y, y]), /makes 2 tensors/],
    'no output': [plain(undefined, () => []), /makes 0 tensors/],
    'an output that is no tensor': [plain(undefined, () => [-2]), /tensor -2 of/],
    'an output that is a constant': [plain(undefined, (y) => [y - 1]), /no operator makes it/],
    'an operator that reads its own output': [plain((model, x, y) => model.operators[0].inputs.fill(y, 0, 1)), /no operator before it has made/],
    'a tensor that is made twice': [plain((model) => model.operators.push(model.operators[0])), /makes what is there already/],
    'an operator without outputs': [plain((model) => { model.operators[0].outputs = []; }), /it has no output/],
    'a tensor of nine dimensions': [plain((model) => model.tensor([1, 1, 1, 1, 1, 1, 1, 1, 1])), /9 dimensions/],
};
for (const [name, [bytes, reason]] of Object.entries(lies))
    test(`${name}: refused`, async () => {
        writeFileSync(at('lie.tflite'), bytes);
        refused(await eyelet(['import', at('lie.tflite'), '-o', at('lie.eyelet')]), { subject: at('lie.tflite'), reason });
        assert.ok(!existsSync(at('lie.eyelet')));
    });

test('more tensors than a network has are refused before they are read', async () => {
    const model = new TfliteModel();
    model.tensors = Array(40_000).fill([]);
    writeFileSync(at('many.tflite'), model.bytes([0]));
    refused(await eyelet(['import', at('many.tflite'), '-o', at('many.eyelet')]), { subject: at('many.tflite'), reason: /40000 tensors: at most 32768 are read/ });
});

/* ---- Labels and their zip ---- */

test('labels of another number than there are classes are not taken', async () => {
    writeFileSync(at('four.tflite'), whole({ labels: ['a', 'b', 'c', 'd'] }));
    const { stdout } = succeeded(await eyelet(['import', at('four.tflite'), '-o', at('four.eyelet')]));
    assert.match(stdout, /labels\.txt has 4 labels for 3 classes/);
});

const zips = {
    'no zip where metadata name labels': [() => Buffer.alloc(0), /labels\.txt|zip/],
    'a zip without the labels that metadata name': [(start) => storedZip({ 'other.txt': 'a\nb\nc' }, start), /labels\.txt/],
    'a zip whose names lead out': [(start) => storedZip({ '../labels.txt': 'a\nb\nc', 'labels.txt': 'a\nb\nc' }, start), /\.\.\/labels\.txt|leads? out/],
    'a zip that is damaged': [(start) => {
        const zip = storedZip({ 'labels.txt': 'a\nb\nc' }, start);
        zip.writeUInt32LE(0xfffffff0, zip.length - 6);
        return zip;
    }, /zip/],
};
for (const [name, [zip, reason]] of Object.entries(zips))
    test(`${name}: refused`, async () => {
        writeFileSync(at('zip.tflite'), whole({ zip }));
        refused(await eyelet(['import', at('zip.tflite'), '-o', at('zip.eyelet')]), { subject: at('zip.tflite'), reason });
        assert.ok(!existsSync(at('zip.eyelet')));
    });

test('a file of no bytes, and one that is not there', async () => {
    writeFileSync(at('empty.tflite'), '');
    refused(await eyelet(['import', at('empty.tflite'), '-o', at('empty.eyelet')]), { subject: at('empty.tflite'), reason: /./ });
    refused(await eyelet(['import', at('nowhere.tflite'), '-o', at('empty.eyelet')]), { subject: at('nowhere.tflite'), reason: /./ });
    assert.equal(readFileSync(at('empty.tflite')).length, 0);
});
