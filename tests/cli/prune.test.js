/* eyelet prune: that what it removes is what does not count, of every kind of layer; what it says and refuses; what fine-tuning is. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadClassifier } from '../../web/node.js';

import { everyKind, layersWith } from '../support/kinds.js';
import { encodePng, gradient } from '../support/pictures.js';
import { classNames, eyelet, folder, makeData, makeRecords, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { modelOf, random } from '../support/tiny_model.js';

const data = makeData(makeRecords(120));
const prune = (here, ...more) => eyelet(['prune', 'm.eyelet', data, '-o', 'p.eyelet', '--limit', '100', ...more], { cwd: here });
const summary = async (here, name) => JSON.parse(succeeded(await eyelet(['summary', name, '--json'], { cwd: here })).stdout);
const channelsOf = ({ layers }) => layers.map(({ output }) => output[2]);

async function logits(here, name) {
    succeeded(await eyelet(['evaluate', name, '--data', data, '--limit', '50', '--logits', `${name}.logits`], { cwd: here }));
    const bytes = readFileSync(join(here, `${name}.logits`));
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/* ---- Channels without effect ---- */

/* Of each tensor, which channels are dead: every second one that a convolution or dense layer makes, but of the classes. */
function deadOf(layers) {
    const dead = [[false, false, false]], every = (count) => Array.from({ length: count }, (_, k) => k % 2 === 1);
    let side = 32;
    layers.forEach(({ kind, channels, from, and, kernel, stride = 1, same, first, groups }, i) => {
        const input = dead[from ?? i], second = dead[and];
        if (kind === 'flatten')
            dead.push(Array.from({ length: input.length * side * side }, (_, k) => input[k % input.length]));
        else if (kind === 'slice')
            dead.push(input.slice(first, first + channels));
        else if (kind === 'concat')
            dead.push([...input, ...second]);
        else if (kind === 'shuffle')
            dead.push(input.map((_, k) => input[k % groups * (input.length / groups) + Math.floor(k / groups)]));
        else
            dead.push(!channels ? input : layers.slice(i + 1).some((other) => other.channels) ? every(channels) : Array(channels).fill(false));
        if (kernel)
            side = same ? Math.ceil(side / stride) : Math.floor((side - kernel[0]) / stride) + 1;
        if (kind === 'global_avgpool' || kind === 'flatten')
            side = 1;
    });
    return dead;
}

/* Random weights, but that nothing reads a dead channel, nor is one made of anything but its bias. */
function weightsWithDead(layers) {
    const dead = deadOf(layers), numbers = [], draw = random(7);
    layers.forEach(({ kind, kernel = [1, 1], groups = 1, bias, from }, i) => {
        const input = dead[from ?? i], output = dead[i + 1], depthwise = kind === 'depthwise', taps = kernel[0] * kernel[1];
        if (kind === 'batchnorm') /* scale, shift, mean, variance */
            numbers.push(...output.map((gone) => gone ? 0 : draw()), ...output.map(() => draw()), ...output.map(() => draw()), ...output.map(() => draw()));
        if (kind === 'prelu')
            numbers.push(...output.map(() => draw()));
        if (!depthwise && kind !== 'conv2d' && kind !== 'dense')
            return;
        const inputs = depthwise ? 1 : input.length / groups;
        for (let tap = 0; tap < taps; tap++)
            for (let from = 0; from < inputs; from++)
                output.forEach((gone, out) => {
                    const reads = groups > 1 ? Math.floor(out / (output.length / groups)) * inputs + from : from;
                    const number = draw(taps * inputs);
                    numbers.push(gone || (!depthwise && input[reads]) ? 0 : number);
                });
        if (bias)
            numbers.push(...output.map(() => draw()));
    });
    return () => numbers.shift();
}

/* The layers with half of the channels, where nothing keeps them. */
const halved = (layers, kept = () => false) => layers.map((layer, i) =>
    layer.channels && layers.slice(i + 1).some((other) => other.channels) && !kept(i) ? { ...layer, channels: layer.channels / 2, first: layer.first / 2 || 0 } : layer);

