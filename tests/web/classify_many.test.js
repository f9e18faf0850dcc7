/* classifier.classifyMany in Node; page.test.js has it in a browser. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { ahead } from '../../web/background.js';
import { ClassifierError, loadClassifier } from '../../web/node.js';
import { encodePng, gradient, hostileJpeg, jpeg } from '../support/pictures.js';
import { tinyModel } from '../support/tiny_model.js';

const web = new URL('../../web/', import.meta.url);

let classifier;
before(async () => { classifier = await loadClassifier({ model: tinyModel() }); });
after(() => classifier.close());

async function collect(results) {
    const all = [];
    for await (const result of results)
        all.push(result);
    return all;
}

function outcome(image, options) {
    return classifier.classify(image, options).catch((error) => error);
}

/* Of several kinds and sizes, so that workers end out of turn; every seventh is no picture. */
function mixedImages(count) {
    return Array.from({ length: count }, (_, i) => {
        const pixels = gradient(1 + 13 * i % 200, 1 + 29 * i % 300, 255 - i % 60);
        const noImages = [hostileJpeg, Buffer.from('GIF89a'), 7, { data: new Uint8Array(3), width: 1, height: 1 }];
        return i % 7 === 3 ? noImages[i % 4] : [pixels, encodePng(pixels), jpeg][i % 3];
    });
}

for (const workers of [1, 2, 3])
    test(`what classify returns, to the bit and in order, with ${workers} workers`, async () => {
        const images = mixedImages(60);
        const results = await collect(classifier.classifyMany(images, { workers, topK: 3 }));
        assert.equal(results.length, images.length);
        for (const [i, result] of results.entries()) {
            const expected = await outcome(images[i], { topK: 3 });
            assert.equal(result instanceof ClassifierError, expected instanceof Error, `image ${i}: ${result}`);
            if (expected instanceof Error)
                assert.deepEqual([result.code, result.message], [expected.code, expected.message]);
            else
                assert.deepEqual(result, expected);
        }
        const errors = results.filter((result) => result instanceof ClassifierError);
        assert.ok(new Set(errors.map(({ code }) => code)).size >= 3);
    });

test('images come from any iterable, as bytes, pixels, Blobs, and promises of these', async () => {
    const expected = classifier.classifySync(jpeg), bytes = new Uint8Array(jpeg);
    const blob = new Blob([jpeg]);
    const images = [jpeg, bytes, bytes.buffer, blob, Promise.resolve(jpeg), Promise.resolve(blob), new Response(jpeg)];
    const sources = [images, new Set(images.slice(0, 4)), images.slice(0, 4).values(),
        new Blob([jpeg]).stream().pipeThrough(whole(jpeg.length))];
    for (const source of sources)
        for (const result of await collect(classifier.classifyMany(source, { workers: 2 })))
            assert.deepEqual(result, expected);
    assert.deepEqual(await collect(classifier.classifyMany([])), []);
    assert.deepEqual(await collect(classifier.classifyMany([jpeg])), [expected]);
    assert.equal((await collect(classifier.classifyMany([jpeg], { topK: 1 })))[0].length, 1);
});

/* Joins the parts of a stream to one image. */
function whole(length) {
    const parts = [];
    return new TransformStream({
        transform: (part) => { parts.push(part); },
        flush: (to) => {
            const image = Buffer.concat(parts);
            assert.equal(image.length, length);
            to.enqueue(image);
        },
    });
}

test('a picture that cannot be read is one bad picture', async () => {
    const failing = { size: 9, arrayBuffer: () => Promise.reject(new Error('it was moved away')) };
    const large = { size: 2 ** 26 + 1, arrayBuffer: () => assert.fail('it was read') };
    const images = function* () { yield* [failing, large, new Blob([]), Promise.reject(new Error('HTTP 404')), jpeg]; };
    const results = await collect(classifier.classifyMany(images(), { workers: 1 }));
    assert.deepEqual(results.slice(0, 4).map(({ code }) => code), ['FETCH', 'IMAGE_BYTES', 'IMAGE_FORMAT', 'FETCH']);
    assert.match(results[0].message, /moved away/);
    assert.match(results[3].message, /HTTP 404/);
    assert.deepEqual(results[4], classifier.classifySync(jpeg));
});

/* Bytes are used again at once, as by one who reads frames into one buffer. A result may still wait to be looked at
 * while the next image is read. */
for (const [name, side, maxHeld, take] of [
    ['small images', 16, ahead.max, (image) => image],
    ['large images', 1100, ahead.min, (image) => image],
    ['promises, of which nobody knows the size', 16, ahead.min,
        (image) => Promise.resolve({ ...image, data: image.data.slice() })],
])
    test(`few are held: ${name}`, async () => {
        const workers = 1, count = maxHeld * 4;
        const buffer = new Uint8Array(side * side * 4), expected = new Uint8Array(buffer.length);
        const shaded = (data, i) => ({ data: data.fill(5 * i), width: side, height: side });
        let taken = 0, given = 0, max = 0;
        function* images() {
            for (; taken < count; taken++) {
                max = Math.max(max, taken - given);
                yield take(shaded(buffer, taken));
            }
        }
        for await (const result of classifier.classifyMany(images(), { workers }))
            assert.deepEqual(result, classifier.classifySync(shaded(expected, given++)));
        assert.equal(given, count);
        assert.ok(max < 2 * maxHeld, `${max} images at a time`);
        assert.ok(max >= maxHeld - 1, `no more than ${max} images at a time`);
    });

