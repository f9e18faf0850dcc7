/* Measures training on several ranks: beside threads, with the time of the exchange apart; and between two network
 * namespaces of a known rate and delay, beside what exchange_model.js says.
 *
 *     node tests/bench/bench_mpi.js PROGRAM [--networks tutorial,airbench94] [--images 3000] [--epochs 4] [--batch 250]
 *         [--rates 1,10] [--delays 0.1,1] [--part threads|model|network]
 *
 * PROGRAM is that of `make MPI=1`; beside it stands bench-delay. Images are CIFAR-10's. Part `model` measures steps
 * of two sizes on one thread, and prints from them the table for 64 machines. Part `network` is for root, and has a
 * network of its own, `wide`, between two namespaces (link.js), whose round trip is measured before each run. Of each
 * run the fastest epoch counts. On a quiet machine: a step is as slow as the slowest rank. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { exchangeSeconds, modelTable } from './exchange_model.js';
import { Link, inNamespace } from './link.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
    networks: { type: 'string', default: 'tutorial,airbench94' }, images: { type: 'string', default: '3000' },
    epochs: { type: 'string', default: '4' }, batch: { type: 'string', default: '250' },
    rates: { type: 'string', default: '1,10' }, delays: { type: 'string', default: '0.1,1' },
    part: { type: 'string' },
} });
const program = resolve(positionals[0] ?? 'build/eyelet'), here = mkdtempSync(join(tmpdir(), 'eyelet-mpi-'));
const data = resolve(process.env.EYELET_DATA ?? 'data'), namespaces = ['eyelet-a', 'eyelet-b'];
const delayProgram = join(dirname(program), 'bench-delay');
const openmpi = /Open MPI/.test(spawnSync('mpirun', ['--version'], { encoding: 'utf8' }).stdout);
const numbers = (text) => text.split(',').map(Number);

function run(words, env = {}) {
    const { status, stdout, stderr } = spawnSync(words[0], words.slice(1), { cwd: here, encoding: 'utf8', env: {
        ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1', EYELET_DATA: data, ...env,
    } });
    if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
    return stdout;
}

/* `wide` has many weights and computes little with each: a network for the network. */
writeFileSync(join(here, 'wide.txt'), 'input 32x32x3\nflatten\ndense 1024 relu\ndense classes softmax\n');
const training = (name, { threads = 1, batch = values.batch } = {}) => ['train', '-o', 'm.eyelet',
    ...(name === 'wide' ? ['--network', 'wide.txt'] : ['--recipe', name]), '--limit', values.images,
    '--epochs', values.epochs, '--batch', `${batch}`, '--validation', '0', '--warmup', '0',
    '--threads', `${threads}`, '--restart', '--json'];
const mpirun = (count, words) =>
    ['mpirun', ...(openmpi ? ['--oversubscribe', '--bind-to', 'none'] : []), '-n', `${count}`, ...words];

/* Of the fastest epoch: seconds of a step, and of its exchange. */
function fastest(output, batch = Number(values.batch)) {
    const epochs = output.trim().split('\n').map((line) => JSON.parse(line)).filter(({ epoch }) => epoch);
    const best = epochs.reduce((a, b) => a.seconds <= b.seconds ? a : b);
    const steps = Math.ceil(Number(values.images) / batch);
    return { step: best.seconds / steps, exchange: (best.exchange_seconds ?? 0) / steps };
}

const milliseconds = (seconds) => (1000 * seconds).toFixed(1);
const perSecond = ({ step }) => Math.round(Number(values.batch) / step);

function compareThreads(recipe) {
    const rows = [['1 thread', [program, ...training(recipe)]],
        ['2 threads', [program, ...training(recipe, { threads: 2 })]],
        ['1 rank of 1 thread', mpirun(1, [program, ...training(recipe)])],
        ['2 ranks of 1 thread', mpirun(2, [program, ...training(recipe)])],
    ].map(([name, words]) => ({ name, ...fastest(run(words)) }));
    console.log(`\n${recipe}, batches of ${values.batch}:\n`);
    console.log('| | images/s | ms a step | of it exchange | beside 2 threads |\n| --- | --- | --- | --- | --- |');
    for (const row of rows)
        console.log(`| ${row.name} | ${perSecond(row)} | ${milliseconds(row.step)} | ${milliseconds(row.exchange)} | `
            + `${(100 * rows[1].step / row.step).toFixed(0)} % |`);
}

