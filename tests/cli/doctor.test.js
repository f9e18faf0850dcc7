/* eyelet doctor: everything that it counts and finds, on data made here, and when it ends with another status. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { test } from 'node:test';

import { drawnGlyph, glyphs, random } from '../support/drawn_letters.js';
import { encodeBmp, encodeJpeg, encodePng } from '../support/pictures.js';
import { dataWith, eyelet, folder, makeData, makeRecords, photoSet, program, succeeded } from '../support/program.js';

/* A soft picture of its own for every number, at any size: what a photo scaled down is like. */
function photo(number, { width = 64, height = 64, brighter = 0 } = {}) {
    const data = new Uint8ClampedArray(width * height * 4), angle = number * 2.399963, wave = 2 + number % 5;
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
            const u = (x + 0.5) / width, v = (y + 0.5) / height;
            const value = 128 + 50 * Math.sin(wave * (u * Math.cos(angle) + v * Math.sin(angle)) * 3 + number) + 50 * Math.cos((number % 7 + 2) * u * v * 4 + angle) + brighter;
            data.set([value, value * 0.8, 255 - value, 255], (y * width + x) * 4);
        }
    return { data, width, height };
}
const png = (number, options) => encodePng(photo(number, options));

function parts(trained, tested) {
    const files = {};
    ['cat', 'dog'].forEach((name, label) => {
        for (let i = 0; i < trained; i++)
            files[`train/${name}/${i}.png`] = png(label * 500 + i);
        for (let i = 0; i < tested; i++)
            files[`test/${name}/${i}.png`] = png(label * 500 + 300 + i);
    });
    return files;
}
const sound = parts(12, 6);

async function examined(data, ...more) {
    const result = await eyelet(['doctor', data, '--json', ...more]);
    assert.equal(result.signal, null, result.stderr);
    const said = JSON.parse(result.stdout);
    assert.equal(result.status, said.problems.length ? 1 : 0, result.stdout);
    return { ...said, duplicates: said.duplicates.map((group) => ({ ...group, files: group.files.map((name) => name.replace(`${data}/`, '')) })) };
}
const has = (texts, pattern) => assert.ok(texts.some((text) => pattern.test(text)), `${pattern} is not among ${JSON.stringify(texts)}`);

test('a sound set: counts of a class and part, sizes, no problem', async () => {
    const said = await examined(folder(sound));
    assert.equal(said.images, 36);
    assert.deepEqual(said.classes, [{ class: 'cat', train: 12, test: 6 }, { class: 'dog', train: 12, test: 6 }]);
    assert.deepEqual(said.sizes, { min: [64, 64], median: [64, 64], max: [64, 64] });
    assert.deepEqual([said.problems, said.notes, said.duplicates, said.unreadable], [[], [], [], []]);
    const text = succeeded(await eyelet(['doctor', folder(sound)])).stdout;
    assert.match(text, /^36 images, 2 classes\n\n {2}class +train +test\n {2}cat +12 +6\n {2}dog +12 +6\n/);
    assert.match(text, /No problem found\.\n$/);
});

test('what a picture is like: rotated, transparent, misnamed, narrow, small', async () => {
    const clear = photo(900);
    clear.data[3] = 7;
    const data = folder({ ...sound, 'train/cat/turned.jpg': encodeJpeg(5, 5, (x, y) => 40 * x + 9 * y, { orientation: 6 }), 'train/cat/turned.png': encodePng(photo(905), { orientation: 8 }), 'train/cat/clear.png': encodePng(clear),
        'train/cat/really a.jpg': png(901), 'train/dog/upper.BMP': encodeBmp(photo(902)), 'train/dog/narrow.png': png(903, { width: 240, height: 80 }),
        'train/dog/small.png': png(904, { width: 31, height: 40 }) });
    const said = await examined(data);
    assert.deepEqual([said.rotated, said.transparent, said.narrow, said.small], [2, 1, 1, 1]);
    assert.deepEqual(said.misnamed, [join(data, 'train/cat/really a.jpg')]);
    assert.deepEqual(said.sizes, { min: [31, 40], median: [64, 64], max: [240, 80] });
    for (const pattern of [/rotated upright.*: 2$/, /transparent pixels.*: 1$/, /extension of another format.*: 1$/, /aspect ratio of 3 or more.*: 1$/, /fewer than 32 pixels on a side: 1$/])
        has(said.notes, pattern);
    assert.deepEqual(said.problems, []);
});

