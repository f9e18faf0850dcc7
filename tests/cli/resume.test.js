/* A run that was stopped, by a signal or by kill -9 at any moment, goes on with --resume and ends in the same model, bit for
 * bit, and the same log as one that was never stopped. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, makeData, makeRecords, nothingLeftOver, program, refused, start, succeeded } from '../support/program.js';

const data = makeData(makeRecords(200));
const network = join(folder({ 'rich.txt': `maxpool 4
a: conv2d 6 3x3 same nobias batchnorm relu
conv2d 6 3x3 same batchnorm
add a relu
dropout 0.3
flatten
dense 16 tanh
dense classes softmax
` }), 'rich.txt');
const command = ['train', '-o', 'm.eyelet', '--network', network, '--data', data, '--limit', '2000', '--epochs', '20', '--batch', '20', '--ema', '0.99', '--cutout', '5'];

/* The same with all that has a state of its own or draws numbers: a model to go on from, thawing, a plateau, patience, mixed images. */
const fromModel = folder();
await eyelet(['train', '-o', 'start.eyelet', '--network', network, '--data', data, '--limit', '500', '--epochs', '2'], { cwd: fromModel }).then(succeeded);
const everything = ['train', '-o', 'm.eyelet', '--from', join(fromModel, 'start.eyelet'), '--data', data, '--limit', '2000', '--epochs', '20', '--batch', '20', '--learning-rate', '0.03',
    '--freeze', 'trunk', '--unfreeze', '4', '--layer-decay', '0.7', '--schedule', 'plateau', '--plateau', '1', '--patience', '12', '--class-weights', 'balanced', '--ema', '0.9',
    '--mixup', '0.3', '--cutmix', '1', '--resized-crop', '0.5', '--rotate', '10', '--jitter', '0.2', '--erase', '0.3'];

const model = (here, name = 'm.eyelet') => readFileSync(join(here, name)).toString('latin1');
const log = (here) => readFileSync(join(here, 'm.csv'), 'utf8').replace(/,[^,]*$/gm, '');

function alike(here, straight) {
    assert.equal(model(here), model(straight));
    assert.equal(model(here, 'm.last.eyelet'), model(straight, 'm.last.eyelet'));
    assert.equal(log(here), log(straight));
    assert.ok(!existsSync(join(here, 'm.checkpoint')) && !existsSync(join(here, 'm.checkpoint.old')), 'a complete run needs no checkpoint');
    nothingLeftOver(here);
}

const straight = folder();
await eyelet(command, { cwd: straight }).then(succeeded);

/* Starts or resumes, waits until a line of the epoch is out and some time more, and stops the run. */
function stopped(here, signal, epoch, milliseconds, ...more) {
    return commandStopped(command, here, signal, epoch, milliseconds, ...more);
}

async function commandStopped(words, here, signal, epoch, milliseconds, ...more) {
    const { child, result, seen } = start(program, [...words, ...more], { cwd: here });
    await seen(new RegExp(`^epoch +${epoch}/`, 'm'));
    await new Promise((done) => setTimeout(done, milliseconds));
    child.kill(signal);
    return result;
}

test('a run stopped by a signal in the middle of an epoch goes on to the same model', async () => {
    const here = folder();
    refused(await stopped(here, 'SIGINT', 2, 5), { status: 130, reason: /^stopped by a signal in epoch 3/, hint: /--resume/ });
    succeeded(await eyelet([...command, '--resume'], { cwd: here }));
    alike(here, straight);
});

test('a run killed several times, also while resuming, goes on to the same model', async () => {
    for (let turn = 0; turn < 3; turn++) {
        const here = folder();
        assert.equal((await stopped(here, 'SIGKILL', 2, Math.random() * 30)).signal, 'SIGKILL');
        assert.equal((await stopped(here, 'SIGKILL', 9, Math.random() * 30, '--resume')).signal, 'SIGKILL');
        succeeded(await eyelet([...command, '--resume'], { cwd: here }));
        alike(here, straight);
    }
});

test('a run with every option that has a state goes on to the same model', async () => {
    const whole = folder(), here = folder();
    succeeded(await eyelet(everything, { cwd: whole }));
    refused(await commandStopped(everything, here, 'SIGINT', 2, 5), { status: 130, reason: /^stopped by a signal in epoch 3/ });
    assert.equal((await commandStopped(everything, here, 'SIGKILL', 6, 20, '--resume')).signal, 'SIGKILL');
    succeeded(await eyelet([...everything, '--resume'], { cwd: here }));
    alike(here, whole);
    assert.notEqual(model(whole), model(straight));
});

