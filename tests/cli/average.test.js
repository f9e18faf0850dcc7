/* eyelet average: federated averaging, held against the formula; what it refuses; clipping and noise. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { noisyClasses, noisyPicture } from '../support/noisy_colours.js';
import { modelFormat, put } from '../support/model_format.js';
import { eyelet, folder, program, refused, start as startProgram, succeeded } from '../support/program.js';
import { modelOf, random, sealed } from '../support/tiny_model.js';

const layers = [{ kind: 'conv2d', channels: 4, kernel: [3, 3], stride: 4, same: true, bias: true }, { kind: 'relu' },
    { kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }];
const trunkNumbers = 3 * 3 * 3 * 4 + 4, headNumbers = 4 * 3 + 3;

/* Trained on so many images; seeds: of the weights of the trunk and of the head. */
function client(images, { trunk = 1, head, labels = ['red', 'green', 'blue'], notes = `name: x\ndata: photos, ${images} images\n`, ...more }) {
    const drawTrunk = random(trunk), drawHead = random(head);
    let drawn = 0;
    const weight = (inputs) => drawn++ < trunkNumbers ? drawTrunk(inputs) : drawHead(inputs);
    return modelOf({ layers, labels, notes, weight, ...more });
}

/* The weights of a float32 file of these layers: they stand at its end, each layer's filled up to 64 bytes. */
function blocksOf(bytes, counts) {
    const space = (count) => Math.ceil(4 * count / 64) * 64;
    let at = bytes.length - 4 - counts.reduce((sum, count) => sum + space(count), 0);
    return counts.map((count) => {
        const block = Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i));
        at += space(count);
        return block;
    });
}
function weightsOf(bytes) {
    const [trunk, head] = blocksOf(bytes, [trunkNumbers, headNumbers]);
    return { trunk, head };
}
const all = (bytes) => Object.values(weightsOf(bytes)).flat();
const norm = (numbers) => Math.hypot(...numbers);

const average = (here, ...more) => eyelet(['average', ...more], { cwd: here });
const readIn = (here, name) => readFileSync(join(here, name));

test('each weight is the mean of the models, weighted by their images, whatever their order', async () => {
    const files = { 'a.eyelet': client('1,000', { trunk: 1, head: 2 }), 'b.eyelet': client(30, { trunk: 3, head: 4, temperature: 2 }),
        'c.eyelet': client(7, { trunk: 5, head: 6, notes: 'name: taught\ndata: 7 pictures of 3 classes\n' }) };
    const here = folder(files), [a, b, c] = Object.values(files).map((bytes) => all(bytes));
    const { stdout } = succeeded(await average(here, 'a.eyelet', 'b.eyelet', 'c.eyelet', '-o', 'd.eyelet'));
    assert.match(stdout, /1,037 images/);
    assert.deepEqual(all(readIn(here, 'd.eyelet')), a.map((x, i) => Math.fround((1000 * x + 30 * b[i] + 7 * c[i]) / 1037)));
    succeeded(await average(here, 'c.eyelet', 'a.eyelet', 'b.eyelet', '-o', 'e.eyelet'));
    assert.deepEqual(all(readIn(here, 'e.eyelet')), all(readIn(here, 'd.eyelet')));
    const { info } = await loadClassifier({ model: join(here, 'd.eyelet') });
    assert.equal(info.notes.data, 'average of 3 models, 1,037 images', 'an average is averaged further');
    assert.equal(readIn(here, 'd.eyelet').readFloatLE(modelFormat.header.get('temperature').offset), 1);
});

