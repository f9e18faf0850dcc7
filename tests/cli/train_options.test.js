/* Options of `eyelet train`: each changes what is trained as its formula states. Data set and networks are small and made here. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, makeData, makeRecords, refused, start, succeeded } from '../support/program.js';
import { logIsWhole, networks, noisy, train, trainArguments } from '../support/small_training.js';

/* Weights (3, 10) and biases (10) of `tiny` after so many epochs of one step each. */
async function tinyWeights(epochs, ...more) {
    const here = folder();
    succeeded(await train(here, 'tiny', '--epochs', `${epochs}`, '--batch', '300', '--validation', '0', '--schedule', 'constant',
        '--optimizer', 'sgd', '--learning-rate', '0.5', ...more));
    const bytes = readFileSync(join(here, 'm.eyelet')), start = bytes.length - 4 - 192; /* 40 numbers, filled up to 64 bytes */
    return Array.from({ length: 40 }, (_, i) => bytes.readFloatLE(start + 4 * i));
}
const farthest = (a, b) => Math.max(...a.map((x, i) => Math.abs(x - b[i])));

test('--ema saves the mean of the weights that its formula gives', async () => {
    const [first, second, third] = [await tinyWeights(1), await tinyWeights(2), await tinyWeights(3)];
    assert.deepEqual(await tinyWeights(1, '--ema', '0.9'), first);
    assert.ok(farthest(await tinyWeights(2, '--ema', '0.9'), first.map((x, i) => (x + 3 * second[i]) / 4)) < 1e-7, '(1 + 2) / (10 + 2) stays');
    const little = await tinyWeights(3, '--ema', '0.1'); /* less than the rising fraction: both steps keep a tenth */
    assert.ok(farthest(little, first.map((x, i) => 0.01 * x + 0.09 * second[i] + 0.9 * third[i])) < 1e-7);
    assert.ok(farthest(little, third) > 1e-4);
});

test('--cutout blots out: of images that it covers only the fraction of the classes is trained', async () => {
    const change = async (...more) => {
        const [before, after] = [await tinyWeights(1, ...more), await tinyWeights(20, ...more)];
        return { weights: farthest(before.slice(0, 30), after.slice(0, 30)), biases: farthest(before.slice(30), after.slice(30)) };
    };
    const seen = await change('--cutout', '0'), half = await change('--cutout', '16'), blind = await change('--cutout', '32');
    assert.ok(blind.weights < 0.01 * seen.weights && blind.biases > 0, JSON.stringify({ seen, blind }));
    assert.ok(half.weights < seen.weights && half.weights > 10 * blind.weights, JSON.stringify({ seen, half, blind }));
});

test('--small-size trains a part of the epochs on fewer pixels, the others as they were, and a stop changes nothing', async () => {
    const plain = await tinyWeights(2), small = ['--small-size', '16'];
    assert.notDeepEqual(await tinyWeights(2, ...small), plain);
    assert.deepEqual(await tinyWeights(2, ...small, '--small-part', '0.6'), await tinyWeights(2, ...small), 'the usual part');
    assert.deepEqual(await tinyWeights(2, ...small, '--small-part', '0.1'), plain, 'less than the middle of a step');
    assert.deepEqual(await tinyWeights(2, ...small, '--threads', '3'), await tinyWeights(2, ...small, '--threads', '1'));
    const here = folder(), arguments_ = ['--epochs', '2', ...small];
    succeeded(await train(here, 'tiny', ...arguments_));
    refused(await train(here, 'tiny', '--epochs', '3', '--small-size', '8', '--resume'), { reason: /--small-size/ });
    for (const [wrong, reason] of [[['--small-size', '32'], /fewer than the 32 pixels/], [['--small-part', '1'], /--small-part takes/], [[...small, '--small-part', '0'], /--small-part above 0/]])
        refused(await train(here, 'tiny', ...wrong), { status: 2, reason });
    refused(await train(here, 'rich', '--small-size', '16'), { reason: /with an input of 16x16 the network is no longer the same one/ });
});

