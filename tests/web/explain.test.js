/* classifier.explain and BackgroundClassifier.explain in Node: the native program's numbers, and what is refused. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { BackgroundClassifier, platform } from '../../web/background.js';
import { loadClassifier } from '../../web/node.js';
import { eyelet, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const pathOf = (name) => fileURLToPath(new URL(`../../web/${name}`, import.meta.url));
const picture = pathOf('examples/tabby.jpg'), model = pathOf('models/objects160.eyelet');

const isCode = (code, pattern = /./) => (error) => error.code === code && pattern.test(error.message);

test('the module and the program give the same bits: quantized and float, the best class and another', async () => {
    for (const [name, label] of [['objects160', 'cougar'], ['airbench95', 'dog'], ['tutorial', 'ship']]) {
        const path = pathOf(`models/${name}.eyelet`), classifier = await loadClassifier({ model: path });
        for (const words of [[], ['--class', label]]) {
            const native = JSON.parse(succeeded(await eyelet(['explain', path, picture, '--json', ...words])).stdout);
            const told = await classifier.explain(picture, { class: words[1] });
            assert.deepEqual([told.label, told.index, told.score], [native.label, native.index, Math.fround(native.score)]);
            assert.deepEqual([...told.grid.map], native.map.map(Math.fround), `${name} ${words}`);
            assert.deepEqual([told.grid.height, told.grid.width], native.grid);
            const { x, y, width, height } = told.box;
            assert.deepEqual([x, y, width, height], native.part);
            assert.equal(told.map.length, classifier.info.inputWidth * classifier.info.inputHeight);
            assert.ok(told.map.every((value) => value >= 0 && value <= 1));
        }
        classifier.close();
    }
});

test('pixels, bytes and an index are taken; the score is that of classify', async () => {
    const classifier = await loadClassifier({ model });
    const bytes = readFileSync(picture), [best] = classifier.classifySync(bytes);
    const [told, again] = await Promise.all([classifier.explain(bytes), classifier.explain(bytes, { class: best.index })]);
    assert.deepEqual({ label: told.label, score: told.score, index: told.index }, best);
    assert.deepEqual(again, told);
    const pixels = { data: new Uint8Array(4 * 10 * 5).fill(128), width: 10, height: 5 };
    const explaining = classifier.explain(pixels);
    pixels.data.fill(0); /* the call has its own */
    assert.notDeepEqual((await explaining).score, (await classifier.explain(pixels)).score);
    classifier.close();
});

test('what cannot be explained is said', async () => {
    const flat = await loadClassifier({ model: tinyModel() });
    await assert.rejects(flat.explain(picture), isCode('NO_FEATURE_MAP', /no feature map/));
    for (const wanted of ['lynx', 10, -1, 1.5, null])
        await assert.rejects(flat.explain(picture, { class: wanted }), isCode('ARGUMENT', /the model has no class/));
    await assert.rejects(flat.explain(picture, { signal: AbortSignal.abort() }), isCode('ABORTED'));
    flat.close();
    await assert.rejects(flat.explain(picture), isCode('CLOSED'));
});

test('a module that cannot be had is told, and asked for again with the next call', async () => {
    const classifier = await loadClassifier({ model }), { teacherWasm } = platform;
    try {
        platform.teacherWasm = () => 'no-such-module.wasm';
        await assert.rejects(classifier.explain(picture), isCode('FETCH', /no-such-module/));
    } finally {
        platform.teacherWasm = teacherWasm;
    }
    assert.equal((await classifier.explain(picture)).label, 'egyptian_cat');
    classifier.close();
});

test('a worker explains, beside what it classifies', async () => {
    const classifier = await loadClassifier({ model }), background = new BackgroundClassifier();
    try {
        await background.open({ model: readFileSync(model) });
        const [told, { best }] = await Promise.all([background.explain(picture, { class: 'cougar' }), background.classify(picture)]);
        assert.deepEqual(told, await classifier.explain(picture, { class: 'cougar' }));
        assert.equal(best[0].label, 'egyptian_cat');
        await assert.rejects(background.explain(picture, { class: 'lynx' }), isCode('ARGUMENT'));
        await background.open({ model: tinyModel() }); /* another model's explainer is another */
        await assert.rejects(background.explain(picture), isCode('NO_FEATURE_MAP'));
    } finally {
        background.close();
        classifier.close();
    }
});