test('a view sends its own bytes, not all of its buffer', async () => {
    const { postMessage } = Worker.prototype;
    const around = new Uint8Array(10_000_000), sent = [];
    around.set(jpeg, 5_000_000);
    Worker.prototype.postMessage = function (message) {
        sent.push(message.classify?.image.buffer.byteLength);
        postMessage.call(this, message);
    };
    try {
        const [result] = await collect(classifier.classifyMany([around.subarray(5_000_000, 5_000_000 + jpeg.length)]));
        assert.deepEqual(result, classifier.classifySync(jpeg));
    } finally {
        Worker.prototype.postMessage = postMessage;
    }
    assert.deepEqual(sent, [undefined, jpeg.length]);
});

test('a result is given as soon as it is there, though the next image is not', async () => {
    let next;
    async function* images() {
        yield jpeg;
        yield await new Promise((resolve) => { next = resolve; });
    }
    const results = classifier.classifyMany(images(), { workers: 2 });
    assert.deepEqual((await results.next()).value, classifier.classifySync(jpeg));
    next(gradient(9, 9));
    assert.deepEqual((await results.next()).value, classifier.classifySync(gradient(9, 9)));
    assert.deepEqual(await results.next(), { done: true, value: undefined });
});

test('what the source throws comes behind the results of the images before', async () => {
    const seen = [], broken = new Error('the folder is gone');
    async function* images() {
        yield* [jpeg, jpeg, jpeg, jpeg];
        throw broken;
    }
    await assert.rejects(async () => {
        for await (const result of classifier.classifyMany(images(), { workers: 2 }))
            seen.push(result);
    }, broken);
    assert.deepEqual(seen, Array(4).fill(classifier.classifySync(jpeg)));
});

test('a signal ends it: before, between two results, and while the source keeps it waiting', async () => {
    const reason = new Error('enough');
    const aborted = ({ code, cause }) => code === 'ABORTED' && cause === reason;
    await assert.rejects(collect(classifier.classifyMany([jpeg], { signal: AbortSignal.abort(reason) })), aborted);

    const control = new AbortController();
    let seen = 0, returned = false;
    const images = (function* () {
        try {
            for (;;)
                yield jpeg;
        } finally {
            returned = true;
        }
    })();
    await assert.rejects(async () => {
        for await (const result of classifier.classifyMany(images, { workers: 2, signal: control.signal })) {
            assert.ok(Array.isArray(result));
            if (++seen === 5)
                control.abort(reason);
        }
    }, aborted);
    assert.equal(seen, 5);
    assert.ok(returned, 'the source was not told');

    const patience = new AbortController();
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
    const waiting = collect(classifier.classifyMany(never, { signal: patience.signal }));
    setTimeout(() => patience.abort(reason), 20);
    await assert.rejects(waiting, aborted);
});

/* A worker that is left over would keep the process. */
test('no worker outlives the loop: at its end, after a break, an abort, an image that comes too late', () => {
    const script = `
        import { loadClassifier } from '${new URL('node.js', web)}';
        import { gradient } from '${new URL('../support/pictures.js', import.meta.url)}';
        import { tinyModel } from '${new URL('../support/tiny_model.js', import.meta.url)}';
        const classifier = await loadClassifier({ model: tinyModel() });
        const images = Array(20).fill(gradient(9, 9)), control = new AbortController();
        for await (const result of classifier.classifyMany(images, { workers: 2 })) ;
        for await (const result of classifier.classifyMany(images, { workers: 2 })) break;
        const late = new Promise((resolve) => setTimeout(() => resolve(images[0]), 500));
        for await (const result of classifier.classifyMany([images[0], late], { workers: 2 })) break;
        try {
            const { signal } = control;
            for await (const result of classifier.classifyMany(images, { workers: 2, signal })) control.abort();
        } catch ({ code }) {
            console.log(code);
        }`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script],
        { timeout: 60_000, encoding: 'utf8' });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'ABORTED\n', stderr: '' });
});

test('wrong arguments are named at once, as is a closed classifier', async () => {
    const fails = (code, pattern) => (error) => {
        assert.ok(error instanceof ClassifierError, error.stack);
        assert.equal(error.code, code);
        assert.match(error.message, pattern);
        return true;
    };
    for (const images of [undefined, null, 7, 'cat.jpg', {}, jpeg, new Uint8Array(9), gradient(9, 9)])
        assert.throws(() => classifier.classifyMany(images), fails('ARGUMENT', /iterable of images/));
    for (const number of [0, -1, 1.5, '2', NaN, null]) {
        assert.throws(() => classifier.classifyMany([], { topK: number }), fails('ARGUMENT', /topK/));
        assert.throws(() => classifier.classifyMany([], { workers: number }), fails('ARGUMENT', /workers/));
    }
    const closed = await loadClassifier({ model: tinyModel() });
    closed.close();
    assert.throws(() => closed.classifyMany([jpeg]), fails('CLOSED', /closed/));
});
