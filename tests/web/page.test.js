/* The page in Chromium. The model is a tiny one made here, unless a test uses another. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { blueWebp, desktop, give, launch, phone, skip, visitPage } from '../support/chromium.js';
import { encodePng, gradient, hostileJpeg, jpeg } from '../support/pictures.js';
import { tinyModel } from '../support/tiny_model.js';

const web = new URL('../../web/', import.meta.url);
const screenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
const plain = (red, green, blue) => {
    const picture = gradient(8, 8);
    picture.data.forEach((_, i) => { picture.data[i] = [red, green, blue, 255][i % 4]; });
    return picture;
};
/* Opens any model, and never answers anything else. */
const deafWorker = `self.addEventListener('message', ({ data: { id, open } }) => open && self.postMessage({ id, value: {
    labels: ['cat'], info: { notes: {}, name: 'Deaf', inputWidth: 1, inputHeight: 1, classes: 1, modelBytes: 1 } } }));`;
const file = (name, mimeType, buffer) => ({ name, mimeType, buffer });
const redPng = encodePng(plain(250, 10, 10)), bluePng = encodePng(plain(10, 10, 250));

describe('the page', { skip }, () => {
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

    const visit = (steps, options) =>
        visitPage(browser, site.url, steps, { models: { 'tiny.eyelet': tinyModel() }, ...options });

    const settled = (page) => page.waitForFunction(() => document.querySelector('#bars li, #problem:not([hidden])'));
    const problem = async (page) => {
        await page.waitForSelector('#problem:not([hidden])');
        assert.equal(await page.locator('#bars li').count(), 0);
        return page.textContent('#problem');
    };
    const scores = (page) => page.locator('#bars li').allInnerTexts();
    const expected = (image) => classifier.classifySync(image).map(({ label }) => label);
    /* Waits until the best class is that of the image. */
    const best = (page, image) => page.waitForFunction((label) =>
        document.querySelector('#bars .name')?.textContent === label, expected(image)[0]);
    async function shows(page, image) {
        await settled(page);
        assert.equal(await page.isHidden('#problem'), true, await page.textContent('#problem'));
        const labels = await page.locator('#bars .name').allTextContents();
        assert.deepEqual(labels, expected(image));
        const [{ label, score }] = classifier.classifySync(image);
        assert.equal(await page.textContent('#verdict'), score < 0.5 ? `Perhaps ${label}` : label);
        assert.match(await page.textContent('#timing'), /^[\d.]+ ms/);
    }
    for (const [name, viewport] of Object.entries({ phone, desktop }))
        test(`an example gives five bars, ${name}`, () => visit(async (page) => {
            await page.waitForSelector('#known li');
            await page.click('img[alt="Example: cat"]');
            await shows(page, readFileSync(new URL('examples/cat.png', web)));
            assert.equal((await scores(page)).length, 5);
            assert.match((await scores(page))[0], /%/);
            await page.waitForFunction(() => {
                const { top, bottom } = document.getElementById('verdict').getBoundingClientRect();
                return top >= 0 && bottom <= innerHeight;
            });
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
                'it scrolls sideways');
        }, { viewport }));

    test('files: PNG, JPEG, and what the browser decodes', () => visit(async (page) => {
        await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
        await shows(page, redPng);
        assert.equal(await page.isVisible('#preview'), true);
        await page.setInputFiles('#file', file('wrong-name.png', 'image/png', jpeg));
        await best(page, jpeg);
        assert.match(await page.textContent('#timing'), /ms on this device$/);
        await page.setInputFiles('#file', file('a.webp', 'image/webp', await blueWebp(page)));
        await best(page, bluePng);
        assert.match(await page.textContent('#timing'), /ms on this device, decoded by the browser$/);
    }));

    test('drop and paste', () => visit(async (page) => {
        await give(page, 'drop', file('a.png', 'image/png', redPng));
        await shows(page, redPng);
        await give(page, 'paste', file('b.png', 'image/png', bluePng));
        await best(page, bluePng);
        await page.evaluate(() =>
            document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() })));
        assert.match(await problem(page), /no picture in the clipboard/);
    }));

    test('drawing: strokes are classified, clear empties the pad', () => visit(async (page) => {
        await page.click('#mode-draw');
        await page.check('#inks [aria-label="Red"]');
        const { x, y, width, height } = await page.locator('#pad').boundingBox();
        await page.mouse.move(x + width / 4, y + height / 4);
        await page.mouse.down();
        await page.mouse.move(x + width / 2, y + height / 2, { steps: 5 });
        await page.mouse.up();
        await settled(page);
        const pixel = () => page.evaluate(() =>
            [...document.getElementById('pad').getContext('2d').getImageData(144, 144, 1, 1).data]);
        assert.deepEqual(await pixel(), [0xd4, 0x3c, 0x2f, 255]);
        await page.click('#clear');
        assert.deepEqual(await pixel(), [255, 255, 255, 255]);
        assert.equal(await page.locator('#bars li').count(), 0);
    }));

    test('bad pictures give words, and the next picture works', () => visit(async (page) => {
        await page.waitForSelector('#known li');
        const cases = [
            [file('broken.png', 'image/png', redPng.subarray(0, 40)), /cut short/],
            [file('hostile.jpg', 'image/jpeg', hostileJpeg), /damaged/],
            [file('drawing.svg', 'image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')), /SVG/],
            [file('page.png', 'image/png', Buffer.from('<!doctype html>')), /web page, not an image: is the address right\?$/],
            [file('words.txt', 'text/plain', Buffer.from('words')), /neither JPEG nor PNG nor BMP \(this browser cannot read it either\)\.$/],
            [file('empty.png', 'image/png', Buffer.alloc(0)), /empty/],
        ];
        for (const [given, words] of cases) {
            await page.setInputFiles('#file', given);
            assert.match(await problem(page), words);
            assert.equal(await page.isVisible('#preview'), false);
            await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
            await page.waitForSelector('#bars li');
            await shows(page, redPng);
        }
    }));

    test('files above 64 MB are refused', () => visit(async (page) => {
        await page.evaluate(() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(2 ** 26 + 1)], 'large.png', { type: 'image/png' }));
            document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, dataTransfer: transfer }));
        });
        assert.match(await problem(page), /larger than 64 MB/);
    }));

    test('the newest picture wins', () => visit(async (page) => {
        await page.waitForSelector('#known li');
        await page.evaluate(() => {
            window.answers = [];
            new MutationObserver(() => window.answers.push(document.getElementById('verdict').textContent))
                .observe(document.getElementById('verdict'), { childList: true });
        });
        const large = file('large.png', 'image/png', encodePng(gradient(2000, 2000)));
        await give(page, 'drop', large, large, file('small.png', 'image/png', bluePng));
        await shows(page, bluePng);
        await give(page, 'drop', large);
        await page.waitForTimeout(15);
        await give(page, 'drop', file('small.png', 'image/png', redPng));
        await best(page, redPng);
        assert.equal(await page.evaluate(() => window.answers.length), 2);
    }));

    test('a picture that takes too long is given up, and the next one works', () => visit(async (page) => {
        await page.waitForSelector('#known li');
        await page.unroute('**/worker.js');
        await page.click('img[alt="Example: cat"]');
        await page.clock.fastForward(9_000);
        assert.equal(await page.isHidden('#problem'), true);
        await page.clock.fastForward(2_000);
        assert.match(await problem(page), /longer than 10 seconds/);
        await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
        await page.waitForSelector('#bars li');
        await shows(page, redPng);
    }, {
        routes: { '**/worker.js': { contentType: 'text/javascript', body: deafWorker } },
        prepare: (page) => page.clock.install(),
    }));

    test('a model that is missing, not a model, or damaged gives words', async () => {
        const complaints = /404/;
        const cases = [
            [{ status: 404, body: 'none' }, /tiny\.eyelet cannot be fetched: the server answered 404/],
            [{ body: '<!doctype html><title>Not found</title>' + ' '.repeat(500) }, /got HTML: is the path right\?/],
            [{ body: tinyModel().subarray(0, 300) }, /cut short|damaged/],
        ];
        for (const [answer, words] of cases)
            await visit(async (page) => {
                assert.match(await problem(page), words);
                assert.equal(await page.isVisible('#examples'), false);
                await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
                assert.match(await problem(page), words);
            }, { routes: { '**/models/tiny.eyelet': answer }, complaints });
        await visit(async (page) => assert.match(await problem(page), /models\.json is not a list/),
            { routes: { '**/models/models.json': { body: '<html>' } } });
    });

    test('several models can be chosen from, and a dropped one is opened', () => visit(async (page) => {
        await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
        await shows(page, redPng);
        await page.selectOption('#models', 'two');
        await page.waitForFunction(() => document.querySelectorAll('#bars li').length === 2);
        assert.match(await page.textContent('#facts'), /Second.*Classes2$/s);
        const mine = tinyModel({ labels: ['a', 'b', 'c'], notes: 'name: Mine\n' });
        await give(page, 'drop', file('mine.eyelet', '', mine));
        await page.waitForFunction(() => document.querySelectorAll('#bars li').length === 3);
        assert.match(await page.textContent('#facts'), /Mine/);
        const chosen = () => page.$eval('#models', ({ options, selectedIndex }) => [[...options].map(({ text }) => text), selectedIndex]);
        await give(page, 'drop', file('two.eyelet', '', mine.subarray(0, 300)));
        assert.match(await page.locator('#problem:not([hidden])').textContent(), /(cut short|damaged).* The model in use is mine\.$/);
        assert.deepEqual(await chosen(), [['tiny', 'two', 'mine'], 2]);
        assert.equal(await page.locator('#bars li').count(), 3);
        await page.setInputFiles('#file', file('b.png', 'image/png', bluePng));
        await page.waitForSelector('#problem', { state: 'hidden' });
        await page.selectOption('#models', 'two');
        await page.waitForFunction(() => document.querySelectorAll('#bars li').length === 2);
    }, { models: {
        'tiny.eyelet': tinyModel(),
        'two.eyelet': tinyModel({ labels: ['yes', 'no'], notes: 'name: Second\n' }),
    } }));

    test('of many classes some are named, all can be opened and searched, and examples have one of them', async () => {
        const labels = [...Array.from({ length: 60 }, (_, i) => `thing_${i}`), 'potter_s_wheel', 'ship'];
        const many = tinyModel({ labels }), listed = (page) => page.locator('#classes-names li:visible').allTextContents();
        const options = { models: { 'many.eyelet': many, 'few.eyelet': tinyModel({ labels: ['yes', 'no'] }) } };
        for (const viewport of [phone, desktop])
            await visit(async (page) => {
                await page.waitForSelector('#known li');
                assert.equal(await page.textContent('#verdict'), 'Show it one of 62 things, such as:');
                const some = await page.locator('#known li').allTextContents();
                assert.ok(some.length === 20 && some.includes('thing 0') && some.includes('thing 58'), `${some}`);
                assert.deepEqual(await listed(page), []);
                await page.click('#classes summary');
                assert.deepEqual(await listed(page), labels.map((label) => label.replaceAll('_', ' ')));
                await page.locator('#classes-search').evaluate((search) =>
                    search.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer(), bubbles: true })));
                assert.equal(await page.isHidden('#problem'), true, 'a word pasted into the search is no picture');
                await page.fill('#classes-search', 'S WHEEL');
                assert.deepEqual(await listed(page), ['potter s wheel']);
                assert.equal(await page.textContent('#classes-found'), '1 found');
                assert.deepEqual(await page.locator('#examples li:visible img').evaluateAll((all) => all.map(({ alt }) => alt)), ['Example: ship']);
                assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
                await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
                await settled(page);
                assert.doesNotMatch(await page.textContent('#result'), /_/);
                await page.selectOption('#models', 'few');
                await page.waitForFunction(() => document.querySelectorAll('#bars li').length === 2);
                assert.deepEqual([await page.isVisible('#classes'), await page.isVisible('#examples')], [false, false]);
            }, { ...options, viewport });
    });

    test('objects160 is what opens, and an example of its own is classified as in Node', () => visit(async (page) => {
        await page.waitForSelector('#known li');
        assert.equal(await page.locator('#models option:checked').textContent(), 'objects160');
        await page.click('img[alt="Example: espresso"]');
        await settled(page);
        const inNode = await loadClassifier({ model: new URL('models/objects160.eyelet', web) });
        const best = inNode.classifySync(readFileSync(new URL('examples/espresso.jpg', web)));
        assert.deepEqual(await page.locator('#bars .name').allTextContents(), best.map(({ label }) => label.replaceAll('_', ' ')));
    }, { models: null }));

    for (const [note, words] of [['rejection threshold: 1', 'Not sure: perhaps'], ['outlier limit: 99', 'None of these; most like']])
        test(`a model with "${note}" makes the page say "${words}"`, () => visit(async (page) => {
            await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
            await settled(page);
            assert.equal(await page.textContent('#verdict'), `${words} ${expected(redPng)[0]}`);
        }, { models: { 'tiny.eyelet': tinyModel({ notes: `${note}\n` }) } }));

    test("a model's text is shown as text", () => visit(async (page) => {
        await page.waitForSelector('#known li');
        await page.setInputFiles('#file', file('a.png', 'image/png', redPng));
        await settled(page);
        assert.equal(await page.locator('#result img, #facts img').count(), 0);
        assert.match(await page.textContent('#bars'), /<img src=x onerror=alert\(1\)>/);
        assert.match(await page.textContent('#bars'), /<script>1\\u\{202E\}<\/script>/);
        assert.match(await page.textContent('#facts'), /<b>bold<\/b>/);
    }, { models: { 'evil.eyelet': tinyModel({
        labels: ['<img src=x onerror=alert(1)>', '<script>1\u202e</script>'], notes: 'name: <b>bold</b>\n',
    }) } }));

    test('the keyboard suffices, and focus shows', () => visit(async (page) => {
        await page.waitForSelector('#known li');
        const reached = [];
        for (let i = 0; i < 10; i++) {
            await page.keyboard.press('Tab');
            const { name, outline } = await page.evaluate(() => ({
                name: document.activeElement.id || document.activeElement.firstChild.alt,
                outline: getComputedStyle(document.activeElement).outlineStyle,
            }));
            assert.equal(outline, 'solid', `${name} shows no focus`);
            reached.push(name);
        }
        assert.equal(reached.slice(0, 7).join(' '), 'view-recognise view-teach mode-camera mode-picture mode-draw choose choose-folder');
        await page.keyboard.press('Enter');
        assert.equal(reached[9], 'Example: bird');
        await shows(page, readFileSync(new URL('examples/bird.png', web)));
        /* Before the focus, because a key may overtake the listener on its way to the page, but not what comes
         * after it. */
        const chooser = page.waitForEvent('filechooser');
        await page.focus('#choose');
        await page.keyboard.press('Space');
        await (await chooser).setFiles(file('a.png', 'image/png', redPng));
        await best(page, redPng);
        assert.equal(await page.getAttribute('#verdict', 'role'), 'status');
    }));

    /* Starts classifyMany in the page and puts the promise of its results there; the images are bytes, a Blob and
     * pixels in turn. */
    const startMany = (page, images, workers) => page.evaluate(async ([images, workers]) => {
        const { loadClassifier } = await import('/classifier.js');
        const classifier = await loadClassifier({ model: 'models/tiny.eyelet' });
        const take = async (base64, i) => {
            const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
            if (i % 3 < 2)
                return i % 3 ? new Blob([bytes]) : bytes;
            const bitmap = await createImageBitmap(new Blob([bytes]));
            const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
            context.drawImage(bitmap, 0, 0);
            return context.getImageData(0, 0, bitmap.width, bitmap.height);
        };
        window.results = (async () => {
            const results = [];
            for await (const result of classifier.classifyMany(images.map(take), { workers }))
                results.push(Array.isArray(result) ? result : `${result.code} ${result.message}`);
            return results;
        })();
        window.results.catch(() => {}); /* it is looked at later */
    }, [images.map((image) => image.toString('base64')), workers]);
    const manyResults = (page) => page.evaluate(() => window.results);

    test('many images in two workers: in order, same bits, the model fetched once', () => visit(async (page) => {
        await page.waitForSelector('#known li');
        const asked = [];
        page.on('request', (request) => asked.push(new URL(request.url()).pathname));
        const images = Array.from({ length: 12 }, (_, i) => encodePng(gradient(20 + 40 * i % 70, 30 + 50 * i % 90)));
        await startMany(page, [jpeg, ...images, hostileJpeg], 2);
        const results = await manyResults(page);
        assert.match(results.pop(), /^IMAGE_CORRUPT .*damaged/);
        assert.deepEqual(results, [jpeg, ...images].map((image) => classifier.classifySync(image)));
        for (const [path, times] of [['/models/tiny.eyelet', 1], ['/classifier.wasm', 1], ['/classifier_wasm.js', 0], ['/worker.js', 2]])
            assert.equal(asked.filter((name) => name === path).length, times, path);
    }));

    test('where worker.js is missing, many pictures are classified all the same, and that is told', () => visit(async (page) => {
        const told = page.waitForEvent('console', (message) => /in this thread: worker\.js .* could not be loaded/.test(message.text()));
        await problem(page);
        await startMany(page, [redPng, hostileJpeg, bluePng], 2);
        const [red, damaged, blue] = await manyResults(page);
        assert.deepEqual([red, blue], [redPng, bluePng].map((image) => classifier.classifySync(image)));
        assert.match(damaged, /^IMAGE_CORRUPT /);
        await told;
    }, { routes: { '**/worker.js': { status: 404, body: 'none' } }, complaints: /404|in this thread/ }));

    test('a large picture is shown as a smaller copy', () => visit(async (page) => {
        const shownSize = () => page.evaluate(() => {
            const { naturalWidth, naturalHeight } = document.getElementById('preview');
            return [naturalWidth, naturalHeight];
        });
        await page.setInputFiles('#file', file('large.png', 'image/png', encodePng(gradient(4000, 3000))));
        await settled(page);
        await page.waitForFunction(() => document.getElementById('preview').naturalWidth > 0);
        assert.deepEqual(await shownSize(), [2310, 1733]);
        await page.setInputFiles('#file', file('small.png', 'image/png', encodePng(gradient(400, 300))));
        await page.waitForFunction(() => document.getElementById('preview').naturalWidth === 400);
    }));

    test('a worker that hangs or breaks costs one picture', async () => {
        const endings = [['', /^TRAPPED .*longer than 10 seconds/],
            ['setTimeout(() => { throw Error("out of order"); }, 500);', /^TRAPPED .*stopped \(.*out of order/]];
        for (const [ending, words] of endings) {
            const body = `${deafWorker} self.addEventListener('message', ({ data }) => {
                if (data.classify) { fetch('/icon.svg?heard'); ${ending} } });`;
            const prepare = async (page) => {
                await page.clock.install();
                await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body }),
                    { times: 2 }); /* the page's own worker, and the first one here */
            };
            await visit(async (page) => {
                await page.waitForSelector('#known li');
                const heard = page.waitForRequest('**/icon.svg?heard');
                await startMany(page, [redPng, bluePng, redPng, bluePng], 1);
                await heard;
                if (!ending)
                    await page.clock.fastForward(11_000);
                const [first, ...others] = await manyResults(page);
                assert.match(first, words);
                assert.deepEqual(others, [bluePng, redPng, bluePng].map((image) => classifier.classifySync(image)));
            }, { prepare, complaints: /out of order/ });
        }
    });

    test('screenshots', async () => {
        mkdirSync(screenshots, { recursive: true });
        for (const [name, viewport] of Object.entries({ phone, desktop }))
            for (const colorScheme of ['light', 'dark'])
                await visit(async (page) => {
                    await page.click('img[alt="Example: espresso"]');
                    await settled(page);
                    await page.evaluate(() => scrollTo(0, 0));
                    await page.screenshot({ path: `${screenshots}${name}-${colorScheme}.png`, fullPage: true });
                }, { models: null, viewport, colorScheme, reducedMotion: 'reduce' });
    });
});
