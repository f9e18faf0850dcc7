/* What is written, and over what: links, devices, FIFOs and modes are respected, and a write that fails leaves what was there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, eyeletUnder, fifo, folder, nothingLeftOver, program, refused, start, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const model = tinyModel();
const export_ = (cwd, output, options) => eyelet(['export', 'm.eyelet', '--onnx', '-o', output], { cwd, ...options });
const plain = folder({ 'm.eyelet': model });
succeeded(await export_(plain, 'm.onnx'));
const onnx = readFileSync(join(plain, 'm.onnx'));
const asRoot = { skip: process.getuid() === 0 ? false : 'NOT TESTED: this needs root' };

test('through a symbolic link what it leads to is written, and the link stays', async () => {
    const here = folder({ 'm.eyelet': model, 'far/old.onnx': 'old' });
    symlinkSync('far/old.onnx', join(here, 'link'));
    symlinkSync('link', join(here, 'link to link'));
    symlinkSync(join(here, 'far/new.onnx'), join(here, 'dangling'));
    for (const [name, target, leadsTo] of [['link', 'far/old.onnx', 'far/old.onnx'], ['link to link', 'far/old.onnx', 'link'],
        ['dangling', 'far/new.onnx', join(here, 'far/new.onnx')]]) {
        writeFileSync(join(here, 'far/old.onnx'), 'old');
        succeeded(await export_(here, name));
        assert.equal(readlinkSync(join(here, name)), leadsTo);
        assert.ok(lstatSync(join(here, target)).isFile());
        assert.deepEqual(readFileSync(join(here, target)), onnx, name);
    }
    assert.deepEqual(readdirSync(join(here, 'far')).sort(), ['new.onnx', 'old.onnx']);
    symlinkSync('round', join(here, 'round'));
    refused(await export_(here, 'round'), { subject: 'round', reason: /symbolic links/ });
});

test('a device, a FIFO and standard output are written as they are', async () => {
    const here = folder({ 'm.eyelet': model }), shell = (script) => start('bash', ['-c', script, program], { cwd: here }).result;
    succeeded(await export_(here, '/dev/null'));
    assert.ok(lstatSync('/dev/null').isCharacterDevice());
    fifo(join(here, 'fifo'));
    succeeded(await shell('cat fifo > through & "$0" export m.eyelet --onnx -o fifo; wait'));
    assert.deepEqual(readFileSync(join(here, 'through')), onnx);
    assert.ok(lstatSync(join(here, 'fifo')).isFIFO());

    /* What the command prints besides goes to standard error then, and a file that is appended to keeps its beginning. */
    for (const [script, before] of [['"$0" export m.eyelet --onnx -o /dev/stdout | cat > out', ''], ['"$0" export m.eyelet --onnx -o /dev/stdout > out', ''],
        ['echo before > out; "$0" export m.eyelet --onnx -o /dev/stdout >> out', 'before\n']]) {
        const { stderr } = succeeded(await shell(script));
        assert.match(stderr, /^format +ONNX/);
        assert.deepEqual(readFileSync(join(here, 'out')), Buffer.concat([Buffer.from(before), onnx]), script);
    }
    assert.ok(lstatSync('/dev/stdout').isSymbolicLink());
});

test('a device that takes nothing is named', { skip: existsSync('/dev/full') ? false : 'NOT TESTED: there is no /dev/full here' }, async () => {
    refused(await export_(plain, '/dev/full'), { subject: '/dev/full', reason: /cannot be written: No space left/ });
    assert.ok(lstatSync('/dev/full').isCharacterDevice());
});

test('no other file is taken for the temporary one, and what a killed program left is removed', async () => {
    const own = { 'm.onnx.part': 'mine', 'm.onnx.writing-mine.part': 'mine', 'm.onnx.writing-1': 'mine' };
    const here = folder({ 'm.eyelet': model, ...own, 'm.onnx.writing-4000000-0.part': 'half', 'other.onnx.writing-4000000-0.part': 'half' });
    linkSync(join(here, 'm.onnx.part'), join(here, 'a second name'));
    succeeded(await export_(here, 'm.onnx'));
    for (const [name, text] of Object.entries(own))
        assert.equal(readFileSync(join(here, name), 'utf8'), text);
    assert.deepEqual(readdirSync(here).filter((name) => /writing-\d+-\d/.test(name)), ['other.onnx.writing-4000000-0.part']);
    assert.deepEqual(readFileSync(join(here, 'm.onnx')), onnx);
});

test('a file that another program is writing at the same time is left to it', async () => {
    const here = folder({ 'm.eyelet': model }), unfinished = join(here, 'm.onnx.writing-4000000-0.part');
    const { child, seen, result } = start('bash', ['-c', 'exec 9> "$0"; flock 9; echo locked; exec sleep 60', unfinished]);
    await seen(/locked/);
    succeeded(await export_(here, 'm.onnx'));
    assert.ok(existsSync(unfinished));
    child.kill();
    await result;
});