const near = (a, b) => Math.abs(a - b) <= 0.05 * b;

/* Prunes such a network to what is not dead: the rest computes the same. */
async function losesNothing(layers, kept) {
    const model = (of, weight) => modelOf({ labels: classNames, layers: of, weight });
    const here = folder({ 'm.eyelet': model(layers, weightsWithDead(layers)), 'half.eyelet': model(halved(layers, kept)) });
    const [all, least] = [await summary(here, 'm.eyelet'), await summary(here, 'half.eyelet')];
    const result = await prune(here, '--epochs', '0', '--drop', '0', '--target', `${least.multiply_adds / all.multiply_adds}`);
    succeeded(result);
    const pruned = await summary(here, 'p.eyelet');
    assert.ok(near(pruned.multiply_adds, least.multiply_adds) && pruned.multiply_adds < all.multiply_adds, `${pruned.multiply_adds} of ${all.multiply_adds}`);
    const [before, after] = [await logits(here, 'm.eyelet'), await logits(here, 'p.eyelet')];
    const size = Math.max(...before.map(Math.abs));
    assert.ok(size > 0);
    before.forEach((x, i) => assert.ok(Math.abs(x - after[i]) <= 1e-5 * size, `${x} became ${after[i]}`));
    nothingLeftOver(here);
    return { here, all, pruned, result };
}

/* Two convolutions, then the layers of kinds.js, with four times their channels. */
const networkWith = (kind) => [{ kind: 'conv2d', channels: 16, kernel: [5, 5], stride: 3, bias: true }, { kind: 'relu' },
    ...layersWith(kind).map((layer, i, { length }) => ({ ...layer, ...layer.channels && i < length - 2 && { channels: 4 * layer.channels },
        ...layer.first && { first: 4 * layer.first }, ...layer.and && { and: layer.and + 2 } }))];

for (const kind of everyKind)
    test(`channels without effect are removed around ${kind}, and the logits stay`, async () => {
        const shuffled = kind === 'shuffle' && ((i) => i === 2); /* what it moves stays */
        const { result } = await losesNothing(networkWith(kind), shuffled || undefined);
        assert.equal(/^kept +channels of conv2d_3 \(shuffle\)$/m.test(result.stdout), kind === 'shuffle', result.stdout);
    });

/* Inverted residuals with squeeze-and-excitation, then a branch that is joined and cut. */
const residual = [
    { kind: 'conv2d', channels: 16, kernel: [3, 3], stride: 2, same: true, bias: true }, { kind: 'relu6' },                       /* tensors 1, 2 */
    { kind: 'conv2d', channels: 48, kernel: [1, 1], bias: true }, { kind: 'hardswish' },                                          /* 3, 4 */
    { kind: 'depthwise', kernel: [3, 3], stride: 1, same: true, bias: true }, { kind: 'hardswish' },                              /* 5, 6 */
    { kind: 'global_avgpool' }, { kind: 'dense', channels: 16, bias: true }, { kind: 'relu' },                                    /* 7, 8, 9 */
    { kind: 'dense', channels: 48, bias: true }, { kind: 'hardsigmoid' }, { kind: 'multiply', from: 6, and: 11 },                 /* 10, 11, 12 */
    { kind: 'conv2d', channels: 16, kernel: [1, 1], bias: true }, { kind: 'add', and: 2 },                                        /* 13, 14 */
    { kind: 'conv2d', channels: 16, kernel: [3, 3], same: true, stride: 1, from: 14, bias: true }, { kind: 'concat', and: 14 },   /* 15, 16 */
    { kind: 'slice', first: 8, channels: 16 }, { kind: 'global_avgpool' },                                                        /* 17, 18 */
    { kind: 'dense', channels: 10, bias: true }, { kind: 'softmax' }];

test('both inputs of an addition, a gate and its features, a depthwise layer and its input lose the same channels', async () => {
    const { pruned } = await losesNothing(residual), c = channelsOf(pruned), of = (tensor) => c[tensor - 1];
    assert.ok(of(1) < 16 && of(3) < 48);
    for (const [a, b] of [[1, 13], [13, 14], [3, 5], [5, 10], [10, 12]])
        assert.equal(of(a), of(b), `tensors ${a} and ${b}`);
    assert.equal(of(16), of(15) + of(14));
});

