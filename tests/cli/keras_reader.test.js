/* eyelet import of Keras's files: they compute what NumPy computes of the same weights (tests/golden/keras.py, which makes the files), what
 * is no whole model is named, and files that are cut, damaged or lie get an error, in bounded time, and nothing is half written. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, nothingLeftOver, program, refused, succeeded } from '../support/program.js';
import { storedZip } from '../support/tflite_file.js';
import { zipOf } from '../support/zip_file.js';

const golden = JSON.parse(readFileSync(new URL('../golden/keras.json', import.meta.url)));
const unpacked = (text) => gunzipSync(Buffer.from(text, 'base64'));
const partsOf = (name) => Object.fromEntries(Object.entries(golden.files[name]).map(([part, text]) => [part, unpacked(text)]));
const bytesOf = (name) => name.endsWith('.keras') ? zipOf(partsOf(name)) : unpacked(golden.files[name]);
const names = Object.keys(golden.files), good = names.filter((name) => !name.startsWith('wrong_'));

const built = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.includes(' libhdf5');
const skip = !built && 'NOT TESTED: this program was built without libhdf5';

/* The picture of keras.py. */
const side = 8, picture = { width: side, height: side, data: new Uint8ClampedArray(4 * side * side) };
picture.data.forEach((_, i) => {
    const c = i % 4, x = (i >> 2) % side, y = Math.floor(i / 4 / side);
    picture.data[i] = c === 3 ? 255 : (y * 37 + x * 59 + c * 83 + y * x * 7) % 256;
});
const png = join(folder({ 'picture.png': encodePng(picture) }), 'picture.png');

async function imported(path, more = []) {
    const out = join(folder(), 'm.eyelet'), { stdout } = succeeded(await eyelet(['import', path, '-o', out, '--json', ...more]));
    const [{ logits }] = JSON.parse(succeeded(await eyelet(['classify', out, png, '--json', '--logits'])).stdout);
    return { report: JSON.parse(stdout), logits };
}

function same(logits, expected) {
    assert.equal(logits.length, expected.length);
    expected.forEach((value, i) => assert.ok(Math.abs(value - logits[i]) < 2e-5, `${logits} instead of ${expected}`));
}

async function refusedFor(files, name, reason, hint) {
    const here = folder(files), out = folder(), path = join(here, name);
    refused(await eyelet(['import', path, '-o', join(out, 'm.eyelet')]), { subject: path, reason, hint });
    assert.deepEqual(readdirSync(out), []);
}

/* ---- What is read ---- */

for (const name of good)
    test(`${name} computes what its weights say`, { skip }, async () => {
        const [network] = name.match(/[a-z]+/), exporter = /213/.test(name) ? 'Keras 2.13.1' : /keras$/.test(name) ? 'Keras 3.8.0' : /3\./.test(name) ? 'Keras 3.8.0, tensorflow' : 'Keras 2.15.0, tensorflow';
        const { report, logits } = await imported(join(folder({ [name]: bytesOf(name) }), name));
        same(logits, golden.logits[network]);
        assert.equal(report.format, name.endsWith('.keras') ? 'Keras, .keras' : 'Keras, .h5');
        assert.equal(report.exporter, exporter);
        assert.equal(report.name, { sequential: 'small', functional: 'branched', tiny: 'tiny' }[network]);
        assert.match(report.preprocessing_from, network === 'functional' ? /own normalisation/ : /assumed/);
    });

test('the files differ, and so would their results if weights were mixed up', () => {
    assert.ok(good.length > 10);
    for (const [name, logits] of Object.entries(golden.logits))
        assert.ok(Math.max(...logits) - Math.min(...logits) > 1, name);
});

test('a .keras that is stored, unpacked, or without its metadata', { skip }, async () => {
    const files = partsOf('functional.keras'), { 'metadata.json': _, ...bare } = files, expected = golden.logits.functional;
    same((await imported(folder(files))).logits, expected);
    same((await imported(join(folder({ 'm.zip': storedZip(files) }), 'm.zip'))).logits, expected);
    const { report, logits } = await imported(folder(bare));
    same(logits, expected);
    assert.equal(report.exporter, '');
});

