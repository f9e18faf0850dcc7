/* eyelet embed: the vectors, in each format. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { encodePng } from '../support/pictures.js';
import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

/* The embedding is the mean of each channel, which is (byte / 255 - 1/2) / (1/4). */
const meanModel = modelOf({ layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }], labels: ['yes', 'no'], embedding: 1 });
const plain = (...colour) => encodePng({ data: new Uint8ClampedArray(4 * 32 * 32).map((_, i) => i % 4 === 3 ? 255 : colour[i % 4]), width: 32, height: 32 });
const expected = (...colour) => colour.map((byte) => Math.fround((Math.fround(byte / 255) - 0.5) / 0.25));

const here = folder({ 'mean.eyelet': meanModel, 'tiny.eyelet': tinyModel(), 'photos/a.png': plain(255, 0, 51), 'photos/deep/b, "c".png': plain(0, 102, 204),
    'photos/deep/notes.txt': 'no image' });
const at = (name) => join(here, name);
const paths = [at('photos/a.png'), at('photos/deep/b, "c".png')], vectors = [expected(255, 0, 51), expected(0, 102, 204)];

function near(numbers, wanted) {
    assert.equal(numbers.length, wanted.length);
    numbers.forEach((number, i) => assert.ok(Math.abs(number - wanted[i]) < 1e-5, `${number} is not ${wanted[i]}`));
}

const floats = (bytes) => [...new Float32Array(new Uint8Array(bytes).buffer)];

test('the program and the module give the same bits', async () => {
    succeeded(await eyelet(['embed', new URL('../../web/models/airbench95.eyelet', import.meta.url).pathname, at('photos'), '-o', at('bits.npy')]));
    const classifier = await loadClassifier({ model: new URL('../../web/models/airbench95.eyelet', import.meta.url) });
    const bytes = readFileSync(at('bits.npy')), values = floats(bytes.subarray(10 + bytes.readUInt16LE(8)));
    assert.deepEqual(values, paths.flatMap((path) => [...classifier.embedSync(readFileSync(path))]));
});

test('safetensors hold a matrix and the paths', async () => {
    succeeded(await eyelet(['embed', at('mean.eyelet'), at('photos'), '-o', at('f.safetensors')]));
    const bytes = readFileSync(at('f.safetensors')), length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.subarray(8, 8 + length));
    assert.equal((8 + length) % 8, 0);
    assert.deepEqual(JSON.parse(header.__metadata__.paths), paths);
    assert.deepEqual(header.embeddings, { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] });
    near(floats(bytes.subarray(8 + length)), vectors.flat());
});

test('npy holds the matrix, and the paths are printed', async () => {
    const { stdout } = succeeded(await eyelet(['embed', at('mean.eyelet'), at('photos'), '-o', at('f.npy')]));
    const bytes = readFileSync(at('f.npy')), length = bytes.readUInt16LE(8);
    assert.equal(bytes.toString('latin1', 0, 8), '\x93NUMPY\x01\x00');
    assert.equal((10 + length) % 64, 0);
    assert.match(bytes.toString('latin1', 10, 10 + length), /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/);
    near(floats(bytes.subarray(10 + length)), vectors.flat());
    assert.equal(stdout, paths.join('\n') + '\n');
});

test('CSV has a row an image, quoted where that is needed', async () => {
    succeeded(await eyelet(['embed', at('mean.eyelet'), at('photos'), '-o', at('f.csv')]));
    const [head, ...rows] = readFileSync(at('f.csv'), 'utf8').trimEnd().split('\n');
    assert.equal(head, 'path,e0,e1,e2');
    assert.ok(rows[0].startsWith(`${paths[0]},`));
    assert.ok(rows[1].startsWith(`"${paths[1].replaceAll('"', '""')}",`));
    rows.forEach((row, i) => near(row.split(',').slice(-3).map(Number), vectors[i]));
});

test('what cannot be read is left out and named; without any image nothing is written', async () => {
    const bad = join(folder({ 'bad.png': 'no picture' }), 'bad.png');
    refused(await eyelet(['embed', at('mean.eyelet'), paths[0], bad, '-o', at('some.csv')]), { subject: bad, reason: /neither JPEG nor PNG/ });
    assert.equal(readFileSync(at('some.csv'), 'utf8').trimEnd().split('\n').length, 2);
    const none = await eyelet(['embed', at('mean.eyelet'), bad, '-o', at('none.csv')]);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /not written: none of the 1 files/);
    assert.throws(() => readFileSync(at('none.csv')), /ENOENT/);
});

test('a model without an embedding and an unknown ending are named', async () => {
    refused(await eyelet(['embed', at('tiny.eyelet'), paths[0], '-o', at('x.csv')]), { subject: at('tiny.eyelet'), reason: /no embedding/ });
    const result = await eyelet(['embed', at('mean.eyelet'), paths[0], '-o', at('x.txt')]);
    assert.equal(result.status, 2);
    assert.match(result.stderr, /must end in \.safetensors, \.npy or \.csv/);
});