test('files that cannot be read are named, escaped, and more than five in a hundred are a problem', async () => {
    const data = folder({ ...sound, 'train/cat/bad\n"one".jpg': 'x', 'train/cat/empty.png': '' });
    const said = await examined(data);
    assert.deepEqual(said.unreadable, [{ file: join(data, 'train/cat/bad\n"one".jpg'), reason: 'the image is neither JPEG nor PNG nor BMP' },
        { file: join(data, 'train/cat/empty.png'), reason: 'the file is empty' }]);
    has(said.problems, /2 of 38 images cannot be read, more than 5 %/);
    assert.deepEqual(said.classes[0], { class: 'cat', train: 12, test: 6 });
    const more = await examined(data, '--allow-bad', '0.1');
    assert.deepEqual(more.problems, []);
    has(more.notes, /cannot be read: 2$/);
    assert.match((await eyelet(['doctor', data])).stdout, /bad\\x0a"one"\.jpg: the image is neither/);
});

test('equal pictures, whatever the format: within a class, across classes, across parts', async () => {
    const within = await examined(folder({ ...sound, 'train/cat/again.bmp': encodeBmp(photo(3)) }));
    assert.deepEqual(within.duplicates, [{ kind: 'equal', across_classes: false, across_parts: false, files: ['train/cat/3.png', 'train/cat/again.bmp'].sort() }]);
    assert.deepEqual(within.problems, []);
    has(within.notes, /^duplicates, equal pixel by pixel: 1$/);
    const classes = await examined(folder({ ...sound, 'train/dog/cat.png': png(3) }));
    assert.equal(classes.duplicates[0].across_classes, true);
    has(classes.problems, /two classes or more, equal pixel by pixel: 2$/);
    const across = await examined(folder({ ...sound, 'test/cat/seen.png': png(3) }));
    assert.deepEqual(across.duplicates.map((group) => [group.kind, group.across_classes, group.across_parts]), [['equal', false, true]]);
    has(across.problems, /two parts of the data, equal pixel by pixel.*: 2$/);
});

test('nearly equal pictures: smaller, brighter; and none that are only alike', async () => {
    const data = folder({ ...sound, 'test/cat/smaller.png': png(3, { width: 40, height: 40 }), 'test/dog/brighter.png': png(505, { brighter: 12 }) });
    const said = await examined(data);
    const found = said.duplicates.map((group) => [group.kind, group.files.sort()]).sort();
    assert.deepEqual(found, [['near', ['test/cat/smaller.png', 'train/cat/3.png']], ['near', ['test/dog/brighter.png', 'train/dog/5.png']]]);
    has(said.problems, /near-duplicates in two parts of the data: 4, more than 1 %/);
    const classes = await examined(folder({ ...sound, 'train/dog/cat.png': png(3, { brighter: 4 }) }));
    has(classes.problems, /near-duplicates in two classes: 2, more than 1 %/);
});

test('drawings of letters and digits are not near-duplicates, whatever the paper: of 1,080, 583,000 pairs', async () => {
    const files = {};
    for (let glyph = 0; glyph < glyphs.length; glyph++)
        for (let i = 0; i < 30; i++)
            files[`${glyphs[glyph]}/${i}.png`] = encodePng(drawnGlyph(glyph, 28, random(glyph * 100 + i), i % 2 ? { paper: 0, ink: 255 } : {}));
    const said = await examined(folder(files));
    assert.equal(said.images, 1080);
    assert.deepEqual(said.duplicates, []);
});

const photos20 = photoSet('photos-20');
test('changed photos are found, others are not: photos-20', { skip: !photos20 && 'NOT TESTED: photos-20 is neither in data/ nor in ../shared/data/' }, () => {
    const bench = join(dirname(realpathSync(program)), 'bench-duplicates');
    const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env; /* this is no part of another make */
    execFileSync('make', [`VARIANT=${basename(dirname(bench))}`, relative(process.cwd(), bench)], { env });
    const found = Object.fromEntries([...execFileSync(bench, [photos20], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).matchAll(/^\| (.*?) \| ([\d.]+)( %)? \|$/gm)]
        .map(([, name, value]) => [name, Number(value)]));
    const floors = { 'JPEG of quality 30': 97, 'JPEG of quality 50': 99, 'JPEG of quality 75': 99.5, 'JPEG of quality 95': 99.9, 'resized to 50 %': 99.5, 'resized to 75 %': 99.9,
        'resized to 150 %': 99.9, 'resized to 200 %': 99.9, 'brighter by 10 of 255': 99.5, 'brighter by 20': 98, 'darker by 20': 95, 'cropped by 5 % at the left and top': 13 };
    for (const [name, floor] of Object.entries(floors))
        assert.ok(found[name] >= floor, `${name}: ${found[name]} %, not ${floor}`);
    assert.equal(found['alike among the images themselves, of 499,500 pairs'], 0);
});

