/* Builds the fuzz targets and runs them.
 *
 *     const compiler = fuzzCompiler();                                   // null: there is none
 *     build({ compiler, variant: 'fuzz', names: ['model'], out: 'build' });
 *     const { found, executions, seconds, output } = await fuzz({ program: 'build/fuzz/fuzz-model', name: 'model', folders, seconds: 10 });
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { seedsOf, targets, wordsOf } from './targets.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const flags = { fuzz: ['address'], 'fuzz-32': ['address', '-m32'], 'fuzz-memory': ['memory'] };

/* The clang that links a fuzzer of this variant which this machine runs; null if none does: some kernels run no 32-bit programs. */
export function fuzzCompiler(variant = 'fuzz') {
    const [checks, ...more] = flags[variant];
    const source = '#include <stdlib.h>\nint LLVMFuzzerTestOneInput(const char *a, unsigned long b) { return b && a ? 0 : atoi("0"); }';
    const scratch = mkdtempSync(join(tmpdir(), 'eyelet-fuzz-')), program = join(scratch, 'fuzz');
    const compiler = ['clang', 'clang-14', 'clang-19'].find((name) => spawnSync(name,
        ['-x', 'c', '-', '-o', program, `-fsanitize=fuzzer,undefined,${checks}`, ...more], { input: source }).status === 0 &&
        spawnSync(program, ['-runs=1']).status === 0);
    rmSync(scratch, { recursive: true });
    return compiler ?? null;
}

/* planted: a folder with changed copies of sources; the targets are then built into it. Throws what the compiler said. */
export function build({ compiler, variant, names, out, planted, jobs = 2 }) {
    const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env; /* it is no part of the make that started this */
    const goals = names.map((name) => `${planted ?? `${out}/${variant}`}/fuzz-${name}`);
    const { status, stdout, stderr } = spawnSync('make', [`-j${jobs}`, `CC=${compiler}`, `VARIANT=${variant}`, `O=${out}`, ...planted ? [`PLANTED=${planted}`] : [], ...goals],
        { cwd: root, env, encoding: 'utf8' });
    if (status !== 0)
        throw new Error(`${goals.join(' ')} cannot be built:\n${stdout}${stderr}`);
}

/* Writes a target's seeds and its dictionary into a folder; returns the folders of what it starts from. */
export function writeSeeds(name, folder) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const [seed, bytes] of Object.entries(seedsOf(name)))
        writeFileSync(join(folder, name, seed), bytes);
    const escaped = (word) => Buffer.from(word, 'latin1').toString('hex').replace(/../g, '\\x$&');
    writeFileSync(join(folder, `${name}.dict`), wordsOf(name).map((word) => `"${escaped(word)}"\n`).join(''));
    const corpora = [name, ...targets[name].corpora ?? []].map((other) => join(root, 'tests/fuzz/corpus', other));
    return [join(folder, name), ...corpora.filter((path) => existsSync(path))];
}

/* Runs a target until its time or its executions are over, or it has found something. Of the folders the first takes new inputs. */
export async function fuzz({ program, name, folders, dictionary, seconds, executions, artifacts, more = [] }) {
    const files = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'eyelet-fuzz-'));
    const child = spawn(program, [`-max_len=${targets[name].length}`, '-timeout=20', '-rss_limit_mb=4096', '-print_final_stats=1', `-artifact_prefix=${artifacts}`,
        ...seconds ? [`-max_total_time=${seconds}`] : [], ...executions ? [`-runs=${executions}`] : [], ...wordsOf(name).length ? [`-dict=${dictionary}`] : [], ...more, ...folders],
    { env: { ...process.env, TMPDIR: files, ASAN_OPTIONS: `quarantine_size_mb=16:${process.env.ASAN_OPTIONS ?? ''}` }, /* 256 MB are slower, and an input takes less */
        stdio: ['ignore', 'ignore', 'pipe'] });
    const started = Date.now();
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text) => { output = (output + text).slice(-50_000); });
    const status = await new Promise((done, failed) => child.on('error', failed).on('close', (code, signal) => done(signal ?? code)));
    rmSync(files, { recursive: true, force: true });
    return {
        found: status !== 0, output, seconds: (Date.now() - started) / 1000,
        executions: Number(/number_of_executed_units: +(\d+)/.exec(output)?.[1] ?? 0),
        coverage: Number([...output.matchAll(/ cov: (\d+)/g)].at(-1)?.[1] ?? 0),
    };
}

/* What a finding is, in the sanitizer's or the assertion's words. */
export function reasonOf(output) {
    return /runtime error: .*|ERROR: .*|Assertion .*|.*WARNING: MemorySanitizer.*/.exec(output)?.[0] ?? output.split('\n').slice(-5).join(' ');
}
