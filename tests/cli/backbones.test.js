/* `eyelet train FOLDER` with trained models at hand: which of them is found, when it is taken untried, and the contest of a head on its features
 * with training from nothing; `--fine-tune`. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng } from '../support/pictures.js';
import { eyelet, folder, program, refused, root, start, succeeded } from '../support/program.js';
import { modelOf, random } from '../support/tiny_model.js';

/* The mean colour, which tells the classes below apart; and what tells nothing, for its features are the same for every image. */
const conv = (channels, stride = 1) => ({ kind: 'conv2d', channels, kernel: [3, 3], stride, same: true, bias: true });
const rest = [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }];
const small = [conv(6, 2), { kind: 'relu' }, conv(8, 2), { kind: 'relu' }, ...rest];
const mini = modelOf({ layers: small });
const photo = (weight) => modelOf({ input: [96, 96, 3], layers: small, weight }), sees = photo(random(1)), blind = photo(() => 0);
const large = modelOf({ input: [96, 96, 3], layers: [conv(8, 2), { kind: 'relu' }, ...rest] });

function pictures(count, { side = 32, quiet = 0 } = {}) {
    const root = folder();
    ['red', 'green', 'blue'].forEach((name, label) => {
        mkdirSync(join(root, name));
        for (let i = 0; i < count; i++) {
            let state = 1000 * label + i;
            const data = Buffer.alloc(side * side * 4, 255);
            for (let k = 0; k < side * side; k++)
                for (let c = 0; c < 3; c++) {
                    state = Math.imul(state, 1664525) + 1013904223 | 0;
                    data[4 * k + c] = (c === label ? 100 - quiet : 60) + (state >>> 25);
                }
            writeFileSync(join(root, name, `${i}.png`), encodePng({ data, width: side, height: side }));
        }
    });
    return root;
}

const shipped = join(root, 'web/models/objects160.eyelet');
const many = pictures(56), few = pictures(12);
const train = (cwd, data, env, ...more) => eyelet(['train', data, '-o', 'm.eyelet', ...more], { cwd, env });
const at = (files) => ({ EYELET_BACKBONES: folder(files) });
const networkOf = (here) => readFileSync(join(here, 'm.eyelet'), 'latin1').match(/^network: (.*)$/m)[1];
const epochsIn = (stdout) => stdout.match(/^epoch /gm)?.length ?? 0;

test('of models at hand with as many classes the one with the most multiply-adds is found, fetched ones before those that ship', async () => {
    const cache = folder({ 'eyelet/small.eyelet': mini, 'eyelet/large.eyelet': large, 'eyelet/notes.txt': 'x', 'eyelet/broken.eyelet': 'no model' });
    const unset = { EYELET_BACKBONES: undefined, HOME: folder() };
    const fetched = succeeded(await train(folder(), few, { ...unset, XDG_CACHE_HOME: cache }));
    assert.match(fetched.stdout, /^from .*\/eyelet\/large\.eyelet, with so few images that none are set aside to try it/m);
    assert.match(fetched.stderr, /broken\.eyelet: no start for training: /);
    const home = folder({ '.cache/eyelet/small.eyelet': mini });
    assert.match(succeeded(await train(folder(), few, { ...unset, HOME: home, XDG_CACHE_HOME: '' }, '--epochs', '1')).stdout, /^from .*\/\.cache\/eyelet\/small\.eyelet/m);
    const prefix = folder({ 'bin/x': '', 'share/eyelet/shipped.eyelet': large });
    copyFileSync(program, join(prefix, 'bin', 'eyelet'));
    const installed = await start(join(prefix, 'bin', 'eyelet'), ['train', few, '-o', 'm.eyelet'], { cwd: folder(), env: { ...unset, XDG_CACHE_HOME: '' } }).result;
    assert.match(succeeded(installed).stdout, /^from .*share\/eyelet\/shipped\.eyelet/m);
});

