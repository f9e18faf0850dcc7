/* The law of the folders: what a file may include or import, and what core never does. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import test from 'node:test';

const root = new URL('../../', import.meta.url);

/* Every folder with code, from the lowest layer up: a file includes its own folder and those above it in this list. */
const layers = [
    'core/base/vec', 'core/base', 'core/kernels', 'core/int8', 'core/image', 'core/net', 'core/training', 'core',
    'train_native/cli', 'train_native/ranks', 'train_native/data', 'train_native/model', 'train_native/exchange', 'train_native/report',
    'train_native/commands', 'train_native',
    'wasm', 'wasm/importer', 'web', 'web/page/texts', 'web/page', 'web/templates',
    'tests/golden', 'tests/support', 'tests/core', 'tests/cli', 'tests/web', 'tests/fuzz', 'tests/bench', 'tests/bundlers'
];
/* What sees only a part of the layers above it. */
const only = {
    wasm: ['core/classifier.h', 'core/explain.h', 'core/teacher.h', 'core/image/decode.h', 'core/base/bounds.h'],
    /* In place of commands/: the readers of models, and what of cli/ they call. */
    'wasm/importer': [...['errors', 'list', 'memory', 'sha256'].map((name) => `train_native/cli/${name}.h`),
        ...['import_model', 'importer', 'json_tree'].map((name) => `train_native/exchange/${name}.h`)],
    web: ['web'],
    'web/templates': ['contract', 'engine', 'picture', 'view'].map((name) => `web/${name}.js`)
};
const roots = ['core', 'train_native', 'wasm', 'tests']; /* an #include "kernels/gemm.h" is looked for below these */

const files = ['core', 'train_native', 'wasm', 'web', 'web/templates', 'tests'].flatMap((top) =>
    readdirSync(new URL(top, root), { recursive: true }).map((name) => `${top}/${name}`))
    .filter((name) => /\.(c|h|js)$/.test(name) && !name.startsWith('tests/bundlers/projects/')).sort(); /* those are copied elsewhere */
const known = new Set(files);
const textOf = (name) => readFileSync(new URL(name, root), 'utf8');
const folderOf = (name) => posix.dirname(name);
const inCore = files.filter((name) => name.startsWith('core/'));

/* Code without comments, strings and character constants. */
function codeOf(name) {
    return textOf(name).replace(/\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g,
        (part) => part.startsWith('/') ? ' ' : '""');
}

function includesOf(name) {
    const text = textOf(name).replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, ' ');
    return [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm)].map(([, kind, path]) => ({ own: kind === '"', path }));
}

/* What a module imports, statically or not, and files that it names relative to itself, such as workers. */
function importsOf(name) {
    return importsIn(textOf(name));
}