test('channels that a convolution in groups reads or makes stay, and that is said', async () => {
    const layers = networkWith('relu');
    layers.splice(3, 0, { kind: 'conv2d', channels: 16, kernel: [3, 3], groups: 4, bias: true });
    const { result, pruned } = await losesNothing(layers, (i) => i === 2 || i === 3);
    assert.match(result.stdout, /^kept +channels of conv2d_3 \(groups\), conv2d_4 \(groups\)$/m);
    assert.deepEqual(channelsOf(pruned).slice(2, 4), [16, 16]);
});

test('a whitening first layer keeps its filters', async () => {
    const layers = [{ kind: 'conv2d', channels: 24, kernel: [2, 2], stride: 2, bias: true }, { kind: 'relu' },
        { kind: 'conv2d', channels: 32, kernel: [3, 3], bias: true }, { kind: 'relu' }, { kind: 'global_avgpool' }, { kind: 'dense', channels: 10 }, { kind: 'softmax' }];
    const draw = random(2);
    let row, i = -1;
    const weight = (inputs) => {
        if (++i >= 12 * 24)
            return draw(inputs);
        if (i % 24 === 0)
            row = Array.from({ length: 12 }, () => draw());
        return i % 24 < 12 ? row[i % 12] : -row[i % 12];
    };
    const here = folder({ 'm.eyelet': modelOf({ labels: classNames, layers, weight }) });
    const { stdout } = succeeded(await prune(here, '--epochs', '0', '--drop', '100', '--target', '0.5x'));
    assert.match(stdout, /^kept +channels of conv2d_1 \(whitening\)$/m);
    const c = channelsOf(await summary(here, 'p.eyelet'));
    assert.deepEqual(c.slice(0, 2), [24, 24]);
    assert.ok(c[2] >= 14 && c[2] <= 18, `${c}`);
});

/* ---- How many ---- */

const wide = [...[64, 96, 80].flatMap((channels) => [{ kind: 'conv2d', channels, kernel: [3, 3], stride: 2, bias: true }, { kind: 'relu' }]),
    { kind: 'global_avgpool' }, { kind: 'dense', channels: 10 }, { kind: 'softmax' }];

test('the target is met; wide layers keep multiples of eight channels, all of them at least 15 %', async () => {
    for (const [layers, targets] of [[residual, [0.8, 0.5, 0.3]], [networkWith('relu'), [0.5]], [wide, [0.7, 0.5, 0.1]]]) {
        const here = folder({ 'm.eyelet': modelOf({ labels: classNames, layers, weight: random(5) }) });
        const all = await summary(here, 'm.eyelet');
        for (const target of targets) {
            const result = succeeded(await prune(here, '--epochs', '0', '--drop', '100', '--target', `${target}`, '--json'));
            const json = JSON.parse(result.stdout), pruned = await summary(here, 'p.eyelet');
            assert.equal(json.multiply_adds_before, all.multiply_adds);
            assert.equal(json.multiply_adds_after, pruned.multiply_adds);
            assert.ok(Math.abs(pruned.multiply_adds / all.multiply_adds - target) <= 0.05 * target, `${pruned.multiply_adds / all.multiply_adds}, not ${target}`);
            pruned.layers.forEach(({ kind, output: [, , c] }, i) => kind === 'conv2d' &&
                assert.ok(c >= 0.15 * all.layers[i].output[2] && (layers !== wide || c % 8 === 0), `layer ${i + 1} has ${c} channels`));
        }
    }
});

test('the embedding shrinks with the layer that makes it', async () => {
    const layers = networkWith('relu').toSpliced(-3, 1, { kind: 'global_avgpool' });
    const here = folder({ 'm.eyelet': modelOf({ labels: classNames, layers, weight: random(5), embedding: layers.length - 2 }) });
    succeeded(await prune(here, '--epochs', '0', '--drop', '100'));
    const classifier = await loadClassifier({ model: join(here, 'p.eyelet') });
    assert.equal(classifier.info.embedding, channelsOf(await summary(here, 'p.eyelet')).at(-3));
    assert.ok(classifier.info.embedding < 16);
    classifier.close();
});

