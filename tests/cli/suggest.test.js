/* eyelet suggest: the greedy choice of doubtful images that are unlike each other, against embed and classify. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { png } from '../support/small_sets.js';
import { modelOf } from '../support/tiny_model.js';

const here = folder({
    'm.eyelet': modelOf({ input: [8, 8, 3], labels: ['ant', 'bee', 'cat'], embedding: 2,
        layers: [{ kind: 'flatten' }, { kind: 'dense', channels: 6, bias: true }, { kind: 'dense', channels: 3 }, { kind: 'softmax' }] }),
    'bare.eyelet': modelOf({ input: [8, 8, 3], layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 2 }, { kind: 'softmax' }] }),
    ...Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`unsorted/${String(i).padStart(2, '0')}.png`, png(i * 37)])),
    ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`unsorted/same/${i}.png`, png(11 * 37)])), /* one picture often */
});
const suggest = (...more) => eyelet(['suggest', 'm.eyelet', 'unsorted', ...more], { cwd: here });

/* [{ file, margin, embedding }], the embedding of length 1. */
async function candidates() {
    succeeded(await eyelet(['embed', 'm.eyelet', 'unsorted', '-o', 'e.csv'], { cwd: here }));
    const scores = new Map(JSON.parse(succeeded(await eyelet(['classify', 'm.eyelet', 'unsorted', 'unsorted/same', '--top', '3', '--json'], { cwd: here })).stdout)
        .map(({ file, predictions }) => [file, predictions.map(({ score }) => score)]));
    return readFileSync(join(here, 'e.csv'), 'utf8').trim().split('\n').slice(1).map((line) => {
        const [file, ...numbers] = line.split(','), values = numbers.map(Number), length = Math.hypot(...values);
        const [first, second] = scores.get(file).toSorted((a, b) => b - a);
        return { file, margin: first - second, embedding: values.map((x) => x / length) };
    });
}

function greedy(all, count) {
    const distance = all.map(() => 1), chosen = [];
    while (chosen.length < count) {
        const worth = all.map(({ margin }, i) => chosen.includes(i) ? -1 : (1 - margin) * distance[i]);
        const best = worth.indexOf(Math.max(...worth));
        chosen.push(best);
        all.forEach(({ embedding }, i) => {
            const cosine = embedding.reduce((sum, x, k) => sum + x * all[best].embedding[k], 0);
            distance[i] = Math.min(distance[i], Math.max(0, 1 - cosine));
        });
    }
    return chosen.map((i) => all[i].file);
}

test('suggest chooses doubtful images that are unlike each other, the same for any number of threads', async () => {
    const all = await candidates(), chosen = JSON.parse(succeeded(await suggest('--count', '12', '--json')).stdout);
    assert.equal(all.length, 80);
    assert.deepEqual(chosen.map(({ file }) => file), greedy(all, 12));
    for (const { file, margin } of chosen)
        assert.ok(Math.abs(margin - all.find((one) => one.file === file).margin) < 1e-4);
    assert.ok(chosen.filter(({ file }) => file.includes('same') || file.includes('11.png')).length <= 1, 'one picture is suggested once');
    assert.equal(succeeded(await suggest('--count', '12', '--json', '--threads', '1')).stdout, succeeded(await suggest('--count', '12', '--json', '--threads', '2')).stdout);
});

test('the table of suggestions is filled in and trained on', async () => {
    succeeded(await suggest('-o', 'next.csv'));
    const lines = readFileSync(join(here, 'next.csv'), 'utf8').trimEnd().split('\n');
    assert.equal(lines[0], 'file,label,answer,score,margin');
    assert.equal(lines.length, 21);
    const filled = lines.map((line, i) => i ? line.replace(',,', i % 2 ? ',odd,' : ',even,') : line).join('\n');
    const elsewhere = folder({ 'small.txt': 'input 8x8x3\nflatten\ndense classes softmax\n' });
    writeFileSync(join(elsewhere, 'filled.csv'), filled);
    const { stdout } = succeeded(await eyelet(['train', 'filled.csv', '-o', 'm.eyelet', '--from', 'none', '--network', 'small.txt', '--epochs', '1', '--columns', 'file=file,label=label'], { cwd: elsewhere }));
    assert.match(stdout, /^small\.txt: 386 parameters, \d+ training/m, '8 x 8 x 3 weights and a bias for each of two classes');
});

test('suggest names what it cannot read, and refuses a model without an embedding', async () => {
    const { status, stdout, stderr } = await eyelet(['suggest', 'm.eyelet', 'unsorted/00.png', 'm.eyelet'], { cwd: here });
    assert.equal(status, 1);
    assert.match(stdout, /^unsorted\/00\.png {2}(ant|bee|cat)\? [\d.]+ %, [\d.]+ points above the next class$/m);
    assert.match(stderr, /m\.eyelet/);
    refused(await eyelet(['suggest', 'm.eyelet'], { cwd: here }), { status: 2, reason: /a model, at least one image/ });
    refused(await eyelet(['suggest', 'bare.eyelet', 'unsorted'], { cwd: here }), { subject: 'bare.eyelet', reason: /embedding/ });
});
