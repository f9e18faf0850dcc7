/* What a run says of itself: whom validation sees, how far its accuracies can be trusted, which classes are far smaller than others, and
 * where it diverged. The images are drawn here. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { counts, network } from '../support/small_sets.js';
import { modelOf } from '../support/tiny_model.js';

let state = 1;
const draw = (below) => (state = Math.imul(state, 1664525) + 1013904223 | 0, (state >>> 8) % below);

/* Pictures of 8 x 8 pixels in a class's own colour, no two the same. */
function picture(hue) {
    const data = new Uint8ClampedArray(8 * 8 * 4);
    for (let i = 0; i < 64; i++)
        data.set([60 * hue % 200 + draw(56), draw(256), 200 - 50 * hue % 200 + draw(56), 255], 4 * i);
    return encodePng({ data, width: 8, height: 8 });
}

/* A folder with so many pictures of each class, which look alike where they have one colour. */
const dataOf = (sizes, colours = Infinity) => folder(Object.fromEntries(Object.entries(sizes).flatMap(([name, count], hue) =>
    Array.from({ length: count }, (_, i) => [`${name}/${i}.png`, picture(Math.min(hue, colours - 1))]))));

const train = (data, more = [], here = folder()) => eyelet(['train', data, '-o', 'm.eyelet', '--network', network, '--epochs', '2', '--test', '0', ...more], { cwd: here });
const noted = ({ stderr }) => stderr.split('\n').filter((line) => /^data: (training|validation|the classes)/.test(line));

/* ---- Validation ---- */

test('validation holds every class that can spare an image, and names those that cannot', async () => {
    const data = dataOf({ many: 40, few: 3, pair: 2, lonely: 1 });
    for (const [fraction, held] of [['0.1', 4 + 1 + 1], ['0.001', 3], ['0.5', 20 + 2 + 1], ['0.999', 39 + 2 + 1]]) {
        const result = succeeded(await train(data, ['--validation', fraction]));
        assert.deepEqual(counts(result), [46 - held, held], fraction);
        assert.equal(noted(result)[0], 'data: validation holds no image of 1 of 4 classes: lonely. Its accuracy tells nothing of them: add images of them.');
    }
    const result = succeeded(await train(data, ['--validation', '0']));
    assert.deepEqual(counts(result), [46, 0]);
    assert.doesNotMatch(result.stderr, /validation holds/);
});

test('of many classes without validation images a few are named', async () => {
    const lonely = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`lonely${String.fromCharCode(97 + i)}`, 1]));
    const [note] = noted(succeeded(await train(dataOf({ many: 20, ...lonely }), ['--validation', '0.1'])));
    assert.match(note, /^data: validation holds no image of 12 of 13 classes: lonelya, lonelyb, lonelyc, lonelyd, lonelye, lonelyf, lonelyg, lonelyh and more\. /);
});

/* ---- Imbalance ---- */

test('classes of 3 to 1 images and more are noted, with what to do', async () => {
    const of = async (sizes, ...more) => noted(succeeded(await train(dataOf(sizes), ['--validation', '0', ...more])));
    assert.deepEqual(await of({ apple: 9, kiwi: 5, pear: 4 }), []);
    assert.deepEqual(await of({ apple: 9, kiwi: 5, pear: 3 }), ['data: the classes are imbalanced, 3 to 1: apple has 9 training images, pear has 3. ' +
        '--class-weights balanced weighs them alike in the loss; more images of the small ones help more.']);
    assert.match((await of({ apple: 20, kiwi: 2 }, '--class-weights', 'balanced'))[0], /10 to 1: apple has 20 training images, kiwi has 2\. The loss weighs them alike/);
});

/* ---- Intervals ---- */

/* Wilson's (1927), the other way round: the ends are 1.96 standard deviations from what was found. */
function checkInterval(text, right, count) {
    const [, percent, low, high] = /([\d.]+) % \(([\d.]+)-([\d.]+)\)/.exec(text);
    assert.equal(percent, (100 * right / count).toFixed(2));
    for (const end of [low, high].map((value) => value / 100).filter((p) => p > 0 && p < 1))
        assert.ok(Math.abs(Math.abs(end - right / count) - 1.96 * Math.sqrt(end * (1 - end) / count)) < 2e-3, text);
    return [Number(low), Number(high)];
}

