/* Transfer learning from the command line: what is kept of a trained model, what is trained and at which learning rate, and the head alone on
 * embeddings. The data set is made here; models are written from their description (tiny_model.js). */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { encodePng } from '../support/pictures.js';
import { classNames, eyelet, folder, makeData, makeRecords, recordBytes, refused, succeeded } from '../support/program.js';
import { headerPart } from '../support/model_format.js';
import { modelOf } from '../support/tiny_model.js';

const records = makeRecords(200), data = makeData(records);
const mean = [0.4, 0.5, 0.6], std = [0.2, 0.25, 0.3];

/* Two convolutions and a global pool. Numbers of weights: 112, 148, and 4 * classes + classes, each filled up to 64 bytes. */
const layers = (classes) => [{ kind: 'conv2d', channels: 4, kernel: [3, 3], same: true, bias: true }, { kind: 'relu' }, { kind: 'maxpool', kernel: [4, 4], stride: 4 },
    { kind: 'conv2d', channels: 4, kernel: [3, 3], same: true, bias: true }, { kind: 'relu' }, { kind: 'global_avgpool' },
    { kind: 'dense', channels: classes, bias: true }, { kind: 'softmax' }];
const counts = (classes) => [112, 148, 5 * classes];
const files = {
    'same.eyelet': modelOf({ layers: layers(10), labels: classNames, mean, std }),
    'other.eyelet': modelOf({ layers: layers(3), labels: ['red', 'green', 'blue'], mean, std }),
    'swapped.eyelet': modelOf({ layers: layers(10), labels: [...classNames].reverse(), mean, std }),
    'flat.eyelet': modelOf({ layers: [{ kind: 'avgpool', kernel: [8, 8], stride: 8 }, { kind: 'flatten' }, { kind: 'dense', channels: 6, bias: true }, { kind: 'tanh' },
        { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }] }),
    'mean.eyelet': modelOf({ layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'scale', rate: 0.25 }, { kind: 'softmax' }], mean, std }),
    'pooled.eyelet': modelOf({ layers: [{ kind: 'conv2d', channels: 4, kernel: [3, 3], stride: 4, same: true, bias: true }, { kind: 'maxpool', kernel: [8, 8], stride: 8 },
        { kind: 'flatten' }, { kind: 'dense', channels: 10 }, { kind: 'scale', rate: 0.25 }, { kind: 'softmax' }], labels: classNames, mean, std }),
    'windows.eyelet': modelOf({ layers: [{ kind: 'conv2d', channels: 2, kernel: [3, 3], bias: true }, { kind: 'global_avgpool' }, { kind: 'softmax' }] }),
};
const models = folder(files), from = (name) => join(models, `${name}.eyelet`);

/* The blocks of weights in a file, whose numbers are known. */
function weightsOf(bytes, numbers) {
    const sizes = numbers.map((count) => Math.ceil(count * 4 / 64) * 64);
    let at = bytes.length - 4 - sizes.reduce((a, b) => a + b);
    return numbers.map((count, i) => {
        const block = Array.from({ length: count }, (_, k) => bytes.readFloatLE(at + 4 * k));
        at += sizes[i];
        return block;
    });
}

const command = (name, ...more) => ['train', '-o', 'm.eyelet', '--data', data, '--from', from(name), '--limit', '200', '--epochs', '1', '--warmup', '0', ...more];
const train = (cwd, name, ...more) => eyelet(command(name, ...more), { cwd });

async function trained(name, ...more) {
    const here = folder();
    const { stdout } = succeeded(await train(here, name, ...more));
    const bytes = readFileSync(join(here, 'm.last.eyelet'));
    return { here, stdout, bytes, weights: weightsOf(bytes, counts(10)) };
}

/* ---- What is kept ---- */