test('what all have alike stays to the bit, and an int8 model stays one', async () => {
    const here = folder({ 'a.eyelet': client(3, { head: 2 }), 'b.eyelet': client(5, { head: 4 }) });
    for (const name of ['a', 'b'])
        succeeded(await eyelet(['convert', `${name}.eyelet`, '-o', `${name}8.eyelet`, '--weights', 'int8'], { cwd: here }));
    const { stdout } = succeeded(await average(here, 'a8.eyelet', 'b8.eyelet', '-o', 'c8.eyelet', '--json'));
    assert.equal(JSON.parse(stdout).layers_that_differ, 1);
    const trunkBytes = Math.ceil((4 * 4 + 27 * 4 + 4 * 4) / 64) * 64, headBytes = Math.ceil((4 * 3 + 4 * 3 + 4 * 3) / 64) * 64;
    const trunk = (bytes) => bytes.subarray(bytes.length - 4 - headBytes - trunkBytes, bytes.length - 4 - headBytes);
    assert.deepEqual(trunk(readIn(here, 'c8.eyelet')), trunk(readIn(here, 'a8.eyelet')));
    succeeded(await average(here, 'a.eyelet', 'b.eyelet', '-o', 'c.eyelet'));
    assert.deepEqual(weightsOf(readIn(here, 'c.eyelet')).trunk, weightsOf(readIn(here, 'a.eyelet')).trunk);
});

test('what does not fit, or has no weight, is refused by name, and nothing written', async () => {
    const nan = client(5, { head: 4 });
    nan.writeFloatLE(Number.NaN, nan.length - 4 - 64);
    const grey = client(5, { head: 4 });
    put(grey, modelFormat.header, 'resize mode', 0);
    const other = modelOf({ layers: layers.toSpliced(1, 1, { kind: 'tanh' }), labels: ['red', 'green', 'blue'], notes: 'data: x, 5 images\n' });
    const here = folder({ 'a.eyelet': client(3, { head: 2 }), 'b.eyelet': client(5, { head: 4 }), 'nan.eyelet': sealed(nan),
        'labels.eyelet': client(5, { head: 4, labels: ['red', 'green', 'black'] }), 'resize.eyelet': sealed(grey), 'other.eyelet': other,
        'deep.eyelet': modelOf({ layers: layers.toSpliced(2, 0, { kind: 'relu' }), labels: ['red', 'green', 'blue'], notes: 'data: x, 5 images\n' }),
        'mean.eyelet': client(5, { head: 4, mean: [0, 0, 0] }), 'none.eyelet': client(0, { head: 4 }),
        'trunk.eyelet': client(5, { trunk: 2, head: 4 }),
        'silent.eyelet': client(0, { head: 4, notes: 'name: imported\n' }) });
    const reasons = { nan: /NaN or infinite/, labels: /its class 2 is "black", that of a\.eyelet "blue"/, resize: /the resize mode differs/,
        mean: /the mean differs/, other: /another architecture: layer 2, tanh/, deep: /another architecture: it has 6 layers, a\.eyelet 5/,
        none: /trained on no images/, silent: /do not say on how many images/, missing: /No such file/ };
    for (const [name, reason] of Object.entries(reasons))
        refused(await average(here, 'a.eyelet', `${name}.eyelet`, '-o', 'out.eyelet'), { subject: `${name}.eyelet`, reason });
    refused(await average(here, 'a.eyelet', 'b.eyelet', '-o', 'out.eyelet', '--base', 'other.eyelet', '--clip', '1'),
        { subject: 'a.eyelet', reason: /another architecture: layer 2, relu/ });
    refused(await average(here, 'a.eyelet', 'trunk.eyelet', '-o', 'out.eyelet', '--base', 'b.eyelet', '--head'),
        { subject: 'trunk.eyelet', reason: /its layer 1, conv2d_1, is not that of b\.eyelet/ });
    assert.equal(existsSync(join(here, 'out.eyelet')), false);
    for (const wrong of [['--noise', '1'], ['--clip', '1'], ['--rounds', '3'], ['--base', 'a.eyelet'], ['--head'], ['--step', '2']])
        refused(await average(here, 'a.eyelet', 'b.eyelet', '-o', 'out.eyelet', ...wrong), { status: 2, reason: /need|is for/ });
    refused(await average(here, 'a.eyelet', '-o', 'out.eyelet'), { status: 2, reason: /two models or more, got 1/ });
    assert.equal(existsSync(join(here, 'out.eyelet')), false);
});

