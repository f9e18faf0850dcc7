/* make bench-native: measures native inference, prints it and writes its table of RESULTS.md.
 *
 *     node tests/bench/bench_native.js build/x86-64-v3/bench-native [--networks NAME,...] [--quick]
 *
 * The classifier alone on images in memory, and `eyelet classify` over folders, which also reads, decodes and resizes
 * JPEG files: small photos where ../shared/data has them, and copies of the README's screenshot. All in turn, round
 * after round. Chosen networks and --quick (short rounds) are only printed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { trained } from './bench_networks.js';
import { fixed, grouped, machine, root, spread, table, withSpread, writeResults } from './bench_report.js';

const { values: { networks, quick }, positionals: [program] } = parseArgs({
    options: { networks: { type: 'string', default: '' }, quick: { type: 'boolean', default: false } },
    allowPositionals: true,
});
const defaults = ['tutorial', 'resnet9', 'mobile', 'airbench95'], wanted = networks.split(',').filter(Boolean);
const rounds = quick ? 1 : 5, seconds = quick ? 0.05 : 0.3, threadCounts = [1, 2];
const leaveOut = (what, why) => console.log(`${what}: LEFT OUT: ${why}`);

/* [{ title, operands, count }]: images in files. */
function collections() {
    const copies = 64, folder = join(root, 'build/bench/pictures'), found = [];
    const photos = join(root, '../shared/data/photos-20/test');
    if (existsSync(photos)) {
        const operands = readdirSync(photos).sort().map((name) => join(photos, name));
        const count = operands.reduce((sum, path) => sum + readdirSync(path).length, 0);
        found.push({ title: `${grouped(count)} JPEG files of 64x64`, operands, count });
    } else {
        leaveOut('small photos', `${photos} is not there`);
    }
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < copies; i++)
        symlinkSync('../../../web/screenshot.jpg', join(folder, `${1000 + i}.jpg`));
    return [...found, { title: `${copies} of 1180x1000`, operands: [folder], count: copies }];
}

function timeFiles(model, { operands, count }, threads) {
    const start = performance.now();
    const words = ['classify', model, ...operands, '--json', '--threads', String(threads)];
    const options = { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' };
    const { status, stderr } = spawnSync(join(root, 'build/eyelet'), words, options);
    if (status !== 0)
        throw new Error(`eyelet classify: ${stderr}`);
    return count / (performance.now() - start) * 1000;
}

const files = collections(), peaks = {}, fusedPeaks = {};
let vector;
const rows = trained(wanted.length ? wanted : defaults, leaveOut).flatMap(({ name, model }) => {
    const results = threadCounts.map((threads) => ({ threads, alone: [], ofFiles: files.map(() => []) }));
    let multiplyAdds;
    for (let round = 0; round < rounds; round++)
        for (const { threads, alone, ofFiles } of results) {
            const words = [model, threads, seconds].map(String);
            const result = JSON.parse(execFileSync(program, words, { cwd: root, encoding: 'utf8' }));
            ({ vector, multiply_adds: multiplyAdds } = result);
            peaks[threads] = Math.max(peaks[threads] ?? 0, result.peak);
            fusedPeaks[threads] = Math.max(fusedPeaks[threads] ?? 0, result.fused_peak);
            alone.push(...result.rates);
            files.forEach((collection, i) => ofFiles[i].push(timeFiles(model, collection, threads)));
        }
    return results.map(({ threads, alone, ofFiles }) => {
        const rate = spread(alone);
        const fileRates = ofFiles.map((rates) => withSpread(spread(rates), grouped));
        console.log(`${name}, ${threads}: ${withSpread(rate, grouped, 'images/s')}; files ${fileRates.join(', ')}`);
        return { name, threads, rate, speed: 2 * multiplyAdds * rate.median, fileRates };
    });
});

const peak = (of) => threadCounts.map((threads) => `${fixed(1)(of[threads] / 1e9)} with ${threads}`).join(', ');
const fileTitles = files.map(({ title }) => `${title}, images/s`);
const lines = [
    `Measured by \`make bench-native\` on ${machine}, ${vector}. Peak throughput in GFLOP/s by threads, of unfused`,
    'multiply + add (inference is unfused for bit-exactness): ' +
        `${peak(peaks)}; of fused multiply-add: ${peak(fusedPeaks)}.`,
    'GFLOP/s count the operations of direct convolution, some of which Winograd saves; median (interquartile range).',
    '',
    ...table(['network', 'threads', 'images in memory, images/s', 'GFLOP/s', 'of the peak', ...fileTitles],
        rows.map(({ name, threads, rate, speed, fileRates }) => [`\`${name}\``, threads, withSpread(rate, grouped),
            fixed(1)(speed / 1e9), `${(100 * speed / peaks[threads]).toFixed(0)} %`, ...fileRates])),
];
if (wanted.length || quick)
    console.log(['', ...lines, '', 'RESULTS.md is unchanged: this was a part.'].join('\n'));
else
    writeResults('bench-native', lines);