test('a model of many classes is preferred to a larger one of few, and of about as many the larger one', async () => {
    const of = (classes, width) => modelOf({ layers: [conv(width, 2), { kind: 'relu' }, { kind: 'global_avgpool' }, { kind: 'dense', channels: classes, bias: true }, { kind: 'softmax' }] });
    const took = async (files) => succeeded(await train(folder(), few, at(files), '--epochs', '1')).stdout.match(/^from .*\/(\w+)\.eyelet/m)[1];
    const files = { 'ten.eyelet': of(10, 64), 'many.eyelet': of(60, 8), 'more.eyelet': of(100, 4) };
    assert.equal(await took(files), 'many', 'it has more than half the classes of `more`, and is larger');
    assert.equal(await took({ ...files, 'most.eyelet': of(200, 3) }), 'more', '60 are less than half of 200; 100 are not');
});

test('few images are given to it untried: to a head where it is made for photos, to all of it where it is small', async () => {
    const here = folder(), { stdout } = succeeded(await train(here, few, at({ 'b.eyelet': large })));
    assert.match(stdout, /^chosen for 36 images of 32 pixels in 3 classes: --linear-probe --validation 0$/m);
    assert.match(networkOf(here), /^of .*b\.eyelet/);
    assert.deepEqual(readdirSync(here).sort(), ['m.embeddings', 'm.eyelet']);
    const layers = succeeded(await train(folder(), few, at({ 'b.eyelet': large }), '--epochs', '2'));
    assert.match(layers.stdout, /--recipe finetune --epochs 2 /);
    assert.equal(epochsIn(layers.stdout), 2);
    const whole = succeeded(await train(folder(), few, at({ 'b.eyelet': mini }), '--epochs', '1'));
    assert.match(whole.stdout, /--recipe finetune --epochs 1 /);
});

test('a small model is the start of all layers, also where validation images are set aside', async () => {
    const here = folder(), { stdout } = succeeded(await train(here, many, at({ 'b.eyelet': mini }), '--epochs', '2'));
    assert.match(stdout, /^from .*b\.eyelet; --from none trains from nothing$/m);
    assert.match(stdout, /--recipe finetune --epochs 2 --batch \d+ --validation 0\.1$/m);
    assert.equal(epochsIn(stdout), 2);
    assert.match(networkOf(here), /^of .*b\.eyelet/);
});

test('two classes of a few pictures are learnt from the model that ships, whose learning rates are for many', async () => {
    const two = folder(), at = ['train', two, '-o', 'm.eyelet', '--from', shipped, '--epochs', '8'];
    for (const name of ['red', 'green'])
        symlinkSync(join(few, name), join(two, name));
    const { stdout } = succeeded(await eyelet(at, { cwd: folder() }));
    assert.match(stdout, /^chosen for 24 images of 32 pixels in 2 classes: --recipe finetune-muon --epochs 8 --batch 100 --dense-learning-rate 0.04 --bias-learning-rate 0.65 /m);
    assert.match(stdout, /^epoch 8\/8 .* accuracy 100.00 %/m);
    const { stderr } = await eyelet([...at, '--dense-learning-rate', '0.8', '--bias-learning-rate', '13'], { cwd: folder() });
    assert.match(stderr, /training has diverged.*\n.*Lower --learning-rate \(it was 0.02; .*\), --dense-learning-rate \(0.8\) or lengthen --warmup/);
});

test('none at hand and --from none train from nothing', async () => {
    const nothing = ['--epochs', '1', '--size', '16'];
    assert.match(succeeded(await train(folder(), few, {}, ...nothing)).stdout, /^no trained model is at hand to start from/m);
    const here = folder(), { stdout } = succeeded(await train(here, few, at({ 'b.eyelet': large }), ...nothing, '--from', 'none'));
    assert.doesNotMatch(stdout, /at hand|b\.eyelet/);
    assert.equal(networkOf(here), 'photos');
    const named = folder();
    succeeded(await train(named, few, at({ 'b.eyelet': large }), '--recipe', 'photos', ...nothing));
    assert.equal(networkOf(named), 'photos', 'so does a recipe that is named');
});

test('what cannot be a start is named, and costs nothing', async () => {
    const windows = modelOf({ layers: [{ ...conv(2), same: false }, { kind: 'global_avgpool' }, { kind: 'softmax' }] });
    const { stderr } = succeeded(await train(folder(), few, at({ 'b.eyelet': windows }), '--epochs', '1', '--size', '16'));
    assert.match(stderr, /b\.eyelet: its head is no dense layer\n.*Training starts from nothing\./);
});