test('accuracies of a few images have their interval: in the lines of epochs, in JSON, in the notes, in evaluate', async () => {
    const data = dataOf({ a: 30, b: 30 }), here = folder();
    const { stdout } = succeeded(await train(data, ['--validation', '0.2'], here));
    const lines = stdout.split('\n').filter((line) => line.startsWith('epoch'));
    assert.equal(lines.length, 2);
    for (const line of lines) {
        const text = /validation loss [\d.]+ {2}accuracy (.*)/.exec(line)[1];
        checkInterval(text, Math.round(Number.parseFloat(text) * 12 / 100), 12);
    }
    const summary = succeeded(await eyelet(['summary', 'm.eyelet'], { cwd: here })).stdout;
    assert.match(summary, /^accuracy: [\d.]+ % \([\d.]+-[\d.]+\) of 12 validation images$/m);

    const epochs = succeeded(await train(data, ['--validation', '0.2', '--json'])).stdout.trim().split('\n').map(JSON.parse).filter(({ epoch }) => epoch);
    for (const { validation_accuracy, validation_interval: [low, high] } of epochs)
        assert.ok(low >= 0 && low <= validation_accuracy && validation_accuracy <= high && high <= 1 && high - low > 0.2, `${low} ${validation_accuracy} ${high}`);

    const evaluate = async (...more) => succeeded(await eyelet(['evaluate', 'm.eyelet', data, '--test', '1', ...more], { cwd: here })).stdout;
    const table = await evaluate(), { per_class } = JSON.parse(await evaluate('--json'));
    for (const [i, name] of ['a', 'b'].entries()) {
        const { images, answers, precision, recall, precision_interval, recall_interval } = per_class[i];
        const [, precisionText, recallText] = new RegExp(`^ +${name} +30 +([\\d.]+ % \\([^)]*\\)) +([\\d.]+ % \\([^)]*\\))`, 'm').exec(table);
        for (const [text, right, count, interval] of [[precisionText, precision * answers, answers, precision_interval], [recallText, recall * images, images, recall_interval]])
            assert.deepEqual(checkInterval(text, Math.round(right), count), interval.map((p) => Number((100 * p).toFixed(1))));
    }
});

/* ---- Runs that diverge ---- */

test('a run that diverges names epoch and step and what to try, and keeps what it had', async () => {
    const data = dataOf({ a: 60, b: 60 }, 1);
    const quick = ['--batch', '10', '--optimizer', 'sgd', '--momentum', '0', '--schedule', 'constant', '--warmup', '0', '--validation', '0.1', '--flip', 'none', '--crop', '0'];
    const here = folder();
    refused(await train(data, [...quick, '--learning-rate', '300'], here), { subject: 'm.eyelet',
        reason: /^training has diverged: the loss is [\d.e+]+ in epoch 1, far above the [\d.]+ of the first step, since step [1-9]\d*$/, hint: /Lower --learning-rate \(it was 300; --find-learning-rate suggests one\)/ });
    assert.ok(!existsSync(join(here, 'm.eyelet')));
    refused(await train(data, [...quick, '--learning-rate', '1e38'], here), { subject: 'm.eyelet', reason: /no longer a finite number in epoch 1, step \d+, /, hint: /Lower --learning-rate \(it was 1e\+38/ });

    const base = folder();
    succeeded(await train(data, [...quick, '--learning-rate', '0.001'], base));
    const before = readFileSync(join(base, 'm.eyelet')), names = readdirSync(base);
    refused(await train(data, [...quick, '--learning-rate', '300', '--restart'], base), { subject: 'm.eyelet', reason: /diverged/ });
    assert.deepEqual(readFileSync(join(base, 'm.eyelet')), before);
    assert.deepEqual(readdirSync(base), names);
    nothingLeftOver(base);
});

/* ---- Names ---- */

test('a name that is too long for what is written beside it is refused before the first epoch', async () => {
    const data = dataOf({ a: 4, b: 4 }), here = folder(), longest = 255 - '.checkpoint.old'.length;
    const named = (length) => train(data, ['-o', `${'m'.repeat(length)}.eyelet`, '--validation', '0'], here);
    succeeded(await named(longest));
    const before = readdirSync(here);
    for (const [length, ending] of [[longest + 1, '.checkpoint.old'], [250, '.last.eyelet'], [300, '.csv']]) {
        const result = await named(length);
        refused(result, { subject: `${'m'.repeat(length)}${ending}`, reason: /cannot be written: File name too long/, hint: /-o/ });
        assert.equal(result.stdout, '');
    }
    assert.deepEqual(readdirSync(here), before);
});

/* ---- Class weights by themselves ---- */

test('a head on features is weighted by itself from 5 to 1 on, unless --class-weights says otherwise', async () => {
    const layers = [{ kind: 'conv2d', channels: 4, kernel: [3, 3], stride: 2, same: true, bias: true }, { kind: 'relu' }, { kind: 'global_avgpool' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }];
    const from = join(folder({ 'from.eyelet': modelOf({ input: [8, 8, 3], labels: ['a', 'b'], layers }) }), 'from.eyelet'), here = folder();
    const head = async (data, ...more) => {
        const result = succeeded(await eyelet(['train', data, '-o', 'm.eyelet', '--test', '0', '--from', from, '--linear-probe', '--validation', '0', ...more], { cwd: here }));
        return [noted(result)[0], JSON.parse(succeeded(await eyelet(['summary', 'm.eyelet', '--json'], { cwd: here })).stdout).weights_checksum];
    };
    const data = dataOf({ apple: 20, kiwi: 4 }), [note, weights] = await head(data), of = {};
    assert.match(note, /^data: the classes are imbalanced, 5 to 1: .* The loss weighs them alike \(--class-weights balanced\)\.$/);
    for (const name of ['none', 'balanced'])
        [, of[name]] = await head(data, '--class-weights', name);
    assert.equal(weights, of.balanced);
    assert.notEqual(weights, of.none);
    assert.match((await head(dataOf({ apple: 19, kiwi: 4 })))[0], /--class-weights balanced weighs them alike/);
    assert.match(noted(succeeded(await train(data, ['--validation', '0'])))[0], /--class-weights balanced weighs them alike/, 'not a network that is trained whole');
});
