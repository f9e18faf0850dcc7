/* What the page is tried out with: many pictures, the drawing pad and its game, models by their address. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { launch, phone, skip, visitPage } from '../support/chromium.js';
import { encodePng, gradient } from '../support/pictures.js';
import { folder } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const models = { 'tiny.eyelet': tinyModel(), 'two.eyelet': tinyModel({ labels: ['yes', 'no'], notes: 'name: Second\n' }) };
const pictures = Array.from({ length: 4 }, (_, i) => encodePng(gradient(30 + 20 * i, 40, 60 * i)));
const files = pictures.map((buffer, i) => ({ name: `${i + 1}.png`, mimeType: 'image/png', buffer }));
const textFile = { name: '0.txt', mimeType: 'text/plain', buffer: Buffer.from('words') };

describe('the page', { skip }, () => {
    let browser, site, labels;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
        const classifier = await loadClassifier({ model: models['tiny.eyelet'] });
        labels = pictures.map((picture) => classifier.classifySync(picture)[0]);
    });
    after(async () => {
        await browser?.close();
        await site?.close();
    });

    const visit = (steps, { query = '', ...options } = {}) => visitPage(browser, `${site.url}${query}`, async (page) => {
        await page.waitForSelector('#known li');
        await steps(page);
    }, { models, ...options });
    const words = (page, pattern) => page.waitForFunction((pattern) =>
        new RegExp(pattern).test(document.getElementById('strip-words').textContent), pattern.source);
    const shownLabels = (page) => page.locator('#strip .name').allTextContents();
    const expected = () => labels.map(({ label, score }) => score < 0.5 ? `Perhaps ${label}` : label);

    /* --- Many pictures --- */

    test('several files: a label each, one in full, and all as CSV', () => visit(async (page) => {
        await page.setInputFiles('#file', [...files].reverse().concat(textFile));
        await words(page, /^5 pictures$/);
        assert.deepEqual(await shownLabels(page), ['unreadable', ...expected()]);
        assert.equal(await page.textContent('#strip-said'), '5 pictures');
        const pressed = () => page.locator('#strip [aria-pressed="true"]').evaluateAll((all) => all.map(({ title }) => title));
        assert.deepEqual(await pressed(), ['0.txt']);
        await page.click('#strip button[title="3.png"]');
        await page.waitForFunction((label) => document.querySelector('#bars .name')?.textContent === label, labels[2].label);
        await page.waitForFunction(() => document.getElementById('preview').naturalWidth === 70);
        assert.deepEqual(await pressed(), ['3.png']);
        const coming = page.waitForEvent('download');
        await page.click('#strip-csv');
        const lines = readFileSync(await (await coming).path(), 'utf8').slice(1).split('\r\n');
        assert.match(lines[1], /^0\.txt,,,"?.*neither JPEG nor PNG/);
        assert.deepEqual(lines.slice(2), [...labels.map(({ label, score }, i) => `${i + 1}.png,${label},${score.toFixed(4)},`), '']);
        await page.setInputFiles('#file', files[0]);
        await page.waitForSelector('#strip-shown', { state: 'hidden' });
    }));

    test('a folder: its pictures, by their paths, and another model labels them again', () => visit(async (page) => {
        const here = folder();
        mkdirSync(join(here, 'b'));
        for (const [name, bytes] of [['b/10.png', pictures[2]], ['b/9.png', pictures[1]], ['a.png', pictures[0]], ['notes.txt', 'words']])
            writeFileSync(join(here, name), bytes);
        await page.setInputFiles('#folder', here);
        await words(page, /^3 pictures$/);
        const titles = await page.locator('#strip button').evaluateAll((all) => all.map(({ title }) => title.replace(/^[^/]*\//, '')));
        assert.deepEqual(titles, ['a.png', 'b/9.png', 'b/10.png']);
        await page.selectOption('#models', 'two');
        await page.waitForFunction(() => [...document.querySelectorAll('#strip .name')].every(({ textContent }) => /yes|no/.test(textContent)));
        await page.setInputFiles('#folder', here.replace(/$/, '/b'));
        await words(page, /^2 pictures$/);
    }));

    const many = (page, count) => page.evaluate(([base64, count]) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)), transfer = new DataTransfer();
        for (let i = 0; i < count; i++)
            transfer.items.add(new File([bytes], `${i}.png`, { type: 'image/png' }));
        document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }, [pictures[0].toString('base64'), count]);

    test('thousands cost no more cards than are looked at', () => visit(async (page) => {
        await many(page, 2000);
        await words(page, /^2,000 pictures$/);
        const cards = await page.locator('#strip li').count();
        assert.ok(cards >= 60 && cards < 500, `${cards} cards`);
        await page.evaluate(() => { document.getElementById('strip').lastElementChild.scrollIntoView(); });
        await page.waitForFunction((cards) => document.querySelectorAll('#strip li[data-done]').length > cards, cards);
    }));

    test('it can be stopped, and what there is can be saved', () => visit(async (page) => {
        await page.evaluate(() => new MutationObserver(([{ target }]) => target.hidden || document.getElementById('strip-cancel').click())
            .observe(document.getElementById('strip-csv'), { attributes: true }));
        await many(page, 5000);
        await words(page, /^Stopped after [\d,]+ of 5,000$/);
        assert.equal(await page.isVisible('#strip-csv'), true);
        assert.equal(await page.isVisible('#strip-cancel'), false);
    }));

    /* --- Drawing --- */

    const pixel = (page, x, y) => page.evaluate(([x, y]) => [...document.getElementById('pad').getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3), [x, y]);
    const white = [255, 255, 255], black = [0x1d, 0x1d, 0x1f];
    async function stroke(page, y) {
        const box = await page.locator('#pad').boundingBox(), at = (fraction) => [box.x + box.width * fraction, box.y + box.height * y];
        await page.mouse.move(...at(0.2));
        await page.mouse.down();
        await page.mouse.move(...at(0.8), { steps: 6 });
        await page.mouse.up();
    }

    test('a stroke is taken back by the button and by Ctrl+Z', () => visit(async (page) => {
        await page.click('#mode-draw');
        assert.equal(await page.isDisabled('#undo'), true);
        await stroke(page, 0.25);
        await stroke(page, 0.75);
        assert.deepEqual([await pixel(page, 192, 96), await pixel(page, 192, 288)], [black, black]);
        await page.click('#undo');
        assert.deepEqual([await pixel(page, 192, 96), await pixel(page, 192, 288)], [black, white]);
        await page.waitForSelector('#bars li');
        await page.focus('#pad');
        await page.keyboard.press('Control+z');
        assert.deepEqual(await pixel(page, 192, 96), white);
        assert.equal(await page.isDisabled('#undo'), true);
        assert.equal(await page.textContent('#verdict'), 'Draw something');
    }));

    test('the keyboard draws', () => visit(async (page) => {
        await page.click('#mode-draw');
        await page.focus('#pad');
        await page.keyboard.press('ArrowLeft');
        await page.keyboard.press('Space');
        for (let i = 0; i < 5; i++)
            await page.keyboard.press('ArrowUp');
        await page.keyboard.press('Space');
        await page.keyboard.press('ArrowLeft');
        await page.waitForSelector('#bars li');
        assert.deepEqual([await pixel(page, 180, 150), await pixel(page, 180, 250), await pixel(page, 168 - 10, 132)], [black, white, white]);
        assert.equal(await page.isVisible('#pad-point'), true);
    }));

    test('what is drawn is guessed while it is, without a word to those who listen', () => visit(async (page) => {
        await page.click('#mode-draw');
        const { x, y } = await page.locator('#pad').boundingBox();
        await page.mouse.move(x + 50, y + 50);
        await page.mouse.down();
        await page.mouse.move(x + 90, y + 90, { steps: 4 });
        await page.waitForSelector('#bars li');
        assert.equal(await page.getAttribute('#verdict', 'aria-live'), 'off');
        await page.mouse.up();
        assert.equal(await page.getAttribute('#verdict', 'aria-live'), null);
    }));

    test('the game is won when the model sees it, and lost when the time is up', () => visit(async (page) => {
        await page.click('#mode-draw');
        const heard = [];
        for (let round = 0; round < 2; round++) {
            await page.click('#game-play');
            const asked = await page.textContent('#game-words');
            await stroke(page, 0.5);
            await page.waitForSelector('#bars li');
            if (asked === 'Draw: cat')
                await page.clock.fastForward(21_000);
            await page.waitForFunction(() => !/^Draw/.test(document.getElementById('game-words').textContent));
            heard.push([asked, await page.textContent('#game-words')]);
            assert.equal(await page.textContent('#game-play'), 'Play again');
        }
        const [[, lost], [, won]] = heard.sort();
        assert.deepEqual(heard.map(([asked]) => asked), ['Draw: cat', 'Draw: ship']);
        assert.equal(lost, 'Time is up. It was: cat');
        assert.match(won, /^It sees it: ship\. (One second|\d+ seconds)!$/);
        await page.click('#game-play');
        await page.click('#game-play');
        assert.equal(await page.isVisible('#game'), false);
    }, { prepare: (page) => page.clock.install(), models: { 'ship.eyelet': tinyModel({ labels: ['ship', 'cat'], weight: 0 }) } }));

    test('of many classes the best three count', () => visit(async (page) => {
        await page.click('#mode-draw');
        await page.click('#game-play');
        assert.match(await page.textContent('#game-words'), /^Draw: (ship|cat)$/);
        await stroke(page, 0.5);
        await page.waitForFunction(() => /^It sees it/.test(document.getElementById('game-words').textContent));
    }, { models: { 'many.eyelet': tinyModel({ labels: ['thing', 'ship', 'cat', ...Array.from({ length: 20 }, (_, i) => `thing ${i}`)], weight: 0 }) } }));

    /* --- Models by their address --- */

    const chosen = (page) => page.locator('#models option:checked').textContent();

    test('?model= opens that model, and the link to it is copied', () => visit(async (page) => {
        assert.equal(await chosen(page), 'two');
        assert.match(await page.textContent('#facts'), /Second/);
        await page.click('#copy-link');
        await page.waitForFunction(() => document.getElementById('copied').textContent === 'Copied');
        const link = await page.evaluate(() => navigator.clipboard.readText());
        assert.equal(link, `${site.url}?model=models%2Ftwo.eyelet`);
        await page.setInputFiles('#file', { name: 'mine.eyelet', mimeType: '', buffer: tinyModel({ labels: ['a'] }) });
        await page.waitForSelector('#model-link', { state: 'hidden' });
        assert.equal(await chosen(page), 'mine');
    }, { query: '?lang=en&model=models/two.eyelet', permissions: ['clipboard-read', 'clipboard-write'] }));

    test('one beside the page gets an entry of its own', () => visit(async (page) => {
        assert.deepEqual(await page.locator('#models option').allTextContents(), ['tiny', 'two', 'own one']);
        assert.equal(await chosen(page), 'own one');
    }, { query: '?model=shared/own%2520one.eyelet', routes: { '**/shared/own%20one.eyelet': { body: tinyModel({ labels: ['a', 'b'] }) } } }));

    test("what cannot be opened is told, and the page's own model is open", async () => {
        for (const [model, told] of [['https://elsewhere.example/m.eyelet', /on another site.*drop the file here/i], ['none.eyelet', /404/], ['icon.svg', /not an Eyelet model|is the path right/]])
            await visit(async (page) => {
                const problem = await page.locator('#problem:not([hidden])').textContent();
                assert.match(problem, told);
                assert.match(problem, /The model in use is tiny\.$/);
                assert.equal(await chosen(page), 'tiny');
                assert.equal(await page.locator('#models option').count(), 2);
            }, { query: `?model=${model}`, complaints: /404/ });
    });

    test('where the clipboard is out of reach the address is the link', () => visit(async (page) => {
        await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); });
        await page.click('#copy-link');
        await page.waitForFunction(() => /the link now/.test(document.getElementById('copied').textContent));
        assert.equal(page.url(), `${site.url}?model=models%2Ftiny.eyelet`);
    }));

    /* --- On a phone --- */

    test('picture and result are seen together, and nothing jumps', () => visit(async (page) => {
        await page.evaluate(() => {
            window.shifts = [];
            new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(({ value }) => value))).observe({ type: 'layout-shift' });
        });
        await page.setInputFiles('#file', new URL('../../web/examples/espresso.jpg', import.meta.url).pathname);
        await page.waitForSelector('#bars li');
        await page.waitForTimeout(100);
        const seen = await page.evaluate(() => ['frame', 'verdict', 'bars'].map((id) => {
            const part = id === 'bars' ? document.getElementById('bars').firstElementChild : document.getElementById(id);
            const { top, bottom, height } = part.getBoundingClientRect();
            return { id, height, isSeen: top >= 0 && bottom <= innerHeight };
        }));
        assert.deepEqual(seen.filter(({ isSeen }) => !isSeen), []);
        assert.ok(seen[0].height >= 200, `the picture is ${seen[0].height} px high`);
        assert.equal(await page.evaluate(() => scrollY), 0);
        assert.deepEqual(await page.evaluate(() => window.shifts), []);
    }, { models: null, viewport: phone }));
});
