/* What the module takes in a browser: elements, frames, files that only the browser's decoder reads, the camera. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { launch, skip } from '../support/browser.js';
import { foreignPictures, scene } from '../support/foreign_pictures.js';
import { encodeGif, encodeJpeg, encodePng } from '../support/pictures.js';
import { modelOf } from '../support/tiny_model.js';

/* Every pixel counts, wherever it is. */
const model = modelOf({ labels: ['a', 'b', 'c', 'd'], layers: [{ kind: 'flatten' }, { kind: 'dense', channels: 4 }, { kind: 'softmax' }] });

/* Of few colours, so that it is also a GIF. */
const upright = scene(), png = encodePng(upright), gif = encodeGif({ ...upright, data: upright.data.map((value, i) => i % 4 === 3 ? 255 : value & 0xc0) });
const html = '<!doctype html><title>Inputs</title><img id="image" src="/given.png"><iframe srcdoc="A frame"></iframe><svg></svg>';

const turnedCmyk = (orientation) => encodeJpeg(2, 1, (x) => 40 + 150 * x, { orientation, components: 4 });
const files = { 'inputs.html': html, 'given.png': png, 'model.eyelet': model, 'given.gif': gif, 'cut.png': png.subarray(0, -30),
    'cmyk1.jpg': turnedCmyk(1), 'cmyk6.jpg': turnedCmyk(6), ...foreignPictures };
const mediaTypes = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' };

/* Those, and what lies in web/; without a word that another origin may read it. */
async function answer({ url }, response) {
    const name = url.slice(1).replace(/[?].*/, '');
    const body = files[name] ?? await readFile(new URL(`../../web/${name}`, import.meta.url)).catch(() => null);
    response.writeHead(body ? 200 : 404, { 'Content-Type': mediaTypes[name.split('.').at(-1)] ?? 'application/octet-stream' });
    response.end(body);
}

