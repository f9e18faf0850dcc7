/* `eyelet train --teacher MODEL`: what a teacher says is asked for once, kept, and trained for; the same weights for any number of
 * threads and after a stop; what cannot teach is refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { noisyClasses, noisyPicture } from '../support/noisy_colours.js';
import { classNames, eyelet, folder, makeData, makeRecords, program, refused, start, succeeded } from '../support/program.js';
import { modelOf, random } from '../support/tiny_model.js';

const names = ['blue', 'green', 'red'];

const looks = { side: 40, by: 10 };
const trunk = [{ kind: 'conv2d', channels: 8, kernel: [3, 3], stride: 2, same: true, bias: true }, { kind: 'relu' }, { kind: 'global_avgpool' }];
const head = (channels) => [{ kind: 'dense', channels, bias: true }, { kind: 'softmax' }];

/* A dense layer on the mean colour that knows these labels: of each the weights of red, green and blue, and no bias. */
function colours(labels) {
    const weights = { red: [3, 0, 0], green: [0, 3, 0], blue: [0, 0, 3], grey: [1, 1, 1] };
    let k = 0;
    return modelOf({ input: [24, 24, 3], labels, layers: [{ kind: 'global_avgpool' }, ...head(labels.length)],
        weight: (inputs) => inputs ? weights[labels[k % labels.length]][Math.floor(k++ / labels.length)] : 0 });
}

const files = {
    'other.eyelet': modelOf({ input: [48, 48, 3], layers: [...trunk, ...head(5)] }),
    'other2.eyelet': modelOf({ input: [48, 48, 3], layers: [...trunk, ...head(5)], weight: random(2) }),
    'same.eyelet': colours(names), 'more.eyelet': colours(['red', 'grey', 'blue', 'green']),
    'one.eyelet': modelOf({ layers: [...trunk, ...head(1)] }), 'text.eyelet': 'a letter',
    'map.eyelet': modelOf({ input: [4, 4, 3], layers: [...trunk.slice(0, 2), { kind: 'conv2d', channels: 3, kernel: [2, 2], bias: true }, { kind: 'flatten' }, { kind: 'softmax' }] }),
};
const models = folder(files), of = (name) => join(models, `${name}.eyelet`), images = noisyClasses(names, 24, looks);
const network = join(folder({ 'n.txt': 'input 16x16x3\nconv2d 8 3x3 stride 2 same batchnorm relu\nglobal_avgpool\ndense classes softmax\n' }), 'n.txt');
const command = ['train', images, '-o', 'm.eyelet', '--network', network, '--epochs', '3', '--batch', '8', '--learning-rate', '0.05', '--warmup', '0', '--validation', '0.2'];
const train = async (cwd, name, ...more) => {
    const result = succeeded(await eyelet([...command, '--teacher', of(name), ...more], { cwd }));
    const [, kept, all, numbers] = result.stdout.match(/^(?:([\d,]+) of )?([\d,]+) outputs of the teacher of ([\d,]+) numbers/m) ?? [];
    return { ...result, kept: Number(kept ?? 0), all: Number(all), numbers: Number(numbers), model: readFileSync(join(cwd, 'm.eyelet')) };
};

/* The notes hold the command. */
const weightsOf = (bytes) => bytes.subarray(-4 - (896 + 128), -4).toString('hex');

test('a teacher of other classes gets a head for them, asked once for each image and its mirror image', async () => {
    const here = folder(), first = await train(here, 'other');
    const [, training, validation] = first.stdout.match(/, (\d+) training and (\d+) validation images/).map(Number);
    assert.equal(first.all, 2 * training + validation);
    assert.deepEqual([first.kept, first.numbers], [0, 8]);
    assert.match(first.stdout, /^L2 /m);
    assert.match(first.stdout, /^teacher: .*other\.eyelet, with a head for these classes, says the label of \d+\.\d\d % of the training images; temperature \d+, weight 0\.\d$/m);
    assert.equal((await train(folder(), 'other', '--flip', 'none')).all, training + validation);

    const note = first.model.toString('latin1').match(/^teacher: (.*), temperature ([\d.]+), weight ([\d.]+), sha256 (\w+)$/m);
    assert.equal(note[1], of('other'));
    assert.equal(note[4], createHash('sha256').update(files['other.eyelet']).digest('hex'));
});

