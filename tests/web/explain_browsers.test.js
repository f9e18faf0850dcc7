/* classifier.explain in Chromium, Firefox and WebKit: Node's bits, here and in a worker. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { browsers } from '../support/browsers.js';

/* Runs in the page: the map of a class, as bits, here and in a worker. */
async function explainTwice({ model, address, wanted }) {
    const { BackgroundClassifier } = await import('/background.js'), { loadClassifier } = await import('/classifier.js');
    const classifier = await loadClassifier({ model }), background = new BackgroundClassifier();
    await background.open({ model });
    const image = new Uint8Array(await (await fetch(address)).arrayBuffer()), options = { class: wanted };
    const both = [await classifier.explain(image, options), await background.explain(image, options)];
    background.close();
    return both.map(({ map }) => [...new Uint32Array(map.buffer, map.byteOffset, map.length)]);
}

for (const { name, skip, launch } of browsers)
    describe(`in ${name}`, { skip }, () => {
        let browser, site;
        before(async () => {
            site = await serve({ port: 0 });
            browser = await launch();
        });
        after(async () => {
            await browser?.close();
            await site?.close();
        });

        test('a map has the bits that Node gives, in a worker too', async () => {
            const web = new URL('../../web/', import.meta.url);
            const classifier = await loadClassifier({ model: new URL('models/objects160.eyelet', web) });
            const { map } = await classifier.explain(new URL('examples/tabby.jpg', web), { class: 'tabby' });
            const page = await browser.open(site.url, { width: 1180, height: 860 });
            const maps = await page.evaluate(explainTwice, { model: '/models/objects160.eyelet', address: '/examples/tabby.jpg', wanted: 'tabby' });
            for (const bits of maps)
                assert.deepEqual(bits, [...new Uint32Array(map.buffer)]);
            assert.deepEqual(page.heard, []);
            await page.close();
        });
    });
