/* What the tests of the command line share: the program, temporary folders, a made-up CIFAR-10.
 *
 *     const result = await eyelet(['summary', 'tutorial']);           // { status, signal, stdout, stderr }
 *     refused(await eyelet(['summary', 'nothing']), { subject: 'nothing', reason: /no such preset/ });
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const program = resolve(process.env.EYELET ?? join(root, 'build/eyelet'));
assert.ok(existsSync(program), `${program} is missing: run \`make native\`, or name the program in EYELET`);

/* Test files run at the same time: threads that wait for each other must not keep the processors busy meanwhile. */
process.env.OMP_WAIT_POLICY ??= 'passive';

/* Data is looked for in $EYELET_DATA, then in data/, then in ../shared/data/; undefined where it is nowhere. */
const dataFolders = [process.env.EYELET_DATA, join(root, 'data'), join(root, '../shared/data')].filter(Boolean);
const folderWith = (file) => dataFolders.find((folder) => existsSync(join(folder, file)));

/* The folder that holds cifar-10-batches-bin, or is it. */
export const realData = folderWith('cifar-10-batches-bin/test_batch.bin') ?? folderWith('test_batch.bin');

/* The data set of this name, a folder with classes in train and test. */
export function photoSet(name) {
    const found = folderWith(join(name, 'train'));
    return found && join(found, name);
}

/* A file or folder there, such as backbones/teachable-machine; undefined where it is nowhere. */
export function dataFile(name) {
    const found = folderWith(name);
    return found && join(found, name);
}

/* A folder of this file's own, that another user may look into; removed at the end. */
export const scratch = mkdtempSync(join(tmpdir(), 'eyelet-test-'));
chmodSync(scratch, 0o755);
after(() => rmSync(scratch, { recursive: true, force: true }));

let folders = 0;
/* A new folder of files, in folders as their names say. */
export function folder(files = {}) {
    const path = join(scratch, `${++folders}`);
    mkdirSync(path);
    for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), content);
    }
    return path;
}

export function fifo(path) {
    assert.equal(spawnSync('mkfifo', [path]).status, 0);
    return path;
}

const longestRun = 120_000; /* what takes longer hangs */

/* Starts a program. `result` is a promise; `seen(pattern)` one that waits for a text on standard output. */
export function start(command, argumentList, { cwd = scratch, env = {}, stdout = 'pipe' } = {}) {
    const { EYELET_DATA, ...inherited } = process.env; /* a test names its own data, and the models that are at hand */
    const child = spawn(command, argumentList, { cwd, env: { ...inherited, EYELET_BACKBONES: '', ...env }, stdio: ['ignore', stdout, 'pipe'] });
    const output = { stdout: '', stderr: '' };
    const watchers = [];
    for (const name of ['stdout', 'stderr'])
        child[name]?.setEncoding('utf8').on('data', (text) => {
            output[name] += text;
            watchers.forEach((watch) => watch());
        });
    const timer = setTimeout(() => child.kill('SIGKILL'), longestRun);
    const result = new Promise((done, failed) => {
        child.on('error', failed);
        child.on('close', (status, signal) => {
            clearTimeout(timer);
            done({ status, signal, ...output });
            watchers.forEach((watch) => watch());
        });
    });
    const seen = (pattern) => new Promise((done, failed) => {
        const watch = () => {
            if (pattern.test(output.stdout))
                done();
            else if (child.exitCode !== null || child.signalCode !== null)
                failed(new Error(`ended before ${pattern} was seen: ${output.stdout}${output.stderr}`));
        };
        watchers.push(watch);
        watch();
    });
    return { child, result, seen };
}

export function eyelet(argumentList, options) {
    return start(program, argumentList, options).result;
}

/* As under a limit of the shell, like `ulimit -f 64`. */
export function eyeletUnder(limits, argumentList, options) {
    return start('bash', ['-c', `${limits}; exec "$0" "$@"`, program, ...argumentList], options).result;
}

const giveUpRights = [['setpriv', '--reuid=65534', '--clear-groups'], ['setpriv', '--no-new-privs']] /* root may read and write anywhere */
    .find((command, i) => (process.getuid() === 0) === (i === 0) && spawnSync(command[0], [...command.slice(1), 'true']).status === 0);

