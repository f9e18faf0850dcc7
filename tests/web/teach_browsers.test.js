/* The view "Teach" in Firefox and WebKit: taught, saved, reloaded and shared, of which the file and the page answer with the same bits. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { browsers } from '../support/browsers.js';
import { folder } from '../support/program.js';
import { picturesOf } from '../support/taught_pages.js';

const [asked] = picturesOf('blue', 1, 40);
const onDisk = (pictures) => {
    const place = folder(Object.fromEntries(pictures.map(({ name, buffer }) => [name, buffer])));
    return pictures.map(({ name }) => join(place, name));
};

/* --- In the page --- */

const click = (page, selector) => page.evaluate((selector) => document.querySelector(selector).click(), selector);
const counted = (page, count) => page.until((count) => {
    const counts = [...document.querySelectorAll('.teach-count')].map(({ textContent }) => parseInt(textContent, 10));
    return counts.length === 2 && counts.every((one) => one === count);
}, count);
async function open(page) {
    await click(page, '#view-teach');
    await page.until(() => document.querySelectorAll('.teach-class').length === 2);
}
/* Scores to the last bit, each behind its label. */
const scoresIn = (page, list) => page.evaluate((list) => [...document.querySelectorAll(`${list} li`)].map((row) =>
    [row.querySelector('.name').textContent, row.querySelector('.bar').style.getPropertyValue('--score')]), list);
async function ask(page) {
    await page.setFiles('.teach-look input[type=file]', onDisk([asked]));
    await page.until(() => document.querySelector('.teach-answer .verdict.is-answer'));
    return scoresIn(page, '.teach-answer .bars');
}
/* What the page offers to save once that is clicked: no browser asks where to. */
async function saved(page, selector) {
    await page.evaluate(() => {
        const make = URL.createObjectURL;
        URL.createObjectURL = (blob) => {
            window.made = blob;
            URL.createObjectURL = make;
            return make.call(URL, blob);
        };
        HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };
    });
    await click(page, selector);
    await page.until(() => window.made);
    const { name, base64 } = await page.evaluate(async () => {
        const blob = window.made, reader = new FileReader();
        await new Promise((resolve) => {
            reader.onload = resolve;
            reader.readAsDataURL(blob);
        });
        window.made = null;
        return { name: blob.name ?? window.savedAs, base64: reader.result.replace(/^[^]*,/, '') };
    });
    return { name, bytes: Buffer.from(base64, 'base64') };
}

for (const { name, skip, launch } of browsers.filter((one) => one.name !== 'Chromium'))
    describe(`teaching in ${name}`, { skip }, () => {
        let browser, site;
        before(async () => {
            site = await serve({ port: 0 });
            browser = await launch();
        });
        after(async () => {
            await browser?.close();
            await site?.close();
        });

        test('two classes from files: an answer, which stays the same bits in a saved file, goes on after a reload, and stays the same bits in a shared page', async () => {
            const page = await browser.open(site.url);
            await open(page);
            await page.setFiles('.teach-class:nth-child(1) input[type=file]', onDisk(picturesOf('red', 4)));
            await page.setFiles('.teach-class:nth-child(2) input[type=file]', onDisk(picturesOf('blue', 4)));
            await counted(page, 4);
            await page.until(() => /^Kept/.test(document.querySelector('.teach-keep > [role=status]').textContent));
            const file = await saved(page, '.teach-save'), shown = await ask(page);
            assert.equal(file.name, 'My pictures.eyelet');
            const best = (await loadClassifier({ model: file.bytes })).classifySync(asked.buffer);
            assert.deepEqual(shown, best.map(({ label, score }) => [label, String(score)]));
            assert.equal(best[0].label, 'Class 2');

            await page.goto(site.url);
            await page.until(() => document.readyState === 'complete');
            await open(page);
            await page.until(() => document.querySelector('.teach-offer .primary'));
            await click(page, '.teach-offer .primary');
            await counted(page, 4);
            await page.until(() => /right/.test(document.querySelector('.teach-accuracy').textContent)); /* which trains it once more */
            const again = await ask(page), rounded = (rows) => rows.map(([label, score]) => [label, Number(score).toFixed(4)]);
            assert.deepEqual(rounded(again), rounded(shown));
            const shared = await saved(page, '.teach-share');
            assert.equal(shared.name, 'My pictures.html');
            assert.deepEqual(page.heard, []);
            await page.close();

            const mailed = await browser.open(`file://${join(folder({ 'page.html': shared.bytes }), 'page.html')}`);
            await mailed.until(() => document.querySelector('#known li'));
            await mailed.setFiles('#file', onDisk([asked]));
            await mailed.until(() => document.querySelector('#bars li'));
            assert.deepEqual(await scoresIn(mailed, '#bars'), again);
            assert.deepEqual(mailed.heard, []);
            await mailed.close();
        });
    });
