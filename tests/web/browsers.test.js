/* The page, the module, its workers, the standalone page and the example pages in Chromium, Firefox and WebKit: the same bits in each as in
 * Node. page.test.js and standalone.test.js ask more, of Chromium alone; inputs_page.test.js asks each what the module takes. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { browsers } from '../support/browsers.js';
import { foreignPictures } from '../support/foreign_pictures.js';
import { encodeBmp, encodeJpeg, encodePng, gradient, jpeg } from '../support/pictures.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const root = fileURLToPath(new URL('../..', import.meta.url)), screenshots = join(root, 'build/screenshots');
const phone = { width: 390, height: 844 }, desktop = { width: 1180, height: 860 };

/* Every picture that lies in the repository, and one of each kind that is made here. */
const picturesIn = (path) => readdirSync(join(root, path)).filter((name) => /\.(png|jpg)$/.test(name)).sort()
    .map((name) => readFileSync(join(root, path, name)));
const orientations = [1, 2, 3, 4, 5, 6, 7, 8];
const pictures = [...['web', 'web/examples', 'tests/fuzz/corpus/picture'].flatMap(picturesIn), jpeg, encodeBmp(gradient(33, 21)),
    ...[{ depth: 16 }, { palette: true }, { interlaced: true }].map((options) => encodePng(gradient(14, 12), options)),
    ...orientations.map((orientation) => encodePng(gradient(70, 40), { orientation })),
    ...orientations.map((orientation) => encodeJpeg(9, 5, (x, y) => 20 + 20 * x + 9 * y, { orientation, components: orientation % 2 ? 1 : 3 }))];

const photos = folder(Object.fromEntries(['espresso.jpg', 'tabby.jpg', 'cat.png'].map((name) => [name, readFileSync(join(root, 'web/examples', name))])));
const given = folder({ 'a.webp': foreignPictures['lossless.webp'], 'a.txt': 'words', 'a.png': encodePng(gradient(40, 30)) });
const inPhotos = (name) => join(photos, name), inGiven = (name) => join(given, name);
const nameOf = ({ label }) => label.replaceAll('_', ' ');

