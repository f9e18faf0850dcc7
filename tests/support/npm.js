/* The npm package, packed and installed as its users get it, once for all tests of a file.
 *
 *     describe('the package', { skip }, () => {
 *         before(async () => { there = await installed(); });    // a folder with node_modules/eyelet */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const esbuild = await import('esbuild').catch(() => null);
export const skip = !esbuild ? 'NOT TESTED: esbuild is not installed (npm install)'
    : spawnSync('npm', ['--version']).error && 'NOT TESTED: npm is not installed';

const folders = [];
process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export function emptyFolder() {
    folders.push(mkdtempSync(join(tmpdir(), 'eyelet-npm-')));
    return folders.at(-1);
}

/* { status, stdout, stderr }; `make` inside must not take itself for a part of the one that runs the tests. */
export function runIn(cwd, command, words, env = {}) {
    const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...environment } = process.env;
    return spawnSync(command, words, { cwd, encoding: 'utf8', env: { ...environment, ...env }, maxBuffer: 2 ** 26 });
}

export function succeedsIn(cwd, command, ...words) {
    const { status, stdout, stderr } = runIn(cwd, command, words);
    assert.equal(status, 0, `${command} ${words.join(' ')}\n${stdout}${stderr}`);
    return stdout;
}

/* What npm says of the tarball, { filename, size, files: [{ path, size }] }, which it leaves in `folder`. */
export function packInto(folder) {
    return JSON.parse(succeedsIn(root, 'npm', 'pack', '--json', '--foreground-scripts=false', '--pack-destination', folder))[0];
}

/* A folder in which `npm install` put the package, and what npm says of its tarball. */
export function installed() {
    const folder = emptyFolder(), tarball = packInto(folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    succeedsIn(folder, 'npm', 'install', '--offline', '--no-audit', '--no-fund', tarball.filename);
    return { folder, tarball, own: join(folder, 'node_modules/eyelet') };
}
