/* make bench-import: imports ONNX networks and compares them with ONNX Runtime on the same photos: the same best
 * class, how far the probabilities are apart, and how long a photo takes the module and ONNX Runtime in Node, in turn,
 * on one thread each (medians). Prints a table; a network that disagrees, or is refused by surprise, makes it fail.
 *
 * Networks: torchvision's with random weights (bench_import.py, Debian's python3-torchvision), and the real ones in
 * ../shared/data/backbones. ONNX Runtime: onnxruntime-node, found by NODE_PATH, or else onnxruntime-web of this tree.
 *
 *     make bench-import ARGUMENTS="resnet18 mobilenet_v2"      # these alone
 *     make bench-import ARGUMENTS=--folder=/tmp/networks       # keeps what is exported, and takes what is there */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { loadClassifier } from '../../web/node.js';
import { root, table } from './bench_report.js';

const side = 224, count = 50, pixels = 3 * side * side;
const mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225];
const tolerance = 1e-4;
/* Networks that Eyelet has no layers for: refused, by this. */
const refusals = { convnext_tiny: /ReduceMean|LayerNormalization|GELU/ };

const data = ['data', '../shared/data'].map((folder) => join(root, folder));
const find = (name) => data.map((folder) => join(folder, name)).find(existsSync);

function skip(what) {
    console.log(`SKIPPED: ${what}`);
}

async function openRuntime() {
    const require = createRequire(import.meta.url);
    try {
        return { name: 'onnxruntime-node', ...require('onnxruntime-node') };
    } catch {
        const web = await import('onnxruntime-web').catch(() => null);
        if (web)
            web.env.wasm.numThreads = 1;
        return web && { name: 'onnxruntime-web', ...web };
    }
}

/* What a call gives, and the milliseconds that it took. */
async function timed(call) {
    const start = performance.now(), result = await call();
    return [result, performance.now() - start];
}

const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];

/* (c, h, w), normalised as torchvision's networks expect it, from (h, w, c). */
function normalised(photo) {
    const out = new Float32Array(pixels), area = side * side;
    for (let i = 0; i < area; i++)
        for (let c = 0; c < 3; c++)
            out[c * area + i] = (photo[3 * i + c] / 255 - mean[c]) / std[c];
    return out;
}

function rgba(photo) {
    const out = new Uint8ClampedArray(4 * side * side).fill(255);
    for (let i = 0; i < side * side; i++)
        out.set(photo.subarray(3 * i, 3 * i + 3), 4 * i);
    return { data: out, width: side, height: side };
}

function softmax(logits) {
    const max = Math.max(...logits), e = logits.map((x) => Math.exp(x - max)), sum = e.reduce((a, b) => a + b, 0);
    return e.map((x) => x / sum);
}

function importNetwork(file, to) {
    const preprocess = `imagenet,resize=stretch`;
    return spawnSync(join(root, 'build/eyelet'), ['import', file, '-o', to, '--preprocess', preprocess],
        { encoding: 'utf8' });
}

/* How many photos have the same best class, and the largest difference of a probability. Of a trunk: of its
 * embedding, by the largest value. */
async function compare(runtime, file, model, photos) {
    const classifier = await loadClassifier({ model: readFileSync(model) });
    const session = await runtime.InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
    const classes = classifier.labels.length, trunk = classes === 1;
    let same = 0, farthest = 0;
    const answers = new Set(), times = { own: [], runtime: [] };
    for (const photo of photos) {
        const image = new runtime.Tensor('float32', normalised(photo), [1, 3, side, side]);
        const [outputs, runtimeTime] = await timed(() => session.run({ [session.inputNames[0]]: image }));
        const picture = rgba(photo), options = { topK: classes };
        const [answer, ownTime] = await timed(() =>
            trunk ? classifier.embedSync(picture) : classifier.classifySync(picture, options));
        times.own.push(ownTime);
        times.runtime.push(runtimeTime);
        let expected = [...outputs[session.outputNames[0]].data], own;
        if (trunk) {
            own = [...answer];
            const largest = Math.max(...expected.map(Math.abs));
            [own, expected] = [own, expected].map((values) => values.map((x) => x / largest));
        } else {
            expected = softmax(expected);
            own = new Array(classes);
            for (const { index, score } of answer)
                own[index] = score;
        }
        const best = (values) => values.indexOf(Math.max(...values));
        same += best(own) === best(expected);
        answers.add(best(expected));
        farthest = own.reduce((max, x, i) => Math.max(max, Math.abs(x - expected[i])), farthest);
    }
    classifier.close();
    await session.release();
    return { same, farthest, answers: answers.size, trunk, ms: median(times.own), runtimeMs: median(times.runtime) };
}

