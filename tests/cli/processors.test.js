/* The program for any processor (make VARIANT=any): each level in it answers as the program of that level alone. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { folder, makeData, makeRecords, root, start, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const any = join(root, 'build/any/eyelet');
const skip = existsSync(any) ? false : 'NOT TESTED: this needs make VARIANT=any';
const run = (program, words, level, cwd) => start(program, words, { cwd, env: { EYELET_ISA: level } }).result;
const refusal = /^eyelet: EYELET_ISA names none of what this program has for this processor: (.+)\n$/;

test('EYELET_ISA takes the code of that level, and without it the best is taken', { skip }, async () => {
    const [, names] = refusal.exec((await run(any, ['--version'], 'none')).stderr), levels = names.split(' ');
    const here = folder({ 'm.eyelet': tinyModel() }), data = makeData(makeRecords(40)), seen = new Set();
    for (const level of ['', ...levels.filter((name) => existsSync(join(root, `build/${name}/eyelet`)))]) {
        const alone = join(root, `build/${level || levels[0]}/eyelet`);
        const [own, inAny] = await Promise.all([[alone, 'alone'], [any, 'any']].map(async ([program, name]) => {
            const { stdout } = succeeded(await run(program, ['--version'], level, here));
            succeeded(await run(program, ['evaluate', 'm.eyelet', '--data', data, '--logits', name], level, here));
            return { version: /\(.*/.exec(stdout)[0], logits: readFileSync(join(here, name)).toString('base64') };
        }));
        assert.deepEqual(inAny, own, level);
        seen.add(inAny.version);
    }
    assert.ok(seen.size > 1 || levels.length === 1);
});

test('a level that is not there, or not for this processor, is refused', { skip }, async () => {
    for (const level of ['x86-64-v5', 'avx2', 'x86-64-v4 ']) {
        const { status, stdout, stderr } = await run(any, ['--version'], level);
        assert.deepEqual([status, stdout], [2, '']);
        assert.match(stderr, refusal);
    }
});
