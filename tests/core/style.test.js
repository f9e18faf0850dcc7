/* JavaScript of one style: block comments, single quotes, semicolons, four spaces. size.test.js limits its length. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';

const root = new URL('../../', import.meta.url);
const filesIn = (top) => readdirSync(new URL(top, root), { recursive: true }).map((name) => `${top}/${name}`);
const files = ['web', 'tests'].flatMap(filesIn).filter((name) => name.endsWith('.js') && !/^web\/\w+_wasm\.js$/.test(name)).sort();

/* Comments, strings and regular expressions: of each, all that is in it is its own. */
const tokens = new RegExp([
    /\/\*[^]*?\*\/|\/\/[^\n]*/, /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[^]|[^`\\])*`/,
    /(?<=[(,=:!&|?[{;]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/\w*/,
].map(({ source }) => source).join('|'), 'g');

/* What the text has that the style has not, each with its line. */
function problemsIn(text) {
    const problems = [];
    const report = (at, what) => problems.push(`${text.slice(0, at).split('\n').length}: ${what}`);
    for (const { 0: token, index } of text.matchAll(tokens)) {
        if (token.startsWith('//'))
            report(index, 'a line comment');
        if (token.startsWith('"') && !token.includes("'"))
            report(index, 'double quotes');
    }
    for (const { index } of text.matchAll(/\t|[ \r]+$/gm))
        report(index, 'a tab, or a space at the end');
    for (const { index } of text.matchAll(/^(?:import|export) .*from '[^']*'$/gm))
        report(index, 'no semicolon');
    for (const { index } of text.matchAll(/^ {1,3}(?=[^ *])/gm))
        report(index, 'no indent by four spaces');
    return problems;
}

test('all JavaScript is of one style', () => {
    assert.ok(files.length > 40);
    const problems = [];
    for (const name of files) {
        const text = readFileSync(new URL(name, root), 'utf8');
        problems.push(...problemsIn(text).map((problem) => `${name}:${problem}`));
        if (/^(web|tests\/bench)\//.test(name) && /^.{121}/m.test(text))
            problems.push(`${name} has a line of more than 120 columns`);
    }
    assert.deepEqual(problems, []);
});

test('the check sees what it is for', () => {
    for (const text of ['f(); // why\n', 'f("x");\n', '\tf();\n', 'f(); \n', 'import { a } from \'./a.js\'\n',
        'if (a) {\n  f();\n}\n'])
        assert.equal(problemsIn(text).length, 1, text);
    assert.deepEqual(problemsIn('/* a // b "c" */\nf(\'// "\', `// "`, "it\'s", /\\/\\/"/);\n'), []);
});
