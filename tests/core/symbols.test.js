/* The modules that classify hold no function of training, although all of core is linked: nothing that they export reaches it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const symbolsOf = (module) => readFileSync(new URL(`build/wasm/${module}.symbols`, root), 'utf8').trim().split('\n').map((line) => line.split(':')[1]);

/* Functions that these files define and others may call. */
function definedIn(...files) {
    return files.flatMap((file) => [...readFileSync(new URL(file, root), 'utf8').matchAll(/^(?!static)[a-z][\w *]*?\b(\w+)\([^;{]*?\)\s*\{/gm)].map((match) => match[1]));
}

const folder = 'core/training/';
const training = definedIn('core/net/net_backward.c', 'core/kernels/math.c', ...readdirSync(new URL(folder, root)).filter((name) => name.endsWith('.c')).map((name) => folder + name));
const classifying = definedIn('core/classifier.c');

test('training is known by its functions', () => {
    for (const name of ['trainer_step', 'trainer_open', 'augment_image', 'muon_step', 'cross_entropy_backward', 'net_backward', 'math_exp'])
        assert.ok(training.includes(name), name);
});

for (const module of ['classifier.wasm', 'classifier-without-decoders.wasm'])
    test(`${module} holds no function of training`, { skip: existsSync(new URL(`build/wasm/${module}.symbols`, root)) ? false : 'NOT TESTED: this needs make wasm' }, () => {
        const symbols = symbolsOf(module);
        assert.ok(symbols.some((name) => classifying.includes(name)), 'its own functions have names');
        assert.deepEqual(symbols.filter((name) => training.includes(name)), []);
        assert.ok(!symbols.some((name) => /gemm_fast|winograd_backward|conv_backward|batchnorm_backward/.test(name)));
    });

/* emmalloc's claims a block without room for its alignment, and where it does not fit by chance, again: twice the memory. */
test('what becomes WebAssembly does not call aligned_alloc', () => {
    const sources = ['core/', 'wasm/'].flatMap((top) => readdirSync(new URL(top, root), { recursive: true }).filter((name) => name.endsWith('.c')).map((name) => top + name));
    assert.ok(sources.length > 50);
    const codeOf = (file) => readFileSync(new URL(file, root), 'utf8').replace(/\/\*[^]*?\*\//g, '');
    assert.deepEqual(sources.filter((file) => /\b(aligned_alloc|memalign)\(/.test(codeOf(file))), []);
});
