/* Every usage in a header compiles, and what needs no files runs: the indented code of the comment that opens each header in core/ and
 * train_native/, with the names that it presumes. Needs the objects that `make native` leaves.
 *
 * A block of indented lines is code if one of them ends in `;` (unless it is a table that begins with `offset`), or a static function.
 * In it `... text ...` on a line of its own stands for whatever comes there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { declarations, usages } from './header_usages.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const build = join(root, 'build', dirname(readlinkSync(join(root, 'build/eyelet'))));
const scratch = mkdtempSync(join(tmpdir(), 'eyelet-headers-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/* What opens a header, and the blocks of code in it. */
const openingOf = (text) => text.match(/^\/\*[^]*?\*\//)?.[0] ?? '';
const isFunction = (code) => /^static .*\)(\n| )\{/.test(code);
function blocksOf(text) {
    const blocks = [[]];
    for (const line of openingOf(text).split('\n')) {
        const code = line.match(/^ \* {5}(.*?)(?: \*\/)?$/)?.[1];
        if (code !== undefined) blocks.at(-1).push(code);
        else blocks.push([]);
    }
    const isStatement = (lines) => !/^offset /.test(lines[0]) && lines.some((line) => /;(\s*\/\/.*)?$/.test(line));
    return blocks.filter((lines) => lines.length > 0 && (isFunction(lines.join('\n')) || isStatement(lines))).map((lines) => lines.join('\n'));
}

/* Functions stand above the statements that use them; or alone. */
const functionsIn = (blocks) => blocks.filter(isFunction).join('\n');
const statementsIn = (blocks) => blocks.every(isFunction) ? [''] : blocks.filter((code) => !isFunction(code));

const headers = ['core', 'train_native'].flatMap((top) => readdirSync(join(root, top), { recursive: true }).map((name) => `${top}/${name}`))
    .filter((name) => name.endsWith('.h')).sort();
const codeOf = Object.fromEntries(headers.map((name) => [name, blocksOf(readFileSync(join(root, name), 'utf8'))]).filter(([, blocks]) => blocks.length > 0));

function sourceOf(name, functions, code, { names = '', file = '', before = '', after: behind = '', head, call: body = '', with: replaced = [], includes = [] }, call) {
    for (const [text, by] of replaced) {
        assert.ok(code.includes(text), `${name}: the usage does not have ${text}`);
        code = code.replace(text, by);
    }
    code = code.replace(/^\.\.\.(?:.*\.\.\.)?( *\/\/.*)?$/gm, '');
    const declared = names.split(' ').filter(Boolean).map((word) => declarations[word] ?? assert.fail(`${name}: ${word} is not declared`));
    const included = [name.replace(/^(core|train_native)\//, ''), ...includes].map((path) => `#include "${path}"`);
    const standard = ['assert', 'stdint', 'stdio', 'stdlib', 'string'].map((word) => `#include <${word}.h>`);
    const own = `void ${call}(void)`, wrapper = head ? `${own} { ${body} }` : '';
    return [...included, ...standard, ...declared, file, functions, `${own};`, head ?? own, '{', before, code, behind, '}', wrapper, ''].join('\n');
}

/* The command that compiled the objects, without what turns asserts off, and with warnings as errors; the names of an example may stay unused. */
const [compiler, ...flags] = readFileSync(join(build, 'command'), 'utf8').match(/: (\S+ -std=c11 .*)\n/)[1].split(/ +/)
    .filter((word) => word !== '-DNDEBUG').concat('-O0', '-Werror', '-Wno-unused', '-Wno-shadow', '-D_GNU_SOURCE');
/* What the program is linked with: what `required` names in the Makefile, and of -DWITH_WEBP what WEBP := HEADER -lwebp does. */
const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
const libraries = flags.filter((word) => word.startsWith('-DWITH_'))
    .flatMap((word) => makefile.match(new RegExp(`^${word.slice('-DWITH_'.length)} := (.*)$`, 'm'))[1].match(/-l\w+/g) ?? []);
const required = makefile.match(/^required := (.*)$/m)[1].split(' ');
const run = (command, words, cwd = root) => spawnSync(command, words, { cwd, encoding: 'utf8', timeout: 120_000 });

test('every usage has its entry, and every entry its usage', () => {
    assert.ok(headers.length > 80);
    assert.deepEqual(Object.keys(codeOf).filter((name) => !usages[name]), [], 'headers with a usage that nothing compiles: add them to header_usages.js');
    assert.deepEqual(Object.keys(usages).filter((name) => !codeOf[name] || statementsIn(codeOf[name]).length !== usages[name].length), [], 'usages that are no more, or more of them');
});

const running = [];
for (const [name, entries] of Object.entries(usages))
    test(`the usage of ${name} compiles`, () => {
        entries.forEach((entry, i) => {
            const call = `usage_of_${name.replace(/\W/g, '_')}_${i}`, file = join(scratch, `${call}.c`), object = file.replace('.c', '.o');
            writeFileSync(file, sourceOf(name, functionsIn(codeOf[name]), statementsIn(codeOf[name])[i] ?? assert.fail('no such usage'), entry, call));
            const { status, stderr } = run(compiler, [...flags, '-c', file, '-o', object]);
            assert.equal(status, 0, stderr);
            if (entry.runs !== false) running.push({ name, call, object });
        });
    });

test('the usages that need no files run', () => {
    assert.ok(running.length > 15);
    const sources = ['core', 'train_native'].flatMap((top) => readdirSync(join(root, top), { recursive: true }).map((path) => `${top}/${path}`))
        .filter((path) => path.endsWith('.c') && !/main\.c$|any_processor\.c$|transport_mpi\.c$/.test(path));
    const objects = sources.map((path) => join(build, path.replace(/\.c$/, '.o')));
    const embedded = readdirSync(join(build, 'web'), { recursive: true }).filter((path) => path.endsWith('.o')).map((path) => join(build, 'web', path))
        .concat(join(build, 'protobuf/onnx.pb-c.o'), join(build, 'train_native/exchange/imagenet_labels.txt.o'));
    assert.deepEqual(objects.filter((path) => !existsSync(path)), [], 'run `make native`');
    const main = join(scratch, 'main.c'), program = join(scratch, 'usages');
    const declared = running.map(({ call }) => `void ${call}(void);`);
    const calls = running.map(({ call }) => `    if (argc > 1 && strcmp(argv[1], "${call}") == 0) ${call}();`);
    writeFileSync(main, ['#include <string.h>', ...declared, 'int main(int argc, char **argv)', '{', ...calls, '}', ''].join('\n'));
    const { status, stderr } = run(compiler, [...flags, main, ...running.map(({ object }) => object), ...objects, ...embedded, ...libraries, ...required, '-lm', '-o', program]);
    assert.equal(status, 0, stderr);
    for (const { name, call } of running) {
        const result = run(program, [call], scratch);
        assert.equal(result.status, 0, `${name}: ${result.signal ?? ''} ${result.stdout}${result.stderr}`);
    }
});

test('a usage that does not compile is seen', () => {
    const file = join(scratch, 'wrong.c'), compiles = (code) => {
        writeFileSync(file, sourceOf('core/net/net.h', '', code, { names: 'net' }, 'wrong'));
        return run(compiler, [...flags, '-fsyntax-only', file]).status === 0;
    };
    assert.ok(compiles('node_has_weights(net.nodes[0].kind);'));
    assert.ok(!compiles('net_check(&net);'));
    assert.deepEqual(blocksOf('/* Purpose.\n *\n *     f(x);\n *     g(x);          // why\n *\n *     out = a formula\n *\n *     h(); */\n'), ['f(x);\ng(x);          // why', 'h();']);
});
