/* The page's "Show why" in Chromium: a map over the picture, of the class that is asked for, as long as there is the picture. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { launch, phone, skip, visitPage } from '../support/chromium.js';
import { encodePng } from '../support/pictures.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

const axePath = (() => {
    try {
        return createRequire(import.meta.url).resolve('axe-core/axe.min.js');
    } catch {
        return null;
    }
})();

/* Two classes, the mean of red and that of green, of the cells of a map that is the picture itself. */
let numbers = 0;
const colours = modelOf({ input: [8, 8, 3], labels: ['red_things', 'green_things'], mean: [0, 0, 0], std: [1, 1, 1], fit: 2,
    weight: () => [1, 0, 0, 1, 0, 0][numbers++],
    layers: [{ kind: 'conv2d', channels: 2, kernel: [1, 1] }, { kind: 'global_avgpool' }, { kind: 'softmax' }] });

/* 40 x 20: red in the top left corner, green at the right, else black. */
const data = new Uint8ClampedArray(4 * 40 * 20);
for (let y = 0; y < 20; y++)
    for (let x = 0; x < 40; x++)
        data.set([x < 10 && y < 8 ? 255 : 0, x >= 30 ? 200 : 0, 0, 255], 4 * (40 * y + x));
const picture = { name: 'a.png', mimeType: 'image/png', buffer: encodePng({ data, width: 40, height: 20 }) };

/* How opaque the map is there, in fractions of the picture; -1: it is not shown. */
const warmth = (page, x, y) => page.evaluate(([x, y]) => {
    const heat = document.querySelector('#heat');
    if (heat.hidden)
        return -1;
    const copy = Object.assign(document.createElement('canvas'), { width: heat.width, height: heat.height }).getContext('2d', { willReadFrequently: true });
    copy.drawImage(heat, 0, 0);
    return copy.getImageData(x * heat.width, y * heat.height, 1, 1).data[3] / 255;
}, [x, y]);

async function classified(page, files = picture) {
    await page.setInputFiles('#file', files);
    await page.locator('#why').waitFor();
}

describe('show why', { skip }, () => {
    let browser, site;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
    });
    after(async () => {
        await browser.close();
        await site.close();
    });
    const visit = (steps, options) => visitPage(browser, site.url, steps, { models: { 'colours.eyelet': colours }, ...options });
    const heard = (page, words) => page.locator('#why-said', { hasText: words }).waitFor();

    test('the best class, then another by its bar, and off again', () => visit(async (page) => {
        const asked = [];
        page.on('request', (request) => asked.push(request.url()));
        await classified(page);
        assert.ok(!asked.some((url) => url.endsWith('teacher.wasm')), 'nothing is fetched before it is asked for');
        await page.click('#why');
        await heard(page, 'What speaks most for green things is at the right of the picture.');
        assert.ok(await warmth(page, 0.95, 0.5) > 0.9 && await warmth(page, 0.1, 0.2) < 0.1 && await warmth(page, 0.5, 0.9) < 0.1);
        await page.getByRole('button', { name: 'Why red things?' }).click();
        await heard(page, 'What speaks most for red things is at the top left of the picture.');
        assert.ok(await warmth(page, 0.06, 0.13) > 0.8 && await warmth(page, 0.95, 0.5) < 0.1);
        assert.equal(await page.locator('.why-this[aria-pressed="true"]').getAttribute('aria-label'), 'Why red things?');
        await page.getByRole('button', { name: 'Show why' }).click();
        assert.equal(await warmth(page, 0.5, 0.5), -1);
        assert.equal(await page.textContent('#why-said'), '');
    }));

    test('the map lies where the picture does, also on a phone, and the slider makes it weaker', () => visit(async (page) => {
        await classified(page);
        await page.focus('#why');
        await page.keyboard.press('Enter');
        await heard(page, 'green things');
        const [heat, preview] = await page.evaluate(() => ['#heat', '#preview'].map((name) => {
            const node = document.querySelector(name), { x, y, width, height } = node.getBoundingClientRect();
            return [x, y, width, height, (node.naturalWidth ?? node.width) / (node.naturalHeight ?? node.height), getComputedStyle(node).objectFit];
        }));
        assert.deepEqual(heat, preview);
        const opacity = () => page.evaluate(() => Number(getComputedStyle(document.querySelector('#heat')).opacity));
        const before = await opacity();
        await page.focus('#why-strength');
        for (let i = 0; i < 30; i++)
            await page.keyboard.press('ArrowLeft');
        assert.ok(Math.abs(before - 0.3 - await opacity()) < 1e-3);
    }, { viewport: phone }));

    test('it goes with the picture, the way in and the model', () => visit(async (page) => {
        await classified(page);
        await page.click('#why');
        await heard(page, 'green things');
        await page.setInputFiles('#file', { ...picture, name: 'b.png' });
        await page.locator('#heat').waitFor({ state: 'hidden' });
        await page.locator('#why[aria-pressed="false"]').waitFor();
        await page.click('#why');
        await heard(page, 'green things');
        await page.click('#mode-draw');
        await page.locator('#pad').click();
        await page.locator('#bars li').first().waitFor();
        assert.equal(await page.locator('#why').isVisible(), false);
        assert.equal(await page.locator('.why-this').count(), 0);
    }));

    test('nothing that speaks for a class, and a model without a map, are told', () => visit(async (page) => {
        const black = encodePng({ data: new Uint8ClampedArray(4 * 64).fill(0).map((_, i) => i % 4 === 3 ? 255 : 0), width: 8, height: 8 });
        await classified(page, { ...picture, buffer: black });
        await page.click('#why');
        await heard(page, 'Nothing in the picture speaks for red things.');
        await page.setInputFiles('#file', { name: 'flat.eyelet', mimeType: '', buffer: tinyModel() });
        await page.locator('#facts', { hasText: 'mean colour' }).waitFor();
        await page.locator('#why[aria-pressed="false"]').waitFor();
        await page.click('#why');
        await heard(page, /no feature map/);
        assert.equal(await warmth(page, 0.5, 0.5), -1);
    }));

    for (const colorScheme of ['light', 'dark'])
        test(`axe-core finds nothing with a map shown, ${colorScheme}`, { skip: !axePath && 'NOT CHECKED: axe-core is not installed' }, () => visit(async (page) => {
            await classified(page);
            await page.click('#why');
            await heard(page, 'green things');
            await page.evaluate(readFileSync(axePath, 'utf8'));
            const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
            assert.deepEqual(violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`)), []);
        }, { colorScheme, viewport: phone, reducedMotion: 'reduce' }));

    test('the picture that the page shows has the map of Node', () => visit(async (page) => {
        const file = new URL('../../web/examples/tabby.jpg', import.meta.url);
        await classified(page, { name: 'tabby.jpg', mimeType: 'image/jpeg', buffer: readFileSync(file) });
        await page.click('#why');
        await heard(page, 'egyptian cat');
        const classifier = await loadClassifier({ model: new URL('../../web/models/objects160.eyelet', import.meta.url) });
        const { map, width, height } = await classifier.explain(file);
        for (const [x, y] of [[0.25, 0.25], [0.5, 0.5], [0.75, 0.25], [0.4, 0.6]]) {
            const wanted = map[Math.floor(y * height) * width + Math.floor(x * width)];
            assert.ok(Math.abs(await warmth(page, x, y) - wanted) < 0.05, `${x}, ${y}: ${wanted}`);
        }
    }, { models: null }));
});