test('a drawing that is larger or has another paper is found among its like', async () => {
    const files = {};
    for (let i = 0; i < 40; i++)
        files[`${i % 2 ? 'A' : 'B'}/${i}.png`] = encodePng(drawnGlyph(i % 2, 48, random(i)));
    for (let i = 0; i < 4; i++) {
        files[`C/large ${i}.png`] = encodePng(drawnGlyph(i % 2, 96, random(i)));
        files[`C/grey ${i}.png`] = encodePng(drawnGlyph(i % 2, 48, random(i), { paper: 240, ink: 10 }));
    }
    const groups = (await examined(folder(files))).duplicates;
    assert.deepEqual(groups.map((group) => group.files.sort()).sort(), Array.from({ length: 4 }, (_, i) => [`${i % 2 ? 'A' : 'B'}/${i}.png`, `C/grey ${i}.png`, `C/large ${i}.png`]).sort());
});

test('pictures of one colour are not alike, only equal ones', async () => {
    const flat = (value) => encodePng({ data: new Uint8ClampedArray(4096).map((_, i) => i % 4 === 3 ? 255 : value), width: 32, height: 32 });
    const said = await examined(folder({ ...sound, 'train/cat/a.png': flat(100), 'train/dog/b.png': flat(101), 'train/dog/c.png': flat(101) }));
    assert.deepEqual(said.duplicates.map((group) => [group.kind, group.files]), [['equal', ['train/dog/b.png', 'train/dog/c.png']]]);
});

test('near duplicates in a set that is to be divided are a problem, and that it will be is a note', async () => {
    const files = Object.fromEntries(Object.entries(sound).filter(([name]) => name.startsWith('train/')).map(([name, bytes]) => [name.replace('train/', ''), bytes]));
    const said = await examined(folder(files));
    assert.deepEqual([said.problems, said.notes], [[], ['there is no test folder: `eyelet train` holds out a fraction of each class']]);
    assert.deepEqual(said.classes[0], { class: 'cat', undivided: 12 });
    has((await examined(folder({ ...files, 'cat/frame 2.png': png(3, { brighter: 3 }) }))).problems, /split them yourself into folders train and test/);
});

test('rare classes', async () => {
    const few = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`rare/${i}.png`, png(700 + i)]));
    const many = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`usual/${i}.png`, encodeJpeg(8, 8, (x, y) => (x * 37 * (i + 1) ^ y * 91 ^ i * 29) & 255)]));
    has((await examined(folder({ ...few(1), ...many(12) }))).problems, /training images of the class "rare" that can be read: 1$/);
    has((await examined(folder({ ...few(2), ...many(101) }))).problems, /"usual" has 101 training images, "rare" only 2, less than a 50th/);
    const enough = await examined(folder({ ...few(2), ...many(100) }));
    assert.deepEqual(enough.problems, []);
    has(enough.notes, /training images of the class "rare": only 2$/);
    has(enough.notes, /^the classes are imbalanced, 50 to 1: "usual" has 100 training images, "rare" has 2 \(`eyelet train --class-weights balanced`\)$/);
    has((await examined(folder({ ...few(10), ...many(30) }))).notes, /imbalanced, 3 to 1/);
    assert.doesNotMatch((await examined(folder({ ...few(11), ...many(32) }))).notes.join('\n'), /imbalanced/);
});

test('what training refuses the doctor refuses too', async () => {
    const data = folder({ 'train/a/1.png': png(1), 'train/b/1.png': png(2), 'test/a/1.png': png(4), 'test/c/1.png': png(3) });
    const result = await eyelet(['doctor', data]);
    assert.equal(result.status, 1);
    assert.match(result.stderr, /test: classes that are not in the training part \(1\): "c"/);
});

