/* eyelet compare: two models on the same images, against what their logits say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { classes } from '../support/small_sets.js';
import { modelOf, random } from '../support/tiny_model.js';

const names = ['ant', 'bee, the "wasp"', 'cat'], count = 40;
const layers = [{ kind: 'flatten' }, { kind: 'dense', channels: 3 }, { kind: 'softmax' }];
const models = folder({
    'a.eyelet': modelOf({ input: [8, 8, 3], labels: names, layers, weight: random(1) }),
    'b.eyelet': modelOf({ input: [8, 8, 3], labels: names.toReversed(), layers, weight: random(7) }),
    'c.eyelet': modelOf({ input: [8, 8, 3], labels: ['ant', 'bee', 'dog'], layers, weight: random(2) }),
});
const data = folder(classes(names, count, { prefix: 'test/' }));
const [a, b, c] = ['a', 'b', 'c'].map((name) => join(models, `${name}.eyelet`));
const options = ['--test', '1'];

/* The best class's name and softmax score of each image, and its class, in the order of evaluate. */
async function answersOf(model, labels) {
    const here = folder();
    succeeded(await eyelet(['evaluate', model, data, ...options, '--logits', 'logits'], { cwd: here }));
    const bytes = readFileSync(join(here, 'logits')), all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return Array.from({ length: all.length / 3 }, (_, i) => {
        const logits = [...all.subarray(3 * i, 3 * i + 3)], best = Math.max(...logits);
        return { name: labels[logits.indexOf(best)], score: 1 / logits.reduce((sum, x) => sum + Math.exp(x - best), 0) };
    });
}

/* Two-sided, by counting. */
function mcnemar(first, second) {
    const n = first + second;
    let term = 2 ** -n, sum = 0;
    for (let k = 0; k <= Math.min(first, second); k++) {
        sum += term;
        term *= (n - k) / (k + 1);
    }
    return Math.min(1, 2 * sum);
}

test('compare counts pairs, tests them, and names the images on which two models differ', async () => {
    const here = folder();
    const { stdout } = succeeded(await eyelet(['compare', a, b, data, ...options, '--json', '--differences', 'd.csv'], { cwd: here }));
    const found = JSON.parse(stdout), answers = [await answersOf(a, names), await answersOf(b, names.toReversed())];
    assert.equal(found.images, 3 * count);
    const label = (i) => names[i % 3] /* a folder's classes take turns */, right = (side, i) => answers[side][i].name === label(i);
    const cells = { both_right: 0, only_first_right: 0, only_second_right: 0, neither_right: 0 }, differ = [];
    for (let i = 0; i < 3 * count; i++) {
        cells[right(0, i) ? right(1, i) ? 'both_right' : 'only_first_right' : right(1, i) ? 'only_second_right' : 'neither_right']++;
        if (answers[0][i].name !== answers[1][i].name)
            differ.push(i);
    }
    assert.ok(cells.only_first_right && cells.only_second_right, 'the models must differ both ways');
    for (const [name, cell] of Object.entries(cells))
        assert.equal(found[name], cell, name);
    const { only_first_right: first, only_second_right: second } = cells;
    assert.ok(Math.abs(found.p - mcnemar(first, second)) < 1e-5 * found.p, `${found.p}`);
    assert.ok(Math.abs(found.difference - (second - first) / found.images) < 1e-6);
    const [low, high] = found.difference_interval; /* centre and width of Agresti and Min's */
    const shrunk = found.images + 2, mean = (second - first) / shrunk;
    assert.ok(Math.abs((low + high) / 2 - mean) < 1e-6);
    assert.ok(Math.abs((high - low) / 2 - 1.96 * Math.sqrt((first + second + 1) / shrunk - mean ** 2) / Math.sqrt(shrunk)) < 1e-6);

    assert.equal(found.differences.length, differ.length);
    found.differences.forEach(({ image, class: name, answers: given, scores }, k) => {
        const i = differ[k];
        assert.ok(image.endsWith('.png') && image.includes(`/${label(i)}/`), image);
        assert.equal(name, label(i));
        assert.deepEqual(given, answers.map((side) => side[i].name));
        scores.forEach((score, side) => assert.ok(Math.abs(score - answers[side][i].score) < 1e-5));
    });
    found.models.forEach(({ classes: own, confusion, accuracy }, side) => {
        assert.deepEqual(own, side ? names.toReversed() : names);
        assert.equal(confusion.flat().reduce((sum, x) => sum + x), found.images);
        assert.ok(Math.abs(confusion.reduce((sum, row, i) => sum + row[i], 0) / found.images - accuracy) < 1e-6);
    });

    const lines = readFileSync(join(here, 'd.csv'), 'utf8').trimEnd().split('\n');
    assert.equal(lines[0], 'image,class,a,a_score,b,b_score');
    assert.equal(lines.length - 1, differ.length);
    assert.ok(lines.some((line) => line.includes('"bee, the ""wasp"""')), 'fields with commas and quotes are quoted');
});

test('compare says in words whether chance may have made the difference', async () => {
    const { stdout } = succeeded(await eyelet(['compare', a, b, data, ...options]));
    const [, p, verdict] = stdout.match(/p = ([\d.e-]+): (.*)/);
    assert.equal(/is better/.test(verdict), Number(p) < 0.05);
    const [, more] = stdout.match(/\.\.\. and (\d+) more \(--differences FILE\.csv\)/);
    assert.equal(stdout.match(/; A: .* %; B: .* %$/gm).length, 10);
    assert.ok(Number(more) > 0);
    const same = succeeded(await eyelet(['compare', a, a, data, ...options])).stdout;
    assert.match(same, /A alone on 0, B alone on 0/);
    assert.match(same, /B - A: \+0\.00 points .* p = 1: chance/);
    assert.doesNotMatch(same, /where they differ/);
});

test('compare refuses a model without the classes of the data, and one operand', async () => {
    const here = folder();
    refused(await eyelet(['compare', a, c, data, ...options, '--differences', 'd.csv'], { cwd: here }), { reason: /cat/ });
    assert.throws(() => readFileSync(join(here, 'd.csv')), 'nothing is written');
    refused(await eyelet(['compare', a]), { status: 2, reason: /two models and one data set, got 1/ });
});
