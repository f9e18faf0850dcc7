/* Models of TensorFlow.js in the page: web/importer.wasm makes of their files what `eyelet import` makes, and a dropped export answers. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { importFiles } from '../../web/page/foreign_import.js';
import { foreignParcel, partsOf } from '../../web/page/foreign_files.js';
import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { give, launch, skip, visitPage } from '../support/chromium.js';
import { encodePng, gradient } from '../support/pictures.js';
import { dataFile, eyelet, folder, succeeded } from '../support/program.js';
import { filesOf, smallArtifacts } from '../support/tfjs_files.js';
import { tinyModel } from '../support/tiny_model.js';
import { zipOf } from '../support/zip_file.js';

const labels = ['a "cat"\\\u00e9\ud83d\ude00', 'dog/\n\u0001'];
const metadata = (more = {}) => JSON.stringify({ tfjsVersion: '1.3.1', tmVersion: '2.4.4', packageName: '@teachablemachine/image', packageVersion: '0.8.4',
    modelName: 'tm-my-image-model', labels, imageSize: 4, ...more });
/* Every escape that JSON has. */
const escaped = (json) => json.replace(/[\u0080-\uffff/]/g, (unit) => unit === '/' ? '\\/' : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`);
const small = (more) => ({ ...filesOf(smallArtifacts(more)), 'metadata.json': metadata() });
const without = (name, { [name]: left, ...rest } = small()) => rest;

const fileOf = (path, bytes) => Object.assign(new Blob([bytes]), { path, name: basename(path) });
const pathOf = ({ path }) => path;
const wasm = await WebAssembly.compile(readFileSync(new URL('../../web/importer.wasm', import.meta.url)));
const inPage = async (files) => importFiles(wasm, await foreignParcel(partsOf(files, { pathOf })));

async function natively(path) {
    const output = join(folder(), 'out.eyelet');
    succeeded(await eyelet(['import', path, '-o', output]));
    return readFileSync(output);
}

/* A folder, its zip, with the folder in it and without, and the files alone, in any order. */
async function sameInEachForm(files) {
    const place = join(folder(), 'my_model'), entries = Object.entries(files);
    mkdirSync(place);
    for (const [name, bytes] of entries) writeFileSync(join(place, name), bytes);
    const same = async (given, path) => assert.ok((await natively(path)).equals(await inPage(given)), `${path}: other bytes`);
    await same(entries.map(([name, bytes]) => fileOf(`my_model/${name}`, bytes)), place);
    await same(entries.map(([name, bytes]) => fileOf(name, bytes)).reverse(), join(place, 'model.json'));
    for (const inside of ['', 'my_model/']) {
        const zip = zipOf(Object.fromEntries(entries.map(([name, bytes]) => [inside + name, bytes]))), path = join(dirname(place), 'converted_tfjs.zip');
        writeFileSync(path, zip);
        await same([fileOf('converted_tfjs.zip', zip)], path);
    }
}

test('the bytes are those of the program', async () => {
    await sameInEachForm(small());
    await sameInEachForm({ ...small(), 'metadata.json': `\ufeff ${escaped(metadata())}\n` });
    await sameInEachForm({ ...small(), 'metadata.json': metadata().replace('"imageSize":4', `$&.${'0'.repeat(80)}`) });
    await sameInEachForm({ ...filesOf(smallArtifacts(), { shard: 100 }), 'class_names.txt': 'yes\nno\n' });
});

for (const name of ['teachable-machine', 'tfjs-doodlenet']) {
    const path = dataFile(`backbones/${name}`);
    test(`and of ${name}`, { skip: path ? false : `NOT TESTED: no data/backbones/${name}` }, async () => {
        const files = readdirSync(path).map((file) => fileOf(`${name}/${file}`, readFileSync(join(path, file))));
        assert.ok((await natively(path)).equals(await inPage(files)));
    });
}

const quantised = smallArtifacts();
quantised.weightSpecs = quantised.weightSpecs.map((spec) => ({ ...spec, quantization: { dtype: 'int4', scale: 1, min: 0 } }));
const wrong = {
    'no weights': ['NO_FILE', without('weights.bin'), /there is no weights\.bin in the zip\. The model needs it/],
    'cut weights': ['WEIGHTS_SHORT', { ...small(), 'weights.bin': small()['weights.bin'].subarray(0, 300) }, /weights\.bin.* (short|300)/],
    'weights of another model': ['WEIGHTS_LONG', { ...small(), 'weights.bin': Buffer.alloc(1000) }, /it belongs to another model/],
    'an unknown layer': ['LAYER_KIND', small({ layers: [{ class_name: 'Mystery', config: { name: 'm', batch_input_shape: [null, 4, 4, 3] } }] }), /Mystery/],
    'a layer with an unknown activation': ['LAYER', small({ layers: [{ class_name: 'Flatten', config: { name: 'f', batch_input_shape: [null, 4, 4, 3] } },
        { class_name: 'Dense', config: { name: 'd', units: 2, activation: 'mystery' } }], weightSpecs: [{ name: 'd/kernel', shape: [48, 2], dtype: 'float32' },
        { name: 'd/bias', shape: [2], dtype: 'float32' }] }), /mystery/],
    'an unknown quantisation': ['', { ...filesOf(quantised), 'metadata.json': metadata() }, /quantization is none that can be read/],
    sounds: ['SOUNDS', { ...small(), 'metadata.json': metadata({ wordLabels: ['noise'] }) }, /model of sounds\. Eyelet classifies images/],
    poses: ['POSES', { ...small(), 'metadata.json': metadata({ packageName: '@teachablemachine/pose' }) }, /model of poses/],
    'labels of another model': ['LABELS', { ...small(), 'metadata.json': metadata({ labels: ['one'] }) }, /has 1 labels, and the model has 2 classes/],
    'no list of weights': ['NO_WEIGHTS', { ...small(), 'model.json': JSON.stringify({ modelTopology: {} }) }, /the model has no weights/],
    'another JSON': ['NO_MODEL', { ...small(), 'model.json': '{"modelTopology":1}' }, /is no TensorFlow\.js model/],
};
for (const [what, [key, files, reason]] of Object.entries(wrong))
    test(`refused as by the program: ${what}`, async () => {
        const zip = zipOf(files), path = join(folder({ 'mine.zip': zip }), 'mine.zip');
        await assert.rejects(inPage([fileOf('mine.zip', zip)]), ({ code, message }) => code === `FOREIGN${key && '_'}${key}` && !message.includes('\n') && reason.test(message));
        const { status, stderr } = await eyelet(['import', path, '-o', join(folder(), 'out.eyelet')]);
        assert.equal(status, 1);
        assert.match(stderr.replace(/\n +/g, '. '), reason);
    });

test('what is no JSON is refused', async () => {
    const wrong = ['', '{', '[1,]', '{"a" 1}', '{"a":1,}', '{}x', '{"a":"\\u12"}', '{"a":tru}', '{"a":-}', '{"a":0x10}', '{"a":Infinity}', '{"a":"\\ud800"}', '{"a":"\\q"}',
        '{"a":"\\u0000"}', '{1:2}', '{"a', '["\\', `${'['.repeat(101)}${']'.repeat(101)}`];
    for (const json of wrong)
        await assert.rejects(inPage([fileOf('mine.zip', zipOf({ ...small(), 'metadata.json': json }))]), ({ code, message, words }) => /JSON/.test(message) &&
            (code === 'FOREIGN_JSON_DAMAGED' ? words.join() === 'metadata.json' : code === 'FOREIGN' && /nested/.test(message)), json);
});

test('what is no export is left alone, or named', async () => {
    const parts = (...paths) => partsOf(paths.map((path) => fileOf(path, 'x')), { pathOf });
    assert.equal(parts('a.jpg', 'b/c.png', 'notes.txt', 'notes.json'), null);
    assert.equal(parts('x/y/model.json', 'x/y/weights.bin', 'x/a.jpg').files.length, 2);
    assert.deepEqual(parts('mine.json', 'mine.weights.bin', 'a.jpg').files.map(({ name }) => name), ['mine.json', 'mine.weights.bin']);
    assert.equal(parts('x/y/model.json').name, 'y');
    for (const [files, code] of [[fileOf('a.zip', zipOf({ 'a.txt': 'x' })), 'FOREIGN_NONE'], [fileOf('a.zip', 'PK'), 'ZIP_DAMAGED'], [fileOf('m.tflite', 'x'), 'FOREIGN_KIND'],
        [fileOf('a.zip', zipOf({ 'keras_model.h5': 'x', 'labels.txt': 'x' })), 'FOREIGN_KIND'],
        [fileOf('a.zip', zipOf([{ name: 'model.json', bytes: Buffer.alloc(5 << 20) }])), 'ZIP_BOMB']])
        await assert.rejects(inPage([files]), { code });
});

describe('in the page', { skip }, () => {
    let browser, site;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
    });
    after(async () => {
        await browser?.close();
        await site?.close();
    });
    const zipFile = (name, files) => ({ name, mimeType: 'application/zip', buffer: zipOf(files) });

    test('a dropped export answers as Node does, and a broken one leaves it in use', () => visitPage(browser, site.url, async (page) => {
        await page.waitForSelector('#known li');
        const picture = encodePng(gradient(40, 40)), zip = zipFile('Pets.zip', { ...small(), 'metadata.json': metadata({ labels: ['cat', 'dog'] }) });
        const [best] = (await loadClassifier({ model: await inPage([fileOf('Pets.zip', zip.buffer)]) })).classifySync(picture);
        await give(page, 'drop', zip);
        await page.waitForFunction(() => document.querySelector('#models')?.selectedOptions[0]?.textContent === 'Pets' && document.querySelector('#known li'));
        await page.setInputFiles('#file', { name: 'a.png', mimeType: 'image/png', buffer: picture });
        await page.waitForSelector('#bars li');
        assert.match(await page.locator('#bars li').first().textContent(), new RegExp(`${best.label}.*${(100 * best.score).toFixed(1)}`));
        await give(page, 'drop', zipFile('Broken.zip', without('weights.bin')));
        await page.waitForSelector('#problem:not([hidden])');
        assert.match(await page.textContent('#problem'), /This model cannot be used: Broken\.zip: there is no weights\.bin in the zip.*The model in use is Pets/);
        await page.waitForSelector('#bars li');
        await page.selectOption('#models', 'tiny');
        await page.selectOption('#models', 'Pets');
        await page.waitForFunction(() => document.querySelectorAll('#bars li').length === 2);
        await page.setInputFiles('#file', Object.entries(small()).map(([name, bytes]) => ({ name, mimeType: '', buffer: Buffer.from(bytes) })));
        await page.waitForFunction(() => document.querySelector('#models').selectedOptions[0].textContent === 'Imported model');
    }, { models: { 'tiny.eyelet': tinyModel() } }));

    test('in Chinese it is said in Chinese why an export cannot be used; what no table has, in English', () => visitPage(browser, `${site.url}?lang=zh`, async (page) => {
        await page.waitForSelector('#known li');
        const layer = (config) => ({ ...small({ layers: [{ class_name: 'Mystery', config: { name: 'm\u202e1', batch_input_shape: [null, 4, 4, 3], ...config } }] }) });
        const cases = [
            [{ ...small(), 'weights.bin': small()['weights.bin'].subarray(0, 300) }, '无法使用这个模型：weights.bin 不完整，请重新取得同一次导出的所有文件。'],
            [layer({}), '无法使用这个模型：不支持其中的层 Mystery "m\\u{202E}1"。'],
            [{ 'notes.txt': 'x' }, '这个 .zip 文件里没有 TensorFlow.js 模型（缺少 model.json）。'],
            [{ ...small(), 'model.json': '{"modelTopology":1}' }, '无法使用这个模型：model.json 不是 TensorFlow.js 模型。'],
            [{ ...small(), 'metadata.json': metadata({ labels: ['one'] }) }, '无法使用这个模型：metadata.json 有 1 个标签，模型却有 2 个类别。请重新取得同一次导出的所有文件。'],
            [{ ...filesOf(quantised), 'metadata.json': metadata() }, '无法使用这个模型：Broken.zip: weight dense/kernel: its quantization is none that can be read'],
        ];
        for (const [files, reason] of cases) {
            await give(page, 'drop', zipFile('Broken.zip', files));
            await page.waitForFunction((reason) => document.querySelector('#problem:not([hidden])')?.textContent.includes(reason), reason).catch(async () =>
                assert.equal(await page.textContent('#problem'), reason));
            assert.match(await page.textContent('#problem'), /当前使用的模型是 tiny。$/);
        }
    }, { models: { 'tiny.eyelet': tinyModel() } }));

    test('what was imported is saved as one .eyelet file, which is the one that the program writes', () => visitPage(browser, `${site.url}?lang=zh`, async (page) => {
        await page.waitForSelector('#known li');
        const save = page.getByRole('button', { name: '保存为 .eyelet 文件' }), said = page.locator('#own-model [role=status]');
        const chosen = (name) => page.waitForFunction((name) => document.querySelector('#models')?.selectedOptions[0]?.textContent === name && document.querySelector('#known li'), name);
        assert.equal(await save.count(), 0, 'of a model of the list');
        const zip = zipFile('Pets & co. (1).zip', small()), path = join(folder({ [zip.name]: zip.buffer }), zip.name);
        await give(page, 'drop', zip);
        await chosen('Pets & co. (1)');
        await save.focus();
        const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
        assert.equal(file.suggestedFilename(), 'Pets & co (1).eyelet');
        assert.ok(readFileSync(await file.path()).equals(await natively(path)));
        assert.equal(await said.textContent(), '已保存为 Pets & co (1).eyelet');
        await page.selectOption('#models', 'tiny');
        await chosen('tiny');
        assert.equal(await save.count(), 0, 'of a model of the list');
        await page.selectOption('#models', 'Pets & co. (1)');
        await chosen('Pets & co. (1)');
        assert.deepEqual([await save.count(), await said.textContent()], [1, '']);
        await give(page, 'drop', { name: 'saved.eyelet', mimeType: '', buffer: readFileSync(await file.path()) });
        await chosen('saved');
        assert.equal(await save.count(), 0, 'it is a file already');
    }, { models: { 'tiny.eyelet': tinyModel() } }));
});
