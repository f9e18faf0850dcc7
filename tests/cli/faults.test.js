/* Every call that can fail, failed once: allocations, and all that the program does with files. Whatever fails, the program ends with
 * a line that names the cause or does without, no file is cut, and what was there is whole. Killed at each call of a run, it goes on to
 * the same model. FAULTS=all (`make test-faults`) tries them all, up to 300 of a kind and command, and 1,000 kills of a command;
 * FAULTS=some a quarter and a sixth of that, as far as it comes in some seconds; without it a sample. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, program, start, succeeded } from '../support/program.js';
import { crc32, modelOf } from '../support/tiny_model.js';

const library = fileURLToPath(new URL('../../build/faults/fault.so', import.meta.url));
const { FAULTS } = process.env;
/* Tries of a kind and command, kills of a command, kills at random; the most seconds that the tries of a test may take, and kills. */
const [most, kills, randomKills, seconds, killSeconds] = { all: [100, 1000, 40, Infinity, Infinity], some: [25, 170, 20, 8, 20] }[FAULTS] ?? [10, 10, 4, Infinity, Infinity];
const possible = existsSync(library) && await eyelet(['--help'], { env: { LD_PRELOAD: library } }).then(({ status }) => status === 0);
const options = { skip: possible ? false : 'NOT TESTED: this needs build/faults/fault.so (make test-faults), and a program without an allocator of its own' };

/* ---- What is run ---- */

const labels = ['blue', 'green', 'red'];
const picture = (c, i) => encodePng({ width: 8, height: 8, data: Uint8ClampedArray.from({ length: 256 },
    (_, k) => k % 4 === 3 ? 255 : (k % 4 === 2 - c ? 150 : 40) + (k * 37 + i * 11 + c * 5) % 60) });
const perClass = { train: 56, test: 4 }; /* for 50 validation images, which a calibration takes */
const data = folder(Object.fromEntries(Object.entries(perClass).flatMap(([part, count]) => labels.flatMap((label, c) =>
    Array.from({ length: count }, (_, i) => [`${part}/${label}/${i}.png`, picture(c, i + (part === 'test' ? perClass.train : 0))])))));
const network = join(folder({ 'n.txt': 'input 8x8x3\nconv2d 4 3x3 relu\nflatten\ndense classes softmax\n' }), 'n.txt');
const model = modelOf({ input: [8, 8, 3], labels, notes: 'name: Small\n',
    layers: [{ kind: 'conv2d', channels: 4, kernel: [3, 3], bias: true }, { kind: 'relu' }, { kind: 'flatten' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }] });

const training = ['train', data, '--network', network, '--epochs', '3', '--batch', '8', '--threads', '1', '--validation', '0.3'];
const commands = {
    summary: ['summary', 'm.eyelet'],
    classify: ['classify', 'm.eyelet', '--json', '--threads', '1', join(data, 'test/red'), join(data, 'test/blue')],
    'classify into folders': ['classify', 'm.eyelet', '--threads', '1', join(data, 'test/red'), '--sort-into', 'sorted'],
    evaluate: ['evaluate', 'm.eyelet', data, '--report', 'out.html', '--logits', 'out.logits', '--threads', '1'],
    calibrate: ['calibrate', 'm.eyelet', '--data', data, '--validation', '0.3', '--seed', '1'],
    doctor: ['doctor', data],
    convert: ['convert', 'm.eyelet', '-o', 'out.eyelet', '--weights', 'f16'],
    quantize: ['quantize', 'm.eyelet', '-o', 'out.eyelet', '--data', data, '--images', '20'],
    'export --html': ['export', 'm.eyelet', '--html', '-o', 'out.html'],
    'export --onnx': ['export', 'm.eyelet', '--onnx', '-o', 'out.onnx'],
    'export --safetensors': ['export', 'm.eyelet', '--safetensors', '-o', 'out.safetensors'],
    train: [...training, '-o', 'out.eyelet'],
    'train into a folder': [...training, '-o', 'run/'],
    'train from a file of pixels': [...training, '-o', 'out.eyelet', '--pixels', 'out.pixels'],
};
const before = { 'm.eyelet': model, 'out.eyelet': model, 'out.html': 'the old page', 'out.onnx': 'the old one', 'out.safetensors': 'the old one', 'out.logits': 'old' };

