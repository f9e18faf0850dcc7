/* make bench-train: measures training beside PyTorch's, prints it and each layer's part, and writes its table of
 * RESULTS.md.
 *
 *     node tests/bench/bench_train.js build/x86-64-v3/bench-train [SECONDS]     of steps, in each round (default: 3)
 *
 * All run in turn, round after round, so that a machine that changes its speed changes it for all of them. PyTorch runs
 * with NCHW and NHWC tensors, and the faster layout counts; where it is not installed, its columns stay empty. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fixed, grouped, machine, root, spread, withSpread, writeResults } from './bench_report.js';

const [program, seconds = '3'] = process.argv.slice(2);
const rounds = 2;
const threadCounts = [1, 2];
const networks = [
    { name: 'tutorial', batch: 128, shard: 16 },
    { name: 'airbench94', batch: 256, shard: 32 },
    { name: 'resnet9', batch: 128, shard: 16 },
];

/* Otherwise glibc returns large blocks to the system at once, and pays for fresh, zeroed pages in every step. */
const keepMemory = {
    MALLOC_MMAP_THRESHOLD_: '8589934592',
    MALLOC_TRIM_THRESHOLD_: '17179869184',
    MALLOC_TOP_PAD_: '268435456',
    MALLOC_ARENA_MAX: '1',
};
const torchColumns = [
    { title: 'PyTorch', environment: {} },
    { title: 'PyTorch, malloc tuned', environment: keepMemory },
];
const layouts = ['contiguous', 'channels_last'];

const python = ['/usr/bin/python3', 'python3'].find((name) => spawnSync(name, ['-c', 'import torch']).status === 0);
const peaks = {}; /* FLOP/s by number of threads: the best of all runs */
let vector, torchVersion;

const percent = (fraction) => `${(100 * fraction).toFixed(0)} %`;
const counted = (threads) => `${threads} thread${threads > 1 ? 's' : ''}`;

function run(command, words, environment) {
    const env = { ...process.env, ...environment };
    const options = { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
    return JSON.parse(execFileSync(command, words.map(String), options));
}

/* --- Whole steps --- */

/* All in turn: { network, threads, multiplyAdds, ours, torch: [default, malloc tuned] }, rates in images/s. */
function measure(network, threads) {
    const { name, batch, shard } = network;
    const limits = { OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads };
    const ours = { title: 'Eyelet', times: [] };
    const torch = python
        ? torchColumns.flatMap((column) => layouts.map((layout) => ({ ...column, layout, times: [] }))) : [];
    let result;
    for (let round = 0; round < rounds; round++) {
        result = run(program, ['steps', name, shard, batch, threads, seconds]);
        ours.times.push(...result.step_seconds);
        peaks[threads] = Math.max(peaks[threads] ?? 0, result.peak);
        for (const { layout, environment, times } of torch) {
            const words = [join(root, 'tests/bench/bench_torch.py'), name, batch, threads, seconds, layout];
            const theirs = run(python, words, { ...limits, ...environment });
            times.push(...theirs.step_seconds);
            torchVersion = theirs.version;
        }
    }
    vector = result.vector;
    for (const one of [ours, ...torch]) {
        one.rate = spread(one.times.map((time) => batch / time));
        const who = [name, counted(threads), one.title, one.layout].filter(Boolean).join(', ');
        console.log(`${who}: ${withSpread(one.rate, grouped, 'images/s')}`);
    }
    const fastest = ({ title }) => torch.filter((one) => one.title === title).map(({ rate }) => rate)
        .reduce((best, rate) => rate.median > best.median ? rate : best);
    const torchRates = python ? torchColumns.map(fastest) : [];
    return { network, threads, multiplyAdds: result.multiply_adds, ours: ours.rate, torch: torchRates };
}

const torchTitles = torchColumns.map(({ title }) => title);
const heads = ['network', 'threads', 'images/s', 'GFLOP/s', 'of the peak', ...torchTitles, 'speedup'];

function row({ network, threads, multiplyAdds, ours, torch }) {
    const speed = 2 * multiplyAdds * ours.median;
    const theirs = torch.length
        ? [...torch.map((rate) => withSpread(rate, grouped)),
            fixed(2)(ours.median / Math.max(...torch.map(({ median }) => median)))]
        : ['-', '-', '-'];
    return [
        `\`${network.name}\`, batch ${network.batch}`,
        threads,
        withSpread(ours, grouped),
        fixed(1)(speed / 1e9),
        percent(speed / peaks[threads]),
        ...theirs,
    ];
}

/* --- Layers --- */

const phases = ['forward', 'backward', 'pack', 'optimizer']; /* the last two once in a step, not for every shard */

/* Where the time of a step on one thread goes, in milliseconds. */
function layerRows({ name, batch, shard }) {
    const layers = run(program, ['layers', name, shard]).map((layer) => {
        const times = phases.map((phase) => 1000 * spread(layer[phase]).median);
        return { ...layer, times: times.map((time, i) => (i < 2 ? (time * batch) / shard : time)) };
    });
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
    const all = phases.map((_, i) => sum(layers.map(({ times }) => times[i])));
    return [
        ['', 'layer', 'output', ...phases, 'fraction', 'of the peak'],
        ...layers.map(({ kind, details, output, times, multiply_adds: multiplyAdds }, i) => {
            const speed = ((2 * multiplyAdds * batch) / (times[0] + times[1])) * 1000;
            return [
                i + 1,
                `${kind} ${details}`,
                output,
                ...times.map(fixed(2)),
                percent(sum(times) / sum(all)),
                speed ? percent(speed / peaks[1]) : '',
            ];
        }),
        ['', 'all', '', ...all.map(fixed(2)), fixed(2)(sum(all)), ''],
    ];
}

/* --- The report --- */

function print(title, rows) {
    const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => String(cells[column]).length)));
    console.log(`\n${title}\n`);
    for (const cells of rows)
        console.log(cells.map((cell, column) => String(cell).padEnd(widths[column])).join('  ').trimEnd());
}

if (!python)
    console.log('PyTorch: LEFT OUT: it is not installed (apt-get install python3-torch)');
const results = networks.flatMap((network) => threadCounts.map((threads) => measure(network, threads)));
const rows = results.map(row);
const peakOf = (threads) => `${fixed(1)(peaks[threads] / 1e9)} GFLOP/s with ${counted(threads)}`;
const peak = threadCounts.map(peakOf).join(', ');

print(
    `Training in float32, ${vector}; the peak of fused multiply-add is ${peak}.\n` +
        'GFLOP/s count the operations of direct convolution, some of which Winograd saves: they may exceed the peak.',
    [heads, ...rows],
);
for (const network of networks) {
    const { ours } = results.find((result) => result.network === network && result.threads === 1);
    print(
        `\`${network.name}\`: of the ${fixed(1)(1000 * network.batch / ours.median)} ms of a step on one thread\n` +
            '(the rest reads the images and sums the gradients)',
        layerRows(network),
    );
}
writeResults('bench-train', [
    `Measured by \`make bench-train\` on ${machine}, ${vector}, ` +
        `${python ? `PyTorch ${torchVersion}` : 'without PyTorch'};`,
    `the peak of fused multiply-add is ${peak}; median (interquartile range).`,
    '',
    ...[heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
]);