test('the same labels keep every weight, others all but the head, and both the preprocessing', async () => {
    for (const [name, classes, head] of [['same', 10, true], ['other', 3, false], ['swapped', 10, false]]) {
        const { bytes, weights } = await trained(name, '--learning-rate', '0', '--optimizer', 'sgd');
        const before = weightsOf(files[`${name}.eyelet`], counts(classes));
        assert.deepEqual(weights.slice(0, 2), before.slice(0, 2), name);
        assert.equal(weights[2].join() === before[2].join(), head, name);
        assert.ok(headerPart(bytes, 'resize mode', 'std').equals(headerPart(files[`${name}.eyelet`], 'resize mode', 'std')), 'fit, background, mean and std');
        assert.match(bytes.toString('latin1'), new RegExp(`network: of .*${name}\\.eyelet`));
        assert.match(bytes.toString('latin1'), /truck/);
    }
});

test('weights in int8 and float16 are widened', async () => {
    for (const type of ['int8', 'f16']) {
        const here = folder({ 'm.eyelet': files['same.eyelet'] });
        const convert = async (source, target, weights) => succeeded(await eyelet(['convert', source, '-o', target, '--weights', weights, '--data', data], { cwd: here }));
        await convert('m.eyelet', 'small.eyelet', type);
        await convert('small.eyelet', 'wide.eyelet', 'f32');
        succeeded(await eyelet([...command('same', '--learning-rate', '0', '--optimizer', 'sgd'), '--from', 'small.eyelet'], { cwd: here }));
        const after = weightsOf(readFileSync(join(here, 'm.last.eyelet')), counts(10));
        assert.deepEqual(after, weightsOf(readFileSync(join(here, 'wide.eyelet')), counts(10)));
        assert.notDeepEqual(after, weightsOf(files['same.eyelet'], counts(10)));
    }
});

test('Muon goes on behind batch normalisation, which leaves what the model says as it was', async () => {
    const here = folder(), still = ['--learning-rate', '0', '--dense-learning-rate', '1e-12', '--bias-learning-rate', '1e-12', '--weight-decay', '0'];
    const logits = async (model) => {
        succeeded(await eyelet(['evaluate', model, '--data', data, '--logits', 'logits'], { cwd: here }));
        const bytes = readFileSync(join(here, 'logits'));
        return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    };
    for (const freeze of ['0', '1']) {
        succeeded(await train(here, 'same', '--recipe', 'airbench94', ...still, '--freeze', freeze, '--flip', 'none', '--crop', '0'));
        const [before, after] = [await logits(from('same')), await logits('m.eyelet')];
        const largest = Math.max(...before.map(Math.abs)), apart = Math.max(...before.map((x, i) => Math.abs(x - after[i])));
        assert.ok(apart < 0.02 * largest, `${apart} of ${largest}`);
        assert.equal(changed((await trained('same', '--recipe', 'airbench94', '--freeze', freeze)).weights, 'same', 10)[0], freeze === '0');
    }
    /* A new head stands on the same features: all layers in front of it are kept, but for how images vary. */
    const narrow = { kind: 'conv2d', channels: 4, kernel: [1, 1], bias: true }, numbers = [112, 20, 20, 20, 50];
    const deep = modelOf({ layers: [...layers(10).slice(0, 3), narrow, narrow, narrow, ...layers(10).slice(5)], labels: [...classNames].reverse(), mean, std });
    writeFileSync(from('deep'), deep);
    const { bytes } = await trained('deep', '--recipe', 'airbench94', ...still, '--freeze', '1', '--flip', 'none', '--crop', '0');
    const before = weightsOf(deep, numbers), after = weightsOf(bytes, numbers);
    for (const layer of [1, 2, 3]) {
        const largest = Math.max(...before[layer].map(Math.abs)), apart = Math.max(...before[layer].map((x, i) => Math.abs(x - after[layer][i])));
        assert.ok(apart < 0.1 * largest, `${apart} of ${largest} in layer ${layer}`);
    }
});

