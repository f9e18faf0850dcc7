// The part of make bench that looks at others: the same networks with the same weights in ONNX Runtime Web (WebAssembly, SIMD, one
// thread), in turn with ours, in Node and in Chromium. Theirs gets its input as floats, ready made; ours starts from the pixels.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadClassifier } from '../web/classifier.js';
import { fixed, launchChromium, machine, root, spread, withSpread, writeReadme } from './bench_report.js';

const folder = join(root, 'build/bench'), theirs = join(root, 'node_modules/onnxruntime-web');
const run = (...words) => execFileSync(join(root, 'build/eyelet'), words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });

/** The shipped models, and networks whose speed is asked for but whose weights are not: one step from random ones. */
function contestants(models) {
    mkdirSync(folder, { recursive: true });
    const untrained = ['resnet9', 'mobile'].flatMap((name) => {
        const path = join(folder, `${name}.eyelet`);
        try {
            run('train', '-o', path, '--recipe', name, '--limit', '64', '--batch', '64', '--epochs', '1', '--warmup', '0', '--validation', '0');
        } catch {
            return []; // without the data set
        }
        return [{ name: `\`${name}\``, path }];
    });
    return [...models, ...untrained].map(({ name, path }) => {
        const onnx = join(folder, `${name.replaceAll('`', '')}.onnx`);
        const [height, width] = JSON.parse(run('export', path, '--onnx', '-o', onnx, '--json')).input.slice(1);
        return { name, model: path, onnx, height, width };
    });
}

/** A picture as both want it: bytes in rows of red, green, blue, alpha; floats from 0 to 1 in planes. */
function picture({ height, width }) {
    const pixels = height * width, data = new Uint8ClampedArray(4 * pixels), planes = new Float32Array(3 * pixels);
    for (let i = 0; i < 4 * pixels; i++) data[i] = i % 4 === 3 ? 255 : (i * 37) % 251;
    for (let i = 0; i < 3 * pixels; i++) planes[i] = data[4 * (i % pixels) + Math.floor(i / pixels)] / 255;
    return { data, planes };
}

/** Both in turn, round after round: milliseconds of a call, how many times as fast ours is, and how far the logits are apart.
 *  Also runs in the page, so it uses nothing from outside. */
async function race(classifier, ort, session, { data, planes, height, width }) {
    const image = { data, width, height }, feeds = { image: new ort.Tensor('float32', planes, [1, 3, height, width]) };
    const calls = [() => classifier.classify(image), () => session.run(feeds)];
    const time = async (call, count) => {
        const start = performance.now();
        for (let i = 0; i < count; i++) await call();
        return (performance.now() - start) / count;
    };
    for (const call of calls) for (const end = performance.now() + 500; performance.now() < end; ) await call();
    const count = Math.ceil(40 / (await time(calls[0], 3)));
    const ours = [], others = [], ratios = [];
    for (let round = 0; round < 21; round++) {
        ours.push(await time(calls[0], count));
        others.push(await time(calls[1], Math.ceil(count / 3)));
        ratios.push(others.at(-1) / ours.at(-1));
    }
    const a = classifier.logits(image), b = (await session.run(feeds)).logits.data;
    const largest = Math.max(...a.map(Math.abs)), apart = Math.max(...a.map((x, i) => Math.abs(x - b[i]))) / largest;
    return { ours, others, ratios, apart };
}

/** A server of the folders that a page needs. */
function open() {
    const types = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };
    const server = createServer(({ url }, response) => {
        const path = [join(root, 'web'), join(theirs, 'dist'), folder, root].map((place) => join(place, url)).find(existsSync);
        if (url === '/') return response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>bench</title>');
        if (!path) return response.writeHead(404).end();
        response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream').end(readFileSync(path));
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ server, url: `http://127.0.0.1:${server.address().port}/` })));
}