/* ---- Fine-tuning ---- */

const trained = (async () => {
    const here = folder({ 'net.txt': 'input 16x16x3\nconv2d 16 3x3 stride 2 same nobias batchnorm relu\na: conv2d 16 3x3 same nobias batchnorm relu\n'
        + 'depthwise 3x3 same batchnorm\nconv2d 16 1x1\nadd a relu\nglobal_avgpool\ndense classes softmax\n' });
    succeeded(await eyelet(['train', '-o', 'm.eyelet', '--network', 'net.txt', '--limit', '1000', '--epochs', '4', '--data', data], { cwd: here }));
    return readFileSync(join(here, 'm.eyelet'));
})();

test('fine-tuning makes up for what was lost, with the same weights for any number of threads and others for another seed', async () => {
    const here = folder({ 'm.eyelet': await trained });
    const run = async (...more) => {
        const { stdout } = succeeded(await prune(here, '--limit', '1000', '--drop', '100', '--use', '0.1', '--json', ...more));
        return { ...JSON.parse(stdout), bytes: readFileSync(join(here, 'p.eyelet')) };
    };
    const none = await run('--epochs', '0'), one = await run('--epochs', '2', '--threads', '1'), three = await run('--epochs', '2', '--threads', '3');
    assert.ok(one.accuracy_after > none.accuracy_after, `${none.accuracy_after}, then ${one.accuracy_after}`);
    assert.ok(one.bytes.equals(three.bytes));
    assert.ok(!one.bytes.equals((await run('--epochs', '2', '--seed', '2')).bytes));
    assert.ok(!one.bytes.equals((await run('--epochs', '2', '--learning-rate', '0.0005')).bytes));
    assert.ok(one.bytes.equals((await run('--epochs', '2', '--learning-rate', '0.002')).bytes), 'four times the learning rate of the recipe');
    const muon = await run('--epochs', '2', '--recipe', 'finetune-muon');
    assert.equal(muon.multiply_adds_after, one.multiply_adds_after);
    assert.deepEqual((await summary(here, 'p.eyelet')).layers.filter(({ kind }) => kind === 'batchnorm'), []);
});

test('what was done stands in the notes, and what is no longer so does not', async () => {
    const here = folder({ 'm.eyelet': await trained });
    succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '1000', '--record'], { cwd: here }));
    const { stdout } = succeeded(await prune(here, '--limit', '1000', '--drop', '100', '--use', '0.1', '--epochs', '1'));
    assert.match(stdout, /^network +[\d,]+ multiply-adds before, [\d,]+ after \(0\.\d+ of them\); [\d,]+ parameters before, [\d,]+ after\nepoch 1 of 1: loss [\d.]+, accuracy [\d.]+ % of [\d,]+ training images\nsize +.*\naccuracy +.* before, .* after/m);
    const text = succeeded(await eyelet(['summary', 'p.eyelet'], { cwd: here })).stdout;
    assert.match(text, /^name: p$/m);
    assert.match(text, /^pruned from: m\.eyelet$/m);
    assert.match(text, /^pruned: to [\d,]+ of [\d,]+ multiply-adds, target 0\.5; 1 epochs of fine-tuning by finetune, seed 1$/m);
    const [after] = text.match(/^accuracy: .* of 1,000 CIFAR-10 test images$/m), [before] = text.match(/^accuracy before pruning: .*$/m);
    assert.ok(stdout.includes(`${before.slice(25)} before, ${after.slice(10).replace(/ of .*/, '')} after`), stdout);
    assert.doesNotMatch(text, /^(calibration|rejection threshold|validation): /m);
});

/* ---- What is refused ---- */

