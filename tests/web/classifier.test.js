/* web/classifier.js with the real module, in Node. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { ClassifierError, loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { modelFormat } from '../support/model_format.js';
import { encodeBmp, encodeJpeg, encodePng, gradient, hostileJpeg, jpeg } from '../support/pictures.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

const web = new URL('../../web/', import.meta.url);
const wasmBytes = readFileSync(new URL('classifier.wasm', web));
const picture = gradient(32, 32);

let classifier, site;
before(async () => {
    classifier = await loadClassifier({ model: tinyModel() });
    site = await serve({ port: 0 });
});
after(() => site.close());

function fails(code, pattern = /./) {
    return (error) => {
        assert.ok(error instanceof ClassifierError, `not a ClassifierError: ${error.stack}`);
        assert.equal(error.code, code);
        assert.match(error.message, pattern);
        return true;
    };
}

test('labels and info come from the model, and are frozen', () => {
    assert.equal(classifier.labels.length, 10);
    assert.equal(classifier.labels[3], 'cat');
    assert.deepEqual(classifier.info, {
        name: 'Tiny', notes: { name: 'Tiny', network: 'mean colour', accuracy: 'none' },
        inputWidth: 32, inputHeight: 32, classes: 10, embedding: 0, modelBytes: tinyModel().length, threshold: undefined, outlierLimit: undefined,
    });
    for (const object of [classifier, classifier.labels, classifier.info, classifier.info.notes])
        assert.ok(Object.isFrozen(object));
});

test('the threshold is what calibration wrote into the notes, if it is one', async () => {
    const thresholdOf = async (notes) => (await loadClassifier({ model: tinyModel({ notes }) })).info.threshold;
    const written = 'rejection threshold: 0.416 (95.0 % of the 310 surer validation answers were right)\n';
    assert.equal(await thresholdOf(written), 0.416);
    assert.equal(await thresholdOf('rejection threshold: 1\n'), 1);
    for (const value of ['never', '-0.5', '0', '7', 'NaN'])
        assert.equal(await thresholdOf(`rejection threshold: ${value}\n`), undefined, value);
    assert.equal(await thresholdOf(''), undefined);
});

test('pixels and the bytes of the same PNG give the same numbers', () => {
    for (const size of [[32, 32], [1, 1], [57, 31], [400, 3]]) {
        const pixels = gradient(...size, 200), png = encodePng(pixels);
        assert.deepEqual(classifier.logitsSync(png), classifier.logitsSync(pixels));
        assert.deepEqual(classifier.classifySync(png), classifier.classifySync(pixels));
    }
});

test('every encoding of the same pixels gives the same numbers', () => {
    const { data, width, height } = gradient(57, 31);
    /* At most 64 colours. */
    const few = { data: data.map((value, i) => i % 4 === 3 ? 255 : value & 0xc0), width, height };
    const expected = classifier.logitsSync(few);
    for (const options of [{ depth: 16 }, { palette: true }, { interlaced: true }, { palette: true, interlaced: true }])
        assert.deepEqual(classifier.logitsSync(encodePng(few, options)), expected, JSON.stringify(options));
    assert.deepEqual(classifier.logitsSync(encodeBmp(few)), expected);
});

test('a JPEG is turned as its EXIF block asks', () => {
    const grey = (x, y) => 30 + 90 * x + 50 * y, data = new Uint8ClampedArray(16 * 8 * 4);
    for (let i = 0; i < 128; i++) { /* orientation 6: the stored column is the row */
        const value = grey(0, i % 16 < 8 ? 1 : 0);
        data.set([value, value, value, 255], i * 4);
    }
    assert.deepEqual(classifier.logitsSync(encodeJpeg(1, 2, grey, { orientation: 6 })),
        classifier.logitsSync({ data, width: 16, height: 8 }));
});

test('a CMYK JPEG is refused by name, and one that is cut short is no picture', () => {
    assert.throws(() => classifier.classifySync(encodeJpeg(2, 2, () => 100, { components: 4 })),
        fails('IMAGE_CMYK', /CMYK JPEG.*RGB/));
    const whole = encodeJpeg(4, 4, (x, y) => x * 60 + y);
    classifier.classifySync(whole);
    assert.throws(() => classifier.classifySync(whole.subarray(0, whole.length - 4)), fails('IMAGE_TRUNCATED'));
});

test('bytes may be a Buffer, an ArrayBuffer, or a view that starts in the middle', () => {
    const expected = classifier.logitsSync(jpeg);
    const around = new Uint8Array(jpeg.length + 10);
    around.set(jpeg, 5);
    const views = [new Uint8Array(jpeg), new Uint8Array(jpeg).buffer, new DataView(around.buffer, 5, jpeg.length)];
    for (const bytes of views)
        assert.deepEqual(classifier.logitsSync(bytes), expected);
});

