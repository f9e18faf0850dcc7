/* The one-file page that the page makes, against the one that the program makes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';

import { loadClassifier } from '../../web/node.js';
import { base64Of, standalonePage } from '../../web/page/share_page.js';
import { serve } from '../../web/serve.js';
import { launch, skip, visitFile, visitPage } from '../support/chromium.js';
import { encodePng, gradient } from '../support/pictures.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { teachableModel } from '../support/taught_pages.js';
import { downloaded, estimated, note, teachTwo } from '../support/teach_steps.js';
import { tinyModel } from '../support/tiny_model.js';

const web = new URL('../../web/', import.meta.url);
const read = (path) => readFile(new URL(path, web), 'utf8');
const wasm = readFileSync(new URL('classifier.wasm', web));
const picture = encodePng(gradient(40, 30));

test('the same files give the bytes that `eyelet export --html` gives', async () => {
    const model = tinyModel(), here = folder({ 'm.eyelet': model });
    succeeded(await eyelet(['export', 'm.eyelet', '--html', '-o', 'm.html'], { cwd: here }));
    assert.equal(await standalonePage({ read, wasm, model }), readFileSync(join(here, 'm.html'), 'utf8'));
});

test('base64 of any length', () => {
    for (const length of [0, 1, 2, 3, 3 * 8192 - 1, 3 * 8192, 3 * 8192 + 1, 100_000]) {
        const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
        assert.equal(base64Of(bytes), Buffer.from(bytes).toString('base64'));
    }
});

test('with the model that ships, gzipped, it is below 4 MB', async () => {
    const model = readFileSync(new URL('models/objects160.eyelet', web));
    const page = await standalonePage({ read, wasm: gzipSync(wasm), model: gzipSync(model) });
    assert.ok(Buffer.byteLength(page) < 4e6, `${Buffer.byteLength(page)} bytes`);
    const [, inside] = /id="model">([^<]*)</.exec(page);
    assert.ok(gunzipSync(Buffer.from(inside, 'base64')).equals(model));
});

describe('in Chromium, from disk', { skip }, () => {
    let browser;
    before(async () => { browser = await launch(); });
    after(() => browser?.close());

    describe('made by the view "Teach"', () => {
        let site;
        before(async () => { site = await serve({ port: 0 }); });
        after(() => site?.close());
        const shared = (steps, options) => visitPage(browser, site.url, async (page) => {
            await teachTwo(page, 2);
            await estimated(page); /* nothing moves any more */
            await page.fill('.teach-title', 'Red or blue?');
            await page.click('.teach-share');
            await page.waitForSelector('.teach-ready a');
            await steps(page);
        }, { models: { 'small.eyelet': teachableModel() }, ...options });
        const send = (page) => page.getByRole('button', { name: 'Send it\u2026' });

        test('it is handed to what the system sends with; to think better of it is no error', () => shared(async (page) => {
            const sent = async (count) => {
                await send(page).click();
                await page.waitForFunction((count) => window.sent.length === count, count);
                return page.evaluate(() => window.sent.at(-1));
            };
            assert.deepEqual(await sent(1), { name: 'Red or blue.html', type: 'text/html', title: 'Red or blue?', files: 1, start: '<!doctype html>' });
            await page.evaluate(() => { window.answer = 'AbortError'; });
            await sent(2);
            await page.evaluate(() => { window.answer = 'DataError'; });
            assert.equal(await page.locator('.teach-note.is-problem:visible').count(), 0);
            await sent(3);
            assert.match(await note(page, /refused/), /DataError: refused/);
        }, { prepare: (page) => page.addInitScript(() => {
            window.sent = [];
            navigator.canShare = ({ files }) => files?.length === 1 && files[0].type === 'text/html';
            navigator.share = async ({ files, title }) => {
                const [{ name, type }] = files, start = (await files[0].text()).slice(0, 15).toLowerCase();
                window.sent.push({ name, type, title, files: files.length, start });
                if (window.answer)
                    throw new DOMException(`${window.answer}: refused`, window.answer);
            };
        }) }));

        test('where the system sends nothing, or no such files, it is there to download', () => shared(async (page) => {
            assert.equal(await send(page).count(), 0);
            await page.evaluate(() => {
                document.querySelector('.teach-ready').replaceChildren();
                navigator.canShare = () => false;
            });
            await page.click('.teach-share');
            await page.waitForSelector('.teach-ready a');
            assert.equal(await send(page).count(), 0);
            const { name, bytes } = await downloaded(page, '.teach-ready a');
            assert.equal(name, 'Red or blue.html');
            assert.match(String(bytes.subarray(0, 15)), /^<!doctype html>$/i);
        }, { prepare: (page) => page.addInitScript('navigator.canShare = navigator.share = undefined') }));

        test('an estimate that comes while the button is pressed does not move it away', () => visitPage(browser, site.url, async (page) => {
            const at = () => page.locator('.teach-share').evaluate((share) => share.getBoundingClientRect().top);
            await teachTwo(page, 2);
            await page.locator('.teach-share').hover();
            const top = await at();
            await page.mouse.down();
            await page.waitForTimeout(2000); /* it takes 0.7 s where it may come */
            assert.equal(await at(), top);
            await page.mouse.up();
            await estimated(page);
            assert.notEqual(await at(), top);
            await page.waitForSelector('.teach-ready a');
        }, { models: { 'small.eyelet': teachableModel() } }));

        test('what is changed while the page is made is in it', () => shared(async (page) => {
            let held = 0;
            await page.route('**/classifier.wasm', async (route) => { /* the model was saved before it is asked for */
                if (held++ === 0)
                    await page.evaluate(() => {
                        const name = document.querySelector('.teach-class input:not([type=file])');
                        name.value = 'warm things';
                        name.dispatchEvent(new Event('change'));
                    });
                await route.continue();
            });
            await page.click('.teach-share');
            await page.waitForFunction(() => !document.querySelector('.teach-share[aria-busy]'));
            const { bytes } = await downloaded(page, '.teach-ready a');
            const [, model] = /id="model">([\w+/=]+)</.exec(bytes);
            assert.ok(gunzipSync(Buffer.from(model, 'base64')).includes('warm things'));
            assert.equal(held, 2, 'it is made once more');
        }));
    });

    test('gzipped, with pictures to try, of which the labels are text', async () => {
        const label = '</script><img src=x>', model = tinyModel();
        const page = await standalonePage({ read, wasm: gzipSync(wasm), model: gzipSync(model), examples: [{ label, picture: picture.toString('base64') }] });
        const path = join(folder({ 'page.html': page }), 'page.html');
        const best = (await loadClassifier({ model })).classifySync(picture);
        await visitFile(browser, path, async (opened) => {
            await opened.waitForSelector('#known li');
            assert.equal(await opened.locator('#examples img').getAttribute('alt'), label);
            await opened.click('#examples button');
            await opened.waitForSelector('#bars li');
            assert.deepEqual(await opened.locator('#bars .name').allTextContents(), best.map(({ label }) => label));
        });
    });
});
