/* Training from the command line: the same seed gives the same weights, what is saved is what was measured, and nothing
 * that goes wrong on the way - a full disk, a signal, a loss that explodes - costs a model. The data set is made here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { asNobody, eyelet, eyeletAsNobody, eyeletUnder, fifo, folder, makeData, makeRecords, nothingLeftOver, program, refused, start, succeeded,
    underMemoryLimit } from '../support/program.js';
import { epochsIn, loads, logIsWhole, networks, noisy, train, trainArguments } from '../support/small_training.js';

/* ---- The same seed, the same weights ---- */

/* The notes hold the command, which names the threads; the checksum at the end covers the notes. */
const withoutCommand = (path) => readFileSync(path).toString('latin1').replace(/--threads \d/, '').slice(0, -4);

for (const network of ['small', 'rich', 'whitened', 'mobile'])
    test(`one seed gives one model for any number of threads, and another seed another: ${network}`, async () => {
        const models = {};
        for (const [name, ...more] of [['1', '--threads', '1'], ['2', '--threads', '2'], ['3', '--threads', '3'], ['5', '--threads', '5'], ['again', '--threads', '3']]) {
            const here = folder();
            succeeded(await train(here, network, '--epochs', '2', '--batch', '90', '--seed', '7', ...more));
            models[name] = [withoutCommand(join(here, 'm.eyelet')), withoutCommand(join(here, 'm.last.eyelet'))];
        }
        for (const name of ['2', '3', '5', 'again'])
            assert.deepEqual(models[name], models['1'], name);
        const here = folder();
        succeeded(await train(here, network, '--epochs', '2', '--batch', '90', '--seed', '8', '--threads', '1'));
        const other = withoutCommand(join(here, 'm.eyelet'));
        assert.notEqual(other.slice(-1000), models['1'][0].slice(-1000), 'weights, not only notes');
    });

for (const options of [['--optimizer', 'sgd', '--nesterov'], ['--optimizer', 'adamw', '--weight-decay', '0.01', '--label-smoothing', '0.1', '--schedule', 'linear', '--initializer', 'he'],
    ['--optimizer', 'muon', '--bias-learning-rate', '1', '--dense-learning-rate', '0.1', '--learning-rate', '0.02', '--flip', 'alternate', '--micro-batch', '50', '--initializer', 'uniform'],
    ['--ema', '0.9', '--cutout', '9'],
    ['--mixup', '0.4', '--cutmix', '1', '--resized-crop', '0.4', '--rotate', '20', '--jitter', '0.3', '--erase', '0.5', '--crop', '2', '--schedule', 'onecycle',
        '--class-weights', 'balanced']])
    test(`one seed gives one model for any number of threads: ${options.join(' ')}`, async () => {
        const models = [];
        for (const threads of ['1', '3']) {
            const here = folder();
            succeeded(await train(here, 'rich', '--epochs', '1', ...options, '--threads', threads));
            models.push(withoutCommand(join(here, 'm.eyelet')));
        }
        assert.equal(models[0], models[1]);
    });

/* ---- What is saved is what was measured ---- */

for (const [network, left] of [['rich', ['batchnorm']], ['whitened', []], ['mobile', []]])
    test(`the saved model has batch normalisation folded in, and measures as it did in training: ${network}`, async () => {
        /* Without noise all images of a class are one image, so validation and test images give one loss, if it is one net. */
        const data = makeData(makeRecords(0)), here = folder();
        const { stdout } = succeeded(await eyelet(['train', '-o', 'm.eyelet', '--network', join(networks, `${network}.txt`), '--data', data,
            '--limit', '1000', '--epochs', '3', '--warmup', '0', '--flip', 'none', '--crop', '0', '--json'], { cwd: here }));
        const best = epochsIn(stdout).reduce((a, b) => b.validation_accuracy > a.validation_accuracy ? b : a);
        const measured = JSON.parse(succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '1000', '--json'], { cwd: here })).stdout);
        assert.equal(measured.accuracy, best.validation_accuracy);
        const { loss } = measured.uncalibrated;
        assert.ok(Math.abs(loss - best.validation_loss) < 1e-4 * best.validation_loss, `${loss} against ${best.validation_loss}`);

        const { layers } = JSON.parse(succeeded(await eyelet(['summary', 'm.eyelet', '--json'], { cwd: here })).stdout);
        const kinds = layers.map((layer) => layer.kind);
        assert.ok(!kinds.includes('dropout'));
        assert.deepEqual(kinds.filter((kind) => kind === 'batchnorm'), left, 'only the one after flatten has nothing to go into');
    });

