/* CSV files as data: every form that people's programs write them in, made here, and what is no such file. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { counts, evaluation, modelFor, png, rows, train } from '../support/small_sets.js';

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

/* ---- Columns ---- */

/* What is read of a table: the files of each class, and what the program says that it took. */
const took = async (data, ...more) => (await train(data, ['--test', '0', '--allow-bad', '1', ...more])).stderr.match(/^data: .*?: (files: .*)$/m)?.[1];
const ids = { '1.png': png(1), '2.png': png(2), '3.png': png(3), '4.png': png(4), '5.png': png(5), '6.png': png(6) };
const rowsOf = (row, count = 6) => Array.from({ length: count }, (_, i) => row(i + 1)).join('\n');
const petOf = (i) => i % 3 ? 'dog' : 'cat'; /* of six: four dogs, two cats */

for (const [name, text, said, files = ids] of [
    ['an index first', `,image,label\n${rowsOf((i) => `${i - 1},${i}.png,${petOf(i)}`)}`, 'files: column 2 "image"; classes: column 3 "label"; divided by `,`'],
    ['an index first, no header', rowsOf((i) => `${i - 1},${i}.png,${petOf(i)}`), 'files: column 2; classes: column 3; divided by `,`'],
    ['a header in other words', `Bild;Tier\n${rowsOf((i) => `${i}.png;${petOf(i)}`)}`, 'files: column 1 "Bild"; classes: column 2 "Tier"; divided by `;`'],
    ['a header in other words, the files last', `kind\twhich\n${rowsOf((i) => `${petOf(i)}\t${i}.png`)}`, 'files: column 2 "which"; classes: column 1 "kind"; divided by tabs'],
    ['words in other cases and with punctuation', `Image Path,Extra,Class-Name\n${rowsOf((i) => `${i}.png,${i & 1},${petOf(i)}`)}`, 'files: column 1 "Image Path"; classes: column 3 "Class-Name"; divided by `,`'],
    ['ids without an ending', `id,breed\n${rowsOf((i) => `${i},${petOf(i)}`)}`, 'files: column 1 "id"; classes: column 2 "breed"; divided by `,`'],
    ['ids in a folder', `id,breed\n${rowsOf((i) => `${i},${petOf(i)}`)}`, 'files: column 1 "id" in images/; classes: column 2 "breed"; divided by `,`', Object.fromEntries(Object.entries(ids).map(([file, bytes]) => [`images/${file}`, bytes]))],
    ['ids beside files of the same names', `id,file,label\n${rowsOf((i) => `${i},${i}.png,${petOf(i)}`)}`, 'files: column 2 "file"; classes: column 3 "label"; divided by `,`'],
    ['numbers that are names of files, and classes that could be', rowsOf((i) => `${i},${i % 3 ? 2 : 1}`), 'files: column 1; classes: column 2; divided by `,`'],
    ['a number and a name for each class', `file,class id,class\n${rowsOf((i) => `${i}.png,${i % 3 ? 1 : 0},${petOf(i)}`)}`, 'files: column 1 "file"; classes: column 3 "class"; divided by `,`'],
    ['a number and a name for each class, no header', rowsOf((i) => `${i}.png,${i % 3 ? 1 : 0},${petOf(i)}`), 'files: column 1; classes: column 3; divided by `,`'],
    ['a 1 for each class', `image,cat,dog\n${rowsOf((i) => `${i},${i % 3 ? '0.0,1.0' : '1.0,0.0'}`)}`, 'files: column 1 "image"; classes: the column that has a 1; divided by `,`'],
    ["another machine's folders", `file,label\n${rowsOf((i) => `/home/me/photos/x/${i}.png,${petOf(i)}`)}`, 'files: column 1 "file" without its first folders; classes: column 2 "label"; divided by `,`'],
    ["Windows' folders", `file,label\n${rowsOf((i) => `C:\\photos\\deep\\${i}.png,${petOf(i)}`)}`, 'files: column 1 "file" without its first folders; classes: column 2 "label"; divided by `,`', Object.fromEntries(Object.entries(ids).map(([file, bytes]) => [`deep/${file}`, bytes]))],
    ['backslashes', `deep\\1.png,cat\n${rowsOf((i) => `deep\\${i}.png,${petOf(i)}`)}`.replace('deep\\1.png,cat\n', ''), 'files: column 1; classes: column 2; divided by `,`', Object.fromEntries(Object.entries(ids).map(([file, bytes]) => [`deep/${file}`, bytes]))],
])
    test(`columns are found: ${name}`, async () => {
        const data = listed(text, files);
        assert.equal(await took(data), said);
        await readsAs([2, 4], data, /^numbers/.test(name) ? modelFor(['1', '2']) : pets);
    });

