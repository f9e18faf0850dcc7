/* More images than memory: decoded once into a file that is mapped, used again by the next run on them, never where it is stale, damaged or
 * half written; the same weights as from memory. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { asNobody, eyelet, eyeletAsNobody, eyeletUnder, folder, program, refused, start, succeeded } from '../support/program.js';
import { classes, logitsOf, modelFor, network, png } from '../support/small_sets.js';

const labels = ['blue', 'green', 'red'];
const page = 4096, size = 8 * 8 * 3;

/* A folder with a data set in `photos`: 20 pictures for each class, one of which cannot be read. */
const set = () => folder({ ...classes(labels, 20, { prefix: 'photos/' }), 'photos/red/bad.png': 'no picture' });
const options = ['train', 'photos', '--network', network, '--epochs', '2', '--batch', '8'];
const train = (here, more = [], settings = {}) => eyelet([...options, '-o', 'm.eyelet', '--restart', ...more], { cwd: here, ...settings });

/* The weights of a run's last epoch, without the notes, which hold the command. */
async function weightsOf(here, model = 'm.last.eyelet') {
    succeeded(await eyelet(['export', model, '--safetensors', '-o', 'weights'], { cwd: here }));
    const bytes = readFileSync(join(here, 'weights'));
    return bytes.subarray(8 + Number(bytes.readBigUInt64LE())).toString('hex');
}

const fromMemory = async (here, more = []) => {
    assert.doesNotMatch(succeeded(await train(here, more)).stderr, /^pixels: /m);
    return weightsOf(here);
};
const made = /^pixels: (.*) takes ([\d,]+) images of (\d+)x\3 pixels, ([\d,]+) MB: decoded once/m;
const usedAgain = /^pixels: (.*) has these images decoded: it is used again$/m;
const kept = (here, name = 'm.pixels') => statSync(join(here, name));
const parts = (here) => readdirSync(here).filter((name) => name.endsWith('.part'));

/* ---- The same weights ---- */

test('weights are those from memory, whatever the number of threads, and the file is used again', async () => {
    const here = set(), weights = await fromMemory(here);
    for (const threads of ['1', '2', '5']) {
        rmSync(join(here, 'm.pixels'), { force: true });
        const first = succeeded(await train(here, ['--memory', '0', '--threads', threads]));
        assert.deepEqual(first.stderr.match(made).slice(1), ['m.pixels', '61', '8', '1']);
        assert.equal(await weightsOf(here), weights);
        const { ino, mtimeMs, size: bytes } = kept(here);
        assert.equal(bytes, 3 * page + 61 * size, 'header and table, then the pixels');
        const again = succeeded(await train(here, ['--memory', '0', '--threads', threads]));
        assert.equal(again.stderr.match(usedAgain)?.[1], 'm.pixels', again.stderr);
        assert.doesNotMatch(again.stderr, made);
        assert.match(again.stderr, /bad\.png: left out: /);
        assert.equal(await weightsOf(here), weights);
        assert.deepEqual([kept(here).ino, kept(here).mtimeMs], [ino, mtimeMs], 'it was written again');
    }
});

test('another run finds the file that it names, and another split of the same images', async () => {
    const here = set();
    assert.match(succeeded(await train(here, ['--pixels', 'all.pixels'])).stderr, made);
    assert.ok(!existsSync(join(here, 'm.pixels')));
    for (const more of [['--test', '0.3'], ['--split-seed', '5', '--validation', '0.2'], ['--limit', '30'], ['--epochs', '1', '--flip', 'none']]) {
        const other = await fromMemory(here, more);
        assert.match(succeeded(await train(here, ['--pixels', 'all.pixels', ...more])).stderr, usedAgain);
        assert.equal(await weightsOf(here), other, more.join(' '));
    }
});

test('a run into a folder keeps the file in it, and its report is the same', async () => {
    const here = set(), into = ['--validation', '0.3', '-o', 'run/'];
    const reportOf = () => String(readFileSync(join(here, 'run/run.html'))).match(/"data_sha256": "\w+"|"url": "[^"]+"/g).join();
    succeeded(await train(here, into));
    const weights = await weightsOf(here, 'run/run.eyelet'), report = reportOf();
    assert.match(succeeded(await train(here, [...into, '--memory', '0'])).stderr, /^pixels: run\/run\.pixels takes/m);
    assert.equal(await weightsOf(here, 'run/run.eyelet'), weights);
    assert.equal(reportOf(), report);
});