test('scores are sorted, add up to one, and topK cuts them', () => {
    const all = classifier.classifySync(picture, { topK: 1000 });
    assert.equal(all.length, 10);
    assert.ok(Math.abs(all.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-5);
    for (let i = 1; i < all.length; i++)
        assert.ok(all[i - 1].score >= all[i].score);
    for (const { label, index } of all)
        assert.equal(label, classifier.labels[index]);
    assert.deepEqual(classifier.classifySync(picture), all.slice(0, 5));
    for (const topK of [1, 2, 9, 10])
        assert.deepEqual(classifier.classifySync(picture, { topK }), all.slice(0, topK));
});

test('of equal scores the lower index comes first', async () => {
    const even = await loadClassifier({ model: tinyModel({ weight: 0 }) });
    assert.deepEqual(even.classifySync(picture, { topK: 3 }).map(({ index }) => index), [0, 1, 2]);
    even.close();
});

test('an embedding is a copy, the same for pixels and their PNG; without one that is said', async () => {
    const layers = [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }];
    const own = await loadClassifier({ model: modelOf({ layers, labels: ['yes', 'no'], embedding: 1 }) });
    const plain = { data: new Uint8ClampedArray(32 * 32 * 4).map((_, i) => [255, 0, 51, 255][i % 4]), width: 32, height: 32 };
    assert.equal(own.info.embedding, 3);
    const embedding = own.embedSync(plain), kept = embedding.slice();
    assert.ok(embedding instanceof Float32Array && embedding.length === 3);
    [2, -2, -1.2].forEach((value, i) => assert.ok(Math.abs(embedding[i] - value) < 1e-5, `${embedding[i]} is not ${value}`));
    assert.deepEqual(own.embedSync(encodePng(plain)), kept);
    own.embedSync(picture);
    assert.deepEqual(embedding, kept);
    assert.throws(() => classifier.embedSync(picture), fails('ARGUMENT', /no embedding/));
    own.close();
    assert.throws(() => own.embedSync(plain), fails('CLOSED'));
});

test('logits are a copy, and the scores their softmax', () => {
    const logits = classifier.logitsSync(picture);
    assert.ok(logits instanceof Float32Array);
    const [{ index, score }] = classifier.classifySync(picture);
    const exponentials = [...logits].map(Math.exp);
    assert.ok(Math.abs(exponentials[index] / exponentials.reduce((a, b) => a + b) - score) < 1e-6);
    const kept = logits.slice();
    classifier.classifySync(gradient(9, 9));
    assert.deepEqual(logits, kept);
});

test('wrong arguments are named', () => {
    const { data } = picture;
    const wrong = [undefined, null, 'cat.png', 7, {}, new Blob([jpeg]), { width: 32, height: 32 },
        { data: new Float32Array(4096), width: 32, height: 32 }, { data: [...data], width: 32, height: 32 },
        { data, width: 32, height: 31 }, { data, width: 32 }, { data, width: '32', height: 32 },
        { data, width: 32.5, height: 32 }, { data, width: NaN, height: 32 }];
    for (const image of wrong)
        assert.throws(() => classifier.classifySync(image), fails('ARGUMENT'));
    for (const topK of [0, -1, 1.5, '3', NaN, null])
        assert.throws(() => classifier.classifySync(picture, { topK }), fails('ARGUMENT', /topK/));
});

test('impossible sizes are refused before memory is taken', () => {
    const data = new Uint8Array(4);
    for (const [width, height, code] of [[0, 0, 'IMAGE_SIZE'], [0, 1, 'IMAGE_SIZE'], [-1, 1, 'IMAGE_SIZE'],
        [100_000, 100_000, 'IMAGE_SIDE'], [16_385, 1, 'IMAGE_SIDE'], [2 ** 32 + 1, 1, 'IMAGE_SIDE'],
        [1e300, 1e300, 'IMAGE_SIDE'], [16_384, 16_384, 'IMAGE_PIXELS']])
        assert.throws(() => classifier.classifySync({ data, width, height }), fails(code));
    const huge = encodePng({ data: new Uint8ClampedArray(400_000), width: 100_000, height: 1 });
    assert.throws(() => classifier.classifySync(huge), fails('IMAGE_SIDE'));
});

