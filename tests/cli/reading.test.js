/* How the commands read pictures in files: what short memory, a killed, a stopped or a slow child process costs, and how much memory
 * all of them take together. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { encodeBmp, encodeJpeg, encodePng, gradient, largePng } from '../support/pictures.js';
import { eyelet, eyeletUnder, folder, program, refused, start, succeeded, underMemoryLimit } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const model = join(folder({ 'tiny.eyelet': tinyModel() }), 'tiny.eyelet');

const numbersIn = (path, pattern) => {
    try {
        return [...readFileSync(path, 'utf8').matchAll(pattern)].map(([, number]) => Number(number));
    } catch {
        return []; /* the process is no more */
    }
};
const childrenOf = (pid) => numbersIn(`/proc/${pid}/task/${pid}/children`, /(\d+)/g);

/* Sends a signal to the children that `choose` takes of those there are, every few milliseconds, until it has been sent `times` times. */
async function strike(pid, signal, times, choose = (children) => children.slice(0, 1)) {
    for (let sent = 0; sent < times; await pause(20))
        for (const child of choose(childrenOf(pid)))
            sent += process.kill(child, signal);
}

const isSanitized = process.env.EYELET?.includes('sanitize') && 'NOT TESTED: address checks take memory of their own';

/* A picture that takes a second to decode, and one that takes no time. */
const interlaced = true, slow = largePng(6000, 6000, { interlaced }), quick = encodePng(gradient(8, 8));
const kibOf = (pid) => numbersIn(`/proc/${pid}/status`, /RssAnon:\s*(\d+)/g)[0] ?? 0;
const atSlow = (children) => children.filter((pid) => kibOf(pid) > 30_000).slice(0, 1);

/* ---- Memory ---- */

test('short memory is told as what it is, never as damage', underMemoryLimit, async () => {
    const here = folder({ 'a.png': encodePng(gradient(8, 8)), 'b.png': slow, 'c.jpg': encodeJpeg(400, 400, (x, y) => x + y & 255) });
    for (const limit of [60_000, 120_000, 200_000, 250_000, 900_000]) {
        const { stdout } = await eyeletUnder(`ulimit -v ${limit}`, ['classify', '--json', '--threads', '1', model, here]);
        const [small, ...large] = JSON.parse(stdout);
        assert.ok(small.predictions, stdout);
        for (const [i, { predictions, error }] of large.entries()) /* the JPEG takes 2 MB, the PNG 138 */
            assert.ok(predictions ? limit > 60_000 || i === 1 : limit < 900_000 && /memory/.test(error), `${limit}: ${error}`);
    }
});

test('a picture that needs more than --memory allows is named with what it needs, in every command', async () => {
    const here = folder({ 'a/large.png': largePng(4000, 4000, { depth: 16, interlaced }), 'a/1.png': quick, 'b/2.png': encodePng(gradient(9, 9)) }), large = join(here, 'a/large.png');
    const reason = /needs 62 MiB of memory and may take \d\d: see --memory, or scale it down/;
    refused(await eyelet(['classify', '--memory', '50', model, large, join(here, 'a/1.png')]), { subject: large, reason });
    succeeded(await eyelet(['classify', '--memory', '62', model, large]));
    const said = JSON.parse((await eyelet(['doctor', '--json', '--memory', '50', here])).stdout);
    assert.deepEqual(said.unreadable.map(({ file }) => file), [large]);
    assert.match(said.unreadable[0].reason, reason);
    assert.deepEqual(JSON.parse((await eyelet(['doctor', '--json', here])).stdout).unreadable, []);
});

test('pictures wait until there is memory for them', { skip: isSanitized }, async () => {
    const here = folder(Object.fromEntries([1, 2, 3, 4, 5, 6].map((i) => [`${i}.png`, largePng(6000, 4000, { depth: 16, interlaced })]))); /* 93 MiB each */
    const { child, result } = start(program, ['classify', '--json', '--threads', '4', '--memory', '200', model, here]);
    let peak = 0;
    for (; child.exitCode === null; await pause(5))
        peak = Math.max(peak, childrenOf(child.pid).reduce((sum, pid) => sum + kibOf(pid), 0));
    assert.equal(JSON.parse(succeeded(await result).stdout).filter(({ predictions }) => predictions).length, 6);
    assert.ok(peak > 70_000 && peak < 250_000, `${peak} KiB`);
});

for (const [name, bytes] of Object.entries({ png: largePng(5000, 4000, { interlaced }), 'turned.png': largePng(5000, 4000, { interlaced, orientation: 6 }),
    bmp: encodeBmp({ data: new Uint8Array(4000 * 3000 * 4), width: 4000, height: 3000 }) }))
    test(`what decoding takes is known before: a ${name}`, { skip: isSanitized }, async () => {
        const path = join(folder({ [`large.${name}`]: bytes }), `large.${name}`);
        const mib = Number((await eyelet(['classify', '--memory', '17', model, path])).stderr.match(/needs (\d+) MiB of memory and may take 17/)[1]);
        const { child, result } = start(program, ['classify', '--memory', `${mib}`, model, path]);
        let peak = 0;
        for (; child.exitCode === null; await pause(2))
            peak = Math.max(peak, ...childrenOf(child.pid).map(kibOf));
        succeeded(await result);
        assert.ok(peak < 1024 * mib + 10_000 && peak > 1024 * mib * 0.5, `${peak} KiB of ${mib} MiB`);
    });

