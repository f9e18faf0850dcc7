/* CSV files as data: every form that people's programs write them in, made here, and what is no such file. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { folder, refused, succeeded } from '../support/program.js';
import { evaluation, modelFor, png, rows, train } from '../support/small_sets.js';

/* A CSV file beside the files that it names. */
const listed = (text, files, name = 'list.csv') => join(folder({ ...files, [name]: text }), name);
const four = { 'a.png': png(1), 'b.png': png(2), 'c.png': png(3), 'd.png': png(4) };
const pets = modelFor(['cat', 'dog']);

async function readsAs(counts, data, model = pets) {
    const said = await evaluation(model, data, '--test', '1');
    assert.deepEqual(rows(said.confusion), counts);
}

/* ---- Text ---- */

test('a CSV file with and without header, quotes, line ends of both kinds and a byte order mark', async () => {
    const files = { 'a, "b".png': png(1), 'deep/c.png': png(2), 'd\ne.png': png(3), 'f.png': png(4) };
    for (const text of ['path,label\n"a, ""b"".png",cat\ndeep/c.png,dog\n"d\ne.png","cat"\n\nf.png,dog',
        '\ufeffImage,Class\r\n"a, ""b"".png",cat\r\ndeep/c.png,dog\r\n"d\ne.png","cat"\r\nf.png,dog\r\n',
        '"a, ""b"".png",cat\ndeep/c.png,dog\n"d\ne.png",cat\nf.png,dog\n'])
        await readsAs([2, 2], listed(text, files));
});

const plain = 'path,label\na.png,cat\nb.png,dog\nc.png,dog\nd.png,dog\n';
const swapped = (text) => Buffer.from(text, 'utf16le').swap16();
for (const [name, text] of [
    ['semicolons', plain.replaceAll(',', ';')], ['tabs', plain.replaceAll(',', '\t')], ['pipes', plain.replaceAll(',', '|')], ['spaces', plain.replaceAll(',', ' ')],
    ['a first line that names the delimiter', `sep=^\r\n${plain.replaceAll(',', '^')}`], ['blanks around the fields', plain.replaceAll(',', ' , ')],
    ['carriage returns', plain.replaceAll('\n', '\r')], ['carriage returns and line feeds', plain.replaceAll('\n', '\r\n')],
    ['UTF-16, low byte first', Buffer.from(`\ufeff${plain}`, 'utf16le')], ['UTF-16, high byte first', swapped(`\ufeff${plain}`)],
    ['UTF-16 with semicolons and CRLF', Buffer.from(`\ufeff${plain}`.replaceAll(',', ';').replaceAll('\n', '\r\n'), 'utf16le')],
])
    test(`a table is read: ${name}`, () => readsAs([1, 3], listed(text, four)));

test('a delimiter in quotes does not count', () =>
    readsAs([1, 3], listed('"a;1;2.png",cat\n"b;1;2.png",dog\n"c;1;2.png",dog\n"d;1;2.png",dog\n', { 'a;1;2.png': png(1), 'b;1;2.png': png(2), 'c;1;2.png': png(3), 'd;1;2.png': png(4) })));

test('UTF-16 holds every character', async () => {
    const names = ['Äpfel', 'кот', '猫', '🐈'];
    const text = `\ufeff${Object.keys(four).map((file, i) => `${file}\t${names[i]}`).join('\r\n')}`;
    for (const bytes of [Buffer.from(text, 'utf16le'), swapped(text)])
        await readsAs([1, 1, 1, 1], listed(bytes, four), modelFor(names));
});

test('a bad row of a CSV file is named and counts like a bad picture', async () => {
    const lines = Array.from({ length: 8 }, (_, i) => `${i}.png,${i % 2 ? 'cat' : 'dog'}`);
    const files = Object.fromEntries(lines.map((_, i) => [`${i}.png`, png(i)]));
    const data = listed([...lines, 'one field', 'a,b,c', ',cat', '1.png,', '1.png,c\x1bt', 'gone.png,cat'].join('\n'), files);
    const result = await train(data);
    assert.equal(result.status, 1);
    for (const [line, reason] of [[9, 'expected two fields, `path,label`'], [10, 'expected two fields, `path,label`'], [11, 'the path is empty'],
        [12, 'the label is not 1 to 255 bytes of UTF-8 without control characters'], [13, 'the label is not 1 to 255 bytes of UTF-8 without control characters']])
        assert.ok(result.stderr.includes(`eyelet: ${data}:${line}: left out: ${reason}\n`), result.stderr);
    assert.match(result.stderr, /gone\.png: left out: No such file/);
    assert.match(result.stderr, /6 of 14 images cannot be read, more than 1 %/);
    assert.match(succeeded(await train(data, ['--allow-bad', '0.5', '--test', '0'])).stderr, /\(a CSV file, 8 training images/);
});

for (const [name, text, reason] of [['empty', '', /no row with a path and a label/], ['a picture', png(1), /not a text file: it has a zero at character 8/],
    ['a quote without end', 'a.png,cat\n"b.png,dog\n', /line 2: a quoted field has no end/], ['one class', 'a.png,cat\nb.png,cat\n', /only one class, "cat"/],
    ['half a character of UTF-16', Buffer.from('\ufeffa.png,cat', 'utf16le').subarray(0, -1), /UTF-16 text is damaged or cut short at byte 18/],
    ['half a pair of UTF-16', Buffer.from('\ufeffa.png,\ud83d', 'utf16le'), /UTF-16 text is damaged or cut short at byte 14/]])
    test(`a file that is no list of images is refused: ${name}`, async () => {
        const data = listed(text, {});
        refused(await train(data), { subject: data, reason });
    });