test('files that are no pictures, and damaged ones', () => {
    assert.throws(() => classifier.classifySync(new Uint8Array(0)), fails('IMAGE_FORMAT', /empty/));
    assert.throws(() => classifier.classifySync(Buffer.from('some text')), fails('IMAGE_FORMAT', /neither JPEG nor PNG/));
    for (const [code, file, text] of [['IMAGE_GIF', 'GIF89a', /GIF/], ['IMAGE_WEBP', 'RIFF\0\0\0\0WEBP', /WebP/], ['IMAGE_HEIC', '\0\0\0\x18ftypheic', /HEIC/],
        ['IMAGE_AVIF', '\0\0\0\x18ftypavif', /AVIF/], ['IMAGE_TIFF', 'II*\0', /TIFF/], ['IMAGE_RAW', 'FUJIFILMCCD-RAW', /raw/], ['IMAGE_JPEG_XL', '\xff\n', /JPEG XL/],
        ['IMAGE_JPEG_2000', '\xff\x4f\xff\x51', /JPEG 2000/], ['IMAGE_SVG', '<?xml?><svg>', /SVG/], ['IMAGE_PDF', '%PDF-1.4', /PDF/], ['IMAGE_VIDEO', '\0\0\0\x18ftypisom', /video/],
        ['IMAGE_HTML', '<!DOCTYPE html>', /web page/], ['IMAGE_LFS_POINTER', 'version https://git-lfs', /git lfs pull/]])
        assert.throws(() => classifier.classifySync(Buffer.from(file.padEnd(40, '\0'), 'latin1')), fails(code, text));
    const png = encodePng(picture);
    assert.throws(() => classifier.classifySync(png.subarray(0, 60)), fails('IMAGE_TRUNCATED'));
    for (let length = 1; length < png.length - 13; length += 37)
        assert.throws(() => classifier.classifySync(png.subarray(0, length)), ClassifierError);
});

test('a JPEG that makes the decoder stop costs an error, and the next call works', () => {
    const expected = classifier.logitsSync(picture);
    for (let i = 0; i < 50; i++)
        assert.throws(() => classifier.classifySync(hostileJpeg), fails('IMAGE_CORRUPT'));
    assert.deepEqual(classifier.logitsSync(picture), expected);
    assert.equal(classifier.labels[3], 'cat');
});

test('a trap on pixels is TRAPPED', async () => {
    const trapping = await loadClassifier({ model: tinyModel(), wasm: trappingModule() });
    for (let i = 0; i < 2; i++)
        assert.throws(() => trapping.classifySync(picture), fails('TRAPPED'));
});

test('a closed classifier is named as such', async () => {
    const closed = await loadClassifier({ model: tinyModel() });
    closed.close();
    closed.close();
    assert.throws(() => closed.classifySync(picture), fails('CLOSED'));
    assert.throws(() => closed.logitsSync(picture), fails('CLOSED'));
});

test('models that are no models are refused with the reason', async () => {
    const model = tinyModel();
    const changed = (offset, value) => {
        const copy = Buffer.from(model);
        copy[offset] = value;
        return copy;
    };
    const cases = [
        [Buffer.alloc(0), /^(TRUNCATED|NOT_A_MODEL)$/, /./],
        [Buffer.from('<!doctype html><title>Not found</title>'.repeat(9)), /^NOT_A_MODEL$/,
            /got HTML: is the path right\?/],
        [Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0'.padEnd(130)), /^NOT_A_MODEL$/,
            /Git LFS/],
        [gzipSync(model), /^NOT_A_MODEL$/, /gzip/],
        [Buffer.alloc(5000, 'garbage'), /^NOT_A_MODEL$/, /./],
        [model.subarray(0, 300), /^(TRUNCATED|CHECKSUM)$/, /./],
        [Buffer.concat([model, Buffer.alloc(64)]), /^(TOO_LONG|CHECKSUM)$/, /./],
        [changed(modelFormat.header.get('version').offset, 1), /^VERSION$/, /not of format version 2; those of version 1/],
        [changed(300, model[300] ^ 1), /^CHECKSUM$/, /./],
        [tinyModel({ weight: NaN }), /^NOT_FINITE$/, /./],
        [tinyModel({ labels: ['a\nb', 'c'] }), /^TEXT$/, /./],
    ];
    for (const [bytes, code, message] of cases)
        await assert.rejects(loadClassifier({ model: bytes }), (error) => {
            assert.ok(error instanceof ClassifierError);
            assert.match(error.code, code);
            return fails(error.code, message)(error);
        });
    for (let length = 0; length < model.length; length += 5)
        await assert.rejects(loadClassifier({ model: model.subarray(0, length) }), ClassifierError);
});

