/* The part of make bench beside other runtimes: the same networks with the same weights in ONNX Runtime Web and in
 * TensorFlow.js (both WebAssembly with SIMD), in turn with Eyelet, in Node and in Chromium. bench_race.js runs
 * there. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { networks } from './bench_networks.js';
import { names, race } from './bench_race.js';
import {
    compressedSizes, fixed, grouped, launchChromium, machine, moduleFiles, root, spread, table, withSpread,
    writeResults,
} from './bench_report.js';

const modules = join(root, 'node_modules');
const contestants = Object.keys(names); /* of the race */
const runtimes = contestants.filter((name) => name !== 'quantized'), [own, ...others] = runtimes;
const ratio = fixed(2);

/* What a page loads, for one thread. */
const downloads = {
    eyelet: [...moduleFiles, 'web/classifier.wasm'],
    ort: ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']
        .map((file) => `node_modules/onnxruntime-web/dist/${file}`),
    tfjs: ['core/dist/tf-core.min.js', 'backend-wasm/dist/tf-backend-wasm.min.js',
        'backend-wasm/dist/tfjs-backend-wasm-simd.wasm']
        .map((file) => `node_modules/@tensorflow/tfjs-${file}`),
};

export const peerParts = { runtimes: reportSizes, race: reportRace, start: reportStart, many: reportMany };

/* Runs the parts that `wanted` names, and writes their tables into RESULTS.md if these are all parts and networks. */
export async function peers(wanted, { only, quick, leaveOut }) {
    const missing = ['onnxruntime-web', '@tensorflow/tfjs-backend-wasm']
        .find((name) => !existsSync(join(modules, name)));
    if (missing)
        return leaveOut('other runtimes', `${missing} is not installed (make deps-test)`);
    const version = (name) => JSON.parse(readFileSync(join(modules, name, 'package.json'))).version;
    const all = wanted.some((part) => part !== 'runtimes') ? networks(only, leaveOut) : [];
    const lines = [`Measured by \`make bench\` on ${machine}, Node ${process.versions.node}, beside`,
        `ONNX Runtime Web ${version('onnxruntime-web')} and TensorFlow.js ${version('@tensorflow/tfjs-core')} (both`,
        'WebAssembly with SIMD; they get normalised floats, Eyelet starts from pixels); median (interquartile range).'];
    for (const part of wanted)
        lines.push('', ...await peerParts[part]({ all, quick, leaveOut }));
    if (wanted.length === Object.keys(peerParts).length && !only.length && !quick)
        writeResults('bench-peers', lines);
    else
        console.log(['', ...lines, '', 'RESULTS.md is unchanged: this was a part.'].join('\n'));
}

/* --- Sizes --- */

function reportSizes() {
    const kilobytes = (bytes) => `${grouped(bytes / 1000)} KB`;
    const rows = runtimes.map((runtime) => {
        const sizes = compressedSizes(downloads[runtime]);
        return [names[runtime], ...['raw', 'gzip', 'brotli'].map((kind) => kilobytes(sizes[kind]))];
    });
    return ['Download size of the runtime, as its makers ship it:', '',
        ...table(['runtime', 'raw', 'gzip', 'brotli'], rows)];
}

/* --- Latency --- */

async function reportRace({ all, quick, leaveOut }) {
    const rounds = quick ? 3 : 21, rows = [];
    const tell = (network, where, { times, ratios, apart }) => {
        if (!(Math.max(...apart.filter((_, i) => contestants[i] !== 'quantized')) < 1e-4))
            throw new Error(`${network.name} in ${where}: the logits are ${apart} apart`);
        const cells = contestants.map((name, i) => [withSpread(spread(times[i]), fixed(3)),
            ...(others.includes(name) ? [withSpread(spread(ratios[i]), ratio)] : [])]);
        rows.push([`\`${network.name}\``, where, ...cells.flat()]);
        console.log(rows.at(-1).join(' | '));
    };
    for (const network of all)
        tell(network, 'Node', await race(contestants, network, rounds));
    await inPages({ leaveOut }, async (visit) => {
        for (const network of all) {
            const page = await visit();
            tell(network, 'Chromium', await inPage(page, 'race', contestants, network, rounds));
            await page.close();
        }
    });
    const heads = ['network', 'where',
        ...contestants.flatMap((name) => [`${names[name]}, ms`, ...(others.includes(name) ? ['slowdown'] : [])])];
    return ['Latency of one image on one thread, warm; slowdown: of the runtime against Eyelet in float32 (x):', '',
        ...table(heads, rows)];
}

/* --- Cold start --- */

async function reportStart({ all, quick, leaveOut }) {
    const rounds = quick ? 1 : 3, rows = [];
    const tell = async (network, where, once) => {
        const samples = runtimes.map(() => []);
        for (let round = 0; round < rounds; round++)
            for (let i = 0; i < runtimes.length; i++)
                samples[i].push(await once(runtimes[i], network));
        const cells = samples.map((of) => {
            const figures = (key) => spread(of.map((sample) => sample[key]));
            const calls = ['first', 'second', 'hundredth'].map((key) => fixed(1)(figures(key).median));
            return [withSpread(figures('label'), fixed(0)), calls.join(', '), fixed(0)(figures('memory').median / 1e6)];
        });
        rows.push([`\`${network.name}\``, where, ...cells.flat()]);
        console.log(rows.at(-1).join(' | '));
    };
    for (const network of all)
        await tell(network, 'Node', startInNode);
    const empty = await launched(async (browser) => {
        await openPage(browser, 'about:blank');
        return peakOf(browser);
    });
    if (typeof empty === 'string')
        leaveOut('starting in Chromium', empty);
    else
        await serving(false, async (url) => {
            for (const network of all)
                await tell(network, 'Chromium', (runtime) => launched(async (browser) => {
                    const page = await openPage(browser, url), times = await inPage(page, 'start', runtime, network);
                    return { ...times, memory: await peakOf(browser) };
                }));
        });
    const heads = ['network', 'where',
        ...runtimes.flatMap((runtime) => [`${names[runtime]}: first label, ms`, 'calls 1, 2, 100, ms', 'peak, MB'])];
    const emptyPage = typeof empty === 'string' ? '' : `; an empty page: ${fixed(0)(empty / 1e6)} MB`;
    return ['Cold start in a new process of Node and in a new browser: time from the import to the first label,',
        'latency of the first, second and hundredth call, and the peak memory of the process',
        `(of the page; VmHWM${emptyPage}):`, '',
        ...table(heads, rows)];
}