test('every augmentation and schedule changes what is trained, and only what it says', async () => {
    const plain = (await tinyWeights(3, '--flip', 'none', '--crop', '0', '--batch', '100')).join();
    for (const option of [['--resized-crop', '0.5'], ['--rotate', '30'], ['--jitter', '0.4'], ['--erase', '1'], ['--mixup', '0.4'], ['--cutmix', '1'], ['--crop', '2'], ['--schedule', 'onecycle']]) {
        const weights = await tinyWeights(3, '--flip', 'none', '--crop', '0', '--batch', '100', ...option);
        assert.notEqual(weights.join(), plain, option.join(' '));
        assert.ok(weights.every(Number.isFinite));
    }
    assert.equal((await tinyWeights(3, '--flip', 'none', '--crop', '0', '--batch', '100', '--mixup', '0')).join(), plain);
});

test('mixed targets: of images that are blotted out, what is trained is still the fraction of the classes', async () => {
    /* All images are grey, so mixing changes the targets alone; in the mean over many draws they are nearly what they were. */
    const [plain, mixed] = [await tinyWeights(40, '--cutout', '32'), await tinyWeights(40, '--cutout', '32', '--mixup', '1', '--cutmix', '1')];
    assert.notEqual(mixed.slice(30).join(), plain.slice(30).join());
    assert.ok(farthest(mixed.slice(30), plain.slice(30)) < 0.3, `${mixed.slice(30)} against ${plain.slice(30)}`);
});

test('--class-weights balanced: a rare class counts as much as a common one', async () => {
    const bytes = makeRecords(0), uneven = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2]; /* fractions of 70, 20 and 10 %; seven classes are not there */
    for (let record = 0; record < 10_000; record++)
        bytes[record * 3073] = uneven[record % 10];
    const fractions = async (...more) => {
        const weights = await tinyWeights(60, '--cutout', '32', '--data', makeData(bytes), ...more), powers = weights.slice(30).map(Math.exp);
        return powers.slice(0, 3).map((power) => power / powers.reduce((a, b) => a + b));
    };
    const none = await fractions(), balanced = await fractions('--class-weights', 'balanced');
    assert.ok(farthest(none, [0.7, 0.2, 0.1]) < 0.04, `${none}`);
    assert.ok(farthest(balanced, [1 / 3, 1 / 3, 1 / 3]) < 0.04, `${balanced}`);
});

test('--patience ends a run that no longer gets better, and the best model is kept', async () => {
    const here = folder();
    const { stdout } = succeeded(await train(here, 'small', '--optimizer', 'sgd', '--learning-rate', '0', '--epochs', '50', '--patience', '3'));
    assert.equal(logIsWhole(join(here, 'm.csv')).length, 4, 'the first is the best, and three are no better');
    assert.match(stdout, /^ended early: 3 epochs without a better validation$/m);
    assert.match(readFileSync(join(here, 'm.eyelet')).toString('latin1'), /^epochs: 1$/m);
    assert.match(readFileSync(join(here, 'm.last.eyelet')).toString('latin1'), /^epochs: 4$/m);
    const again = succeeded(await train(here, 'small', '--optimizer', 'sgd', '--learning-rate', '0', '--epochs', '50', '--patience', '3', '--resume'));
    assert.match(again.stderr, /the run is complete/);
});

