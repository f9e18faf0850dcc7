/* The embeddings that a linear probe keeps: reused by the next run on the same images, never where anything that they follow from is
 * another, never damaged; and the augmented views of --views. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { noisyClasses } from '../support/noisy_colours.js';
import { eyelet, folder, makeData, makeRecords, refused, succeeded } from '../support/program.js';
import { modelOf, random } from '../support/tiny_model.js';

const layers = [{ kind: 'conv2d', channels: 8, kernel: [3, 3], stride: 2, same: true, bias: true }, { kind: 'relu' }, { kind: 'global_avgpool' },
    { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }];
const models = folder({ 'a.eyelet': modelOf({ layers }), 'b.eyelet': modelOf({ layers, weight: random(2) }), 'std.eyelet': modelOf({ layers, std: [0.2, 0.25, 0.25] }),
    'wide.eyelet': modelOf({ layers: [{ ...layers[0], channels: 9 }, ...layers.slice(1)] }) });
const from = (name) => join(models, `${name}.eyelet`);

const names = ['red', 'green', 'blue'], images = noisyClasses(names, 24);
const probe = async (cwd, data, model, ...more) => {
    const result = succeeded(await eyelet(['train', data, '-o', 'm.eyelet', '--from', from(model), '--linear-probe', ...more], { cwd }));
    const [, kept, all] = result.stdout.match(/^(?:([\d,]+) of )?([\d,]+) embeddings of/m) ?? [];
    return { ...result, kept: Number(kept ?? 0), all: Number(all), model: readFileSync(join(cwd, 'm.eyelet')) };
};
const file = (here) => join(here, 'm.embeddings');

test('the next run on the same images reuses them, and comes to the same model', async () => {
    const here = folder(), first = await probe(here, images, 'a');
    assert.deepEqual([first.kept, first.all], [0, 66], '2 of 24 images of a class are held out as test set');
    const bytes = readFileSync(file(here)), again = await probe(here, images, 'a', '--threads', '1');
    assert.deepEqual([again.kept, again.all], [66, 66]);
    assert.ok(weightsOf(again.model) === weightsOf(first.model));
    assert.ok(readFileSync(file(here)).equals(bytes));
    assert.deepEqual(readdirSync(here).sort(), ['m.embeddings', 'm.eyelet']);
    const other = await probe(here, images, 'a', '--validation', '0.4', '--seed', '5');
    assert.deepEqual([other.kept, other.all], [66, 66], 'for another validation set too');
});

/* The notes hold the command. */
const weightsOf = (bytes) => bytes.subarray(-4 - (896 + 128), -4).toString('hex');

test('other images, weights and preprocessing are computed anew', async () => {
    const here = folder();
    await probe(here, images, 'a');
    for (const model of ['b', 'std', 'wide', 'a'])
        assert.equal((await probe(here, images, model)).kept, 0, model);
    assert.equal((await probe(here, images, 'a', '--size', '40')).kept, 0, 'another size');
    assert.equal((await probe(here, images, 'a', '--size', '40')).kept, 66);
    assert.equal((await probe(here, images, 'a', '--size', '40', '--resize', 'pad')).kept, 66, "the model's own resize mode is kept");
    const more = noisyClasses(names, 30), some = await probe(here, more, 'a', '--size', '40');
    assert.ok(some.kept > 40 && some.kept < some.all && some.all === 81, `${some.kept} of ${some.all}: those of before`);
    assert.equal((await probe(here, noisyClasses(names, 24, { first: 500 }), 'a', '--size', '40')).kept, 0, 'other images');
});

test('damaged files are never used, and files of others are never replaced', async () => {
    const here = folder(), first = await probe(here, images, 'a'), whole = readFileSync(file(here));
    for (const at of [9, 41, 45, 60, whole.length >> 1, whole.length - 1]) {
        const damaged = Buffer.from(whole);
        damaged[at] ^= 1;
        writeFileSync(file(here), damaged);
        const { kept, stderr, model } = await probe(here, images, 'a');
        assert.equal(kept, 0, `${at}`);
        assert.match(stderr, /m\.embeddings: the embeddings are damaged, and computed anew/);
        assert.ok(model.equals(first.model));
        assert.ok(readFileSync(file(here)).equals(whole));
    }
    for (const short of [8, 47, 79, 80, whole.length - 1]) {
        writeFileSync(file(here), whole.subarray(0, short));
        assert.match((await probe(here, images, 'a')).stderr, /are damaged/, `${short} bytes`);
    }
    writeFileSync(file(here), 'a letter');
    const { stderr, model } = await probe(here, images, 'a', '--remove-embeddings');
    assert.match(stderr, /m\.embeddings: holds no embeddings, and is left as it is/);
    assert.equal(readFileSync(file(here), 'latin1'), 'a letter');
    assert.equal(weightsOf(model), weightsOf(first.model));
});

test('they are kept in another file, removed on request, and not made of records', async () => {
    const here = folder();
    await probe(here, images, 'a', '--embeddings', 'kept');
    assert.deepEqual(readdirSync(here).sort(), ['kept', 'm.eyelet']);
    assert.equal((await probe(here, images, 'a', '--embeddings', 'kept', '--remove-embeddings')).kept, 66);
    assert.deepEqual(readdirSync(here), ['m.eyelet']);
    succeeded(await eyelet(['train', images, '-o', 'run/', '--from', from('a'), '--linear-probe'], { cwd: here }));
    assert.ok(existsSync(join(here, 'run', 'run.embeddings')), "in the run's folder");
    const records = folder();
    succeeded(await eyelet(['train', '--data', makeData(makeRecords(200)), '-o', 'm.eyelet', '--from', from('a'), '--linear-probe', '--limit', '100'], { cwd: records }));
    assert.deepEqual(readdirSync(records), ['m.eyelet']);
});

test('a file that cannot be written costs the next run its time, not this run its model', async () => {
    const here = folder();
    const { stderr } = await probe(here, images, 'a', '--embeddings', 'none/kept');
    assert.match(stderr, /none\/kept: the embeddings cannot be kept: /);
});

test('views are augmented images beside the image itself, the same for any number of threads', async () => {
    const here = folder(), still = ['--flip', 'none', '--crop', '0'], views = ['--views', '3', '--validation', '0.2'];
    const plain = await probe(here, images, 'a', ...views.slice(2)), { all } = plain, validation = Math.round((3 * all - (await probe(here, images, 'a', ...views, ...still)).all) / 2);
    assert.ok(validation > 5 && validation < 20, `of ${all} images ${validation} validate, in one view`);
    const moved = await probe(folder(), images, 'a', ...views, '--crop', '6'), one = await probe(folder(), images, 'a', ...views, '--crop', '6', '--threads', '1');
    assert.equal(moved.all, 3 * (all - validation) + validation);
    assert.equal(weightsOf(one.model), weightsOf(moved.model));
    assert.notEqual(weightsOf(moved.model), weightsOf(plain.model));
    refused(await eyelet(['train', images, '-o', 'm.eyelet', '--from', from('a'), '--linear-probe', '--views', '0'], { cwd: here }), { status: 2, reason: /--views takes 1 to / });
});

test('memory that does not do is named with the number that it takes', async () => {
    const here = folder();
    const result = await eyelet(['train', images, '-o', 'm.eyelet', '--from', from('a'), '--linear-probe', '--memory', '0'], { cwd: here });
    refused(result, { reason: /take \d+ MiB of memory; 0 MiB are left/, hint: /--memory/ });
    assert.deepEqual(readdirSync(here), ['m.pixels'], 'what the next run uses');
});
