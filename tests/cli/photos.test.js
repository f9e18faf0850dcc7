/* Pictures in folders as data, made here; every kind of file that cannot be used; and how a set is divided. CSV files: tables.test.js.
 * photos-20 (../shared/data) is read where it is. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodeBmp, encodeJpeg, encodePng, hostileJpeg } from '../support/pictures.js';
import { eyelet, fifo, folder, photoSet, program, refused, start, succeeded } from '../support/program.js';
import { classes, counts, evaluation, logitsOf, modelFor, network, picture, png, rows, train } from '../support/small_sets.js';
import { headerPart } from '../support/model_format.js';
import { tinyModel } from '../support/tiny_model.js';

/* ---- Folders ---- */

test('folders train, val and test of classes in natural order', async () => {
    const names = ['img10', 'img2', 'Äpfel & "Birnen"', 'img1'], ordered = ['img1', 'img2', 'img10', 'Äpfel & "Birnen"'];
    const data = folder({ ...classes(names, 5, { prefix: 'train/' }), ...classes(names, 2, { prefix: 'val/', first: 100 }), ...classes(names, 3, { prefix: 'test/', first: 200 }) });
    const here = folder(), result = succeeded(await eyelet(['train', data, '-o', 'm.eyelet', '--network', network, '--epochs', '1'], { cwd: here }));
    assert.deepEqual((await evaluation(join(here, 'm.eyelet'), data)).classes, ordered); /* or it would not fit the model's */
    assert.match(result.stderr, /^data: .* \(a folder for each class, 28 training images of 4 classes\)$/m);
    assert.deepEqual(counts(result), [20, 8]);
    const said = await evaluation(modelFor(ordered), data);
    assert.deepEqual(said.classes, ordered);
    assert.deepEqual(rows(said.confusion), [3, 3, 3, 3]);
    assert.deepEqual((await evaluation(modelFor([...ordered].sort()), data)).classes, [...ordered].sort(), "in the model's order");
});

test('the data set is the same whatever the number of threads and the memory', async () => {
    const data = folder(classes(['a', 'b'], 30)), here = folder();
    const bytes = async (...more) => {
        succeeded(await eyelet(['train', data, '-o', 'm.eyelet', '--network', network, '--epochs', '2', ...more], { cwd: here }));
        return readFileSync(join(here, 'm.eyelet'));
    };
    const weights = (model) => model.toString('hex').slice(-1500, -8); /* without the checksum: the notes tell of the options */
    const usual = weights(await bytes());
    for (const more of [['--threads', '1'], ['--threads', '5'], ['--memory', '0']])
        assert.equal(weights(await bytes(...more)), usual, `${more}`);
    const result = await eyelet(['evaluate', modelFor(['a', 'b']), data, '--memory', '0'], { env: { TMPDIR: '/nowhere' } });
    refused(result, { subject: '/nowhere', reason: /no file can be made here: No such file/, hint: /TMPDIR.*--memory/ });
});

test('images stand one of each class in turn, so that --limit takes of all', async () => {
    const data = folder({ ...classes(['a', 'b', 'c'], 4, { prefix: 'train/' }), ...classes(['a', 'b', 'c'], 4, { prefix: 'test/', first: 50 }) });
    const { confusion } = await evaluation(modelFor(['a', 'b', 'c']), data, '--limit', '7');
    assert.deepEqual(rows(confusion), [3, 2, 2]);
});

test('folders in a class are read too, hidden files and others passed over, links to folders not followed', async () => {
    const data = folder({ ...classes(['a', 'b'], 3), 'a/deep/deeper/x.png': png(90), 'b/.hidden.png': 'x', 'b/Thumbs.db': 'x', 'b/notes.txt': 'x', '.git/x.png': 'x', 'README': 'x' });
    symlinkSync('..', join(data, 'a/round'));
    symlinkSync('deep', join(data, 'a/again'));
    const result = succeeded(await train(data, ['--test', '0']));
    assert.match(result.stderr, /\(a folder for each class, 7 training images of 2 classes; links to folders, which are not followed: 2; files that are not images: 2\)/);
});

test('a folder named train with images in it is a class', async () => {
    const said = succeeded(await train(folder(classes(['bus', 'train'], 4)), ['--test', '0', '--validation', '0']));
    assert.deepEqual(counts(said), [8, 0]);
});

