/* What the module takes in Chromium, Firefox and WebKit: elements, frames, files that only the browser's decoder reads, the camera. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { browsers } from '../support/browsers.js';
import { foreignPictures, scene } from '../support/foreign_pictures.js';
import { encodeGif, encodeJpeg, encodePng } from '../support/pictures.js';
import { modelOf } from '../support/tiny_model.js';

/* Every pixel counts, wherever it is. */
const model = modelOf({ labels: ['a', 'b', 'c', 'd'], layers: [{ kind: 'flatten' }, { kind: 'dense', channels: 4 }, { kind: 'softmax' }] });

const upright = scene(), png = encodePng(upright);
const ofFewColours = { ...upright, data: upright.data.map((value, i) => i % 4 === 3 ? 255 : value & 0xc0) };
const html = '<!doctype html><title>Inputs</title><img id="image" src="/given.png"><iframe srcdoc="A frame"></iframe><svg></svg>';

const turnedCmyk = (orientation) => encodeJpeg(2, 1, (x) => 40 + 150 * x, { orientation, components: 4 });
const files = { 'inputs.html': html, 'given.png': png, 'model.eyelet': model, 'given.gif': encodeGif(ofFewColours), 'cut.png': png.subarray(0, 40),
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

/* Runs in the page: what the tests there use. `given` is the picture's file, `other` the address of another origin. */
async function prepare(other) {
    const { BackgroundClassifier } = await import('/background.js');
    const { ClassifierError, loadClassifier, openCamera } = await import('/classifier.js');
    const model = await (await fetch('/model.eyelet')).arrayBuffer();
    const [classifier, closed] = await Promise.all([loadClassifier({ model }), loadClassifier({ model })]);
    const [background, stopped] = [new BackgroundClassifier(), new BackgroundClassifier()];
    await Promise.all([background.open({ model }), stopped.open({ model })]);
    closed.close();
    stopped.close();
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
    const shows = (address) => loaded({ src: address }).then(() => true, () => false);
    const svgImage = (address) => {
        const image = document.createElementNS('http://www.w3.org/2000/svg', 'image');
        for (const [name, value] of Object.entries({ width, height, href: address }))
            image.setAttribute(name, value);
        document.querySelector('svg').append(image);
        return image;
    };
    const foreignWindow = async () => {
        const frame = document.body.appendChild(Object.assign(document.createElement('iframe'), { src: `${other}inputs.html` }));
        await new Promise((resolve) => { frame.onload = resolve; });
        return frame.contentWindow;
    };
    const startPlaying = async () => {
        const canvas = drawn(), video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream(30) });
        const redraw = setInterval(() => canvas.getContext('2d').drawImage(bitmap, 0, 0), 30);
        await video.play();
        await new Promise((resolve) => { video.requestVideoFrameCallback(resolve); });
        clearInterval(redraw);
        return video;
    };
    let video;
    const playing = () => video ??= startPlaying();
    const tainted = async (address) => {
        const image = await loaded({ src: address }), canvas = document.createElement('canvas');
        canvas.getContext('2d').drawImage(image, 0, 0);
        return { image, canvas };
    };
    Object.assign(window, { ClassifierError, openCamera, classifier, background, ended: [closed, stopped], given, bitmap, width, height,
        other, drawnOn, drawn, pixels, loaded, shows, svgImage, foreignWindow, playing, tainted, frame: document.querySelector('iframe').contentWindow });
}

/* Runs in the page, too: how the tests ask. */
function prepareQuestions() {
    const errorOf = (error) => ({ isOurs: error instanceof ClassifierError, code: error.code, message: error.message });
    /* { best, decoder } of each way to ask, or the error. */
    window.outcomes = async (give) => {
        const results = await Promise.allSettled([classifier, background].map(async (one) => {
            const answer = await one.classify(give(), { topK: 10 }), best = answer.best ?? answer;
            return { best: [...best], decoder: best.decoder };
        }));
        for await (const result of classifier.classifyMany([give()], { topK: 10, workers: 1 }))
            results.push(result instanceof ClassifierError ? { reason: result } : { value: { best: [...result], decoder: result.decoder } });
        return results.map(({ value, reason }) => value ?? errorOf(reason));
    };
    /* The errors where the signal was aborted before and meanwhile, and of closed classifiers; and the answers to one value, asked twice. */
    window.misuses = async (give) => {
        const errorIn = (call) => call.then(() => ({ code: 'NONE' }), errorOf), aborted = AbortSignal.abort(new Error('enough'));
        const meanwhile = [classifier, background].map((one) => {
            const control = new AbortController(), call = one.classify(give(), { signal: control.signal });
            control.abort();
            return errorIn(call);
        });
        const value = await give(), twice = await Promise.allSettled([classifier.classify(value), classifier.classify(value)]);
        return {
            aborted: await Promise.all([...meanwhile, ...[classifier, background].map((one) => errorIn(one.classify(give(), { signal: aborted })))]),
            closed: await Promise.all(ended.map((one) => errorIn(one.classify(give())))),
            twice: twice.map(({ value: best, reason }) => best ? { best: [...best] } : errorOf(reason)),
        };
    };
}

