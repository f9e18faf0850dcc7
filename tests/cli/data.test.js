/* The command line and its data: damaged CIFAR-10 files, where they are looked for, fetching them; and evaluation. The
 * data set is made here; only the tests that say so need the real one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { classNames, dataFiles, dataWith, eyelet, eyeletUnder, fifo, fileBytes, folder, makeData, makeRecords, nothingLeftOver,
    realData, recordBytes, refused, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const records = makeRecords(120);
const data = makeData(records);
const network = join(folder({ 'small.txt': 'avgpool 8\nflatten\ndense classes softmax\n' }), 'small.txt');
const trainOptions = ['train', '-o', 'm.eyelet', '--network', network, '--limit', '200', '--epochs', '1'];
const train = (cwd, more, env) => eyelet([...trainOptions, ...more], { cwd, env });

/* ---- Damaged files ---- */

const wrongLabel = Buffer.from(records);
wrongLabel[7777 * recordBytes] = 10;
const longerByOne = Buffer.concat([records, Buffer.of(0)]);
const names = classNames.join('\n');
const damages = [
    ['cut to half', 'data_batch_3.bin', records.subarray(0, fileBytes / 2), /has 15,365,000 bytes, not the 30,730,000 of 10000 records/],
    ['one byte too few', 'data_batch_5.bin', records.subarray(0, -1), /has 30,729,999 bytes/],
    ['one byte too many', 'data_batch_1.bin', longerByOne, /has 30,730,001 bytes/],
    ['empty', 'data_batch_2.bin', '', /has 0 bytes/],
    ['a wrong label', 'data_batch_4.bin', wrongLabel, /record 7777 has the label 10, at byte 23898721, and there are only 0 to 9/, '--limit', '38000'],
    ['missing', 'data_batch_4.bin', null, /No such file/],
    ['a web page', 'data_batch_1.bin', '<!DOCTYPE html>', /has 15 bytes/],
    ['class names missing', 'batches.meta.txt', null, /No such file/],
    ['class names cut short', 'batches.meta.txt', 'airplane\nautomobile\nbi', /names of 10 classes, a line each; line 4 is missing/],
    ['class names with an empty line', 'batches.meta.txt', names.replace('cat', ''), /line 4 is missing/],
    ['class names that are no text', 'batches.meta.txt', Buffer.from(names.replace('cat', 'c\xe4t'), 'latin1'), /line 4 is not text/],
    ['class names with an escape sequence', 'batches.meta.txt', names.replace('bird', '\x1b[2J'), /line 3 is not text/],
];

for (const [name, file, content, reason, ...more] of damages)
    test(`a damaged data file is named, and an older model stays as it is: ${name}`, async () => {
        const damaged = dataWith(data, { [file]: content });
        const here = folder({ 'm.eyelet': 'the old model', 'm.csv': 'the old log' });
        refused(await train(here, ['--data', damaged, ...more]), { subject: join(damaged, file), reason, hint: /--fetch/ });
        assert.deepEqual(readdirSync(here).sort(), ['m.csv', 'm.eyelet']);
        assert.equal(readFileSync(join(here, 'm.eyelet'), 'utf8'), 'the old model');
        assert.equal(readFileSync(join(here, 'm.csv'), 'utf8'), 'the old log');
    });

for (const [name, make, reason] of [['a folder', mkdirSync, /is a folder/], ['a FIFO', fifo, /not a regular file/]])
    test(`a data file that is no file is named: ${name}`, async () => {
        const damaged = dataWith(data, { 'data_batch_2.bin': null });
        make(join(damaged, 'data_batch_2.bin'));
        refused(await train(folder(), ['--data', damaged]), { subject: join(damaged, 'data_batch_2.bin'), reason });
    });

