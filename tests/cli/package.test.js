/* A model as it lies on disk (package.h): a file with those beside it, a folder, a zip; and what may not be. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, eyeletUnder, folder, refused, succeeded, underMemoryLimit } from '../support/program.js';
import { filesOf, smallArtifacts } from '../support/tfjs_files.js';
import { zipOf } from '../support/zip_file.js';

const files = filesOf(smallArtifacts());
const imported = (path, options) => eyelet(['import', path, '-o', join(folder(), 'm.eyelet')], options);
const zipped = (content) => join(folder({ 'm.zip': zipOf(content) }), 'm.zip');

/* Refused with the file or folder named, and nothing written. */
async function refusedAt(path, subject, reason, hint) {
    const here = folder();
    refused(await eyelet(['import', path, '-o', join(here, 'm.eyelet')]), { subject, reason, hint });
    assert.deepEqual(readdirSync(here), []);
}

test('a folder, its model.json, a zip and a zip of the folder give the same model', async () => {
    const here = folder(files), system = { '__MACOSX/my/._model.json': 'x', 'my/.DS_Store': '', 'my/': '' };
    const inFolder = Object.fromEntries(Object.entries(files).map(([name, content]) => [`my/${name}`, content]));
    const outputs = [];
    for (const path of [here, join(here, 'model.json'), zipped(files), zipped({ ...system, ...inFolder })]) {
        const { stdout } = succeeded(await imported(path));
        assert.match(stdout, /TensorFlow\.js layers model/);
        outputs.push(stdout.replace(/.*m\.zip|.*\/\d+(\/.*)?$/gm, '').replace(/.*written.*/, '').replace(/.*sha256.*\n/, ''));
    }
    assert.equal(new Set(outputs).size, 1, outputs.join('\n'));
});

test('a model.json of another name is found, in a folder too', async () => {
    const { 'model.json': json, ...others } = files;
    const here = folder({ ...others, 'classifier.json': json, 'a.json': '{}' });
    succeeded(await imported(here));
    succeeded(await imported(join(here, 'classifier.json')));
});

test('shards may stand in folders, and links within the folder lead to them', async () => {
    const model = JSON.parse(files['model.json']);
    model.weightsManifest[0].paths = ['./shards/w.bin'];
    const here = folder({ 'model.json': JSON.stringify(model), 'kept.bin': files['weights.bin'] });
    mkdirSync(join(here, 'shards'));
    symlinkSync('../kept.bin', join(here, 'shards/w.bin'));
    succeeded(await imported(here));
});

test('names that lead out of the package are refused', async () => {
    const model = JSON.parse(files['model.json']), outside = folder({ 'weights.bin': files['weights.bin'] });
    for (const name of ['../weights.bin', join(outside, 'weights.bin'), 'a/../../weights.bin', '..', '', 'a\\weights.bin', './/etc/passwd']) {
        model.weightsManifest[0].paths = [name];
        const here = folder({ 'model.json': JSON.stringify(model), 'weights.bin': files['weights.bin'] });
        await refusedAt(here, here, /names a file outside of its folder/, /own folder/);
    }
    const here = folder({ 'model.json': files['model.json'] });
    symlinkSync(join(outside, 'weights.bin'), join(here, 'weights.bin'));
    await refusedAt(here, `${here}/weights.bin`, /is a link out of the model's folder/);
    for (const name of ['../model.json', '/model.json', 'a/../../model.json', 'a\\model.json']) {
        const zip = zipped({ ...files, [name]: 'x' });
        await refusedAt(zip, zip, /the zip names a file outside of its folder/);
    }
});

test('a file that is missing is named', async () => {
    const here = folder({ 'model.json': files['model.json'] });
    await refusedAt(here, `${here}/weights.bin`, /there is no such file/, /the model needs it/);
    const zip = zipped({ 'model.json': files['model.json'] });
    await refusedAt(zip, zip, /there is no weights\.bin in the zip/);
    await refusedAt(join(here, 'nothing'), join(here, 'nothing'), /No such file/);
    mkdirSync(join(here, 'weights.bin'));
    await refusedAt(here, `${here}/weights.bin`, /is a folder/);
    await refusedAt(folder({ 'a.txt': 'x' }), undefined, /no model of a format that is known: .*TensorFlow\.js/);
});

test('damaged, encrypted and ambiguous zips are refused', async () => {
    const zip = zipOf(files), cases = [
        [zip.subarray(0, zip.length - 60), /the zip cannot be read/], [zip.subarray(0, 30), /the zip cannot be read/],
        [zipOf([...Object.entries(files).map(([name, bytes]) => ({ name, bytes })), { name: 'model.json', bytes: '{}' }]), /holds model\.json twice/],
        [zipOf([{ name: 'model.json', bytes: files['model.json'], encrypted: true }]), /model\.json is encrypted/],
        [zipOf([{ name: 'model.json', bytes: files['model.json'], says: 20 }]), /model\.json is damaged/],
        [zipOf([{ name: 'model.json', bytes: files['model.json'], says: 9000 }]), /model\.json is damaged/],
        [zipOf({}), /no model of a format that is known/],
    ];
    const flipped = Buffer.from(zip);
    flipped[60] ^= 1;
    cases.push([flipped, /model\.json (is damaged|cannot be unpacked)/]);
    for (const [bytes, reason] of cases) {
        const path = join(folder({ 'm.zip': bytes }), 'm.zip');
        await refusedAt(path, path, reason);
    }
});

test('zip bombs are refused before they unpack, in little memory', { skip: underMemoryLimit.skip }, async () => {
    const zeros = Buffer.alloc(64 << 20), bombs = [
        [zipOf({ ...files, 'weights.bin': zeros }), /weights\.bin unpacks to more than 200 times its size/],
        [zipOf([{ name: 'model.json', bytes: 'x'.repeat(3000), says: 0x30000000 }]), /larger than 512 MB together/],
        [zipOf([{ name: 'model.json', bytes: 'x', says: 400 << 20, saysPacked: 4 << 20 }]), /the zip's directory is damaged/],
        [zipOf(Array.from({ length: 10_001 }, (_, i) => ({ name: `${i}`, bytes: '' }))), /more than 10000 files/],
    ];
    for (const [bytes, reason] of bombs) {
        const path = join(folder({ 'm.zip': bytes }), 'm.zip'), out = join(folder(), 'm.eyelet');
        refused(await eyeletUnder('ulimit -v 900000', ['import', path, '-o', out]), { subject: path, reason });
        assert.ok(!existsSync(out));
    }
});

test('a FIFO and a device are no models', async () => {
    const here = folder(files);
    writeFileSync(join(here, 'model.json'), files['model.json'].replace('weights.bin', 'null'));
    symlinkSync('/dev/null', join(here, 'null'));
    await refusedAt(here, `${here}/null`, /is a link out of the model's folder/);
    await refusedAt('/dev/null', '/dev/null', /is not a regular file/);
});
