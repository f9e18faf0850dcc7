/* Several ranks (`make MPI=1 test-mpi`): however many there are, with however many threads, a run ends in the same files,
 * bit for bit. A rank that differs, fails or is killed is named, and takes no checkpoint with it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { dataFiles, dataWith, eyelet, folder, makeData, makeRecords, program, recordBytes, start, succeeded } from '../support/program.js';
import { encodePng, gradient } from '../support/pictures.js';

const { EYELET_MPI: ranked, EYELET_MPI_OTHERS: others = '' } = process.env;
const mpirun = spawnSync('mpirun', ['--version'], { encoding: 'utf8' });
const skip = !ranked ? 'NOT TESTED: there is no program of make MPI=1' : mpirun.status !== 0 ? 'NOT TESTED: mpirun is not there' : false;
const only = { skip };
/* A program for other processors, as build/x86-64-v3/eyelet-ompi-c. */
const other = (variant) => others.split(' ').find((path) => path.includes(`/${variant}/`) && existsSync(path));

const openmpi = /Open MPI/.test(mpirun.stdout);
const env = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1', OMPI_MCA_btl: 'self,vader,tcp' };
const launcher = openmpi ? ['--oversubscribe'] : [];

/* Each group of ranks: how many, then the command. */
const groupsOf = (groups) => groups.flatMap(([count, ...command], i) => [...(i ? [':'] : []), '-n', `${count}`, ...command]);
const startRanks = (cwd, groups, threads = 1) =>
    start('mpirun', [...launcher, ...groupsOf(groups)], { cwd, env: { ...env, OMP_NUM_THREADS: `${threads}`, OMP_WAIT_POLICY: 'passive' } });
const ranks = (cwd, groups, threads) => startRanks(cwd, groups, threads).result;

const noise = makeRecords(200), data = makeData(noise);
const network = join(folder({ 'rich.txt': `maxpool 4
a: conv2d 6 3x3 same nobias batchnorm relu
conv2d 6 3x3 same batchnorm
add a relu
dropout 0.3
flatten
batchnorm
dense 16 batchnorm tanh
dense classes softmax
` }), 'rich.txt');
const command = ['train', '-o', 'm.eyelet', '--network', network, '--data', data, '--limit', '600', '--batch', '60', '--micro-batch', '4',
    '--precise-batchnorm', '90', '--ema', '0.9', '--mixup', '0.3', '--cutout', '5', '--patience', '2'];
const short = [...command, '--epochs', '3', '--optimizer', 'muon', '--learning-rate', '0.02', '--bias-learning-rate', '0.05', '--dense-learning-rate', '0.05', '--warmup', '0'];

const read = (here, name) => readFileSync(join(here, name)).toString('latin1');
const log = (here) => read(here, 'm.csv').replace(/,[^,]*$/gm, '');
const linesOf = ({ stdout }) => stdout.replace(/seed.*|\d+\.\d s {2}[\d,]+ images\/s/g, '');

function alike(here, straight) {
    for (const name of ['m.eyelet', 'm.last.eyelet', 'm.checkpoint'])
        assert.equal(read(here, name), read(straight, name), name);
    assert.equal(log(here), log(straight));
}

/* What rank 1 says, or rank 0 of it, in the one line that is the program's. */
function named(result, rank, reason) {
    const lines = result.stderr.split('\n').filter((line) => line.startsWith('eyelet: '));
    assert.notEqual(result.status, 0, result.stderr);
    assert.equal(lines.length, 1, result.stderr);
    assert.ok(lines[0].startsWith(`eyelet: rank ${rank} on ${hostname()}: `), lines[0]);
    assert.match(lines[0], reason);
    assert.doesNotMatch(result.stderr, /MPI_ABORT/);
}

const straight = folder();
const alone = skip ? null : succeeded(await eyelet(short, { cwd: straight, env: { OMP_NUM_THREADS: '2' } }));

for (const [count, threads] of [[1, 1], [2, 1], [3, 2]])
    test(`${count} ranks of ${threads} threads end in the same files`, only, async () => {
        const here = folder();
        const result = succeeded(await ranks(here, [[count, ranked, ...short]], threads));
        alike(here, straight);
        assert.equal(linesOf(result), linesOf(alone));
        assert.match(result.stdout, count > 1 ? new RegExp(`, ${count} ranks of ${threads} thread`) : /, 1 thread,/);
    });