/* What each kind is; in words, if the browser may lack it, what it `needs`; and, if it is not the module that decodes the file, `decoder`, and
 * by how much scores may differ from those of `image`, by default the file's. */
const drawnByBrowser = { decoder: 'browser' };
const gifAsPng = encodePng(ofFewColours);
const kinds = {
    'an <img>': [() => document.getElementById('image')],
    'an <img> of a srcset': [() => loaded({ srcset: 'given.png 1x, given.png 2x' })],
    'an <img> of a data URL': [async () => loaded({ src: drawn().toDataURL() })],
    'an <img> of a blob URL': [() => loaded({ src: URL.createObjectURL(new Blob([given])) })],
    'an SVG <image>': [() => svgImage('given.png')],
    'a canvas': [() => drawn()],
    'an OffscreenCanvas': [() => drawnOn(new OffscreenCanvas(1, 1)), { needs: () => 'OffscreenCanvas' in window }],
    'ImageData': [() => pixels()],
    'ImageData of 16-bit floats': [() => {
        const { data } = pixels(), made = new ImageData(width, height, { pixelFormat: 'rgba-float16' });
        made.data.set(Array.from(data, (value) => value / 255));
        return made;
    }, { needs: () => !(new ImageData(1, 1, { pixelFormat: 'rgba-float16' }).data instanceof Uint8ClampedArray) }],
    'ImageData in display-p3': [() => drawnOn(document.createElement('canvas'), { colorSpace: 'display-p3' })
        .getContext('2d').getImageData(0, 0, width, height, { colorSpace: 'display-p3' }),
    { tolerance: 5e-3, needs: () => new ImageData(1, 1, { colorSpace: 'display-p3' }).colorSpace === 'display-p3' }],
    'a File': [() => new File([given], 'a.jpg', { type: 'image/jpeg' })],
    'a Blob': [() => new Blob([given])],
    'a Response': [() => fetch('given.png')],
    'a URL': [() => new URL('given.png', location)],
    'an address': [() => 'given.png'],
    'a data URL': [() => drawn().toDataURL()],
    'a blob URL': [() => URL.createObjectURL(new Blob([given]))],
    'an ArrayBuffer': [() => given],
    'a view': [() => new DataView(given)],
    'pixels': [() => ({ data: new Uint8Array(pixels().data), width, height, channels: 4 })],
    'a promise of a canvas': [() => Promise.resolve(drawn())],
    "a frame's <img>": [async () => {
        const image = frame.document.body.appendChild(frame.document.createElement('img'));
        image.src = new URL('/given.png', location);
        await image.decode();
        return image;
    }],
    "a frame's canvas": [() => drawnOn(frame.document.createElement('canvas'))],
    "a frame's ImageData": [() => new frame.ImageData(new frame.Uint8ClampedArray(pixels().data), width, height)],
    "a frame's Blob": [() => new frame.Blob([given])],
    "a frame's bytes and promise": [() => frame.Promise.resolve(new frame.Uint8Array(given))],
    'an ImageBitmap': [() => createImageBitmap(new Blob([given])), drawnByBrowser],
    "a frame's ImageBitmap": [() => frame.createImageBitmap(new Blob([given])), drawnByBrowser],
    'a VideoFrame': [() => new VideoFrame(drawn(), { timestamp: 0 }), { ...drawnByBrowser, tolerance: 1e-2, needs: () => 'VideoFrame' in window }],
    'a <video>': [() => playing(), { ...drawnByBrowser, tolerance: 0.05 }],
    'an <img> whose address is gone': [async () => {
        const src = URL.createObjectURL(new Blob([given])), image = await loaded({ src });
        URL.revokeObjectURL(src);
        return image;
    }, drawnByBrowser],
    'an <img> of an SVG': [() => loaded({ src: `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16">
        <image width="24" height="16" href="${drawn().toDataURL()}"/></svg>` }), drawnByBrowser],
    'an SVG <image> of WebP': [() => svgImage('lossless.webp'), drawnByBrowser],
    WebP: [() => 'lossless.webp', { ...drawnByBrowser, needs: () => shows('lossless.webp') }],
    'an <img> of WebP': [() => loaded({ src: 'lossless.webp' }), { ...drawnByBrowser, needs: () => shows('lossless.webp') }],
    GIF: [() => 'given.gif', { ...drawnByBrowser, image: gifAsPng }],
    AVIF: [() => 'photo.avif', { ...drawnByBrowser, tolerance: 0.05, needs: () => shows('photo.avif') }],
    'CMYK JPEG': [() => 'cmyk.jpg', { ...drawnByBrowser, tolerance: 0.2, needs: () => shows('cmyk.jpg') }],
    'an <img> of CMYK JPEG': [() => loaded({ src: 'cmyk.jpg' }), { ...drawnByBrowser, tolerance: 0.2, needs: () => shows('cmyk.jpg') }],
};

