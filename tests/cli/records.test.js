/* Sets of records, but for CIFAR-10 (data.test.js): MNIST's IDX files and CIFAR-100, made here, and how they are damaged. */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { counts, evaluation, logitsOf, modelFor, rows, train } from '../support/small_sets.js';
import { tinyModel } from '../support/tiny_model.js';

/* ---- MNIST ---- */

function idx(dimensions, bytes) {
    const header = Buffer.alloc(4 + 4 * dimensions.length);
    header.set([0, 0, 8, dimensions.length]);
    dimensions.forEach((count, i) => header.writeUInt32BE(count, 4 + 4 * i));
    return Buffer.concat([header, Buffer.from(bytes)]);
}

function mnist(classCount, train, test) {
    const images = (count, first) => idx([count, 8, 8], Array.from({ length: count * 64 }, (_, i) => (first + (i >> 6)) * 37 + i * i & 255));
    const labels = (count) => idx([count], Array.from({ length: count }, (_, i) => i % classCount));
    return { 'train-images-idx3-ubyte': images(train, 0), 'train-labels-idx1-ubyte': labels(train), 't10k-images-idx3-ubyte': images(test, 1000), 't10k-labels-idx1-ubyte': labels(test) };
}
const packed = (files) => Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]));
const digits = [...'0123456789'];

test("MNIST's files, plain and gzipped, with either kind of name", async () => {
    const files = mnist(10, 50, 20), plain = folder(files), zipped = folder(packed(files));
    const dotted = folder(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name.replace('-idx', '.idx'), bytes])));
    const model = modelFor(digits), expected = await logitsOf(model, plain, 10);
    assert.equal(expected.length, 20);
    for (const data of [zipped, dotted])
        assert.deepEqual(await logitsOf(model, data, 10), expected);
    assert.deepEqual(rows((await evaluation(model, zipped)).confusion), Array(10).fill(2));
    const result = succeeded(await train(zipped));
    assert.match(result.stderr, /\(MNIST, 50 training images\)/);
    assert.deepEqual(counts(result), [40, 10]);
});

test('the pixels of an IDX image are those of a grey PNG', async () => {
    const files = mnist(2, 4, 2), data = folder(files), values = files['t10k-images-idx3-ubyte'].subarray(16, 80), rgba = new Uint8ClampedArray(256);
    values.forEach((value, i) => rgba.set([value, value, value, 255], i * 4));
    const model = modelFor(['0', '1']), here = folder({ 'x.png': encodePng({ data: rgba, width: 8, height: 8 }) });
    const [{ logits }] = JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', model, join(here, 'x.png')])).stdout);
    assert.equal((await logitsOf(model, data, 2))[0], Buffer.from(new Float32Array(logits).buffer).toString('hex'));
});

