/* The page for everybody: axe-core finds nothing in any state; narrow screens, forced colours, reduced motion, labels that
 * are long or run from right to left. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';

import { serve } from '../../web/serve.js';
import { launch, phone, skip as noBrowser, visitPage } from '../support/chromium.js';
import { encodePng, gradient } from '../support/pictures.js';
import { tinyModel } from '../support/tiny_model.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8').catch(() => null);
const skip = noBrowser || !axe && 'NOT CHECKED: axe-core is not installed (npm install)';

const long = ['magnetic_compass_of_an_explorer', 'extraordinarily unpronounceable characterisation', 'بوصلة مغناطيسية', 'ship', 'cat'];
const models = { 'tiny.eyelet': tinyModel(), 'long.eyelet': tinyModel({ labels: long, notes: 'name: Long\n' }), 'many.eyelet':
    tinyModel({ labels: [...Array.from({ length: 40 }, (_, i) => `thing_${i}`), 'ship', 'cat'] }) };
const files = [20, 30, 40].map((width) => ({ name: `${width}.png`, mimeType: 'image/png', buffer: encodePng(gradient(width, 30)) }));

/* Each state of the page: what leads to it. */
const states = {
    start: () => {},
    async result(page) {
        await page.setInputFiles('#file', files[0]);
        await page.waitForSelector('#bars li');
    },
    async problem(page) {
        await page.setInputFiles('#file', { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('words') });
        await page.waitForSelector('#problem:not([hidden])');
    },
    async strip(page) {
        await page.setInputFiles('#file', files);
        await page.waitForSelector('#strip li[data-done]:last-child');
        await page.waitForFunction(() => document.getElementById('strip-said').textContent);
    },
    async classes(page) {
        await page.selectOption('#models', 'many');
        await page.waitForSelector('#classes:not([hidden])');
        await page.click('#classes summary');
    },
    async camera(page) {
        await page.click('#mode-camera');
        await page.waitForSelector('#camera-label:not([hidden])');
        await page.click('#camera-freeze');
        await page.waitForFunction(() => document.getElementById('camera-said').textContent);
    },
    async drawing(page) {
        await page.click('#mode-draw');
        await page.focus('#pad');
        await page.keyboard.press('Space');
        await page.keyboard.press('ArrowUp');
        await page.waitForSelector('#bars li');
    },
    async game(page) {
        await page.click('#mode-draw');
        await page.click('#game-play');
        await page.waitForSelector('#game:not([hidden])');
    },
};

describe('the page is for everybody', { skip }, () => {
    let browser, site;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
    });
    after(async () => {
        await browser?.close();
        await site?.close();
    });

    const visit = (steps, { query = '', ...options } = {}) => visitPage(browser, `${site.url}${query}`, async (page) => {
        await page.waitForSelector('#known li');
        await steps(page);
    }, { models, reducedMotion: 'reduce', ...options });

    /* What axe-core finds, in a line each. */
    async function findings(page) {
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`));
    }

    const looks = { 'on a phone': { viewport: phone }, 'dark, in Chinese': { query: '?lang=zh', colorScheme: 'dark' } };
    for (const [look, options] of Object.entries(looks))
        for (const [state, steps] of Object.entries(states))
            test(`axe-core finds nothing: ${state}, ${look}`, () => visit(async (page) => {
                await steps(page);
                assert.deepEqual(await findings(page), []);
            }, options));

    test('axe-core finds what is wrong', () => visit(async (page) => {
        await page.evaluate(() => document.querySelector('main').append(document.createElement('button')));
        assert.match((await findings(page)).join(), /button-name/);
    }));

    test('a screen of 320 px is not scrolled sideways, and words stay whole', async () => {
        for (const [state, steps] of Object.entries(states))
            for (const query of ['?model=models/long.eyelet', '?lang=zh&model=models/long.eyelet'])
                await visit(async (page) => {
                    await steps(page);
                    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${state} scrolls sideways`);
                    const cut = await page.evaluate(() => [...document.querySelectorAll('.name, .known li')].flatMap(({ firstChild }) =>
                        [...(firstChild?.data ?? '').matchAll(/[\w]+/g)].filter(({ 0: word, index }) => {
                            const range = document.createRange();
                            range.setStart(firstChild, index);
                            range.setEnd(firstChild, index + word.length);
                            return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1; /* lines */
                        }).map(([word]) => word)));
                    assert.deepEqual(cut, [], state);
                }, { query, viewport: { width: 320, height: 640 } });
    });

    test('on each screen the words of a button stay in it', async () => {
        for (const width of [320, 390, 1180])
            for (const query of ['', '?lang=zh'])
                await visit(async (page) => {
                    await page.evaluate(() => { document.getElementById('views').hidden = false; });
                    const cut = await page.locator('.views button, .modes button').evaluateAll((all) => all.filter((button) => {
                        const range = document.createRange();
                        range.selectNodeContents(button);
                        return range.getBoundingClientRect().width > button.clientWidth;
                    }).map(({ textContent }) => textContent));
                    assert.deepEqual(cut, [], `${width} px`);
                    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
                }, { query, viewport: { width, height: 640 } });
    });

    test('labels run in their own direction', () => visit(async (page) => {
        await page.setInputFiles('#file', files[0]);
        await page.waitForSelector('#bars li');
        const directions = await page.locator('#bars .name').evaluateAll((all) => all.map((name) => [name.textContent, getComputedStyle(name).direction]));
        assert.ok(directions.length === 5);
        for (const [label, direction] of directions)
            assert.equal(direction, /\p{Script=Arabic}/u.test(label) ? 'rtl' : 'ltr', label);
    }, { query: '?model=models/long.eyelet' }));

    test('in forced colours a bar is seen on its track, and a pressed button is', () => visit(async (page) => {
        await page.setInputFiles('#file', files[0]);
        await page.waitForSelector('#bars li');
        const [bar, track, pressed, other] = await page.evaluate(() => {
            const colour = (selector, part) => getComputedStyle(document.querySelector(selector), part).backgroundColor;
            return [colour('.bar', '::before'), colour('.bar'), colour('#mode-picture'), colour('#mode-draw')];
        });
        assert.notEqual(bar, track);
        assert.notEqual(pressed, other);
    }, { forcedColors: 'active' }));

    test('nothing moves for those who do not want it', async () => {
        const durations = (page) => page.evaluate(() => {
            document.getElementById('bars').innerHTML = '<li><span class="bar"></span></li>';
            return [getComputedStyle(document.querySelector('.bar'), '::before').transitionDuration, getComputedStyle(document.documentElement).scrollBehavior];
        });
        await visit(async (page) => assert.deepEqual(await durations(page), ['0s', 'auto']));
        await visit(async (page) => assert.deepEqual(await durations(page), ['0.35s', 'smooth']), { reducedMotion: 'no-preference' });
    });
});
