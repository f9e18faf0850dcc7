/* Data whose classes are some of a model's, in any order and under names that a person takes for theirs: eyelet evaluate, quantize, convert
 * and calibrate. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { dataFile, eyelet, folder, refused, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

const layers = (channels) => [{ kind: 'global_avgpool' }, { kind: 'dense', channels, bias: true }, { kind: 'softmax' }];
const input = [8, 8, 3];

/* Tells red, green and blue, and never answers any other class. The embedding makes it one that can be quantized and searched alike. */
function colours(labels, order = [0, 1, 2]) {
    const numbers = [0, 1, 2].flatMap((channel) => labels.map((_, i) => order[channel] === i ? 4 : 0)).concat(labels.map((_, i) => i < 3 ? 0 : -20));
    return modelOf({ input, labels, layers: layers(labels.length), weight: () => numbers.shift() });
}
const plain = (rgb, i) => encodePng({ data: new Uint8ClampedArray(256).map((_, k) => k % 4 === 3 ? 255 : Math.abs(rgb[k % 4] - i)), width: 8, height: 8 });
const pixel = { red: [250, 20, 30], green: [10, 240, 40], blue: [30, 20, 245] };
/* { 'tomato/0.png': ... }: pictures of a colour for each class. */
const pictures = (classes, count = 6, prefix = '') => Object.fromEntries(Object.entries(classes).flatMap(([name, colour]) =>
    Array.from({ length: count }, (_, i) => [`${prefix}${name}/${i}.png`, plain(pixel[colour], i)])));
const model = (labels, order) => join(folder({ 'm.eyelet': colours(labels, order) }), 'm.eyelet');
const five = ['tomato', 'leaf', 'sky', 'night', 'snow'];
const numbersOf = async (path, data, ...more) => JSON.parse(succeeded(await eyelet(['evaluate', path, data, '--test', '1', '--json', ...more])).stdout);
const finite = (value) => typeof value === 'object' ? Object.values(value).every(finite) : typeof value !== 'number' || Number.isFinite(value);

