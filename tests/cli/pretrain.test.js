/* `eyelet pretrain`: a network trained on images without labels, the same bits for any number of threads and after a stop,
 * which `eyelet train --from` goes on with; what cannot be pretrained on is refused. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { noisyClasses, noisyPicture } from '../support/noisy_colours.js';
import { eyelet, folder, makeData, makeRecords, program, refused, start, succeeded } from '../support/program.js';

const names = ['red', 'green', 'blue'], looks = { side: 16, by: 20 };
const networks = folder({
    'n.txt': 'input 16x16x3\nconv2d 8 3x3 stride 2 same nobias batchnorm relu\nconv2d 12 3x3 same nobias batchnorm relu\nglobal_avgpool\ndropout 0.1\ndense classes softmax\n',
    'whitened.txt': 'input 16x16x3\nconv2d 24 2x2 stride 2 whiten gelu\nconv2d 8 3x3 same nobias identity\nmaxpool 4\nbatchnorm frozen gelu\nflatten\ndense classes nobias\nscale 0.25\nsoftmax\n',
    'mapped.txt': 'input 16x16x3\nconv2d 8 3x3 stride 2 same nobias batchnorm relu\nconv2d 1 1x1\nglobal_avgpool\nsoftmax\n',
    'head.txt': 'input 16x16x3\nflatten\ndense classes softmax\n' });
const net = (name) => join(networks, `${name}.txt`);

/* Images in folders of folders, and beside them. */
const loose = folder(Object.fromEntries(Array.from({ length: 48 }, (_, i) =>
    [i % 3 ? `2024/${['may', 'june'][i % 2]}/${i}.png` : `${i}.png`, noisyPicture(i % 3, i, looks)])));
const command = (data, ...more) => ['pretrain', data, '-o', 'm.eyelet', '--network', net('n'), '--epochs', '3', '--batch', '16', '--micro-batch', '6', '--projector', '16', '--warmup', '0', ...more];
const pretrain = (cwd, data, ...more) => eyelet(command(data, ...more), { cwd });
const model = (here, name = 'm.eyelet') => readFileSync(join(here, name)).toString('latin1');
const log = (here) => readFileSync(join(here, 'm.csv'), 'utf8').replace(/,[^,]*$/gm, '');

const straight = folder(), whole = succeeded(await pretrain(straight, loose, '--threads', '1'));

test('images in any folders are pretrained on, and the epochs are told', async () => {
    assert.match(whole.stderr, /images in any folder, 48 training images/);
    assert.match(whole.stdout, /: [\d,]+ parameters, 48 images without labels, seed 1/);
    const told = [...whole.stdout.matchAll(/^epoch (\d)\/3 .* loss (\d\.\d+) {2}spread (\d\.\d+)$/gm)].map((match) => match.slice(1).map(Number));
    assert.deepEqual(told.map(([epoch]) => epoch), [1, 2, 3]);
    assert.ok(told.every(([, loss, spread]) => loss > 0 && loss < 3 && spread > 0.01 && spread <= 1));
    const rows = readFileSync(join(straight, 'm.csv'), 'utf8').trim().split('\n');
    assert.equal(rows[0], 'epoch,loss,spread,seconds');
    assert.equal(rows.length, 4);
    assert.ok(Math.abs(Number(rows[3].split(',')[1]) - told[2][1]) < 1e-4);
    const { stdout } = succeeded(await eyelet(['summary', 'm.eyelet'], { cwd: straight }));
    assert.match(stdout, /pretrained: without labels/);
    assert.match(stdout, /network: .*n\.txt/);
});

test('any number of threads gives the same bits, another seed others', async () => {
    const here = folder(), other = folder();
    succeeded(await pretrain(here, loose, '--threads', '2'));
    succeeded(await pretrain(other, loose, '--seed', '2'));
    assert.equal(log(here), log(straight));
    const weights = (bytes) => bytes.slice(-1200, -4); /* the notes in front hold the command, and the checksum is of them, too */
    assert.equal(weights(model(here)), weights(model(straight)));
    assert.notEqual(log(other), log(straight));
});

test('a run that was stopped goes on to the same model, and a complete one further', async () => {
    const here = folder();
    for (const [signal, epoch, ...more] of [['SIGINT', 1], ['SIGKILL', 2, '--resume']]) {
        const { child, result, seen } = start(program, [...command(loose, '--threads', '1'), ...more], { cwd: here });
        await seen(new RegExp(`^epoch ${epoch}/`, 'm')).catch(() => {});
        child.kill(signal);
        await result;
    }
    succeeded(await pretrain(here, loose, '--threads', '1', '--resume'));
    assert.equal(model(here), model(straight));
    assert.equal(log(here), log(straight));
    const twice = await pretrain(here, loose, '--threads', '1', '--resume', '--epochs', '4');
    succeeded(twice);
    assert.match(readFileSync(join(here, 'm.csv'), 'utf8'), /^4,/m);
    refused(await pretrain(here, loose, '--threads', '1', '--resume', '--epochs', '4', '--redundancy', '0.5'), { subject: 'm.eyelet.checkpoint'.replace('.eyelet', ''), reason: /--redundancy/, hint: /--restart/ });
});

