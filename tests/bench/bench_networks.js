/* The networks that the benchmarks run, with the files that each runtime reads, in build/bench. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bench_report.js';
import { planFrom } from './bench_tfjs.js';
import { readOnnx } from '../support/onnx_file.js';

const folder = join(root, 'build/bench'), fileOf = (name) => `build/bench/${name.replace(' ', '-')}`;
const options = { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] };
const run = (...words) => execFileSync(join(root, 'build/eyelet'), words, options);

/* The shipped models, and networks of which only the speed matters: trained for one step. */
const models = {
    airbench95: 'web/models/airbench95.eyelet',
    tutorial: 'web/models/tutorial.eyelet',
    'tutorial 64x64': ['--recipe', 'tutorial', '--size', '64'],
    resnet9: ['--recipe', 'resnet9'],
    mobile: ['--recipe', 'mobile'],
};

/* [{ name, model }] of those that are `wanted`, or of all; paths from the project's folder. leaveOut hears of what
 * cannot be made. */
export function trained(wanted, leaveOut) {
    mkdirSync(folder, { recursive: true });
    const isWanted = ([name]) => !wanted.length || wanted.includes(name);
    return Object.entries(models).filter(isWanted).flatMap(([name, source]) => {
        if (typeof source === 'string')
            return [{ name, model: source }];
        const model = `${fileOf(name)}.eyelet`;
        try {
            run('train', '-o', model, ...source, '--limit', '64', '--batch', '64', '--epochs', '1', '--warmup', '0',
                '--validation', '0');
        } catch ({ stderr }) {
            leaveOut(name, String(stderr).split('\n')[0]);
            return [];
        }
        return [{ name, model }];
    });
}

/* The same with the files of other runtimes: [{ name, model, quantized, onnx, plan, weights, width, height }]. */
export function networks(wanted, leaveOut) {
    return trained(wanted, leaveOut).map(({ name, model }) => {
        const [quantized, onnx, plan, weights] =
            ['quantized.eyelet', 'onnx', 'plan.json', 'weights'].map((ending) => `${fileOf(name)}.${ending}`);
        run('quantize', model, '-o', quantized, '--drop', '100', '--limit', '100');
        const [height, width] = JSON.parse(run('export', model, '--onnx', '-o', onnx, '--json')).input.slice(1);
        const forTensorFlow = planFrom(readOnnx(readFileSync(join(root, onnx))));
        writeFileSync(join(root, plan), JSON.stringify(forTensorFlow.plan));
        writeFileSync(join(root, weights), forTensorFlow.weights);
        return { name, model, quantized, onnx, plan, weights, width, height };
    });
}
