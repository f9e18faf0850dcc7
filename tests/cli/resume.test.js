/* A run that was stopped, by a signal or by kill -9 at any moment, goes on with --resume and ends in the same model, bit for
 * bit, and the same log as one that was never stopped. No checkpoint is removed because it could not be read. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { asNobody, eyelet, eyeletAsNobody, folder, makeData, makeRecords, nothingLeftOver, program, refused, start, succeeded } from '../support/program.js';
import { crc32 } from '../support/tiny_model.js';

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
    assert.ok(existsSync(join(here, 'm.checkpoint')) && !existsSync(join(here, 'm.checkpoint.old')), 'a complete run keeps its last checkpoint');
    assert.ok(!existsSync(join(here, 'm.lock')));
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
    await stopped(here, 'SIGINT', 3, 0); /* a kill may find m.checkpoint between its two names */
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

test('without a checkpoint --resume is refused, and in the place of an interrupted run --restart is asked for', async () => {
    const here = folder();
    refused(await eyelet([...command, '--resume'], { cwd: here }), { subject: 'm.eyelet', reason: /no checkpoint/, hint: /--resume/ });
    await stopped(here, 'SIGINT', 1, 0);
    const before = contents(here);
    refused(await eyelet(command, { cwd: here }), { subject: 'm.checkpoint', reason: /an interrupted run, in epoch 2 of 20/, hint: /--resume goes on.*--restart starts anew/ });
    refused(await eyelet([...command, '--seed', '2'], { cwd: here }), { subject: 'm.checkpoint', reason: /an interrupted run/ });
    assert.deepEqual(contents(here), before);
    refused(await eyelet([...command, '--restart', '--resume'], { cwd: here }), { status: 2, reason: /give one of them/ });
    succeeded(await eyelet([...command, '--restart'], { cwd: here }));
    alike(here, straight);
});

/* ---- Checkpoints that cannot be read ---- */

/* The files of a folder and what is in them. */
const contents = (here) => Object.fromEntries(readdirSync(here).sort().map((name) => [name, readFileSync(join(here, name)).toString('latin1')]));

/* Changes a number of the state, which are doubles behind the identity, and makes the checksum right. */
const stateFields = ['epoch', 'images', 'right', 'loss', 'firstLoss', 'best', 'waited', 'factor', 'lowest', 'plateauWaited'];
function withState(checkpoint, field, value) {
    const bytes = Buffer.from(checkpoint);
    bytes.writeDoubleLE(value, bytes.indexOf(0, 8) + 1 + 8 * stateFields.indexOf(field));
    bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
    return bytes;
}

test('numbers of a checkpoint that cannot be are refused by name, and nothing is removed', async () => {
    const here = folder();
    await stopped(here, 'SIGKILL', 3, 0); /* between two epochs, or while the checkpoint takes its name */
    const whole = readFileSync(join(here, existsSync(join(here, 'm.checkpoint')) ? 'm.checkpoint' : 'm.checkpoint.old'));
    for (const [field, value, reason] of [['epoch', -1, /its epoch is -1/], ['epoch', 21, /its epoch is 21/], ['epoch', 2 ** 31, /its epoch is 2147483648/], ['epoch', 2.5, /its epoch is 2\.5/],
        ['epoch', NaN, /its epoch is -?nan/], ['images', -20, /its count of images is -20/], ['images', 1800, /its count of images is 1800.*1799/], ['images', 30, /its count of images is 30.*batches of 20/],
        ['right', 1, /its count of right answers is 1/], ['loss', Infinity, /its sum of losses is inf/], ['best', 2, /its best accuracy is 2/], ['waited', 19, /without a better accuracy is 19/],
        ['factor', 7, /its learning-rate factor is 7/], ['lowest', NaN, /its lowest loss is -?nan/], ['plateauWaited', 1e9, /without a lower loss is 1000000000/]]) {
        const lying = folder({ 'm.checkpoint': withState(whole, field, value) }), before = contents(lying);
        refused(await eyelet([...command, '--resume'], { cwd: lying }), { subject: 'm.checkpoint', reason, hint: /--restart/ });
        assert.deepEqual(contents(lying), before);
    }
    assert.deepEqual(withState(whole, 'best', whole.readDoubleLE(whole.indexOf(0, 8) + 1 + 8 * 5)), whole);
});