test('the next run takes what was kept, to the same weights; another one of another split fits the head anew', async () => {
    const here = folder(), first = await train(here, 'other');
    assert.deepEqual(readdirSync(here).sort(), ['m.checkpoint', 'm.csv', 'm.embeddings', 'm.eyelet', 'm.last.eyelet', 'm.teacher']);
    const again = await train(here, 'other');
    assert.match(again.stdout, /^\d+ scores of the teacher were kept from before$/m);
    assert.doesNotMatch(again.stdout, /^L2 /m);
    assert.ok(again.model.equals(first.model));
    rmSync(join(here, 'm.teacher'));
    const anew = await train(here, 'other');
    assert.ok(anew.kept === first.all && anew.model.equals(first.model));
    const seed = await train(here, 'other', '--seed', '7');
    assert.ok(seed.kept > 60 && seed.kept < seed.all, 'images that validated before have no mirror image there');
    assert.equal((await train(here, 'other2')).kept, 0, 'another teacher');
    succeeded(await eyelet([...command, '--teacher', of('other'), '--remove-embeddings'], { cwd: here }));
    assert.ok(!existsSync(join(here, 'm.teacher')) && !existsSync(join(here, 'm.embeddings')));
});

test('classes are matched by their names, in any order and among others', async () => {
    const same = await train(folder(), 'same'), more = await train(folder(), 'more');
    assert.deepEqual([same.numbers, more.numbers], [3, 4]);
    assert.doesNotMatch(same.stdout + more.stdout, /^L2 |with a head/m);
    assert.ok(weightsOf(more.model) === weightsOf(same.model));
    assert.ok(weightsOf((await train(folder(), 'other')).model) !== weightsOf(same.model));
});

