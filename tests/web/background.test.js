/* web/background.js: workers of a browser's kind that end by themselves, here in Node. page.test.js does it in a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker as Thread } from 'node:worker_threads';

import { BackgroundClassifier } from '../../web/background.js';
import { ClassifierError } from '../../web/contract.js';
import { gradient } from '../support/pictures.js';
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
