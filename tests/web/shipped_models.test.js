/* The models that ship: the page's default first. What each is said to be in web/models/README.md. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadClassifier } from '../../web/node.js';
import { eyelet, folder as newFolder, photoSet, succeeded } from '../support/program.js';
import { classes, evaluation, partOf } from '../support/small_sets.js';

const folder = fileURLToPath(new URL('../../web/models/', import.meta.url));
const names = JSON.parse(readFileSync(join(folder, 'models.json'), 'utf8')), objects = join(folder, 'objects160.eyelet');
const examples = readdirSync(new URL('../../web/examples', import.meta.url)).filter((name) => /\.(png|jpg)$/.test(name));
const set = photoSet('objects-160');
const skip = set ? false : 'NOT TESTED: objects-160 is neither in data/ nor in ../shared/data/';

const labelOf = (file) => file.replace(/\..*/, '');

test('models.json lists each model of its folder once, objects160 first, and each has a card', () => {
    assert.equal(names[0], 'objects160.eyelet');
    assert.deepEqual([...names].sort(), readdirSync(folder).filter((name) => name.endsWith('.eyelet')).sort());
    const cards = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const name of names)
        assert.match(cards, new RegExp(`^## ${name}`, 'm'));
});

for (const name of names)
    test(`a shipped model knows most of the page's examples of its classes: ${name}`, async () => {
        const classifier = await loadClassifier({ model: join(folder, name) });
        const own = examples.filter((file) => classifier.labels.includes(labelOf(file)));
        const right = own.filter((file) => classifier.classifySync(readFileSync(join(folder, '../examples', file)))[0].label === labelOf(file));
        assert.ok(own.length > 0 && right.length >= Math.floor(0.8 * own.length), `only ${right}`);
    });

test('objects160 tells 160 classes apart at 64x64, in integers and in less than 4 MB', async () => {
    assert.ok(statSync(objects).size < 4e6);
    const { info, labels } = await loadClassifier({ model: objects });
    assert.deepEqual([info.inputWidth, info.inputHeight, info.classes], [64, 64, 160]);
    assert.deepEqual(labels, [...new Set(labels)].sort());
    for (const label of ['espresso', 'golden_retriever', 'teddy', 'trolleybus', 'seashore'])
        assert.ok(labels.includes(label), label);
    const summary = succeeded(await eyelet(['summary', objects])).stdout;
    assert.match(summary, /^ +weights +int8, quantized, checksum/m);
    for (const note of ['name: objects160$', 'data: objects-160, [\\d,]+ images$', 'teacher: .*mobilenet_v2', 'accuracy: [\\d.]+ % of 8,000 .*test images$', 'calibration: '])
        assert.match(summary, new RegExp(`^${note}`, 'm'));
});

test('objects160 knows test images of its data set', { skip }, async () => {
    const { images, accuracy, top5 } = await evaluation(objects, partOf(set, 5));
    assert.equal(images, 800);
    assert.ok(accuracy > 0.5 && top5 > 0.76, `${accuracy} ${top5}`); /* 4 points less than of all 8,000 */
});

test('objects160 is the start of the models that ship for images in folders', async () => {
    const env = { EYELET_BACKBONES: folder }, words = ['train', newFolder(classes(['ring', 'star'], 6)), '-o', 'm.eyelet', '--epochs', '1'];
    assert.match(succeeded(await eyelet(words, { cwd: newFolder(), env })).stdout, /^from .*objects160\.eyelet, with so few images/m);
});