/* Of 20 million pixels, which take 80 MB. */
for (const [name, bytes] of Object.entries({ png: largePng(5000, 4000), 'turned.png': largePng(5000, 4000, { orientation: 6 }), jpg: encodeJpeg(625, 500, (x, y) => x + y & 255),
    'turned.jpg': encodeJpeg(625, 500, (x, y) => x ^ y & 255, { orientation: 6, components: 3 }) }))
    test(`rows are forgotten when they have been seen: a ${name}`, { skip: isSanitized }, async () => {
        const path = join(folder({ [`large.${name}`]: bytes }), `large.${name}`);
        const { child, result } = start(program, ['classify', '--memory', '17', model, path]);
        let peak = 0;
        for (; child.exitCode === null; await pause(2))
            peak = Math.max(peak, ...childrenOf(child.pid).map(kibOf));
        succeeded(await result);
        assert.ok(peak < 27_000, `${peak} KiB`);
    });

/* ---- Processes that end, stop or cannot be started ---- */

test('children that are killed cost at most the picture that they were at', async () => {
    const count = 60, here = folder(Object.fromEntries(Array.from({ length: count }, (_, i) => [`${100 + i}.png`, i % 3 ? quick : largePng(2000, 2000)])));
    const { child, result } = start(program, ['classify', '--json', '--threads', '4', model, here]);
    let turn = 0;
    await strike(child.pid, 'SIGKILL', 12, (children) => children.slice(++turn % 4, turn % 4 + 1)).catch(() => {});
    const { stdout, stderr } = await result, answers = JSON.parse(stdout);
    assert.deepEqual(answers.map(({ file }) => file), Array.from({ length: count }, (_, i) => join(here, `${100 + i}.png`)));
    const lost = answers.filter(({ predictions }) => !predictions);
    assert.ok(lost.length <= 6, stderr); /* a half of those that were killed, each twice */
    for (const { error } of lost)
        assert.match(error, /the process that read it was killed: is there enough memory\?/);
});

test('a picture whose process is killed is tried once more, then named; the others and the end of the JSON are there', async () => {
    const here = folder({ 'a.png': quick, 'b.png': slow, 'c.png': quick });
    for (const [times, status] of [[1, 0], [2, 1]]) {
        const { child, result } = start(program, ['classify', '--json', '--threads', '1', model, here]);
        await strike(child.pid, 'SIGKILL', times, atSlow);
        const said = await result;
        assert.equal(said.status, status, said.stderr);
        const [a, b, c] = JSON.parse(said.stdout);
        assert.ok(a.predictions && c.predictions);
        assert.equal(Boolean(b.predictions), times === 1, b.error);
        if (times === 2)
            refused(said, { subject: join(here, 'b.png'), reason: /was killed/ });
    }
});

test('a child that is killed costs a data set nothing', async () => {
    const files = Object.fromEntries(['a', 'b'].flatMap((name, label) => [1, 2, 3].map((i) => [`${name}/${i}.png`, largePng(3000, 2000 + 10 * i + label)])));
    const here = folder(files), { child, result } = start(program, ['doctor', '--json', '--threads', '2', here]);
    await strike(child.pid, 'SIGKILL', 1);
    const said = JSON.parse((await result).stdout);
    assert.deepEqual(said.unreadable, []);
    assert.deepEqual(said.classes.map(({ undivided }) => undivided), [3, 3]);
});

test('a child that stands still is killed after half a minute, and its picture is named', async () => {
    const here = folder({ 'a.png': quick, 'b.png': slow, 'c.png': quick });
    const { child, result } = start(program, ['classify', '--json', '--threads', '1', model, here]);
    await strike(child.pid, 'SIGSTOP', 1, atSlow);
    const said = await result, [a, b, c] = JSON.parse(said.stdout);
    assert.ok(a.predictions && c.predictions);
    assert.match(b.error, /came to a standstill/);
    assert.equal(said.status, 1);
});

test('where no process can be started every picture is named, and the JSON has its end', async () => {
    const here = folder({ 'a.png': quick, 'b.png': quick }), asNobody = process.getuid() === 0 ? 'setpriv --reuid=65533 --clear-groups' : '';
    const { stdout } = await start('bash', ['-c', `ulimit -u 1; exec ${asNobody} "$0" "$@"`, program, 'classify', '--json', model, here]).result;
    assert.deepEqual(JSON.parse(stdout).map(({ error }) => /no process can be started/.test(error)), [true, true]);
});

test('a pipe that nobody reads any more ends the program without a message, and no child stays', async () => {
    const here = folder(Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`${i}.png`, quick]))); /* more than a pipe holds */
    const { stdout, stderr } = await start('bash', ['-c', '{ "$0" classify --json "$1" "$2"; echo "status $?" >&2; } | head -1', program, model, here]).result;
    assert.equal(stdout.split('\n').length, 2);
    assert.match(stderr, /^(eyelet: standard output: .*\n)?status (1|141)\n$/);
});
