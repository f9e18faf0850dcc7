/* Frames a second that the page labels from the test camera of Chromium, 640 x 480 at 60 a second, with each model.
 *
 *     node tests/bench/bench_camera.js */
import { cpus } from 'node:os';

import { serve } from '../../web/serve.js';
import { launch, phone } from '../support/chromium.js';

const seconds = 4;

const site = await serve({ port: 0 });
const browser = await launch('--use-fake-device-for-media-stream=fps=60', '--use-fake-ui-for-media-stream');
const page = await browser.newPage({ viewport: phone });
console.log(`${cpus()[0].model}, ${cpus().length} cores, Chromium ${browser.version()}\n`);
console.log('| model | what the page says |\n| --- | --- |');
await page.goto(site.url);
await page.waitForSelector('#known li');
await page.click('#mode-camera');
for (const model of await page.locator('#models option').allTextContents()) {
    await page.selectOption('#models', model);
    await page.waitForSelector('#facts div');
    await page.waitForTimeout(1000 * seconds);
    console.log(`| ${model} | ${await page.textContent('#timing')} |`);
}
await browser.close();
await site.close();
