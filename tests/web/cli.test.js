/* web/cli.js, `npx eyelet`: what it prints and writes is what the native program does. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { encodePng, gradient, jpeg } from '../support/pictures.js';
import { folder, program } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

const root = fileURLToPath(new URL('../..', import.meta.url)), cli = join(root, 'web/cli.js');
const espresso = join(root, 'web/examples/espresso.jpg');

const png = encodePng(gradient(40, 30)), labels = ['a_b', 'cat\u202etac', 'e"\\', '\u2764\ufe0f\u200d\u{1f525}', 'x\u{e0067}'];
const layers = [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 5, bias: true }, { kind: 'softmax' }];
const modelWith = (notes, embedding = 1) => modelOf({ labels, layers, notes: `name: Made\n${notes}`, embedding });

/* Files and folders of all kinds; "\x1b" stands in a name. */
const here = folder({
    'sure.eyelet': modelWith('rejection threshold: 0.01\n'), 'unsure.eyelet': modelWith('rejection threshold: 0.999\n'),
    'unlike.eyelet': modelWith('outlier limit: 99\n'),
    'plain.eyelet': modelWith('', 0), 'cut.eyelet': modelWith('').subarray(0, -9),
    'in/b.png': png, 'in/a.JPG': jpeg, 'in/B.png': png, 'in/plain': png, 'in/BM.txt': 'BM is not always a bitmap', 'in/notes.txt': 'x',
    'in/.hidden.png': png, 'in/Thumbs.db': png, 'in/deeper/c.png': png, 'in/deeper/d\x1b"\u202e,.png': png, 'in/cut.png': png.subarray(0, 60),
    'in/other.gif': 'GIF89a', 'none/notes.txt': 'x', 'empty.png': '',
});
symlinkSync('deeper', join(here, 'in/link'));
symlinkSync('b.png', join(here, 'in/linked.png'));

function runs(command, words) {
    const { status, stdout, stderr } = spawnSync(command, words, { cwd: here, encoding: 'utf8', timeout: 120_000 });
    return { status, stdout, stderr };
}
const packaged = (...words) => runs(process.execPath, [cli, ...words]);

/* The native program's words, its model first; without what it reads with libraries that we do not have. */
function same(...words) {
    const native = runs(program, words), ours = packaged(...words);
    assert.deepEqual(ours, native, words.join(' '));
    return ours;
}

test('classify prints what the native program prints: tables, JSON, what cannot be read', () => {
    for (const model of ['sure.eyelet', 'unsure.eyelet', 'unlike.eyelet'])
        for (const words of [[], ['--top', '2'], ['--json'], ['--json', '--top=1']])
            same('classify', model, ...words, 'in', 'in/deeper', 'none', 'nothing.png', 'empty.png', espresso);
    assert.equal(same('classify', 'sure.eyelet', 'in/b.png').status, 0);
    assert.equal(same('classify', 'sure.eyelet', 'in/b.png', 'none').status, 1);
});

test('embed writes the bytes that the native program writes', () => {
    for (const ending of ['csv', 'npy', 'safetensors']) {
        const ours = packaged('embed', 'sure.eyelet', 'in', 'nothing.png', '-o', `ours.${ending}`);
        assert.deepEqual(ours, runs(program, ['embed', 'sure.eyelet', 'in', 'nothing.png', '-o', `native.${ending}`]));
        assert.equal(ours.status, 1);
        assert.ok(readFileSync(join(here, `ours.${ending}`)).equals(readFileSync(join(here, `native.${ending}`))), ending);
    }
    assert.equal(packaged('embed', '--model', 'sure.eyelet', 'in').stdout, readFileSync(join(here, 'ours.csv'), 'utf8'));
});

test('what is wrong is said in the same words, with the same exit status', () => {
    for (const words of [['classify', '--top'], ['classify', '--top', 'x', 'a.png'], ['classify', 'sure.eyelet', '--top', '0', 'in/b.png'],
        ['classify', '--nothing'], ['classify', 'no.eyelet', 'in/b.png'], ['embed', 'sure.eyelet', 'in/b.png', '-o', 'out.txt'], ['nothing'],
        ['classify', 'cut.eyelet', 'in/b.png'], ['embed', 'plain.eyelet', 'in/b.png', '-o', 'out.csv'],
        ['embed', 'sure.eyelet', 'none', '-o', 'out.csv'], ['embed', 'sure.eyelet', 'in/b.png', '-o', 'nowhere/out.csv']])
        assert.notEqual(same(...words).status, 0);
    for (const [words, message] of [[['classify'], /^eyelet: classify takes at least one image\n {8}See `eyelet classify --help`\.\n$/],
        [['classify', '--model', espresso, espresso], /espresso\.jpg: this is not an Eyelet model\n {8}A model is /], [['serve', 'a.png'], /drop them on the page/],
        [['serve', '--port', '99999'], /65535/], [[], /which command\?\n {8}See `eyelet --help`/]]) {
        const { status, stdout, stderr } = packaged(...words);
        assert.notEqual(status, 0);
        assert.equal(stdout, '');
        assert.match(stderr, message);
    }
    assert.deepEqual(readdirSync(here).filter((name) => /^out|tmp/.test(name)), []);
});

test('without a model, objects160 is taken', () => {
    for (const words of [['classify', '--top-k', '1', espresso], ['classify', '--top', '1', espresso]])
        assert.match(packaged(...words).stdout, /^\S+espresso\.jpg\n {3}99\.\d\d % {2}espresso\n$/);
});

test('--help and --version', () => {
    assert.match(packaged('--version').stdout, /^eyelet \d+\.\d+\.\d+ \(WebAssembly\)\n$/);
    for (const [, command] of packaged('--help').stdout.matchAll(/^ {2}(\w+) /gm)) {
        const { status, stdout } = packaged(command, '--help');
        assert.equal(status, 0);
        assert.match(stdout, new RegExp(`^eyelet ${command}[^]*\n {2}--help `));
    }
});

test('serve serves the page', async () => {
    const server = spawn(process.execPath, [cli, 'serve', '--port', '0']);
    try {
        const [url] = String(await new Promise((resolve) => { server.stdout.once('data', resolve); })).match(/^http:.*\/$/m);
        assert.match(await (await fetch(url)).text(), /<title[^>]*>Eyelet/);
    } finally {
        server.kill();
    }
});
