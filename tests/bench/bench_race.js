/* The networks of the benchmarks in three runtimes, and what is timed of each; the same file in Node and in a page that
 * bench_peers.js serves.
 *
 *     await start('ort', network)                         // cold start in a new process or page, single calls
 *     await race(['eyelet', 'ort', 'tfjs'], network, 21)  // latency of one image, in turn, for 21 rounds
 *     await many('tfjs', network, 2, 1000)                // images/s, with 2 threads or workers, for a second
 *
 * A network is { model, quantized, onnx, plan, weights, width, height }, files by path or URL. Other runtimes get
 * normalised floats; Eyelet starts from pixels. */

export const names = { eyelet: 'Eyelet', quantized: 'Eyelet int8', ort: 'ONNX Runtime Web', tfjs: 'TensorFlow.js' };
const batch = 16; /* images in a batch of the other runtimes, for throughput */

const inNode = typeof window === 'undefined';

/* An image in each runtime's layout: RGBA bytes; floats from 0 to 1 in NCHW planes, or in NHWC rows. */
function picture({ height, width }, images = 1) {
    const pixels = height * width, data = new Uint8ClampedArray(4 * pixels);
    const planes = new Float32Array(images * 3 * pixels), rows = new Float32Array(images * 3 * pixels);
    for (let i = 0; i < 4 * pixels; i++)
        data[i] = i % 4 === 3 ? 255 : (i * 37) % 251;
    for (let i = 0; i < 3 * pixels; i++)
        planes[i] = data[4 * (i % pixels) + Math.floor(i / pixels)] / 255;
    for (let i = 0; i < 3 * pixels; i++)
        rows[i] = data[4 * Math.floor(i / 3) + i % 3] / 255;
    for (const floats of [planes, rows])
        for (let i = 1; i < images; i++)
            floats.copyWithin(i * 3 * pixels, 0, 3 * pixels);
    return { image: { data, width, height }, planes, rows };
}

async function read(path) {
    if (!inNode)
        return (await fetch(path)).arrayBuffer();
    const bytes = await (await import('node:fs/promises')).readFile(path);
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

/* Each gives { call, logits }: what is timed, for a batch of so many images, and numbers to compare. */
const open = {
    async eyelet(network) {
        const { loadClassifier } = await import(inNode ? '../../web/node.js' : '/web/classifier.js');
        const classifier = await loadClassifier({ model: network.model }), { image } = picture(network);
        return { classifier, call: () => classifier.classifySync(image), logits: () => classifier.logitsSync(image) };
    },

    quantized: (network) => open.eyelet({ ...network, model: network.quantized }),

    async ort({ onnx, width, height }, threads, images) {
        const ort = await import(inNode ? 'onnxruntime-web' : '/ort/ort.wasm.min.mjs');
        ort.env.wasm.numThreads = threads;
        ort.env.logLevel = 'error';
        if (!inNode)
            ort.env.wasm.wasmPaths = '/ort/';
        const session = await ort.InferenceSession.create(onnx);
        const { planes } = picture({ width, height }, images);
        const feeds = { image: new ort.Tensor('float32', planes, [images, 3, height, width]) };
        return { call: () => session.run(feeds), logits: async () => (await session.run(feeds)).logits.data };
    },

    async tfjs({ plan, weights, width, height }, threads, images) {
        const tf = await loadTensorFlow(threads), { build } = await import('./bench_tfjs.js');
        const [steps, floats] = await Promise.all([read(plan), read(weights)]);
        const run = build(tf, JSON.parse(new TextDecoder().decode(steps)), new Float32Array(floats));
        const input = tf.tensor4d(picture({ width, height }, images).rows, [images, height, width, 3]);
        const look = (name) => {
            const results = run(input), numbers = results[name].dataSync();
            tf.dispose(results);
            return numbers;
        };
        return { call: () => look('probabilities'), logits: () => look('logits') };
    },
};

async function loadTensorFlow(threads) {
    let tf, backend;
    if (inNode) {
        tf = await import('@tensorflow/tfjs-core');
        backend = await import('@tensorflow/tfjs-backend-wasm');
    } else {
        for (const src of ['/tfjs/tf-core.min.js', '/tfjs/tf-backend-wasm.min.js'])
            await new Promise((onload, onerror) => {
                document.head.append(Object.assign(document.createElement('script'), { src, onload, onerror }));
            });
        tf = globalThis.tf;
        backend = tf.wasm;
    }
    const dist = new URL(inNode ? '../../node_modules/@tensorflow/tfjs-backend-wasm/dist/' : '/tfjs/', import.meta.url);
    backend.setWasmPaths(inNode ? dist.pathname : dist.href);
    backend.setThreadsCount(threads);
    await tf.setBackend('wasm');
    return tf;
}

async function timed(call, count = 1) {
    const start = performance.now();
    for (let i = 0; i < count; i++)
        await call();
    return (performance.now() - start) / count;
}

/* Milliseconds. */
export async function start(runtime, network) {
    const begin = performance.now();
    const { call } = await open[runtime](network, 1, 1);
    const calls = [await timed(call)], label = performance.now() - begin;
    while (calls.length < 100)
        calls.push(await timed(call));
    return { label, first: calls[0], second: calls[1], hundredth: calls[99] };
}

/* Round after round, each in turn: milliseconds of a call, the slowdown against the first runtime, and the largest
 * difference of the logits from the first one's, relative to the largest logit. */
export async function race(runtimes, network, rounds) {
    const opened = [];
    for (const runtime of runtimes)
        opened.push(await open[runtime](network, 1, 1));
    for (const { call } of opened)
        for (const end = performance.now() + 500; performance.now() < end;)
            await call();
    const count = Math.ceil(40 / (await timed(opened[0].call, 3)));
    const times = opened.map(() => []), ratios = opened.map(() => []);
    for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < opened.length; i++)
            times[i].push(await timed(opened[i].call, i ? Math.ceil(count / 3) : count));
        for (let i = 0; i < opened.length; i++)
            ratios[i].push(times[i].at(-1) / times[0].at(-1));
    }
    const results = await Promise.all(opened.map(async ({ logits }) => [...await logits()]));
    const largest = Math.max(...results[0].map(Math.abs));
    const apart = results.map((logits) => Math.max(...logits.map((x, i) => Math.abs(x - results[0][i]))) / largest);
    return { times, ratios, apart };
}

const opened = new Map(); /* what a page has open, from one round to the next */

/* Images/s over this many milliseconds, once all threads are busy. Eyelet's go through classifyMany. */
export async function many(runtime, network, threads, milliseconds) {
    const { image } = picture(network);
    let count = 0, start = 0;
    const runs = () => !start || performance.now() < start + milliseconds;
    if (runtime === 'eyelet') {
        const classifier = opened.get(runtime) ?? (await open.eyelet(network)).classifier;
        opened.set(runtime, classifier);
        const endless = function* () { while (runs()) yield image; };
        for await (const result of classifier.classifyMany(endless(), { workers: threads })) {
            if (!Array.isArray(result))
                throw result;
            if (++count === 20 && !start) {
                start = performance.now();
                count = 0;
            }
        }
    } else {
        const { call } = opened.get(runtime) ?? await open[runtime](network, threads, batch);
        opened.set(runtime, { call });
        for (let i = 0; i < 3; i++)
            await call();
        for (start = performance.now(); runs(); count += batch)
            await call();
    }
    return count / (performance.now() - start) * 1000;
}