test('an .h5 in a folder or zip, as that of Teachable Machine', { skip }, async () => {
    const files = { 'keras_model.h5': bytesOf('sequential.h5'), 'labels.txt': '0 a\n1 b\n2 c\n3 d\n4 e\n' };
    for (const path of [folder(files), join(folder({ 'converted_keras.zip': storedZip(files) }), 'converted_keras.zip')]) {
        const { report, logits } = await imported(path), out = join(folder(), 'm.eyelet');
        same(logits, golden.logits.sequential);
        assert.equal(report.labels_from, 'labels.txt');
        assert.match(succeeded(await eyelet(['import', path, '-o', out])).stdout, /classes +5: a, b, c, d, e\n/);
    }
    const here = folder({ ...files, 'labels.txt': '0 a\n1 b\n' });
    assert.equal((await imported(here)).report.labels_from, 'numbered, as labels.txt has 2 labels for 5 classes (--labels)');
});

/* ---- What is refused ---- */

const refusals = {
    soft_link: /dense\/kernel:0: it is no array, or a link to elsewhere/, external_link: /it is no array, or a link to elsewhere/, group: /it is no array, or a link/,
    external: /its values stand in another file/, virtual: /its values stand in another file/, lzf: /compressed by the filter 32000 \(lzf\): only gzip is read/,
    shuffle: /compressed by the filter 2 \(shuffle\)/, integers: /its numbers are none of float16, float32 and float64/, unwritten: /its values were never written/,
    huge: /its shape is no list of up to 8 sizes, or one of more values than a model has/, rank: /its shape is no list of up to 8 sizes/,
    weights_only: /it holds weights without the network: save the whole model/, another: /this HDF5 file is no Keras model: it has no attribute model_config/,
};
test('what is no array of floats in the file itself is refused by name', { skip }, async () => {
    assert.deepEqual(names.filter((name) => !good.includes(name)).sort(), Object.keys(refusals).map((name) => `wrong_${name}.h5`).sort());
    for (const [name, reason] of Object.entries(refusals))
        await refusedFor({ 'm.h5': bytesOf(`wrong_${name}.h5`) }, 'm.h5', reason);
});

test('the halves of a .keras are no model', { skip }, async () => {
    const files = partsOf('sequential.keras'), { 'model.weights.h5': weights, 'config.json': config } = files;
    const zip = (changed) => ({ 'm.keras': storedZip({ ...files, ...changed }) });
    await refusedFor({ 'm.weights.h5': weights }, 'm.weights.h5', /weights without the network: save the whole model/, /model\.save/);
    await refusedFor(zip({ 'model.weights.h5': config }), 'm.keras', /model\.weights\.h5 is no HDF5 file/);
    await refusedFor(zip({ 'model.weights.h5': bytesOf('functional.h5') }), 'm.keras', /Conv2D "conv2d": its weights `bias` are missing|`kernel` are missing/);
    await refusedFor(zip({ 'model.weights.h5': weights.subarray(0, 3000) }), 'm.keras', /the HDF5 file is damaged/);
    const here = folder(zip({ 'config.json': config.subarray(0, 200) }));
    refused(await eyelet(['import', join(here, 'm.keras'), '-o', join(here, 'm.eyelet')]), { subject: 'config.json', reason: /is no valid JSON/ });
});

