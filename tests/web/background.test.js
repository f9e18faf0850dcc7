/* web/background.js: workers of a browser's kind that end by themselves, here in Node. page.test.js does it in a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker as Thread } from 'node:worker_threads';

import { BackgroundClassifier } from '../../web/background.js';
import { ClassifierError } from '../../web/contract.js';
import { gradient, largePng } from '../support/pictures.js';
import { tinyModel } from '../support/tiny_model.js';

const workerAddress = new URL('../../web/node_worker.js', import.meta.url);

/* As a browser's without Web Locks: it tells of its start and not of its end. Ended after so many milliseconds, or never. */
const silentWorker = (lifetime) => class {
    #thread = new Thread(workerAddress);

    constructor() {
        if (lifetime !== undefined)
            setTimeout(() => this.#thread.terminate(), lifetime);
    }

    addEventListener(kind, listener) {
        this.#thread.on(kind, kind === 'message' ? (data) => listener({ data }) : listener);
        if (kind === 'message')
            this.#thread.once('online', () => listener({ data: { alive: '' } }));
    }

    postMessage(message) {
        this.#thread.postMessage(message);
    }

    terminate() {
        this.#thread.terminate();
    }
};

async function withWorker(Worker, steps) {
    const classifier = new BackgroundClassifier();
    globalThis.Worker = Worker;
    try {
        await steps(classifier);
    } finally {
        delete globalThis.Worker;
        classifier.close();
    }
}

test('a worker that ends while it starts, and does not tell, costs an error within a second', () =>
    withWorker(silentWorker(0), async (classifier) => {
        const started = performance.now();
        await assert.rejects(classifier.open({ model: tinyModel() }), (error) => {
            assert.ok(error instanceof ClassifierError);
            assert.equal(error.code, 'FETCH');
            assert.match(error.message, /could not be loaded, or the browser ended the worker.*did not start/);
            return true;
        });
        assert.ok(performance.now() - started < 3000); /* a second, on a machine that does nothing else */
    }));

test('a worker that lives is not taken for a dead one', () =>
    withWorker(silentWorker(), async (classifier) => {
        await classifier.open({ model: tinyModel() });
        await new Promise((resolve) => { setTimeout(resolve, 1200); }); /* longer than the time to start */
        const { best } = await classifier.classify(gradient(4, 4), { topK: 1 });
        assert.equal(best.length, 1);
    }));

/* Workers that are counted; the second lives for so many milliseconds. */
function counted(secondLifetime) {
    const started = [], ended = [];
    const Worker = class {
        constructor() {
            const worker = new (silentWorker(started.length === 1 ? secondLifetime : undefined))(), { terminate } = worker;
            worker.terminate = () => {
                ended.push(started.indexOf(worker));
                terminate.call(worker);
            };
            started.push(worker);
            return worker;
        }
    };
    return { Worker, started, ended };
}

async function until(condition) {
    while (!condition())
        await new Promise((resolve) => { setTimeout(resolve, 20); });
}

/* So wide that the model sees the middle: most of it only takes memory, a little more than an instance may keep. */
const small = gradient(4, 4), giant = largePng(16384, 2350, { interlaced: true });
const bestOf = async (classifier, image) => (await classifier.classify(image)).best;

test('after a giant another worker takes the place of the one that holds its memory', { timeout: 60_000 }, () => {
    const { Worker, started, ended } = counted();
    return withWorker(Worker, async (classifier) => {
        await classifier.open({ model: tinyModel() });
        const best = await bestOf(classifier, small);
        assert.deepEqual([started.length, ended], [1, []]);
        /* those behind the giant are answered by the worker that has them */
        const [, ...others] = await Promise.all([giant, small, small, small].map((image) => bestOf(classifier, image)));
        assert.deepEqual(others, [best, best, best]);
        await until(() => ended.length > 0);
        assert.deepEqual(await bestOf(classifier, small), best);
        assert.deepEqual([started.length, ended], [2, [0]]);
    });
});

test('a file of as many pixels that comes row by row is no giant', { timeout: 60_000 }, () => {
    const { Worker, started, ended } = counted();
    return withWorker(Worker, async (classifier) => {
        await classifier.open({ model: tinyModel() });
        assert.deepEqual(await bestOf(classifier, largePng(16384, 2350)), await bestOf(classifier, largePng(8, 8)));
        await bestOf(classifier, small);
        assert.deepEqual([started.length, ended], [1, []]);
    });
});

test('where no other worker can start, the one that had the giant goes on', { timeout: 60_000 }, () => {
    const { Worker, started, ended } = counted(0);
    return withWorker(Worker, async (classifier) => {
        await classifier.open({ model: tinyModel() });
        const best = await bestOf(classifier, small);
        await bestOf(classifier, giant);
        await until(() => ended.length > 0);
        assert.deepEqual([await bestOf(classifier, small), started.length, ended], [best, 2, [1]]);
    });
});