test('any number of threads and a stop give the same weights', async () => {
    const mixed = ['--mixup', '0.4', '--cutmix', '1', '--epochs', '40', '--class-weights', 'balanced', '--label-smoothing', '0.1'], whole = folder(), parts = folder();
    const { model } = await train(whole, 'other', ...mixed), one = await train(folder(), 'other', ...mixed, '--threads', '1');
    assert.ok(weightsOf(one.model) === weightsOf(model));
    const run = start(program, [...command, '--teacher', of('other'), ...mixed], { cwd: parts });
    await run.seen(/^epoch +2\//m);
    run.child.kill('SIGINT');
    assert.equal((await run.result).status, 130);
    refused(await eyelet([...command, '--teacher', of('other'), ...mixed, '--resume', '--temperature', '3'], { cwd: parts }), { reason: /--temperature/ });
    refused(await eyelet([...command, '--teacher', of('other2'), ...mixed, '--resume'], { cwd: parts }), { reason: /--teacher/ });
    refused(await eyelet([...command, ...mixed, '--resume'], { cwd: parts }), { subject: 'm.checkpoint', reason: /^the checkpoint is of another/ });
    await train(parts, 'other', ...mixed, '--resume');
    for (const name of ['m.eyelet', 'm.last.eyelet'])
        assert.ok(readFileSync(join(parts, name)).equals(readFileSync(join(whole, name))), name);
});

test('a student comes to the embedding of its teacher, and the model has no trace of the projection', async () => {
    const matched = ['--embedding-weight', '1', '--epochs', '8'], whole = folder(), parts = folder();
    const { model, numbers } = await train(whole, 'same', ...matched), alone = await train(folder(), 'same', '--epochs', '8');
    assert.deepEqual([numbers, alone.numbers], [3, 3], 'the three means that a head stands on, and three logits');
    const { parameters } = JSON.parse(succeeded(await eyelet(['summary', join(whole, 'm.eyelet'), '--json'])).stdout);
    assert.equal(parameters, (27 + 1) * 8 + (8 + 1) * 3);
    assert.ok(weightsOf(model) !== weightsOf(alone.model));
    assert.match(model.toString('latin1'), /^teacher: .*, of its embedding 1, sha256 /m);
    const run = start(program, [...command, '--teacher', of('same'), ...matched], { cwd: parts });
    await run.seen(/^epoch +2\//m);
    run.child.kill('SIGINT');
    assert.equal((await run.result).status, 130);
    refused(await eyelet([...command, '--teacher', of('same'), ...matched, '--embedding-weight', '2', '--resume'], { cwd: parts }), { reason: /--embedding-weight/ });
    await train(parts, 'same', ...matched, '--resume', '--threads', '1');
    assert.ok(readFileSync(join(parts, 'm.eyelet')).equals(readFileSync(join(whole, 'm.eyelet'))));
    succeeded(await eyelet(['train', images, '-o', 'n.eyelet', '--from', join(whole, 'm.eyelet'), '--teacher', of('other'), ...matched, '--validation', '0.2'], { cwd: parts }));
});

test('records are resized for the teacher, and nothing is kept of them', async () => {
    const here = folder({ 'teacher.eyelet': modelOf({ input: [20, 20, 3], labels: classNames, layers: [{ kind: 'global_avgpool' }, ...head(10)] }) });
    const { stdout } = succeeded(await eyelet(['train', '-o', 'm.eyelet', '--data', makeData(makeRecords(200)), '--limit', '300', '--network', network, '--epochs', '1', '--warmup', '0',
        '--teacher', 'teacher.eyelet'], { cwd: here }));
    assert.match(stdout, /^\d+ outputs of the teacher of 10 numbers in/m);
    assert.deepEqual(readdirSync(here).sort(), ['m.checkpoint', 'm.csv', 'm.eyelet', 'm.last.eyelet', 'teacher.eyelet']);
});

test('what cannot teach is refused in one line', async () => {
    const here = folder({ 'm.eyelet': files['other.eyelet'] }), refusal = async (more, expected) => refused(await eyelet([...command, ...more], { cwd: here }), expected);
    await refusal(['--teacher', 'none.eyelet'], { subject: 'none.eyelet', reason: /No such file/ });
    await refusal(['--teacher', of('text')], { subject: of('text'), reason: /./ });
    await refusal(['--teacher', of('one')], { subject: of('one'), reason: /^it has 1 class$/ });
    await refusal(['--teacher', of('map')], { subject: of('map'), reason: /^its classes are others than the data's, and it has no embedding/ });
    await refusal(['--teacher', 'm.eyelet'], { subject: 'm.eyelet', reason: /^the teacher would be overwritten/ });
    await refusal(['--teacher', './m.eyelet'], { subject: './m.eyelet', reason: /^the teacher would be overwritten/ });
    for (const temperature of ['0', '0.01', '1000'])
        await refusal(['--teacher', of('other'), '--temperature', temperature], { status: 2, reason: /--temperature takes 0\.1 to 100/ });
    for (const weight of ['0', '1.1'])
        await refusal(['--teacher', of('other'), '--teacher-weight', weight], { status: 2, reason: /--teacher-weight takes / });
    await refusal(['--temperature', '3'], { status: 2, reason: /need --teacher/ });
    await refusal(['--embedding-weight', '1'], { status: 2, reason: /--embedding-weight need --teacher/ });
    await refusal(['--teacher', of('map'), '--embedding-weight', '1'], { subject: of('map'), reason: /it has no embedding/ });
    await refusal(['--teacher', of('other'), '--memory', '0'], { reason: /outputs of the teacher .* take \d+ MiB of memory; 0 MiB are left/, hint: /--memory/ });
    assert.ok(readFileSync(join(here, 'm.eyelet')).equals(files['other.eyelet']));
});

test('images that changed since the run has read them are not taken for what they were', async () => {
    const here = folder(), changing = noisyClasses(names, 24, looks), { stdout } = succeeded(await eyelet([...command, '--teacher', of('other')].map((word) => word === images ? changing : word), { cwd: here }));
    assert.match(stdout, /^\d+ outputs of the teacher/m);
    writeFileSync(join(changing, 'red', '3.png'), noisyPicture(0, 999, looks));
    const again = succeeded(await eyelet([...command, '--teacher', of('other')].map((word) => word === images ? changing : word), { cwd: here }));
    const [, kept, all] = again.stdout.match(/^(\d+) of (\d+) outputs/m).map(Number);
    assert.ok(kept < all && kept >= all - 4, `${kept} of ${all}`);
});