function filesIn(here) {
    return Object.fromEntries(readdirSync(here, { recursive: true }).filter((name) => statSync(join(here, name)).isFile())
        .map((name) => [name, readFileSync(join(here, name))]));
}

/* Without what a clock decides. */
const timeless = (name, bytes) => /\.(html|csv)$/.test(name)
    ? String(bytes).replace(/"seconds": [\d.]+/, '').replace(/,[\d.]+$/gm, '').replace(/(\[(?:[\d.]+|null)(?:, (?:[\d.]+|null)){4}), [\d.]+\]/g, '$1]') : bytes.toString('latin1');
const withoutNumbers = (text) => text.replace(/ *[\d.,]+/g, '#'); /* nor the spaces that fill a narrow one up */

async function run(words, fault) {
    const here = folder(before);
    const counts = join(here, 'counts');
    const result = await eyelet(words, { cwd: here, env: { LD_PRELOAD: library, OMP_NUM_THREADS: '1', ...fault ? { FAULT: fault } : { FAULT_COUNTS: counts } } });
    const tried = fault ? null : Object.fromEntries(readFileSync(counts, 'utf8').trim().split('\n').map((line) => line.split(' ')).map(([kind, count]) => [kind, Number(count)]));
    rmSync(counts, { force: true });
    const files = filesIn(here);
    rmSync(here, { recursive: true });
    return { ...result, fault, files, tried };
}

const straight = {};
const straightRun = (name) => straight[name] ??= run(commands[name]);

/* ---- What must hold ---- */

const sealed = (bytes) => bytes.length > 4 && crc32(bytes.subarray(0, -4)) === bytes.readUInt32LE(bytes.length - 4);
const whole = [[/\.eyelet$|\.checkpoint/, sealed], [/\.csv$/, (bytes) => /^epoch,.*\n(\d+,.*\n)*$/.test(bytes)],
    [/\.html$/, (bytes) => /^<!doctype html>[^]*<\/html>\n*$/i.test(bytes)], [/\.txt$/, (bytes) => /^command=.*\n[^]*\n$/.test(bytes)], [/\.lock$/, (bytes) => bytes.length === 0],
    [/\.pixels$/, (bytes) => bytes.toString('latin1', 1, 5) === 'EYPX' && crc32(bytes.subarray(0, 60)) === bytes.readUInt32LE(60)]];

function holds(name, result, reference, causes) {
    const said = result.stdout + result.stderr, context = `${name}, ${result.fault}: status ${result.status}, signal ${result.signal}, said:\n${said}`;
    assert.equal(result.signal, null, context);
    assert.ok(result.status === 0 || result.status === 1, context);
    assert.doesNotMatch(said, /\(null\)/, context);
    let same = result.status === reference.status && withoutNumbers(result.stdout) === withoutNumbers(reference.stdout);
    for (const [file, bytes] of Object.entries(result.files)) {
        assert.doesNotMatch(file, /\.part$/, `${file} is left over: ${context}`);
        const text = timeless(file, bytes), finished = file in reference.files && text === timeless(file, reference.files[file]);
        const old = file in before && bytes.equals(Buffer.from(before[file]));
        const another = /^train/.test(name) || /: left out: /.test(said); /* of an epoch before; without a picture that was named */
        assert.ok(finished || old || (another && whole.some(([pattern, check]) => pattern.test(file) && check(bytes))), `${file} is neither the old one nor the new one, ${bytes.length} bytes: ${context}`);
        same &&= finished || !(file in reference.files);
    }
    same &&= Object.keys(reference.files).every((file) => file in result.files);
    if (!same)
        assert.match(said, causes, `the cause is not named: ${context}`);
    if (!same && result.status === 1) /* a picture that cannot be read is named in the list of them */
        assert.match(`${result.stdout}\n${result.stderr}`, /^(eyelet|libgomp|data|PROBLEM): /m, context);
    return same;
}