/* Runs in the page: logits, as bits, and what the workers answer. */
async function classifyAll({ model, pictures }) {
    const told = (best) => ({ best: [...best], isOutlier: Boolean(best.isOutlier) });
    const { BackgroundClassifier } = await import('/background.js'), { loadClassifier } = await import('/classifier.js');
    const images = pictures.map((base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    const classifier = await loadClassifier({ model }), background = new BackgroundClassifier(), many = [];
    await background.open({ model });
    for await (const result of classifier.classifyMany(images, { workers: 2 }))
        many.push(result.message ?? told(result));
    return {
        bits: images.map((image) => [...new Uint32Array(classifier.logitsSync(image).buffer)]),
        many,
        behind: await Promise.all(images.map(async (image) => told((await background.classify(image)).best))),
    };
}

/* Runs in the page: ends the newest worker soon after an image was sent to it; the answers to that image and the next. */
async function endWorkers({ model, png, times }) {
    const workers = [], { Worker } = window, { BackgroundClassifier } = await import('/background.js');
    window.Worker = class extends Worker {
        constructor(...given) {
            super(...given);
            workers.push(this);
        }
    };
    const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const classifier = new BackgroundClassifier(), image = bytesOf(png), answers = [];
    const labelOf = () => classifier.classify(image, { topK: 1 }).then(({ best }) => best[0].label, ({ code }) => code);
    await classifier.open({ model: bytesOf(model) });
    for (let i = 0; i < times; i++) {
        const waiting = labelOf();
        await new Promise((resolve) => { setTimeout(resolve, i % 5 * 3); });
        workers.at(-1).terminate();
        answers.push([await waiting, await labelOf()]);
        await labelOf(); /* its worker lives */
    }
    return answers;
}

for (const { name, skip, launch } of browsers)
    describe(`in ${name}`, { skip }, () => {
        let browser, site, classifier;
        before(async () => {
            mkdirSync(screenshots, { recursive: true });
            site = await serve({ port: 0 });
            browser = await launch();
            console.log(`# ${name} ${browser.version}`);
            classifier = await loadClassifier({ model: join(root, 'web/models/objects160.eyelet') });
        });
        after(async () => {
            await browser?.close();
            await site?.close();
        });

        /* Lets `steps` use a page, which must not warn of anything nor scroll sideways. */
        async function visit(url, steps, size = desktop) {
            const page = await browser.open(url, size);
            await steps(page);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it scrolls sideways');
            assert.deepEqual(page.heard, []);
            await page.close();
        }
        const example = (path, steps, size) => visit(`${site.url}examples/${path}`, steps, size);

        for (const model of ['tutorial', 'objects160'])
            test(`${pictures.length} pictures give the bits that Node gives, in workers too: ${model}`, () => visit(site.url, async (page) => {
                const inNode = await loadClassifier({ model: join(root, `web/models/${model}.eyelet`) });
                const { bits, many, behind } = await page.evaluate(classifyAll,
                    { model: `/models/${model}.eyelet`, pictures: pictures.map((picture) => picture.toString('base64')) });
                assert.deepEqual(bits, pictures.map((picture) => [...new Uint32Array(inNode.logitsSync(picture).buffer)]));
                const answers = pictures.map((picture) => inNode.classifySync(picture))
                    .map((best) => ({ best: [...best], isOutlier: Boolean(best.isOutlier) }));
                assert.deepEqual(many, answers);
                assert.deepEqual(behind, answers);
                assert.ok(answers.some(({ isOutlier }) => isOutlier) && answers.some(({ isOutlier }) => !isOutlier));
            }));

        const endings = 20;
        test(`${endings} workers that end without a word cost an image each at most`, () => example('folder.html', async (page) => {
            const png = encodePng(gradient(40, 30)), [{ label }] = (await loadClassifier({ model: tinyModel() })).classifySync(png);
            const answers = await page.evaluate(endWorkers, { model: tinyModel().toString('base64'), png: png.toString('base64'), times: endings });
            assert.equal(answers.length, endings);
            for (const pair of answers) {
                assert.ok(pair.includes(label), String(pair));
                assert.ok(pair.every((answer) => answer === label || answer === 'TRAPPED'), String(pair));
            }
            assert.ok(answers.flat().includes('TRAPPED'));
        }));

        /* Of the page and the standalone page: what comes of a photo, of what only the browser decodes, of no picture, and of a dropped one. */
        const shown = (page, image) => page.until(([labels, verdict]) =>
            String([...document.querySelectorAll('#bars .name')].map(({ textContent }) => textContent)) === String(labels) &&
                document.getElementById('verdict').textContent.endsWith(verdict) && !document.getElementById('preview').hidden,
        [classifier.classifySync(readFileSync(image)).map(nameOf), nameOf(classifier.classifySync(readFileSync(image))[0])]);
        async function asksForPictures(page) {
            await page.until(() => document.querySelector('#known li'));
            await page.setFiles('#file', [inPhotos('espresso.jpg')]);
            await shown(page, inPhotos('espresso.jpg'));
            await page.setFiles('#file', [inGiven('a.webp')]);
            await page.until(() => /decoded by the browser$/.test(document.getElementById('timing').textContent));
            await page.setFiles('#file', [inGiven('a.txt')]);
            await page.until(() => /this browser cannot read it either/.test(document.getElementById('problem').textContent));
            await page.evaluate((base64) => {
                const transfer = new DataTransfer(), bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
                transfer.items.add(new File([bytes], 'tabby.jpg', { type: 'image/jpeg' }));
                document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
            }, readFileSync(inPhotos('tabby.jpg')).toString('base64'));
            await shown(page, inPhotos('tabby.jpg'));
        }

        test('the page', () => visit(site.url, async (page) => {
            await asksForPictures(page);
            await page.evaluate(() => document.querySelector('img[alt="Example: espresso"]').click());
            await shown(page, inPhotos('espresso.jpg'));
            await page.screenshot(join(screenshots, `${name}-page.png`));
        }));

        test('the page: many pictures, a drawing, the camera', () => visit(site.url, async (page) => {
            await page.until(() => document.querySelector('#known li'));
            await page.setFiles('#file', ['espresso.jpg', 'tabby.jpg'].map(inPhotos));
            await page.until(() => document.querySelectorAll('#strip li[data-done]').length === 2);
            const labels = await page.evaluate(() => [...document.querySelectorAll('#strip .name')].map(({ textContent }) => textContent));
            assert.ok(labels.every((label, i) => label.endsWith(nameOf(classifier.classifySync(readFileSync(inPhotos(['espresso.jpg', 'tabby.jpg'][i])))[0]))), String(labels));
            await page.until(() => [...document.querySelectorAll('#strip canvas')].every((canvas) => canvas.getContext('2d').getImageData(90, 90, 1, 1).data[3] === 255));
            await page.evaluate(() => {
                document.getElementById('mode-draw').click();
                for (const key of [' ', 'ArrowUp', 'ArrowUp', ' '])
                    document.getElementById('pad').dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
            });
            await page.until(() => document.querySelectorAll('#bars li').length === 5);
            await page.evaluate(() => document.getElementById('mode-camera').click());
            await page.until(() => !document.getElementById('camera-label').hidden && document.getElementById('camera-name').textContent);
            await page.until(() => { /* the label stands in the picture, all of it, when the frame is as large as that */
                const [frame, label] = [document.querySelector('#camera .frame'), document.getElementById('camera-score')].map((part) => part.getBoundingClientRect());
                return label.width > 0 && label.right <= frame.right && label.bottom <= frame.bottom && label.top > frame.top;
            });
            await page.screenshot(join(screenshots, `${name}-page-camera.png`));
            await page.evaluate(() => document.getElementById('mode-picture').click());
            await page.until(() => !document.getElementById('video').srcObject);
        }, phone));

        test('the standalone page, from disk', async () => {
            const here = folder(), path = join(here, 'objects160.html');
            succeeded(await eyelet(['export', join(root, 'web/models/objects160.eyelet'), '--html', '-o', path]));
            await visit(`file://${path}`, asksForPictures);
        });

        test('examples/img.html', () => example('img.html', async (page) => {
            await page.until(() => document.querySelectorAll('figcaption ol').length === 2);
            const labels = await page.evaluate(() => [...document.querySelectorAll('li')].map(({ firstChild }) => firstChild.data));
            assert.deepEqual(labels, ['espresso.jpg', 'tabby.jpg'].flatMap((name) => classifier.classifySync(readFileSync(inPhotos(name)), { topK: 3 }).map(nameOf)));
            await page.screenshot(join(screenshots, `${name}-img.png`));
        }, phone));

        test('examples/camera.html', () => example('camera.html', async (page) => {
            const press = () => page.evaluate(() => document.querySelector('button').click());
            await press();
            await page.until(() => /, \d+%$/.test(document.querySelector('output').textContent));
            await page.screenshot(join(screenshots, `${name}-camera.png`));
            await press();
            await page.until(() => document.querySelector('output').textContent === 'The camera is off' && !document.querySelector('video').srcObject);
        }, phone));

        test('examples/folder.html', () => example('folder.html', async (page) => {
            await page.setFolder('input', photos);
            await page.until(() => document.querySelector('output').textContent === '3 of 3');
            const labels = await page.evaluate(() => [...document.querySelectorAll('figcaption')].map(({ firstChild }) => firstChild.data));
            const expected = readdirSync(photos).map((name) => classifier.classifySync(readFileSync(inPhotos(name)))[0]);
            assert.deepEqual(labels.sort(), expected.map((best) => `${best.score < classifier.info.threshold ? 'perhaps ' : ''}${nameOf(best)}`).sort());
            await page.screenshot(join(screenshots, `${name}-folder.png`));
        }));
    });