test('absolute paths', async () => {
    const there = folder(four);
    await readsAs([1, 3], listed(rowsOf((i) => `${there}/${'abcd'[i - 1]}.png,${i === 1 ? 'cat' : 'dog'}`, 4), {}));
});

test('a file with a backslash in its name, and one with that of another folder', async () => {
    await readsAs([1, 1], listed('x\\1.png,cat\nx\\2.png,dog\n', { 'x\\1.png': png(1), 'x/2.png': png(2) }));
});

test('folders that tell files apart are not left out', async () => {
    const result = await train(listed(rowsOf((i) => `${petOf(i)}/1.png,${petOf(i)}`), { '1.png': png(1) }));
    assert.match(result.stderr, /cat\/1\.png: left out: No such file/);
});

test('a list of the same name as a folder means the files there; other files of two folders are not plain', async () => {
    const files = Object.fromEntries(['train_images', 'test_images'].flatMap((name, k) => Object.keys(four).map((file, i) => [`${name}/${file}`, png(10 * k + i)])));
    assert.match(await took(listed(plain, files, 'train.csv')), /^files: column 1 "path" in train_images\/; /);
    const data = listed(plain, files);
    refused(await train(data), { subject: data, reason: /not plain which files are meant: "\w\.png" is in more than one folder here/, hint: /folder in front/ });
});

test('a column of parts is used', async () => {
    const words = ['train', 'train', 'Training', 'val', 'TEST', 'test', 'train', 'train'];
    const text = `image,label,split\n${words.map((word, i) => `${i + 1}.png,${i % 2 ? 'dog' : 'cat'},${word}`).join('\n')}`;
    const data = listed(text, { ...ids, '7.png': png(7), '8.png': png(8) });
    assert.equal(await took(data), 'files: column 1 "image"; classes: column 2 "label"; parts: column 3 "split"; divided by `,`');
    assert.deepEqual(rows((await evaluation(pets, data)).confusion), [1, 1]);
    const result = succeeded(await train(data));
    assert.match(result.stderr, /6 training images/);
    assert.deepEqual(counts(result), [5, 1]);
    const bare = listed(text.replace('image,label,split\n', ''), { ...ids, '7.png': png(7), '8.png': png(8) });
    assert.equal(await took(bare), 'files: column 1; classes: column 2; parts: column 3; divided by `,`');
    const numbered = listed(text.replace(/,(train|val|test)$/gim, ',3'), { ...ids, '7.png': png(7), '8.png': png(8) });
    refused(await train(numbered), { subject: numbered, reason: /column 3, "split", has other words than train, val and test/, hint: /--columns file=image,label=NAME/ });
    assert.match(await took(numbered, '--columns', 'file=image,label=label'), /^files: column 1 "image"; classes: column 2 "label"; divided/);
});

test('the header is never a class, and a first row without its file is no header', async () => {
    assert.deepEqual((await doctor(listed(`Bild;Tier\n${rowsOf((i) => `${i};${petOf(i)}`)}`, ids))).classes.map((row) => row.class), ['cat', 'dog']);
    const said = await doctor(listed(`gone;cat\n${rowsOf((i) => `${i};${petOf(i)}`)}`, ids));
    assert.deepEqual(said.unreadable.map(({ reason }) => reason), ['No such file or directory']);
    assert.equal(said.images, 7);
});

test('a column of ones that is called the files\' has none, and says so', async () => {
    const said = await doctor(listed('img;class\n1;cat\n1;dog\n', []));
    assert.deepEqual(said.unreadable.map(({ reason }) => reason), ['No such file or directory', 'No such file or directory']);
});

const doctor = async (data, ...more) => JSON.parse((await eyelet(['doctor', data, '--json', ...more])).stdout);