function startInNode(runtime, network) {
    const script = `const { start } = await import(${JSON.stringify(new URL('bench_race.js', import.meta.url))});
        const times = await start(${JSON.stringify(runtime)}, ${JSON.stringify(network)});
        const about = (await import('node:fs')).readFileSync('/proc/self/status', 'utf8');
        process.stdout.write(JSON.stringify({ times, about }), () => process.exit());`;
    const words = ['--input-type=module', '-e', script];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
    if (status !== 0)
        throw new Error(`${runtime} in Node: ${stderr}`);
    const { times, about } = JSON.parse(stdout);
    return { ...times, memory: peakIn(about) };
}

/* Peak resident bytes of a process so far. The maximum of getrusage would start from that of the parent process. */
const peakIn = (about) => /VmHWM:\s+(\d+) kB/.exec(about)[1] * 1024;

/* Peak resident bytes of the browser's page process; there is one page. */
async function peakOf(browser) {
    const { processInfo } = await (await browser.newBrowserCDPSession()).send('SystemInfo.getProcessInfo');
    const peak = ({ id }) => peakIn(readFileSync(`/proc/${id}/status`, 'utf8'));
    return Math.max(...processInfo.filter(({ type }) => type === 'renderer').map(peak));
}

/* --- Throughput --- */

async function reportMany({ all, quick, leaveOut }) {
    const rounds = quick ? 1 : 5, milliseconds = quick ? 500 : 1000, rows = [];
    const columns = runtimes.flatMap((runtime) => [1, 2].map((threads) => ({ runtime, threads })));
    await inPages({ leaveOut, isolated: true }, async (visit) => {
        for (const network of all) {
            const pages = [], rates = columns.map(() => []);
            for (const _ of columns)
                pages.push(await visit());
            for (let round = 0; round < rounds; round++)
                for (const [i, { runtime, threads }] of columns.entries())
                    rates[i].push(await inPage(pages[i], 'many', runtime, network, threads, milliseconds));
            for (const page of pages)
                await page.close();
            const withTwo = (runtime) =>
                rates[columns.findIndex((column) => column.runtime === runtime && column.threads === 2)];
            const ratios = others.map((other) => withTwo(own).map((rate, round) => rate / withTwo(other)[round]));
            rows.push([`\`${network.name}\``, ...rates.map((of) => withSpread(spread(of), grouped)),
                ...ratios.map((of) => withSpread(spread(of), ratio))]);
            console.log(rows.at(-1).join(' | '));
        }
    });
    const what = ({ runtime, threads }) =>
        `${threads} ${runtime === own ? 'worker' : 'thread'}${threads > 1 ? 's' : ''}`;
    const heads = ['network', ...columns.map((column) => `${names[column.runtime]}, ${what(column)}`),
        ...others.map((other) => `${names[own]} / ${names[other]}, with 2`)];
    return ['Throughput in Chromium, images/s once all threads are busy: Eyelet one image at a time through',
        '`classifyMany`, the others in batches of 16 with threads, for which the page must be cross-origin isolated:',
        '', ...table(heads, rows)];
}

/* --- Pages --- */

const types = {
    '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json',
};

const theirs = {
    ort: ['onnxruntime-web/dist'],
    tfjs: ['@tensorflow/tfjs-core/dist', '@tensorflow/tfjs-backend-wasm/dist'],
};

/* Serves the project's folder and the others' files, with the headers that threads need if `isolated`. */
async function serving(isolated, use) {
    const headers = isolated
        ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } : {};
    const server = createServer(({ url }, response) => {
        const [, folder, file] = /^\/(ort|tfjs)?\/?(.*)$/.exec(url);
        const folders = theirs[folder];
        const path = (folders?.map((name) => join(modules, name, file)) ?? [join(root, file)]).find(existsSync);
        for (const [name, value] of Object.entries(headers))
            response.setHeader(name, value);
        if (url === '/')
            return response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bench</title>');
        if (!path)
            return response.writeHead(404).end();
        response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream').end(readFileSync(path));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
        return await use(`http://127.0.0.1:${server.address().port}/`);
    } finally {
        server.close();
    }
}

/* A browser of its own; what `use` returns, or why there is none. */
async function launched(use) {
    const browser = await launchChromium();
    if (typeof browser === 'string')
        return browser;
    try {
        return await use(browser);
    } finally {
        await browser.close();
    }
}

async function openPage(browser, url) {
    const page = await browser.newPage();
    await page.goto(url);
    return page;
}

async function inPages({ leaveOut, isolated = false }, use) {
    const why = await launched((browser) => serving(isolated, (url) => use(() => openPage(browser, url))));
    if (typeof why === 'string')
        leaveOut('other runtimes in Chromium', why);
}

function inPage(page, what, ...words) {
    return page.evaluate(async ([what, words]) =>
        (await import('/tests/bench/bench_race.js'))[what](...words), [what, words]);
}
