/* Small pieces: no file over 400 lines, no function over 60, no more than 6 parameters. What is larger stands here, with its reason. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';

const root = new URL('../../', import.meta.url);
const most = { lines: 400, functionLines: 60, parameters: 6 };

const files = ['core', 'train_native', 'wasm', 'web', 'tests'].flatMap((top) =>
    readdirSync(new URL(top, root), { recursive: true }).map((name) => `${top}/${name}`))
    .filter((name) => /\.(c|h|js|html|css)$/.test(name) && !name.startsWith('tests/golden/')).sort();
const textOf = (name) => readFileSync(new URL(name, root), 'utf8');

/* How many there are in the list that begins with the text's first parenthesis. */
function parametersIn(text) {
    let depth = 0, count = 1;
    for (const letter of text.slice(text.indexOf('('))) {
        if ('([{'.includes(letter)) depth++;
        else if (')]}'.includes(letter) && --depth === 0) break;
        else if (letter === ',' && depth === 1) count++;
    }
    return count;
}

/* The functions of a source: name, lines, parameters. C's begin and end in the first column, and so do JavaScript's of the top level. */
function functionsOf(name, text) {
    const lines = text.split('\n'), found = [], script = name.endsWith('.js');
    for (let i = 1; i < lines.length; i++) {
        let start = script ? i : i - 1, head = lines[start];
        if (script ? !/^(export )?(default )?(async )?function\b.*\{$/.test(head) : lines[i] !== '{' || !head.endsWith(')')) continue;
        while (!script && start > 0 && /^\s/.test(lines[start])) head = `${lines[--start]} ${head}`;
        head = head.replace(/__attribute__\(\(\w*\)\)/g, '');
        const end = lines.findIndex((line, k) => k > i && line === '}');
        found.push({ called: head.match(/(\w+) *\(/)?.[1], lines: end - start + 1, parameters: parametersIn(head) });
    }
    return found;
}

/* Everything over a limit, as "file: 512 lines" or "file function: 80 lines" or "... 7 parameters". */
function over(name, text) {
    const found = [], length = text.split('\n').length - 1;
    if (length > most.lines) found.push({ what: name, is: `${length} lines` });
    if (!/\.(c|js|h)$/.test(name)) return found;
    for (const { called, lines, parameters } of functionsOf(name, text)) {
        if (lines > most.functionLines) found.push({ what: `${name} ${called}`, is: `${lines} lines` });
        if (parameters > most.parameters) found.push({ what: `${name} ${called}()`, is: `${parameters} parameters` });
    }
    return found;
}

/* A file, a file with a function, or a file with a function() for its parameters: why it is larger. */
const reasons = {
    'core/kernels/gemm.c micro_kernel': 'the micro-kernel: its register tile lives in one function, or compilers keep it in memory',
    'core/image/image.c image_resize()': 'the picture and its size, the input, the settings, the memory: each comes from another owner',
};

/* Folders whose functions may have more parameters, and why. */
const manyParameters = {
    'core/kernels/': 'a layer takes its arrays and sizes plainly: outputs first, sizes last, as llm.c has it',
    'core/int8/': 'as in core/kernels',
    'core/net/': 'as in core/kernels',
    'core/training/': 'as in core/kernels',
    'tests/core/': 'what checks a kernel takes what the kernel takes',
    'tests/support/': 'the oracle has the parameters of what it is held against',
};
const reasonOf = (what) => reasons[what] ?? (what.endsWith('()') ? Object.entries(manyParameters).find(([folder]) => what.startsWith(folder))?.[1] : undefined);

const found = files.flatMap((name) => over(name, textOf(name)));

test('files, functions and lists of parameters are short, or say why not', () => {
    assert.ok(files.length > 200);
    assert.equal(found.filter(({ what }) => !reasonOf(what)).map(({ what, is }) => `${what}: ${is}`).join('\n'), '');
});

test('no reason outlives what it is for', () => {
    assert.deepEqual(Object.keys({ ...reasons, ...manyParameters }).filter((key) => !found.some(({ what }) => what === key || (key.endsWith('/') && what.startsWith(key)))), []);
});

test('these checks see what is too large', () => {
    const body = (count) => `{\n${'    f();\n'.repeat(count)}}\n`;
    assert.deepEqual(over('a.c', `static int f(int a, int b[2],\n             int (*g)(int, int))\n${body(56)}`), []);
    assert.deepEqual(over('a.c', `static int f(int a)\n${body(58)}`), [{ what: 'a.c f', is: '61 lines' }]);
    assert.deepEqual(over('a.c', `void f(int a, int b, int c, int d,\n       int e, int f, int g)\n${body(1)}`), [{ what: 'a.c f()', is: '7 parameters' }]);
    assert.deepEqual(over('a.js', `\nexport async function f({ a, b }, c) ${body(59)}`), [{ what: 'a.js f', is: '61 lines' }]);
    assert.deepEqual(over('a.html', 'x\n'.repeat(401)), [{ what: 'a.html', is: '401 lines' }]);
});