const unclear = `${rowsOf((i) => `${i}.png,${petOf(i)},${i % 2 ? 'big' : 'small'}`)}\n`;
for (const [name, text, reason, hint] of [
    ['two columns of classes', unclear, /^it is not plain which column has the classes: perhaps 2 or 3; there are 3 columns, divided by `,`: 1 \(1\.png, 2\.png\), 2 \(dog, dog\), 3 \(big, small\)$/, /--columns file=1,label=2 /],
    ['two columns of classes with headers', `photo,kind,size\n${unclear}`, /has the classes: perhaps 2 or 3; there are 3 columns, divided by `,`: 1 "photo" \(1\.png, 2\.png\), 2 "kind" \(dog, dog\), 3 "size"/, /--columns file=photo,label=kind /],
    ['two columns of files', rowsOf((i) => `${i}.png;${7 - i}.png;${petOf(i)}`), /which column has the images' files: perhaps 1 or 2; there are 3 columns, divided by `;`/, /--columns file=1,label=NAME /],
    ['no files', rowsOf((i) => `x${i}|${petOf(i)}`), /which column has the images' files; there are 2 columns, divided by `\|`: 1 \(x1, x2\), 2 \(dog, dog\)$/, /--columns file=NAME,label=NAME /],
    ['several classes for an image', `image,cat,dog\n${rowsOf((i) => `${i},1,${i % 2}`)}`, /which column has the classes: perhaps/, /--columns file=image,label=/],
])
    test(`what is not plain is asked, with what was found and what to write: ${name}`, async () => {
        const data = listed(text, ids);
        for (const command of [['train', data, '-o', join(folder(), 'm')], ['doctor', data], ['evaluate', pets, data]])
            refused(await eyelet(command), { subject: data, reason, hint });
    });

test('--columns names columns by header or by number, for every command', async () => {
    const data = listed(`photo,kind,size\n${unclear}`, ids);
    for (const columns of ['label=kind', 'file=photo,label=kind', 'file=1,label=2', 'label=KIND']) {
        assert.deepEqual((await doctor(data, '--columns', columns)).classes.map((row) => row.class), ['cat', 'dog']);
        assert.deepEqual(rows((await evaluation(pets, data, '--test', '1', '--columns', columns)).confusion), [2, 4]);
    }
    assert.deepEqual((await doctor(data, '--columns', 'label=3')).classes.map((row) => row.class), ['big', 'small']);
    refused(await train(data, ['--columns', 'label=colour']), { subject: data, reason: /has no column "colour"; there are 3 columns/ });
    refused(await train(data, ['--columns', 'class=2']), { subject: '--columns', reason: /names no columns: "class=2"/, hint: /file=NAME/ });
});

test('a bad row and a missing file of a CSV file are named and count like bad pictures', async () => {
    const lines = Array.from({ length: 8 }, (_, i) => `${i}.png,${i % 2 ? 'cat' : 'dog'}`);
    const files = Object.fromEntries(lines.map((_, i) => [`${i}.png`, png(i)]));
    const data = listed([...lines, 'one field', 'a,b,c', ',cat', '1.png,', '1.png,c\x1bt', 'gone.png,cat', '1.png,cat,,'].join('\n'), files);
    const result = await train(data);
    assert.equal(result.status, 1);
    const label = 'the label is not 1 to 255 bytes of UTF-8 without control characters';
    for (const [line, reason] of [[9, label], [10, 'the row has more fields than the others'], [11, 'the row names no file'], [12, label], [13, label]])
        assert.ok(result.stderr.includes(`eyelet: ${data}:${line}: left out: ${reason}\n`), result.stderr);
    assert.match(result.stderr, /gone\.png: left out: No such file/);
    assert.match(result.stderr, /6 of 15 images cannot be read, more than \d %/);
    assert.match(succeeded(await train(data, ['--allow-bad', '0.5', '--test', '0'])).stderr, /\(a CSV file, 9 training images/);
    const split = listed(`image,label,split\n${rowsOf((i) => `${i}.png,${petOf(i)},${i % 2 ? 'train' : 'test'}`)}\n1.png,cat,\n`, ids);
    assert.match((await train(split, ['--allow-bad', '1'])).stderr, /list\.csv:8: left out: the part is none of train, val and test/);
});

/* ---- What is none ---- */

for (const [name, text, reason] of [['empty', '', /no row with a file and a class/], ['a picture', png(1), /not a text file: it has a zero at character 8/],
    ['a quote without end', 'a.png,cat\n"b.png,dog\n', /line 2: a quoted field has no end/], ['one class', 'a.png,cat\nb.png,cat\n', /only one class, "cat"/],
    ['one column', 'a.png\nb.png\n', /no row with a file and a class/],
    ['half a character of UTF-16', Buffer.from('\ufeffa.png,cat', 'utf16le').subarray(0, -1), /UTF-16 text is damaged or cut short at byte 18/],
    ['half a pair of UTF-16', Buffer.from('\ufeffa.png,\ud83d', 'utf16le'), /UTF-16 text is damaged or cut short at byte 14/]])
    test(`a file that is no list of images is refused: ${name}`, async () => {
        const data = listed(text, {});
        refused(await train(data), { subject: data, reason });
    });