test('more ranks than shards, and other numbers of lanes', only, async () => {
    const few = ['train', '-o', 'm.eyelet', '--network', network, '--data', data, '--limit', '60', '--batch', '8', '--micro-batch', '4', '--epochs', '1', '--warmup', '0'];
    for (const more of [[], ['--batch', '60', '--lanes', '13']]) {
        const here = folder(), there = folder();
        succeeded(await eyelet([...few, ...more], { cwd: there }));
        succeeded(await ranks(here, [[3, ranked, ...few, ...more]]));
        alike(here, there);
    }
    const refused = await ranks(folder(), [[3, ranked, ...few, '--lanes', '2']]);
    assert.notEqual(refused.status, 0);
    assert.equal(refused.stderr.match(/a step has 2 lanes, and there are 3 ranks to share them/g)?.length, 1, refused.stderr);
});

test('pretraining compares the views of all ranks', only, async () => {
    const words = ['pretrain', data, '-o', 'm.eyelet', '--network', network, '--limit', '200', '--epochs', '2', '--batch', '64', '--micro-batch', '5', '--projector', '16', '--warmup', '0'];
    const here = folder(), there = folder();
    succeeded(await eyelet(words, { cwd: there }));
    succeeded(await ranks(here, [[3, ranked, ...words]]));
    alike(here, there);
});

test('so do a teacher\'s scores, and the head and the layers of a start', only, async () => {
    const start = join(straight, 'm.eyelet'), some = ['train', '-o', 'm.eyelet', '--data', data, '--limit', '300', '--batch', '40', '--micro-batch', '4', '--epochs', '2'];
    for (const more of [['--network', network, '--teacher', start, '--warmup', '0'], ['--from', start, '--recipe', 'finetune']]) {
        const here = folder(), there = folder();
        succeeded(await eyelet([...some, ...more], { cwd: there }));
        succeeded(await ranks(here, [[3, ranked, ...some, ...more]]));
        alike(here, there);
    }
});

/* The first word of a command whose ranks write their process numbers. */
const telling = ['bash', '-c', 'echo $$ > pid.${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; exec "$0" "$@"'];