test('less than 1 GiB is taken, by fewer images at a time only where it must be, unless their number is named', async () => {
    const airbench = fileURLToPath(new URL('../../web/models/airbench95.eyelet', import.meta.url));
    const taken = async (...more) => {
        const run = ['train', '-o', 'm.eyelet', '--data', data, '--from', airbench, '--recipe', 'finetune-muon', '--limit', '20', '--epochs', '1', '--threads', '2', ...more];
        const [, mib, images] = succeeded(await eyelet(run, { cwd: folder() })).stdout.match(/takes ([\d,]+) MiB of memory, (\d+) images at a time in 2 threads/);
        return [Number(mib.replace(',', '')), Number(images)];
    };
    const [mib, images] = await taken('--size', '48');
    assert.ok(mib < 1024 && images === 50, `${images} images, ${mib} MiB`);
    const [more, fewer] = await taken('--size', '80');
    assert.ok(more <= 1024 && fewer < 50, `${fewer} images, ${more} MiB`);
    assert.ok((await taken('--size', '80', '--micro-batch', '40'))[1] === 40);
});

test('a network that ends in a global pool takes any size, another is refused by the layer that cannot', async () => {
    const { stdout } = await trained('other', '--size', '20');
    assert.match(stdout, /other\.eyelet: /);
    const here = folder();
    succeeded(await train(here, 'pooled', '--size', '20')); /* a pool over the whole map stays one */
    const { layers: pooled } = JSON.parse(succeeded(await eyelet(['summary', 'm.eyelet', '--json'], { cwd: here })).stdout);
    assert.deepEqual(pooled.slice(0, 2).map(({ output }) => output), [[5, 5, 4], [1, 1, 4]]);
    readdirSync(here).forEach((name) => rmSync(join(here, name)));
    refused(await train(here, 'flat', '--size', '64'), { subject: from('flat'), reason: /^layer 3 \(dense\) has 294 weights; with an input of 64x64 it would need 1,158/, hint: /--size/ });
    refused(await train(here, 'flat', '--size', '4'), { subject: from('flat'), reason: /an input of 4x4, layer 1 \(avgpool\) does not fit/, hint: /--size/ });
    refused(await eyelet([...command('same'), '--from', 'none.eyelet'], { cwd: here }), { subject: 'none.eyelet', reason: /No such file/ });
    assert.deepEqual(readdirSync(here), []);
});

test('a convolution may be the head', async () => {
    const here = folder();
    succeeded(await train(here, 'windows'));
    const { layers: after } = JSON.parse(succeeded(await eyelet(['summary', 'm.eyelet', '--json'], { cwd: here })).stdout);
    assert.deepEqual([after[0].kind, after[0].output], ['conv2d', [30, 30, 10]]);
    refused(await train(here, 'windows', '--linear-probe'), { reason: /whose last layer with weights is dense/, hint: /--freeze trunk/ });
});

/* ---- What is trained ---- */

const changed = (weights, name = 'other', classes = 3) => weights.map((block, i) => block.join() !== weightsOf(files[`${name}.eyelet`], counts(classes))[i].join());

test('frozen layers keep their weights until they thaw', async () => {
    assert.deepEqual(changed((await trained('other')).weights), [true, true, true]);
    assert.deepEqual(changed((await trained('other', '--freeze', '0')).weights), [true, true, true]);
    assert.deepEqual(changed((await trained('other', '--freeze', '1')).weights), [false, true, true]);
    assert.deepEqual(changed((await trained('other', '--freeze', 'conv2d_1')).weights), [false, true, true]);
    assert.deepEqual(changed((await trained('other', '--freeze', 'trunk', '--optimizer', 'muon', '--dense-learning-rate', '0.1', '--bias-learning-rate', '0.1')).weights), [false, false, true]);
    assert.deepEqual(changed((await trained('other', '--freeze', 'trunk', '--epochs', '2', '--unfreeze', '2', '--ema', '0.9')).weights), [false, false, true]);
    assert.deepEqual(changed((await trained('other', '--freeze', 'trunk', '--epochs', '2', '--unfreeze', '1')).weights), [true, true, true]);
});

test('lower layers are trained at lower learning rates', async () => {
    const step = ['--optimizer', 'sgd', '--learning-rate', '0.01', '--batch', '200', '--validation', '0', '--schedule', 'constant'];
    const [whole, half] = [(await trained('same', ...step)).weights, (await trained('same', ...step, '--layer-decay', '0.5')).weights];
    const before = weightsOf(files['same.eyelet'], counts(10));
    [0.25, 0.5, 1].forEach((fraction, layer) => whole[layer].forEach((weight, i) => {
        const moved = weight - before[layer][i];
        assert.ok(Math.abs(half[layer][i] - before[layer][i] - fraction * moved) < 1e-6, `layer ${layer}: ${moved}`);
    }));
    assert.ok(whole[0].some((weight, i) => Math.abs(weight - before[0][i]) > 1e-4), 'the step is large enough to see');
});

