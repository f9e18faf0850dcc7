/* The page's sentences: each language has all of them, scripts ask for none that is missing, and the page shows them. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { speaker } from '../../web/view.js';
import { serve } from '../../web/serve.js';
import { launch, skip, visitPage } from '../support/chromium.js';
import { tinyModel } from '../support/tiny_model.js';

const web = new URL('../../web/', import.meta.url);
const read = (name) => readFileSync(new URL(name, web), 'utf8');
const tableOf = async (language) => (await import(`../../web/page/texts/${language}.js`)).default;
const markup = read('index.html');
const inMarkup = [...markup.matchAll(/ data-text(?:-\w+)?="([^"]+)"/g)].map(([, key]) => key);
const scripts = readdirSync(new URL('page/', web)).filter((name) => name.endsWith('.js')).map((name) => `page/${name}`);
const others = readdirSync(new URL('page/texts/', web)).map((name) => name.replace('.js', '')).filter((name) => name !== 'en');

test('each language has every sentence, with the same values in it', async () => {
    const english = await tableOf('en'), keys = new Set([...Object.keys(english), ...inMarkup]);
    assert.ok(keys.size > 50 && others.includes('zh'));
    const valuesIn = (entry) => [...new Set(Object.values(typeof entry === 'string' ? [entry] : entry).join().match(/\{\w+\}/g))].sort();
    for (const language of others) {
        const table = await tableOf(language);
        assert.deepEqual([...keys].filter((key) => !table[key]), [], language);
        assert.deepEqual(Object.keys(table).filter((key) => !keys.has(key) && !key.startsWith('error.')), [], `${language}: of no use`);
        for (const [key, entry] of Object.entries(english))
            assert.deepEqual(valuesIn(table[key]), valuesIn(entry), `${language}: ${key}`);
    }
});

test('scripts ask for sentences that are there, and each is asked for', async () => {
    const asked = [...scripts, 'view.js'].flatMap((name) => [...read(name).matchAll(/\b(?:text|say)\((?:[^'`()]*\? ?)?'([\w.]+)'(?: : '([\w.]+)')?/g)]
        .flatMap(([, ...keys]) => keys.filter(Boolean)));
    const english = await tableOf('en');
    for (const key of Object.keys(english).filter((key) => !/^(facts\.|camera\.|language$)/.test(key)))
        assert.ok([...scripts, 'view.js'].some((name) => read(name).includes(`'${key}'`)), `nobody says ${key}`);
    assert.ok(asked.length > 15, String(asked));
    const known = new Set([...Object.keys(english), ...inMarkup]);
    assert.deepEqual(asked.filter((key) => !known.has(key)), []);
});

test('no text of index.html is left out of the tables', () => {
    const body = markup.slice(markup.indexOf('<body>')).replace(/<!--[^]*?-->|<noscript>[^]*?<\/noscript>|<svg[^]*?<\/svg>/g, '');
    const bare = [...body.matchAll(/<(\w+)([^>]*)>([^<]*[a-z][^<]*)</gi)].filter(([, , attributes]) => !attributes.includes('data-text='));
    assert.deepEqual(bare.map(([, , , words]) => words.trim()), ['Eyelet']);
    const labels = [...body.matchAll(/<[^>]* (?:aria-label|placeholder)="[^"]+"[^>]*>/g)].filter(([tag]) => !tag.includes('data-text-'));
    assert.deepEqual(labels.map(([tag]) => tag), []);
});

test('values are filled in, and a form is chosen by number', () => {
    const say = speaker({ some: { one: '{count} picture', other: '{count} pictures' }, by: 'by {name}' }, 'en');
    assert.deepEqual([say('some', { count: 1 }), say('some', { count: 2500 }), say('by', { name: '{count}' }), say('none')], ['1 picture', '2,500 pictures', 'by {count}', '']);
});

describe('in Chromium', { skip }, () => {
    let browser, site;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
    });
    after(async () => {
        await browser?.close();
        await site?.close();
    });
    const models = { 'tiny.eyelet': tinyModel(), 'two.eyelet': tinyModel({ labels: ['a', 'b'] }) };
    const visit = (query, steps, options) => visitPage(browser, `${site.url}${query}`, (page) => page.waitForSelector('#known li').then(() => steps(page)), { models, ...options });
    const title = (page) => page.textContent('h1');

    test('the language is that of the address, else the first of the browser that there is', async () => {
        await visit('', async (page) => assert.equal(await title(page), 'What does it see?'), { locale: 'de-DE' });
        await visit('', async (page) => assert.equal(await title(page), '它看到了什么？'), { locale: 'zh-CN' });
        await visit('?lang=en', async (page) => assert.equal(await title(page), 'What does it see?'), { locale: 'zh-CN' });
    });

    test('a link changes it, and keeps the rest of the address', () => visit('?a=b', async (page) => {
        assert.equal(await page.getAttribute('html', 'lang'), 'en');
        await page.evaluate(() => { window.before = true; });
        await page.click('#languages [lang="zh"]');
        await page.waitForFunction(() => !window.before && document.querySelector('#known li'));
        assert.match(page.url(), /\?a=b&lang=zh$/);
        assert.equal(await page.getAttribute('html', 'lang'), 'zh');
        assert.equal(await page.textContent('#languages [aria-current]'), '中文');
    }));

    test('in Chinese nothing is left in English but what the model says', () => visit('?lang=zh', async (page) => {
        await page.click('img[alt="示例：cat"]');
        await page.waitForSelector('#bars li');
        const words = await page.evaluate(() => document.body.innerText);
        const allowed = /^(Eyelet|English|Teachable|Machine|TensorFlow|js|kB|MB|tiny|two|cat|dog|bird|frog|eyelet)$/i;
        const labels = (await page.locator('#bars .name, #facts dd').allTextContents()).join(' ');
        assert.deepEqual(words.match(/[a-z]{2,}/gi).filter((word) => !allowed.test(word) && !labels.includes(word)), []);
        await page.setInputFiles('#file', { name: 'a.svg', mimeType: '', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') });
        assert.match(await page.locator('#problem:not([hidden])').textContent(), /SVG 矢量图/);
    }));
});
