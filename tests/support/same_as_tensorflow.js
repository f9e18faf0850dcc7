/* Whether an imported model computes what TensorFlow.js computes, on the same pixels.
 *
 *     const said = await comparedWith(tf, folder, model, [noise(32, 32, 1)], { more: ['--preprocess', 'tf'] });
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { encodePng } from './pictures.js';
import { eyelet, folder, succeeded } from './program.js';
import { random } from './tiny_model.js';

export function noise(width, height, seed) {
    const next = random(seed), data = new Uint8ClampedArray(4 * width * height);
    return { data: data.map((_, i) => i % 4 === 3 ? 255 : 128 + 60 * next()), width, height };
}

/* (1, h, w, c), as `eyelet import --preprocess tf` has it. */
function tensorOf(tf, { data, width, height }, channels) {
    const values = new Float32Array(width * height * channels);
    for (let i = 0; i < width * height; i++) {
        const [red, green, blue] = data.subarray(4 * i);
        if (channels === 1)
            values[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000 >> 16) / 127.5 - 1;
        else
            values.set([red / 127.5 - 1, green / 127.5 - 1, blue / 127.5 - 1], 3 * i);
    }
    return tf.tensor4d(values, [1, height, width, channels]);
}

function softmax(logits) {
    const max = Math.max(...logits), powers = [...logits].map((x) => Math.exp(x - max)), sum = powers.reduce((a, b) => a + b);
    return powers.map((x) => x / sum);
}

const best = (values) => values.indexOf(Math.max(...values));

/* The probabilities that `eyelet classify` gives each picture. */
async function classified(model, pictures) {
    const here = folder(Object.fromEntries(pictures.map((picture, i) => [`${String(i).padStart(3, '0')}.png`, encodePng(picture)])));
    const { stdout } = succeeded(await eyelet(['classify', model, here, '--json', '--top', '4096']));
    return JSON.parse(stdout).map(({ predictions }) => {
        const scores = [];
        for (const { index, score } of predictions)
            scores[index] = score;
        return scores;
    });
}

/* Imports what stands in the folder and compares it with TensorFlow.js's model; returns what the import printed. */
export async function comparedWith(tf, path, model, pictures, { channels = 3, probabilities = false, tolerance = 1e-5, more = [] } = {}) {
    const out = join(folder(), 'm.eyelet');
    const { stdout } = succeeded(await eyelet(['import', path, '-o', out, ...more]));
    const ours = await classified(out, pictures);
    pictures.forEach((picture, i) => {
        const raw = tf.tidy(() => [...model.predict(tensorOf(tf, picture, channels)).dataSync()]);
        const theirs = probabilities ? raw : softmax(raw);
        assert.equal(ours[i].length, theirs.length);
        assert.equal(best(ours[i]), best(theirs), `picture ${i}: another class`);
        theirs.forEach((p, k) => assert.ok(Math.abs(p - ours[i][k]) < tolerance, `picture ${i}, class ${k}: ${ours[i][k]} instead of ${p}`));
    });
    return stdout;
}