test('a mistake in what is to be trained is named', async () => {
    const here = folder();
    for (const [more, reason] of [[['--freeze', '7'], /from 0 to 6, .*not "7"/], [['--freeze', 'conv'], /or the name of the last frozen layer, like conv2d_1, not "conv"/], [['--freeze', 'dense_7'], /not "dense_7"/], [['--freeze', ''], /not ""/], [['--unfreeze', '3'], /--unfreeze needs --freeze/],
        [['--layer-decay', '0'], /--layer-decay takes/], [['--layer-decay', '1.5'], /--layer-decay takes/], [['--network', 'tutorial'], /leave out --network/],
        [['--linear-probe', '--resume'], /cannot be combined with --resume/]])
        refused(await train(here, 'other', ...more), { status: 2, reason });
    for (const option of [['--freeze', '1'], ['--linear-probe'], ['--layer-decay', '0.5'], ['--unfreeze', '1']])
        refused(await eyelet(['train', '-o', 'm.eyelet', ...option], { cwd: here }), { status: 2, reason: /need --from/ });
    refused(await eyelet(['train', '-o', 'm.eyelet', '--recipe', 'finetune'], { cwd: here }), { status: 2, reason: /needs --from MODEL/ });
    assert.deepEqual(readdirSync(here), []);
});

/* ---- The linear probe ---- */

const probe = (here, name, ...more) => train(here, name, '--linear-probe', ...more);

test('a probe ends at the lowest point of its objective', async () => {
    const here = folder();
    const { stdout } = succeeded(await probe(here, 'mean', '--validation', '0', '--json'));
    const l2 = JSON.parse(stdout).l2, count = 200;
    /* The embedding of an image, its mean colour, in the numbers that the network reads; and standardised over the images. */
    const embeddings = Array.from({ length: count }, (_, i) => mean.map((m, c) => {
        const plane = records.subarray(i * recordBytes + 1 + c * 1024, i * recordBytes + 1025 + c * 1024);
        return (plane.reduce((a, b) => a + b) / 1024 / 255 - m) / std[c];
    }));
    const labels = Array.from({ length: count }, (_, i) => records[i * recordBytes]);
    const statistics = mean.map((_, c) => {
        const centre = embeddings.reduce((sum, x) => sum + x[c], 0) / count;
        return { centre, spread: Math.sqrt(embeddings.reduce((sum, x) => sum + (x[c] - centre) ** 2, 0) / count) };
    });
    const [head] = weightsOf(readFileSync(join(here, 'm.eyelet')), [40]), scale = 0.25;
    const gradient = Array.from({ length: 4 }, () => new Array(10).fill(0));
    embeddings.forEach((x, i) => {
        const logits = Array.from({ length: 10 }, (_, k) => scale * (head[30 + k] + x[0] * head[k] + x[1] * head[10 + k] + x[2] * head[20 + k]));
        const powers = logits.map((z) => Math.exp(z - Math.max(...logits))), sum = powers.reduce((a, b) => a + b);
        powers.forEach((power, k) => [...x.map((value, c) => (value - statistics[c].centre) / statistics[c].spread), 1].forEach((input, row) => {
            gradient[row][k] += (power / sum - (labels[i] === k)) * input / count;
        }));
    });
    for (let row = 0; row < 4; row++)
        for (let k = 0; k < 10; k++) {
            const held = row < 3 ? l2 * scale * head[10 * row + k] * statistics[row].spread : 0;
            assert.ok(Math.abs(gradient[row][k] + held) < 2e-4, `${row}, ${k}: ${gradient[row][k]} and ${held}`);
        }
    assert.ok(head.some((weight) => Math.abs(weight) > 0.1));
});

