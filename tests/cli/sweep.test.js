/* eyelet train --sweep: a run for each combination of values, their table and plot. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { trainArguments } from '../support/small_training.js';

const options = ['--epochs', '2', '--flip', 'none', '--crop', '0', '--learning-rate', '0.02', '--validation', '0.3'];
const data = [...trainArguments('small', ...options), '--limit', '500'];
const checksum = async (cwd, path) => JSON.parse(succeeded(await eyelet(['summary', path, '--json'], { cwd })).stdout).checksum;

test('every combination is trained, into a folder of its own, and the best stands first', async () => {
    const here = folder(), { stdout } = succeeded(await eyelet([...data, '-o', 'runs/', '--sweep', 'learning-rate=0.0001,0.05', '--sweep=epochs=1,3'], { cwd: here }));
    assert.deepEqual(readdirSync(join(here, 'runs')).sort(), ['1', '2', '3', '4', 'sweep.csv', 'sweep.svg']);
    const [header, ...lines] = readFileSync(join(here, 'runs/sweep.csv'), 'utf8').trimEnd().split('\n');
    assert.equal(header, 'run,learning-rate,epochs,right,images,accuracy');
    const rows = lines.map((line) => line.split(','));
    assert.deepEqual(rows.map((row) => row.slice(0, 3)), [['1', '0.0001', '1'], ['2', '0.0001', '3'], ['3', '0.05', '1'], ['4', '0.05', '3']]);
    for (const [run, , , right, images, accuracy] of rows) {
        assert.ok(Math.abs(right / images - accuracy) < 1e-6 && images === '150');
        const log = readFileSync(join(here, `runs/${run}/${run}.csv`), 'utf8').trim().split('\n').map((line) => line.split(','));
        const best = Math.max(...log.slice(1).map((line) => Number(line[log[0].indexOf('validation_accuracy')])));
        assert.ok(Math.abs(best - accuracy) < 1e-4, `run ${run}: ${accuracy} is its best epoch's ${best}`);
    }
    const order = [...rows].sort((a, b) => b[5] - a[5] || a[0] - b[0]).map(([run]) => run);
    const table = stdout.slice(stdout.indexOf('\n  run  learning-rate  epochs  validation accuracy\n'));
    assert.deepEqual([...table.matchAll(/^ +(\d) +0\.\d+ +\d {2}[\d.]+ % \(/gm)].map(([, run]) => run), order);
    assert.ok(table.includes(`the best: runs/${order[0]}/${order[0]}.eyelet; `));
    const plot = readFileSync(join(here, 'runs/sweep.svg'), 'utf8');
    assert.equal(plot.match(/<circle/g).length, 4);
    assert.equal(plot.match(/<g /g).length, 2, 'a line for each number of epochs');
    assert.match(plot, />epochs 1<.*>epochs 3</s);

    const again = [...data, '-o', 'runs/', '--sweep', 'epochs=1'];
    refused(await eyelet(again, { cwd: here }), { subject: 'runs/sweep.csv', reason: /earlier --sweep/, hint: /--restart/ });
    assert.equal(readFileSync(join(here, 'runs/sweep.csv'), 'utf8').split('\n').length, 6, 'nothing was changed');
    succeeded(await eyelet([...data, '-o', 'plain.eyelet', '--learning-rate', '0.05', '--epochs', '3'], { cwd: here }));
    assert.equal(await checksum(here, 'runs/4/4.eyelet'), await checksum(here, 'plain.eyelet'));

    succeeded(await eyelet([...again, '--restart'], { cwd: here }));
    assert.match(readFileSync(join(here, 'runs/sweep.csv'), 'utf8'), /^run,epochs,right,images,accuracy\n1,1,.*\n$/);
});

test('a run that fails is named, the others follow, and what is not known is left empty', async () => {
    const here = folder(), { status, stdout, stderr } = await eyelet([...data, '-o', 'runs/', '--sweep', 'learning-rate=1e9,0.02', '--json'], { cwd: here });
    assert.equal(status, 1);
    assert.match(stderr, /runs\/1\/: run 1 of 2 failed/);
    assert.match(readFileSync(join(here, 'runs/sweep.csv'), 'utf8'), /^1,1e9,,,\n2,0\.02,\d+,150,0\.\d{6}\n$/m);
    const { sweep } = JSON.parse(stdout.slice(stdout.lastIndexOf('{"sweep"')));
    assert.deepEqual(sweep.map(({ run, 'learning-rate': rate, accuracy }) => [run, rate, typeof accuracy]), [[1, '1e9', 'undefined'], [2, '0.02', 'number']]);
});

test('what is wrong is told before the first run', async () => {
    const here = folder(), run = (...words) => eyelet([...data, ...words], { cwd: here });
    for (const [words, reason] of [
        [['--sweep', 'epochs=1,2'], /needs a folder for its runs: -o runs\//],
        [['-o', 'runs/', '--sweep', 'epochs'], /takes an option and its values/],
        [['-o', 'runs/', '--sweep', 'epochs='], /takes an option and its values/],
        [['-o', 'runs/', '--sweep', 'epochs=1,x'], /--epochs/],
        [['-o', 'runs/', '--sweep', 'epochs=1', '--sweep', 'lerning-rate=1'], /no option "--lerning-rate"; did you mean "--learning-rate"/],
        [['-o', 'runs/', '--sweep', 'epochs=1,2', '--validation', '0'], /leave out/],
        [['-o', 'runs/', '--sweep', `seed=${Array.from({ length: 1001 }, (_, i) => i)}`], /at most 1000 runs/],
    ])
        refused(await run(...words), { status: 2, reason });
    assert.equal(existsSync(join(here, 'runs')), false);
});