test('probes and fine-tuning start from it, too', async () => {
    const here = set();
    succeeded(await train(here, ['-o', 'start.eyelet', '--seed', '3']));
    for (const more of [['--linear-probe'], ['--recipe', 'finetune', '--epochs', '2', '--validation', '0.3']]) {
        const words = ['train', 'photos', '--from', 'start.eyelet', '-o', 'm.eyelet', '--restart', ...more];
        succeeded(await eyelet(words, { cwd: here }));
        const weights = await weightsOf(here, 'm.eyelet');
        const result = succeeded(await eyelet([...words, '--pixels', 'm.pixels'], { cwd: here }));
        assert.match(result.stderr, more[0] === '--linear-probe' ? made : usedAgain);
        assert.equal(await weightsOf(here, 'm.eyelet'), weights, more[0]);
    }
});

test('a run that was interrupted in memory goes on from the file, and the other way round', async () => {
    const here = set(), long = ['--epochs', '40'];
    succeeded(await train(here, long));
    const weights = await weightsOf(here);
    for (const [before, after] of [[[], ['--memory', '0']], [['--memory', '0'], []], [['--memory', '0'], ['--memory', '0']]]) {
        const { child, result, seen } = start(program, [...options, ...long, '-o', 'm.eyelet', '--restart', ...before], { cwd: here });
        await seen(/^epoch +3\//m);
        child.kill('SIGINT');
        assert.equal((await result).status, 130);
        const resumed = succeeded(await eyelet([...options, ...long, '-o', 'm.eyelet', '--resume', ...after], { cwd: here }));
        assert.equal(/^pixels: /m.test(resumed.stderr), after.length > 0);
        assert.equal(await weightsOf(here), weights);
    }
});

test('evaluate and calibrate read what does not fit into memory from a file without a name', async () => {
    const here = set(), model = modelFor(labels);
    const scratch = folder(), env = { TMPDIR: scratch };
    assert.deepEqual(await logitsOf(model, join(here, 'photos'), 3, '--memory', '0'), await logitsOf(model, join(here, 'photos'), 3));
    succeeded(await eyelet(['evaluate', model, join(here, 'photos'), '--memory', '0'], { env }));
    assert.deepEqual(readdirSync(scratch), []);
});

/* ---- Stale files ---- */

const changes = {
    'another picture of the same length': (photos) => {
        const path = join(photos, 'red/3.png'), bytes = png(1003), old = statSync(path);
        writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(Math.max(0, old.size - bytes.length))]));
        utimesSync(path, old.atime, old.mtime); /* as `cp -p` leaves it */
    },
    'a longer file': (photos) => writeFileSync(join(photos, 'red/3.png'), Buffer.concat([png(1004), Buffer.alloc(9)])),
    'one more': (photos) => writeFileSync(join(photos, 'blue/new.png'), png(1005)),
    'one less': (photos) => rmSync(join(photos, 'green/7.png')),
    'one in another class': (photos) => renameSync(join(photos, 'green/7.png'), join(photos, 'blue/7b.png')),
    'one that can be read now': (photos) => writeFileSync(join(photos, 'red/bad.png'), png(1006)),
};

test('after a change of the images the file is made anew', async (t) => {
    for (const [name, change] of Object.entries(changes))
        await t.test(name, async () => {
            const here = set();
            assert.match(succeeded(await train(here, ['--memory', '0'])).stderr, made);
            change(join(here, 'photos'));
            const result = succeeded(await train(here, ['--memory', '0']));
            assert.match(result.stderr, /^eyelet: m\.pixels: is of other images, or of these before they changed: it is made anew$/m);
            assert.match(result.stderr, made);
            const weights = await weightsOf(here);
            assert.equal(weights, await fromMemory(here));
            assert.match(succeeded(await train(here, ['--memory', '0'])).stderr, usedAgain);
        });
});