test('train goes on with the trunk, whatever the network, and other commands take the model', async () => {
    const classes = noisyClasses(names, 6, { ...looks, first: 100 });
    for (const name of ['n', 'whitened', 'mapped']) {
        const here = folder();
        succeeded(await pretrain(here, loose, '--network', net(name), '--epochs', '1'));
        const { stdout } = succeeded(await eyelet(['train', classes, '-o', 'mine.eyelet', '--from', 'm.eyelet', '--epochs', '1', '--validation', '0', '--test', '0'], { cwd: here }));
        assert.match(stdout, /^epoch 1\/1/m, name);
        assert.match(succeeded(await eyelet(['summary', 'mine.eyelet'], { cwd: here })).stdout, /network: of m\.eyelet/, name);
        if (name === 'mapped') /* no vector stands in front of its last layer */
            continue;
        succeeded(await eyelet(['embed', 'm.eyelet', loose, '-o', 'e.csv'], { cwd: here }));
        assert.equal(readFileSync(join(here, 'e.csv'), 'utf8').split('\n')[0].split(',').length, 1 + { n: 12, whitened: 32 }[name], name);
    }
});

test('the trunk that train goes on with is the pretrained one', async () => {
    const here = folder(), classes = noisyClasses(names, 6, { ...looks, first: 100 });
    const probe = async (from) => {
        succeeded(await eyelet(['train', classes, '-o', 'mine.eyelet', '--from', from, '--linear-probe', '--validation', '0', '--test', '0'], { cwd: here }));
        succeeded(await eyelet(['embed', 'mine.eyelet', loose, '-o', 'mine.csv'], { cwd: here }));
        succeeded(await eyelet(['embed', from, loose, '-o', 'from.csv'], { cwd: here }));
        return ['mine.csv', 'from.csv'].map((name) => readFileSync(join(here, name), 'utf8'));
    };
    const [mine, from] = await probe(join(straight, 'm.eyelet'));
    assert.equal(mine, from);
});

test('what train reads is read as train does, without its test images', async () => {
    const here = folder(), classes = noisyClasses(names, 20, looks);
    assert.match(succeeded(await pretrain(here, classes, '--epochs', '1', '--test', '0.2')).stdout, / 48 images without labels/);
    assert.match(succeeded(await pretrain(here, classes, '--epochs', '1', '--parts', 'none', '--restart')).stdout, / 60 images without labels/);
    assert.match(succeeded(await pretrain(here, makeData(makeRecords(50)), '--epochs', '1', '--limit', '40', '--restart', '--json')).stdout, /"loss": ?\d/);
    assert.match(succeeded(await pretrain(folder(), noisyClasses(['red'], 40, looks), '--epochs', '1')).stderr, /36 training images of 1 class/);
});

test('what cannot be pretrained is refused, and nothing is written', async () => {
    const few = folder(Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${i}.png`, noisyPicture(0, i, looks)])));
    const same = folder(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}.png`, noisyPicture(0, 1, looks)])));
    const here = folder();
    const refusal = async (words, expected) => refused(await eyelet(words, { cwd: here }), expected);
    await refusal(command(few), { subject: few, reason: /^there are too few images to pretrain on: 8, and 32/, hint: /thousands/ });
    const none = folder({ 'a.txt': 'no image' });
    await refusal(command(none), { subject: none, reason: /^there are no images in it/ });
    await refusal(command(loose, '--network', net('head')), { subject: net('head'), reason: /has weights that could be trained/, hint: /convolutions/ });
    await refusal(command(same, '--resized-crop', '0', '--jitter', '0', '--grey', '0', '--flip', 'none'), { subject: 'm.eyelet', reason: /^pretraining has collapsed: after epoch 1 .*spread 0\.0/, hint: /--learning-rate .*--batch/ });
    await refusal(command(loose, '--learning-rate', '1e30', '--optimizer', 'sgd', '--restart'), { subject: 'm.eyelet', reason: /collapsed|no longer a finite number/, hint: /--learning-rate/ });
    for (const [option, value, reason] of [['--batch', '8', /--batch 16 to/], ['--micro-batch', '0', /--micro-batch/], ['--projector', '1', /--projector takes 2 to/],
        ['--grey', '1.5', /--grey/], ['--warmup', '9', /--warmup/], ['--epochs', '0', /--epochs/], ['--size', '4000', /--size/], ['--threads', '1000', /--threads/], ['--momentum', '1', /--momentum/]])
        await refusal(command(loose, option, value), { status: 2, reason });
    await refusal(['pretrain', '-o', 'm.eyelet'], { status: 2, reason: /takes one data set/ });
    await refusal(['pretrain', loose], { status: 2, reason: /needs -o/ });
    await refusal(command(loose, '--resume', '--restart'), { status: 2, reason: /one of them/ });
    assert.ok(!existsSync(join(here, 'm.eyelet')), readdirSync(here).join());
});
