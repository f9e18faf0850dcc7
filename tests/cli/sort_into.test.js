/* eyelet classify --sort-into: copies and links in a folder for each class, and what must not happen to files. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { eyelet, eyeletUnder, folder, refused, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

/* The brightest channel decides, through softmax of ten times the mean: of grey no class is sure. */
const colourModel = (labels, notes = 'rejection threshold: 0.9\n') => {
    let i = 0;
    return modelOf({ input: [8, 8, 3], labels, notes, weight: (inputs) => inputs ? (i++ % 4 === 0 ? 10 : 0) : 0,
        layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }] });
};
const picture = (colour, size = 8) => encodePng({ width: size, height: size, data: Uint8ClampedArray.from({ length: 4 * size * size }, (_, i) => i % 4 === 3 ? 255 : colour[i % 4]) });
const [red, green, grey] = [[250, 0, 0], [0, 250, 0], [100, 100, 100]];
const filesIn = (path) => readdirSync(path, { recursive: true }).filter((name) => statSync(join(path, name)).isFile()).sort();

function place(labels = ['red', 'green', 'blue']) {
    return folder({ 'm.eyelet': colourModel(labels), 'in/a.png': picture(red), 'in/b.png': picture(green), 'in/deep/a.png': picture(red, 9),
        'in/deep/c.png': picture(grey), 'in/bad.png': 'broken', 'in/deep/copy/a.png': picture(red) });
}
const sort = (here, ...words) => eyelet(['classify', 'm.eyelet', 'in', '--sort-into', 'out', ...words], { cwd: here });
const sorted = ['green/b.png', 'not sure/c.png', 'red/a-2.png', 'red/a.png'];
const noted = (stderr) => stderr.trimEnd().split('\n').at(-1);

test('each picture is copied to its class; other files of its name stay, and equal ones are not copied again', async () => {
    const here = place();
    utimesSync(join(here, 'in/b.png'), 1e9, 1e9);
    const first = await sort(here);
    assert.equal(first.status, 1, 'of the broken one');
    assert.match(first.stderr, /bad\.png: .*neither JPEG nor PNG/);
    assert.equal(noted(first.stderr), 'out: 4 copied, 1 there already');
    assert.deepEqual(filesIn(join(here, 'out')), sorted);
    for (const [copy, source] of [['red/a.png', 'a.png'], ['red/a-2.png', 'deep/a.png'], ['green/b.png', 'b.png'], ['not sure/c.png', 'deep/c.png']])
        assert.deepEqual(readFileSync(join(here, 'out', copy)), readFileSync(join(here, 'in', source)));
    assert.equal(statSync(join(here, 'out/green/b.png')).mtimeMs, 1e12);
    assert.notEqual(statSync(join(here, 'out/green/b.png')).ino, statSync(join(here, 'in/b.png')).ino);
    const again = await sort(here);
    assert.equal(noted(again.stderr), 'out: 0 copied, 5 there already');
    assert.deepEqual(filesIn(join(here, 'out')), sorted);
    assert.equal(filesIn(join(here, 'in')).length, 6, 'what was sorted stays');
});

test('what is there is never replaced, be it a file, a folder or a link that leads nowhere', async () => {
    const here = place();
    for (const path of ['out', 'out/red', 'out/red/a.png', 'out/green'])
        mkdirSync(join(here, path));
    writeFileSync(join(here, 'out/red/a-2.png'), 'mine');
    symlinkSync('nowhere', join(here, 'out/green/b.png'));
    await sort(here);
    assert.deepEqual(readdirSync(join(here, 'out/red')).sort(), ['a-2.png', 'a-3.png', 'a-4.png', 'a.png']);
    assert.equal(readFileSync(join(here, 'out/red/a-2.png'), 'utf8'), 'mine');
    assert.deepEqual(readdirSync(join(here, 'out/green')).sort(), ['b-2.png', 'b.png']);
    assert.ok(!existsSync(join(here, 'out/green/nowhere')) && !existsSync(join(here, 'nowhere')));
});

test('--link makes hard links, of what a link leads to', async () => {
    const here = place();
    symlinkSync('../b.png', join(here, 'in/deep/d.png'));
    const result = await sort(here, '--link', '--json');
    assert.equal(noted(result.stderr), 'out: 5 linked, 1 there already');
    JSON.parse(result.stdout);
    for (const [copy, source] of [['red/a.png', 'a.png'], ['green/b.png', 'b.png'], ['green/d.png', 'b.png']])
        assert.equal(statSync(join(here, 'out', copy)).ino, statSync(join(here, 'in', source)).ino);
    assert.match((await sort(here, '--link')).stderr, /out: 0 linked, 6 there already/);
});