test('updates are clipped to a norm, and a model that lies about its images has no more say under noise', async () => {
    const files = { 'base.eyelet': client(9, { head: 1 }), 'a.eyelet': client(3, { head: 2 }), 'b.eyelet': client(300_000, { head: 4 }) };
    const here = folder(files), [base, a, b] = Object.values(files).map((bytes) => weightsOf(bytes).head);
    const clip = 0.5, updateOf = (own) => own.map((x, i) => x - base[i]);
    const clipped = [a, b].map(updateOf).map((update) => update.map((x) => x * Math.min(1, clip / norm(update))));
    const near = (own, expected, tolerance = 1e-6) => own.forEach((x, i) => assert.ok(Math.abs(x - expected[i]) < tolerance, `${i}: ${x}, not ${expected[i]}`));
    const of = ['a.eyelet', 'b.eyelet', '--base', 'base.eyelet', '--head', '--clip', `${clip}`];
    succeeded(await average(here, ...of, '-o', 'clipped.eyelet'));
    near(weightsOf(readIn(here, 'clipped.eyelet')).head, base.map((x, i) => x + (3 * clipped[0][i] + 300_000 * clipped[1][i]) / 300_003));

    succeeded(await average(here, 'a.eyelet', 'b.eyelet', '-o', 'far.eyelet', '--base', 'base.eyelet', '--step', '3'));
    near(weightsOf(readIn(here, 'far.eyelet')).head, base.map((x, i) => x + 3 * ((3 * a[i] + 300_000 * b[i]) / 300_003 - x)));

    const { stdout } = succeeded(await average(here, ...of, '-o', 'noisy.eyelet', '--noise', '4', '--seed', '7', '--clients', '4', '--json'));
    const noise = weightsOf(readIn(here, 'noisy.eyelet')).head.map((x, i) => 4 * (x - base[i]) - clipped[0][i] - clipped[1][i]);
    const deviation = norm(noise) / Math.sqrt(noise.length);
    assert.ok(deviation > 1 && deviation < 3.2, `4 x 0.5, not ${deviation}`); /* of 15 numbers: beyond 99.9 % */
    assert.deepEqual(weightsOf(readIn(here, 'noisy.eyelet')).trunk, weightsOf(files['base.eyelet']).trunk, 'the head alone is averaged');
    const ln = Math.log(1e5); /* of the Gaussian mechanism: T a / (2 z^2) + ln / (a - 1), at its least */
    assert.ok(Math.abs(JSON.parse(stdout).epsilon - (1 / 32 + Math.sqrt(2 * ln) / 4)) < 1e-4, stdout);
    succeeded(await average(here, ...of, '-o', 'again.eyelet', '--noise', '4', '--seed', '7', '--clients', '4'));
    assert.deepEqual(readIn(here, 'again.eyelet').subarray(-200, -4), readIn(here, 'noisy.eyelet').subarray(-200, -4));
    for (const name of ['one.eyelet', 'two.eyelet'])
        succeeded(await average(here, ...of, '-o', name, '--noise', '4'));
    assert.notDeepEqual(weightsOf(readIn(here, 'one.eyelet')).head, weightsOf(readIn(here, 'two.eyelet')).head, 'the system\'s random numbers');
});

/* ---- Rounds ---- */

