/* Every planted bug still has its place in the sources, and a target that there is. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
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

/* The checkpoint is none of them: fuzz_checkpoint.c makes its own. */
test('every target starts from a handful of small inputs', () => {
    const corpus = (name) => new URL(`tests/fuzz/corpus/${name}/`, root);
    let bytes = 0;
    for (const name of Object.keys(targets)) {
        const written = Object.values(seedsOf(name)), kept = existsSync(corpus(name)) ? readdirSync(corpus(name)).map((file) => readFileSync(new URL(file, corpus(name)))) : [];
        const all = [...written, ...kept], texts = new Set(all.map((input) => input.toString('latin1')));
        bytes += all.reduce((sum, input) => sum + input.length, 0);
        assert.ok(name === 'checkpoint' || all.length >= 3 && texts.size === all.length, `${name} starts from ${texts.size} inputs`);
        assert.ok(all.every((input) => input.length <= targets[name].length), `an input of ${name} is longer than the others may be`);
    }
    assert.ok(bytes < 300_000, `${bytes} bytes`);
});
