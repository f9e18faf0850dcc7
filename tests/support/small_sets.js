/* What the tests of small data sets share: pictures of 8 x 8 pixels, a model and a training run for them, and what is read from the answers. */
import { cpSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { encodePng } from './pictures.js';
import { eyelet, folder, succeeded } from './program.js';
import { modelOf } from './tiny_model.js';

export const network = join(folder({ 'small.txt': 'input 8x8x3\nflatten\ndense classes softmax\n' }), 'small.txt');
export const train = (data, more = [], options) => eyelet(['train', data, '-o', join(folder(), 'm.eyelet'), '--network', network, '--epochs', '1', ...more], options);
export const counts = ({ stdout }) => stdout.match(/, ([\d,]+) training and ([\d,]+) validation images/).slice(1).map((text) => Number(text.replaceAll(',', '')));
export const modelFor = (labels) => join(folder({ m: modelOf({ input: [8, 8, 3], labels, layers: [{ kind: 'flatten' }, { kind: 'dense', channels: labels.length }, { kind: 'softmax' }] }) }), 'm');
export const evaluation = async (model, data, ...more) => JSON.parse(succeeded(await eyelet(['evaluate', model, data, '--json', ...more])).stdout);
export const rows = (confusion) => confusion.map((row) => row.reduce((sum, count) => sum + count));

/* A data set that has the first images of each class of a larger one: of `set`/train/CLASS one, of `set`/test/CLASS `count`. */
export function partOf(set, count) {
    const here = folder();
    for (const [part, some] of [['train', 1], ['test', count]])
        for (const name of readdirSync(join(set, part)))
            for (const file of readdirSync(join(set, part, name)).sort().slice(0, some))
                cpSync(join(set, part, name, file), join(here, part, name, file));
    return here;
}

/* The logits of every image, a string for each. */
export async function logitsOf(model, data, classCount, ...more) {
    const here = folder();
    succeeded(await eyelet(['evaluate', model, data, '--logits', 'logits', ...more], { cwd: here }));
    const bytes = readFileSync(join(here, 'logits'));
    return Array.from({ length: bytes.length / (4 * classCount) }, (_, i) => bytes.subarray(4 * classCount * i, 4 * classCount * (i + 1)).toString('hex'));
}

/* A picture of 8 x 8 pixels, another one for every number; and its file. */
export function picture(number) {
    const data = new Uint8ClampedArray(256);
    for (let i = 0; i < 64; i++)
        data.set([number % 251, number * 7 % 253 ^ i, (number >> 8) * 31 + i * 3, 255], i * 4);
    return { data, width: 8, height: 8 };
}
export const png = (number) => encodePng(picture(number));

/* { 'cat/0.png': ..., ... }: `count` pictures for each class. */
export function classes(names, count, { prefix = '', first = 0 } = {}) {
    const files = {};
    names.forEach((name, label) => {
        for (let i = 0; i < count; i++)
            files[`${prefix}${name}/${i}.png`] = png(first + label * count + i);
    });
    return files;
}