/* ---- The contest ---- */

const contest = ['--size', '32', '--threads', '1', '--validation', '0.4', '--epochs', '8', '--batch', '40'];

test('a head that is out of reach ends training from nothing after a quarter of its epochs', async () => {
    const here = folder(), hopeless = ['--learning-rate', '1e-9', '--dense-learning-rate', '1e-9', '--bias-learning-rate', '1e-9'];
    const { stdout } = succeeded(await train(here, many, at({ 'b.eyelet': sees }), ...contest, ...hopeless));
    assert.equal(epochsIn(stdout), 2, stdout);
    assert.match(stdout, /^kept: the head on the features of .*b\.eyelet, after a quarter of the epochs beyond the reach of training from nothing$/m);
    assert.match(networkOf(here), /^of .*b\.eyelet/);
    assert.ok(!existsSync(join(here, 'm.checkpoint')), 'nothing is to go on');
    refused(await train(here, many, at({ 'b.eyelet': sees }), ...contest, ...hopeless, '--resume'), { reason: /no checkpoint of this model/ });
});

test('a head that loses gives way to what was trained from nothing', async () => {
    const here = folder(), { stdout } = succeeded(await train(here, many, at({ 'b.eyelet': blind }), ...contest));
    assert.equal(epochsIn(stdout), 8, stdout);
    assert.match(stdout, /^kept: what was trained from nothing, better than a head on .*b\.eyelet$/m);
    assert.equal(networkOf(here), 'photos');
    const { accuracy } = JSON.parse(succeeded(await eyelet(['evaluate', 'm.eyelet', many, '--json'], { cwd: here })).stdout);
    assert.ok(accuracy > 0.8, `${accuracy}`);
});

test('an interrupted contest resumes to the same files, and to the head where that is better', async () => {
    const slow = ['--learning-rate', '0.001', '--dense-learning-rate', '0.01', '--bias-learning-rate', '1', '--epochs', '12'];
    for (const [model, more] of [[blind, []], [sees, slow]]) {
        const env = at({ 'b.eyelet': model }), whole = folder(), parts = folder(), words = [...contest, ...more];
        const complete = succeeded(await train(whole, many, env, ...words));
        const run = start(program, ['train', many, '-o', 'm.eyelet', ...words], { cwd: parts, env });
        await run.seen(/^epoch +1\//m);
        run.child.kill('SIGINT');
        assert.equal((await run.result).status, 130);
        const rest = succeeded(await train(parts, many, env, ...words, '--resume'));
        assert.doesNotMatch(rest.stdout, /embeddings of/, 'the head is not trained again');
        assert.equal(rest.stdout.match(/^kept: .*$/m)[0], complete.stdout.match(/^kept: .*$/m)[0]);
        for (const name of ['m.eyelet', 'm.last.eyelet'])
            assert.ok(readFileSync(join(parts, name)).equals(readFileSync(join(whole, name))), name);
        const other = await train(parts, many, at({ 'b.eyelet': photo(random(9)) }), ...words, '--resume');
        if (existsSync(join(parts, 'm.checkpoint')))
            refused(other, { reason: /against/ });
    }
});

test('the run of a contest has its report and its scores calibrated, whoever wins', async () => {
    for (const [model, network] of [[sees, /^of /], [blind, /^photos$/]]) {
        const here = folder(), { stdout } = succeeded(await eyelet(['train', many, '-o', 'run/', ...contest], { cwd: here, env: at({ 'b.eyelet': model }) }));
        assert.ok(['run.eyelet', 'run.txt', 'run.html', 'run.csv'].every((name) => existsSync(join(here, 'run', name))), stdout);
        const text = readFileSync(join(here, 'run', 'run.eyelet'), 'latin1');
        assert.match(text.match(/^network: (.*)$/m)[1], network);
        assert.match(text, /^calibration: /m);
        assert.match(readFileSync(join(here, 'run', 'run.txt'), 'utf8'), /^against=[0-9a-f]{8}$/m);
    }
});