test('what cannot be read is never removed, with --resume and without', async () => {
    const here = folder();
    await stopped(here, 'SIGINT', 3, 0);
    const newest = readFileSync(join(here, 'm.checkpoint')), old = readFileSync(join(here, 'm.checkpoint.old'));
    const otherVersion = Buffer.from(newest).fill('9', 4, 5), damaged = Buffer.from(newest).fill(1, 500, 501);

    for (const [files, reason] of [[{ 'm.checkpoint': damaged }, /is damaged/], [{ 'm.checkpoint.old': damaged }, /is damaged/], [{ 'm.checkpoint': otherVersion, 'm.checkpoint.old': otherVersion }, /another version/]]) {
        const there = folder(files), before = contents(there), [subject] = Object.keys(files);
        refused(await eyelet([...command, '--resume'], { cwd: there }), { subject, reason, hint: /--restart/ });
        refused(await eyelet(command, { cwd: there }), { subject, reason, hint: /--restart/ });
        assert.deepEqual(contents(there), before);
    }

    const two = folder({ 'm.checkpoint': otherVersion, 'm.checkpoint.old': old });
    const result = succeeded(await eyelet([...command, '--resume'], { cwd: two }));
    assert.match(result.stderr, /^eyelet: m\.checkpoint: the checkpoint is of another version of Eyelet\n +It is kept as m\.checkpoint\.unreadable\.$/m);
    assert.deepEqual(readFileSync(join(two, 'm.checkpoint.unreadable')), otherVersion);
    assert.equal(model(two, 'm.last.eyelet'), model(straight, 'm.last.eyelet'));

    const both = folder({ 'm.checkpoint': damaged, 'm.checkpoint.old': old, 'm.checkpoint.unreadable': otherVersion }), before = contents(both);
    refused(await eyelet([...command, '--resume'], { cwd: both }), { subject: 'm.checkpoint.unreadable', reason: /earlier time/, hint: /Move it away/ });
    assert.deepEqual(contents(both), before);

    const noFile = folder({ 'm.checkpoint.old': old });
    mkdirSync(join(noFile, 'm.checkpoint'));
    assert.match(succeeded(await eyelet([...command, '--resume'], { cwd: noFile })).stderr, /m\.checkpoint: the checkpoint cannot be read: is a folder/);
    assert.ok(existsSync(join(noFile, 'm.checkpoint.unreadable')));
});

test('a checkpoint that may not be read is named, and stays', asNobody, async () => {
    const made = folder();
    await stopped(made, 'SIGINT', 3, 0);
    const files = Object.fromEntries(['m.checkpoint', 'm.checkpoint.old'].map((name) => [name, readFileSync(join(made, name))]));
    const here = folder(files);
    chmodSync(here, 0o777);
    for (const name of Object.keys(files))
        chmodSync(join(here, name), 0);
    for (const words of [[...command, '--resume'], command]) {
        refused(await eyeletAsNobody(words, { cwd: here }), { subject: 'm.checkpoint', reason: /Permission denied/, hint: /--restart/ });
        for (const [name, bytes] of Object.entries(files))
            assert.deepEqual(readFileSync(join(here, name)), bytes);
    }
});

const library = fileURLToPath(new URL('../../build/faults/fault.so', import.meta.url));
const preloaded = existsSync(library) && await eyelet(['--help'], { env: { LD_PRELOAD: library } }).then(({ status }) => status === 0);
test('no checkpoint is lost where the disk fails for a moment while it is read',
    { skip: preloaded ? false : 'NOT TESTED: this needs build/faults/fault.so (make test-faults), and a program without an allocator of its own' }, async () => {
        const made = folder(), few = command.map((word) => word === '20' ? '4' : word);
        await commandStopped(few, made, 'SIGINT', 2, 0);
        const newest = readFileSync(join(made, 'm.checkpoint')), old = readFileSync(join(made, 'm.checkpoint.old'));
        const EIO = 5;
        let failures = 0;
        for (const kind of ['open', 'read'])
            for (let call = 1; call <= 8; call++) {
                const here = folder({ 'm.checkpoint': newest, 'm.checkpoint.old': old });
                const { status, stderr } = await eyelet([...few, '--resume'], { cwd: here, env: { LD_PRELOAD: library, FAULT: `${kind}:${call}:${EIO}` } });
                const kept = Object.values(contents(here)).map((text) => Buffer.from(text, 'latin1'));
                if (status !== 0)
                    assert.match(stderr, /^eyelet: .*(Input\/output error|cannot be|damaged)/m, `${kind} ${call}`);
                failures += status !== 0;
                /* What has been trained since takes the place of the one that it went on from, and of older ones. */
                const from = stderr.match(/^resuming from (m\.checkpoint(\.old)?):/m)?.[1];
                for (const bytes of from === 'm.checkpoint' ? [] : from ? [newest] : [newest, old])
                    assert.ok(kept.some((other) => other.equals(bytes)), `${kind} ${call}: a checkpoint is gone; ${stderr}`);
            }
        assert.ok(failures > 0, 'some call failed the run');
    });

