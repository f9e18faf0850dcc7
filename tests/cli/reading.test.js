/* How the commands read pictures in files: what short memory, a killed, a stopped or a slow child process costs, and how much memory
 * all of them take together. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodeJpeg, encodePng, gradient, largePng } from '../support/pictures.js';
import { eyeletUnder, folder, underMemoryLimit } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const model = join(folder({ 'tiny.eyelet': tinyModel() }), 'tiny.eyelet');

/* ---- Memory ---- */

test('short memory is told as what it is, never as damage', underMemoryLimit, async () => {
    const here = folder({ 'a.png': encodePng(gradient(8, 8)), 'b.png': largePng(6000, 6000), 'c.jpg': encodeJpeg(400, 400, (x, y) => x + y & 255) });
    for (const limit of [40_000, 120_000, 200_000, 250_000, 900_000]) {
        const { stdout } = await eyeletUnder(`ulimit -v ${limit}`, ['classify', '--json', '--threads', '1', model, here]);
        const [small, ...large] = JSON.parse(stdout);
        assert.ok(small.predictions, stdout);
        for (const { predictions, error } of large)
            assert.ok(predictions ? limit > 40_000 : limit < 900_000 && /not enough memory/.test(error), `${limit}: ${error}`);
    }
});
