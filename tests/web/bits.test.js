// The promise that the browser gives the same bits as the native program: CIFAR-10's test images, every native build
// against the WebAssembly module. (tests/core/test_classifier.c shows it on a golden sample without the data.)
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadClassifier } from '../../web/classifier.js';

const root = new URL('../..', import.meta.url).pathname;
const data = [process.env.EYELET_DATA, join(root, 'data'), join(root, '../shared/data')]
    .filter(Boolean)
    .flatMap((folder) => [folder, join(folder, 'cifar-10-batches-bin')])
    .find((folder) => existsSync(join(folder, 'test_batch.bin')));
const variants = ['x86-64-v4', 'x86-64-v3', 'portable', 'scalar'].filter((name) => existsSync(join(root, 'build', name, 'eyelet')));
// And how many of the 10,000 images; the larger model would take minutes for all of them.
const models = [['tutorial.eyelet', 10000], ['airbench95.eyelet', 200], ['tutorial.eyelet', 2000, 'quantized']];

/** The records of a CIFAR-10 file as RGBA images. */
function* images(file, count) {
    const records = readFileSync(file), pixels = 1024; // the planes of red, green and blue
    for (let at = 0; at < count * (1 + 3 * pixels); at += 1 + 3 * pixels) {
        const rgba = new Uint8ClampedArray(4 * pixels);
        for (let i = 0; i < pixels; i++)
            rgba.set([records[at + 1 + i], records[at + 1 + pixels + i], records[at + 1 + 2 * pixels + i], 255], 4 * i);
        yield { data: rgba, width: 32, height: 32 };
    }
}

for (const [model, count, quantized = ''] of models)
    test(`${count} test images give the same logits in every build: ${model}${quantized && ', quantized'}`, { skip: !data && 'SKIPPED: no CIFAR-10 found' }, async () => {
        const folder = mkdtempSync(join(tmpdir(), 'eyelet-bits-'));
        after(() => rmSync(folder, { recursive: true }));
        let path = join(root, 'web/models', model);
        if (quantized) {
            execFileSync(join(root, 'build/eyelet'), ['quantize', path, '-o', join(folder, model), '--data', data, '--images', '64', '--limit', '100',
                '--drop', '100'], { stdio: 'pipe' });
            path = join(folder, model);
        }
        const classifier = await loadClassifier({ model: path });
        const classes = classifier.labels.length;
        const inModule = [];
        for (const image of images(join(data, 'test_batch.bin'), count))
            inModule.push(...new Uint32Array(classifier.logits(image).buffer));
        assert.equal(inModule.length, count * classes);

        assert.ok(variants.length > 0, 'no native build to compare with');
        for (const variant of variants) {
            const file = join(folder, variant);
            execFileSync(join(root, 'build', variant, 'eyelet'),
                ['evaluate', path, '--data', data, '--limit', `${count}`, '--logits', file, '--json'], { stdio: 'pipe' });
            const bytes = readFileSync(file);
            const native = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
            assert.equal(native.length, inModule.length);
            const different = native.findIndex((bits, i) => bits !== inModule[i]);
            assert.equal(different, -1, `${variant}: image ${Math.floor(different / classes)}, class ${different % classes}`);
            console.log(`# ${model}${quantized && ', quantized'}: ${variant} and WebAssembly agree in all ${native.length} logits`);
        }
    });
