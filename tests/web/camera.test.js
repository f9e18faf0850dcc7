/* The camera of the page, and CameraClassifier, with Chromium's test camera. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { launch, phone, skip, visitPage } from '../support/chromium.js';
import { cameraOf, filmOf } from '../support/film.js';
import { encodePng, gradient } from '../support/pictures.js';
import { folder } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const red = [250, 10, 10];
const other = tinyModel({ labels: ['this', 'that'], notes: 'name: Other\n' });
const models = { 'tiny.eyelet': tinyModel(), 'other.eyelet': other };
const plain = { width: 8, height: 8, data: Uint8ClampedArray.from({ length: 256 }, (_, i) => [...red, 255][i % 4]) };

describe('the camera', { skip }, () => {
    let browser, two, site, label;
    before(async () => {
        const path = join(folder(), 'red.y4m');
        writeFileSync(path, filmOf([red, red]));
        site = await serve({ port: 0 });
        browser = await launch(...cameraOf(path));
        two = await launch('--use-fake-device-for-media-stream=device-count=2', '--use-fake-ui-for-media-stream'); /* of a film there is only one */
        label = (await loadClassifier({ model: tinyModel() })).classifySync(plain)[0].label;
    });
    after(async () => {
        await browser?.close();
        await two?.close();
        await site?.close();
    });

    const visit = (steps, { from = browser, ...options } = {}) => visitPage(from, site.url, async (page) => {
        await page.waitForSelector('#known li');
        await steps(page);
    }, { models, viewport: phone, ...options });
    const on = async (page) => {
        await page.click('#mode-camera');
        await page.waitForSelector('#camera-label:not([hidden])');
    };
    const isOff = (page) => page.waitForFunction(() => !document.getElementById('video').srcObject);
    const problem = (page) => page.locator('#problem:not([hidden])').textContent();
    /* getUserMedia fails in this way. */
    const failing = (name) => ({ prepare: (page) => page.addInitScript((name) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('words', name));
    }, name) });

    test('labels stand over the picture, are said but do not chatter, and go with the camera', () => visit(async (page) => {
        await on(page);
        assert.match(await page.textContent('#camera-name'), new RegExp(label));
        await page.waitForFunction((label) => document.querySelector('#bars .name')?.textContent === label, label);
        assert.match(await page.locator('#timing').textContent(), /ms on this device/);
        await page.waitForFunction(() => /frames? a second/.test(document.getElementById('timing').textContent));
        assert.equal(await page.getAttribute('#verdict', 'aria-live'), 'off');
        assert.ok(await page.evaluate(() => document.getElementById('video').videoWidth > 0));
        await page.evaluate(() => { window.track = document.getElementById('video').srcObject.getTracks()[0]; });
        await page.click('#mode-draw');
        await isOff(page);
        assert.equal(await page.evaluate(() => window.track.readyState), 'ended');
        assert.equal(await page.getAttribute('#verdict', 'aria-live'), null);
    }));

    test('what the camera saw is no answer about a drawing or a picture', () => visit(async (page) => {
        const says = (words) => page.waitForFunction((words) => document.getElementById('verdict').textContent === words, words);
        await on(page);
        await page.click('#mode-draw');
        await says('Draw something');
        assert.equal(await page.locator('#bars li').count(), 0);
        await page.click('#mode-picture');
        await page.waitForSelector('#known li');
        await page.setInputFiles('#file', { name: 'a.png', mimeType: 'image/png', buffer: encodePng(gradient(32, 32)) });
        await page.waitForSelector('#bars li');
        const answer = await page.textContent('#verdict');
        await page.click('#mode-draw');
        await says('Draw something');
        await page.click('#mode-picture');
        await says(answer);
    }));

    test('freeze keeps a frame and its result, and it goes on', () => visit(async (page) => {
        await on(page);
        await page.click('#camera-freeze');
        await page.waitForFunction(() => document.getElementById('video').paused && !/a second/.test(document.getElementById('timing').textContent));
        assert.equal(await page.textContent('#camera-freeze'), 'Go on');
        assert.match(await page.textContent('#camera-said'), new RegExp(`^${label}, \\d+`));
        await page.evaluate(() => { document.getElementById('verdict').textContent = 'frozen'; });
        await page.waitForTimeout(150);
        assert.equal(await page.textContent('#verdict'), 'frozen');
        await page.click('#camera-freeze');
        await page.waitForFunction(() => document.getElementById('verdict').textContent !== 'frozen');
    }));

    test('the other camera, and another model while it is on', () => visit(async (page) => {
        await on(page);
        const device = () => page.evaluate(() => document.getElementById('video').srcObject?.getVideoTracks()[0].getSettings().deviceId);
        const first = await device();
        await page.click('#camera-switch');
        await page.waitForFunction((first) => ![first, undefined].includes(document.getElementById('video').srcObject?.getVideoTracks()[0].getSettings().deviceId), first);
        await page.selectOption('#models', 'other');
        await page.waitForFunction(() => /this|that/.test(document.querySelector('#bars .name')?.textContent));
        assert.notEqual(await device(), first);
    }, { from: two }));

    test("a phone's front is asked for, and shown as in a mirror", () => visit(async (page) => {
        await on(page);
        assert.equal(await page.locator('#video.is-mirrored').count(), 0);
        await page.evaluate(() => { document.getElementById('camera-switch').hidden = false; });
        for (const [side, mirrored] of [['user', 1], ['environment', 0]]) {
            await page.click('#camera-switch');
            await page.waitForFunction((side) => window.asked.at(-1) === side && document.getElementById('video').srcObject, side);
            await page.waitForFunction((mirrored) => document.querySelectorAll('#video.is-mirrored').length === mirrored, mirrored);
        }
        assert.deepEqual(await page.evaluate(() => window.asked), ['environment', 'user', 'environment']);
    }, { prepare: (page) => page.addInitScript(() => {
        const { getUserMedia } = MediaDevices.prototype;
        window.asked = [];
        MediaDevices.prototype.getUserMedia = function(constraints) {
            window.asked.push(constraints.video.facingMode);
            return getUserMedia.call(this, constraints);
        };
        MediaStreamTrack.prototype.getSettings = () => ({ facingMode: window.asked.at(-1) });
    }) }));

    test('a camera that cannot be switched to leaves the one before on', () => visit(async (page) => {
        const heard = await page.evaluate(async () => {
            const { CameraClassifier } = await import('/classifier.js'), { getUserMedia } = MediaDevices.prototype, video = document.createElement('video');
            let wake, failures = 0;
            const live = new CameraClassifier(video, { model: '/models/tiny.eyelet', onResult: () => wake?.() });
            await live.start();
            const device = () => video.srcObject.getVideoTracks()[0].getSettings().deviceId, first = device();
            MediaDevices.prototype.getUserMedia = function(constraints) {
                return failures++ ? getUserMedia.call(this, constraints) : Promise.reject(new DOMException('words', 'NotReadableError'));
            };
            const message = await live.switchCamera().catch((error) => error.message);
            await new Promise((resolve) => { wake = resolve; });
            const isSame = device() === first;
            live.close();
            return { message, isSame };
        });
        assert.match(heard.message, /used by another program/);
        assert.equal(heard.isSame, true);
    }, { from: two }));

    test('a chosen picture switches it off and is what is shown', () => visit(async (page) => {
        await on(page);
        await page.setInputFiles('#file', { name: 'a.png', mimeType: 'image/png', buffer: encodePng(gradient(40, 30)) });
        await isOff(page);
        await page.waitForSelector('#preview[src]');
        assert.equal(await page.getAttribute('#mode-picture', 'aria-pressed'), 'true');
    }));

    test('refused, absent, in use: words, and it can be tried again', async () => {
        for (const [name, words] of [['NotAllowedError', /was not allowed/], ['NotFoundError', /No camera was found/], ['NotReadableError', /used by another program/]])
            await visit(async (page) => {
                await page.click('#mode-camera');
                assert.match(await problem(page), words);
                await page.evaluate(() => { delete navigator.mediaDevices.getUserMedia; });
                await page.click('#camera-on');
                await page.waitForSelector('#camera-label:not([hidden])');
                assert.equal(await page.isHidden('#problem'), true);
            }, failing(name));
    });

    test('unplugged in use', () => visit(async (page) => {
        await on(page);
        await page.evaluate(() => document.getElementById('video').srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended')));
        assert.match(await problem(page), /unplugged/);
        await isOff(page);
        assert.equal(await page.isVisible('#camera-on'), true);
    }));

    test("where scripts reach no camera a phone's own takes the picture", () => visit(async (page) => {
        await page.click('#mode-camera');
        assert.match(await page.textContent('#camera-words'), /take a photo instead/);
        const chooser = page.waitForEvent('filechooser');
        await page.click('#capture');
        await (await chooser).setFiles({ name: 'a.png', mimeType: 'image/png', buffer: encodePng(plain) });
        await page.waitForFunction((label) => document.querySelector('#bars .name')?.textContent === label, label);
        assert.equal(await page.getAttribute('#capture-file', 'capture'), 'environment');
    }, { prepare: (page) => page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined })) }));

    test('CameraClassifier: results of frames at the size of the model, a frozen one, errors', () => visit(async (page) => {
        const heard = await page.evaluate(async () => {
            const { CameraClassifier, loadClassifier } = await import('/classifier.js');
            const video = document.createElement('video'), heard = {}, results = [];
            let wake;
            const told = () => new Promise((resolve) => { wake = resolve; });
            const codeOf = async (work) => { try { await work(); } catch ({ code }) { return code; } };
            heard.neither = await codeOf(() => new CameraClassifier(video, {}));
            heard.noModel = await codeOf(() => new CameraClassifier(video, { model: '/models/none.eyelet' }).start());
            heard.isOff = video.srcObject === null;
            const live = new CameraClassifier(video, { model: '/models/tiny.eyelet', topK: 2, onError: ({ code, message }) => { heard.lost = `${code} ${message}`; },
                onResult(best, details) {
                    results.push({ best, ...details, frame: [details.frame.width, details.frame.height] });
                    wake?.();
                } });
            heard.early = await codeOf(() => live.freeze());
            await live.start();
            heard.cameras = await live.cameraCount();
            while (results.length < 3)
                await told();
            await live.freeze();
            heard.results = results.slice(0, 3);
            heard.frozen = results.at(-1);
            await live.resume();
            const classifier = await loadClassifier({ model: '/models/other.eyelet' });
            live.use(classifier);
            while (!/this|that/.test(results.at(-1).best[0].label))
                await told();
            video.srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'));
            live.close();
            heard.closed = await codeOf(() => live.start());
            return heard;
        });
        assert.deepEqual([heard.neither, heard.noModel, heard.early, heard.closed], ['ARGUMENT', 'FETCH', 'CAMERA', 'CLOSED']);
        assert.equal(heard.isOff, true);
        assert.equal(heard.cameras, 1);
        for (const { best, frame, isFrozen } of heard.results) {
            assert.deepEqual([best.length, best[0].label, isFrozen], [2, label, false]);
            assert.equal(Math.min(...frame), 32);
        }
        assert.equal(heard.frozen.isFrozen, true);
        assert.match(heard.lost, /^CAMERA the camera was unplugged/);
    }, { complaints: /404/ }));
});