test('another size, resize mode or background takes another file', async () => {
    const here = set(), wide = join(folder({ n: 'input 12x12x3\nflatten\ndense classes softmax\n' }), 'n');
    succeeded(await train(here, ['--memory', '0']));
    for (const more of [['--resize', 'pad'], ['--resize', 'pad', '--background', '102030'], ['--network', wide]])
        assert.match(succeeded(await train(here, ['--memory', '0', ...more])).stderr, /is of other images.*: it is made anew\n(.*\n)*pixels: m\.pixels takes/);
    assert.equal(await weightsOf(here), await fromMemory(here, ['--network', wide]));
});

/* ---- Damaged files, and those of others ---- */

test('a damaged file is named and made anew', async () => {
    const here = set(), path = join(here, 'm.pixels');
    succeeded(await train(here, ['--memory', '0']));
    const good = readFileSync(path), weights = await weightsOf(here);
    const flipped = (at, bit = 1) => {
        const bytes = Buffer.from(good);
        bytes[at] ^= bit;
        return bytes;
    };
    const damaged = [9, 13, 25, 57, 61, 64, 90, 64 + 136 * 60 + 130].map((at) => flipped(at))
        .concat([3 * page, 3 * page + size * 30 + 77, good.length - 1 - size].map((at) => flipped(at, 128)),
            [8, 63, 64, 1000, 3 * page, good.length - 1].map((length) => good.subarray(0, length)), [Buffer.concat([good, Buffer.alloc(1)])]);
    for (const bytes of damaged) {
        writeFileSync(path, bytes);
        const result = succeeded(await train(here, ['--memory', '0']));
        assert.match(result.stderr, /^eyelet: m\.pixels: is damaged: it is made anew$/m);
        assert.match(result.stderr, made);
        assert.equal(await weightsOf(here), weights);
        assert.ok(readFileSync(path).equals(good), 'the new file is the old one');
    }
});

test('a file that is no file of pixels is not replaced', async () => {
    const here = set();
    for (const [name, content] of [['notes.txt', 'mine'], ['empty', ''], ['photos/red/1.png', png(1)]]) {
        writeFileSync(join(here, name), content);
        refused(await train(here, ['--pixels', name]), { subject: name, reason: /no file of decoded images|cannot be read: is empty/, hint: /--pixels/ });
        assert.ok(readFileSync(join(here, name)).equals(Buffer.from(content)));
    }
    refused(await train(here, ['--pixels', 'photos']), { subject: 'photos', reason: /is no regular file/ });
    refused(last(await train(here, ['--pixels', 'nowhere/m.pixels'])), { subject: 'nowhere/m.pixels', reason: /cannot be written: No such file/ });
});

test('through a symbolic link its target is written', async () => {
    const here = set(), elsewhere = join(folder(), 'p');
    symlinkSync(elsewhere, join(here, 'm.pixels'));
    assert.match(succeeded(await train(here, ['--memory', '0'])).stderr, made);
    assert.ok(existsSync(elsewhere));
    assert.match(succeeded(await train(here, ['--memory', '0', '--remove-pixels'])).stderr, usedAgain);
    assert.ok(!existsSync(elsewhere));
});

/* ---- Removal ---- */