test('images beside the folders of classes are counted', async () => {
    const data = folder({ ...classes(['a', 'b'], 3), 'x.png': png(50), 'y.JPG': 'x' });
    assert.ok(succeeded(await train(data)).stderr.includes(`eyelet: ${data}: images that stand beside the folders of classes, and are left out: 2\n`));
});

test('folders beside the parts of the data are named', async () => {
    const data = folder({ ...classes(['a', 'b'], 3, { prefix: 'Training/' }), ...classes(['a', 'b'], 3, { prefix: 'Test/', first: 9 }), 'raw/a/x.png': png(1), 'raw/c/y.png': png(1) });
    assert.match(succeeded(await train(data)).stderr, /raw: is left out: it stands beside the parts of the data \(images: 2\)/);
});

const two = { 'a/1.png': png(1), 'a/2.png': png(2), 'b/1.png': png(3), 'b/2.png': png(4) };
const badTrees = [
    ['images without classes', { '1.png': png(1) }, '', /no folders in it, so there are no classes/],
    ['one class', { 'a/1.png': png(1) }, '', /only one class, "a"/],
    ['an empty class', { ...two, 'c/readme.txt': '' }, '', /classes without an image \(1\): "c"/],
    ['a class missing from train', { 'train/a/1.png': png(1), 'test/a/1.png': png(2), 'test/b/1.png': png(3) }, '/test', /classes that are not in the training part \(1\): "b"/],
    ['two folders for one part', { 'val/a/1.png': '', 'valid/a/1.png': '' }, '/valid', /is the same part of the data as/],
    ['test alone', { 'test/a/1.png': png(1), 'test/b/1.png': png(2) }, '', /only test images here/],
    ['a class name with a line feed', { ...two, 'c\nd/1.png': png(5) }, '', /class "c\\x0ad" has a name that is not/],
];
for (const [name, files, subject, reason] of badTrees)
    test(`a folder that would mislead is refused: ${name}`, async () => {
        const data = folder(files);
        refused(await train(data), { subject: data + subject, reason });
    });

test('a class name that is no UTF-8 is refused, escaped', async () => {
    const data = folder(two);
    mkdirSync(Buffer.concat([Buffer.from(join(data, 'c')), Buffer.of(0xff)]));
    writeFileSync(Buffer.concat([Buffer.from(join(data, 'c')), Buffer.of(0xff), Buffer.from('/1.png')]), png(9));
    refused(await train(data), { subject: data, reason: /class "c\\xff" has a name that is not/ });
});

test('two links to one class folder, and a link to the folder itself, are refused', async () => {
    for (const [target, reason] of [['a', /is the same folder as "a"/], ['.', /is the same folder as/]]) {
        const data = folder(two);
        symlinkSync(target, join(data, 'c'));
        refused(await train(data), { subject: `${data}/c`, reason });
    }
});

test('a thousand classes', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
    const data = folder({ ...classes(names, 1, { prefix: 'train/' }), ...classes(names, 1, { prefix: 'test/', first: 5000 }) });
    assert.deepEqual(counts(succeeded(await train(data, ['--validation', '0']))), [1000, 0]);
    const said = await evaluation(modelFor(names), data);
    assert.deepEqual(rows(said.confusion), Array(1000).fill(1));
    assert.deepEqual(said.classes, names);
});

/* ---- Files that cannot be used ---- */

const jpegFile = encodeJpeg(3, 2, (x, y) => 40 * x + 90 * y);
const badFiles = [
    ['empty.jpg', '', /the file is empty/],
    ['half.jpg', jpegFile.subarray(0, jpegFile.length - 4), /the image is cut short/],
    ['hostile.jpg', hostileJpeg, /the image is damaged/],
    ['page.jpg', '<!DOCTYPE html><p>404', /a web page, not an image/],
    ['wide.png', encodePng({ data: new Uint8ClampedArray(4 * 60_000), width: 60_000, height: 1 }), /more than 16,384 pixels a side/],
    ['cut.png', png(7).subarray(0, 90), /the image is cut short/],
    ['moving.gif', 'GIF89a', /is GIF|cut short/],
    ['line\nfeed \x1b[2J "🐈".jpeg', 'x', /neither JPEG nor PNG nor BMP/],
];

