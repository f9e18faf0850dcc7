/* Workers that die in Chromium: a browser that is short of memory ends them without a word. background.test.js is the
 * same in Node. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { launch, skip } from '../support/chromium.js';
import { encodePng, gradient } from '../support/pictures.js';
import { tinyModel } from '../support/tiny_model.js';

const times = 50, png = encodePng(gradient(40, 30));

/* Runs in the page: kills the newest worker, soon after an image was sent to it or while it is computing; the answers to
 * that image and the next. */
async function killWorkers([model, png, times, address]) {
    const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const { BackgroundClassifier } = await import(address);
    const classifier = new BackgroundClassifier(), image = bytesOf(png), answers = [];
    const labelOf = () => classifier.classify(image, { topK: 1 }).then(({ best }) => best[0].label, ({ code }) => code);
    await classifier.open({ model: bytesOf(model) });
    for (let i = 0; i < times; i++) {
        const waiting = labelOf();
        await new Promise((resolve) => { setTimeout(resolve, i % 5 * 3); });
        window.workers.at(-1).terminate();
        answers.push([await waiting, await labelOf()]);
        await labelOf(); /* its worker lives */
    }
    return answers;
}

describe('workers that die', { skip }, () => {
    let browser, site;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
    });
    after(async () => {
        await browser?.close();
        await site.close();
    });

    test(`${times} of them cost an image each at most`, async () => {
        const page = await browser.newPage();
        await page.addInitScript(() => {
            window.workers = [];
            window.Worker = class extends Worker {
                constructor(...given) {
                    super(...given);
                    window.workers.push(this);
                }
            };
        });
        await page.goto(`${site.url}icon.svg`);
        const answers = await page.evaluate(killWorkers, [tinyModel().toString('base64'), png.toString('base64'), times, `${site.url}background.js`]);
        const [{ label }] = (await loadClassifier({ model: tinyModel() })).classifySync(png);
        assert.equal(answers.length, times);
        for (const pair of answers) {
            assert.ok(pair.includes(label), String(pair));
            assert.ok(pair.every((answer) => answer === label || answer === 'TRAPPED'), String(pair));
        }
        assert.ok(answers.flat().includes('TRAPPED'));
    });
});