test('a probe changes the head alone, measures as evaluate does, and is the same for any number of threads', async () => {
    const results = [];
    for (const threads of ['1', '3']) {
        const here = folder();
        const { stdout } = succeeded(await probe(here, 'same', '--limit', '1000', '--validation', '0.5', '--threads', threads, '--json'));
        const lines = stdout.trim().split('\n').map((line) => JSON.parse(line)), best = lines.reduce((a, b) => b.validation_loss < a.validation_loss ? b : a);
        const bytes = readFileSync(join(here, 'm.eyelet')), weights = weightsOf(bytes, counts(10));
        assert.deepEqual(changed(weights, 'same', 10), [false, false, true]);
        assert.deepEqual(readdirSync(here), ['m.eyelet']);
        assert.match(bytes.toString('latin1'), new RegExp(`accuracy: ${(100 * best.validation_accuracy).toFixed(2)} % \\([\\d.]+-[\\d.]+\\) of 500 validation images`));
        const { accuracy, loss } = JSON.parse(succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '3000', '--json'], { cwd: here })).stdout);
        assert.ok(best.validation_accuracy > 0.3 && Math.abs(accuracy - best.validation_accuracy) < 0.06, `${accuracy}, ${best.validation_accuracy}`);
        assert.ok(Math.abs(loss - best.validation_loss) < 0.15, `${loss}, ${best.validation_loss}`);
        results.push({ weights, lines });
    }
    assert.deepEqual(results[1], results[0]);
});

/* ---- Folders ---- */

/* Red, green and blue squares under noise, `count` of each. */
function pictures(count, side) {
    const root = folder();
    let state = 1;
    ['red', 'green', 'blue'].forEach((name, label) => {
        mkdirSync(join(root, name));
        for (let i = 0; i < count; i++) {
            const pixels = Buffer.alloc(side * side * 4, 255);
            for (let k = 0; k < side * side; k++)
                for (let c = 0; c < 3; c++) {
                    state = Math.imul(state, 1664525) + 1013904223 | 0;
                    pixels[4 * k + c] = (c === label ? 120 : 60) + (state >>> 25);
                }
            writeFileSync(join(root, name, `${i}.png`), encodePng({ data: pixels, width: side, height: side }));
        }
    });
    return root;
}

test('without a recipe the images choose one, what the user names comes first, and --from brings another', async () => {
    const [small, few] = [pictures(30, 20), pictures(10, 70)], here = folder();
    const { stdout } = succeeded(await eyelet(['train', small, '-o', 'm.eyelet', '--epochs', '1', '--limit', '30'], { cwd: here }));
    assert.match(stdout, /^chosen for 90 images of 20 pixels in 3 classes: --recipe photos --epochs 1 --batch 100 --validation 0\.1 --size 64$/m);
    const { input } = JSON.parse(succeeded(await eyelet(['summary', 'm.eyelet', '--json'], { cwd: here })).stdout);
    assert.deepEqual(input, [64, 64, 3]);
    const second = succeeded(await eyelet(['train', few, '-o', 'n.eyelet', '--from', from('other'), '--batch', '7'], { cwd: here }));
    assert.match(second.stdout, /^chosen for 30 images of 70 pixels in 3 classes: --recipe finetune --epochs \d+ --batch 7 --validation 0 --size 48$/m);
    assert.match(second.stdout, / 0 validation images/, 'ten of a class are too few to set one aside');
    const muon = succeeded(await eyelet(['train', few, '-o', 'p.eyelet', '--from', from('pooled'), '--epochs', '1'], { cwd: here }));
    assert.match(muon.stdout, /^chosen for 30 images of 70 pixels in 3 classes: --recipe finetune-muon --epochs 1 --batch 100 --dense-learning-rate 0\.06 --bias-learning-rate 0\.975 --validation 0 --size 48$/m);
    const third = succeeded(await eyelet(['train', small, '-o', 'o.eyelet', '--recipe', 'tutorial', '--epochs', '1', '--limit', '30'], { cwd: here }));
    assert.doesNotMatch(third.stdout, /chosen/);
    assert.ok(existsSync(join(here, 'o.eyelet')));
});