/* ---- Complete runs ---- */

const runFolder = [...command.slice(0, 2), 'run/', ...command.slice(3)];

test('--resume of a complete run trains nothing, and does what a killed run has left undone', async () => {
    const whole = folder();
    succeeded(await eyelet(runFolder, { cwd: whole }));
    const run = join(whole, 'run'), before = contents(run);
    const again = succeeded(await eyelet([...runFolder, '--resume'], { cwd: whole }));
    assert.match(again.stderr, /^eyelet: run\/run\.eyelet: the run is complete$/m);
    assert.equal(again.stdout, '');
    assert.deepEqual(contents(run), before);

    const uncalibrated = folder(), there = join(uncalibrated, 'run'); /* killed while it calibrated, or behind it */
    const { child, result, seen } = start(program, runFolder, { cwd: uncalibrated });
    await seen(/^epoch 20\//m);
    child.kill('SIGKILL');
    await result;
    rmSync(join(there, 'run.html'), { force: true });
    const done = succeeded(await eyelet([...runFolder, '--resume'], { cwd: uncalibrated }));
    assert.match(done.stderr, /^report: run\/run\.html/m);
    for (const name of ['run.eyelet', 'run.last.eyelet', 'run.txt'])
        assert.equal(contents(there)[name], before[name], name);
    assert.equal(readdirSync(there).join(), readdirSync(run).join());

    rmSync(join(there, 'run.last.eyelet'));
    succeeded(await eyelet([...runFolder, '--resume'], { cwd: uncalibrated }));
    rmSync(join(there, 'run.eyelet'));
    refused(await eyelet([...runFolder, '--resume'], { cwd: uncalibrated }), { subject: 'run/run.eyelet', reason: /complete, but its model is no longer there/, hint: /--restart/ });
});

test('a complete run is lengthened: to the same model as at once where the schedule allows it, else with a word', async () => {
    const lengths = (epochs) => command.map((word, i) => command[i - 1] === '--epochs' ? epochs : word);
    for (const [schedule, more, atOnce] of [['constant', [], true], ['cosine', [], false], ['constant', ['--patience', '1', '--learning-rate', '0.3'], undefined]]) {
        const here = folder(), whole = folder(), options = ['--schedule', schedule, ...more];
        succeeded(await eyelet([...lengths('3'), ...options], { cwd: here }));
        refused(await eyelet([...lengths('2'), ...options, '--resume'], { cwd: here }), { subject: 'm.checkpoint', reason: /is complete: it has --epochs=3, this one has --epochs=2/, hint: /not shortened/ });
        const { stderr } = succeeded(await eyelet([...lengths('6'), ...options, '--resume'], { cwd: here }));
        assert.match(stderr, /^lengthening a complete run from 3 to 6 epochs, from epoch \d on/m);
        succeeded(await eyelet([...lengths('6'), ...options], { cwd: whole }));
        if (atOnce)
            alike(here, whole);
        else if (atOnce === false) {
            assert.match(stderr, /the schedule cosine is that of 6 epochs from here on: the learning rate starts again at 0\.00\d+ of 0\.00\d+/);
            assert.equal(log(here).split('\n').length, log(whole).split('\n').length);
        } else
            assert.match(stderr, /--patience counts from here on/);
    }
});

/* ---- Two processes ---- */

test('a second process on one run is refused, by name, and a killed one leaves no lock', async () => {
    const here = folder(), { child, result, seen } = start(program, command, { cwd: here });
    await seen(/^epoch +1\//m);
    for (const more of [[], ['--resume'], ['--restart'], ['--seed', '3']])
        refused(await eyelet([...command, ...more], { cwd: here }), { subject: 'm.eyelet', reason: new RegExp(`another process \\(${child.pid}\\) is training this model`), hint: /-o/ });
    child.kill('SIGKILL');
    await result;
    succeeded(await eyelet([...command, '--resume'], { cwd: here }));
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
