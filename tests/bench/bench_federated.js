/* Federated averaging against central training, by the program's own commands, in half an hour on two busy cores.
 *
 *     node tests/bench/bench_federated.js --images 250 --rounds 16 --learning-rate 1.5 --step 3
 *
 * Ten clients with two classes each of CIFAR-10 train a head for ten classes on web/models/objects160.eyelet, which has
 * seen none of its pictures; `eyelet average` makes one of what they send, round after round. They start from a head
 * that the server has fitted to ten pictures of each class of its own. Central: from the same start with the same
 * options on the clients' images in one folder, an epoch for each round; and a head that is fitted to all of them to
 * the end. The first --choice images of CIFAR-10's test set are for choosing options by: each round's accuracy is of
 * these. What comes out in the end is measured on the others. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const defaults = { images: 250, rounds: 16, 'learning-rate': 1.5, step: 3, batch: 50, choice: 2000 };
const { values } = parseArgs({ options: Object.fromEntries(Object.entries(defaults).map(([name, number]) =>
    [name, { type: 'string', default: `${number}` }])) });
const program = join(root, 'build/eyelet'), start = join(root, 'web/models/objects160.eyelet');
const data = [process.env.EYELET_DATA, join(root, 'data'), join(root, '../shared/data')].filter(Boolean)
    .find((folder) => existsSync(join(folder, 'cifar-10-batches-bin')));
const labels = readFileSync(join(data, 'cifar-10-batches-bin/batches.meta.txt'), 'utf8').trim().split('\n');
const here = mkdtempSync(join(tmpdir(), 'federated-'));
process.on('exit', () => rmSync(here, { recursive: true, force: true }));

/* 24 bits a pixel, from the last row on, blue first. */
function bmp(record) {
    const bytes = Buffer.alloc(54 + 3072);
    bytes.write('BM');
    bytes.writeUInt32LE(bytes.length, 2);
    bytes.writeUInt32LE(54, 10);
    bytes.writeUInt32LE(40, 14);
    bytes.writeInt32LE(32, 18);
    bytes.writeInt32LE(32, 22);
    bytes.writeUInt16LE(1, 26);
    bytes.writeUInt16LE(24, 28);
    for (let y = 0; y < 32; y++)
        for (let x = 0; x < 32; x++)
            for (let c = 0; c < 3; c++)
                bytes[54 + ((31 - y) * 32 + x) * 3 + 2 - c] = record[1 + c * 1024 + y * 32 + x];
    return bytes;
}

/* Of each class ten images are the server's; of those behind them half are one client's and half those of the next. */
function deal() {
    const servers = 10, clients = Number(values.images), counts = labels.map(() => 0);
    const put = (folder, label, number, record) => {
        mkdirSync(join(here, folder, labels[label]), { recursive: true });
        writeFileSync(join(here, folder, labels[label], `${number}.bmp`), bmp(record));
    };
    for (let batch = 1; batch <= 5; batch++) {
        const bytes = readFileSync(join(data, `cifar-10-batches-bin/data_batch_${batch}.bin`));
        for (let at = 0; at < bytes.length; at += 3073) {
            const record = bytes.subarray(at, at + 3073), label = record[0], number = counts[label]++ - servers;
            if (number < 0)
                put('server', label, number + servers, record);
            else if (number < clients)
                for (const folder of [`client${number < clients / 2 ? label : (label + 9) % 10}`, 'all'])
                    put(folder, label, number, record);
        }
    }
    writeFileSync(join(here, 'labels.txt'), labels.join('\n'));
    const bytes = readFileSync(join(data, 'cifar-10-batches-bin/test_batch.bin'));
    for (let i = 0; i < 10_000; i++) {
        const record = bytes.subarray(i * 3073, (i + 1) * 3073);
        put(i < Number(values.choice) ? 'choice' : 'test', record[0], i, record);
    }
}

const eyelet = (...more) => execFileSync(program, more, { cwd: here, encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'] });
const fit = (folder, output, ...more) => eyelet('train', folder, '--from', start, '--labels', 'labels.txt',
    '-o', output, '--size', '64', '--validation', '0', '--test', '0', '--linear-probe', '--flip', 'none', ...more);
const train = (folder, from, output, epochs) => eyelet('train', folder, '--from', from, '--labels', 'labels.txt',
    '-o', output, '--recipe', 'finetune', '--freeze', 'trunk', '--optimizer', 'sgd', '--momentum', '0',
    '--schedule', 'constant', '--warmup', '0', '--learning-rate', values['learning-rate'], '--batch', values.batch,
    '--epochs', `${epochs}`, '--validation', '0', '--test', '0', '--label-smoothing', '0', '--flip', 'none',
    '--crop', '0', '--weight-decay', '0', '--restart');
const began = Date.now();
function say(name, model, images) {
    const found = eyelet('evaluate', model, '--data', images, '--test', '1', '--json');
    const { accuracy, images: count } = JSON.parse(found);
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    console.log(`${name.padEnd(28)} ${(100 * accuracy).toFixed(2)} % of ${count}   ${seconds} s`);
}

deal();
fit('server', 'round0.eyelet', '--standardize');
say('round 0', 'round0.eyelet', 'choice');
const rounds = Number(values.rounds), clients = labels.map((_, k) => `client${k}`);
for (let round = 1; round <= rounds; round++) {
    for (const client of clients)
        train(client, `round${round - 1}.eyelet`, `${client}.eyelet`, 1);
    eyelet('average', ...clients.map((client) => `${client}.eyelet`), '-o', `round${round}.eyelet`,
        '--base', `round${round - 1}.eyelet`, '--step', values.step);
    if (round % 3 === 1 || round === rounds)
        say(`round ${round}`, `round${round}.eyelet`, 'choice');
}
train('all', 'round0.eyelet', 'central.eyelet', rounds);
fit('all', 'fitted.eyelet');
say('round 0: the server\'s images', 'round0.eyelet', 'test');
say(`round ${rounds}`, `round${rounds}.eyelet`, 'test');
say(`central, ${rounds} epochs`, 'central.eyelet', 'test');
say('central, fitted to the end', 'fitted.eyelet', 'test');