/* What cannot be classified: the error's code, and its words. */
const broken = [
    [() => document.querySelector('#none'), 'ARGUMENT', /^null is no image: is there such an element/],
    [() => new Image(), 'NOT_READY', /HTMLImageElement has no picture yet: set its src, then await image\.decode\(\)/],
    [() => Object.assign(new Image(), { src: `given.png?${Math.random()}` }), 'NOT_READY', /await image\.decode\(\) first/],
    [async () => {
        const image = Object.assign(new Image(), { src: 'none.png' });
        await image.decode().catch(() => {});
        return image;
    }, 'NOT_READY', /shows no picture: is its address right\?/],
    [async () => (await tainted(`${other}given.png`)).image, 'TAINTED', /HTMLImageElement holds pixels of another origin.*crossorigin="anonymous"/],
    [async () => (await tainted(`${other}given.png`)).canvas, 'TAINTED', /HTMLCanvasElement holds pixels of another origin/],
    [() => `${other}given.png`, 'FETCH', /given\.png: cannot be fetched/],
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
    [() => {
        const { data } = pixels();
        structuredClone(data.buffer, { transfer: [data.buffer] });
        return { data, width, height };
    }, 'DETACHED', /Uint8ClampedArray is empty since it was transferred/],
    [() => Promise.reject(new Error('gone')), 'FETCH', /its promise was rejected \(gone\)/],
    [() => ({ then: (_, reject) => reject(new Error('gone')) }), 'FETCH', /its promise was rejected \(gone\)/],
    [() => Object.assign(document.createElement('input'), { type: 'file' }), 'ARGUMENT', /HTMLInputElement is no image: pass input\.files\[0\]/],
    [() => Object.assign(document.createElement('input'), { type: 'file' }).files, 'ARGUMENT', /a FileList is no image: pass one of them/],
    [() => document.querySelectorAll('img'), 'ARGUMENT', /a NodeList is no image: pass one of them/],
    [() => drawn().captureStream(), 'ARGUMENT', /MediaStream is no image: show it in a <video>/],
    [() => fetch('given.png').then((response) => response.text().then(() => response)), 'FETCH', /response\.clone\(\)/],
    [() => fetch('none.png'), 'FETCH', /none\.png: HTTP 404/],
    [() => URL.createObjectURL(new Blob([given])).slice(0, -1), 'FETCH', /^blob:.*: cannot be fetched/],
    [() => 'cut.png', 'IMAGE_TRUNCATED', /cut short/],
    [() => new Blob([]), 'IMAGE_FORMAT', /empty$/],
    [() => 'inputs.html', 'IMAGE_HTML', /web page/],
    [() => ({ data: new Uint8Array(10), width: 2, height: 2 }), 'ARGUMENT', /image\.data has 10 bytes/],
    [() => foreignWindow(), 'ARGUMENT', /^an object that scripts may not look into (cannot be read|is no image)/],
];