test('a damaged checkpoint is named and the one before it taken', async () => {
    const here = folder();
    await stopped(here, 'SIGKILL', 3, 0);
    const checkpoint = join(here, 'm.checkpoint'), bytes = readFileSync(checkpoint);
    for (const damaged of [bytes.subarray(0, bytes.length / 2), Buffer.from(bytes).fill(1, 500, 501), Buffer.alloc(0), Buffer.from('text')]) {
        writeFileSync(checkpoint, damaged);
        const again = folder({ 'm.checkpoint': damaged, 'm.checkpoint.old': readFileSync(join(here, 'm.checkpoint.old')), 'm.csv': readFileSync(join(here, 'm.csv')) });
        const result = succeeded(await eyelet([...command, '--resume'], { cwd: again }));
        assert.match(result.stderr, /^eyelet: m\.checkpoint: the checkpoint is damaged$/m);
        assert.match(result.stderr, /^resuming from m\.checkpoint\.old/m);
        assert.equal(model(again, 'm.last.eyelet'), model(straight, 'm.last.eyelet'));
    }
});

test('a checkpoint of another run is refused, and what differs is named', async () => {
    const here = folder();
    await stopped(here, 'SIGINT', 1, 0);
    const before = readFileSync(join(here, 'm.checkpoint'));
    const otherData = makeData(makeRecords(100));
    const changed = (option, value) => [...command, option, value];
    for (const [words, difference] of [
        [changed('--learning-rate', '0.5'), /--learning-rate=0\.00\d+, this one has --learning-rate=0\.5/], [changed('--seed', '7'), /--seed=1, this one has --seed=7/],
        [changed('--batch', '21'), /--batch=20, this one has --batch=21/], [changed('--epochs', '19'), /--epochs/], [changed('--flip', 'none'), /--flip/],
        [changed('--limit', '1999'), /of 2000 images, this one has data=.* of 1999 images/], [changed('--data', otherData), /has data=/],
        [changed('--network', 'tutorial'), /network=/], [changed('--schedule', 'onecycle'), /--schedule/], [changed('--patience', '3'), /--patience=0, this one has --patience=3/],
        [changed('--plateau', '3'), /--plateau/], [changed('--class-weights', 'balanced'), /--class-weights/], [changed('--mixup', '0.2'), /--mixup/], [changed('--cutmix', '1'), /--cutmix/],
        [changed('--resized-crop', '0.5'), /--resized-crop/], [changed('--rotate', '5'), /--rotate/], [changed('--jitter', '0.2'), /--jitter/], [changed('--erase', '0.2'), /--erase/],
        [[...command.filter((word) => word !== '--network' && word !== network), '--from', join(fromModel, 'start.eyelet'), '--recipe', 'tutorial'], /has network=.*, this one has --from=/],
    ]) {
        refused(await eyelet([...words, '--resume'], { cwd: here }), { subject: 'm.checkpoint', reason: difference, hint: /--resume/ });
        assert.deepEqual(readFileSync(join(here, 'm.checkpoint')), before);
    }
});

test('without a checkpoint --resume is refused, and without --resume a checkpoint is replaced, with a word', async () => {
    const here = folder();
    refused(await eyelet([...command, '--resume'], { cwd: here }), { subject: 'm.eyelet', reason: /no checkpoint/, hint: /--resume/ });
    await stopped(here, 'SIGINT', 1, 0);
    const result = succeeded(await eyelet(command, { cwd: here }));
    assert.match(result.stderr, /starting anew/);
    alike(here, straight);
});

/* ---- From one build to another ---- */

const builds = readdirSync(new URL('../../build/', import.meta.url)).map((name) => new URL(`../../build/${name}/eyelet`, import.meta.url).pathname)
    .filter((path) => existsSync(path)); /* x86-64-v4, x86-64-v3, scalar ...: what is built of them */

test('an exact run crosses from one build to another, and ends in the model that any of them trains alone',
    { skip: builds.length > 1 ? false : 'NOT TESTED: this needs two builds, like x86-64-v3 and scalar' }, async () => {
        const exact = [...command, '--exact'], first = folder();
        succeeded(await start(builds[0], exact, { cwd: first }).result);
        for (const build of builds.slice(1)) {
            const here = folder(), { child, result, seen } = start(builds[0], exact, { cwd: here });
            await seen(/^epoch +2\//m);
            child.kill('SIGINT');
            refused(await result, { status: 130, reason: /^stopped by a signal/, hint: /--resume/ });
            succeeded(await start(build, [...exact, '--resume'], { cwd: here }).result);
            alike(here, first);
            const alone = folder();
            succeeded(await start(build, exact, { cwd: alone }).result);
            alike(alone, first);
        }
    });

test('a run does not change its arithmetic on the way', async () => {
    const here = folder();
    await stopped(here, 'SIGINT', 2, 5);
    if (!readFileSync(join(here, 'm.checkpoint')).includes('multiply-add=fused'))
        return; /* this build has no other */
    refused(await eyelet([...command, '--exact', '--resume'], { cwd: here }), { subject: 'm.checkpoint', reason: /another run: it has multiply-add=fused, this one has multiply-add=exact/ });
});
