/* web/README.md tells of each tool of make test-bundlers, and the version that was tried. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { tools } from './tools.js';

const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const section = read('web/README.md').split('## Bundlers, run-times, test runners')[1].split('\n## ')[0];

/* Of a table of tools: the name of each, and its versions. */
function rowsOf(text) {
    const rows = [...text.matchAll(/^\| ([^|]+?) \| ([^|]*?) ?\| [^|]+ \| [^|]*\|$/gm)].map(([, name, versions]) => [name, versions.split(', ')]);
    return new Map(rows.filter(([name]) => !/^(tool|---)$/.test(name)));
}

test('the table has the tools that are tried, in the versions that are pinned', () => {
    const expected = { TypeScript: [JSON.parse(read('package.json')).devDependencies.typescript] };
    for (const { name, packages } of tools)
        (expected[name] ??= []).push(Object.values(packages)[0] ?? '');
    assert.deepEqual(Object.fromEntries([...rowsOf(section)].sort()), Object.fromEntries(Object.entries(expected).sort()));
});