function importsIn(text) {
    const code = text.replace(/\/\*[^]*?\*\//g, ' ');
    return [/^(?:import|export)\b(?:[^'"=;]*? from)? *'(\.\.?\/[^']+\.js)'/gm, /\bimport\(\s*'(\.\.?\/[^']+\.js)'/g,
        /\bnew URL\('(\.\.?\/[^']+\.js)', import\.meta\.url\)/g].flatMap((pattern) => [...code.matchAll(pattern)].map(([, path]) => path));
}

/* The file that `path` in file `name` means, from the root; null if there is none. */
function targetOf(name, path) {
    if (name.endsWith('.js')) return posix.join(folderOf(name), path);
    return roots.map((top) => `${top}/${path}`).find((candidate) => known.has(candidate)) ?? null;
}

/* What is wrong with file `name` depending on file `target`; null if nothing is. */
function violation(name, target) {
    if (target === null || !known.has(target)) return `${name} depends on ${target}, which is not there`;
    const from = layers.indexOf(folderOf(name)), to = layers.indexOf(folderOf(target));
    if (from < 0 || to < 0) return `${from < 0 ? name : target} is in no layer: add its folder to layers.test.js`;
    if (to > from) return `${name} depends on ${target}, of a higher layer`;
    const seen = only[folderOf(name)];
    if (seen && folderOf(name) !== folderOf(target) && !seen.includes(target)) return `${name} depends on ${target}, which ${folderOf(name)} does not see`;
    return null;
}

const dependenciesOf = (name) => name.endsWith('.js') ? importsOf(name).map((path) => targetOf(name, path))
    : includesOf(name).filter(({ own }) => own).map(({ path }) => targetOf(name, path));

test('every file is in one layer', () => {
    assert.ok(files.length > 200);
    for (const name of files) assert.ok(layers.includes(folderOf(name)), `${name}: add its folder to layers.test.js`);
});

/* What ends the program, or does so where something fails: for commands alone; allocate() excepted (cli/memory.h). */
const endsTheProgram = (name) => [...codeOf(name).matchAll(/\b(die\w*|exit|_exit|abort|usage_error|save_file|\w+_or_die)\(/g)].map(([, word]) => `${name} calls ${word}`);

test('what commands share leaves the end of the program to them', () => {
    const shared = files.filter((name) => /^train_native\/(model|exchange)\/|^train_native\/report\/standalone/.test(name));
    assert.ok(shared.length > 15);
    assert.deepEqual(shared.flatMap(endsTheProgram), []);
    assert.ok(endsTheProgram('train_native/commands/or_die.c').length > 3, 'the check sees what it is for');
});

/* What gives NULL or half a text where there is no memory: for cli/ alone, whose functions look at it (memory.h, text.h). */
const allocates = (name) => [...codeOf(name)
    .matchAll(/\b((?:m|c|re|aligned_)alloc|reallocarray|posix_memalign|strn?dup|v?asprintf|open_memstream|fmemopen|fopencookie|getline|getdelim)\s*\(/g)]
    .map(([, word]) => `${name} calls ${word}`);

test('the program takes memory through cli/ only', () => {
    const users = files.filter((name) => name.startsWith('train_native/') && folderOf(name) !== 'train_native/cli');
    assert.ok(users.length > 60);
    assert.deepEqual(users.flatMap(allocates), []);
    assert.ok(['memory', 'text'].every((name) => allocates(`train_native/cli/${name}.c`).length), 'the check sees what it is for');
});

/* What reads or writes a file half where a disk is full or a signal comes: for cli/ alone (files.h), and for these. */
const ownFiles = {
    'train_native/data/download.c': 'an archive that is larger than memory has room for',
    'train_native/data/memory_budget.c': 'what the system tells of its memory, in files without a size',
    'train_native/data/sandbox_child.c': 'what the system tells of a process, the same way',
    'train_native/main.c': 'standard streams that were closed',
    'train_native/commands/run_files.c': 'a lock, in which nothing stands',
};
const opens = (name) => [...codeOf(name).matchAll(/(?<![\w.>])(fopen|fdopen|freopen|open(?:at)?|creat|p?read|p?write|fsync|ftruncate)\(/g)]
    .map(([, word]) => `${name} calls ${word}`);

test('the program reads and writes files through cli/ only', () => {
    const users = files.filter((name) => name.startsWith('train_native/') && folderOf(name) !== 'train_native/cli' && !ownFiles[name]);
    assert.deepEqual(users.flatMap(opens), []);
    assert.ok(['files', 'new_file', 'large_file'].flatMap((name) => opens(`train_native/cli/${name}.c`)).length > 5, 'the check sees what it is for');
});

test('includes and imports go one way, and name the folder', () => {
    const wrong = files.flatMap((name) => dependenciesOf(name).map((target) => violation(name, target)));
    assert.deepEqual(wrong.filter(Boolean), []);
});

/* A folder's files may include one another, but not in a circle. */
function circles(edgesOf) {
    const state = new Map(), found = [];
    const visit = (name, path) => {
        if (state.get(name) === 'done') return;
        if (state.get(name) === 'open') {
            found.push([...path.slice(path.indexOf(name)), name].join(' -> '));
            return;
        }
        state.set(name, 'open');
        for (const next of edgesOf(name)) visit(next, [...path, name]);
        state.set(name, 'done');
    };
    for (const name of files) visit(name, []);
    return found;
}

/* Of modules: a .c file and its header count as one. */
const moduleOf = (name) => name.replace(/\.[ch]$/, '.h');
const edges = new Map();
for (const name of files) {
    const own = moduleOf(name), seen = edges.get(own) ?? new Set();
    for (const target of dependenciesOf(name)) if (target && moduleOf(target) !== own) seen.add(moduleOf(target));
    edges.set(own, seen);
}

test('no two modules depend on each other', () => {
    assert.deepEqual(circles((name) => edges.get(moduleOf(name)) ?? []), []);
});

/* What a bundler for browsers follows from the package's modules; Node's own come in by web/node.js alone. */
function reachedFrom(name, seen = new Set()) {
    if (!seen.has(name))
        for (const path of importsOf(seen.add(name) && name)) reachedFrom(targetOf(name, path), seen);
    return [...seen];
}
const namesNode = (name) => /'node:|\brequire\(/.test(textOf(name));

test('modules for browsers, their workers too, name no module of Node', () => {
    const reached = ['web/bundled.js', 'web/bundled_react.js'].flatMap((name) => reachedFrom(name));
    assert.ok(reached.includes('web/worker.js'));
    assert.deepEqual(reached.filter(namesNode), []);
    assert.ok(reachedFrom('web/node.js').some(namesNode), 'the check sees what it is for');
});

test('these checks see violations', () => {
    for (const [name, target] of [
        ['core/kernels/gemm.c', 'core/net/net.h'], ['core/base/status.c', 'train_native/cli/errors.h'], ['core/classifier.c', 'train_native/cli/errors.h'],
        ['train_native/cli/sha256.c', 'train_native/commands/train_options.h'],
        ['web/page/page.js', 'tests/support/pictures.js']
    ]) assert.match(violation(name, target) ?? '', /of a higher layer/, `${name} -> ${target}`);
    assert.match(violation('wasm/exports.c', 'train_native/cli/errors.h'), /which wasm does not see/);
    assert.match(violation('wasm/exports.c', 'core/net/net.h'), /which wasm does not see/);
    assert.match(violation('wasm/importer/exports.c', 'train_native/exchange/onnx.h'), /which wasm\/importer does not see/);
    assert.match(violation('core/net/net.c', targetOf('core/net/net.c', 'net.h')), /not there/);
    assert.match(violation('new/folder.c', 'core/net/net.h') ?? 'not in', /in no layer/);
    assert.equal(violation('core/net/net.c', 'core/kernels/conv.h'), null);
    assert.deepEqual(importsIn(`import { a } from '@a.js';
export { b } from '@b.js';
/* import '@no.js'; */
const { c } = await import(/* webpackIgnore: true */ '@c.js');
new Worker(new URL('@d.js', import.meta.url), { type: 'module' });
const wasm = new URL('@no.wasm', import.meta.url), fs = import('node:fs');`.replaceAll('@', './')), ['./a.js', './b.js', './c.js', './d.js']);
    assert.deepEqual(circles((name) => name === files[0] ? [files[1]] : name === files[1] ? [files[0]] : []), [`${files[0]} -> ${files[1]} -> ${files[0]}`]);
});

test('intrinsics stand in core/base/vec only', () => {
    for (const name of inCore.filter((file) => folderOf(file) !== 'core/base/vec')) {
        for (const { path } of includesOf(name)) assert.doesNotMatch(path, /intrin|simd|neon/, `${name} includes ${path}`);
        assert.doesNotMatch(codeOf(name), /\b_mm\d*_|\b__m(128|256|512)|\bwasm_[fiv]\d|__AVX|__SSE|__ARM_NEON|__wasm/, name);
    }
});

test('core prints nothing, ends nothing and reads no files', () => {
    for (const name of inCore) {
        for (const { path } of includesOf(name)) assert.doesNotMatch(path, /^(stdio|unistd|fcntl|time|pthread)\.h$/, `${name} includes ${path}`);
        assert.doesNotMatch(codeOf(name), /\b(f|s|sn|v)?printf\s*\(|\bputs\s*\(|\bexit\s*\(|\babort\s*\(|\bf(open|read|write)\s*\(/, name);
    }
});

test('core allocates in decode.c only', () => {
    for (const name of inCore.filter((file) => file !== 'core/image/decode.c')) {
        assert.doesNotMatch(codeOf(name), /\b(m|c|re|aligned_)alloc\s*\(|\balloca\s*\(|\bfree\s*\(/, name);
        assert.ok(!includesOf(name).some(({ path }) => path === 'stdlib.h'), `${name} includes stdlib.h`);
    }
});
