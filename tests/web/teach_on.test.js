/* The view "Teach" on other networks than the page's own: those that Teachable Machine exports, and models of one's own. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { loadClassifier } from '../../web/node.js';
import { loadTeacher } from '../../web/node_teacher.js';
import { serve } from '../../web/serve.js';
import { give, launch, skip, visitFile, visitPage } from '../support/chromium.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { picturesOf, teachableExport, teachableModel } from '../support/taught_pages.js';
import { answers, ask, card, downloaded, kept, names, note, open, teach, untilCounts } from '../support/teach_steps.js';
import { tinyModel } from '../support/tiny_model.js';
import { zipOf } from '../support/zip_file.js';

const zip = { name: 'Pets.zip', mimeType: 'application/zip', buffer: zipOf(teachableExport({ labels: ['cat', 'dog'] })) };
const [asked] = picturesOf('blue', 1, 40);

async function imported() {
    const here = folder({ [zip.name]: zip.buffer });
    succeeded(await eyelet(['import', zip.name, '-o', 'pets.eyelet'], { cwd: here }));
    return readFileSync(join(here, 'pets.eyelet'));
}

test('in Node, what is taught on an export answers as the file that is saved', async () => {
    const teacher = await loadTeacher({ model: await imported() });
    assert.deepEqual([teacher.info.embedding, teacher.info.labels, teacher.classes], [10, ['cat', 'dog'], []]);
    for (const [label, colour] of [['warm', 'red'], ['cold', 'blue'], ['fresh', 'green']])
        for (const { buffer } of picturesOf(colour, 4))
            await teacher.add(label, buffer);
    const { best } = await teacher.classify(asked.buffer), bytes = await teacher.save();
    assert.equal(best[0].label, 'cold');
    assert.deepEqual((await loadClassifier({ model: bytes })).classifySync(asked.buffer), [...(await teacher.classify(asked.buffer)).best]);
    const again = await loadTeacher({ model: bytes });
    assert.deepEqual((await again.classify(asked.buffer)).best, (await teacher.classify(asked.buffer)).best);
    again.close();
    teacher.close();
});

describe('teaching on a model of one\'s own, in Chromium', { skip }, () => {
    let browser, site;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
    });
    after(async () => {
        await browser?.close();
        await site?.close();
    });
    const visit = (steps) => visitPage(browser, site.url, steps, { models: { 'small.eyelet': teachableModel() } });
    const chosen = (page, name) => page.waitForFunction((name) => document.querySelector('#models').selectedOptions[0]?.textContent === name && document.querySelector('#known li'), name);
    const button = (page) => page.getByRole('button', { name: 'Teach it classes of your own' });

    test('an export that was opened is the backbone: it is kept, saved and shared, and answers with the same bits', () => visit(async (page) => {
        await chosen(page, 'small');
        assert.equal(await button(page).count(), 0, 'it is taught without a choice');
        await give(page, 'drop', { name: 'none.eyelet', mimeType: '', buffer: tinyModel() });
        await chosen(page, 'none');
        assert.equal(await button(page).count(), 0, 'it has no embedding');
        await give(page, 'drop', zip);
        await chosen(page, 'Pets');
        await button(page).focus();
        await page.keyboard.press('Enter');
        assert.match(await note(page, /taught on/), /on Pets\. What carries over is the network and the names of its classes\. It holds no pictures: give each class some/);
        assert.deepEqual([await names(page), await page.inputValue('.teach-title')], [['cat', 'dog'], 'Pets']);
        await card(page, 0).locator('input[type=file]').setInputFiles(picturesOf('red', 4));
        await untilCounts(page, 4, 0);
        await kept(page);

        await page.reload(); /* of one class there is no model yet: the pictures are kept, and what they are taught on */
        await open(page);
        await page.click('.teach-offer .primary');
        await untilCounts(page, 4);
        await page.click('.teach-add');
        await teach(page, 1, 'dog', picturesOf('blue', 4));
        await untilCounts(page, 4, 4);
        await kept(page);
        await page.reload();
        await open(page);
        await page.click('.teach-offer .primary');
        await untilCounts(page, 4, 4);
        await ask(page, asked);
        assert.equal(await page.textContent('.teach-answer .verdict'), 'dog');
        const { bytes } = await downloaded(page, '.teach-save'), shown = await answers(page);
        await page.click('.teach-share');
        const shared = await downloaded(page, '.teach-ready a');

        const teacher = await loadTeacher({ model: bytes }), { best } = await teacher.classify(asked.buffer);
        assert.equal(teacher.info.embedding, 10);
        assert.deepEqual(teacher.info.labels, ['cat', 'dog']);
        teacher.close();
        const inside = gunzipSync(Buffer.from(/id="model">([^<]*)</.exec(shared.bytes)[1], 'base64'));
        for (const model of [bytes, inside])
            assert.deepEqual((await loadClassifier({ model })).classifySync(asked.buffer), [...best]);
        await visitFile(browser, join(folder({ 'page.html': shared.bytes }), 'page.html'), async (mailed) => {
            await mailed.waitForSelector('#known li');
            await mailed.setInputFiles('#file', asked);
            await mailed.waitForSelector('#bars li');
            assert.deepEqual(await mailed.locator('#bars li').allInnerTexts(), shown);
        });
    }));

    test('and one that is dropped beside the classes; of many classes the names are left', () => visit(async (page) => {
        await open(page);
        await give(page, 'drop', zip);
        await note(page, /taught on Pets\. What carries over is the network and the names/);
        assert.deepEqual(await names(page), ['cat', 'dog']);
        const many = { ...zip, name: 'Many.zip', buffer: zipOf(teachableExport({ labels: Array.from({ length: 11 }, (_, i) => `thing ${i}`) })) };
        await give(page, 'drop', many);
        await note(page, /taught on Many\. What carries over is the network, not its classes\. It holds no pictures/);
        assert.deepEqual(await names(page), ['Class 1', 'Class 2']);
        await card(page, 0).locator('input[type=file]').setInputFiles(zip);
        await note(page, /drop it beside the classes/);
        assert.deepEqual(await names(page), ['Class 1', 'Class 2']);
    }));
});