/* From steps of two sizes: what a step costs, and what an image. */
function measureNetwork(name) {
    const batch = Number(values.batch), sizes = [batch, batch / 5];
    const [large, small] = sizes.map((size) => fastest(run([program, ...training(name, { batch: size })]), size).step);
    const image = (large - small) / (sizes[0] - sizes[1]);
    return { name, parameters: parametersOf(name), fixed: Math.max(0, large - batch * image), image };
}

const timesTen = ({ name, parameters, fixed, image }) =>
    ({ name: `${name} at ten times the speed`, parameters, fixed: fixed / 10, image: image / 10 });

function parametersOf(recipe) {
    const words = training(recipe).filter((word) => word !== '--json');
    words[words.indexOf('--limit') + 1] = '100';
    words[words.indexOf('--epochs') + 1] = '1';
    return Number(run([program, ...words]).match(/([\d,]+) parameters/)[1].replaceAll(',', ''));
}

/* ---- Two namespaces ---- */

/* Rank 0 and mpirun in one, rank 1 in the other; what they say of themselves goes over the same link. */
function runBetween(recipe) {
    const words = [program, ...training(recipe)];
    return fastest(run(inNamespace(namespaces[0], [...mpirun(1, words), ':', '-n', '1',
        ...inNamespace(namespaces[1], words)]), {
        PMIX_MCA_ptl_tcp_remote_connections: '1', PMIX_MCA_ptl_tcp_if_include: 'eyelet0', OMPI_MCA_pml: 'ob1',
        OMPI_MCA_btl: 'self,tcp', OMPI_MCA_btl_tcp_if_include: '10.77.0.0/24' }));
}

/* A line of the table; free: the same without a limit, through what is between the ends. */
function compareRow(recipe, link, { free, bytes, rate, delay }) {
    const names = `${rate / 1e9} Gbit/s | ${delay ? `${1000 * delay} ms` : 'none'}`;
    const pinged = link.start(rate, delay);
    const measured = runBetween(recipe), burst = delay && !link.relays ? 0 : link.burstOf(rate);
    const between = delay && (pinged - link.base) / 2; /* what the ends take is in free steps, too */
    const wire = exchangeSeconds({ ranks: 2, bytes, rate, delay: between, burst });
    const modelled = free.step - free.exchange + Math.max(free.exchange, wire);
    const apart = measured.step / modelled - 1;
    console.log(`| ${names} | ${(1000 * pinged).toFixed(3)} | ${milliseconds(measured.step)} | `
        + `${milliseconds(modelled)} | ${(100 * apart).toFixed(0)} %`
        + `${Math.abs(apart) > 0.15 ? ', MORE THAN 15 %' : ''} |`);
}

function compareNetworks(recipe) {
    const link = new Link(namespaces, delayProgram);
    try {
        link.start();
        const bytes = 4 * parametersOf(recipe), direct = runBetween(recipe);
        link.startUndelayed();
        const relayed = link.relays ? runBetween(recipe) : direct;
        const inWords = ({ step, exchange }) =>
            `${milliseconds(step)} ms a step, ${milliseconds(exchange)} of them exchange`;
        console.log(`\n${recipe}, batches of ${values.batch}, 2 ranks of 1 thread in two namespaces, gradients of `
            + `${(bytes / 1e6).toFixed(1)} MB; without a limit ${inWords(direct)}; delays by `
            + `${link.relays ? `bench_delay.c, which alone makes that ${inWords(relayed)}` : 'netem'}:\n`);
        console.log('| rate | delay, one way | round trip, ms | ms a step | modelled | |');
        console.log(`|${' --- |'.repeat(6)}`);
        for (const rate of numbers(values.rates).map((gigabits) => 1e9 * gigabits))
            for (const delay of [0, ...numbers(values.delays).map((each) => each / 1000)])
                compareRow(recipe, link, { free: delay ? relayed : direct, bytes, rate, delay });
    } finally {
        link.remove();
    }
}

try {
    const networks = values.networks.split(',');
    if (!values.part || values.part === 'threads')
        networks.forEach(compareThreads);
    if (!values.part || values.part === 'model')
        console.log(`\n64 machines, 256 images each in a step, as modelled; in each cell without and with overlap:\n\n${
            modelTable(networks.map(measureNetwork).flatMap((network) => [network, timesTen(network)]))}`);
    if (values.part === 'network' || (!values.part && process.getuid() === 0 && openmpi))
        compareNetworks('wide');
    else if (!values.part)
        console.log('\nNOT MEASURED: networks of a known rate, which want root, ip, tc and OpenMPI');
} finally {
    rmSync(here, { recursive: true, force: true });
}
