/* The one-file page that the page makes, against the one that the program makes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';

import { loadClassifier } from '../../web/node.js';
import { base64Of, standalonePage } from '../../web/page/share_page.js';
import { launch, skip, visitFile } from '../support/chromium.js';
import { encodePng, gradient } from '../support/pictures.js';
import { eyelet, folder, succeeded } from '../support/program.js';
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
