/* eyelet import of published TFLite networks (backbones and imagenet-photos, in data/ or ../shared/data): their classes of 300
 * photos, and scores against naive loops over the same file. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { dataFile, eyelet, folder, succeeded } from '../support/program.js';
import { evaluateTflite } from '../support/tflite_reference.js';

const photos = dataFile('imagenet-photos/labels.csv') && join(dataFile('imagenet-photos/labels.csv'), '..');
const here = folder();

/* top1, top5: of the 300 photos, the largest centred square of each, by TensorFlow's own TFLite runtime (tfjs-tflite 0.0.1-alpha.10) on the
 * same pixels. published: of 1,000 photos, 300 of them these, with a border cut off (backbones/README.md). within: points that 300 photos
 * may differ by: none of floats; quantised networks round every value, which the imported ones do not. */
const networks = {
    'mobilenet_v1_0.25_128': { side: 128, top1: 46.67, top5: 72, published: [40, 66], within: 0.34, picture: (byte) => byte / 127.5 - 1 },
    'mobilenet_v1_0.25_128_quant': { side: 128, top1: 47.67, top5: 69.33, published: [42.4, 70.1], within: 1.01, picture: (byte) => (byte - 128) * 0.0078125 },
    'mcunet_320kb': { side: 144, top1: 67.33, top5: 93, published: [70.1, 89.7], within: 3.34 },
    'tf2_mobilenet_v2_1.0_224_ptq': { side: 224, top1: 80, top5: 96.33, published: [75.8, 93.9], within: 1.01 },
};
const skipOf = (name) => ({ skip: !photos ? 'NOT TESTED: imagenet-photos are neither in data/ nor in ../shared/data/'
    : !dataFile(`backbones/${name}.tflite`) && `NOT TESTED: ${name}.tflite is neither in data/backbones nor in ../shared/data/backbones` });

const importing = new Map(); /* once each */
function imported(name) {
    const path = join(here, `${name}.eyelet`);
    if (!importing.has(name))
        importing.set(name, eyelet(['import', dataFile(`backbones/${name}.tflite`), '-o', path, '--json']));
    return importing.get(name).then((result) => ({ path, report: JSON.parse(succeeded(result).stdout) }));
}

/* Where classes are 1,001, the first is the background. */
const classOf = (index, classes) => index - (classes - 1000);

for (const [name, { side, top1, top5, published, within }] of Object.entries(networks))
    test(`${name} sees in 300 photos what TensorFlow's runtime sees`, skipOf(name), async (t) => {
        const { path, report } = await imported(name);
        assert.deepEqual(report.input, [side, side, 3]);
        const truth = new Map(readFileSync(join(photos, 'labels.csv'), 'utf8').trim().split('\n').slice(1).map((line) => line.split(',')));
        const results = JSON.parse(succeeded(await eyelet(['classify', path, '--json', join(photos, 'images')])).stdout);
        assert.equal(results.length, 300);
        const ranks = results.map(({ file, predictions }) =>
            predictions.findIndex(({ index }) => classOf(index, report.classes) === Number(truth.get(`images/${file.split('/').at(-1)}`))));
        const percent = (rank) => 100 * ranks.filter((at) => at >= 0 && at < rank).length / ranks.length;
        t.diagnostic(`${name}: ${percent(1).toFixed(2)} / ${percent(5).toFixed(2)} % of 300 photos; TensorFlow ${top1} / ${top5}; `
            + `of 1,000 with a border cut off ${published.join(' / ')}`);
        assert.ok(Math.abs(percent(1) - top1) <= within, `top-1 ${percent(1)} %, TensorFlow ${top1} %`);
        assert.ok(Math.abs(percent(5) - top5) <= within, `top-5 ${percent(5)} %, TensorFlow ${top5} %`);
    });

/* Three made pictures, of the network's size. */
const made = (side, seed) => Uint8Array.from({ length: side * side * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3), x = pixel % side, y = Math.floor(pixel / side);
    return 128 + 80 * Math.sin(x / (3 + seed) + i % 3) + 40 * Math.cos(y / (5 - seed) + 2 * seed);
});

for (const [name, { side, picture }] of Object.entries(networks).filter(([, network]) => network.picture))
    test(`${name} scores pictures as naive loops do`, skipOf(name), async () => {
        const { path } = await imported(name), bytes = readFileSync(dataFile(`backbones/${name}.tflite`));
        for (const seed of [0, 1, 2]) {
            const pixels = made(side, seed), rgba = new Uint8ClampedArray(side * side * 4).map((_, i) => i % 4 === 3 ? 255 : pixels[(i >> 2) * 3 + i % 4]);
            writeFileSync(join(here, 'made.png'), encodePng({ data: rgba, width: side, height: side }));
            const [{ logits }] = JSON.parse(succeeded(await eyelet(['classify', path, join(here, 'made.png'), '--json', '--logits'])).stdout);
            const { data } = evaluateTflite(bytes, () => Array.from(pixels, picture)), most = Math.max(...logits);
            const sum = logits.reduce((all, x) => all + Math.exp(x - most), 0);
            logits.forEach((x, i) => assert.ok(Math.abs(Math.exp(x - most) / sum - data[i]) < 1e-4, `class ${i} of picture ${seed}`));
        }
    });

test('what the files say beside their graphs', skipOf('tf2_mobilenet_v2_1.0_224_ptq'), async () => {
    const { report } = await imported('tf2_mobilenet_v2_1.0_224_ptq');
    assert.equal(report.name, 'ImageClassifier');
    assert.equal(report.classes, 1001);
    assert.equal(report.format, 'TFLite, schema 3, int8 a channel');
    assert.match(report.labels_from, /imagenet_labels\.txt/);
    assert.match(report.preprocessing_from, /quantization/);
});