test("Fashion-MNIST's names are taken where the folder says so", async () => {
    const data = join(folder(), 'Fashion-MNIST');
    mkdirSync(data);
    for (const [name, bytes] of Object.entries(packed(mnist(10, 20, 10))))
        writeFileSync(join(data, name), bytes);
    const result = await eyelet(['evaluate', modelFor(digits), data]);
    refused(result, { subject: result.stderr.match(/eyelet: (.*?): /)[1], reason: /none of the model's 10 \("0", "1", "2", \.\.\.\): "T-shirt\/top", "Trouser"/ });
});

test('a gzip header may have a name, a comment, extra bytes and a checksum', async () => {
    const files = packed(mnist(2, 4, 2)), bytes = files['t10k-images-idx3-ubyte.gz'];
    bytes[3] = 2 | 4 | 8 | 16;
    files['t10k-images-idx3-ubyte.gz'] = Buffer.concat([bytes.subarray(0, 10), Buffer.from('\x03\x00abcname\0comment\0hc', 'latin1'), bytes.subarray(10)]);
    assert.equal((await evaluation(modelFor(['0', '1']), folder(files))).images, 2);
});

const good = mnist(3, 6, 6), images = 'train-images-idx3-ubyte', labels = 'train-labels-idx1-ubyte';
const changed = (name, bytes) => ({ ...good, [name]: bytes });
const zip = gzipSync(good[images]);
const damagedZip = (change) => { const copy = Buffer.from(zip); change(copy); const files = { ...good, [`${images}.gz`]: copy }; delete files[images]; return files; };
for (const [name, files, file, reason] of [
    ['a missing file', Object.fromEntries(Object.entries(good).filter(([key]) => key !== labels)), '', /train-labels-idx1-ubyte \(or .*\.gz\) is missing/],
    ['cut short', changed(images, good[images].subarray(0, -1)), `/${images}`, /has 383 bytes behind its header, which promises 384/],
    ['another magic number', changed(images, Buffer.from(good[images]).fill(9, 2, 3)), `/${images}`, /not an IDX file of bytes with 3 dimensions/],
    ['cut short in its header', changed(images, good[images].subarray(0, 10)), `/${images}`, /is cut short in its header, at byte 10 of 16/],
    ['empty', changed(images, ''), `/${images}`, /not an IDX file of bytes with 3 dimensions: byte 0 is missing/],
    ['bytes behind its end', changed(images, Buffer.concat([good[images], Buffer.of(0)])), `/${images}`, /has 385 bytes behind its header, which promises 384/],
    ['sizes that lie', changed(images, idx([6, 8, 9], good[images].subarray(16))), `/${images}`, /has 384 bytes behind its header, which promises 432/],
    ['labels where images should be', changed(images, good[labels]), `/${images}`, /not an IDX file/],
    ['sizes that overflow', changed(images, idx([0xffffffff, 0xffffffff, 0xffffffff], [])), `/${images}`, /the sizes in its header, at byte 4, promise more than/],
    ['fewer labels than images', changed(labels, idx([3], [0, 1, 2])), '', /do not belong together/],
    ['a class missing', changed(labels, idx([6], [0, 1, 0, 1, 0, 1])), '', /no image of train has the label 2/],
    ['a damaged gzip file', damagedZip((bytes) => { bytes[40] ^= 0xff; }), `/${images}.gz`, /the gzip file is damaged/],
    ['a gzip file of another sum', damagedZip((bytes) => { bytes[bytes.length - 8] ^= 1; }), `/${images}.gz`, /the gzip file is damaged/],
    ['a gzip bomb', damagedZip((bytes) => bytes.writeUInt32LE(0xffffffff, bytes.length - 4)), `/${images}.gz`, /unpacks to more than .*: at byte \d+ it promises 4,294,967,295/],
    ['a gzip file that promises more than its bytes can hold', damagedZip((bytes) => bytes.writeUInt32LE(1 << 29, bytes.length - 4)), `/${images}.gz`, /promises 536,870,912/],
    ['a gzip file that ends in its header', { ...damagedZip(() => {}), [`${images}.gz`]: zip.subarray(0, 12) }, `/${images}.gz`, /the gzip file is cut short: it has 12 bytes/],
])
    test(`a damaged set of IDX files is named: ${name}`, async () => {
        const data = folder(files);
        refused(await train(data), { subject: data + file, reason });
    });

/* ---- CIFAR-100 ---- */

test('CIFAR-100 is read with its fine labels', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `fine ${i}`), data = join(folder(), 'cifar-100-binary'), recordBytes = 3074;
    mkdirSync(data);
    writeFileSync(join(data, 'fine_label_names.txt'), names.join('\n') + '\n');
    for (const [name, records] of [['train.bin', 50000], ['test.bin', 10000]]) { /* holes read as zeros */
        writeFileSync(join(data, name), '');
        truncateSync(join(data, name), recordBytes * records);
    }
    const file = openSync(join(data, 'test.bin'), 'r+');
    for (let i = 0; i < 10; i++)
        writeSync(file, Buffer.of(19, 90 + i), 0, 2, i * recordBytes);
    const model = join(folder({ m: tinyModel({ labels: names }) }), 'm');
    const said = await evaluation(model, dirname(data));
    assert.deepEqual(rows(said.confusion), names.map((_, i) => i === 0 ? 9990 : i < 90 ? 0 : 1));
    writeSync(file, Buffer.of(19, 100), 0, 2, 5 * recordBytes);
    closeSync(file);
    refused(await eyelet(['evaluate', model, data]), { subject: join(data, 'test.bin'), reason: /record 5 has the label 100, at byte 15371, and there are only 0 to 99/ });
});
