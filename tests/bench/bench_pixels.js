/* Measures training from more images than memory: how fast it is beside training from memory, and how much of it is
 * resident.
 *
 *     node tests/bench/bench_pixels.js [--images 20000] [--size 224] [--memory 64] [--epochs 3] [--folder FOLDER]
 *         [--from MODEL] [--quick]
 *
 * The images are drawn here, PNG, ten classes; --folder keeps them for the next call, and the files of pixels with
 * them. Runs from memory and from a file, the same weights expected: of a network of one layer, which does nothing but
 * read (the worst case for a file; --quick: it alone), of `mobile` from nothing and, if there is a backbone to start
 * --from, a probe and fine-tuning. On a quiet machine: the ratio is of the fastest epochs. */
import { execFileSync, spawn } from 'node:child_process';
import {
    existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';

import { crc32 as ownCrc32 } from '../support/tiny_model.js';

const { values } = parseArgs({ options: {
    images: { type: 'string', default: '20000' }, size: { type: 'string', default: '224' },
    memory: { type: 'string', default: '64' },
    epochs: { type: 'string', default: '3' }, folder: { type: 'string' }, from: { type: 'string' },
    quick: { type: 'boolean' },
    program: { type: 'string' }
} });
const count = Number(values.images), side = Number(values.size);
const program = values.program ?? fileURLToPath(new URL('../../build/eyelet', import.meta.url));
const here = values.folder ?? mkdtempSync(join(tmpdir(), 'eyelet-pixels-'));
const photos = join(here, 'photos');

/* ---- Images ---- */

const sum = crc32 ?? ownCrc32;

function chunk(type, data) {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(data.length);
    bytes.write(type, 4, 'latin1');
    data.copy(bytes, 8);
    bytes.writeUInt32BE(sum(bytes.subarray(4, 8 + data.length)) >>> 0, 8 + data.length);
    return bytes;
}

/* Squares of 16 pixels, brighter for higher classes. */
function drawn(number, label) {
    let state = number * 2654435761 >>> 0;
    const draw = () => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) >>> 24;
    const rows = Buffer.alloc(side * (1 + side * 3)), squares = Math.ceil(side / 16);
    const colours = Array.from({ length: squares * squares * 3 }, () => (draw() >> 1) + label * 12);
    for (let y = 0, at = 0; y < side; y++) {
        at++;
        for (let x = 0; x < side; x++)
            for (let c = 0; c < 3; c++)
                rows[at++] = colours[((y >> 4) * squares + (x >> 4)) * 3 + c];
    }
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
    header.writeUInt32BE(side, 0);
    header.writeUInt32BE(side, 4);
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header),
        chunk('IDAT', deflateSync(rows, { level: 1 })), chunk('IEND', Buffer.alloc(0))]);
}

function drawAll() {
    if (existsSync(join(photos, 'complete')))
        return;
    for (let label = 0; label < 10; label++)
        mkdirSync(join(photos, `class ${label}`), { recursive: true });
    for (let i = 0; i < count; i++)
        writeFileSync(join(photos, `class ${i % 10}`, `${i}.png`), drawn(i, i % 10));
    writeFileSync(join(photos, 'complete'), '');
}

/* ---- Runs ---- */

function highWater(pid) {
    try {
        return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmHWM:\s*(\d+)/)[1]) / 1024;
    } catch {
        return 0; /* it has ended */
    }
}

function childrenOf(pid) {
    try {
        return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    } catch {
        return [];
    }
}

/* Seconds of its fastest epoch and of all, and MiB resident at most: of the program, of a process that decodes. */
function measured(words) {
    return new Promise((done, failed) => {
        const start = performance.now();
        const child = spawn(program, words, { cwd: here, stdio: ['ignore', 'pipe', 'pipe'] });
        const result = { epoch: Infinity, resident: 0, decoding: 0, text: '' };
        let out = '';
        const timer = setInterval(() => {
            result.resident = Math.max(result.resident, highWater(child.pid));
            for (const pid of childrenOf(child.pid))
                result.decoding = Math.max(result.decoding, highWater(pid));
        }, 20);
        child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
        child.stderr.setEncoding('utf8').on('data', (text) => (result.text += text));
        child.on('close', (status) => {
            clearInterval(timer);
            if (status !== 0)
                return failed(new Error(`${words.join(' ')}: ${result.text}`));
            result.seconds = (performance.now() - start) / 1000;
            for (const [, seconds] of out.matchAll(/"seconds": ([\d.]+)/g))
                result.epoch = Math.min(result.epoch, Number(seconds));
            for (const [, seconds] of out.matchAll(/embeddings of [\d,]+ numbers in ([\d.]+) s/g))
                result.epoch = Math.min(result.epoch, Number(seconds));
            done(result);
        });
    });
}

function weightsOf(model) {
    execFileSync(program, ['export', model, '--safetensors', '-o', 'weights'], { cwd: here });
    const bytes = readFileSync(join(here, 'weights'));
    return bytes.subarray(8 + Number(bytes.readBigUInt64LE()));
}

const reading = 'input NxNx3\nconv2d 8 8x8 stride 8 relu\nglobal_avgpool\ndense classes softmax\n'
    .replaceAll('N', side);
const common = ['train', 'photos', '--restart', '--validation', '0.02', '--size', `${side}`];
const kinds = [['one layer', ['--network', 'reading.txt', '--epochs', values.epochs, '--json', '--batch', '256']]];
if (!values.quick) {
    kinds.push(['mobile', ['--recipe', 'mobile', '--epochs', '1', '--batch', '64', '--json']]);
    const start = values.from ? ['--from', resolve(values.from), '--json'] : null;
    if (start)
        kinds.push(['probe', [...start, '--linear-probe']],
            ['fine-tuning', [...start, '--fine-tune', '1', '--epochs', '1']]);
}

drawAll();
writeFileSync(join(here, 'reading.txt'), reading);
const mb = count * side * side * 3 / 1e6;
console.log(`${count} images of ${side}x${side}: ${mb.toFixed(0)} MB of pixels`);
console.log('run               from        fastest epoch, s   images/s   in all, s   resident, MiB   a decoder, MiB');
for (const [name, words] of kinds) {
    const results = [], weights = [];
    for (const [from, more] of [['memory', ['--memory', '200000']], ['a new file', ['--memory', values.memory]],
        ['that file', ['--memory', values.memory]]]) {
        for (const file of readdirSync(here).filter((file) => /^m\.(?!pixels$)/.test(file) ||
            (file === 'm.pixels' && from === 'a new file')))
            rmSync(join(here, file));
        const result = await measured([...common, ...words, '-o', 'm.eyelet', ...more]);
        results.push(result);
        weights.push(weightsOf('m.eyelet'));
        console.log(`${name.padEnd(17)} ${from.padEnd(11)} ${result.epoch.toFixed(2).padStart(16)} ` +
            `${(count / result.epoch).toFixed(0).padStart(10)} ${result.seconds.toFixed(1).padStart(11)} ` +
            `${result.resident.toFixed(0).padStart(15)} ${result.decoding.toFixed(0).padStart(16)}`);
    }
    const fastest = Math.min(results[1].epoch, results[2].epoch);
    console.log(`${name.padEnd(17)} ${(results[0].epoch / fastest).toFixed(3)} of the speed from memory; weights ` +
        (weights.every((bytes) => bytes.equals(weights[0])) ? 'are the same' : 'DIFFER'));
}
console.log(`file of pixels: ${(statSync(join(here, 'm.pixels')).size / 1e6).toFixed(0)} MB`);
if (!values.folder)
    rmSync(here, { recursive: true });
