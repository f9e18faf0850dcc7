/* What classifier.classify takes in Node, and what it says of what it does not take; inputs_page.test.js has elements. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

import { BackgroundClassifier } from '../../web/background.js';
import { ClassifierError, loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { encodePng, gradient, jpeg } from '../support/pictures.js';
import { folder } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

const picture = gradient(7, 5), png = encodePng(picture), bytes = new Uint8Array(png);
const base64 = `data:image/png;base64,${png.toString('base64')}`;
const here = folder({ 'a.png': png }), path = join(here, 'a.png');

let classifier, background, expected;
before(async () => {
    classifier = await loadClassifier({ model: tinyModel() });
    background = new BackgroundClassifier();
    await background.open({ model: tinyModel() });
    expected = classifier.classifySync(png);
});
after(() => {
    classifier.close();
    background.close();
});

const rejected = (reason) => {
    const promise = Promise.reject(reason);
    promise.catch(() => {});
    return promise;
};
const fails = (code, pattern) => (error) => {
    assert.ok(error instanceof ClassifierError, error.stack);
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
};

const inputs = {
    'a Buffer': () => png,
    'an ArrayBuffer': () => bytes.buffer,
    'a DataView in the middle': () => new DataView(Uint8Array.from([0, ...png, 0]).buffer, 1, png.length),
    'a SharedArrayBuffer': () => {
        const shared = new SharedArrayBuffer(png.length);
        new Uint8Array(shared).set(png);
        return shared;
    },
    'a Blob': () => new Blob([png]),
    'a Response': () => new Response(png),
    'a path': () => path,
    'a relative path': () => relative('', path),
    'a file URL': () => pathToFileURL(path),
    'a data URL': () => base64,
    'a blob URL': () => URL.createObjectURL(new Blob([png])),
    pixels: () => picture,
    'an object with arrayBuffer()': () => ({ arrayBuffer: async () => bytes.buffer }),
    'what sharp gives': () => ({ data: Buffer.from(picture.data), info: { width: 7, height: 5, channels: 4 } }),
    'a canvas of a library': () => ({ width: 7, height: 5, getContext: () => ({ getImageData: () => picture }) }),
    'an image of a library': () => ({ naturalWidth: 7, naturalHeight: 5, complete: true, src: png }),
    'a promise of a promise': () => Promise.resolve(Promise.resolve(new Blob([png]))),
    'a thenable': () => ({ then: (resolve) => resolve(base64) }),
};
for (const [name, give] of Object.entries(inputs))
    test(`taken: ${name}`, async () => {
        assert.deepEqual(await classifier.classify(give()), expected);
        assert.deepEqual((await background.classify(give())).best, expected);
        for await (const result of classifier.classifyMany([give()], { workers: 1 }))
            assert.deepEqual(result, expected);
        assert.deepEqual(await classifier.logits(give()), classifier.logitsSync(png));
    });

test('an address on a server, as string and URL', async () => {
    const site = await serve({ port: 0 });
    try {
        const address = `${site.url}examples/cat.png`;
        const cat = classifier.classifySync(await (await fetch(address)).arrayBuffer());
        assert.deepEqual(await classifier.classify(address), cat);
        assert.deepEqual(await classifier.classify(new URL(address)), cat);
        await assert.rejects(classifier.classify(`${site.url}none.png`), fails('FETCH', /none\.png: HTTP 404/));
        await assert.rejects(classifier.classify(site.url), fails('IMAGE_HTML', /web page/));
    } finally {
        await site.close();
    }
});

test('values of another realm are taken as those of this one', async () => {
    const code = `(numbers) => { const bytes = Uint8Array.from(numbers); return [bytes, bytes.buffer, new DataView(bytes.buffer),
        Promise.resolve(bytes), { arrayBuffer: async () => bytes.buffer }]; }`;
    for (const value of vm.runInNewContext(code)([...png])) {
        assert.ok(!(value instanceof Object));
        assert.deepEqual(await classifier.classify(value), expected);
    }
    const pixels = vm.runInNewContext('(numbers) => ({ data: Uint8ClampedArray.from(numbers), width: 7, height: 5 })');
    assert.deepEqual(await classifier.classify(pixels([...picture.data])), expected);
    assert.deepEqual(classifier.classifySync(pixels([...picture.data])), expected);
});

test('pixels of one and three channels are those of RGBA', () => {
    const rgba = Uint8Array.from({ length: 6 * 4 }, (_, i) => i % 4 === 3 ? 255 : i * 9), size = { width: 3, height: 2 };
    const rgb = rgba.filter((_, i) => i % 4 !== 3), grey = Uint8Array.from([0, 50, 100, 150, 200, 250]);
    const inRgba = rgba.map((_, i) => i % 4 === 3 ? 255 : grey[i >> 2]);
    for (const [data, channels, same] of [[rgb, 3, rgba], [grey, 1, inRgba], [rgba, 4, rgba]]) {
        const logits = classifier.logitsSync({ data: same, ...size });
        assert.deepEqual(classifier.logitsSync({ data, ...size, channels }), logits);
        assert.deepEqual(classifier.logitsSync({ data, ...size }), logits);
        assert.deepEqual(classifier.logitsSync({ data: data.buffer, ...size }), logits);
    }
    assert.throws(() => classifier.classifySync({ data: new Uint8Array(12), ...size, channels: 2 }),
        fails('ARGUMENT', /not 2: in sharp, \.ensureAlpha/));
    assert.throws(() => classifier.classifySync({ data: rgb, ...size, channels: 4 }),
        fails('ARGUMENT', /18 bytes, but 3 x 2 pixels of RGBA are 24/));
    assert.throws(() => classifier.classifySync({ data: rgba, ...size, colorSpace: 'display-p3' }),
        fails('ARGUMENT', /display-p3: get them in sRGB/));
    assert.throws(() => classifier.classifySync({ data: new Uint16Array(24), ...size }),
        fails('ARGUMENT', /8 bits a sample.*a Uint16Array/));
});

test('topK and threshold choose classes', async () => {
    const all = await classifier.classify(png, { topK: 10 }), threshold = all[3].score;
    assert.deepEqual(await classifier.classify(png, { topK: 2 }), all.slice(0, 2));
    assert.deepEqual(await classifier.classify(png, { topK: 10, threshold }), all.filter(({ score }) => score >= threshold));
    assert.equal((await classifier.classify(png, { threshold })).length, 4);
    assert.deepEqual(await classifier.classify(png, { threshold: 1 }), []);
    assert.deepEqual(classifier.classifySync(png, { threshold: 1 }), []);
    assert.deepEqual(await classifier.classify(png, { threshold: classifier.info.threshold }), expected);
    assert.equal((await background.classify(png, { threshold })).best.length, 4);
    for await (const result of classifier.classifyMany([png], { threshold, topK: 2 }))
        assert.deepEqual(result, all.slice(0, 2));
    for (const wrong of [-0.1, 1.1, NaN, '0.5', null]) {
        await assert.rejects(classifier.classify(png, { threshold: wrong }), fails('ARGUMENT', /threshold.*0 to 1/));
        await assert.rejects(background.classify(png, { threshold: wrong }), fails('ARGUMENT', /threshold/));
        assert.throws(() => classifier.classifyMany([], { threshold: wrong }), fails('ARGUMENT', /threshold/));
    }
    await assert.rejects(classifier.classify(path, { topK: 0 }), fails('ARGUMENT', /topK/));
    assert.deepEqual(await classifier.classify(png, null), expected);
    assert.deepEqual(classifier.classifySync(png, null), expected);
    await assert.rejects(loadClassifier(null), fails('ARGUMENT', /needs \{ model \}/));
});

test('embeddings take the same', async () => {
    const layers = [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }];
    const own = await loadClassifier({ model: modelOf({ layers, labels: ['yes', 'no'], embedding: 1 }) });
    const embedding = own.embedSync(png);
    assert.deepEqual(await own.embed(path), embedding);
    assert.deepEqual(await own.embed(Promise.resolve(picture)), embedding);
    await assert.rejects(classifier.embed(png), fails('ARGUMENT', /no embedding/));
});

test('what is no image is named, with the line that mends it', async () => {
    const detached = bytes.slice();
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const used = new Response(png), opaque = Object.assign(new Response(png), {});
    await used.arrayBuffer();
    Object.defineProperties(opaque, { ok: { value: false }, type: { value: 'opaque' } });
    const cases = [
        [null, 'ARGUMENT', /^null is no image: is there such an element/],
        [undefined, 'ARGUMENT', /^undefined is no image: is there such an element/],
        [7, 'ARGUMENT', /^a number is no image: pass an <img>/],
        [{}, 'ARGUMENT', /^an Object is no image/],
        [() => png, 'ARGUMENT', /^a function is no image/],
        [Symbol('a'), 'ARGUMENT', /^a symbol is no image/],
        [[png], 'ARGUMENT', /^an Array is no image: pass one of them, or all of them to classifyMany/],
        [new Blob([png]).stream(), 'ARGUMENT', /ReadableStream is no image: pass new Response\(stream\)/],
        [detached, 'DETACHED', /a Uint8Array is empty since it was transferred.*bytes\.slice\(\)/],
        [detached.buffer, 'DETACHED', /an ArrayBuffer is empty since it was transferred/],
        [{ data: detached, width: 1, height: 1 }, 'DETACHED', /transferred/],
        [new Uint8Array(0), 'IMAGE_FORMAT', /the image file is empty/],
        [rejected(new Error('no network')), 'FETCH', /its promise was rejected \(no network\)/],
        [rejected(), 'FETCH', /rejected \(undefined\)/],
        [Promise.resolve(null), 'ARGUMENT', /^null is no image/],
        [{ arrayBuffer: () => Promise.reject(new Error('it was moved')) }, 'FETCH', /cannot be read \(it was moved\)/],
        [{ size: 2 ** 26 + 1, arrayBuffer: () => assert.fail('it was read') }, 'IMAGE_BYTES', /larger than 64 MB/],
        [used, 'FETCH', /read before: pass response\.clone\(\)/],
        [opaque, 'FETCH', /opaque response: fetch it without mode: 'no-cors'/],
        [new Response('', { status: 404 }), 'FETCH', /HTTP 404/],
        ['none.png', 'FETCH', /none\.png: cannot be read \(ENOENT\)/],
        ['http://127.0.0.1:1/a.png', 'FETCH', /127\.0\.0\.1:1\/a\.png: cannot be fetched/],
        [here, 'FETCH', /EISDIR/],
        [{ naturalWidth: 0, complete: false, src: 'a.png' }, 'NOT_READY', /has no picture yet: await image\.decode\(\) first/],
        [{ naturalWidth: 0, complete: true, src: '' }, 'NOT_READY', /set its src, then await image\.decode\(\)/],
        [{ naturalWidth: 0, complete: true, src: 'none.png' }, 'NOT_READY', /shows no picture: is its address right/],
        [{ videoWidth: 0, readyState: 0 }, 'NOT_READY', /has no frame yet: wait for its loadeddata event/],
        [{ videoWidth: 4, videoHeight: 4, readyState: 4 }, 'ARGUMENT', /no canvas here.*pass the bytes of its file/],
        [{ width: 0, height: 4, getContext() {} }, 'IMAGE_SIZE', /an Object of 0 x 4 pixels is not accepted/],
        [{ displayWidth: 0, displayHeight: 0 }, 'DETACHED', /was closed or transferred/],
        [{ get data() { throw new Error('a trap'); } }, 'ARGUMENT', /an Object cannot be read \(a trap\)/],
        [{ get then() { throw new Error('a trap'); } }, 'ARGUMENT', /an Object cannot be read \(a trap\)/],
        [Proxy.revocable({}, {}), 'ARGUMENT', /an Object is no image/],
        [{ get naturalWidth() { throw new Error('a trap'); }, complete: true, src: 'x' }, 'ARGUMENT', /a trap/],
    ];
    for (const [value, code, pattern] of cases) {
        for (const call of [() => classifier.classify(value), () => background.classify(value), () => classifier.logits(value)])
            await assert.rejects(call, fails(code, pattern));
        for await (const result of classifier.classifyMany([value], { workers: 1 }))
            fails(code, pattern)(result);
    }
    for (const value of [null, 'a.png', new Blob([png]), Promise.resolve(png)])
        assert.throws(() => classifier.classifySync(value), fails('ARGUMENT', /await classifier\.classify\(image\)/));
});

test('a signal ends a call at once, and costs only that call', async () => {
    const reason = new Error('enough'), never = new Promise(() => {});
    const aborted = fails('ABORTED', /aborted \(enough\).*new AbortController/);
    for (const one of [classifier, background]) {
        await assert.rejects(one.classify(png, { signal: AbortSignal.abort(reason) }), aborted);
        const control = new AbortController(), waiting = one.classify(never, { signal: control.signal });
        const other = one.classify(png, { signal: new AbortController().signal });
        control.abort(reason);
        await assert.rejects(waiting, aborted);
        await assert.rejects(waiting, ({ cause }) => cause === reason);
        await other;
        await assert.rejects(one.classify(png, { signal: new AbortController() }), fails('ARGUMENT', /controller\.signal/));
    }
    const control = new AbortController(), running = background.classify(gradient(2000, 2000), { signal: control.signal });
    setTimeout(() => control.abort(reason));
    await assert.rejects(running, aborted);
    assert.deepEqual((await background.classify(png)).best, expected);
});

test('two calls at once, and buffers that are used again', async () => {
    const buffer = bytes.slice(), pixels = { ...picture, data: picture.data.slice() };
    const calls = [classifier.classify(buffer), classifier.classify(pixels), background.classify(buffer),
        background.classify(pixels), classifier.classify(path), classifier.classify(jpeg)];
    buffer.fill(0);
    pixels.data.fill(0);
    const [a, b, c, d, e, f] = await Promise.all(calls);
    assert.deepEqual([a, b, c.best, d.best, e], Array(5).fill(expected));
    assert.deepEqual(f, classifier.classifySync(jpeg));
});

test('a closed classifier is named, also where it is closed while it waits', async () => {
    const own = await loadClassifier({ model: tinyModel() }), worker = new BackgroundClassifier();
    await assert.rejects(worker.classify(png), fails('CLOSED', /await classifier\.open/));
    await worker.open({ model: tinyModel() });
    const waiting = [own.classify(path), worker.classify(path)];
    own.close();
    worker.close();
    const calls = [...waiting, own.classify(png), own.classify(null), worker.classify(png)];
    for (const { reason } of await Promise.allSettled(calls))
        fails('CLOSED', /closed|no model is open/)(reason);
    assert.throws(() => own.classifySync(null), fails('CLOSED', /load it again/));
});

test('what another decoder could read is refused by name where there is none', async () => {
    const webp = join(here, 'a.webp');
    writeFileSync(webp, 'RIFF\0\0\0\0WEBP'.padEnd(40, '\0'));
    await assert.rejects(classifier.classify(webp), fails('IMAGE_WEBP', /WebP: save it as JPEG/));
    await assert.rejects(background.classify(webp), fails('IMAGE_WEBP', /WebP: save it as JPEG/));
});