export async function peers(models, leaveOut) {
    const ort = await import('onnxruntime-web').catch(() => null);
    if (!ort) return leaveOut('ONNX Runtime Web', 'it is not installed (make install-test)');
    const { version } = JSON.parse(readFileSync(join(theirs, 'package.json')));
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    const all = contestants(models);
    const rows = [];
    const tell = (name, where, { ours, others, ratios, apart }, starts) => {
        if (!(apart < 1e-4)) throw new Error(`${name} in ${where}: the logits are ${apart} apart`);
        rows.push([name, where, ...[ours, others].map((times) => withSpread(spread(times), fixed(3))), withSpread(spread(ratios), fixed(2)),
            ...(starts?.map((times) => withSpread(spread(times), fixed(0))) ?? ['', ''])]);
        console.log(`${name}, ${where}: ${rows.at(-1).slice(2).join(' | ')}; logits agree to ${apart.toExponential(0)}`);
    };
    for (const { name, model, onnx, ...size } of all) {
        const classifier = await loadClassifier({ model }), session = await ort.InferenceSession.create(onnx);
        tell(name, 'Node', await race(classifier, ort, session, { ...picture(size), ...size }));
        classifier.close();
    }

    const browser = await launchChromium();
    if (typeof browser === 'string') return leaveOut('ONNX Runtime Web in Chromium', browser);
    const { server, url } = await open();
    try {
        for (const { name, model, onnx, height, width } of all) {
            const { data, planes } = picture({ height, width });
            const words = { model: model.slice(root.length - 1), onnx: onnx.slice(root.length - 1), height, width, data: [...data], planes: [...planes] };
            const starts = { ours: [], theirs: [] };
            for (let round = 0; round < 3; round++)
                for (const who of ['ours', 'theirs']) {
                    const page = await browser.newPage();
                    await page.goto(url);
                    starts[who].push(await page.evaluate(start, { ...words, who }));
                    await page.close();
                }
            const page = await browser.newPage();
            await page.goto(url);
            tell(name, 'Chromium', await page.evaluate(inPage, { ...words, code: race.toString() }), [starts.ours, starts.theirs]);
            await page.close();
        }
    } finally {
        await browser.close();
        server.close();
    }
    const bytes = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']
        .map((name) => gzipSync(readFileSync(join(theirs, 'dist', name)), { level: 9 }).length);
    const own = ['classifier.js', 'classifier.wasm'].map((name) => gzipSync(readFileSync(join(root, 'web', name)), { level: 9 }).length);
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    const heads = ['network', 'where', 'Eyelet, ms', 'ONNX Runtime Web, ms', 'times as fast', 'first answer, ms', 'theirs, ms'];
    const runtimes = [own, bytes].map((sizes) => `${fixed(0)(sum(sizes) / 1000)} KB`);
    console.log(`runtime to download, gzip: ${runtimes.join(', theirs ')}`);
    writeReadme('bench-peers', [
        `Measured by \`make bench\` on ${machine}: one picture at a time on one thread, ONNX Runtime Web ${version} (WebAssembly, SIMD);`,
        `the first answer in a fresh page, from import to label. Runtime to download, gzipped: ${runtimes.join(', theirs ')}.`,
        '', ...[heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
    ]);
}

// ---- In the page ----

async function start({ who, model, onnx, height, width, data, planes }) {
    const begin = performance.now();
    if (who === 'ours') {
        const { loadClassifier } = await import('/classifier.js');
        (await loadClassifier({ model })).classify({ data: new Uint8ClampedArray(data), width, height });
    } else {
        const ort = await import('/ort.wasm.min.mjs');
        ort.env.wasm.numThreads = 1;
        ort.env.wasm.wasmPaths = '/';
        const session = await ort.InferenceSession.create(onnx);
        await session.run({ image: new ort.Tensor('float32', new Float32Array(planes), [1, 3, height, width]) });
    }
    return performance.now() - begin;
}

async function inPage({ code, model, onnx, height, width, data, planes }) {
    const { loadClassifier } = await import('/classifier.js');
    const ort = await import('/ort.wasm.min.mjs');
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = '/';
    const classifier = await loadClassifier({ model }), session = await ort.InferenceSession.create(onnx);
    const race = (0, eval)(`(${code})`);
    return race(classifier, ort, session, { data: new Uint8ClampedArray(data), planes: new Float32Array(planes), height, width });
}
