/* eyelet train --config: another run with the options of one that was, and the time that a run still takes, on a terminal. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, makeData, makeRecords, program, refused, succeeded } from '../support/program.js';

const data = makeData(makeRecords(150));
const network = 'input 32x32x3\navgpool 8x8\nflatten\ndense classes softmax\n';
const words = ['--network', "it's a net.txt", '--data', data, '--limit', '400', '--batch', '50', '--validation', '0.25', '--seed', '3', '--threads', '1'];
const settings = (here, name) => readFileSync(join(here, name), 'utf8').split('\n').slice(1);
const losses = (here, name) => readFileSync(join(here, name), 'utf8').split('\n').map((row) => row.split(',').slice(0, 5).join());

test('a run is repeated, and changed, from what it wrote of itself', async () => {
    const here = folder({ "it's a net.txt": network });
    const train = async (...more) => succeeded(await eyelet(['train', ...more], { cwd: here }));
    await train('-o', 'runs/first/', '--epochs', '3', ...words);
    await train('--config', 'runs/first/first.txt', '-o', 'runs/again/');
    assert.deepEqual(settings(here, 'runs/again/again.txt'), settings(here, 'runs/first/first.txt'));
    assert.deepEqual(losses(here, 'runs/again/again.csv'), losses(here, 'runs/first/first.csv'));
    await train('--seed', '4', '-o', 'runs/other/', '--config=runs/again/again.txt', '--epochs', '2');
    const other = losses(here, 'runs/other/other.csv');
    assert.equal(other.length, losses(here, 'runs/first/first.csv').length - 1);
    assert.notEqual(other[1], losses(here, 'runs/first/first.csv')[1]);
    assert.match(readFileSync(join(here, 'runs/other/other.txt'), 'utf8'), /^command=eyelet train .*--network 'it'\\''s a net\.txt' .*--epochs 2\n/);
});

test('what is no configuration is refused', async () => {
    const here = folder({ 'words.txt': 'epochs 3\n', 'quote.txt': "command=eyelet train 'a\n", 'nested.txt': 'command=eyelet train --config words.txt -o m.eyelet\n' });
    const train = (...more) => eyelet(['train', '-o', 'm.eyelet', ...more], { cwd: here });
    refused(await train('--config', 'words.txt'), { subject: 'words.txt', reason: /does not begin with "command=eyelet train "/, hint: /-o FOLDER\// });
    refused(await train('--config', 'quote.txt'), { subject: 'quote.txt', reason: /a quote in its first line has no end/ });
    refused(await train('--config', 'nothing.txt'), { subject: 'nothing.txt', reason: /No such file/ });
    for (const way of [['--config', 'nested.txt'], ['--conf', 'words.txt'], ['--config', 'words.txt', '--config']])
        assert.notEqual((await train(...way)).status, 0, way.join(' '));
});

/* util-linux's script gives the program a terminal. */
function onTerminal(columns, here, ...more) {
    const command = `stty cols ${columns}; exec '${program}' train -o m.eyelet --restart --network net.txt --data '${data}' --epochs 3 ${more.join(' ')}`;
    const { status, stdout, stderr } = spawnSync('script', ['-qec', command, '/dev/null'], { cwd: here, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
    return stdout.split(/\r\n|\r\x1b\[K/).filter((line) => /^epoch \d\/\d.* left/.test(line));
}

test('on a terminal a training draws one line that fits, with the time left of the whole run', { skip: spawnSync('script', ['--version']).error && 'NOT CHECKED: script is not there' }, () => {
    const here = folder();
    writeFileSync(join(here, 'net.txt'), network);
    const wide = onTerminal(120, here), narrow = onTerminal(60, here);
    for (const [lines, columns] of [[wide, 120], [narrow, 60]]) {
        assert.ok(lines.length >= 3, `${lines.length} lines`);
        assert.ok(lines.every((line) => line.length < columns), lines.join('\n'));
        assert.match(lines.at(-1), /^epoch 3\/3.* 100 %.* 0:00 left  loss [\d.]+  accuracy [\d.]+ %$/);
    }
    assert.match(wide[0], /^epoch 1\/3 \[[= ]{24}\] +\d+ %  [\d,]+ images\/s  \d+:\d\d left/);
    assert.doesNotMatch(narrow[0], /images\/s|\[/);
});
