/* What `make site` writes: served by a plain server below a path, in Chromium, with and without a network. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';

import { buildSite } from '../../web/build_site.js';
import { launch, skip } from '../support/chromium.js';
import { runIn } from '../support/npm.js';
import { tinyModel } from '../support/tiny_model.js';

const web = fileURLToPath(new URL('../../web/', import.meta.url));
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png',
    '.wasm': 'application/wasm', '.json': 'application/json', '.webmanifest': 'application/manifest+json' };

/* A folder below a path, as a static host serves it: no headers but the type. */
async function serveBelow(path, folder) {
    const server = createServer(({ url }, response) => {
        const [name] = url.split('?'), file = name.startsWith(path) && join(folder, name.slice(path.length) || 'index.html');
        if (!file || !existsSync(file))
            return response.writeHead(404).end();
        response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file));
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    server.unref(); /* a test that fails closes nothing */
    const { port } = server.address();
    return {
        url: `http://127.0.0.1:${port}${path}`,
        close: () => new Promise((resolve) => {
            server.close(resolve);
            server.closeAllConnections();
        }),
    };
}

describe('the site', () => {
    const folder = mkdtempSync(join(tmpdir(), 'eyelet-site-'));
    after(() => rmSync(folder, { recursive: true }));

    test('holds the page, its models and pictures, a manifest with icons, and no tool', async () => {
        const { files } = await buildSite({ to: join(folder, 'whole') });
        for (const name of ['index.html', 'style.css', 'page/page.js', 'background.js', 'worker.js', 'engine_port.js', 'classifier.wasm',
            'models/models.json', 'models/objects160.eyelet', 'models/tutorial.eyelet', 'examples/cat.png', 'templates/standalone.html', 'service_worker.js'])
            assert.ok(files.includes(name), name);
        assert.deepEqual(files.filter((name) => /node|cli|build_|bundled|serve\.js|react|\.d\.ts|README/.test(name)), []);
        const manifest = JSON.parse(readFileSync(join(folder, 'whole/manifest.webmanifest')));
        assert.deepEqual([manifest.start_url, manifest.scope, manifest.display], ['./', './', 'standalone']);
        for (const { src, sizes, type } of manifest.icons.filter((icon) => icon.type === 'image/png')) {
            const png = readFileSync(join(folder, 'whole', src)), [side] = sizes.split('x').map(Number);
            assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20), type], [side, side, 'image/png']);
            const length = png.readUInt32BE(33), rows = inflateSync(png.subarray(41, 41 + length));
            assert.equal(rows.length, side * (1 + 4 * side));
        }
        assert.match(readFileSync(join(folder, 'whole/index.html'), 'utf8'), /<link rel="manifest" href="manifest\.webmanifest">/);
    });

    test('the same sources give the same bytes; a folder with something else in it is left alone', async () => {
        await buildSite({ to: join(folder, 'again') });
        const worker = (name) => readFileSync(join(folder, name, 'service_worker.js'), 'utf8');
        assert.equal(worker('again'), worker('whole'));
        mkdirSync(join(folder, 'mine'));
        writeFileSync(join(folder, 'mine/letter.txt'), 'dear');
        const { status, stderr } = runIn(folder, process.execPath, [join(web, 'build_site.js'), join(folder, 'mine')]);
        assert.equal(status, 1);
        assert.match(stderr, /^eyelet: .*mine is no site that was written before: name an empty folder\n$/);
        assert.equal(readFileSync(join(folder, 'mine/letter.txt'), 'utf8'), 'dear');
    });

    describe('in Chromium', { skip }, () => {
        let browser;
        before(async () => { browser = await launch(); });
        after(() => browser?.close());

        /* A page of a new profile, and what it complained of. */
        async function openPage(context, url) {
            const page = await context.newPage(), heard = [];
            page.on('console', (message) => ['error', 'warning'].includes(message.type()) && heard.push(message.text()));
            page.on('pageerror', (error) => heard.push(String(error)));
            await page.goto(url);
            return { page, heard };
        }
        const kept = (page) => page.evaluate(async () => { await navigator.serviceWorker.ready; });

        test('below a path, after one visit, it classifies without its server', async () => {
            const site = await serveBelow('/some/where/', join(folder, 'whole')), context = await browser.newContext();
            const { page, heard } = await openPage(context, site.url);
            await page.waitForSelector('#known li');
            await kept(page);
            await site.close();
            for (const round of ['once', 'twice']) {
                await page.reload();
                await page.click('img[alt="Example: espresso"]');
                await page.waitForSelector('#bars li');
                assert.equal(await page.textContent('#bars .name'), 'espresso', round);
            }
            await page.click('#view-teach');
            await page.waitForSelector('.teach-class');
            assert.deepEqual(heard, []);
            await context.close();
        });

        /* A site of a tiny model, with `word` in two of its files. */
        const source = join(folder, 'source');
        async function buildWith(word, to) {
            if (!existsSync(source)) {
                cpSync(web, source, { recursive: true, filter: (path) => !path.endsWith('.eyelet') });
                writeFileSync(join(source, 'models/models.json'), '["tiny.eyelet"]');
                writeFileSync(join(source, 'models/tiny.eyelet'), tinyModel());
            }
            for (const [name, mark] of [['index.html', `<body data-word="${word}">`], ['view.js', `document.body.dataset.script = '${word}';`]]) {
                const text = readFileSync(join(web, name), 'utf8');
                writeFileSync(join(source, name), name === 'view.js' ? `${text}\n${mark}\n` : text.replace('<body>', mark));
            }
            await buildSite({ from: source, to });
        }
        const words = (page) => page.waitForFunction(() => document.body?.dataset.script && [document.body.dataset.word, document.body.dataset.script].join())
            .then((handle) => handle.jsonValue());
        const waiting = (page) => page.evaluate(async () => {
            const registration = await navigator.serviceWorker.ready;
            const updated = await registration.update().catch(() => null);
            for (let i = 0; i < 200 && (registration.installing || !registration.waiting); i++)
                await new Promise((resolve) => { setTimeout(resolve, 25); });
            return Boolean(updated && registration.waiting);
        });

        test('an update waits for the last old page, and then takes over as a whole', async () => {
            const to = join(folder, 'changing');
            await buildWith('old', to);
            const site = await serveBelow('/', to), context = await browser.newContext();
            const { page, heard } = await openPage(context, site.url);
            await kept(page);
            const { page: second } = await openPage(context, site.url);
            await buildWith('new', to);
            assert.equal(await waiting(page), true);
            await page.reload();
            assert.equal(await words(page), 'old,old');
            await second.reload();
            assert.equal(await words(second), 'old,old');
            await page.close();
            const { page: third } = await openPage(context, site.url);
            assert.equal(await words(third), 'old,old');
            await third.close();
            const isNew = () => second.waitForFunction(() => document.body?.dataset.word === 'new', null, { timeout: 4000 })
                .then(() => true, () => false);
            let reloads = 0; /* Chromium may still count a page that has just been closed */
            do
                await second.reload();
            while (!await isNew() && ++reloads < 5);
            assert.equal(await words(second), 'new,new');
            await site.close();
            await second.reload();
            assert.equal(await words(second), 'new,new');
            assert.deepEqual([heard, await second.evaluate(async () => (await caches.keys()).length)], [[], 1]);
            await context.close();
        });

        test('a site that is half changed is not taken', async () => {
            const to = join(folder, 'half');
            await buildWith('old', to);
            const site = await serveBelow('/', to), context = await browser.newContext();
            const { page } = await openPage(context, site.url);
            await kept(page);
            await buildWith('new', join(folder, 'next'));
            for (const name of ['index.html', 'service_worker.js'])
                cpSync(join(folder, 'next', name), join(to, name));
            await page.evaluate(async () => {
                const registration = await navigator.serviceWorker.ready;
                await registration.update();
                const worker = registration.installing;
                await new Promise((resolve) => {
                    worker.addEventListener('statechange', () => worker.state === 'redundant' && resolve());
                });
            });
            await page.reload();
            assert.equal(await words(page), 'old,old');
            await site.close();
            await context.close();
        });
    });
});