test('a folder with some of the classes is measured, whatever their order', async () => {
    const data = folder(pictures({ sky: 'blue', tomato: 'red' }));
    for (const [labels, order] of [[five, [0, 1, 2]], [['sky', 'tomato', 'leaf', 'night', 'snow'], [1, 2, 0]]]) {
        const said = await numbersOf(model(labels, order), data);
        assert.deepEqual([said.accuracy, said.images, said.measured_classes, said.classes], [1, 12, 2, labels]);
        const counts = Object.fromEntries(said.per_class.map(({ images }, i) => [labels[i], images]));
        assert.deepEqual(counts, { tomato: 6, leaf: 0, sky: 6, night: 0, snow: 0 });
        labels.forEach((name, i) => assert.deepEqual(said.confusion[i], labels.map((_, k) => i === k ? counts[name] : 0)));
        assert.ok(finite(said));
    }
    const { stdout } = succeeded(await eyelet(['evaluate', model(five), data, '--test', '1']));
    assert.match(stdout, /^classes {4}images of 2 of the model's 5, none of "leaf", "night", "snow"$/m);
    assert.doesNotMatch(stdout, /nan|^ {2}(leaf|night|snow) /m);
    assert.equal(stdout.match(/^ {2}(tomato|sky) .* 100\.0 %/gm).length, 2);
});

test('images that are taken for a class of which there are none count as mistakes', async () => {
    const said = await numbersOf(model(five), folder(pictures({ sky: 'green', tomato: 'red' })));
    assert.deepEqual([said.accuracy, said.per_class[1].answers, said.per_class[1].precision, said.per_class[2].recall], [0.5, 6, 0, 0]);
    assert.equal(said.confusion[2][1], 6);
    assert.ok(finite(said));
});

test('a CSV file and one class alone are measured', async () => {
    const files = { ...pictures({ a: 'red', b: 'green' }, 3) };
    const list = (text) => join(folder({ ...files, 'list.csv': text }), 'list.csv');
    const rows = (name, label) => [0, 1, 2].map((i) => `${name}/${i}.png,${label}\n`).join('');
    const said = await numbersOf(model(five), list(`path,label\n${rows('b', 'leaf')}${rows('a', 'tomato')}`));
    assert.deepEqual([said.accuracy, said.measured_classes, said.per_class.map(({ images }) => images)], [1, 2, [3, 3, 0, 0, 0]]);
    for (const data of [list(`path,label\n${rows('b', 'leaf')}`), folder(pictures({ leaf: 'green' }))]) {
        const alone = await numbersOf(model(five), data);
        assert.deepEqual([alone.accuracy, alone.measured_classes], [1, 1]);
    }
    refused(await eyelet(['train', folder(pictures({ leaf: 'green' })), '-o', 'x.eyelet']), { subject: undefined, reason: /only one class, "leaf"/ });
});

test('a name is found but for capitals and spaces, by its synonyms, and only where it means one class', async () => {
    const labels = ['Cardigan, Welsh corgi', 'cardigan', 'great white shark, man-eater', 'crane', 'crane', 'harp', 'mouth organ, harp'];
    const path = model(labels, [0, 1, 2]), of = async (names) => eyelet(['evaluate', path, folder(pictures(Object.fromEntries(names.map((name) => [name, 'red'])))), '--test', '1', '--json']);
    for (const [name, index] of [['Cardigan', 0], ['cardigan', 1], ['Welsh Corgi', 0], ['great_white shark', 2], ['Man-Eater', 2], ['harp', 5], ['Mouth  organ', 6],
        ['great white shark, man-eater', 2], ['Cardigan, welsh corgi', 0]]) {
        const result = succeeded(await of([name])), { per_class: each } = JSON.parse(result.stdout);
        assert.equal(each.findIndex(({ images }) => images === 6), index, name);
        assert.equal(/^data: taken for the model's classes: /m.test(result.stderr), labels[index] !== name, name);
    }
    assert.match((await of(['Welsh corgi', 'harp'])).stderr, /^data: taken for the model's classes: Welsh corgi \(for "Cardigan, Welsh corgi"\)$/m);
    const both = succeeded(await of(['man-eater', 'Great White Shark']));
    assert.equal(JSON.parse(both.stdout).per_class[2].images, 12, 'two names of one class');
    refused(await of(['crane', 'harp']), { reason: /the class "crane" may be the model's class 3, "crane", or 4, "crane"/, hint: /--labels/ });
    refused(await of(['CARDIGAN', 'harp']), { reason: /the class "CARDIGAN" may be the model's class 0, "Cardigan, Welsh corgi", or 1, "cardigan"/ });
    const short = await numbersOf(model(['shark', 'cat', 'dog']), folder(pictures({ 'shark, Carcharodon': 'red', 'Felis, cat': 'green' })));
    assert.deepEqual(short.per_class.map(({ images }) => images), [6, 6, 0], 'the data has the list of synonyms');
});

test('classes that the model does not have are named, with what to do', async () => {
    const data = folder(pictures({ leaf: 'green', zebra: 'red', yak: 'red' }));
    refused(await eyelet(['evaluate', model(five), data, '--test', '1']), { subject: data,
        reason: /^2 of its 3 classes are none of the model's 5 \("tomato", "leaf", "sky", \.\.\.\): "yak", "zebra"$/, hint: /Call them as the model does.*--columns/ });
    refused(await eyelet(['quantize', model(five), '-o', join(data, 'q.eyelet'), '--data', data]), { subject: data, reason: /"yak", "zebra"/ });
    assert.ok(!existsSync(join(data, 'q.eyelet')));
    const numbered = model(['class 0', 'class 1', 'class 2']);
    refused(await eyelet(['evaluate', numbered, data]), { subject: data, reason: /^3 of its 3 classes/, hint: /import it again, with --labels/ });
    const beside = folder({ ...pictures({ images: 'red' }), 'labels.csv': 'path,label\nimages/0.png,leaf\n' });
    refused(await eyelet(['evaluate', model(five), beside]), { subject: beside, reason: /^1 of its 1 classes is none/, hint: /labels\.csv says what the images show/ });
});

test('quantize, convert and calibrate take some of the classes, or say that they need all', async () => {
    const data = folder(pictures({ sky: 'blue', tomato: 'red' }, 12)), path = model(five), here = folder();
    const result = succeeded(await eyelet(['quantize', path, '-o', 'q.eyelet', '--data', data, '--test', '0.5'], { cwd: here }));
    assert.match(result.stdout, /^accuracy +100\.00 % \([\d.-]+\) before, 100\.00 % .* of 12 images$/m);
    assert.match(result.stdout, /^classes {4}images of 2 of the model's 5, none of "leaf", "night", "snow"\nworst +tomato 100\.0 to 100\.0 %, sky 100\.0 to 100\.0 %$/m);
    const json = JSON.parse(succeeded(await eyelet(['quantize', path, '-o', 'q.eyelet', '--data', data, '--json'], { cwd: here })).stdout);
    assert.deepEqual([json.measured_classes, json.classes.map(({ label }) => label).sort()], [2, ['sky', 'tomato']]);
    assert.equal((await numbersOf(join(here, 'q.eyelet'), data)).accuracy, 1);
    assert.match(succeeded(await eyelet(['convert', path, '-o', 'h.eyelet', '--data', data], { cwd: here })).stdout, /accuracy +100\.00 % before, 100\.00 % after/);
    refused(await eyelet(['calibrate', path, '--data', data, '--validation', '0.5']), { subject: data, reason: /has images of 2 of the model's 5 classes/, hint: /--data/ });
    assert.equal((await eyelet(['quantize', path, '-o', 'q.eyelet', '--data', data, '--test', '1'], { cwd: here })).status, 2);
});

test('classes of one image stand on one side of the split; without any test image there is nothing to measure', async () => {
    const data = folder({ ...pictures({ tomato: 'red' }, 8), ...pictures({ sky: 'blue' }, 1) });
    const { stdout } = succeeded(await eyelet(['evaluate', model(five), data]));
    assert.match(stdout, /^classes {4}images of 1 of the model's 5, none of "leaf", "sky", "night" and 1 more$/m);
    const single = folder(pictures({ sky: 'blue', tomato: 'red' }, 1));
    refused(await eyelet(['evaluate', model(five), single]), { subject: single, reason: /there are no test images in it/, hint: /--test/ });
    assert.equal((await numbersOf(model(five), single)).accuracy, 1);
});

test('--record tells that not all classes were measured', async () => {
    const path = model(five), data = folder(pictures({ sky: 'blue', tomato: 'red' }));
    await numbersOf(path, data, '--record');
    assert.match(succeeded(await eyelet(['summary', path])).stdout, /^accuracy: 100\.00 % \([\d.-]+\) of 12 \S+ test images of 2 of its 5 classes$/m);
});

/* ---- Many classes ---- */

test('of more than 100 classes the table has those of lowest F1', async () => {
    const labels = Array.from({ length: 150 }, (_, i) => i % 2 ? `class number ${i}, whose name is long` : `thing ${i}`);
    const said = succeeded(await eyelet(['evaluate', model(labels), folder(pictures(Object.fromEntries(labels.map((name) => [name, 'red'])), 1)), '--test', '1'])).stdout;
    const lines = said.split('\n').filter((line) => /^ {2}(class number|thing) \d/.test(line));
    assert.equal(lines.length, 30);
    assert.match(said, /the 30 of lowest F1 among 150 classes with images; --report and --json have all/);
    assert.doesNotMatch(said, /^classes /m);
    assert.equal(new Set(lines.map((line) => line.indexOf(' % '))).size, 1, 'the columns stand below each other');
    assert.ok(lines.some((line) => /^ {2}class number \d+, whose.*\.\. /.test(line)));
});

const csv = dataFile('imagenet-photos/labels.csv'), mobilenet = dataFile('backbones/mobilenet_v1_0.25_128.tflite');
const skip = !csv || !mobilenet ? 'NOT TESTED: imagenet-photos and backbones are neither in data/ nor in ../shared/data/' : false;

test('a network of 1,000 classes is measured on photos of 225 of them, as floats and in int8', { skip }, async () => {
    const here = folder(), path = join(here, 'm.eyelet');
    succeeded(await eyelet(['import', mobilenet, '-o', path, '--labels', 'imagenet']));
    const said = await numbersOf(path, csv);
    assert.deepEqual([said.correct, said.images, said.measured_classes, said.top5], [140, 300, 225, 0.72]); /* as TensorFlow: tflite_networks.test.js */
    assert.ok(finite(said));
    succeeded(await eyelet(['quantize', path, '-o', 'q.eyelet', '--data', csv, '--drop', '100'], { cwd: here }));
    const small = await numbersOf(join(here, 'q.eyelet'), csv);
    assert.ok(Math.abs(small.correct - said.correct) <= 9, `${small.correct} of 300 in int8, ${said.correct} as floats`);
});
