/* Short training runs from the command line: networks of every kind of layer, a noisy data set made here, and what is read
 * from the results. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { eyelet, folder, makeData, makeRecords, succeeded } from './program.js';

export const noisy = makeData(makeRecords(200));
export const networks = folder({
    'small.txt': 'avgpool 8\nflatten\ndense classes softmax\n',
    'large.txt': 'flatten\ndense classes softmax\n',
    'deep.txt': 'avgpool 4\nflatten\ndense 16 relu\ndense 16 relu\ndense classes softmax\n',
    'whitened.txt': `conv2d 24 2x2 whiten gelu
maxpool 3
conv2d 24 3x3 same nobias identity
maxpool 2
batchnorm frozen gelu
flatten
dense classes nobias
scale 0.25
softmax
`,
    'mobile.txt': `input 16x16x3
conv2d 6 3x3 stride 2 same nobias batchnorm relu6
depthwise 3x3 same nobias batchnorm relu6
a: conv2d 5 1x1 nobias batchnorm
conv2d 11 1x1 nobias batchnorm relu6
depthwise 3x3 same nobias batchnorm relu6
conv2d 5 1x1 nobias batchnorm
add a
depthwise 3x3 stride 2
maxpool 2
batchnorm relu6
flatten
dense classes softmax
`,
    'tiny.txt': 'global_avgpool\ndense classes softmax\n',
    'rich.txt': `maxpool 4
a: conv2d 6 3x3 same nobias batchnorm relu
conv2d 6 3x3 same batchnorm
add a relu
dropout 0.3
conv2d 8 3x3 stride 2 batchnorm relu
flatten
batchnorm
dense 16 batchnorm tanh
dropout 0.2
dense classes softmax
` });
export const trainArguments = (network, ...more) => ['train', '-o', 'm.eyelet', '--network', join(networks, `${network}.txt`), '--data', noisy, '--limit', '300', '--warmup', '0', ...more];
export const epochsIn = (stdout) => stdout.trim().split('\n').map((line) => JSON.parse(line)).filter(({ epoch }) => epoch); /* the last line is the calibration's */
export const train = (cwd, network, ...more) => eyelet(trainArguments(network, ...more), { cwd });

export async function loads(cwd, ...models) {
    for (const model of models)
        succeeded(await eyelet(['summary', model], { cwd }));
}

export function logIsWhole(path) {
    const text = readFileSync(path, 'utf8');
    assert.match(text, /^epoch,loss,accuracy,validation_loss,validation_accuracy,seconds\n(\d+(,\d+\.\d+){2},(\d+\.\d+)?,(\d+\.\d+)?,\d+\.\d+\n)*$/);
    return text.split('\n').slice(1, -1).map((line) => line.split(',').map(Number));
}
