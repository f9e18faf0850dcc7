/* The package in bundlers and run-times: make test-bundlers, ONLY=vite,jest some of them.
 *
 * Each tool of tools.js gets a project of its own with what `npm pack` makes, builds it without configuration and runs it. The answers
 * must be those of this folder's module in Node, to the last bit, and what is printed must hold no warning of the package's files. */
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { loadClassifier } from '../../web/node.js';
import { emptyFolder, packInto, root } from '../support/npm.js';
import { answersOf } from './answers.js';
import { makeProject, Missing } from './project.js';
import { nameOf, tools } from './tools.js';

const shown = ['web/models/objects160.eyelet', 'web/examples/espresso.jpg'].map((name) => join(root, name));

const only = (process.env.ONLY || undefined)?.split(/[ ,]+/).filter(Boolean);
const unknown = only?.filter((key) => !tools.some((tool) => tool.key === key)) ?? [];
if (unknown.length > 0) {
    console.error(`ONLY: there is no ${unknown.join(', ')}, but ${tools.map(({ key }) => key).join(', ')}`);
    process.exit(2);
}

const folder = emptyFolder(), tarball = join(folder, packInto(folder).filename), [model, image] = shown;
const expected = await answersOf(await loadClassifier({ model }), image);
assert.equal(expected.one[0].label, 'espresso');
for (const tool of tools)
    if (only?.includes(tool.key) ?? true)
        await tryTool(tool);

async function tryTool(tool) {
    if (tool.skip)
        return tell('SKIPPED', nameOf(tool), tool.skip);
    let project;
    try {
        project = await makeProject({ ...tool, tarball, shown });
    } catch (error) {
        return tellFailure(nameOf(tool), error);
    }
    for (const [check, run] of Object.entries(tool.checks)) {
        const name = `${nameOf(tool)}, ${check}`;
        try {
            const found = await run(project);
            if (found)
                assert.deepEqual(found, expected, 'other answers than in Node');
            assert.doesNotMatch(project.heard, /\bwarn(ing)?\b[^]{0,300}node_modules\/eyelet/i);
            tell('ok', name);
        } catch (error) {
            tellFailure(name, error);
        }
    }
    await project.remove();
}

function tell(outcome, name, why = '') {
    console.log(`${outcome.padEnd(8)}${name}${why && `: ${why}`}`);
}

/* Fewer lines of what was printed. */
function tellFailure(name, error) {
    const isMissing = error instanceof Missing, lines = error.message.split('\n').filter((line) => line.trim());
    tell(isMissing ? 'SKIPPED' : 'FAILED', name, [...lines.slice(0, 12), ...lines.slice(12).slice(-12)].join('\n        '));
    process.exitCode ||= isMissing ? 0 : 1;
}