test('of records no more are read than --limit asks for, from as many files as hold them', async () => {
    const later = dataWith(data, { 'data_batch_4.bin': wrongLabel }), train = (...more) => eyelet([...trainOptions, '--restart', '--data', later, ...more]);
    assert.match(succeeded(await train('--limit', '37777')).stderr, /^data: .* \(CIFAR-10, 37,777 training images, as --limit says\)$/m);
    refused(await train('--limit', '37778'), { reason: /record 7777 has the label 10/ });
    assert.match(succeeded(await eyelet([...trainOptions, '--restart', '--data', data, '--limit', '60000'])).stderr, /^data: .* \(CIFAR-10, 50,000 training images\b/m);
});

test('a damaged test file is named by evaluate', async () => {
    const damaged = dataWith(data, { 'test_batch.bin': wrongLabel });
    const model = join(folder({ 'm.eyelet': tinyModel() }), 'm.eyelet');
    refused(await eyelet(['evaluate', model, '--data', damaged]), { subject: join(damaged, 'test_batch.bin'), reason: /record 7777/ });
});

test('class names may end in carriage returns', async () => {
    const changed = dataWith(data, { 'batches.meta.txt': classNames.join('\r\n') + '\r\n' });
    const model = join(folder({ 'm.eyelet': tinyModel() }), 'm.eyelet');
    succeeded(await eyelet(['evaluate', model, '--data', changed, '--limit', '10']));
});

/* ---- Where the data is looked for ---- */

test('a path without data is named', async () => {
    const empty = folder(), missing = join(empty, 'missing');
    refused(await train(empty, ['--data', missing]), { subject: missing, reason: /no data here \(named by the command\): No such file/ });
    refused(await train(empty, [], { EYELET_DATA: missing }), { subject: missing, reason: /no data here \(named by EYELET_DATA\)/ });
    for (const how of [['--data', empty], [empty]])
        refused(await train(empty, how), { subject: empty, reason: /there are no folders in it, so there are no classes/, hint: /each class/ });
    assert.deepEqual(readdirSync(empty), []);
});

test('the data comes from --data, then EYELET_DATA, then data/, then ../shared/data/, and the program says from where', async () => {
    const around = folder(), here = join(around, 'here');
    const model = join(folder({ 'm.eyelet': tinyModel() }), 'm.eyelet');
    const taken = async (more, env) => {
        const { stderr } = succeeded(await eyelet(['evaluate', model, '--limit', '10', ...more], { cwd: here, env }));
        return stderr.match(/^data: (.*) \(CIFAR-10, 10 test images, as --limit says\)\n$/)[1];
    };
    mkdirSync(here);
    mkdirSync(join(around, 'shared/data'), { recursive: true });
    symlinkSync(data, join(around, 'shared/data/cifar-10-batches-bin'));
    assert.equal(await taken([]), '../shared/data/cifar-10-batches-bin');
    symlinkSync(data, join(here, 'data'));
    assert.equal(await taken([]), 'data');
    assert.equal(await taken([], { EYELET_DATA: '' }), 'data');
    assert.equal(await taken([], { EYELET_DATA: '../shared/data' }), '../shared/data/cifar-10-batches-bin');
    assert.equal(await taken(['--data', data], { EYELET_DATA: '../shared/data' }), data);
});

test('without data, without --fetch and without a terminal nothing is fetched, and the ways out are named', async () => {
    const here = folder();
    refused(await train(here, [], { EYELET_CIFAR10_URL: 'http://127.0.0.1:9/' }),
        { subject: 'cifar-10-batches-bin', reason: /not found in data\/ or \.\.\/shared\/data\//, hint: /EYELET_DATA.*--fetch/ });
    refused(await eyelet(['evaluate', join(folder({ m: tinyModel() }), 'm')], { cwd: here }), { subject: 'cifar-10-batches-bin', reason: /not found/ });
    assert.deepEqual(readdirSync(here), []);
});

/* ---- Fetching ---- */

const curl = { skip: spawnSync('curl', ['--version']).status === 0 ? false : 'NOT TESTED: curl is not installed' };
let archive, server, requests, answers;
before(async () => {
    /* Full size, as the reader wants it, but small to send: five names for one file of one colour. */
    const inside = folder(), batches = join(inside, 'cifar-10-batches-bin');
    mkdirSync(batches);
    writeFileSync(join(batches, 'batches.meta.txt'), names + '\n');
    writeFileSync(join(batches, dataFiles[0]), Buffer.alloc(fileBytes, 7));
    for (const name of dataFiles.slice(1))
        linkSync(join(batches, dataFiles[0]), join(batches, name));
    assert.equal(spawnSync('tar', ['-czf', 'archive.tar.gz', 'cifar-10-batches-bin'], { cwd: inside }).status, 0);
    archive = readFileSync(join(inside, 'archive.tar.gz'));
    server = createServer((request, response) => {
        requests.push(request.headers.range ?? 'all');
        (answers.shift() ?? whole)(request, response);
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
});
after(() => server.close());

function whole(request, response) {
    const start = Number(request.headers.range?.match(/^bytes=(\d+)-$/)[1] ?? 0);
    if (start >= archive.length)
        return response.writeHead(416).end();
    response.writeHead(start ? 206 : 200, { 'Content-Length': archive.length - start,
        ...(start && { 'Content-Range': `bytes ${start}-${archive.length - 1}/${archive.length}` }) });
    response.end(archive.subarray(start));
}

function brokenHalfway(request, response) {
    response.writeHead(200, { 'Content-Length': archive.length });
    response.write(archive.subarray(0, archive.length >> 1), () => response.destroy());
}

const notFound = (request, response) => response.writeHead(404).end('<h1>404</h1>');

function fetchInto(here, inTurn = [], sum = createHash('md5').update(archive).digest('hex'), more = ['--fetch'], environment = {}) {
    requests = [];
    answers = inTurn;
    const env = { EYELET_CIFAR10_URL: `http://127.0.0.1:${server.address().port}/cifar.tar.gz`, EYELET_CIFAR10_MD5: sum, no_proxy: '127.0.0.1', ...environment };
    return train(here, more, env);
}

/* curl's progress bar stands before what the program says. */
const afterProgress = (result) => ({ ...result, stderr: result.stderr.slice(result.stderr.indexOf('eyelet: ')) });
const url = () => `http://127.0.0.1:${server.address().port}/cifar.tar.gz`;

test('--fetch fetches, checks and unpacks the archive, trains, and does not fetch again', curl, async () => {
    const here = folder();
    const result = succeeded(await fetchInto(here));
    assert.match(result.stderr, /^fetching http:/);
    assert.match(result.stderr, /^data: data\/cifar-10-batches-bin \(/m);
    assert.deepEqual(requests, ['all']);
    assert.deepEqual(readdirSync(join(here, 'data')).sort(), ['cifar-10-batches-bin', 'cifar-10-binary.tar.gz']);
    assert.ok(existsSync(join(here, 'm.eyelet')));
    succeeded(await fetchInto(here));
    assert.deepEqual(requests, []);
});

const inData = (here) => readdirSync(join(here, 'data')).sort();
const archiveName = 'cifar-10-binary.tar.gz', everything = ['cifar-10-batches-bin', archiveName];

test('a download that breaks off goes on where it broke', curl, async () => {
    const here = folder();
    succeeded(await fetchInto(here, [brokenHalfway]));
    assert.equal(requests.length, 2);
    assert.match(requests[1], /^bytes=[1-9]\d*-$/);
    assert.deepEqual(inData(here), everything);
});

test('a server that cannot go on in the middle is asked from the start', curl, async () => {
    const here = folder(), fromTheStart = (request, response) => response.writeHead(200, { 'Content-Length': archive.length }).end(archive);
    succeeded(await fetchInto(here, [brokenHalfway, fromTheStart, fromTheStart]));
    assert.deepEqual(inData(here), everything);
});

test('a download that breaks off each time leaves nothing', curl, async () => {
    const here = folder();
    refused(afterProgress(await fetchInto(here, Array(20).fill(brokenHalfway))), { subject: url(), reason: /the download broke off \(curl ended with/, hint: /Nothing of it was kept/ });
    assert.deepEqual(inData(here), []);
});

test('an archive with another sum is refused, kept and named', curl, async () => {
    const here = folder();
    for (const [name, kept] of [[`${archiveName}.1.part`, 1], [`${archiveName}.2.part`, 2]]) {
        const result = await fetchInto(here, [], '0'.repeat(32));
        refused(afterProgress(result), { subject: `data/${name}`, reason: /not the official one: its MD5 is [0-9a-f]{32}, not 0{32}/, hint: /kept/ });
        assert.equal(inData(here).length, kept);
        assert.deepEqual(readFileSync(join(here, 'data', name)), archive);
    }
    assert.ok(!existsSync(join(here, 'm.eyelet')));
});

test("a user's own files are neither overwritten nor removed", curl, async () => {
    const here = folder({ 'data/cifar-10-binary.tar.gz.part': 'mine', 'data/cifar-10-binary.tar.gz.1.part': 'mine too', 'data/unpacking/x': 'and mine' });
    succeeded(await fetchInto(here));
    for (const [name, content] of [[`${archiveName}.part`, 'mine'], [`${archiveName}.1.part`, 'mine too'], ['unpacking/x', 'and mine']])
        assert.equal(readFileSync(join(here, 'data', name), 'utf8'), content);
    assert.deepEqual(inData(here), [...everything, `${archiveName}.1.part`, `${archiveName}.part`, 'unpacking'].sort());
});

test('an archive that is there is taken if it is the official one, and left as it is if not', curl, async () => {
    const here = folder({ [`data/${archiveName}`]: archive }), other = folder({ [`data/${archiveName}`]: 'not an archive' });
    succeeded(await fetchInto(here));
    assert.deepEqual(requests, []);
    refused(await fetchInto(other), { subject: `data/${archiveName}`, reason: /not the official archive: its MD5 is [0-9a-f]{32}, not/, hint: /left as it is/ });
    assert.equal(readFileSync(join(other, 'data', archiveName), 'utf8'), 'not an archive');
    assert.deepEqual([inData(other), requests], [[archiveName], []]);
});

test("no program for checksums is needed: a BusyBox's that knows no --status changes nothing", curl, async () => {
    const here = folder(), tools = folder({ md5sum: '#!/bin/sh\necho "md5sum: unrecognized option: status" >&2\nexit 1\n' });
    chmodSync(join(tools, 'md5sum'), 0o755);
    succeeded(await fetchInto(here, [], undefined, ['--fetch'], { PATH: `${tools}:${process.env.PATH}` }));
    assert.deepEqual(inData(here), everything);
});

test('what cannot be unpacked is named, and leaves nothing but the archive', curl, async () => {
    const here = folder({ [`data/${archiveName}`]: 'no archive' });
    refused(afterProgress(await fetchInto(here, [], createHash('md5').update('no archive').digest('hex'))),
        { subject: `data/${archiveName}`, reason: /cannot be unpacked \(tar ended with \d+\)/ });
    assert.deepEqual(inData(here), [archiveName]);
    const taken = folder({ 'data/cifar-10-batches-bin/mine': 'x' });
    refused(afterProgress(await fetchInto(taken)), { subject: 'data/cifar-10-batches-bin', reason: /not empty/, hint: /Move away/ });
    assert.deepEqual(inData(taken), everything);
});

test('an address that the server does not know is named', curl, async () => {
    const here = folder();
    refused(afterProgress(await fetchInto(here, [notFound])), { subject: url(), reason: /the server refused it/, hint: /address/ });
    assert.deepEqual(inData(here), []);
});

test('a missing curl, and one that is stopped, are named and leave nothing', async () => {
    const here = folder(), tools = folder({ curl: '#!/bin/sh\nkill -INT $$\n' });
    refused(afterProgress(await fetchInto(here, [], undefined, ['--fetch'], { PATH: '/nowhere' })), { subject: 'curl', reason: /is needed to fetch the archive/, hint: /Install/ });
    chmodSync(join(tools, 'curl'), 0o755);
    refused(afterProgress(await fetchInto(here, [], undefined, ['--fetch'], { PATH: `${tools}:${process.env.PATH}` })), { subject: url(), reason: /broke off/ });
    assert.deepEqual(inData(here), []);
});

test('a server that nobody answers for is named', curl, async () => {
    const here = folder();
    const result = await train(here, ['--fetch'], { EYELET_CIFAR10_URL: 'http://127.0.0.1:9/x', no_proxy: '127.0.0.1' });
    refused(afterProgress(result), { subject: 'http://127.0.0.1:9/x', reason: /the download broke off/ });
});

test('evaluate never fetches', curl, async () => {
    requests = [];
    refused(await eyelet(['evaluate', join(folder({ m: tinyModel() }), 'm')], { cwd: folder(), env: { EYELET_CIFAR10_URL: url() } }),
        { subject: 'cifar-10-batches-bin', reason: /not found/ });
    assert.deepEqual(requests, []);
});

/* ---- Evaluation ---- */

const model = join(folder({ 'tiny.eyelet': tinyModel() }), 'tiny.eyelet');
const floats = (path) => {
    const bytes = readFileSync(path);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

test('evaluate counts what its logits say', async () => {
    const here = folder(), count = 1000;
    const result = succeeded(await eyelet(['evaluate', model, '--data', data, '--limit', `${count}`, '--json', '--logits', 'logits'], { cwd: here }));
    const { images, correct, accuracy, confusion } = JSON.parse(result.stdout);
    const logits = floats(join(here, 'logits')), expected = Array.from({ length: 10 }, () => Array(10).fill(0));
    assert.equal(logits.length, 10 * count);
    for (let i = 0; i < count; i++) {
        const row = logits.subarray(10 * i, 10 * i + 10);
        expected[records[i * recordBytes]][row.indexOf(Math.max(...row))]++;
    }
    assert.deepEqual(confusion, expected);
    assert.equal(images, count);
    assert.equal(correct, expected.reduce((sum, row, i) => sum + row[i], 0));
    assert.equal(accuracy, correct / count);
});

test('a record of the data set and the same picture as a PNG give the same logits, bit for bit', async () => {
    const at = 3 * recordBytes + 1, pixels = new Uint8ClampedArray(4096).fill(255);
    for (let i = 0; i < 1024; i++)
        for (let c = 0; c < 3; c++)
            pixels[4 * i + c] = records[at + 1024 * c + i];
    const here = folder({ 'record.png': encodePng({ data: pixels, width: 32, height: 32 }) });
    succeeded(await eyelet(['evaluate', model, '--data', data, '--limit', '4', '--logits', 'logits'], { cwd: here }));
    const [{ logits }] = JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', model, 'record.png'], { cwd: here })).stdout);
    assert.deepEqual(new Float32Array(logits), floats(join(here, 'logits')).subarray(30, 40));
});

test('any number of threads gives the same logits', async () => {
    const here = folder();
    for (const threads of ['1', '2', '3', '5'])
        succeeded(await eyelet(['evaluate', model, '--data', data, '--limit', '500', '--threads', threads, '--logits', threads], { cwd: here }));
    for (const threads of ['2', '3', '5'])
        assert.deepEqual(readFileSync(join(here, threads)), readFileSync(join(here, '1')));
});

test('--record writes the accuracy into the notes, once, and changes nothing else', async () => {
    const here = folder({ 'm.eyelet': tinyModel() });
    const evaluate = (...more) => eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '500', ...more], { cwd: here });
    const summary = async () => succeeded(await eyelet(['summary', 'm.eyelet'], { cwd: here })).stdout;
    const old = await summary();
    const [, percent, low, high] = succeeded(await evaluate('--logits', 'before')).stdout.match(/^accuracy +([\d.]+ %) \(([\d.]+) to ([\d.]+)/);
    const rounded = (text) => Number(text).toFixed(1);
    for (let i = 0; i < 2; i++) {
        succeeded(await evaluate('--record'));
        assert.equal(await summary(), old.replace('accuracy: none', `accuracy: ${percent} (${rounded(low)}-${rounded(high)}) of 500 CIFAR-10 test images`));
    }
    succeeded(await evaluate('--logits', 'after'));
    assert.deepEqual(readFileSync(join(here, 'after')), readFileSync(join(here, 'before')));
});

test('--views averages the logits of mirrored and moved images', async () => {
    const here = folder();
    succeeded(await train(here, ['--data', data]));
    const logits = async (views) => {
        succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '50', '--views', views, '--logits', views], { cwd: here }));
        return readFileSync(join(here, views));
    };
    const [one, two, six] = [await logits('1'), await logits('2'), await logits('6')];
    assert.notDeepEqual(one, two);
    assert.notDeepEqual(two, six);
    assert.deepEqual(await logits('1'), one);
});

test('convert to float16 halves the file, to int8 quarters it, keeps the answers and says so, and back again changes no weight', async () => {
    const here = folder(), small = join(here, 'small.eyelet'), large = join(here, 'large.eyelet'), again = join(here, 'again.eyelet');
    succeeded(await train(here, ['--data', data]));
    const model = join(here, 'm.eyelet');
    const result = succeeded(await eyelet(['convert', model, '-o', small, '--data', data]));
    assert.match(result.stdout, /agree on (100|99)\.\d\d %/);
    assert.match(result.stdout, /max error [\d.e-]+ of the largest/);
    assert.ok(statSync(small).size < 0.75 * statSync(model).size);
    const back = JSON.parse(succeeded(await eyelet(['convert', small, '-o', large, '--weights', 'f32', '--data', data, '--json'])).stdout);
    assert.equal(back.bytes_after, statSync(large).size);
    assert.equal(back.max_error, 0);
    assert.equal(back.agreement, 1);
    assert.equal(back.accuracy_before, back.accuracy_after);
    succeeded(await eyelet(['convert', large, '-o', again, '--data', data]));
    assert.deepEqual(readFileSync(again), readFileSync(small));
    const bytes = JSON.parse(succeeded(await eyelet(['convert', model, '-o', again, '--weights', 'int8', '--data', data, '--json'])).stdout);
    assert.ok(bytes.bytes_after < 0.5 * bytes.bytes_before && bytes.agreement > 0.97, JSON.stringify(bytes));
    assert.ok(bytes.max_error > 0 && bytes.max_error < 0.5 / 127 + 1e-6, JSON.stringify(bytes));
    assert.match(succeeded(await eyelet(['summary', again])).stdout, /int8, checksum/);
    refused(await eyelet(['convert', model, '-o', here]), { subject: here, reason: /is a folder/, hint: /unchanged/ });
});

test('a model for other classes is not evaluated', async () => {
    const here = folder({ two: tinyModel({ labels: ['yes', 'no'] }), other: tinyModel({ labels: classNames.map((name) => name.replace('cat', 'lynx')) }) });
    refused(await eyelet(['evaluate', 'two', '--data', data], { cwd: here }), { subject: data, reason: /10 of its 10 classes are none of the model's 2 \("yes", "no"\): "airplane"/ });
    refused(await eyelet(['evaluate', 'other', '--data', data], { cwd: here }), { subject: data, reason: /1 of its 10 classes is none of the model's 10 .*: "cat"$/ });
});

test('what evaluate cannot write is named, and the model stays as it is', async () => {
    const here = folder({ 'm.eyelet': tinyModel() });
    mkdirSync(join(here, 'taken'));
    const argumentList = ['evaluate', 'm.eyelet', '--data', data, '--limit', '500'];
    for (const [path, reason] of [['taken', /is a folder/], ['missing/logits', /No such file/]])
        refused(await eyelet([...argumentList, '--logits', path], { cwd: here }), { subject: path, reason });
    const full = 'ulimit -f';
    refused(await eyeletUnder(`${full} 4`, [...argumentList, '--logits', 'logits'], { cwd: here }), { subject: 'logits', reason: /too large/ });
    refused(await eyeletUnder(`${full} 0`, [...argumentList, '--record'], { cwd: here }), { subject: 'm.eyelet', reason: /the accuracy cannot be written/, hint: /unchanged/ });
    assert.deepEqual(readFileSync(join(here, 'm.eyelet')), tinyModel());
    assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'taken']);
    nothingLeftOver(here);
});

/* ---- The real data ---- */

test('the real CIFAR-10 is read, a thousand test images a class',
    { skip: realData ? false : 'NOT TESTED: CIFAR-10 is not on this machine; name its folder in EYELET_DATA' }, async () => {
        const { stdout, stderr } = succeeded(await eyelet(['evaluate', model, '--data', realData, '--json']));
        assert.match(stderr, /^data: .* \(CIFAR-10, 10,000 test images\)$/m);
        const { images, confusion, classes } = JSON.parse(stdout);
        assert.equal(images, 10_000);
        assert.deepEqual(classes, classNames);
        for (const row of confusion)
            assert.equal(row.reduce((sum, count) => sum + count), 1000);
    });