test('a noisy set is trained, and validation agrees with evaluation', async () => {
    const here = folder();
    const { stdout } = succeeded(await eyelet(['train', '-o', 'm.eyelet', '--network', join(networks, 'rich.txt'), '--data', noisy,
        '--limit', '3000', '--epochs', '2', '--validation', '0.5', '--learning-rate', '0.01', '--flip', 'none', '--crop', '0', '--json'], { cwd: here }));
    const best = Math.max(...epochsIn(stdout).map(({ validation_accuracy }) => validation_accuracy));
    const { accuracy } = JSON.parse(succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', noisy, '--limit', '3000', '--json'], { cwd: here })).stdout);
    assert.ok(best > 0.3, `${best} of 0.1 by chance`);
    assert.ok(Math.abs(accuracy - best) < 0.05, `${accuracy} against ${best}`);
});

test('running means of batch norm lag behind where an epoch has few steps, and validation measures them anew', async () => {
    const accuracies = async (...more) => epochsIn(succeeded(await train(folder(), 'whitened', '--recipe', 'photos', '--epochs', '4', '--batch', '60', '--validation', '0.4',
        '--crop', '0', '--cutout', '0', '--ema', '0', '--bias-learning-rate', '10', '--json', ...more)).stdout).map(({ validation_accuracy }) => validation_accuracy);
    const precise = await accuracies(), running = await accuracies('--precise-batchnorm', '0');
    for (const epoch of [1, 2, 3])
        assert.ok(precise[epoch] > running[epoch] + 0.1, `${precise} against ${running}`);
    assert.deepEqual(await accuracies('--precise-batchnorm', '180'), precise, 'there are no more than 180 images');
});

test('what is printed, the log and the notes agree', async () => {
    const here = folder();
    const { stdout } = succeeded(await train(here, 'small', '--epochs', '3', '--json'));
    const lines = epochsIn(stdout);
    const log = logIsWhole(join(here, 'm.csv'));
    assert.deepEqual(log.map((row) => row.slice(0, 5)), lines.map((line) => [line.epoch, line.loss, line.accuracy, line.validation_loss, line.validation_accuracy]));
    assert.deepEqual(lines.map(({ epoch, epochs }) => [epoch, epochs]), [[1, 3], [2, 3], [3, 3]]);
    const notes = succeeded(await eyelet(['summary', 'm.last.eyelet'], { cwd: here })).stdout;
    assert.match(notes, /^epochs: 3$/m);
    assert.match(notes, /^command: eyelet train -o m\.eyelet --network /m);
    assert.match(notes, new RegExp(`^accuracy: ${(100 * lines[2].validation_accuracy).toFixed(2)} % \\([\\d.]+-[\\d.]+\\) of 30 validation images$`, 'm'));
});

test('every class gives the same fraction to validation', async () => {
    /* 25 images of each class: a tenth of each, rounded, is 3, so 30; a tenth of all 250 would be 25. */
    const { stdout } = succeeded(await train(folder(), 'tiny', '--limit', '250', '--epochs', '1', '--validation', '0.1'));
    assert.match(stdout, /220 training and 30 validation images/);
});

test('one epoch, one image, and greyscale and resized inputs work', async () => {
    const here = folder({ 'grey.txt': 'input 32x32x1\nflatten\ndense classes softmax\n' });
    succeeded(await train(here, 'rich', '--limit', '1', '--epochs', '1'));
    succeeded(await eyelet([...trainArguments('small', '--epochs', '1'), '--network', 'grey.txt', '--size', '16', '--warmup', '1'], { cwd: here }));
    assert.match(succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', noisy, '--limit', '100'], { cwd: here })).stdout, /of 100 images/);
});

/* ---- What goes wrong in training ---- */

const oldModel = 'the old model';

function oldModelIsThere(here) {
    assert.equal(readFileSync(join(here, 'm.eyelet'), 'utf8'), oldModel);
    nothingLeftOver(here);
}

test('a loss that is no longer a number stops the run, names epoch, step and layer, and keeps the old model', async () => {
    const here = folder({ 'm.eyelet': oldModel });
    refused(await train(here, 'deep', '--epochs', '3', '--learning-rate', '1e30', '--batch', '10'),
        { subject: 'm.eyelet', reason: /no longer a finite number in epoch 1, step \d+, after \d+0 images: first in layer [3-8] \(dense\)/, hint: /Lower --learning-rate/ });
    oldModelIsThere(here);
    logIsWhole(join(here, 'm.csv'));
});

test('weights that became infinite in the last step of an epoch are not saved', async () => {
    for (const more of [[], ['--validation', '0']]) {
        const here = folder({ 'm.eyelet': oldModel });
        const result = await train(here, 'rich', '--epochs', '1', '--batch', '300', '--optimizer', 'sgd', '--learning-rate', '3e38', '--momentum', '0.99', ...more);
        refused(result, { reason: /finite|NaN/ });
        oldModelIsThere(here);
    }
});

test('a validation that leaves nothing to train on is refused', async () => {
    const here = folder({ 'm.eyelet': oldModel });
    refused(await train(here, 'small', '--epochs', '1', '--validation', '0.9999'), { subject: noisy, reason: /no images are left/, hint: /--validation/ });
    oldModelIsThere(here);
});

test('more memory than there is ends in a message', underMemoryLimit, async () => {
    const here = folder({ 'm.eyelet': oldModel });
    refused(await eyeletUnder('ulimit -v 900000', trainArguments('small', '--size', '1024', '--epochs', '1'), { cwd: here }), { reason: /not enough memory|no room for/ });
    oldModelIsThere(here);
});

test('a mistake in the network is found before anything is written', async () => {
    const here = folder({ 'm.eyelet': oldModel, 'm.csv': 'the old log', 'wrong.txt': 'flatten\ndense 3 softmax\n' });
    refused(await eyelet([...trainArguments('small'), '--network', 'wrong.txt'], { cwd: here }), { subject: 'wrong.txt:2:1', reason: /ends in 3 classes, the data has 10/ });
    assert.equal(readFileSync(join(here, 'm.csv'), 'utf8'), 'the old log');
    oldModelIsThere(here);
});

/* ---- Disks and folders ---- */

const limited = (blocks, here, ...more) => eyeletUnder(`ulimit -f ${blocks}`, trainArguments(...more), { cwd: here });

test('a disk that is full when the model is written costs nothing', async () => {
    const here = folder({ 'm.eyelet': oldModel });
    refused(await limited(64, here, 'large', '--epochs', '1'), { subject: 'm.last.eyelet', reason: /the model cannot be written: .*too large/, hint: /unchanged/ });
    oldModelIsThere(here);
    logIsWhole(join(here, 'm.csv'));
});

test('a disk that is full from the start is found before training', async () => {
    const here = folder({ 'm.eyelet': oldModel });
    const result = await limited(0, here, 'small', '--epochs', '1');
    refused(result, { subject: 'm.csv', reason: /cannot be written: .*too large/ });
    assert.equal(result.stdout, '');
    oldModelIsThere(here);
});

test('a disk that fills up under the log leaves whole lines and the models saved so far', async () => {
    const here = folder(); /* the model is smaller than the kilobyte that a file may have, the log grows past it */
    refused(await limited(4, here, 'tiny', '--epochs', '200'), { subject: 'm.csv', reason: /the log cannot be written: .*too large/, hint: /models saved so far are kept/ });
    assert.ok(logIsWhole(join(here, 'm.csv')).length >= 10);
    await loads(here, 'm.eyelet', 'm.last.eyelet');
    nothingLeftOver(here);
});

test('a full disk under standard output is an error, and the models are saved',
    { skip: existsSync('/dev/full') ? false : 'NOT TESTED: there is no /dev/full here' }, async () => {
        const here = folder(), full = openSync('/dev/full', 'w');
        const result = await eyelet(trainArguments('small', '--epochs', '2'), { cwd: here, stdout: full });
        closeSync(full);
        refused(result, { subject: 'standard output', reason: /not everything could be written/ });
        await loads(here, 'm.eyelet', 'm.last.eyelet');
    });

test('a folder for a run holds all of it, and says what it was made of', async () => {
    const here = folder();
    succeeded(await eyelet(trainArguments('small', '--epochs', '2', '-o', 'run/'), { cwd: here }));
    assert.deepEqual(readdirSync(here), ['run']);
    assert.deepEqual(readdirSync(join(here, 'run')).sort(), ['run.checkpoint', 'run.csv', 'run.eyelet', 'run.html', 'run.last.eyelet', 'run.txt']);
    const report = JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(readFileSync(join(here, 'run/run.html'), 'utf8'))[1]);
    const { accuracy, images, data, training, model_sha256: model } = report, byEpoch = training.rows.map((row) => row[training.columns.indexOf('validation_accuracy')]);
    assert.deepEqual([images, training.rows.length, model], [30, 2, createHash('sha256').update(readFileSync(join(here, 'run/run.eyelet'))).digest('hex')]);
    assert.match(data, / \(validation\)$/);
    assert.ok(Math.abs(accuracy - Math.max(...byEpoch)) < 1e-6, `${accuracy} of ${byEpoch}`);
    const configuration = readFileSync(join(here, 'run/run.txt'), 'utf8');
    assert.match(configuration, /^command=eyelet train .*-o run\/\n/);
    for (const line of [/^data=[0-9a-f]{8}-/m, /^layer 1=avgpool /m, /^--epochs=2$/m, /^--optimizer=adam$/m, /^--seed=1$/m]) assert.match(configuration, line);
    const unvalidated = folder();
    succeeded(await eyelet(trainArguments('small', '--epochs', '2', '--validation', '0', '-o', 'run/'), { cwd: unvalidated }));
    assert.ok(!existsSync(join(unvalidated, 'run/run.html')), 'a report on no images');
    for (const output of ['./', '/', '../']) refused(await eyelet(trainArguments('small', '-o', output), { cwd: here }), { status: 2, reason: /name a folder for the run, like runs\/first\// });
});

test('an output that no model can go to is found before training', async () => {
    const here = folder({ file: 'a file' });
    mkdirSync(join(here, 'taken'));
    mkdirSync(join(here, 'half.last.eyelet'));
    mkdirSync(join(here, 'log.csv'));
    fifo(join(here, 'fifo'));
    const before = readdirSync(here);
    for (const [output, subject, reason] of [['missing/m.eyelet', 'missing/m.csv', /cannot be written: No such file/], ['taken', 'taken', /no regular file/],
        ['file/run/', 'file', /the folder of the run cannot be made: File exists/], ['file/', 'file', /cannot be made: /], ['fifo', 'fifo', /no regular file/], ['file/m.eyelet', 'file/m.csv', /Not a directory/],
        ['half.eyelet', 'half.last.eyelet', /no regular file/], ['log.eyelet', 'log.csv', /no regular file/]]) {
        const result = await eyelet(trainArguments('small', '--epochs', '1', '-o', output), { cwd: here });
        refused(result, { subject, reason, hint: /-o/ });
        assert.equal(result.stdout, '', 'nothing was trained');
    }
    assert.deepEqual(readdirSync(here), before);
});

test('a folder that may not be written to is named before training',
    asNobody, async () => {
        const here = folder({ 'm.eyelet': oldModel });
        chmodSync(here, 0o555);
        const result = await eyeletAsNobody(trainArguments('small', '--epochs', '1'), { cwd: here });
        chmodSync(here, 0o755);
        refused(result, { subject: 'm.csv', reason: /cannot be written: Permission denied/, hint: /-o/ });
        assert.equal(result.stdout, '');
        oldModelIsThere(here);
    });

/* ---- Signals ---- */

for (const signal of ['SIGINT', 'SIGTERM'])
    test(`${signal} in a later epoch saves both models and ends with 130`, async () => {
        const here = folder();
        const { child, result, seen } = start(program, trainArguments('small', '--epochs', '1000000'), { cwd: here });
        await seen(/^epoch +3\//m);
        child.kill(signal);
        refused(await result, { status: 130, reason: /^stopped by a signal in epoch \d+; saved m\.last\.eyelet and a checkpoint$/, hint: /--resume/ });
        await loads(here, 'm.eyelet', 'm.last.eyelet');
        assert.ok(logIsWhole(join(here, 'm.csv')).length >= 3);
        nothingLeftOver(here);
    });

test('Ctrl-C in the first epoch saves both models', async () => {
    const here = folder();
    const { child, result, seen } = start(program, trainArguments('rich', '--limit', '50000', '--epochs', '9', '--batch', '50'), { cwd: here });
    await seen(/parameters/);
    child.kill('SIGINT');
    const ended = await result;
    refused(ended, { status: 130, reason: /^stopped by a signal in epoch 1; saved/ });
    await loads(here, 'm.eyelet', 'm.last.eyelet');
    nothingLeftOver(here);
});

test('a run that is killed at any moment leaves models that load', async () => {
    const here = folder();
    const runs = 8;
    for (let i = 0; i < runs; i++) {
        const { child, result, seen } = start(program, trainArguments('small', '--limit', '50', '--epochs', '1000000', '--seed', `${i}`, '--restart'), { cwd: here });
        await seen(/^epoch +2\//m);
        const wait = Math.random() * 60;
        await new Promise((done) => setTimeout(done, wait));
        child.kill('SIGKILL');
        assert.equal((await result).signal, 'SIGKILL');
        await loads(here, 'm.eyelet', 'm.last.eyelet').catch((error) => { throw new Error(`killed ${wait} ms after the second epoch: ${error.message}`); });
        const log = readFileSync(join(here, 'm.csv'), 'utf8');
        writeFileSync(join(here, 'm.csv'), log.slice(0, log.lastIndexOf('\n') + 1));
        logIsWhole(join(here, 'm.csv'));
    }
});
