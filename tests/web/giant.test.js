/* A picture that takes hundreds of megabytes, in the page: none of them stay. background.test.js has the same in Node. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { launch, skip, visitPage } from '../support/chromium.js';
import { encodePng, gradient, largePng } from '../support/pictures.js';
import { tinyModel } from '../support/tiny_model.js';

const file = (name, buffer) => ({ name, mimeType: 'image/png', buffer });
const small = encodePng(gradient(16, 9)), width = 16384, height = 2350;

describe('a giant in the page', { skip }, () => {
    let browser, site, classifier;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
        classifier = await loadClassifier({ model: tinyModel() });
    });
    after(async () => {
        await browser?.close();
        await site.close();
    });

    test('another worker takes the place of the one that had it, and the preview is a smaller copy', { timeout: 120_000 }, () => visitPage(browser, site.url, async (page) => {
        const expected = classifier.classifySync(small).map(({ label }) => label);
        const shows = (count) => page.waitForFunction(([labels, pixels]) => {
            const { naturalWidth, naturalHeight } = document.getElementById('preview');
            return document.querySelectorAll('#bars li').length === labels && naturalWidth * naturalHeight > 0 && (naturalWidth * naturalHeight === 16 * 9) === pixels;
        }, count);
        await page.waitForSelector('#known li');
        await page.setInputFiles('#file', file('small.png', small));
        await shows([5, true]);
        const first = page.workers();
        assert.equal(first.length, 1);
        await page.setInputFiles('#file', file('giant.png', largePng(width, height, { interlaced: true })));
        await shows([5, false]);
        const shown = await page.evaluate(() => [document.getElementById('preview').naturalWidth, document.getElementById('preview').naturalHeight]);
        const scale = Math.sqrt(4e6 / (width * height));
        assert.deepEqual(shown, [Math.ceil(width * scale), Math.ceil(height * scale)]);
        while (page.workers().length !== 1 || page.workers()[0] === first[0])
            await page.waitForTimeout(50);
        await page.setInputFiles('#file', file('small.png', small));
        await shows([5, true]);
        await page.waitForFunction((best) => document.querySelector('#bars .name')?.textContent === best, expected[0]);
        assert.deepEqual(await page.locator('#bars .name').allTextContents(), expected);
        assert.equal(page.workers().length, 1);
    }, { models: { 'tiny.eyelet': tinyModel() } }));
});