test('every file that is no picture is named, escaped and left out', async () => {
    const data = folder({ ...classes(['a', 'b'], 6), ...Object.fromEntries(badFiles.map(([name, content]) => [`a/${name}`, content])) });
    fifo(join(data, 'b/pipe.png'));
    mkdirSync(join(data, 'target'));
    symlinkSync('loop.jpg', join(data, 'b/loop.jpg'));
    symlinkSync('nowhere', join(data, 'b/vanished.jpg'));
    renameSync(join(data, 'target'), join(data, 'b/deep'));
    writeFileSync(Buffer.concat([Buffer.from(join(data, 'b/')), Buffer.of(0xe4, 0x2e, 0x6a, 0x70, 0x67)]), png(77)); /* a good one */
    const result = succeeded(await train(data, ['--test', '0', '--allow-bad', '0.6', '--threads', '2']));
    assert.match(result.stderr, /^[^\x00-\x09\x0b-\x1f\x7f]*$/, 'control characters reached the terminal');
    const escaped = (name) => name.replace('\n', '\\x0a').replace('\x1b', '\\x1b');
    for (const [name, reason] of [...badFiles.map(([file, , why]) => [`a/${escaped(file)}`, why]), ['b/pipe.png', /not a regular file/], ['b/loop.jpg', /symbolic links/], ['b/vanished.jpg', /No such file/]]) {
        const line = result.stderr.split('\n').find((text) => text.startsWith(`eyelet: ${data}/${name}: left out: `));
        assert.match(line ?? '', reason, name);
    }
    assert.match(result.stderr, /\(a folder for each class, 13 training images of 2 classes; left out: 11\)/);
});

test('more than five in a hundred end the run, unless more are allowed', async () => {
    const most = classes(['a', 'b'], 19), bad = { 'a/bad.jpg': '', 'b/bad.jpg': '' };
    assert.match(succeeded(await train(folder({ ...most, ...bad, 'a/x.png': png(999), 'a/y.png': png(998) }), ['--allow-bad', '0.05'])).stderr, /left out: 2\)/);
    const data = folder({ ...most, ...bad, 'b/worse.jpg': '' });
    const stopped = await train(data), lines = stopped.stderr.split('\n');
    assert.equal(stopped.status, 1);
    assert.equal(lines[3], `eyelet: ${data}: 3 of 41 images cannot be read, more than 5 %`);
    assert.match(lines[4], /--allow-bad 0\.08 goes on/);
    assert.match(succeeded(await train(data, ['--allow-bad', '0.08'])).stderr, /left out: 3\)/);
});

test('a class of which nothing can be read is refused', async () => {
    const data = folder({ ...classes(['a', 'b'], 3), 'c/bad.jpg': '' });
    const result = await train(data, ['--allow-bad', '1']);
    assert.equal(result.status, 1);
    assert.match(result.stderr, /the class "c" has no readable training image/);
});

