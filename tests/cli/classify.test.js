/* eyelet classify: pictures that cannot be used, strange names, folders, and what it prints. */
import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { encodePng, gradient, hostileJpeg, jpeg, largePng } from '../support/pictures.js';
import { eyelet, eyeletUnder, fifo, folder, refused, succeeded, underMemoryLimit } from '../support/program.js';
import { crc32, modelOf, tinyModel } from '../support/tiny_model.js';

const here = folder({ 'tiny.eyelet': tinyModel(), 'good.png': encodePng(gradient(32, 32)), 'good.jpg': jpeg });
const at = (name) => join(here, name);

/* ---- Pictures ---- */

function pngOfSize(width, height) {
    const bytes = Buffer.from(encodePng(gradient(4, 4)));
    bytes.writeUInt32BE(width, 16);
    bytes.writeUInt32BE(height, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    return bytes;
}
/* The number of codes of one length in a Huffman table raised from 1 to 96: more codes than the length has, and more
 * than a table of them holds. */
const hostileTable = Buffer.from(jpeg);
hostileTable[209] = 96;
const large = encodePng({ data: new Uint8ClampedArray(300 * 300 * 4).map((_, i) => Math.imul(i, 2654435761) >>> 24), width: 300, height: 300 });
const damagedPictures = [
    ['an empty file', Buffer.alloc(0), /the file is empty/],
    ['one byte', Buffer.of(0xff), /neither JPEG nor PNG/],
    ['text', 'Not Found\n', /neither JPEG nor PNG/],
    ['a GIF', 'GIF89a\x01\x00\x01\x00', /is GIF: save it as PNG|cut short/],
    ['a HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', /is HEIC: save it as JPEG or PNG|damaged/],
    ['an LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /run git lfs pull/],
    ['a PNG signature alone', large.subarray(0, 8), /cut short/],
    ['a PNG cut in half', large.subarray(0, large.length >> 1), /cut short/],
    ['a PNG of 0 x 0', pngOfSize(0, 0), /no pixels/],
    ['a PNG of 100,000 x 100,000', pngOfSize(100_000, 100_000), /16,384 pixels a side/],
    ['a PNG of 16,384 x 16,384', pngOfSize(16_384, 16_384), /too many pixels/],
    ['a PNG that promises more than it has', pngOfSize(4000, 4000), /cut short/],
    ['a PNG whose side is negative', pngOfSize(0xffffffff, 4), /16,384 pixels a side/],
    ['a JPEG signature alone', jpeg.subarray(0, 3), /cut short/],
    ['a JPEG cut in its tables', jpeg.subarray(0, 300), /cut short/],
    ['a JPEG with too many codes', hostileJpeg, /damaged/],
    ['a JPEG with a hostile table', hostileTable, /damaged/],
];

for (const [name, bytes, reason] of damagedPictures)
    test(`a damaged picture is named and the others are classified: ${name}`, async () => {
        const path = join(folder({ 'picture.jpg': bytes }), 'picture.jpg');
        const result = await eyelet(['classify', at('tiny.eyelet'), at('good.jpg'), path, at('good.png')]);
        refused(result, { subject: path, reason });
        const alone = succeeded(await eyelet(['classify', at('tiny.eyelet'), at('good.jpg'), at('good.png')]));
        assert.equal(result.stdout, alone.stdout);
    });

test('a picture that is missing, a folder or a FIFO is named and the others are classified', async () => {
    const here = folder();
    for (const [path, reason] of [[join(here, 'missing.png'), /No such file/], [here, /is a folder/], [fifo(join(here, 'fifo')), /not a regular file/]]) {
        const result = await eyelet(['classify', '--json', at('tiny.eyelet'), path, at('good.png')]);
        refused(result, { subject: path, reason });
        const [bad, good] = JSON.parse(result.stdout);
        assert.equal(bad.file, path);
        assert.match(bad.error, reason);
        assert.equal(good.predictions.length, 5);
    }
});

/* Of 64 million pixels: 256 MB, at twice the bits 512 MB. */
for (const [what, interlaced, limit] of [['some rows of it where they come in their order', false, 100_000], ['the picture, if it is interlaced', true, 700_000]])
    test(`the decoder of a picture takes ${what}`, underMemoryLimit, async () => {
        const path = join(folder({ 'large.png': largePng(8000, 8000, { depth: 16, interlaced }) }), 'large.png');
        succeeded(await eyeletUnder(`ulimit -v ${limit}`, ['classify', at('tiny.eyelet'), path]));
    });

const oddNames = ['two\nlines.png', 'esc\x1b[2Jape.png', 'bell\x07.png', 'a"b\\c.png', 'émoji 🐱.png', '--help.png', ' ', 'del\x7f.png', 'c1\u009b.png'];
for (const name of oddNames)
    test(`a strange name is shown harmlessly and comes back from JSON: ${encodeURI(name)}`, async () => {
        const here = folder({ [name]: encodePng(gradient(8, 8)) });
        const options = { cwd: here };
        const table = succeeded(await eyelet(['classify', at('tiny.eyelet'), '--', name], options)).stdout;
        assert.equal(table.split('\n').length, 7, 'one line for the name, five classes, the end');
        assert.match(table, /^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$/);
        const [entry] = JSON.parse(succeeded(await eyelet(['classify', '--json', at('tiny.eyelet'), '--', name], options)).stdout);
        assert.equal(entry.file, name);
        writeFileSync(join(here, name), 'broken');
        const failed = await eyelet(['classify', '--json', at('tiny.eyelet'), '--', name], options);
        refused(failed, { reason: /neither JPEG nor PNG/ });
        assert.equal(JSON.parse(failed.stdout)[0].file, name);
    });

test('a name that is no UTF-8 is shown harmlessly and leaves the JSON valid', async () => {
    const here = folder();
    const path = Buffer.concat([Buffer.from(`${here}/`), Buffer.of(0x61, 0xff, 0xc3, 0x2e)]);
    writeFileSync(path, encodePng(gradient(8, 8)));
    const inShell = (json) => eyeletUnder(`cd '${here}'; set -- "$@" ./a*`, ['classify', ...json, at('tiny.eyelet')]);
    assert.match(succeeded(await inShell([])).stdout, /^\.\/a\\xff\\xc3\.\n/);
    assert.equal(JSON.parse(succeeded(await inShell(['--json'])).stdout)[0].file, './a\ufffd\ufffd.');
});

/* ---- What classify prints ---- */

test('scores are probabilities in falling order, and logits come back bit for bit', async () => {
    const argumentList = ['classify', '--json', '--logits', '--top', '99', at('tiny.eyelet'), at('good.png'), at('good.jpg')];
    const text = succeeded(await eyelet(argumentList)).stdout;
    for (const { predictions, logits } of JSON.parse(text)) {
        assert.equal(predictions.length, 10);
        assert.ok(Math.abs(predictions.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-6);
        for (let i = 1; i < 10; i++)
            assert.ok(predictions[i - 1].score >= predictions[i].score);
        assert.deepEqual(predictions.map(({ index }) => index), logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b));
        /* Nine digits: the shortest decimal of the nearest float, at that length, is the number that was printed. */
        for (const logit of logits)
            assert.equal(Number(Math.fround(logit).toPrecision(9)), logit);
    }
    assert.equal(succeeded(await eyelet(argumentList)).stdout, text);
});

test('a folder stands for the pictures in it and within it, in the order of the bytes of their names', async () => {
    const png = encodePng(gradient(8, 8)), here = folder({ 'b.png': png, 'B.PNG': png, 'a10.jpeg': jpeg, 'a2.JPG': jpeg, 'ü.png': png, photo: jpeg, 'x.download': png,
        '.hidden.png': png, 'Thumbs.db': jpeg, 'notes.txt': 'none', 'model.eyelet': tinyModel(), 'deeper/c.png': png, 'deeper/more/d.png': png, '__MACOSX/e.png': png, '.trash/f.png': png });
    const run = (...operands) => eyelet(['classify', '--json', at('tiny.eyelet'), ...operands]);
    const files = async (...operands) => JSON.parse(succeeded(await run(...operands)).stdout).map(({ file }) => file);
    const inside = ['B.PNG', 'a10.jpeg', 'a2.JPG', 'b.png', 'photo', 'x.download', 'ü.png', 'deeper/c.png', 'deeper/more/d.png'].map((name) => join(here, name));
    assert.deepEqual(await files(here), inside);
    assert.deepEqual(await files(at('good.png'), `${here}/`, at('good.jpg')), [at('good.png'), ...inside, at('good.jpg')]);
    assert.equal((await run(here)).stderr, `eyelet: passed over: 2 files that are no images: ${here}/model.eyelet, ${here}/notes.txt\n`);
});

test('links to folders end nowhere and are named, with the first of what is no image', async () => {
    const png = encodePng(gradient(8, 8)), here = folder({ 'a.png': png, 'in/b.png': png, 'in/1.txt': '', 'in/2.txt': '', 'in/3.txt': '', 'in/4.txt': '', 'other/c.png': png });
    symlinkSync('..', join(here, 'in/up'));
    symlinkSync('in/b.png', join(here, 'link.png'));
    const { stdout, stderr } = succeeded(await eyelet(['classify', '--csv', at('tiny.eyelet'), '.'], { cwd: here }));
    assert.deepEqual(stdout.split('\n').map((line) => line.split(',')[0]), ['file', './a.png', './link.png', './in/b.png', './other/c.png', '']);
    assert.equal(stderr, 'eyelet: passed over: 4 files that are no images: ./in/1.txt, ./in/2.txt, ./in/3.txt, ...; 1 link to a folder: ./in/up\n');
    symlinkSync('in', join(here, 'way'));
    const through = succeeded(await eyelet(['classify', '--csv', at('tiny.eyelet'), 'way'], { cwd: here }));
    assert.match(through.stdout, /^way\/b\.png,/m);
    assert.equal(succeeded(await eyelet(['classify', '--csv', at('tiny.eyelet'), join(here, 'other')])).stderr, '');
});

/* The rows of a CSV file, by RFC 4180. */
function rowsOf(text) {
    const rows = [[]];
    for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
        rows.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
        if (end === '\n')
            rows.push([]);
    }
    return rows.slice(0, -1);
}

test('--csv has a row for each file, with quotes where a name or label needs them', async () => {
    const png = encodePng(gradient(8, 8)), names = ['a,b.png', 'quo"te.png', 'two\nlines.png', 'plain.png', ' '];
    const labels = ['a, "b"', 'plain'];
    const model = { input: [8, 8, 3], labels, layers: [{ kind: 'flatten' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }] };
    const here = folder({ ...Object.fromEntries(names.map((name) => [name, png])), 'bad.png': 'broken', 'm.eyelet': modelOf(model),
        'unsure.eyelet': modelOf({ ...model, notes: 'rejection threshold: 1\n' }) });
    const operands = [...names, 'bad.png'];
    const result = await eyelet(['classify', '--csv', 'm.eyelet', ...operands], { cwd: here });
    refused(result, { subject: 'bad.png', reason: /neither JPEG nor PNG/ });
    const [header, ...rows] = rowsOf(result.stdout);
    assert.deepEqual(header, ['file', 'label', 'score', 'sure', 'error']);
    const expected = JSON.parse((await eyelet(['classify', '--json', 'm.eyelet', ...operands], { cwd: here })).stdout);
    assert.deepEqual(rows, expected.map(({ file, predictions, sure, error }) => predictions
        ? [file, predictions[0].label, `${predictions[0].score}`, sure ? 'yes' : 'no', ''] : [file, '', '', '', error]));
    const unsure = succeeded(await eyelet(['classify', '--csv', 'unsure.eyelet', 'plain.png'], { cwd: here })).stdout;
    assert.equal(rowsOf(unsure)[1][3], 'no');
    refused(await eyelet(['classify', '--csv', '--json', 'm.eyelet', 'plain.png'], { cwd: here }), { status: 2, reason: /--csv and --json/ });
});

test('many files give what each gives alone, in their order, with any number of threads', async () => {
    const count = 150, pictures = Array.from({ length: count }, (_, i) => i % 10 === 7 ? hostileJpeg
        : encodePng(gradient(8 + i * 37 % 190, 8 + i * 71 % 310)));
    const here = folder(Object.fromEntries(pictures.map((bytes, i) => [`${1000 + i}.png`, bytes])));
    const classifier = await loadClassifier({ model: tinyModel() });
    const outputs = await Promise.all(['1', '2', '5'].map((threads) => eyelet(['classify', '--json', '--logits', '--threads', threads, at('tiny.eyelet'), here])));
    for (const { status, stdout, stderr } of outputs) {
        assert.equal(status, 1);
        assert.equal(stdout, outputs[0].stdout);
        const bad = stderr.trimEnd().split('\n');
        assert.equal(bad.length, 15);
        bad.forEach((line, i) => assert.match(line, new RegExp(`${1007 + 10 * i}\\.png: .*damaged`)));
        JSON.parse(stdout).forEach(({ file, error, logits }, i) => {
            assert.equal(file, join(here, `${1000 + i}.png`));
            if (i % 10 === 7)
                assert.match(error, /damaged/);
            else
                assert.deepEqual(logits.map(Math.fround), [...classifier.logitsSync(pictures[i])]);
        });
        assert.equal(JSON.parse(stdout).length, count);
    }
});

test('equal scores stand in the order of the classes', async () => {
    const path = join(folder({ 'equal.eyelet': tinyModel({ weight: 0 }) }), 'equal.eyelet');
    const [{ predictions }] = JSON.parse(succeeded(await eyelet(['classify', '--json', '--top', '3', path, at('good.png')])).stdout);
    assert.deepEqual(predictions.map(({ index, score }) => [index, score]), [[0, Math.fround(0.1)], [1, Math.fround(0.1)], [2, Math.fround(0.1)]]
        .map(([index, score]) => [index, Number(score.toPrecision(9))]));
});
