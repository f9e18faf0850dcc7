/* eyelet train --use and --curve: runs on fewer training images, the same validation images, and what more would give. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { noisyClasses } from '../support/noisy_colours.js';
import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { trainArguments } from '../support/small_training.js';

const options = ['--epochs', '4', '--flip', 'none', '--crop', '0', '--learning-rate', '0.02', '--validation', '0.3'];
const data = [...trainArguments('small', ...options), '--limit', '1000'];
const counts = (stdout) => stdout.match(/([\d,]+) training and ([\d,]+) validation images/).slice(1).map((text) => Number(text.replace(',', '')));

test('--use keeps a part of every class, and every validation image', async () => {
    const here = folder(), whole = counts(succeeded(await eyelet(data, { cwd: here })).stdout);
    const [images, validation] = counts(succeeded(await eyelet([...data, '--restart', '--use', '0.25'], { cwd: here })).stdout);
    assert.equal(validation, whole[1]);
    assert.ok(Math.abs(images - whole[0] / 4) <= 5, `${images} of ${whole[0]}`); /* ten classes, each rounded */
    const [few] = counts(succeeded(await eyelet([...data, '--restart', '--use', '0.001'], { cwd: here })).stdout);
    assert.equal(few, 10, 'one of each class');
    for (const use of ['0', '1.5'])
        refused(await eyelet([...data, '--use', use], { cwd: here }), { status: 2, reason: /--use takes a fraction/ });
});

test('a run on a part is not resumed as one on another', async () => {
    const here = folder(), run = (...more) => eyelet([...data, ...more], { cwd: here });
    succeeded(await run('--use', '0.5'));
    const { status, stderr } = await run('--use', '0.25', '--resume');
    assert.notEqual(status, 0);
    assert.match(stderr, /--use/);
});

test('--curve trains the model, then on parts, and says what twice as many images would give', async () => {
    const here = folder(), { stdout } = succeeded(await eyelet([...data, '--curve'], { cwd: here }));
    assert.deepEqual(readdirSync(here).filter((name) => name.includes('percent')), [], 'files of the parts are gone');
    const plain = folder();
    succeeded(await eyelet(data, { cwd: plain }));
    const weights = async (cwd) => JSON.parse(succeeded(await eyelet(['summary', 'm.eyelet', '--json'], { cwd })).stdout).checksum;
    assert.equal(await weights(here), await weights(plain), 'the model is that of a run without --curve');

    const table = stdout.slice(stdout.indexOf('what more images would give'));
    const rows = [...table.matchAll(/^ +([\d,]+) {3}([\d.]+) % \(/gm)].map(([, images, accuracy]) => [Number(images.replace(',', '')), Number(accuracy)]);
    assert.equal(rows.length, 4);
    rows.forEach(([images], i) => assert.ok(Math.abs(images - 7 * [10, 25, 50, 100][i]) <= 5, `${images}`));
    const best = Math.max(...readFileSync(join(here, 'm.csv'), 'utf8').trim().split('\n').slice(1).map((line) => {
        const header = readFileSync(join(here, 'm.csv'), 'utf8').split('\n')[0].split(',');
        return Number(line.split(',')[header.indexOf('validation_accuracy')]);
    }));
    assert.ok(Math.abs(rows.at(-1)[1] - 100 * best) < 0.02, `${rows.at(-1)[1]} is the best epoch's ${best}`);
    const [, twice, accuracy, low, high] = table.match(/^ +([\d,]+) {3}about (\d+) % \((\d+) to (\d+)\), if it goes on like this$/m);
    assert.equal(Number(twice.replace(',', '')), 2 * rows.at(-1)[0]);
    assert.ok(Number(low) <= Number(accuracy) && Number(accuracy) <= Number(high));
    assert.ok(Number(high) >= rows.at(-1)[1], 'more images are not expected to harm');

    /* The same points in JSON; the law is a weighted straight line through the logarithms. */
    const lines = succeeded(await eyelet([...data, '--curve', '--json'], { cwd: folder() })).stdout.trim().split('\n');
    const { curve, twice: forecast } = JSON.parse(lines.at(-1));
    assert.deepEqual(curve.map(({ images, accuracy: part }) => [images, Math.round(1e4 * part) / 100]), rows);
    const points = curve.map(({ images, accuracy: part }) => {
        const n = 300 + 1, error = (300 - Math.round(part * 300) + 0.5) / n;
        return { x: Math.log(images), y: Math.log(error), w: error * n / (1 - error) };
    });
    const mean = (of) => points.reduce((sum, point) => sum + of(point) * point.w, 0) / points.reduce((sum, { w }) => sum + w, 0);
    const x = mean((point) => point.x), y = mean((point) => point.y);
    const slope = Math.min(0, mean((p) => (p.x - x) * (p.y - y)) / mean((p) => (p.x - x) ** 2));
    const expected = 1 - Math.min(1, Math.exp(y + slope * (Math.log(2 * rows.at(-1)[0]) - x)));
    assert.ok(Math.abs(forecast.accuracy - expected) < 1e-4, `${forecast.accuracy} for ${expected}`);
});

test('parts of a small set are measured on the validation images of all of it', async () => {
    const here = folder(), images = noisyClasses(['red', 'blue'], 40); /* a tenth is far below 20 images a class */
    const { stdout } = succeeded(await eyelet(['train', images, '-o', 'm.eyelet', '--from', 'none', '--test', '0', '--epochs', '1', '--curve', '--json'], { cwd: here }));
    const { curve } = JSON.parse(stdout.trim().split('\n').at(-1));
    assert.deepEqual(curve.map(({ images: count }) => count), [8, 18, 36, 72]);
    for (const { accuracy } of curve)
        assert.ok(Number.isInteger(Math.round(8e6 * accuracy) / 1e6), `${accuracy} of 8 validation images`);
});

test('a curve without validation images is refused', async () => {
    const { status, stderr } = await eyelet(['train', noisyClasses(['red', 'blue'], 10), '-o', 'm.eyelet', '--from', 'none', '--test', '0', '--epochs', '1', '--curve'], { cwd: folder() });
    assert.equal(status, 1);
    assert.match(stderr, /there are no validation images for a curve/);
});

test('--curve takes no run that goes on, or has nothing to measure with', async () => {
    for (const more of [['--resume'], ['--find-learning-rate'], ['--validation', '0']])
        refused(await eyelet([...data, '--curve', ...more], { cwd: folder() }), { status: 2, reason: /--curve takes a new run/ });
});