test('what becomes of the files once training has begun does not matter', async () => {
    const data = folder(classes(['a', 'b'], 50)), here = folder();
    const { result, seen } = start(program, ['train', data, '-o', 'm.eyelet', '--network', network, '--epochs', '40'], { cwd: here });
    await seen(/^epoch +1\//m);
    writeFileSync(join(data, 'a/0.png'), 'no longer a picture');
    rmSync(join(data, 'b'), { recursive: true });
    assert.match(succeeded(await result).stdout, /^epoch 40\/40/m);
});

/* ---- What is in a picture ---- */

const seeing = modelFor(['no', 'yes']); /* every pixel counts */

test('a picture is the same in every encoding, in a data set and alone', async () => {
    const shown = picture(1234);
    const variants = { 'plain.png': encodePng(shown), 'deep.png': encodePng(shown, { depth: 16 }), 'palette.png': encodePng(shown, { palette: true }),
        'interlaced.png': encodePng(shown, { interlaced: true }), 'both.png': encodePng(shown, { palette: true, interlaced: true }), 'windows.bmp': encodeBmp(shown) };
    const data = folder({ ...Object.fromEntries(Object.entries(variants).map(([name, bytes]) => [`yes/${name}`, bytes])), 'no/x.png': png(1), 'no/y.png': png(2) });
    const logits = await logitsOf(seeing, data, 2, '--test', '1');
    const alone = JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', seeing, ...Object.keys(variants).map((name) => join(data, 'yes', name))])).stdout);
    const bits = (numbers) => Buffer.from(new Float32Array(numbers).buffer).toString('hex');
    for (const result of alone)
        assert.equal(bits(result.logits), bits(alone[0].logits), result.file);
    assert.equal(logits.filter((row) => row === bits(alone[0].logits)).length, 6);
});

test('every EXIF orientation is applied, in a data set and alone', async () => {
    const grey = (x, y) => 20 + 60 * x + 11 * y, w = 3, h = 2;
    /* Where the scene's pixel (x, y) is stored, after the EXIF standard's table. */
    const stored = [null, (x, y) => [x, y], (x, y) => [w - 1 - x, y], (x, y) => [w - 1 - x, h - 1 - y], (x, y) => [x, h - 1 - y], (x, y) => [y, x],
        (x, y) => [y, h - 1 - x], (x, y) => [w - 1 - y, h - 1 - x], (x, y) => [w - 1 - y, x]];
    const lying = { width: w * 8, height: h * 8, data: new Uint8ClampedArray(w * h * 256) };
    for (let i = 0; i < w * h * 64; i++)
        lying.data.set([...Array(3).fill(grey(i % lying.width >> 3, Math.floor(i / lying.width) >> 3)), 255], i * 4);
    for (let orientation = 1; orientation <= 8; orientation++) {
        const [width, height] = orientation > 4 ? [h * 8, w * 8] : [w * 8, h * 8], upright = new Uint8ClampedArray(width * height * 4);
        for (let y = 0; y < height; y++)
            for (let x = 0; x < width; x++) {
                const value = grey(...stored[orientation](x >> 3, y >> 3));
                upright.set([value, value, value, 255], (y * width + x) * 4);
            }
        const data = folder({ 'yes/turned.jpg': encodeJpeg(w, h, grey, { orientation }), 'yes/turned.png': encodePng(lying, { orientation }), 'yes/upright.png': encodePng({ data: upright, width, height }), 'no/x.png': png(1) });
        const logits = (await logitsOf(seeing, data, 2, '--test', '1')).filter((row, i, all) => all.indexOf(row) !== i || all.lastIndexOf(row) !== i);
        assert.equal(logits.length, 3, `orientation ${orientation}`);
        const alone = JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', seeing, ...['turned.jpg', 'turned.png', 'upright.png'].map((name) => join(data, 'yes', name))])).stdout);
        assert.deepEqual([alone[0].logits, alone[1].logits], [alone[2].logits, alone[2].logits]);
    }
});

/* The pixels of colours that PLTE lacks are no part of the file: they must not depend on what stands in memory. */
test('palettes that are too short train to the same weights for any number of threads', async () => {
    const files = Array.from({ length: 24 }, (_, i) => [`${'ab'[i % 2]}/${i}.png`, encodePng(picture(i * 31), { palette: true, colours: i % 3 ? 64 : 2 })]);
    const data = folder(Object.fromEntries(files)), weights = [];
    for (const threads of [1, 3]) {
        const model = join(folder(), 'm.eyelet');
        succeeded(await eyelet(['train', data, '-o', model, '--network', network, '--epochs', '2', '--batch', '8', '--threads', `${threads}`]));
        weights.push(/checksum .*/.exec(succeeded(await eyelet(['summary', model])).stdout)[0]);
    }
    assert.equal(weights[0], weights[1]);
});

test('what is transparent lies over the background, which the model keeps', async () => {
    const clear = { ...picture(5), data: picture(5).data.map((value, i) => i % 4 === 3 ? 0 : value) };
    const green = { ...picture(5), data: picture(5).data.map((_, i) => [0, 255, 16, 255][i % 4]) };
    const data = folder({ ...classes(['yes', 'no'], 4), 'yes/clear.png': encodePng(clear), 'yes/green.png': encodePng(green) });
    const here = folder();
    succeeded(await eyelet(['train', data, '-o', 'm.eyelet', '--network', network, '--epochs', '1', '--background', '00FF10', '--resize', 'pad', '--test', '0'], { cwd: here }));
    const bytes = readFileSync(join(here, 'm.eyelet'));
    assert.deepEqual([...headerPart(bytes, 'resize mode'), ...headerPart(bytes, 'background')], [2, 0, 255, 16]);
    const logits = await logitsOf(join(here, 'm.eyelet'), data, 2, '--test', '1');
    assert.equal(new Set(logits).size, logits.length - 1);
});

/* ---- How a set is divided ---- */

test('without a test folder a fraction of every class is set apart by content, the same for whoever asks', async () => {
    const model = modelFor(['a', 'b', 'c']), files = classes(['a', 'b', 'c'], 40), data = folder(files);
    const result = succeeded(await train(data));
    assert.match(result.stderr, /108 training images of 3 classes; 10 % are held out as test set/);
    assert.deepEqual(counts(result), [96, 12]);
    const said = await evaluation(model, data);
    assert.deepEqual(rows(said.confusion), [4, 4, 4]);
    const chosen = (await logitsOf(model, data, 3)).sort();
    const renamed = folder(Object.fromEntries(Object.entries(files).map(([name, content], i) => [name.replace(/\d+/, `${(i * 7919) % 1009}`), content])));
    assert.deepEqual((await logitsOf(model, renamed, 3)).sort(), chosen);
    const other = await logitsOf(model, data, 3, '--split-seed', '2');
    assert.notDeepEqual([...other].sort(), chosen);
    assert.equal((await logitsOf(model, data, 3, '--test', '0.25')).length, 30);
    const all = await logitsOf(model, data, 3, '--test', '1');
    assert.equal(new Set(all).size, 120);
    assert.ok(chosen.every((row) => all.includes(row)));
});

test('equal images never stand on both sides, in any class or encoding', async () => {
    const files = {};
    for (let i = 0; i < 60; i++) {
        files[`a/${i}.png`] = png(i);
        files[`${i % 2 ? 'a' : 'b'}/copy of ${i}.bmp`] = encodeBmp(picture(i));
        files[`b/own ${i}.png`] = png(1000 + i);
        files[`b/own ${i} again.png`] = encodePng(picture(1000 + i), { interlaced: true });
    }
    const model = modelFor(['a', 'b']), data = folder(files);
    const logits = await logitsOf(model, data, 2);
    assert.equal(logits.length, 24);
    assert.equal(new Set(logits).size, 12);
    const [trained, validating] = counts(succeeded(await train(data)));
    assert.equal(trained + validating + logits.length, 240);
    assert.ok(validating > 0 && validating % 2 === 0, `${validating} validation images`);
});

test('a class of one picture is not on both sides', async () => {
    const data = folder({ ...classes(['a', 'b'], 5), 'c/1.png': png(99), 'c/same.bmp': encodeBmp(picture(99)) });
    const { stdout } = succeeded(await eyelet(['evaluate', modelFor(['a', 'b', 'c']), data]));
    assert.match(stdout, /^classes {4}images of 2 of the model's 3, none of "c"$/m);
});

test('a model is not measured on another division than it was trained with', async () => {
    const data = folder(classes(['a', 'b'], 20)), here = folder();
    succeeded(await eyelet(['train', data, '-o', 'm.eyelet', '--network', network, '--epochs', '1', '--split-seed', '5'], { cwd: here }));
    refused(await eyelet(['evaluate', 'm.eyelet', data], { cwd: here }), { subject: 'm.eyelet', hint: /--test 1/,
        reason: /trained with --test 0\.1 --split-seed 5: with --test 0\.1 --split-seed 1 it would be tested on images it was trained on/ });
    succeeded(await eyelet(['evaluate', 'm.eyelet', data, '--split-seed', '5'], { cwd: here }));
    succeeded(await eyelet(['evaluate', 'm.eyelet', data, '--test', '1'], { cwd: here }));
});

/* ---- Real photos ---- */

const photos20 = photoSet('photos-20');
test('photos-20: twenty classes, the greyscale ones among them', { skip: !photos20 && 'NOT TESTED: photos-20 is neither in data/ nor in ../shared/data/' }, async () => {
    const names = readdirSync(join(photos20, 'train')).sort();
    const model = join(folder({ m: tinyModel({ labels: names }) }), 'm');
    assert.deepEqual(rows((await evaluation(model, photos20)).confusion), Array(20).fill(50));
    const result = succeeded(await train(photos20));
    assert.match(result.stderr, /\(a folder for each class, 5,000 training images of 20 classes\)/);
    assert.deepEqual(counts(result), [4499, 501]);
});