test('a killed rank ends the run with its name; other numbers of ranks resume it to the same files', only, async () => {
    const long = [...command, '--epochs', '12', '--batch', '20', '--patience', '0'];
    const there = folder(), here = folder();
    succeeded(await eyelet(long, { cwd: there }));
    const { result, seen } = startRanks(here, [[2, ...telling, ranked, ...long]]);
    await seen(/^epoch +2\//m);
    process.kill(Number(read(here, 'pid.1')), 'SIGKILL');
    const ended = await result;
    assert.notEqual(ended.status, 0);
    assert.match(ended.stdout + ended.stderr, openmpi ? /rank 1 with PID \d+ on node \S+ exited on signal 9/ : /EXIT CODE: 9/);
    const resumed = succeeded(await ranks(here, [[3, ranked, ...long, '--resume']]));
    assert.match(resumed.stderr, /resuming from m\.checkpoint(\.old)?: epoch \d/);
    alike(here, there);
});

test('what all ranks refuse is said once', only, async () => {
    const here = folder();
    for (const [words, reason] of [[[...short, '--epochs', 'many'], /--epochs takes/], [['summary', 'photos'], /is for one process, and there are 2 ranks/]]) {
        const result = await ranks(here, [[2, ranked, ...words]]);
        assert.notEqual(result.status, 0);
        assert.equal(result.stderr.match(reason)?.length, 1, result.stderr);
        assert.equal(result.stderr.split('\n').filter((line) => line.startsWith('eyelet: ')).length, 1, result.stderr);
    }
});

test('a rank that differs is named before the first step', only, async () => {
    const changed = Buffer.from(noise);
    changed[recordBytes * 7 + 5] ^= 1;
    const here = folder(), wrong = dataWith(data, { 'data_batch_1.bin': changed }), none = dataWith(data, { 'data_batch_3.bin': null });
    const with2 = (...more) => ranks(here, [[1, ranked, ...short], [1, ranked, ...short, ...more]]);
    named(await with2('--batch', '50'), 1, /was given other options: "--batch=50", and rank 0 "--batch=60"/);
    named(await with2('--data', wrong), 1, /: has other data: data_batch_1\.bin has another content, [0-9a-f]{16}, and on rank 0 [0-9a-f]{16}$/);
    named(await with2('--data', none), 1, /data_batch_3\.bin/);
    for (const name of dataFiles)
        assert.ok(!existsSync(join(here, name)));
    assert.ok(!existsSync(join(here, 'm.eyelet')) && !existsSync(join(here, 'm.checkpoint')), 'nothing was written');
});

/* Photos of three classes of noise, two of which are the same and one is damaged. */
function makePhotos() {
    const files = { 'a/broken.png': 'no PNG' };
    for (let i = 0; i < 45; i++) {
        const { data: pixels } = gradient(24, 24), label = i % 3;
        pixels.forEach((value, k) => { if (k % 4 < 3) pixels[k] = value * (k % 4 === label ? 1 : 0.4) + (k * 31 + i * i * 17) % 90; });
        files[`${'abc'[label]}/${i}.png`] = encodePng({ data: pixels, width: 24, height: 24 });
    }
    files['b/again.png'] = files['a/0.png'];
    return folder(files);
}
const photos = skip ? null : makePhotos();
const onPhotos = ['train', photos, '-o', 'm.eyelet', '--from', 'none', '--network', network, '--size', '24', '--epochs', '2', '--batch', '12', '--micro-batch', '4', '--warmup', '0', '--validation', '0.2'];

test('photos that ranks have decoded for each other are those that one process decodes, in memory and in files', only, async () => {
    for (const [counts, ...more] of [[[2, 3]], [[3], '--pixels', 'all.pixels']]) {
        const there = folder();
        const one = succeeded(await eyelet([...onPhotos, ...more], { cwd: there }));
        assert.match(one.stderr, /a\/broken\.png: left out: /);
        for (const count of counts) {
            const here = folder();
            const result = succeeded(await ranks(here, [[count, ranked, ...onPhotos, ...more]]));
            alike(here, there);
            assert.equal(result.stderr, one.stderr);
            if (!more.length)
                continue;
            rmSync(join(here, 'all.pixels.1')); /* which rank 1 makes by itself, and the others use theirs again */
            const again = succeeded(await ranks(here, [[count, ranked, ...onPhotos, ...more]]));
            assert.match(again.stderr, /all\.pixels has these images decoded: it is used again/);
            assert.ok(existsSync(join(here, 'all.pixels.1')));
            alike(here, there);
        }
    }
});

const strace = { skip: skip || (spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status !== 0 && 'NOT TESTED: strace is not there, or may not look') };
test('each photo is opened by one rank', strace, async () => {
    const here = folder(), traced = ['bash', '-c', 'exec strace -f -qq -e trace=open,openat -o trace.${OMPI_COMM_WORLD_RANK:-$PMI_RANK} "$0" "$@"'];
    succeeded(await ranks(here, [[3, ...traced, ranked, ...onPhotos]]));
    const opened = [0, 1, 2].map((rank) => [...new Set([...read(here, `trace.${rank}`).matchAll(/"([^"]*\.png)"/g)].map((match) => match[1]))]);
    assert.equal(opened.flat().length, 47);
    assert.equal(new Set(opened.flat()).size, 47);
    opened.forEach((files) => assert.ok(files.length >= 15 && files.length <= 16, `${files.length}`));
});

test('files that differ are named before they are decoded', only, async () => {
    const changed = Buffer.from(readFileSync(join(photos, 'b/1.png')));
    changed[changed.length - 20] ^= 1;
    const copy = (change) => {
        const path = folder();
        cpSync(photos, path, { recursive: true });
        change(path);
        return path;
    };
    const with2 = (path) => ranks(folder(), [[1, ranked, ...onPhotos], [1, ranked, 'train', path, ...onPhotos.slice(2)]]);
    named(await with2(copy((path) => rmSync(join(path, 'b/1.png')))), 1, /: has other data: b\/1\.png is absent$/);
    named(await with2(copy((path) => writeFileSync(join(path, 'b/11.png'), changed))), 1, /: has other data: b\/11\.png, which is absent on rank 0$/);
    named(await with2(copy((path) => writeFileSync(join(path, 'b/1.png'), changed))), 1, /: has other data: b\/1\.png has another content, [0-9a-f]{16}, and on rank 0 [0-9a-f]{16}$/);
    named(await with2(copy((path) => writeFileSync(join(path, 'c/2.png'), changed.subarray(1)))), 1, /: has other data: c\/2\.png has another size, \d+, and on rank 0 \d+$/);
    const here = folder();
    const elsewhere = succeeded(await ranks(here, [[1, ranked, ...onPhotos], [1, ranked, 'train', copy(() => {}), ...onPhotos.slice(2)]]));
    assert.doesNotMatch(elsewhere.stderr, /rank 1/);
    const csv = (rows) => folder({ 'list.csv': `file,label\n${rows.map((name) => `${join(photos, name)},${name[0]}\n`).join('')}` });
    const names = readdirSync(join(photos, 'a')).map((name) => `a/${name}`).concat(readdirSync(join(photos, 'b')).map((name) => `b/${name}`)).filter((name) => !/broken/.test(name));
    const both = [names, [...names.slice(1), names[0]]].map((rows) => ['train', join(csv(rows), 'list.csv'), ...onPhotos.slice(2)]);
    named(await ranks(folder(), both.map((words) => [1, ranked, ...words])), 1, /: has other data: list\.csv has another content, /);
});

test('a rank of another commit is named', only, async () => {
    const [, version] = spawnSync(ranked, ['--version'], { encoding: 'utf8' }).stdout.match(/^eyelet (\S+) /);
    const here = folder(), changed = join(here, 'eyelet');
    writeFileSync(changed, readFileSync(ranked).toString('latin1').replaceAll(version, `${version.slice(0, -1)}~`), { encoding: 'latin1', mode: 0o755 });
    for (const words of [onPhotos, short])
        named(await ranks(here, [[1, ranked, ...words], [1, changed, ...words]]), 1, /: is of another version of eyelet: "version=[^" ]*~", and rank 0 "version=[^" ~]*"$/);
});

test('a full disk on rank 0 ends all ranks', only, async () => {
    const here = folder();
    symlinkSync('/dev/full', join(here, 'm.csv'));
    writeFileSync(join(here, 'keep'), '');
    const result = await ranks(here, [[2, ranked, ...short]]);
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /^eyelet: m\.csv: cannot be written: /m);
    assert.ok(!existsSync(join(here, 'm.eyelet')));
});

for (const [variant, exact] of [['x86-64-v3', true], ['x86-64-v3', false], ['scalar', true], ['scalar', false]])
    test(`ranks of different processors, one of ${variant}, ${exact ? '' : 'not '}--exact`,
        { skip: skip || (!other(variant) && `NOT TESTED: there is no program of ${variant}`) || (ranked.includes(`/${variant}/`) && 'NOT TESTED: both are the same') }, async () => {
            const words = [...short, '--epochs', '1', ...(exact ? ['--exact'] : [])], here = folder(), there = folder();
            const result = await ranks(here, [[1, ranked, ...words], [1, other(variant), ...words]]);
            if (!exact && variant === 'scalar')
                return named(result, 1, /computes otherwise, and --exact was not given: "multiply-add=exact", and rank 0 "multiply-add=fused"/);
            succeeded(result);
            succeeded(await eyelet(words, { cwd: there }));
            alike(here, there);
            if (!exact)
                assert.match(result.stderr, /rank 1 on .* computes with .*, and rank 0 with/);
        });

test('ranks share the images that are classified, and print what one process prints', only, async () => {
    const here = folder({ 'photos/broken.jpg': 'no JPEG', 'photos/in/empty.png': '', 'photos/notes.txt': '' });
    for (let i = 0; i < 7; i++)
        writeFileSync(join(here, `photos/${i}.png`), encodePng(gradient(5 + i, 4 + i)));
    for (const words of [['--json', '--logits', '--top', '3'], ['--csv'], []]) {
        const classify = ['classify', join(straight, 'm.eyelet'), ...words, 'photos'];
        const one = await eyelet(classify, { cwd: here });
        assert.equal(one.status, 1);
        for (const count of [2, 3]) {
            const result = await ranks(here, [[count, ranked, ...classify]]);
            assert.equal(result.stdout, one.stdout);
            assert.notEqual(result.status, 0);
            assert.ok(result.stderr.startsWith(one.stderr), result.stderr);
        }
    }
    const sorted = (name) => readdirSync(join(here, name), { recursive: true }).sort();
    await eyelet(['classify', join(straight, 'm.eyelet'), 'photos', '--sort-into', 'one'], { cwd: here });
    const sorting = await ranks(here, [[2, ranked, 'classify', join(straight, 'm.eyelet'), 'photos', '--sort-into', 'two']]);
    assert.match(sorting.stderr, /^two: 7 copied, 0 there already$/m);
    assert.ok(sorted('two').length > 7);
    assert.deepEqual(sorted('two'), sorted('one'));
    named(await ranks(here, [[1, ranked, 'classify', join(straight, 'm.eyelet'), 'photos'], [1, ranked, 'classify', join(straight, 'm.eyelet'), 'photos/1.png']]), 1, /has other images/);
    named(await ranks(here, [[1, ranked, 'classify', join(straight, 'm.eyelet'), 'photos'], [1, ranked, 'classify', 'nothing.eyelet', 'photos']]), 1, /nothing\.eyelet: No such file/);
});

test('a program without MPI refuses to be one of several', only, async () => {
    const result = await ranks(folder(), [[2, program, ...short]]);
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /built without MPI/);
});