test('what loses more accuracy than --drop allows is refused, and nothing is written', async () => {
    const here = folder({ 'm.eyelet': await trained, 'p.eyelet': 'what stood there' });
    refused(await prune(here, '--epochs', '0', '--target', '0.3', '--limit', '1000'),
        { subject: 'm.eyelet', reason: /^pruning costs \d+\.\d\d percentage points of accuracy, more than 1$/m, hint: /--drop/ });
    assert.equal(readFileSync(join(here, 'p.eyelet'), 'utf8'), 'what stood there');
    assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'p.eyelet']);
});

test('models in int8 are refused by name', async () => {
    for (const words of [['quantize', '--images', '20', '--drop', '100', '--limit', '100'], ['convert', '--weights', 'int8']]) {
        const [command, ...more] = words, here = folder({ 'float.eyelet': await trained });
        succeeded(await eyelet([command, 'float.eyelet', '-o', 'm.eyelet', '--data', data, ...more], { cwd: here }));
        refused(await prune(here), { subject: 'm.eyelet', reason: /int8 weights cannot be pruned/, hint: /model that it was made from, then quantize/ });
        assert.deepEqual(readdirSync(here).sort(), ['float.eyelet', 'm.eyelet']);
    }
});

test('a model is not fine-tuned on some of its classes, but measured on them', async () => {
    const here = folder({ 'm.eyelet': await trained, ...Object.fromEntries(['train', 'test'].flatMap((part) => ['cat', 'dog'].flatMap((label, c) =>
        [0, 1, 2].map((i) => [`photos/${part}/${label}/${i}.png`, encodePng(gradient(20 + i, 20 + 3 * c))])))) });
    const words = ['prune', 'm.eyelet', 'photos', '-o', 'p.eyelet', '--drop', '100'];
    refused(await eyelet(words, { cwd: here }), { subject: 'photos', reason: /^has training images of 2 of the model's 10 classes: /m, hint: /--epochs 0/ });
    assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'photos']);
    assert.match(succeeded(await eyelet([...words, '--epochs', '0'], { cwd: here })).stdout, /of 6 images\n/);
});

test('a float16 model stays one, and one that computes nothing is refused', async () => {
    const here = folder({ 'float.eyelet': await trained, 'none.eyelet': modelOf({ labels: ['a', 'b', 'c'], layers: [{ kind: 'global_avgpool' }, { kind: 'softmax' }] }) });
    succeeded(await eyelet(['convert', 'float.eyelet', '-o', 'm.eyelet', '--weights', 'f16', '--data', data], { cwd: here }));
    succeeded(await prune(here, '--epochs', '0', '--drop', '100'));
    assert.match(succeeded(await eyelet(['summary', 'p.eyelet'], { cwd: here })).stdout, /^ +weights +float16/m);
    refused(await eyelet(['prune', 'none.eyelet', data, '-o', 'n.eyelet'], { cwd: here }), { subject: 'none.eyelet', reason: /has no multiply-adds/ });
});

test('a target that cannot be met, and one that is none, are refused', async () => {
    const here = folder({ 'm.eyelet': await trained });
    refused(await prune(here, '--target', '0.01'), { subject: 'm.eyelet', reason: /^of its [\d,]+ multiply-adds [\d,]+ can be left \(0\.\d+\), not 0\.01 of them$/m, hint: /--target/ });
    for (const target of ['0', '1', '2x', 'half', '', 'nan'])
        refused(await prune(here, '--target', target), { status: 2, reason: /--target takes a fraction between 0 and 1/ });
    refused(await eyelet(['prune', 'm.eyelet', data], { cwd: here }), { status: 2, reason: /needs -o FILE/ });
    refused(await eyelet(['prune', '-o', 'p.eyelet'], { cwd: here }), { status: 2, reason: /one model and one data set, got 0/ });
    refused(await eyelet(['prune', 'm.eyelet', data, '-o', 'nowhere/p.eyelet'], { cwd: here }), { subject: 'nowhere/p.eyelet', reason: /cannot be written/ });
    refused(await prune(here, '--use', '0'), { status: 2, reason: /--use takes a fraction above 0/ });
    assert.deepEqual(readdirSync(here), ['m.eyelet']);
});
