/* How long a step of training takes on several machines, on paper: what bench_mpi.js compares with two that a network
 * of a known rate and delay joins, and what the table of train_native/README.md is computed by.
 *
 *     const network = { rate: 10e9, delay: 0.0001 };                  bits a second, seconds one way
 *     exchangeSeconds({ ranks: 64, bytes: 4 * parameters, ...network });
 *
 * It assumes what train_native/ranks/exchange.h does: blocks of the sums go down a chain of ranks and come back up it,
 * each direction of a link carries all of the bytes once, and a rank passes a block on when it has all of it. A network
 * carries both directions at once, and as much between any two machines; adding and copying cost nothing beside it.
 * Before the sums, losses are shared: a delay for each doubling of ranks. */
export const blockBytes = 4 * 15 * 1024; /* BLOCK of train_native/ranks/exchange.c */

export function exchangeSeconds({ ranks, bytes, rate, delay, burst = 0 }) {
    if (ranks === 1) return 0;
    const seconds = (size) => 8 * size / rate, block = Math.min(blockBytes, bytes);
    const through = Math.max(0, seconds(bytes - block - burst));
    return through + 2 * (ranks - 1) * (seconds(block) + delay) + Math.ceil(Math.log2(ranks)) * delay;
}

/* Seconds of a step: `fixed`, which every rank spends alike (packing weights, the optimizer), and what grows with its
 * images. With overlap the exchange hides behind the backward pass, two thirds of that, but for its latency. */
export function stepSeconds({ fixed, image, images, overlap = false, ...exchange }) {
    const compute = images * image, whole = exchangeSeconds(exchange);
    const latency = exchangeSeconds({ ...exchange, bytes: Math.min(blockBytes, exchange.bytes) });
    return fixed + compute + (overlap ? Math.max(latency, whole - 2 / 3 * compute) : whole);
}

/* Beside one machine that takes as many images in a step. */
export function efficiency({ fixed, image, images, ...rest }) {
    return (fixed + images * image) / stepSeconds({ fixed, image, images, ...rest });
}

/* The table, of networks { name, parameters, fixed, image } as measured here. */
export function modelTable(networks, { ranks = 64, images = 256, delay = 20e-6 } = {}) {
    const columns = [10e9, 100e9].flatMap((rate) => [4, 2].map((bytes) => ({ rate, bytes })));
    const name = ({ rate, bytes }) => `${rate / 1e9} Gbit/s, ${bytes === 4 ? 'float32' : 'bf16'}`;
    const percent = (value) => `${(100 * value).toFixed(0)} %`;
    const rows = networks.map((network) => {
        const cells = columns.map(({ rate, bytes }) => {
            const of = (overlap) => percent(efficiency({ ...network, images, ranks, bytes: bytes * network.parameters,
                rate, delay, overlap }));
            return `${of(false)}, ${of(true)}`;
        });
        const alone = (1000 * (network.fixed + images * network.image)).toFixed(0);
        const parameters = `${(network.parameters / 1e6).toFixed(2)} million`;
        return `| ${network.name}, ${parameters} | ${alone} | ${cells.join(' | ')} |`;
    });
    const head = ['network, parameters', 'ms a step', ...columns.map(name)];
    return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows].join('\n');
}
