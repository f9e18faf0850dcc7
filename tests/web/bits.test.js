/* The promise that the browser gives the same bits as the native program: every native build against the
 * WebAssembly module, on images that are drawn here, and on test images of CIFAR-10 and objects-160 where they are. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, makeData, photoSet, realData, recordBytes, start, succeeded } from '../support/program.js';
import { drawnRecords } from '../support/drawn_images.js';
import { loadClassifier } from '../../web/node.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const builds = ['x86-64-v4', 'x86-64-v3', 'portable', 'scalar']
    .filter((name) => existsSync(join(root, 'build', name, 'eyelet')));
const drawn = makeData(drawnRecords());

/* The records of a CIFAR-10 file as RGBA images. */
function* imagesOf(file, count) {
    const bytes = readFileSync(file), plane = 1024;
    for (let at = 1; at < count * recordBytes; at += recordBytes) {
        const rgba = new Uint8ClampedArray(4 * plane);
        for (let i = 0; i < plane; i++)
            rgba.set([bytes[at + i], bytes[at + plane + i], bytes[at + 2 * plane + i], 255], 4 * i);
        yield { data: rgba, width: 32, height: 32 };
    }
}

const bitsOf = (logits) => new Uint32Array(Float32Array.from(logits).buffer);

/* The bits of the module's logits of these images and of each build's, which agree; ofBuild(program) gives a list of the latter. */
async function agreed(model, images, ofBuild) {
    const classifier = await loadClassifier({ model }), classes = classifier.labels.length;
    const inModule = bitsOf([...images].flatMap((image) => [...classifier.logitsSync(image)]));
    assert.ok(builds.length > 0, 'no native build to compare with');
    for (const build of builds) {
        const native = bitsOf(await ofBuild(join(root, 'build', build, 'eyelet')));
        assert.equal(native.length, inModule.length);
        const different = native.findIndex((bits, i) => bits !== inModule[i]);
        assert.equal(different, -1, `${build}: image ${Math.floor(different / classes)}, class ${different % classes}`);
        console.log(`# ${model}: ${build} and WebAssembly agree in all ${native.length} logits`);
    }
    return inModule;
}

/* Of the first `count` test images of CIFAR-10, or of what is made like it. */
function agreedLogits(model, data, count) {
    const file = ['test_batch.bin', 'cifar-10-batches-bin/test_batch.bin'].map((name) => join(data, name))
        .find((name) => existsSync(name));
    return agreed(model, imagesOf(file, count), async (program) => {
        const here = folder();
        const words = ['evaluate', model, '--data', data, '--limit', `${count}`, '--logits', 'logits', '--json'];
        succeeded(await start(program, words, { cwd: here }).result);
        const bytes = readFileSync(join(here, 'logits'));
        return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    });
}

/* Of image files. */
function agreedOnFiles(model, paths) {
    return agreed(model, paths.map((path) => readFileSync(path)), async (program) => {
        const { stdout } = succeeded(await start(program, ['classify', '--json', '--logits', model, ...paths]).result);
        return JSON.parse(stdout).flatMap(({ logits }) => logits);
    });
}

const shipped = (name) => join(root, 'web/models', name);

async function quantized(name, data) {
    const here = folder();
    const words = ['quantize', shipped(name), '-o', 'm.eyelet', '--data', data];
    succeeded(await eyelet([...words, '--images', '64', '--limit', '100', '--drop', '100'], { cwd: here }));
    return join(here, 'm.eyelet');
}

/* The same of the drawn images as PNG files, for a model of another size and other classes. */
function agreedOnDrawnFiles(model, _, count) {
    const here = folder(Object.fromEntries([...imagesOf(join(drawn, 'test_batch.bin'), count)].map((image, i) => [`${i}.png`, encodePng(image)])));
    return agreedOnFiles(model, Array.from({ length: count }, (_, i) => join(here, `${i}.png`)));
}

/* `digest` holds machines of different kinds to the same logits, too. */
for (const [name, count, digest, compare = agreedLogits] of [
    ['tutorial.eyelet', 1000, 'dabd4be78c197386576c7b5e07c019c48bf1f1f07556eac0d4970be3d27a721b'],
    ['airbench95.eyelet', 100, '4cb10a6add6192b7f5f228b883abb15bdc786775570fed4f170465ec94521ff1'],
    ['objects160.eyelet', 100, 'db0f4ede3c480f37a024d15b7acb68761dfba07fe63a3d326fcd244a97ff6978', agreedOnDrawnFiles],
])
    test(`drawn images give the same logits in every build and on every machine: ${name}`, async () => {
        const logits = await compare(shipped(name), drawn, count);
        const classes = logits.length / count, rows = Array.from({ length: count }, (_, i) => logits.subarray(i * classes, (i + 1) * classes).join());
        assert.ok(new Set(rows).size > count / 2, 'the images are too much alike to compare anything');
        assert.equal(createHash('sha256').update(logits).digest('hex'), digest);
    });

test('drawn images give the same logits in every build: tutorial.eyelet, quantized', async () => {
    await agreedLogits(await quantized('tutorial.eyelet', drawn), drawn, 1000);
});

/* And how many of the 10,000 images; the larger model would take minutes for all of them. */
const cases = [['tutorial.eyelet', 10000], ['airbench95.eyelet', 200], ['tutorial.eyelet', 2000, quantized]];
for (const [name, count, prepare = shipped] of cases)
    test(`${count} images of CIFAR-10 give equal logits in every build: ${name}${prepare === shipped ? '' : ', int8'}`,
        { skip: realData ? false : 'NOT TESTED: CIFAR-10 is not on this machine; name its folder in EYELET_DATA' },
        async () => { await agreedLogits(await prepare(name, realData), realData, count); });

const photos = photoSet('objects-160');
test('320 photos give equal logits in every build: objects160.eyelet',
    { skip: photos ? false : 'NOT TESTED: objects-160 is neither in data/ nor in ../shared/data/' },
    async () => {
        const ofClass = (name) => readdirSync(join(photos, 'test', name)).sort().slice(0, 2).map((file) => join(photos, 'test', name, file));
        await agreedOnFiles(shipped('objects160.eyelet'), readdirSync(join(photos, 'test')).flatMap(ofClass));
    });