test('the README\'s rounds: clients that lack classes train for the labels of all, and their average knows them all', async () => {
    let drawn = 0;
    const start = modelOf({ layers: [{ kind: 'conv2d', channels: 3, kernel: [1, 1], stride: 4, bias: true }, { kind: 'global_avgpool' },
        { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }], weight: () => drawn < 9 && drawn++ % 4 === 0 ? 1 : 0 });
    const here = folder({ 'labels.txt': 'red\ngreen\nblue\n', 'start.eyelet': start,
        'red.png': noisyPicture(0, 500), 'green.png': noisyPicture(1, 500), 'blue.png': noisyPicture(2, 500) });
    [['red', 'green'], ['green', 'blue'], ['blue', 'red']].forEach((names, k) =>
        cpSync(noisyClasses(names, 6, { first: 6 * k, by: 60 }), join(here, 'clients', 'abc'[k]), { recursive: true }));
    cpSync(noisyClasses(['red', 'green', 'blue'], 2, { first: 100, by: 60 }), join(here, 'server'), { recursive: true });
    const readme = readFileSync(new URL('../../train_native/README.md', import.meta.url), 'utf8');
    const script = readme.match(/```sh\n(build\/eyelet train server[^`]*)```/)[1].replaceAll('build/eyelet', program).replace('web/models/objects160', 'start')
        .replace('{1..16}', '1 2').replace('--learning-rate 1.5', '--learning-rate 0.5').replace('--batch 50', '--batch 6');
    const { stderr } = succeeded(await startProgram('bash', ['-e', '-c', script], { cwd: here }).result);
    assert.equal(stderr.match(/it has 2 of the model's 3 classes/g).length, 6);
    const read = (name) => blocksOf(readIn(here, name), [12, 6, 12]), base = read('round1.eyelet').flat();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => read(`clients/${name}.eyelet`).flat());
    read('round2.eyelet').flat().forEach((x, i) => {
        const expected = base[i] + 3 * ((12 * a[i] + 12 * b[i] + 12 * c[i]) / 36 - base[i]);
        assert.ok(Math.abs(x - expected) < 1e-6, `${i}: ${x}, not ${expected}`);
    });
    assert.deepEqual(read('round2.eyelet').slice(0, 2), read('round0.eyelet').slice(0, 2), 'the head alone is trained');
    for (const name of ['red', 'green', 'blue'])
        assert.match(succeeded(await eyelet(['classify', 'round2.eyelet', `${name}.png`], { cwd: here })).stdout.replace(`${name}.png`, ''), new RegExp(`^[\\s\\d.%]*${name}`));
});

test('labels that cannot be a model\'s, or lack a class of the data, are refused', async () => {
    const data = noisyClasses(['red', 'green'], 3), here = folder({ 'one.txt': 'red\n', 'twice.txt': 'red\ngreen\nred\n', 'other.txt': 'red\nblue\n' });
    const train = (labels) => eyelet(['train', data, '--from', 'none', '--labels', labels, '-o', 'm.eyelet', '--epochs', '1'], { cwd: here });
    refused(await train('one.txt'), { subject: 'one.txt', reason: /it has 1 label$/ });
    refused(await train('twice.txt'), { subject: 'twice.txt', reason: /the label "red" twice/ });
    refused(await train('other.txt'), { subject: data, reason: /1 of its 2 classes is none of the model's 2 \("red", "blue"\): "green"/ });
    refused(await train('missing.txt'), { subject: 'missing.txt', reason: /No such file/ });
    assert.equal(existsSync(join(here, 'm.eyelet')), false);
});

test('train --standardize: the same answers, by a head that reads features of mean 0 and deviation 1', async () => {
    const here = folder({ 'start.eyelet': client(9, { head: 1, labels: ['a', 'b', 'c'], embedding: 3 }), 'x.png': noisyPicture(0, 500) });
    const data = noisyClasses(['red', 'green'], 8), of = ['--from', 'start.eyelet', '--linear-probe', '--validation', '0', '--test', '0', '--flip', 'none'];
    succeeded(await eyelet(['train', data, ...of, '-o', 'plain.eyelet'], { cwd: here }));
    succeeded(await eyelet(['train', data, ...of, '-o', 'layer.eyelet', '--standardize'], { cwd: here }));
    const [plain, layer] = await Promise.all(['plain', 'layer'].map((name) => loadClassifier({ model: join(here, `${name}.eyelet`) })));
    const picture = readIn(here, 'x.png'), logits = [...plain.logitsSync(picture)];
    [...layer.logitsSync(picture)].forEach((logit, k) => assert.ok(Math.abs(logit - logits[k]) < 1e-4 * (1 + Math.abs(logit)), `${logit}, not ${logits[k]}`));
    const embeddings = await Promise.all([0, 1].flatMap((channel) => Array.from({ length: 8 }, (_, i) => layer.embed(noisyPicture(channel, i)))));
    for (let k = 0; k < 4; k++) {
        const values = embeddings.map((embedding) => embedding[k]), mean = values.reduce((sum, value) => sum + value) / 16;
        assert.ok(Math.abs(mean) < 1e-3 && Math.abs(norm(values) / 4 - 1) < 1e-3 || values.every((value) => value === values[0]), `${values}`);
    }
    refused(await eyelet(['train', data, '--from', 'start.eyelet', '-o', 'm.eyelet', '--standardize', '--epochs', '1'], { cwd: here }), { status: 2, reason: /needs --linear-probe/ });
});