test('a file keeps its mode, and a new one has that of the umask', async () => {
    const here = folder({ 'm.eyelet': model });
    for (const mode of [0o600, 0o640, 0o664, 0o444]) {
        writeFileSync(join(here, 'm.onnx'), 'old');
        chmodSync(join(here, 'm.onnx'), mode);
        succeeded(await export_(here, 'm.onnx'));
        assert.equal(statSync(join(here, 'm.onnx')).mode & 0o7777, mode);
        assert.deepEqual(readFileSync(join(here, 'm.onnx')), onnx);
    }
    succeeded(await eyeletUnder('umask 027', ['export', 'm.eyelet', '--onnx', '-o', 'new.onnx'], { cwd: here }));
    assert.equal(statSync(join(here, 'new.onnx')).mode & 0o7777, 0o640);
});

test('a file keeps its owner', asRoot, async () => {
    const here = folder({ 'm.eyelet': model, 'm.onnx': 'old' });
    chownSync(join(here, 'm.onnx'), 12345, 23456);
    chmodSync(join(here, 'm.onnx'), 0o640);
    succeeded(await export_(here, 'm.onnx'));
    const { uid, gid, mode } = statSync(join(here, 'm.onnx'));
    assert.deepEqual([uid, gid, mode & 0o7777], [12345, 23456, 0o640]);
});

const oldStays = async (here, result, reason) => {
    refused(result, { subject: 'm.onnx', reason, hint: /unchanged/ });
    assert.equal(readFileSync(join(here, 'm.onnx'), 'utf8'), 'old');
    nothingLeftOver(here);
};

test('a limit on the size of files is told, and the old file is whole', async () => {
    const here = folder({ 'm.eyelet': tinyModel({ notes: `name: ${'long '.repeat(3000)}\n` }), 'm.onnx': 'old' });
    await oldStays(here, await eyeletUnder('ulimit -f 1', ['export', 'm.eyelet', '--html', '-o', 'm.onnx'], { cwd: here }), /File too large/);
});

test('a full disk is told, and the old file is whole', asRoot, async (t) => {
    const here = folder({ 'disk/.keep': '' }), disk = join(here, 'disk');
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0)
        return t.skip('NOT TESTED: nothing can be mounted here');
    try {
        writeFileSync(join(disk, 'm.eyelet'), model);
        writeFileSync(join(disk, 'm.onnx'), 'old');
        await oldStays(disk, await eyelet(['export', 'm.eyelet', '--html', '-o', 'm.onnx'], { cwd: disk }), /No space left/);
    } finally {
        spawnSync('umount', [disk]);
    }
});

test('a folder that takes no files is told, and the old file is whole', async () => {
    const here = folder({ 'm.eyelet': model, 'closed/m.eyelet': model, 'closed/m.onnx': 'old' }), closed = join(here, 'closed');
    chmodSync(closed, 0o555);
    const words = ['export', 'm.eyelet', '--onnx', '-o', 'm.onnx'];
    const result = process.getuid() === 0 ? await start('setpriv', ['--reuid', '65534', '--clear-groups', program, ...words], { cwd: closed }).result
        : await eyelet(words, { cwd: closed });
    await oldStays(closed, result, /Permission denied/);
    chmodSync(closed, 0o755);
});

test('a name that is too long, a folder and a missing folder are told', async () => {
    const here = folder({ 'm.eyelet': model }), long = 'm'.repeat(256), longest = 'm'.repeat(255);
    mkdirSync(join(here, 'taken'));
    for (const [output, reason] of [[long, /File name too long/], ['taken', /is a folder/], ['missing/m.onnx', /No such file/], ['m.eyelet/m.onnx', /Not a directory/]])
        refused(await export_(here, output), { subject: output, reason });
    succeeded(await export_(here, longest));
    assert.deepEqual(readFileSync(join(here, longest)), onnx);
    assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'taken', longest].sort());
});

test('a pipe that nobody reads and streams that are closed are told, and no file is mistaken for one', async () => {
    const here = folder({ 'm.eyelet': model }), told = { subject: 'standard output' };
    const shell = (script) => start('bash', ['-c', script, program], { cwd: here }).result;
    refused(await shell('{ sleep 0.3; "$0" summary m.eyelet --json; } | true; exit ${PIPESTATUS[0]}'), { ...told, reason: /not everything could be written: Broken pipe/ });
    refused(await shell('"$0" summary m.eyelet >&-'), { ...told, reason: /Bad file descriptor/ });
    refused(await shell('"$0" export m.eyelet --onnx -o m.onnx >&- <&-'), { ...told, reason: /Bad file descriptor/ });
    assert.deepEqual(readFileSync(join(here, 'm.onnx')), onnx);
    succeeded(await shell('"$0" export m.eyelet --onnx -o again.onnx 2>&-'));
    assert.deepEqual(readFileSync(join(here, 'again.onnx')), onnx);
});