for (const { name: browserName, skip, launch } of browsers)
    describe(`in ${browserName}`, { skip }, () => {
        let browser, servers, page, classifier;
        before(async () => {
            servers = [createServer(answer), createServer(answer)];
            const [site, other] = await Promise.all(servers.map(listen));
            browser = await launch();
            classifier = await loadClassifier({ model });
            page = await browser.open(`${site}inputs.html`);
            await page.evaluate(prepare, other);
            await page.evaluate(prepareQuestions);
        });
        after(async () => {
            await browser?.close();
            servers.forEach((server) => server.close());
        });

        /* What `give` makes in the page is taken everywhere. */
        async function taken(give, { decoder, tolerance = 0, image = png } = {}) {
            const expected = classifier.classifySync(image, { topK: 10 }), scores = new Map(expected.map(({ label, score }) => [label, score]));
            const results = await page.evaluate(`() => window.outcomes(${give})`);
            assert.equal(results.length, 3);
            for (const { best, decoder: used, ...error } of results) {
                assert.ok(best, JSON.stringify(error));
                assert.equal(used, decoder);
                for (const { label, score } of best)
                    assert.ok(Math.abs(score - scores.get(label)) <= tolerance, `${label}: ${score}, not ${scores.get(label)}`);
            }
        }

        for (const [kind, [give, { needs, ...expected } = {}]] of Object.entries(kinds))
            test(`taken: ${kind}`, async (t) => {
                if (needs && !await page.evaluate(`() => Promise.resolve().then(${needs}).catch(() => false)`))
                    return t.skip(`NOT CHECKED: this ${browserName} has no such thing`);
                await taken(give, expected);
                const { aborted, closed, twice } = await page.evaluate(`() => window.misuses(${give})`);
                assert.deepEqual(aborted.map(({ code, isOurs }) => isOurs && code), Array(4).fill('ABORTED'));
                assert.match(aborted[2].message, /aborted \(enough\): a new call needs a new AbortController/);
                assert.deepEqual(closed.map(({ code, isOurs }) => isOurs && code), Array(2).fill('CLOSED'));
                assert.match(closed[0].message, /the classifier has been closed: load it again/);
                if (kind === 'a Response')
                    assert.deepEqual([twice[1].code, /response\.clone\(\)/.test(twice[1].message)], ['FETCH', true]);
                else
                    assert.deepEqual(twice[1], twice[0]);
                assert.ok(twice[0].best, JSON.stringify(twice[0]));
            });

        test('a picture is turned as the browser shows it', async () => {
            const shown = (name) => page.evaluate(async (name) => {
                const image = await loaded({ src: name }), canvas = document.createElement('canvas');
                Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight }).getContext('2d').drawImage(image, 0, 0);
                return [await classifier.classify(name), await classifier.classify(canvas)].map((best) => [...best]);
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
            for (const [give, code, pattern] of broken)
                for (const { isOurs, code: got, message } of await page.evaluate(`() => window.outcomes(${give})`)) {
                    assert.ok(isOurs, `${give}: ${message}`);
                    assert.equal(got, code, `${give}: ${message}`);
                    assert.match(message, pattern);
                }
        });

        test('a camera gives frames at the size of the model, until it is closed', async (t) => {
            if (!await page.evaluate(() => navigator.mediaDevices?.getUserMedia({ video: true }).then((stream) => {
                stream.getTracks().forEach((track) => track.stop());
                return true;
            }, () => false)))
                return t.skip(`NOT CHECKED: this ${browserName} has no test camera`);
            const { sizes, expected, best, whole, ended, isOff, again, sizeless } = await page.evaluate(async () => {
                const video = document.createElement('video'), camera = await openCamera(video, { width: 1280, height: 720 });
                const sizes = [];
                let best;
                for await (const frame of camera.frames(classifier.info)) {
                    sizes.push([frame.width, frame.height, frame.data.length]);
                    [best] = await classifier.classify(frame);
                    if (sizes.length === 3)
                        break;
                }
                const { videoWidth, videoHeight } = video, scale = 32 / Math.min(videoWidth, videoHeight);
                const expected = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
                const [whole] = await classifier.classify(video), frames = camera.frames(classifier.info);
                await frames.next();
                const waiting = frames.next();
                const [track] = video.srcObject.getTracks(), sizeless = await camera.frames().next().catch(({ code, message }) => `${code} ${message}`);
                camera.close();
                const ended = (await waiting).done, again = (await camera.frames(classifier.info).next()).done;
                return { sizes, expected, best, whole, ended, again, sizeless, isOff: video.srcObject === null && track.readyState === 'ended' };
            });
            assert.deepEqual(sizes, Array(3).fill([...expected, expected[0] * expected[1] * 4]));
            assert.equal(best.label, whole.label);
            assert.deepEqual([ended, again, isOff], [true, true, true]);
            assert.match(sizeless, /^ARGUMENT .*pass classifier\.info/);
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
            const { isOff, words } = await page.evaluate(async () => {
                const video = Object.assign(document.createElement('video'), { play: () => Promise.reject(new Error('it cannot play')) });
                const { mediaDevices } = navigator, stream = drawn().captureStream();
                Object.defineProperty(mediaDevices, 'getUserMedia', { value: async () => stream, configurable: true });
                const words = await openCamera(video).catch(({ code, message }) => `${code} ${message}`);
                delete mediaDevices.getUserMedia;
                return { words, isOff: !video.srcObject && stream.getTracks().every(({ readyState }) => readyState === 'ended') };
            });
            assert.match(words, /^CAMERA a camera could not be opened \(it cannot play\)/);
            assert.ok(isOff);
        });
    });
