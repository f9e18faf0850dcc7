/* eyelet export --html: one file that opens from disk in Chromium, classifies as the module does, and connects to nothing. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadClassifier } from '../../web/node.js';
import { blueWebp, desktop, give, launch, phone, skip, visitFile } from '../support/chromium.js';
import { encodePng, gradient, hostileJpeg, jpeg } from '../support/pictures.js';
import { eyelet, folder, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });
const png = encodePng(gradient(40, 30));
const screenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));

async function exported(model, ...more) {
    const here = folder({ 'm.eyelet': model });
    succeeded(await eyelet(['export', 'm.eyelet', '--html', '-o', 'm.html', ...more], { cwd: here }));
    return join(here, 'm.html');
}

test('the file names no other, and its policy allows its own script and style and nothing else', async () => {
    const text = readFileSync(await exported(tinyModel()), 'utf8');
    const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(text);
    const sum = (tag, end) => createHash('sha256').update(text.slice(text.indexOf(tag) + tag.length, text.indexOf(end, text.indexOf(tag)))).digest('base64');
    assert.deepEqual(policy.split('; '), ["default-src 'none'", `script-src 'sha256-${sum('<script type="module">', '</script>')}' 'wasm-unsafe-eval'`,
        `style-src 'sha256-${sum('<style>', '</style>')}'`, 'img-src blob:', "connect-src 'none'", "base-uri 'none'", "form-action 'none'"]);
    assert.doesNotMatch(text, /\{\{|^import /m);
    assert.doesNotMatch(text, /<(link|iframe|object|embed)|<(script|img)[^>]+src=|url\(/);
});

test('the same model gives the same file, with the model in it', async () => {
    const model = tinyModel(), text = readFileSync(await exported(model), 'utf8');
    assert.equal(readFileSync(await exported(model), 'utf8'), text);
    assert.ok(text.includes(model.toString('base64')));
});

test('a module that is missing or none is named, and nothing is written', async () => {
    const here = folder({ 'm.eyelet': tinyModel(), 'page.wasm': '<!doctype html>', 'm.html': 'the old one' }), hint = /make wasm.*--wasm/;
    for (const [path, reason] of [['missing.wasm', /No such file/], ['.', /is a folder/], ['page.wasm', /not a WebAssembly module/]])
        refused(await eyelet(['export', 'm.eyelet', '--html', '-o', 'm.html', '--wasm', path], { cwd: here }), { subject: path, reason, hint });
    assert.equal(readFileSync(join(here, 'm.html'), 'utf8'), 'the old one');
    nothingLeftOver(here);
});

test('--wasm names the module', async () => {
    const module = readFileSync(new URL('../../web/classifier.wasm', import.meta.url));
    const here = folder({ 'other.wasm': module });
    assert.ok(readFileSync(await exported(tinyModel(), '--wasm', join(here, 'other.wasm')), 'utf8').includes(module.toString('base64')));
});

describe('in Chromium, from disk', { skip }, () => {
    let browser, path, classifier;
    before(async () => {
        browser = await launch();
        path = await exported(tinyModel());
        classifier = await loadClassifier({ model: tinyModel() });
    });
    after(() => browser?.close());

    const visit = (steps, options) => visitFile(browser, path, steps, options);
    async function shows(page, image) {
        const best = classifier.classifySync(image), expected = best.map(({ label }) => label);
        await page.waitForFunction((label) => document.querySelector('#bars .name')?.textContent === label, expected[0]);
        assert.deepEqual(await page.locator('#bars .name').allTextContents(), expected);
        assert.equal(await page.textContent('#verdict'), best[0].score < 0.5 ? `Perhaps ${expected[0]}` : expected[0]);
        assert.equal(await page.isVisible('#preview'), true);
        assert.equal(await page.isHidden('#problem'), true);
    }

    for (const [name, viewport] of Object.entries({ phone, desktop }))
        test(`a chosen, a dropped and a pasted picture are classified, ${name}`, () => visit(async (page) => {
            await page.waitForSelector('#known li');
            await page.setInputFiles('#file', file('a.png', 'image/png', png));
            await shows(page, png);
            await give(page, 'drop', file('b.jpg', 'image/jpeg', jpeg));
            await shows(page, jpeg);
            await give(page, 'paste', file('a.png', 'image/png', png));
            await shows(page, png);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it scrolls sideways');
            mkdirSync(screenshots, { recursive: true });
            await page.screenshot({ path: `${screenshots}standalone-${name}.png`, fullPage: true });
        }, { viewport }));

    test('what the browser decodes is taken too, and what nobody does gives words', () => visit(async (page) => {
        await page.waitForSelector('#known li');
        await page.setInputFiles('#file', file('a.webp', 'image/webp', await blueWebp(page)));
        await page.waitForSelector('#bars li');
        for (const [given, words] of [[file('hostile.jpg', 'image/jpeg', hostileJpeg), /damaged/], [file('a.txt', 'text/plain', Buffer.from('words')), /this browser cannot read it either/],
            [file('empty.png', 'image/png', Buffer.alloc(0)), /empty/]]) {
            await page.setInputFiles('#file', given);
            await page.waitForSelector('#problem:not([hidden])');
            assert.match(await page.textContent('#problem'), words);
            assert.equal(await page.isVisible('#preview'), false);
            await page.setInputFiles('#file', file('a.png', 'image/png', png));
            await shows(page, png);
        }
        await page.evaluate(() => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() })));
        await page.waitForSelector('#problem:not([hidden])');
        assert.match(await page.textContent('#problem'), /no picture in the clipboard/);
    }));

    test("it says what the model is, and a model's text is shown as text", async () => {
        const labels = ['<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>\u202e'], shown = [labels[0], labels[1].replace('\u202e', '\\u{202E}')];
        const evil = await exported(tinyModel({ labels, notes: 'name: <b>bold</b>\u2066\nnetwork: </style>mine\u200b\nrejection threshold: 1 (never sure)\n' }));
        await visitFile(browser, evil, async (page) => {
            await page.waitForSelector('#known li');
            assert.deepEqual(await page.locator('#known li').allTextContents(), shown);
            assert.match(await page.textContent('#facts'), /<\/style>mine\\u\{200B\}.*Rejection threshold100\.0\u00a0%.*Input32 \u00d7 32 pixels.*Classes2/s);
            await page.setInputFiles('#file', file('a.png', 'image/png', png));
            await page.waitForSelector('#bars li');
            assert.match(await page.textContent('#verdict'), /^Not sure: perhaps </);
            assert.deepEqual((await page.locator('#bars .name').allTextContents()).sort(), shown.sort());
            assert.equal(await page.title(), '<b>bold</b>\\u{2066}');
            assert.equal(await page.locator('main img').count(), 1);
        });
    });

    test('a damaged model gives words', async () => {
        const broken = join(folder(), 'broken.html'), text = readFileSync(path, 'utf8'), model = tinyModel().toString('base64');
        writeFileSync(broken, text.replace(model, model.slice(0, 400)));
        await visitFile(browser, broken, async (page) => {
            await page.waitForSelector('#problem:not([hidden])');
            assert.match(await page.textContent('#problem'), /cut short|damaged/);
        });
    });
});
