/* `eyelet train --from MODEL --fine-tune BLOCKS`: the head is trained on embeddings, then it and the last blocks on images. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { classNames, eyelet, folder, makeData, makeRecords, program, refused, start, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

const data = makeData(makeRecords(200));
const conv = (channels, more = {}) => ({ kind: 'conv2d', channels, kernel: [3, 3], same: true, bias: true, ...more });
const point = (channels) => ({ kind: 'conv2d', channels, kernel: [1, 1], bias: true }), relu = { kind: 'relu' };
const depthwise = (stride) => ({ kind: 'depthwise', kernel: [3, 3], stride, same: true, bias: true });
const head = [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }];

/* Three blocks: a plain layer, an inverted residual that narrows to 4 channels, one that adds its input. Weights of each layer in order. */
const layers = [conv(8, { stride: 4 }), relu, point(12), relu, depthwise(2), relu, point(4),
    point(8), relu, depthwise(1), relu, point(4), { kind: 'add', and: 7 }, point(16), relu, ...head];
const counts = [8 * 27 + 8, 12 * 8 + 12, 12 * 9 + 12, 4 * 12 + 4, 8 * 4 + 8, 8 * 9 + 8, 4 * 8 + 4, 16 * 4 + 16];
const files = { 'b.eyelet': modelOf({ layers }), 'kept.eyelet': modelOf({ layers: layers.map((layer) => layer.kind === 'dense' ? { ...layer, channels: 10 } : layer), labels: classNames }) };
const models = folder(files), from = join(models, 'b.eyelet');
const command = ['train', '-o', 'm.eyelet', '--data', data, '--limit', '300', '--from', from, '--epochs', '2', '--warmup', '0', '--validation', '0.3'];
const train = (cwd, ...more) => eyelet([...command, ...more], { cwd });

/* The layers of a file's trunk, whose numbers of weights are known; headCount: of the head. */
function weightsOf(bytes, headCount) {
    const numbers = [...counts, headCount], sizes = numbers.map((count) => Math.ceil(count * 4 / 64) * 64);
    let at = bytes.length - 4 - sizes.reduce((a, b) => a + b);
    return numbers.map((count, i) => {
        const block = bytes.subarray(at, at + 4 * count).toString('hex');
        at += sizes[i];
        return block;
    });
}
const before = weightsOf(files['b.eyelet'], 16 * 3 + 3).slice(0, 8);
const changed = (bytes) => weightsOf(bytes, 170).slice(0, 8).map((block, i) => block !== before[i]);

test('the last blocks change, those in front of them stay', async () => {
    for (const [blocks, first] of [['1', 4], ['2', 1], ['3', 0]]) {
        const here = folder(), { stdout } = succeeded(await train(here, '--fine-tune', blocks, '--learning-rate', '0.01'));
        assert.deepEqual(changed(readFileSync(join(here, 'm.last.eyelet'))), counts.map((_, i) => i >= first), `${blocks} blocks`);
        assert.match(stdout, new RegExp(`^fine-tuning the last ${blocks} of 3 blocks takes [\\d,]+ MiB of memory, \\d+ images? at a time in \\d+ threads?$`, 'm'));
        assert.match(stdout, /^L2 /m, 'the head comes first');
    }
});

test('it starts from the head that the probe has found, which stays the model until an epoch is better', async () => {
    const here = folder(), probed = folder();
    succeeded(await eyelet([...command.filter((word, i) => !/^--(epochs|warmup)$/.test(word) && !/^--(epochs|warmup)$/.test(command[i - 1])), '--linear-probe'], { cwd: probed }));
    const still = ['--fine-tune', '1', '--learning-rate', '0', '--optimizer', 'sgd'];
    succeeded(await train(here, ...still));
    const [probe, best, last] = [join(probed, 'm.eyelet'), join(here, 'm.eyelet'), join(here, 'm.last.eyelet')].map((path) => weightsOf(readFileSync(path), 170));
    assert.deepEqual(best, probe);
    assert.deepEqual(last, probe);
    assert.match(readFileSync(join(here, 'm.eyelet'), 'latin1'), /^accuracy: /m);
    assert.doesNotMatch(readFileSync(join(here, 'm.eyelet'), 'latin1'), /^epochs: /m, 'no epoch was better');
});

test('the same labels go on from the head that is there', async () => {
    const here = folder(), { stdout } = succeeded(await eyelet([...command, '--fine-tune', '1', '--from', join(models, 'kept.eyelet')], { cwd: here }));
    assert.doesNotMatch(stdout, /^L2 /m);
});

test('any number of threads and a stop give the same weights', async () => {
    const words = ['--fine-tune', '2', '--epochs', '6', '--threads', '2'], whole = folder(), one = folder(), parts = folder();
    succeeded(await train(whole, ...words));
    succeeded(await train(one, ...words.slice(0, -1), '1'));
    const run = start(program, [...command, ...words], { cwd: parts });
    await run.seen(/^epoch +2\//m);
    run.child.kill('SIGINT');
    assert.equal((await run.result).status, 130);
    assert.doesNotMatch(succeeded(await train(parts, ...words, '--resume')).stdout, /^L2 /m, 'the head is not trained again');
    for (const name of ['m.eyelet', 'm.last.eyelet']) {
        assert.deepEqual(weightsOf(readFileSync(join(one, name)), 170), weightsOf(readFileSync(join(whole, name)), 170), name);
        assert.ok(readFileSync(join(parts, name)).equals(readFileSync(join(whole, name))), name);
    }
    refused(await train(parts, '--fine-tune', '1', '--epochs', '6', '--resume'), { reason: /--fine-tune/ });
});

test('large images are trained fewer at a time, and what does not fit into memory is refused with the number', async () => {
    const here = folder(), large = ['--size', '1024', '--limit', '20', '--fine-tune', '1', '--epochs', '1'];
    const { stdout } = succeeded(await train(here, ...large));
    const [, mib, images] = stdout.match(/takes ([\d,]+) MiB of memory, (\d+) images? at a time in 2 threads/).map((text) => Number(text.replace(',', '')));
    assert.ok(images < 16 && mib < 900, `${images} images, ${mib} MiB`);
    const tight = succeeded(await train(folder(), ...large, '--memory', String(Math.ceil(mib * 0.75)))).stdout.match(/takes ([\d,]+) MiB of memory, (\d+) images? at a time in (\d) thread/);
    assert.ok(Number(tight[1]) <= Math.ceil(mib * 0.75) && Number(tight[3]) === 1, tight[0]);
    const none = folder();
    refused(await train(none, ...large, '--memory', '1'), { reason: /^fine-tuning takes \d+ MiB of memory with one image at a time; 1 MiB are left for it/, hint: /--memory/ });
    assert.deepEqual(readdirSync(none), []);
});

test('a mistake is named', async () => {
    const here = folder();
    for (const [more, reason] of [[['4'], /--fine-tune takes 1 to 3, the blocks that .*b\.eyelet has, not 4/], [['1', '--linear-probe'], /leave out --linear-probe/], [['1', '--freeze', '1'], /leave out/],
        [['1', '--optimizer', 'muon', '--dense-learning-rate', '1', '--bias-learning-rate', '1'], /takes --optimizer sgd, adam or adamw/]])
        refused(await train(here, '--fine-tune', ...more), { status: 2, reason });
    refused(await eyelet(['train', '-o', 'm.eyelet', '--fine-tune', '1', '--data', data], { cwd: here }), { status: 2, reason: /--fine-tune needs --from/ });
    assert.deepEqual(readdirSync(here), []);
});
