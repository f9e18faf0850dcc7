/* Whether the fuzzers find what is to be found: plants each bug of canaries.js alone, and fuzzes its target from the seeds, for as many
 * executions as its budget has (targets.js) and with the same random numbers, so that the answer does not depend on how busy the machine is.
 *
 *     node tests/fuzz/plant.js [--budgets 1] [--seed 1] [--only labels,csv] [--out build] */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { canaries, plantedIn } from './canaries.js';
import { build, fuzz, fuzzCompiler, reasonOf, root, writeSeeds } from './fuzzing.js';
import { targets } from './targets.js';

const { values: options } = parseArgs({ options: { budgets: { type: 'string', default: '1' }, seed: { type: 'string', default: '1' }, only: { type: 'string' }, out: { type: 'string', default: 'build' } } });
const chosen = canaries.filter(({ name, target }) => !options.only || options.only.split(/[ ,]+/).some((word) => target === word || name.includes(word)));
if (!chosen.length) {
    console.log(`FAILED: no target and no planted bug is called ${options.only}`);
    process.exit(1);
}
const scratch = mkdtempSync(join(tmpdir(), 'eyelet-canaries-'));

async function finds(canary, i) {
    const { name, target, file, variant = 'fuzz' } = canary;
    const planted = join(scratch, `${i}`), copy = join(planted, file), grown = join(planted, 'corpus');
    mkdirSync(dirname(copy), { recursive: true });
    mkdirSync(grown);
    writeFileSync(copy, plantedIn(canary, readFileSync(join(root, file), 'utf8')));
    build({ compiler: compilers.get(variant), variant, names: [target], out: options.out, planted });
    const seeds = writeSeeds(target, join(planted, 'seeds'));
    const { found, output, seconds, executions } = await fuzz({ program: join(planted, `fuzz-${target}`), name: target, folders: [grown, ...seeds],
        dictionary: join(planted, `seeds/${target}.dict`), executions: targets[target].budget * Number(options.budgets), artifacts: `${planted}/`, more: [`-seed=${options.seed}`] });
    console.log(`${found ? 'found' : 'FAILED'}  ${target.padEnd(12)}${name.padEnd(48)}${seconds.toFixed(1).padStart(6)} s  ${executions.toLocaleString('en').padStart(10)} executions` +
        (found ? `  ${reasonOf(output).replace(/^.*?(runtime error|ERROR): /, '')}` : ''));
    return found;
}

const compilers = new Map(), missed = [];
for (const variant of new Set(chosen.map((canary) => canary.variant ?? 'fuzz'))) {
    const compiler = fuzzCompiler(variant), names = new Set(chosen.filter((canary) => (canary.variant ?? 'fuzz') === variant).map(({ target }) => target));
    compilers.set(variant, compiler);
    if (compiler)
        build({ compiler, variant, names: [...names], out: options.out, jobs: availableParallelism() });
}
const left = [...chosen.entries()].filter(([, { name, variant = 'fuzz' }]) => compilers.get(variant) || console.log(`SKIPPED: ${name}: no clang here links ${variant}`));
try {
    await Promise.all(Array.from({ length: availableParallelism() }, async () => {
        for (let next; (next = left.shift());)
            if (!await finds(next[1], next[0]))
                missed.push(next[1].name);
    }));
} finally {
    rmSync(scratch, { recursive: true, force: true });
}
if (missed.length) {
    console.log(`FAILED: not found: ${missed.join('; ')}`);
    process.exit(1);
}