async function row(runtime, file, folder, photos) {
    const name = basename(file, '.onnx'), model = join(folder, `${name}.eyelet`), result = importNetwork(file, model);
    if (result.status !== 0) {
        const message = result.stderr.split('\n')[0].replace(/^eyelet: [^ ]*: /, '');
        return { fails: !refusals[name]?.test(message), cells: [name, '', '', `refused: ${message}`, '', '', '', ''] };
    }
    const [, layers, parameters] = result.stdout.match(/([\d,]+) layers, ([\d,]+) parameters/);
    const { same, farthest, answers, trunk, ms, runtimeMs } = await compare(runtime, file, model, photos);
    return {
        fails: same !== count || farthest > tolerance,
        cells: [name, layers, parameters, `${same} of ${count}${trunk ? ' (embedding)' : ''}`,
            farthest.toExponential(1), `${answers}`, ms.toFixed(1), (runtimeMs / ms).toFixed(2)],
    };
}

/* torchvision's networks and the photos, in a folder; false: they cannot be made here. */
function exportNetworks(folder, photos, names) {
    if (existsSync(join(folder, 'photos.rgb')))
        return true;
    const script = join(root, 'tests/bench/bench_import.py'), python = process.env.PYTHON ?? '/usr/bin/python3';
    const { status, stderr } = spawnSync(python, [script, folder, photos, `${count}`, ...names],
        { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    if (status !== 0)
        skip(`torchvision's networks (Debian's python3-torchvision): ${stderr?.trim().split('\n').at(-1)}`);
    return status === 0;
}

const networksIn = (folder) => readdirSync(folder).filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name));

async function main() {
    const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
    const kept = process.argv.find((word) => word.startsWith('--folder='))?.slice('--folder='.length);
    const runtime = await openRuntime(), source = find('imagenet-photos/images'), backbones = find('backbones');
    if (!runtime)
        return skip('neither onnxruntime-node (NODE_PATH) nor onnxruntime-web is there: nothing to compare with');
    if (!source)
        return skip('there are no photos: imagenet-photos is neither in data/ nor in ../shared/data/');
    const folder = kept ?? mkdtempSync(join(tmpdir(), 'eyelet-import-'));
    if (!exportNetworks(folder, source, names))
        return;
    const bytes = readFileSync(join(folder, 'photos.rgb'));
    const photos = Array.from({ length: count }, (_, i) => bytes.subarray(i * pixels, (i + 1) * pixels));
    const files = networksIn(folder).filter((file) => !names.length || names.includes(basename(file, '.onnx')));
    if (!backbones)
        skip('the published networks: backbones is neither in data/ nor in ../shared/data/');
    else if (!names.length)
        files.push(...networksIn(backbones));
    const rows = [];
    for (const file of files)
        rows.push(await row(runtime, file, folder, photos));
    console.log(table(['network', 'layers', 'parameters', 'same best class', 'largest difference', 'classes met',
        'ms a photo', `${runtime.name}, times as long`], rows.map(({ cells }) => cells)).join('\n'));
    if (!kept)
        rmSync(folder, { recursive: true });
    const failed = rows.filter(({ fails }) => fails).map(({ cells: [name] }) => name);
    if (failed.length) {
        console.log(`FAILED: ${failed.join(', ')}`);
        process.exitCode = 1;
    }
}

await main();
