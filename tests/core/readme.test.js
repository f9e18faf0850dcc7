/* What the READMEs name is there: files behind links, options of commands, targets of make. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';

import { options } from '../../web/cli_options.js';

const root = new URL('../../', import.meta.url);
const readmes = ['README.md', 'core/README.md', 'train_native/README.md', 'web/README.md', 'web/models/README.md', 'web/examples/README.md'];
const read = (name) => readFileSync(new URL(name, root), 'utf8');

/* Links to files, as written. */
function linksIn(text) {
    return [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path);
}

test('links lead to files', () => {
    const links = readmes.flatMap((name) => linksIn(read(name)).map((path) => [name, path]));
    assert.ok(links.length > 30);
    const broken = links.filter(([name, path]) => !existsSync(new URL(path, new URL(name, root))));
    assert.deepEqual(broken, []);
    assert.deepEqual(linksIn('[a](b/c.h), ![d](e.jpg)'), ['b/c.h', 'e.jpg']);
});

test('the front page has at most 100 lines', () => {
    assert.ok(read('README.md').split('\n').length <= 101);
});

test('targets of make and options of commands are there', () => {
    const makefile = read('Makefile'), folder = new URL('train_native/commands/', root);
    const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8')).join('');
    const packageOptions = Object.values(options).flatMap(Object.keys); /* of npx eyelet */
    for (const name of readmes) {
        const text = read(name);
        for (const [, target] of text.matchAll(/(?:^|`)make ([a-z][a-z-]*)/gm))
            assert.match(makefile, new RegExp(`^(?:[\\w-]+ )*${target}(?: [\\w-]+)*:`, 'm'), `${name}: make ${target}`);
        for (const [, option] of text.matchAll(/--([a-z][a-z-]+)/g))
            assert.ok(['help', 'version'].includes(option) || sources.includes(`"${option}"`) || packageOptions.includes(option), `${name}: --${option}`);
    }
});
