/* Every planted bug still has its place in the sources, and a target that there is. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { canaries, plantedIn } from './canaries.js';
import { seedsOf, targets, wordsOf } from './targets.js';

const root = new URL('../../', import.meta.url);

test('every planted bug has its place', () => {
    for (const canary of canaries)
        assert.notEqual(plantedIn(canary, readFileSync(new URL(canary.file, root), 'utf8')), '', canary.name);
    assert.throws(() => plantedIn({ file: 'a.c', from: 'x', to: '' }, 'x x'), /2 times/);
});

test('every target has a program, seeds within its length, and a planted bug', () => {
    for (const [name, { length }] of Object.entries(targets)) {
        assert.ok(existsSync(new URL(`tests/fuzz/fuzz_${name}.c`, root)), name);
        assert.ok(canaries.some(({ target }) => target === name), `${name} has no planted bug`);
        assert.ok(Object.values(seedsOf(name)).every((bytes) => bytes.length <= length), `a seed of ${name} is longer than its inputs`);
        assert.ok(wordsOf(name).every((word) => word.length > 0), name);
    }
});