/* So many of 1 .. count, spread evenly, with the first and the last. */
function sample(count, tries = most) {
    const step = Math.max(1, (count - 1) / (tries - 1));
    return Array.from({ length: Math.min(count, tries) }, (_, i) => Math.round(1 + i * step));
}

/* Does the work for each, some at a time, in an order that is spread evenly wherever the time is over; for how many it was done. */
async function forEach(items, work, longest = seconds) {
    const place = (i) => i * 0.618034 % 1, end = performance.now() + 1000 * longest;
    const rest = items.map((item, i) => [place(i), item]).sort(([a], [b]) => a - b).map(([, item]) => item);
    await Promise.all(Array.from({ length: availableParallelism() }, async () => {
        while (rest.length > 0 && performance.now() < end)
            await work(rest.shift());
    }));
    return items.length - rest.length;
}

/* ---- Failures ---- */

for (const name of Object.keys(commands))
    test(`each allocation fails once: ${name}`, options, async (t) => {
        const reference = await straightRun(name), numbers = sample(reference.tried.memory);
        let harmless = 0;
        const tried = await forEach(numbers, async (n) => {
            harmless += holds(name, await run(commands[name], `memory:${n}`), reference, /memory/i);
        });
        assert.ok(tried > 1 && harmless < tried, `${tried} tried, ${harmless} done without`);
        t.diagnostic(`${tried} of ${reference.tried.memory} allocations, ${harmless} of them done without`);
    });

const errors = { EIO: [5, /Input\/output error/], ENOSPC: [28, /No space left on device/], EACCES: [13, /Permission denied/] };
const otherCauses = { map: /memory|cannot be mapped/ };

for (const name of Object.keys(commands))
    test(`each call on files fails once: ${name}`, options, async (t) => {
        const reference = await straightRun(name), faults = [];
        for (const kind of ['open', 'read', 'write', 'sync', 'rename', 'unlink', 'truncate', 'map', 'close', 'list'])
            for (const n of sample(reference.tried[kind])) {
                const error = Object.keys(errors)[faults.length % 3];
                faults.push([`${kind}:${n}:${errors[error][0]}`, otherCauses[kind] ?? errors[error][1]]);
            }
        assert.ok(faults.length >= 4);
        let harmless = 0;
        const tried = await forEach(faults, async ([fault, causes]) => {
            harmless += holds(name, await run(commands[name], fault), reference, causes);
        });
        t.diagnostic(`${tried} calls of ${faults.length}, ${harmless} of them done without`);
    });

test('a folder whose listing breaks off is named: no data set is shorter without a word', options, async (t) => {
    let tried = 0, named = 0;
    for (const name of ['doctor', 'classify', 'evaluate', 'train']) {
        const reference = await straightRun(name), count = (text) => text.match(/[\d,]+ (?=(\w+ )?images(?!\/s))/g)?.join() ?? text;
        await forEach(sample(reference.tried.list, 3 * most), async (n) => {
            const result = await run(commands[name], `list:${n}:5`), said = result.stdout + result.stderr, cause = /^.*: .*Input\/output error.*$/m.exec(said)?.[0];
            assert.equal(result.signal, null, said);
            assert.ok(cause ? cause.includes(data) : count(result.stdout) === count(reference.stdout), `${name}, entry ${n}, said:\n${said}`);
            tried++;
            named += cause !== undefined;
        });
    }
    assert.ok(named > tried / 4, `${named} of ${tried} named`); /* others only ask how a folder is laid out, or for what was left behind */
    t.diagnostic(`${tried} entries of folders, ${named} named`);
});

