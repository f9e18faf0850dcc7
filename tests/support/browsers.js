/* Chromium, Firefox and WebKit, for tests that are written once and run in each.
 *
 *     for (const { name, skip, launch } of browsers)
 *         describe(`in ${name}`, { skip }, () => {
 *             const browser = await launch();                      // browser.version, browser.close()
 *             const page = await browser.open(url, { width: 390, height: 844 });
 *             await page.evaluate((word) => document.title + word, 'a JSON value');   // gives one, too
 *             await page.until(() => document.querySelector('li'));
 *             await page.setFiles('#file', ['/tmp/a.png']);
 *             await page.setFolder('#folder', '/tmp/photos');      // of the others than Chromium only the files in it
 *             await page.screenshot('/tmp/page.png');
 *             assert.deepEqual(page.heard, []);                    // errors and warnings; nothing is heard of WebKit
 *             await page.close();
 *
 * All have a camera that shows a test picture. chromium.js is for tests that need more than this: answers of the server, the clock. */
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import * as chromium from './chromium.js';
import * as firefox from './firefox.js';
import * as webkit from './webkit.js';

const longest = 120_000, longestAnswer = 300_000; /* milliseconds; a busy machine may take long */

async function launchChromium() {
    const browser = await chromium.launch('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
    return { version: browser.version(), openPage: (viewport) => openInChromium(browser, viewport), close: () => browser.close() };
}

async function openInChromium(browser, viewport) {
    const page = await browser.newPage({ viewport }), heard = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && heard.push(message.text()));
    page.on('pageerror', (error) => heard.push(String(error)));
    return {
        heard,
        goto: (url) => page.goto(url),
        run: (code) => Promise.race([page.evaluate(`(${code})()`), pause(longestAnswer, null, { ref: false }).then(() => {
            throw new Error('Chromium does not answer');
        })]),
        setFiles: (selector, files) => page.setInputFiles(selector, files),
        setFolder: (selector, folder) => page.setInputFiles(selector, folder),
        screenshot: () => page.screenshot({ fullPage: true }),
        close: () => page.close(),
    };
}

/* What all pages have, of what each browser's has. */
function pageOf({ run, screenshot, ...page }) {
    async function evaluate(work, value) {
        const text = await run(`async () => JSON.stringify(await (${work})(${JSON.stringify(value)}))`);
        return text === undefined || text === null ? undefined : JSON.parse(text);
    }
    async function until(condition, value) {
        for (const end = Date.now() + longest; Date.now() < end; await pause(30)) {
            const found = await evaluate(`async (value) => Boolean(await (${condition})(value))`, value);
            if (found)
                return;
        }
        throw new Error(`it did not come true: ${condition}`);
    }
    const setFolder = (selector, folder) => page.setFiles(selector, readdirSync(folder).map((name) => join(folder, name)));
    return { setFolder, ...page, evaluate, until, screenshot: async (path) => writeFile(path, await screenshot()) };
}

const launched = (launch) => async () => {
    const { openPage, ...browser } = await launch();
    return {
        ...browser,
        async open(url, size = { width: 1180, height: 860 }) {
            const page = pageOf(await openPage(size));
            await page.goto(url);
            await page.until(() => document.readyState === 'complete'); /* WebKit does not wait for modules */
            return page;
        },
    };
};

export const browsers = [
    { name: 'Chromium', skip: chromium.skip, launch: launched(launchChromium) },
    { name: 'Firefox', skip: firefox.skip, launch: launched(firefox.launch) },
    { name: 'WebKit', skip: webkit.skip, launch: launched(webkit.launch) },
];
