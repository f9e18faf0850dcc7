/* Fuzzes every target, each build of it that this machine can make:
 *
 *     node tests/fuzz/run.js [--seconds 60] [--only model,csv] [--builds fuzz,fuzz-32] [--out build] [--fresh]
 *
 * What it finds stands in build/fuzz/findings. It goes on from the inputs that it found before, in build/fuzz/corpus, unless --fresh. */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { build, fuzz, fuzzCompiler, reasonOf, root, writeSeeds } from './fuzzing.js';
import { targets } from './targets.js';

const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, only: { type: 'string' }, builds: { type: 'string' },
    out: { type: 'string', default: 'build' }, fresh: { type: 'boolean', default: false } } });
const chosen = (list, text) => text ? list.filter((name) => text.split(/[ ,]+/).includes(name)) : list;
const names = chosen(Object.keys(targets), options.only), jobs = availableParallelism(), runs = [];
if (!names.length) {
    console.log(`FAILED: no target is called ${options.only}`);
    process.exit(1);
}
const folder = join(root, options.out, 'fuzz'), findings = join(folder, 'findings/');
mkdirSync(findings, { recursive: true });

for (const variant of chosen(['fuzz', 'fuzz-32', 'fuzz-memory'], options.builds)) {
    const here = names.filter((name) => (targets[name].builds ?? ['fuzz']).includes(variant));
    const compiler = here.length && fuzzCompiler(variant);
    if (!here.length)
        continue;
    if (!compiler) {
        console.log(`SKIPPED: fuzzing ${here.join(', ')} in the build ${variant}: no clang here links it for programs that this machine runs`);
        continue;
    }
    build({ compiler, variant, names: here, out: options.out, jobs });
    runs.push(...here.map((name) => ({ name, variant })));
}

async function run({ name, variant }) {
    const seeds = writeSeeds(name, join(folder, 'seeds'));
    const grown = join(folder, options.fresh ? 'fresh' : 'corpus', name);
    mkdirSync(grown, { recursive: true });
    const { found, output, executions, seconds, coverage } = await fuzz({ program: join(root, options.out, variant, `fuzz-${name}`), name,
        folders: [grown, ...seeds], dictionary: join(folder, `seeds/${name}.dict`), seconds: options.seconds, artifacts: `${findings}${name}-` });
    console.log(`${found ? 'FAILED' : 'ok'} ${name.padEnd(12)}${variant.padEnd(12)}${executions.toLocaleString('en').padStart(12)} executions, ` +
        `${Math.round(executions / seconds).toLocaleString('en').padStart(8)} a second, coverage ${coverage}`);
    if (found)
        console.log(`  ${reasonOf(output)}\n  ${/Test unit written to (.*)/.exec(output)?.[1] ?? output}`);
    return found;
}

/* As many at a time as there are processors. */
const found = [];
await Promise.all(Array.from({ length: jobs }, async () => {
    for (let next; (next = runs.shift());)
        if (await run(next))
            found.push(`${next.name} (${next.variant})`);
}));
if (found.length) {
    console.log(`FAILED: ${found.join(', ')}`);
    process.exit(1);
}
