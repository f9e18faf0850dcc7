/* make bench: measures size, speed and accuracy of what is built, prints them and writes the tables of RESULTS.md.
 * Figures are medians with their interquartile range; what is missing (data, Chromium) is left out by name.
 *
 *     node tests/bench/bench.js [PART ...] [--networks NAME,...] [--quick]
 *     make bench ARGUMENTS='race --networks mobile --quick'
 *
 * Parts: sizes, node, chromium, native, which fill the first table; runtimes, race, start, many, which fill that beside
 * other runtimes (bench_peers.js); photos, which fills its own (bench_photos.js). A single other part, chosen networks
 * and --quick (few rounds) are only printed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { peerParts, peers } from './bench_peers.js';
import { measurePhotos } from './bench_photos.js';
import {
    compressedSizes, fixed, grouped, launchChromium, machine, moduleFiles, root, spread, table, withSpread,
    writeResults,
} from './bench_report.js';

/* data: of the test images; none: CIFAR-10, which the program finds. */
const models = await Promise.all(JSON.parse(readFileSync(join(root, 'web/models/models.json'))).map(async (file) => {
    const path = join(root, 'web/models', file), { info } = await loadClassifier({ model: path });
    return { name: `\`${file.replace('.eyelet', '')}\``, file, path, side: info.inputWidth,
        data: file === 'objects160.eyelet' ? ['data/objects-160'] : [] };
}));
const rows = [];

function report(quantity, value, how) {
    rows.push([quantity, value, how]);
    console.log(`${quantity.padEnd(58)} ${value}`);
}

function leaveOut(what, why) {
    console.log(`${what.padEnd(58)} LEFT OUT: ${why}`);
}

/* Times of one call in milliseconds: the first, the second, and the median and quartiles of many batches of calls.
 * Also runs in the page, so it uses nothing from outside. */
function timeCalls(call) {
    const once = () => {
        const start = performance.now();
        call();
        return performance.now() - start;
    };
    const first = once(), second = once();
    for (const end = performance.now() + 500; performance.now() < end;)
        call();
    const batches = [];
    for (let i = 0; i < 40; i++) {
        const start = performance.now();
        for (let k = 0; k < 20; k++)
            call();
        batches.push((performance.now() - start) / 20);
    }
    batches.sort((a, b) => a - b);
    return { first, second, low: batches[10], median: batches[20], high: batches[30] };
}

const milliseconds = (times) => withSpread(times, fixed(3), 'ms');

function measureSizes() {
    for (const [name, ...paths] of [
        ['module with JPEG and PNG decoding', 'web/classifier.wasm'],
        ['module without decoders', 'build/wasm/classifier-without-decoders.wasm'],
        ['JavaScript module', ...moduleFiles],
        ...models.map(({ name, file }) => [`model ${name}`, `web/models/${file}`]),
    ]) {
        const { raw, gzip, brotli } = compressedSizes(paths);
        const kilobytes = (n) => `${(n / 1000).toFixed(1)} KB`;
        report(`size: ${name}`, `${kilobytes(raw)}, gzip ${kilobytes(gzip)}, brotli ${kilobytes(brotli)}`,
            paths.join(', '));
    }
}

function testImage(side) {
    const data = new Uint8ClampedArray(side * side * 4);
    for (let i = 0; i < data.length; i++)
        data[i] = i % 4 === 3 ? 255 : (i * 37) % 251;
    return { data, width: side, height: side };
}

async function measureNode() {
    for (const { name, path, side } of models) {
        const classifier = await loadClassifier({ model: path }), image = testImage(side);
        const times = timeCalls(() => classifier.classifySync(image));
        report(`${name}, one ${side}x${side} image, Node, one thread`, milliseconds(times), 'warm');
        classifier.close();
    }
}