/* For a test of what a user may not do. */
export const asNobody = { skip: giveUpRights ? false : 'NOT TESTED: setpriv cannot give up the rights of this user' };

export function eyeletAsNobody(argumentList, options) {
    const copy = join(folder(), 'eyelet'); /* the other user may not reach the original */
    copyFileSync(program, copy);
    chmodSync(copy, 0o755);
    return start(giveUpRights[0], [...giveUpRights.slice(1), copy, ...argumentList], options).result;
}

/* For a test that needs `ulimit -v`, which not every system has and no program with address checks lives under. */
export const underMemoryLimit = {
    skip: spawnSync('bash', ['-c', 'ulimit -v 900000; exec "$0" --help', program]).status === 0 ? false
        : 'NOT TESTED: this program does not start under ulimit -v',
};

export function succeeded(result) {
    assert.equal(result.signal, null, result.stderr);
    assert.equal(result.status, 0, result.stderr);
    return result;
}

/* The program said no: with this status, in one line of this subject (a file, or nothing) and this reason, and at most
 * one hint. What it says about the data that it read comes before. */
export function refused(result, { status = 1, subject = '', reason, hint }) {
    const lines = result.stderr.split('\n').filter((line) => !/^(data|pixels): /.test(line));
    const context = `status ${result.status}, signal ${result.signal}, said:\n${result.stderr}`;
    assert.equal(result.signal, null, context);
    assert.equal(result.status, status, context);
    assert.equal(lines.pop(), '', `the last line does not end: ${context}`);
    assert.ok(lines.length === 1 || (lines.length === 2 && lines[1].startsWith('        ')), `not one line and a hint: ${context}`);
    const start = subject ? `eyelet: ${subject}: ` : 'eyelet: ';
    assert.ok(lines[0].startsWith(start), `does not name ${JSON.stringify(subject)}: ${context}`);
    assert.match(lines[0].slice(start.length), reason, context);
    assert.match(result.stderr, /^[^\x00-\x09\x0b-\x1f\x7f]*$/, 'control characters reached the terminal');
    if (hint)
        assert.match(lines[1] ?? '', hint, context);
}

/* ---- A data set in the layout of CIFAR-10, made here ---- */

export const recordBytes = 3073, records = 10_000, fileBytes = recordBytes * records;
export const dataFiles = ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin', 'test_batch.bin'];
export const classNames = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/* 10,000 records, class after class; every class has a pattern of its own, and `noise` up to 255 is laid over it. */
export function makeRecords(noise) {
    const bytes = Buffer.alloc(fileBytes);
    let state = 1;
    for (let record = 0, at = 0; record < records; record++) {
        const label = record % 10;
        bytes[at++] = label;
        for (let i = 0; i < 3072; i++) {
            const pattern = 128 + 60 * ((i >> label % 5 + 1 & 1) ^ (i >> 10) % 2) - 6 * label;
            state = Math.imul(state, 1664525) + 1013904223 | 0;
            bytes[at++] = noise ? Math.max(0, Math.min(255, pattern + ((state >>> 24) - 128) * noise / 255)) : pattern;
        }
    }
    return bytes;
}

/* A folder with the six files. They are one file under six names, so that this is quick. */
export function makeData(bytes) {
    const path = folder({ 'records.bin': bytes, 'batches.meta.txt': classNames.join('\n') + '\n' });
    for (const name of dataFiles)
        symlinkSync('records.bin', join(path, name));
    return path;
}

/* A copy of such a folder by symbolic links, with some files in other words; null leaves one out. */
export function dataWith(data, changes) {
    const path = folder();
    for (const name of [...dataFiles, 'batches.meta.txt'])
        if (!(name in changes))
            symlinkSync(join(data, name), join(path, name));
        else if (changes[name] !== null)
            writeFileSync(join(path, name), changes[name]);
    return path;
}

/* No temporary file of a write that failed (NAME.part) is left. */
export function nothingLeftOver(path) {
    assert.deepEqual(readdirSync(path).filter((name) => name.endsWith('.part')), []);
}