test('every file that is left out is listed, by reason; and which folders were taken for what', async () => {
    const files = { ...sound, 'extra/1.png': png(1001), 'extra/2.png': png(1002), 'train/loose.png': png(1003), 'train/cat/notes.txt': 'x', 'train/.DS_Store': 'x',
        'test/dog/Thumbs.db': 'x', 'more/a/1.png': png(1004), 'more/b/1.png': png(1005) };
    const data = folder(files), said = await examined(data), below = (entries) => entries.map((entry) => Object.values(entry).map((text) => text.replace(`${data}/`, '')));
    assert.deepEqual(below(said.parts), [['train', 'train'], ['test', 'test']]);
    assert.deepEqual(below(said.left_out), [['extra/1.png', 'images without labels'], ['extra/2.png', 'images without labels'],
        ['train/loose.png', 'images beside the folders of classes'], ['more/a/1.png', 'images beside the parts of the data'], ['more/b/1.png', 'images beside the parts of the data'],
        ['train/cat/notes.txt', 'files that are not images'], ['test/dog/Thumbs.db', 'system files'], ['train/.DS_Store', 'system files']]);
    for (const note of ['left out: images without labels: 2', 'left out: files that are not images: 1'])
        assert.ok(said.notes.includes(note), `${said.notes}`);
    assert.equal(said.images, 36);
    const { stdout } = succeeded(await eyelet(['doctor', data]));
    assert.ok(stdout.includes(`\ntaken as train: ${data}/train\ntaken as test: ${data}/test\n`), stdout);
    assert.ok(stdout.includes(`\nleft out: images without labels: 2\n    ${data}/extra/1.png\n    ${data}/extra/2.png\n\nleft out: `), stdout);
});

test('long lists are cut in the text, and whole in JSON', async () => {
    const many = (name, content) => Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`${name}${i}`, content(i)]));
    const data = folder({ ...sound, ...many('train/cat/note', () => 'x'), ...Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`train/dog/bad${i}.jpg`, ''])), ...many('train/cat/again', () => png(5)) });
    const said = await examined(data, '--allow-bad', '0.5');
    assert.deepEqual([said.left_out.length, said.unreadable.length, said.duplicates[0].files.length], [13, 13, 14]);
    const { stdout } = succeeded(await eyelet(['doctor', data, '--allow-bad', '0.5']));
    for (const [title, more] of [['left out: files that are not images: 13', 3], ['cannot be read: 13', 3], ['duplicates, equal pixel by pixel:', 4]])
        assert.match(stdout, new RegExp(`\n${title}\n(    .*\n){10}    and ${more} more \\(--json has all\\)\n`), title);
});

test('classes that a person would take for one are noted', async () => {
    const twins = async (...names) => {
        const files = {};
        names.forEach((name, label) => {
            for (let i = 0; i < 10; i++)
                files[`${name}/${i}.png`] = png(label * 100 + i);
        });
        return (await examined(folder(files))).notes.filter((note) => note.startsWith('classes whose names'));
    };
    for (const [a, b, what] of [['Banana', 'banana', 'capitals'], ['banana', 'banana ', 'spaces'], ['red_fox', 'red fox', 'spaces'], ['red-fox', 'Red  Fox', 'capitals, spaces'],
        ['caf\u00e9', 'cafe\u0301', 'encoding of accents'], ['\u00c9cole', 'e\u0301cole', 'capitals, encoding of accents'], ['\u00d8re', '\u00f8re', 'capitals'],
        ['\u1ec7', 'e\u0323\u0302', 'encoding of accents'], ['\u0419\u043e\u0434', '\u0438\u0306\u043e\u0434', 'capitals, encoding of accents'],
        ['\ud55c\uad6d', '\u1112\u1161\u11ab\u1100\u116e\u11a8', 'encoding of accents'], ['\u304c', '\u304b\u3099', 'encoding of accents']])
        assert.deepEqual(await twins(a, b, 'other'), [`classes whose names a person would take for one (1): "${[a, b].sort().join('" and "')}" (${what})`]);
    assert.deepEqual(await twins('apple', 'apples', 'cafe', 'caf\u00e9', 'ab', 'a b', '1', '01'), []);
});

test('a validation or test set that lacks a class is noted', async () => {
    const files = Object.fromEntries(Object.entries(sound).filter(([name]) => !name.startsWith('test/dog')));
    has((await examined(folder(files))).notes, /^classes without test images: 1 of 2, like "dog"$/);
});

test('a set of records: duplicates of CIFAR-10 across its parts', async () => {
    const train = makeRecords(200), data = dataWith(makeData(train), {});
    const said = await eyelet(['doctor', data, '--json']);
    assert.equal(said.status, 1); /* every file of the made-up set is the same */
    const { images, problems, duplicates, sizes } = JSON.parse(said.stdout);
    assert.equal(images, 60_000);
    assert.deepEqual(sizes, { min: [32, 32], median: [32, 32], max: [32, 32] });
    assert.ok(problems.some((text) => /two parts of the data/.test(text)));
    assert.equal(duplicates[0].files.length, 6);
    assert.deepEqual(duplicates[0].files.slice(-1), ['test image 0']);
});