const listen = (server) => new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}/`));
});

/* Runs in the page: what the tests there use. `given` is the picture's file. */
async function prepare() {
    const { BackgroundClassifier } = await import('/background.js');
    const { ClassifierError, loadClassifier, openCamera } = await import('/classifier.js');
    const model = await (await fetch('/model.eyelet')).arrayBuffer();
    const classifier = await loadClassifier({ model }), background = new BackgroundClassifier();
    await background.open({ model });
    const given = await (await fetch('/given.png')).arrayBuffer();
    const bitmap = await createImageBitmap(new Blob([given])), { width, height } = bitmap;
    const drawnOn = (canvas, options) => {
        Object.assign(canvas, { width, height });
        canvas.getContext('2d', options).drawImage(bitmap, 0, 0);
        return canvas;
    };
    const drawn = () => drawnOn(document.createElement('canvas'));
    const pixels = () => drawn().getContext('2d').getImageData(0, 0, width, height);
    const loaded = async (properties) => {
        const image = Object.assign(new Image(), properties);
        await image.decode();
        return image;
    };
    const svgImage = (address) => {
        const image = document.createElementNS('http://www.w3.org/2000/svg', 'image');
        for (const [name, value] of Object.entries({ width, height, href: address }))
            image.setAttribute(name, value);
        document.querySelector('svg').append(image);
        return image;
    };
    const playing = async () => {
        const canvas = drawn(), video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream(30) });
        const redraw = setInterval(() => canvas.getContext('2d').drawImage(bitmap, 0, 0), 30);
        await video.play();
        await new Promise((resolve) => { video.requestVideoFrameCallback(resolve); });
        clearInterval(redraw);
        return video;
    };
    const tainted = async (address) => {
        const image = await loaded({ src: address }), canvas = document.createElement('canvas');
        canvas.getContext('2d').drawImage(image, 0, 0);
        return { image, canvas };
    };
    Object.assign(window, { BackgroundClassifier, ClassifierError, openCamera, classifier, background, given, bitmap, width, height,
        drawnOn, drawn, pixels, loaded, svgImage, playing, tainted, frame: document.querySelector('iframe').contentWindow });
    /* { best, decoder } of each way to ask, or { code, message }, also of what `give` throws. */
    window.outcomes = async (give) => {
        const results = await Promise.allSettled([classifier, background].map(async (one) => {
            const answer = await one.classify(await give(), { topK: 10 }), best = answer.best ?? answer;
            return { best: [...best], decoder: best.decoder };
        }));
        for await (const result of classifier.classifyMany([give()], { topK: 10, workers: 1 }))
            results.push(result instanceof ClassifierError ? { reason: result } : { value: { best: [...result], decoder: result.decoder } });
        return results.map(({ value, reason }) => value
            ?? { isOurs: reason instanceof ClassifierError, code: reason.code, message: reason.message });
    };
}

describe('in Chromium', { skip }, () => {
    let browser, servers, site, other, page, classifier;
    before(async () => {
        servers = [createServer(answer), createServer(answer)];
        [site, other] = await Promise.all(servers.map(listen));
        browser = await launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
        classifier = await loadClassifier({ model });
        page = await browser.newPage();
        await page.goto(`${site}inputs.html`);
        await page.evaluate(prepare);
    });
    after(async () => {
        await browser?.close();
        servers.forEach((server) => server.close());
    });

    /* What `give` makes in the page is taken everywhere; the scores, unless they may differ a little, are those of the file. */
    async function taken(give, { decoder, tolerance = 0, image = png } = {}) {
        const expected = classifier.classifySync(image, { topK: 10 }), scores = new Map(expected.map(({ label, score }) => [label, score]));
        const results = await page.evaluate((code) => window.outcomes((0, eval)(code)), `(${give})`);
        assert.equal(results.length, 3);
        for (const { best, decoder: used, ...error } of results) {
            assert.ok(best, JSON.stringify(error));
            assert.equal(used, decoder);
            for (const { label, score } of best)
                assert.ok(Math.abs(score - scores.get(label)) <= tolerance, `${label}: ${score}, not ${scores.get(label)}`);
        }
    }

    const drawnByBrowser = { decoder: 'browser' };
    const bitsOfTheFile = {
        'an <img>': () => document.getElementById('image'),
        'an <img> of a srcset': () => loaded({ srcset: 'given.png 1x, given.png 2x' }),
        'an <img> of a data URL': async () => loaded({ src: drawn().toDataURL() }),
        'an <img> of a blob URL': () => loaded({ src: URL.createObjectURL(new Blob([given])) }),
        'an SVG <image>': () => svgImage('given.png'),
        'a canvas': () => drawn(),
        'an OffscreenCanvas': () => drawnOn(new OffscreenCanvas(1, 1)),
        'ImageData': () => pixels(),
        'ImageData of 16-bit floats': () => {
            const { data } = pixels(), made = new ImageData(width, height, { pixelFormat: 'rgba-float16' });
            made.data.set(Array.from(data, (value) => made.data instanceof Uint8ClampedArray ? value : value / 255));
            return made;
        },
        'a File': () => new File([given], 'a.jpg', { type: 'image/jpeg' }),
        'a Blob': () => new Blob([given]),
        'a Response': () => fetch('given.png'),
        'a URL': () => new URL('given.png', location),
        'an address': () => 'given.png',
        'a data URL': () => drawn().toDataURL(),
        'a blob URL': () => URL.createObjectURL(new Blob([given])),
        'an ArrayBuffer': () => given,
        'a promise of a canvas': () => Promise.resolve(drawn()),
        "a frame's <img>": async () => {
            const image = frame.document.body.appendChild(frame.document.createElement('img'));
            image.src = new URL('/given.png', location);
            await image.decode();
            return image;
        },
        "a frame's canvas": () => drawnOn(frame.document.createElement('canvas')),
        "a frame's ImageData": () => new frame.ImageData(new frame.Uint8ClampedArray(pixels().data), width, height),
        "a frame's Blob": () => new frame.Blob([given]),
        "a frame's bytes and promise": () => frame.Promise.resolve(new frame.Uint8Array(given)),
    };
    for (const [name, give] of Object.entries(bitsOfTheFile))
        test(`the bits of the file: ${name}`, () => taken(give));

    test('drawn, and marked so: ImageBitmap, VideoFrame, SVG, <img> whose address is gone', async () => {
        await taken(() => createImageBitmap(new Blob([given])), drawnByBrowser);
        await taken(() => frame.createImageBitmap(new Blob([given])), drawnByBrowser);
        await taken(() => new VideoFrame(drawn(), { timestamp: 0 }), { ...drawnByBrowser, tolerance: 1e-2 });
        await taken(async () => {
            const src = URL.createObjectURL(new Blob([given])), image = await loaded({ src });
            URL.revokeObjectURL(src);
            return image;
        }, drawnByBrowser);
        const svg = () => loaded({ src: `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16">
            <image width="24" height="16" href="${drawn().toDataURL()}"/></svg>` });
        await taken(svg, drawnByBrowser);
        await taken(() => svgImage('lossless.webp'), drawnByBrowser);
    });

    test('a video that plays', () => taken(() => playing(), { ...drawnByBrowser, tolerance: 0.05 }));

    test('display-p3 is converted', () => taken(() => drawnOn(document.createElement('canvas'), { colorSpace: 'display-p3' })
        .getContext('2d').getImageData(0, 0, width, height, { colorSpace: 'display-p3' }), { tolerance: 5e-3 }));

    test("what only the browser's decoder reads, upright as it shows it", async () => {
        await taken(() => 'lossless.webp', drawnByBrowser);
        await taken(() => loaded({ src: 'lossless.webp' }), drawnByBrowser);
        await taken(() => 'given.gif', { ...drawnByBrowser, image: encodePng({ ...upright, data: upright.data.map((value, i) => i % 4 === 3 ? 255 : value & 0xc0) }) });
        await taken(() => 'photo.avif', { ...drawnByBrowser, tolerance: 0.05 });
        await taken(() => 'cmyk.jpg', { ...drawnByBrowser, tolerance: 0.2 });
        await taken(() => loaded({ src: 'cmyk.jpg' }), { ...drawnByBrowser, tolerance: 0.2 });
    });

    test('a picture is turned as the browser shows it', async () => {
        const shown = (name) => page.evaluate(async (name) => {
            const image = await loaded({ src: name }), canvas = document.createElement('canvas');
            Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight }).getContext('2d').drawImage(image, 0, 0);
            return [await classifier.classify(name), await classifier.classify(canvas)];
        }, name);
        const [turned, asShown] = await shown('cmyk6.jpg'), [lying] = await shown('cmyk1.jpg');
        assert.deepEqual(turned, asShown);
        assert.ok(Math.abs(turned[0].score - lying[0].score) > 0.01);
        assert.deepEqual(...await shown('turned.webp'));
    });

    test('a canvas is not settled on a kind of context', async () => {
        const kind = await page.evaluate(async () => {
            const canvas = Object.assign(document.createElement('canvas'), { width: 4, height: 4 });
            await classifier.classify(canvas);
            return canvas.getContext('bitmaprenderer') !== null;
        });
        assert.ok(kind);
    });

    test('what cannot be classified is named, with the line that mends it', async () => {
        const address = `${other}given.png`;
        const cases = [
            [() => document.querySelector('#none'), 'ARGUMENT', /^null is no image: is there such an element/],
            [() => new Image(), 'NOT_READY', /HTMLImageElement has no picture yet: set its src, then await image\.decode\(\)/],
            [() => Object.assign(new Image(), { src: `given.png?${Math.random()}` }), 'NOT_READY', /await image\.decode\(\) first/],
            [async () => {
                const image = Object.assign(new Image(), { src: 'none.png' });
                await image.decode().catch(() => {});
                return image;
            }, 'NOT_READY', /shows no picture: is its address right\?/],
            [`async () => (await tainted('${address}')).image`, 'TAINTED', /HTMLImageElement holds pixels of another origin.*crossorigin="anonymous"/],
            [`async () => (await tainted('${address}')).canvas`, 'TAINTED', /HTMLCanvasElement holds pixels of another origin/],
            [`() => '${address}'`, 'FETCH', /given\.png: cannot be fetched/],
            [() => svgImage('none.png'), 'NOT_READY', /SVG image shows no picture: is its href right/],
            [() => Object.assign(document.createElement('canvas'), { width: 0 }), 'IMAGE_SIZE', /an HTMLCanvasElement of 0 x 150 pixels/],
            [() => new OffscreenCanvas(0, 4), 'IMAGE_SIZE', /an OffscreenCanvas of 0 x 4 pixels/],
            [() => document.createElement('video'), 'NOT_READY', /HTMLVideoElement has no frame yet: wait for its loadeddata event/],
            [async () => {
                const closed = await createImageBitmap(new Blob([given]));
                closed.close();
                return closed;
            }, 'DETACHED', /ImageBitmap was closed or transferred/],
            [() => {
                const closed = new VideoFrame(drawn(), { timestamp: 0 });
                closed.close();
                return closed;
            }, 'DETACHED', /VideoFrame was closed or transferred/],
            [() => {
                const bytes = given.slice();
                structuredClone(bytes, { transfer: [bytes] });
                return bytes;
            }, 'DETACHED', /an ArrayBuffer is empty since it was transferred/],
            [() => Promise.reject(new Error('gone')), undefined, /gone/],
            [() => ({ then: (_, reject) => reject(new Error('gone')) }), undefined, /gone/],
            [() => Object.assign(document.createElement('input'), { type: 'file' }), 'ARGUMENT', /HTMLInputElement is no image: pass input\.files\[0\]/],
            [() => Object.assign(document.createElement('input'), { type: 'file' }).files, 'ARGUMENT', /a FileList is no image: pass one of them/],
            [() => document.querySelectorAll('img'), 'ARGUMENT', /a NodeList is no image: pass one of them/],
            [() => drawn().captureStream(), 'ARGUMENT', /MediaStream is no image: show it in a <video>/],
            [() => fetch(new URL('/given.png', location)).then((response) => response.text().then(() => response)), 'FETCH', /response\.clone\(\)/],
            [() => 'cut.png', 'IMAGE_TRUNCATED', /cut short.*this browser cannot read it either/],
            [() => new Blob([]), 'IMAGE_FORMAT', /empty$/],
            [() => 'inputs.html', 'IMAGE_HTML', /web page/],
        ];
        for (const [give, code, pattern] of cases) {
            const results = await page.evaluate((code) => window.outcomes((0, eval)(code)), `(${give})`);
            for (const { isOurs, code: got, message, ...rest } of results) {
                assert.ok(code === undefined || isOurs, `${give}: ${message} ${JSON.stringify(rest)}`);
                assert.equal(code && got, code, `${give}: ${message}`);
                assert.match(message, pattern);
            }
        }
    });

    test('a camera gives frames at the size of the model, until it is closed', async () => {
        const { sizes, best, whole, ended, isOff, again } = await page.evaluate(async () => {
            const video = document.createElement('video'), camera = await openCamera(video, { width: 1280, height: 720 });
            const sizes = [];
            let best;
            for await (const frame of camera.frames(classifier.info)) {
                sizes.push([frame.width, frame.height, frame.data.length]);
                [best] = await classifier.classify(frame);
                if (sizes.length === 3)
                    break;
            }
            const [whole] = await classifier.classify(video), frames = camera.frames(classifier.info);
            await frames.next();
            const waiting = frames.next();
            const [track] = video.srcObject.getTracks();
            camera.close();
            const ended = (await waiting).done, again = (await camera.frames(classifier.info).next()).done;
            return { sizes, best, whole, ended, again, isOff: video.srcObject === null && track.readyState === 'ended' };
        });
        assert.deepEqual(sizes, Array(3).fill([57, 32, 57 * 32 * 4]));
        assert.equal(best.label, whole.label);
        assert.deepEqual([ended, again, isOff], [true, true, true]);
    });

    test('what keeps a camera from opening is named', async () => {
        const failing = (name) => page.evaluate(async (name) => {
            const { mediaDevices } = navigator, { getUserMedia } = mediaDevices;
            mediaDevices.getUserMedia = () => Promise.reject(new DOMException('words', name));
            try {
                await openCamera(document.createElement('video'));
            } catch ({ code, message }) {
                return `${code} ${message}`;
            } finally {
                mediaDevices.getUserMedia = getUserMedia;
            }
        }, name);
        assert.match(await failing('NotAllowedError'), /^CAMERA a camera was not allowed: ask for it on a click/);
        assert.match(await failing('NotFoundError'), /^CAMERA a camera was not found/);
        assert.match(await failing('AbortError'), /^CAMERA a camera could not be opened \(words\)/);
        const refused = await page.evaluate(() => openCamera(null).catch(({ code, message }) => `${code} ${message}`));
        assert.match(refused, /^ARGUMENT openCamera needs a <video> to show the camera in, not null/);
    });
});