test('a call that a signal interrupts is made again, and bytes that come one by one are put together', options, async (t) => {
    const faults = Object.keys(commands).flatMap((name) => ['read:1:short', 'write:1:short', 'read:1:4', 'write:1:4', 'open:1:4', 'sync:1:4', 'close:2:4'].map((fault) => [name, fault]));
    const tried = FAULTS ? faults : faults.filter((_, i) => i % 4 === 0);
    const done = await forEach(tried, async ([name, fault]) => {
        const reference = await straightRun(name), result = await run(commands[name], fault);
        assert.ok(holds(name, result, reference, /^$/), `${name}, ${fault}:\n${result.stdout}${result.stderr}`);
    });
    t.diagnostic(`${done} runs of ${tried.length}`);
});

/* ---- Kills ---- */

const comparable = (files) => Object.fromEntries(Object.entries(files).filter(([file]) => /^(out|run)\b.*\.(eyelet|csv|txt)$/.test(file))
    .map(([file, bytes]) => [file, timeless(file, bytes)]));

/* After a kill: what is there is whole, and --resume, or a new start where there was no checkpoint yet, ends in the same files. */
async function goesOn(words, here, reference, context) {
    for (const [file, bytes] of Object.entries(filesIn(here)))
        if (!file.endsWith('.part'))
            assert.ok(whole.every(([pattern, check]) => !pattern.test(file) || file in before || check(bytes)), `${file} is cut: ${context}`);
    let result = await eyelet([...words, '--resume'], { cwd: here, env: { OMP_NUM_THREADS: '1' } });
    const resumed = result.status === 0;
    if (!resumed) {
        assert.match(result.stderr, /no checkpoint/, context);
        result = await eyelet(words, { cwd: here, env: { OMP_NUM_THREADS: '1' } });
    }
    succeeded(result);
    const files = filesIn(here);
    assert.deepEqual(comparable(files), comparable(reference.files), context);
    assert.deepEqual(Object.keys(files).filter((file) => file.endsWith('.part')), [], context);
    return resumed;
}

for (const name of ['train', 'train into a folder', 'train from a file of pixels'])
    test(`killed at each call on files, a run goes on to the same files: ${name}`, options, async (t) => {
        const reference = await straightRun(name), numbers = sample(reference.tried.any, kills);
        let killed = 0, resumed = 0;
        const done = await forEach(numbers, async (n) => {
            const here = folder(before), { signal } = await eyelet(commands[name], { cwd: here, env: { LD_PRELOAD: library, OMP_NUM_THREADS: '1', FAULT: `any:${n}:kill` } });
            killed += signal === 'SIGKILL';
            resumed += await goesOn(commands[name], here, reference, `${name} killed at call ${n}`);
            rmSync(here, { recursive: true });
        }, killSeconds);
        assert.ok(killed === done && resumed, `${killed} kills, ${resumed} resumed`);
        t.diagnostic(`${done} of ${reference.tried.any} calls, ${killed} kills, resumed ${resumed} times`);
    });

test('killed at random moments, a run goes on to the same files', options, async (t) => {
    const words = [...training, '-o', 'out.eyelet', '--epochs', '40'], reference = succeeded(await run(words));
    let killed = 0, resumed = 0;
    await forEach(Array.from({ length: randomKills }, (_, i) => i), async () => {
        const here = folder(before), { child, result, seen } = start(program, words, { cwd: here, env: { OMP_NUM_THREADS: '1' } });
        await seen(/^epoch +2\//m);
        await new Promise((done) => setTimeout(done, Math.random() * 100));
        child.kill('SIGKILL');
        killed += (await result).signal === 'SIGKILL';
        resumed += await goesOn(words, here, reference, 'killed at a random moment');
        rmSync(here, { recursive: true });
    });
    assert.ok(killed);
    t.diagnostic(`${killed} kills, resumed ${resumed} times`);
});
