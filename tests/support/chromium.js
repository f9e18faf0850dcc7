/* Chromium for the tests of pages.
 *
 *     describe('a page', { skip }, () => {
 *         const browser = await launch();
 *         await give(page, 'drop', { name: 'a.png', mimeType: 'image/png', buffer }); */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

const path = '/usr/bin/chromium';
const playwright = await import('playwright-core').catch(() => null);
export const skip = !playwright ? 'NOT CHECKED: playwright-core is not installed (npm install)'
    : !existsSync(path) && `NOT CHECKED: ${path} is not there`;

export const phone = { width: 390, height: 844 }, desktop = { width: 1280, height: 860 };

const longest = 120_000; /* milliseconds; a busy machine may take long */

/* What a window of Chromium's own opens beside the page, the pop-up of its address bar, takes more time than the page. */
const unneeded = ['PreloadTopChromeWebUI', 'WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup'];

/* `more`: further words of the command line. */
export function launch(...more) {
    return playwright.chromium.launch({ executablePath: path, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync', `--disable-features=${unneeded}`, ...more] });
}

/* Opens a file from disk, lets `steps` use it, and then asserts that nothing was asked for elsewhere and nothing complained of. */
export async function visitFile(browser, file, steps, options = {}) {
    const context = await browser.newContext({ viewport: desktop, reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(longest);
    const heard = [], requested = [];
    page.on('console', (message) => heard.push(message.text()));
    page.on('pageerror', (error) => heard.push(String(error)));
    context.on('request', (asked) => requested.push(asked.url()));
    try {
        await page.goto(`file://${file}`);
        await steps(page);
    } finally {
        await context.close();
    }
    assert.deepEqual(requested.filter((url) => !/^(data|blob):/.test(url)), [`file://${file}`]);
    assert.deepEqual(heard, []);
}

/* Opens a served page, with `models` ({ file name: bytes }) in the place of those that ship, or with these: null; lets `steps` use it, and then asserts
 * that nothing went elsewhere and nothing was complained of but `complaints`. routes: other answers of the server. prepare(page) comes first. */
export async function visitPage(browser, url, steps, { models = null, routes = {}, complaints = /^$/, prepare, ...options } = {}) {
    const context = await browser.newContext({ viewport: desktop, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(longest);
    const heard = [], requested = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && heard.push(message.text()));
    page.on('pageerror', (error) => heard.push(String(error)));
    context.on('request', (asked) => requested.push(asked.url()));
    if (models) {
        await page.route('**/models/models.json', (route) => route.fulfill({ json: Object.keys(models) }));
        for (const [name, body] of Object.entries(models))
            await page.route(`**/models/${name}`, (route) => route.fulfill({ body }));
    }
    for (const [pattern, answer] of Object.entries(routes))
        await page.route(pattern, (route) => route.fulfill(answer));
    try {
        await prepare?.(page);
        await page.goto(url);
        await steps(page);
    } finally {
        await context.close();
    }
    for (const asked of requested)
        assert.ok(asked.startsWith(new URL(url).origin) || /^(blob|data):/.test(asked), `a request left the page: ${asked}`);
    assert.deepEqual(heard.filter((message) => !complaints.test(message)), []);
}

/* Drops or pastes files one right after the other, as the browser would report it. */
export const give = (page, kind, ...files) => page.evaluate(([kind, files]) => {
    for (const { name, mimeType, base64 } of files) {
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type: mimeType }));
        const options = { bubbles: true, cancelable: true };
        document.body.dispatchEvent(kind === 'drop' ? new DragEvent('drop', { ...options, dataTransfer: transfer })
            : new ClipboardEvent('paste', { ...options, clipboardData: transfer }));
    }
}, [kind, files.map(({ buffer, ...rest }) => ({ ...rest, base64: buffer.toString('base64') }))]);

/* A blue picture in a format that the module does not read and the browser does. */
export async function blueWebp(page) {
    const base64 = await page.evaluate(async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
        Object.assign(canvas.getContext('2d'), { fillStyle: '#0a0afa' }).fillRect(0, 0, 8, 8);
        const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/webp', 1); });
        return btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
    });
    return Buffer.from(base64, 'base64');
}