const other = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(folder()).dev;
test('--link makes symbolic links on another file system', { skip: other ? false : 'NOT TESTED: /dev/shm is no other file system' }, async () => {
    const here = place(), there = mkdtempSync('/dev/shm/eyelet-test-');
    try {
        for (let run = 0; run < 2; run++)
            await eyelet(['classify', 'm.eyelet', 'in', '--sort-into', there, '--link'], { cwd: here });
        assert.deepEqual(filesIn(there), sorted);
        assert.equal(readlinkSync(join(there, 'green/b.png')), join(here, 'in/b.png'));
    } finally {
        rmSync(there, { recursive: true });
    }
});

test('a folder within what is classified is refused, and nothing made', async () => {
    const here = place();
    symlinkSync('in', join(here, 'way'));
    for (const out of ['in/out', 'in', './in/../in/out/', 'way/out', join(here, 'in/deep')]) {
        refused(await eyelet(['classify', 'm.eyelet', 'm.eyelet', 'in/', '--sort-into', out], { cwd: here }), { subject: out, reason: /lies in in\/, which is classified/, hint: /elsewhere/ });
        assert.equal(filesIn(join(here, 'in')).length, 6);
        assert.ok(!existsSync(join(here, 'in/out')));
    }
    succeeded(await eyelet(['classify', 'm.eyelet', 'in/a.png', '--sort-into', 'in2'], { cwd: here }));
    refused(await eyelet(['classify', 'm.eyelet', 'in', '--sort-into', 'no/such/out'], { cwd: here }), { subject: 'no/such/out', reason: /cannot be made: No such file/ });
    refused(await eyelet(['classify', 'm.eyelet', 'in', '--sort-into', 'm.eyelet'], { cwd: here }), { subject: 'm.eyelet', reason: /cannot be made: (Not a directory|File exists)/ });
    refused(await eyelet(['classify', 'm.eyelet', 'in', '--link'], { cwd: here }), { status: 2, reason: /--link needs --sort-into/ });
});

const names = [[['../../up', 'a/b', '.'], ['_._.._up', 'a_b', '_']], [['a/b', 'a_b', '..'], ['a_b', 'a_b-2', '_.']], [['not sure', '.hidden', 'é'.repeat(120)], ['not sure-2', '_hidden', 'é'.repeat(99)]]];
for (const [labels, expected] of names)
    test(`labels become names of folders within the one that is named: ${labels.map((label) => label.slice(0, 9)).join(', ')}`, async () => {
        const here = folder({ 'm.eyelet': colourModel(labels), 'in/0.png': picture(red), 'in/1.png': picture(green), 'in/2.png': picture([0, 0, 250]) });
        succeeded(await sort(here));
        assert.deepEqual(expected.map((name, i) => existsSync(join(here, 'out', name, `${i}.png`))), [true, true, true], readdirSync(join(here, 'out')).join());
        assert.deepEqual(readdirSync(here).sort(), ['in', 'm.eyelet', 'out']);
        assert.equal(filesIn(join(here, 'out')).length, 3);
    });

test('a file that cannot be copied is named, the others are copied, and no half of it is left', async () => {
    const here = place();
    const noise = Uint8ClampedArray.from({ length: 4 * 64 * 64 }, (_, i) => i % 4 === 3 ? 255 : i % 4 === 0 ? 250 : (Math.imul(i * i + 7 * i, 2654435761) >>> 20) % 20);
    writeFileSync(join(here, 'in/large.png'), encodePng({ width: 64, height: 64, data: noise }));
    assert.ok(statSync(join(here, 'in/large.png')).size > 2048);
    rmSync(join(here, 'in/bad.png'));
    mkdirSync(join(here, 'out'));
    writeFileSync(join(here, 'out/copy.writing-1-0.part'), 'left by a program that was killed');
    const result = await eyeletUnder('ulimit -f 2', ['classify', 'm.eyelet', 'in', '--sort-into', 'out'], { cwd: here });
    assert.equal(result.status, 1);
    assert.match(result.stderr, /^eyelet: in\/large\.png: cannot be copied into out\/red: File too large$/m);
    assert.deepEqual(filesIn(join(here, 'out')), sorted);
    rmSync(join(here, 'out/green'), { recursive: true });
    writeFileSync(join(here, 'out/green'), 'a file');
    const blocked = await sort(here);
    assert.equal(blocked.status, 1);
    assert.match(blocked.stderr, /^eyelet: in\/b\.png: cannot be copied into out\/green: Not a directory$/m);
    assert.ok(existsSync(join(here, 'out/red/large.png')));
});
