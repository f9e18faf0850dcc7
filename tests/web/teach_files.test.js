/* web/page/teach_files.js, in Node: which pictures of what is dropped are taught, and as what. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { picturesIn } from '../../web/page/teach_files.js';
import { zipOf } from '../support/zip_file.js';

const fileOf = (path, bytes = 'x', type = '') => Object.assign(new Blob([bytes], { type }), { path, name: path.split('/').pop() });
const pathOf = ({ path }) => path;
const found = async (files, room = 5000) => picturesIn(files, { pathOf, room });
const labels = async (paths) => (await found(paths.map((path) => fileOf(path)))).pictures.map(({ label, name }) => `${label}:${name}`);
const zip = (name, files) => fileOf(name, zipOf(files));

test('the class is the folder', async () => {
    assert.deepEqual(await labels(['a.jpg', 'b.PNG']), [':a.jpg', ':b.PNG']);
    assert.deepEqual(await labels(['cats/a.jpg', 'dogs/b.jpg', 'c.webp']), ['cats:a.jpg', 'dogs:b.jpg', ':c.webp']);
    assert.deepEqual(await labels(['photos/cats/a.jpg', 'photos/dogs/b.jpg']), ['cats:a.jpg', 'dogs:b.jpg']);
    assert.deepEqual(await labels(['photos/cats/summer/a.jpg', 'photos/cats/b.jpg', 'photos/dogs/c.jpg']), ['cats:a.jpg', 'cats:b.jpg', 'dogs:c.jpg']);
    assert.deepEqual(await labels(['set/train/cats/a.jpg', 'set/train/dogs/b.jpg', 'set/test/cats/c.jpg']), ['cats:a.jpg', 'dogs:b.jpg', 'cats:c.jpg']);
    assert.deepEqual(await labels(['cats/a.jpg', 'cats/b.jpg']), ['cats:a.jpg', 'cats:b.jpg']);
    assert.deepEqual(await labels(['mine/cats/train/a.jpg', 'mine/cats/train/b.jpg']), ['cats:a.jpg', 'cats:b.jpg']);
});

test('what is no picture is counted, what systems put beside them is not', async () => {
    const { pictures, others } = await found(['cats/a.jpg', 'cats/notes.txt', 'cats/.DS_Store', '.hidden/b.jpg', 'cats/Thumbs.db'].map((path) => fileOf(path)));
    assert.deepEqual([pictures.length, others], [1, ['cats/notes.txt']]);
    assert.equal((await found([fileOf('pasted', 'x', 'image/png')])).pictures.length, 1);
});

test('a .zip file, with folders and without', async () => {
    const folders = await found([zip('photos.zip', { 'photos/cats/a.jpg': 'A', 'photos/dogs/b.jpg': 'B', 'photos/readme.md': 'x', '__MACOSX/photos/._a.jpg': 'x' })]);
    assert.deepEqual(folders.pictures.map(({ label, name }) => `${label}:${name}`), ['cats:a.jpg', 'dogs:b.jpg']);
    assert.deepEqual(folders.others, ['photos/readme.md']);
    assert.equal(String(Buffer.from(await folders.pictures[1].open())), 'B');
    const flat = await found([zip('Mugs-samples.zip', { '1.jpg': 'A' }), zip('Pens.zip', { '1.jpg': 'A' })]);
    assert.deepEqual(flat.pictures.map(({ label }) => label), ['Mugs', 'Pens']);
});

test('a project of Teachable Machine', async () => {
    const manifest = (type) => JSON.stringify({ type, version: '2.4.4', appdata: { trainEpochs: 50 } });
    const { pictures, others } = await found([zip('project.tm', { 'manifest.json': manifest('image'), 'Class 1-!-0.jpg': 'A', 'Class 1-!-1.jpg': 'B', 'My-!-thing-!-0.png': 'C' })]);
    assert.deepEqual(pictures.map(({ label }) => label), ['Class 1', 'Class 1', 'My-!-thing']);
    assert.deepEqual(others, []);
    await assert.rejects(found([zip('sounds.tm', { 'manifest.json': manifest('audio') })]), { code: 'PROJECT_KIND' });
});

test('an exported model is named, in a folder and zipped', async () => {
    const exported = { 'model.json': '{}', 'metadata.json': '{}', 'weights.bin': 'x' };
    await assert.rejects(found([zip('converted_tfjs.zip', exported)]), ({ code, message }) => code === 'EXPORTED_MODEL' && /beside the classes/.test(message));
    await assert.rejects(found(Object.keys(exported).map((name) => fileOf(`my_model/${name}`))), { code: 'EXPORTED_MODEL' });
});

test('of 20,000 pictures as many of each class are taken as there is room for', async () => {
    const files = Array.from({ length: 20_000 }, (_, i) => fileOf(`${i < 19_000 ? 'many' : i < 19_990 ? 'some' : 'few'}/${i}.jpg`));
    const { pictures, leftOut } = await found(files);
    const count = (label) => pictures.filter((picture) => picture.label === label).length;
    assert.deepEqual([pictures.length, leftOut, count('few'), count('some'), count('many')], [5000, 15_000, 10, 990, 4000]);
});