async function measureChromium() {
    const browser = await launchChromium();
    if (typeof browser === 'string')
        return leaveOut('Chromium', browser);
    const server = await serve({ port: 0 });
    try {
        const page = await browser.newPage({ bypassCSP: true }); /* for the eval below */
        await page.goto(server.url);
        for (const { name, file, side } of models) {
            const times = await page.evaluate(async ([code, pixels, side, model]) => {
                const { loadClassifier } = await import('/classifier.js');
                const classifier = await loadClassifier({ model });
                const image = { data: new Uint8ClampedArray(pixels), width: side, height: side };
                const timeCalls = (0, eval)(`(${code})`);
                return timeCalls(() => classifier.classifySync(image));
            }, [timeCalls.toString(), [...testImage(side).data], side, `/models/${file}`]);
            report(`${name}, one ${side}x${side} image, Chromium, one thread`, milliseconds(times),
                `warm; first call ${times.first.toFixed(1)}, second ${times.second.toFixed(1)} ms`);
        }
    } finally {
        await browser.close();
        await server.close();
    }
}

/* Runs the program; its output, or null when it says that the data is missing. */
function eyelet(...words) {
    try {
        const options = { stdio: ['ignore', 'pipe', 'pipe'], cwd: root, encoding: 'utf8' };
        return execFileSync(join(root, 'build/eyelet'), words, options);
    } catch (error) {
        if (/CIFAR-10|not found|No such file/.test(error.stderr))
            return null;
        throw error;
    }
}

function measureNative() {
    for (const { name, path, data } of models) {
        const whole = eyelet('evaluate', path, ...data, '--json');
        if (!whole) {
            leaveOut(`${name}, accuracy and throughput`, `no ${data[0] ?? 'CIFAR-10 (eyelet train --fetch)'}`);
            continue;
        }
        const { accuracy, images } = JSON.parse(whole);
        report(`${name}, accuracy on the ${grouped(images)} test images`, `${(100 * accuracy).toFixed(2)} %`,
            '`build/eyelet evaluate`');
        for (const threads of ['1', '2']) {
            const words = ['evaluate', path, ...data, '--limit', '1000', '--threads', threads, '--json'];
            const measured = Array.from({ length: 5 }, () => JSON.parse(eyelet(...words)));
            const rates = measured.map(({ images, seconds }) => images / seconds);
            report(`${name}, native, ${threads} thread${threads > 1 ? 's' : ''}`,
                withSpread(spread(rates), grouped, 'images/s'), 'exact kernels');
        }
    }
    const model = join(tmpdir(), 'eyelet-bench.eyelet');
    const log = eyelet('train', '-o', model, '--epochs', '3', '--validation', '0', '--json');
    if (!log)
        return leaveOut('a training epoch', 'no CIFAR-10 (eyelet train --fetch)');
    const seconds = log.trim().split('\n').map((line) => JSON.parse(line).seconds);
    report('`tutorial`, a training epoch of 50,000 images', withSpread(spread(seconds), fixed(1), 's'),
        `batch 64, ${cpus().length} cores`);
}

const parts = { sizes: measureSizes, node: measureNode, chromium: measureChromium, native: measureNative };
const { values: { networks, quick }, positionals } = parseArgs({
    options: { networks: { type: 'string', default: '' }, quick: { type: 'boolean', default: false } },
    allowPositionals: true,
});
const photos = { photos: measurePhotos };
const unknown = positionals.find((part) => !(part in { ...parts, ...photos, ...peerParts }));
if (unknown)
    throw new Error(`there is no part ${unknown}: ${Object.keys({ ...parts, ...photos, ...peerParts }).join(', ')}`);
const wanted = (of) => Object.keys(of).filter((part) => !positionals.length || positionals.includes(part));

for (const part of wanted(parts))
    await parts[part]();
if (wanted(photos).length)
    await measurePhotos({ quick, leaveOut, write: !quick });
if (wanted(peerParts).length)
    await peers(wanted(peerParts), { only: networks.split(',').filter(Boolean), quick, leaveOut });
if (wanted(parts).length === Object.keys(parts).length)
    writeResults('bench', [
        `Measured by \`make bench\` on ${machine}, Node ${process.versions.node}; median (interquartile range).`, '',
        ...table(['', '', ''], rows),
    ]);