test('--remove-pixels removes the file of a run that is complete', async () => {
    const here = set();
    assert.match(succeeded(await train(here, ['--memory', '0', '--remove-pixels'])).stderr, /^pixels: m\.pixels is removed$/m);
    assert.deepEqual(readdirSync(here).filter((name) => name.includes('pixels')), []);
    writeFileSync(join(here, 'm.pixels'), 'mine');
    succeeded(await train(here, ['--remove-pixels']));
    assert.ok(existsSync(join(here, 'm.pixels')), 'what is no such file stays');
    rmSync(join(here, 'm.pixels'));
    const { child, result, seen } = start(program, [...options, '--epochs', '10000', '-o', 'm.eyelet', '--restart', '--memory', '0', '--remove-pixels'], { cwd: here });
    await seen(/^epoch +3\//m);
    child.kill('SIGINT');
    assert.equal((await result).status, 130);
    assert.ok(existsSync(join(here, 'm.pixels')), '--resume goes on from it');
});

/* ---- Failures ---- */

/* The last lines say what failed. */
const last = (result) => ({ ...result, stderr: result.stderr.split('\n').filter((line) => !/^pixels: |: left out: /.test(line)).join('\n') });

test('a disk that is full, and a folder that cannot be written to, are named, and nothing is left', async () => {
    const here = set();
    const result = await eyeletUnder('ulimit -f 16', [...options, '-o', 'm.eyelet', '--memory', '0'], { cwd: here });
    refused(last(result), { subject: 'm.pixels', reason: /no room for 1 MB: File too large/, hint: /another disk/ });
    assert.deepEqual(readdirSync(here), ['photos']);
    refused(last(await train(here, ['--pixels', '/dev/full'])), { subject: '/dev/full', reason: /is no regular file/ });
});

/* A disk of one megabyte, for what `command` does in the folder "small". */
const onSmallDisk = (command) => ['-rm', 'sh', '-c', `mount -t tmpfs -o size=1m none small && ${command}`];
const smallDisks = { skip: spawnSync('unshare', onSmallDisk('true'), { cwd: folder({ 'small/x': '' }) }).status === 0 ? false : 'NOT TESTED: unshare cannot mount a small disk here' };

test('a disk without room for the file is named with what it has and what is needed', smallDisks, async () => {
    const here = folder({ ...classes(labels, 20, { prefix: 'photos/' }), 'small/x': '', 'wide.txt': 'input 96x96x3\nflatten\ndense classes softmax\n' });
    const words = `"${program}" train photos -o m.eyelet --network wide.txt --epochs 1 --pixels small/p`;
    const result = await start('unshare', onSmallDisk(`${words}; status=$?; ls -A small; exit $status`), { cwd: here }).result;
    refused(last(result), { subject: 'small/p', reason: /^2 MB are needed, and its disk has 1 MB left$/, hint: /another disk/ });
    assert.doesNotMatch(result.stdout, /^p/m, 'nothing is left there');
    const all = await start('unshare', onSmallDisk(`head -c 1048576 /dev/zero > small/full; ${words} --size 8`), { cwd: here }).result;
    refused(last(all), { subject: 'small/p', reason: /^1 MB are needed, and its disk has 0 MB left$|No space left on device/ });
});

test('a folder that cannot be written to is named', asNobody, async () => {
    const here = set(), out = folder();
    const result = await eyeletAsNobody([...options, '--find-learning-rate', '--pixels', join(out, 'p')], { cwd: here });
    refused(last(result), { subject: join(out, 'p'), reason: /cannot be written: Permission denied/, hint: /another disk/ });
});

test('killed while it decodes, a run leaves nothing that the next one trusts', async () => {
    const here = folder(classes(labels, 400, { prefix: 'photos/' })), weights = await fromMemory(here);
    let killed = 0;
    for (let i = 0; i < 5; i++) {
        rmSync(join(here, 'm.pixels'), { force: true });
        const { child, result } = start(program, [...options, '-o', 'm.eyelet', '--restart', '--memory', '0', '--threads', '1'], { cwd: here });
        let over = false;
        result.then(() => (over = true));
        while (!parts(here).some((name) => name.startsWith('m.pixels')) && !over)
            await new Promise((done) => setTimeout(done, 1));
        await new Promise((done) => setTimeout(done, 15 * i));
        child.kill('SIGKILL');
        await result;
        killed += !existsSync(join(here, 'm.pixels')) && parts(here).length > 0;
        const next = succeeded(await train(here, ['--memory', '0']));
        assert.equal(made.test(next.stderr), !usedAgain.test(next.stderr));
        assert.equal(await weightsOf(here), weights);
        assert.deepEqual(parts(here), []);
    }
    assert.ok(killed, 'no kill came while it decoded');
});

test('a file that is cut short while it is mapped ends the run with a line, and --resume goes on', async () => {
    const here = set(), long = [...options, '-o', 'm.eyelet', '--memory', '0', '--epochs', '100000'];
    const { result, seen } = start(program, long, { cwd: here });
    await seen(/^epoch +3\//m);
    truncateSync(join(here, 'm.pixels'), page);
    refused(last(await result), { subject: 'm.pixels', reason: /^cannot be read any more: it was cut short, or its disk fails$/, hint: /--resume/ });
    const resumed = start(program, [...long, '--resume'], { cwd: here });
    await resumed.seen(/^epoch /m);
    resumed.child.kill('SIGINT');
    const { status, stderr } = await resumed.result;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /is damaged: it is made anew\n(.*\n)*resuming from m\.checkpoint/);
});
