/* What was taught in a page goes on natively, and what was trained natively is taught further: web/teacher.js and
 * `eyelet train --from`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { loadTeacher } from '../../web/node_teacher.js';
import { noisyClasses, noisyPicture } from '../support/noisy_colours.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

const backbone = modelOf({ embedding: 3, layers: [{ kind: 'conv2d', channels: 8, kernel: [3, 3], stride: 4, same: true, bias: true },
    { kind: 'relu' }, { kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }] });
const channels = { red: 0, green: 1, blue: 2 };

/* A file with so many taught pictures of each label. */
async function teach(labels, count, model = backbone) {
    const teacher = await loadTeacher({ model });
    for (let i = 0; i < count; i++)
        for (const label of labels)
            await teacher.add(label, noisyPicture(channels[label], i));
    const bytes = await teacher.save({ name: 'taught' });
    teacher.close();
    return bytes;
}

const here = folder({ 'mine.eyelet': await teach(['red', 'green'], 12), 'red.png': noisyPicture(0, 500), 'blue.png': noisyPicture(2, 500) });
const train = (data, output, ...more) => eyelet(['train', data, '--from', join(here, 'mine.eyelet'), '-o', output, '--linear-probe', ...more], { cwd: here });

async function bestOf(model, picture) {
    const { stdout } = succeeded(await eyelet(['classify', model, picture], { cwd: here }));
    return /(red|green|blue)/.exec(stdout.replace(picture, ''))[1];
}

test('taught pictures are training images of their classes, beside those of the folder', async () => {
    const { stderr } = succeeded(await train(noisyClasses(['green', 'blue'], 20), 'on.eyelet'));
    assert.match(stderr, /^taught: 24 images of 2 classes in .*mine\.eyelet are training images, too; 3 classes in all$/m);
    assert.equal(await bestOf('on.eyelet', 'red.png'), 'red', 'of which the folder has none');
    assert.equal(await bestOf('on.eyelet', 'blue.png'), 'blue');
});

test('a folder of one class is enough where others were taught', async () => {
    succeeded(await train(noisyClasses(['blue'], 20), 'one.eyelet', '--test', '0'));
    assert.equal(await bestOf('one.eyelet', 'red.png'), 'red');
    assert.equal(await bestOf('one.eyelet', 'blue.png'), 'blue');
});

test('with no other classes the taught head is gone on with, in the order of its labels', async () => {
    const { stdout } = succeeded(await eyelet(['train', noisyClasses(['green', 'red'], 20), '--from', 'mine.eyelet', '-o', 'same.eyelet', '--epochs', '1', '--warmup', '0', '--learning-rate', '0', '--optimizer', 'sgd', '--test', '0'], { cwd: here }));
    assert.match(stdout, /accuracy/);
    const teacher = await loadTeacher({ model: join(here, 'mine.eyelet') });
    assert.deepEqual(teacher.classes.map(({ label }) => label), ['red', 'green']);
    const { best } = await teacher.classify(noisyPicture(0, 500), { topK: 1 });
    teacher.close();
    assert.equal(await bestOf('same.eyelet', 'red.png'), best[0].label);
});

test('a model that was trained natively is a backbone', async () => {
    succeeded(await train(noisyClasses(['green', 'blue'], 20), 'native.eyelet', '--test', '0'));
    const teacher = await loadTeacher({ model: join(here, 'native.eyelet') });
    assert.deepEqual(teacher.examples, []);
    assert.equal(teacher.info.embedding, 8);
    for (let i = 0; i < 6; i++)
        for (const label of ['red', 'blue'])
            await teacher.add(label, noisyPicture(channels[label], i));
    assert.equal((await teacher.classify(noisyPicture(2, 300))).best[0].label, 'blue');
    teacher.close();
});

test('the native program gives a saved model the same logits, to the last bit', async () => {
    const classifier = await loadClassifier({ model: join(here, 'mine.eyelet') });
    const { stdout } = succeeded(await eyelet(['classify', '--json', '--logits', 'mine.eyelet', 'red.png', 'blue.png'], { cwd: here }));
    const own = ['red.png', 'blue.png'].flatMap((name) => [...classifier.logitsSync(readFileSync(join(here, name)))]);
    assert.deepEqual(JSON.parse(stdout).flatMap(({ logits }) => logits.map(Math.fround)), own);
    assert.equal(own.length, 4);
});