test('a model may be a path, a URL, a Response, a Blob or bytes, also promised', async () => {
    const expected = classifier.logitsSync(picture), model = tinyModel();
    const response = () => new Response(model);
    const sources = [response(), Promise.resolve(response()), new Blob([model]), new Uint8Array(model),
        new Uint8Array(model).buffer, `data:application/octet-stream;base64,${model.toString('base64')}`];
    for (const source of sources) {
        const loaded = await loadClassifier({ model: source });
        assert.deepEqual(loaded.logitsSync(picture), expected);
        loaded.close();
    }
    const wasmSources = [wasmBytes, await WebAssembly.compile(wasmBytes), new URL('classifier.wasm', site.url),
        `${site.url}classifier.wasm`, fetch(`${site.url}classifier.wasm`),
        fileURLToPath(new URL('classifier.wasm', web))];
    for (const wasm of wasmSources) {
        const loaded = await loadClassifier({ model, wasm });
        assert.deepEqual(loaded.logitsSync(picture), expected);
        loaded.close();
    }
});

test('a model stays as it was when the caller changes the bytes', async () => {
    const model = new Uint8Array(tinyModel());
    const loaded = await loadClassifier({ model });
    const expected = loaded.logitsSync(picture);
    model.fill(0);
    assert.throws(() => loaded.classifySync(hostileJpeg), ClassifierError);
    assert.deepEqual(loaded.logitsSync(picture), expected);
});

test('what cannot be fetched or read is named, with its address', async () => {
    const missing = `${site.url}models/none.eyelet`;
    await assert.rejects(loadClassifier({ model: missing }), fails('FETCH', /none\.eyelet: HTTP 404/));
    await assert.rejects(loadClassifier({ model: fetch(missing) }), fails('FETCH', /none\.eyelet: HTTP 404/));
    await assert.rejects(loadClassifier({ model: 'none/none.eyelet' }), fails('FETCH', /none\.eyelet.*ENOENT/));
    await assert.rejects(loadClassifier({ model: new URL('none.eyelet', web) }), fails('FETCH', /ENOENT/));
    await assert.rejects(loadClassifier({ model: tinyModel(), wasm: `${site.url}none.wasm` }), fails('FETCH', /404/));
    await assert.rejects(loadClassifier({ model: 'http://127.0.0.1:1/a.eyelet' }), fails('FETCH'));
    await assert.rejects(loadClassifier({ model: `${site.url}index.html` }), fails('NOT_A_MODEL', /got HTML/));
    await assert.rejects(loadClassifier({ model: tinyModel(), wasm: `${site.url}index.html` }),
        fails('NOT_WASM', /got HTML/));
    for (const model of [undefined, null, 7, {}, Promise.resolve([])])
        await assert.rejects(loadClassifier({ model }), fails('ARGUMENT'));
    await assert.rejects(loadClassifier(), fails('ARGUMENT'));
});

test('other WebAssembly is refused', async () => {
    const model = tinyModel(), empty = Buffer.from('0061736d01000000', 'hex');
    await assert.rejects(loadClassifier({ model, wasm: empty }), fails('NOT_WASM', /Eyelet/));
    await assert.rejects(loadClassifier({ model, wasm: wasmBytes.subarray(0, 999) }), fails('NOT_WASM'));
    await assert.rejects(loadClassifier({ model, wasm: new Uint8Array(0) }), fails('NOT_WASM', /empty/));
});

test('memory does not grow with the number of calls', async () => {
    const { Instance } = WebAssembly;
    let memory;
    WebAssembly.Instance = function (...parameters) {
        const instance = new Instance(...parameters);
        ({ memory } = instance.exports);
        return instance;
    };
    const watched = await loadClassifier({ model: tinyModel() }).finally(() => { WebAssembly.Instance = Instance; });
    const images = [picture, encodePng(picture), jpeg, gradient(100, 50)];
    const once = () => images.forEach((image) => watched.classifySync(image));
    once();
    const bytes = memory.buffer.byteLength;
    for (let i = 0; i < 1000; i++)
        once();
    assert.equal(memory.buffer.byteLength, bytes);
});

test('a picture larger than the memory at the start grows it, and the numbers stay', async () => {
    const loaded = await loadClassifier({ model: tinyModel() });
    const expected = loaded.logitsSync(picture);
    loaded.classifySync(gradient(3000, 3000));
    assert.deepEqual(loaded.logitsSync(picture), expected);
    assert.deepEqual(loaded.logitsSync(encodePng(picture)), expected);
});