test('--schedule plateau lowers the rates once the validation loss no longer falls', async () => {
    /* At this rate the loss jumps about; at a tiny one it stays where it is. */
    const losses = async (...more) => {
        const here = folder();
        succeeded(await train(here, 'small', '--optimizer', 'sgd', '--learning-rate', '3', '--epochs', '12', '--momentum', '0', ...more));
        return logIsWhole(join(here, 'm.csv')).map((row) => row[3]);
    };
    const change = (values) => Math.abs(values.at(-1) - values.at(-2)) + Math.abs(values.at(-2) - values.at(-3));
    const [constant, patient, lowered] = [await losses('--schedule', 'constant'), await losses('--schedule', 'plateau', '--plateau', '1000'), await losses('--schedule', 'plateau', '--plateau', '1')];
    assert.deepEqual(patient, constant);
    assert.deepEqual(lowered.slice(0, 2), constant.slice(0, 2));
    assert.ok(change(lowered) < 0.1 * change(constant), `${lowered} against ${constant}`);
});

test('--find-learning-rate suggests a tenth of the rate of the lowest loss and writes nothing', async () => {
    const here = folder();
    const arguments2 = ['train', '--find-learning-rate', '--network', join(networks, 'small.txt'), '--data', noisy, '--limit', '500'];
    const { suggested, learning_rates: rates, losses } = JSON.parse(succeeded(await eyelet([...arguments2, '--json'], { cwd: here })).stdout);
    const lowest = losses.indexOf(Math.min(...losses));
    assert.equal(rates.length, losses.length);
    assert.ok(Math.abs(suggested / (rates[lowest] / 10) - 1) < 0.06, `${suggested} of ${rates[lowest]}`);
    assert.ok(losses[lowest] < 0.8 * losses[0] && losses.at(-1) > losses[lowest], `${losses}`);
    assert.ok(rates.every((rate, i) => i === 0 || Math.abs(rate / rates[i - 1] - 10 ** (1 / 15)) < 1e-3));
    const { stdout } = succeeded(await eyelet(arguments2, { cwd: here }));
    assert.match(stdout, new RegExp(`^suggested: --learning-rate ${suggested}, `, 'm'));
    assert.deepEqual(readdirSync(here), []);
    const trained = (rate) => train(folder(), 'small', '--limit', '500', '--epochs', '1', '--learning-rate', `${rate}`, '--json');
    const loss = async (rate) => JSON.parse(succeeded(await trained(rate)).stdout.split('\n')[0]).loss;
    assert.ok(await loss(suggested) < await loss(suggested / 1000));
    refused(await trained(suggested * 1000), { subject: 'm.eyelet', reason: /^training has diverged/, hint: /--find-learning-rate/ });
});

const builds = ['x86-64-v3', 'x86-64-v4'].map((name) => new URL(`../../build/${name}/eyelet`, import.meta.url).pathname);
test('one seed gives one model with AVX2 and with AVX-512',
    { skip: builds.every((path) => existsSync(path)) ? false : 'NOT TESTED: this needs the builds x86-64-v3 and x86-64-v4' }, async () => {
        for (const network of ['rich', 'whitened', 'mobile']) {
            const models = [];
            for (const build of builds) {
                const here = folder();
                succeeded(await start(build, trainArguments(network, '--epochs', '2'), { cwd: here }).result);
                models.push(readFileSync(join(here, 'm.eyelet')));
            }
            assert.ok(models[0].equals(models[1]), network);
        }
    });

test('--exact is another arithmetic: other weights where multiply-adds can be fused, and a word in the configuration', async () => {
    const [fast, exact] = [folder(), folder()];
    for (const [here, ...more] of [[fast], [exact, '--exact']])
        succeeded(await train(here, 'rich', '--epochs', '1', '-o', 'run/', ...more));
    const arithmetic = (here) => readFileSync(join(here, 'run/run.txt'), 'utf8').match(/^multiply-add=(.*)$/m)[1];
    assert.equal(arithmetic(exact), 'exact');
    const weights = await Promise.all([fast, exact].map(async (here) => JSON.parse(succeeded(await eyelet(['summary', 'run/run.eyelet', '--json'], { cwd: here })).stdout).weights_checksum));
    assert.equal(weights[0] === weights[1], arithmetic(fast) === 'exact');
});