test('a program without libhdf5 names it', { skip: built && 'NOT TESTED: this program was built with libhdf5' }, async () => {
    for (const name of ['sequential.h5', 'sequential.keras'])
        await refusedFor({ [name]: bytesOf(name) }, name, /this program was built without libhdf5, which reads Keras's files/, /libhdf5-dev/);
});

test('HDF5= and DECODERS= leave libhdf5 out of the build', () => {
    const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env;
    const commands = (...words) => spawnSync('make', ['-n', '-B', 'native', ...words], { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8', env }).stdout;
    assert.match(commands('DECODERS=HDF5'), /-DWITH_HDF5 .*main\.c[^]* -lhdf5/);
    for (const words of [['DECODERS='], ['HDF5=']])
        assert.doesNotMatch(commands(...words), /WITH_HDF5|-lhdf5/);
});

/* ---- Damaged files ---- */

/* Where the texts of any length are: libhdf5 itself would write behind a block, read behind another, and not end. */
test('texts that are longer than is said, or end elsewhere, are refused before libhdf5 reads them', { skip }, async () => {
    const bytes = bytesOf('functional.h5'), heap = bytes.indexOf('GCOL'), changed = (at, write) => {
        const copy = Buffer.from(bytes);
        write(copy, at);
        return copy;
    };
    let free = heap + 16;
    while (bytes.readUInt16LE(free))
        free += 16 + Math.ceil(bytes.readUInt32LE(free + 8) / 8) * 8;
    const address = Buffer.alloc(8), size = (value, at = 8) => (copy, object) => copy.writeBigUInt64LE(value, object + at);
    address.writeUInt32LE(heap);
    const reference = bytes.indexOf(address) - 4;
    assert.ok(heap > 0 && free < heap + 4096 && reference > 0 && bytes.readUInt32LE(reference) > 4);
    const cases = {
        'an object longer than its heap': changed(heap + 16, size(1n << 40n)), 'one of 2 ** 64 - 1 bytes': changed(heap + 16, size((1n << 64n) - 1n)),
        'free space of no bytes': changed(free, size(0n)), 'a heap longer than the file': changed(heap, size(1n << 32n)), 'a heap of no bytes': changed(heap, size(0n)),
        'a reference to less than the object': changed(reference, (copy, at) => copy.writeUInt32LE(1, at)),
        'a reference to no object': changed(reference, (copy, at) => copy.writeUInt32LE(0xffffffff, at + 12)),
        'addresses of four bytes': changed(13, (copy, at) => copy.writeUInt8(4, at)), 'a file that begins elsewhere': changed(24, (copy, at) => copy.writeUInt32LE(512, at)),
    };
    for (const [name, content] of Object.entries(cases)) {
        assert.notDeepEqual(content, bytes, name);
        await refusedFor({ 'm.h5': content }, 'm.h5', /the HDF5 file is damaged/);
    }
});

/* Status 0 with a model that can be opened, or 1 with one line about the file. Returns whether it was imported. */
const here = folder();
async function survives(bytes, name, what) {
    const path = join(here, name), output = join(here, 'hostile.eyelet');
    writeFileSync(path, bytes);
    const result = await eyelet(['import', path, '-o', output]);
    if (result.status === 0) {
        succeeded(await eyelet(['summary', output]));
        rmSync(output);
        return true;
    }
    assert.deepEqual([result.status, result.signal], [1, null], what);
    assert.match(result.stderr, /^eyelet: [^\n]+\n( {8}[^\n]+\n)?$/, what);
    assert.ok(!existsSync(output), what);
    return false;
}

for (const name of ['functional.h5', 'sequential.keras', 'tiny_gzip.h5', 'tiny_latest.h5'])
    test(`${name} cut short, or with any bit turned, is imported or refused`, { skip }, async () => {
        const bytes = bytesOf(name);
        let refusals = 0;
        assert.ok(await survives(bytes, name, name));
        for (let i = 0; i < 12; i++)
            assert.ok(!await survives(bytes.subarray(0, Math.floor(bytes.length * i / 12)), name, `${i} of 12`));
        for (let i = 0; i < 40; i++) {
            const damaged = Buffer.from(bytes), bit = Math.imul(i + 1, 40503) % (bytes.length * 8);
            damaged[bit >> 3] ^= 1 << (bit & 7);
            refusals += !await survives(damaged, name, `bit ${bit}`);
        }
        assert.ok(refusals > 0, 'no bit made a difference');
        nothingLeftOver(here);
    });