/* emmalloc's aligned_alloc claims a block without room for its alignment, and where it does not fit by chance, again. */
test('memory grows by what is asked for, not by twice that', () => {
    const module = new WebAssembly.Module(wasmBytes), side = 2500, asked = side * side * 4;
    for (let length = 10; length < 1500; length += 97) { /* where the blocks lie */
        const { exports } = new WebAssembly.Instance(module, { env: { emscripten_notify_memory_growth() {} } });
        exports._initialize();
        const model = tinyModel({ notes: 'n'.repeat(length) }), address = exports.model_buffer(model.length);
        new Uint8Array(exports.memory.buffer).set(model, address);
        assert.equal(exports.model_open(), 0);
        const before = exports.memory.buffer.byteLength;
        assert.notEqual(exports.pixel_buffer(side, side), 0);
        const grown = exports.memory.buffer.byteLength - before;
        assert.ok(grown < asked + 2 ** 20, `${grown} bytes more for ${asked}, notes of ${length}`);
    }
});

test('the instance that classified a giant is given up, and the numbers stay', async (context) => {
    const memories = [], { Instance } = WebAssembly;
    context.after(() => { WebAssembly.Instance = Instance; });
    WebAssembly.Instance = function (...given) {
        const instance = new Instance(...given);
        memories.push(instance.exports.memory);
        return instance;
    };
    const own = await loadClassifier({ model: tinyModel() }), logits = own.logitsSync(picture);
    const giant = { data: new Uint8Array(6500 * 6500 * 4), width: 6500, height: 6500 };
    own.classifySync(giant);
    assert.equal(memories.length, 1);
    assert.deepEqual(own.logitsSync(picture), logits);
    assert.equal(memories.length, 2);
    assert.ok(memories[0].buffer.byteLength > 169e6 && memories[1].buffer.byteLength < 32e6);
    own.logitsSync(giant);
    assert.deepEqual(own.logitsSync(picture), logits);
    assert.equal(memories.length, 3);
});

test('the module imports one function', () => {
    assert.deepEqual(WebAssembly.Module.imports(new WebAssembly.Module(wasmBytes)),
        [{ module: 'env', name: 'emscripten_notify_memory_growth', kind: 'function' }]);
});

test('the module is small: 50 KB gzipped, 32 KB without decoders', (context) => {
    assert.ok(gzipSync(wasmBytes, { level: 9 }).length < 50_000);
    const bare = new URL('../../build/wasm/classifier-without-decoders.wasm', import.meta.url);
    if (!existsSync(bare))
        return context.skip('NOT CHECKED: build/wasm/classifier-without-decoders.wasm is not built (make wasm)');
    assert.ok(gzipSync(readFileSync(bare), { level: 9 }).length < 32_000);
});

test('the module without decoders takes pixels, and refuses files by name', async (context) => {
    const wasm = new URL('../../build/wasm/classifier-without-decoders.wasm', import.meta.url);
    if (!existsSync(wasm))
        return context.skip('NOT CHECKED: build/wasm/classifier-without-decoders.wasm is not built (make wasm)');
    const bare = await loadClassifier({ model: tinyModel(), wasm });
    assert.deepEqual(bare.logitsSync(picture), classifier.logitsSync(picture));
    assert.throws(() => bare.classifySync(jpeg), fails('IMAGE_FORMAT', /without decoders/));
});

/* A module with Eyelet's exports, of which each function gives a number and classify_pixels traps. */
function trappingModule() {
    const results = {
        _initialize: 0, model_buffer: 1024, model_open: 0, pixel_buffer: 4096, classify_pixels: null, logits: 0,
        probabilities: 0, class_count: 1, embedding: 0, embedding_count: 0, label: 0, notes: 0, status_message: 0, input_width: 1, input_height: 1,
    };
    const names = Object.keys(results);
    const number = (value) => (value < 128 ? [value] : [value & 127 | 128, value >> 7]); /* unsigned LEB128 */
    const signed = (value) => [value & 127 | 128, value >> 7 & 127 | 128, value >> 14];
    const section = (id, items) => [id, ...number(items.flat().length + 1), items.length, ...items.flat()];
    const exported = (name, kind, index) => [name.length, ...Buffer.from(name), kind, index];
    const body = (value) => (value === null ? [3, 0, 0x00, 0x0b] : [6, 0, 0x41, ...signed(value), 0x0b]);
    return Uint8Array.from([
        0, 97, 115, 109, 1, 0, 0, 0,
        ...section(1, [[0x60, 0, 1, 0x7f]]),
        ...section(3, names.map(() => [0])),
        ...section(5, [[0, 1]]),
        ...section(7, [exported('memory', 2, 0), ...names.map((name, index) => exported(name, 0, index))]),
        ...section(10, names.map((name) => body(results[name]))),
    ]);
}
