/* Teaching, in Node: the example pictures' classes and pictures drawn in code, on the backbone that ships. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { platform } from '../../web/background.js';
import { loadTeacher } from '../../web/node_teacher.js';
import { ClassifierError, loadClassifier } from '../../web/node.js';
import { thumbnailSideFor, resized, sideThatFits } from '../../web/teacher_file.js';
import { modelFormat } from '../support/model_format.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';
import { hostileJpeg } from '../support/pictures.js';

const backbone = fileURLToPath(new URL('../../web/models/objects160.eyelet', import.meta.url));
const side = 64;

/* A picture of one of three looks, no two alike: stripes, a disc, a gradient; of its own colours. */
function drawn(look, number) {
    const data = new Uint8Array(side * side * 4).fill(255);
    let state = number * 7919 + look.length * 104729 + 1;
    const random = () => (state = state * 48271 % 2147483647) / 2147483647;
    const [a, b] = [0, 1].map((end) => [0, 1, 2].map(() => 255 * (end ? 0.5 + random() / 2 : random() / 2)));
    const size = 4 + 6 * random(), x0 = side * (0.3 + 0.4 * random()), y0 = side * (0.3 + 0.4 * random());
    const shades = {
        stripes: (x, y) => Math.sin((x + y * random.length) * 6.28 / size) > 0 ? 1 : 0,
        disc: (x, y) => Math.hypot(x - x0, y - y0) < 2 * size ? 1 : 0,
        gradient: (x, y) => (x + y) / (2 * side),
    };
    for (let y = 0, at = 0; y < side; y++)
        for (let x = 0; x < side; x++, at += 4)
            for (let channel = 0; channel < 3; channel++) {
                const shade = shades[look](x, y);
                data[at + channel] = a[channel] * (1 - shade) + b[channel] * shade + 8 * random();
            }
    return { data, width: side, height: side };
}
const looks = ['stripes', 'disc', 'gradient'];

async function taught({ each = 8, model = backbone } = {}) {
    const teacher = await loadTeacher({ model });
    for (let number = 0; number < each; number++)
        for (const look of looks)
            await teacher.add(look, drawn(look, number));
    return teacher;
}

let teacher;
before(async () => { teacher = await taught(); });
after(() => teacher.close());

test('what was taught is answered, and a saved model answers the same to the last bit', async () => {
    assert.deepEqual(teacher.classes, looks.map((label) => ({ label, count: 8 })));
    const trained = await teacher.train();
    assert.deepEqual([trained.classes, trained.examples], [3, 24]);
    for (const look of looks)
        assert.equal((await teacher.classify(drawn(look, 100))).best[0].label, look);
    const evaluation = await teacher.evaluate(), bytes = await teacher.save({ name: 'looks' });
    assert.equal(evaluation.count, 24);
    assert.ok(evaluation.accuracy > 0.6);
    const classifier = await loadClassifier({ model: bytes }), again = await loadTeacher({ model: bytes });
    assert.deepEqual(classifier.labels, looks);
    assert.equal(classifier.info.name, 'looks');
    for (const number of [50, 51, 52]) {
        const image = drawn(looks[number % 3], number), { best } = await teacher.classify(image);
        assert.deepEqual(await classifier.classify(image), best);
        assert.deepEqual((await again.classify(image)).best, best);
    }
    assert.deepEqual(again.examples, teacher.examples);
    assert.deepEqual(await again.thumbnail(5), await teacher.thumbnail(5));
    assert.ok(Buffer.from(await again.save({ name: 'looks' })).equals(Buffer.from(bytes)));
    again.close();
    classifier.close();
    assert.ok(bytes.length < 4e6 + 24 * (side * side * 3 + 352 * 4 + 2) && readFileSync(backbone).length < 4e6);
});

/* ---- A small backbone, of which the mean colours tell ---- */

const small = modelOf({ embedding: 3, layers: [{ kind: 'conv2d', channels: 8, kernel: [3, 3], stride: 4, same: true, bias: true },
    { kind: 'relu' }, { kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }] });

/* Near one of `of` colours, which lie on a ring. */
function coloured(index, number = 0, of = 3) {
    const data = new Uint8Array(32 * 32 * 4).fill(255), turn = 2 * Math.PI * index / of;
    for (let at = 0; at < data.length; at += 4)
        for (let channel = 0; channel < 3; channel++)
            data[at + channel] = 128 + 100 * Math.cos(turn - 2.094 * channel) + (at * 7 + number * 13 + channel) % 17;
    return { data, width: 32, height: 32 };
}

async function opened(t, model = small) {
    const teacher = await loadTeacher({ model });
    t.after(() => teacher.close());
    return teacher;
}

const fails = (promise, code, message = /./) => assert.rejects(promise, (error) => {
    assert.ok(error instanceof ClassifierError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
});
const throwsCode = (run, code, message = /./) => assert.throws(run, (error) => error instanceof ClassifierError && error.code === code && message.test(error.message));

test('an update has the weights and the number of pictures in it and nothing else, and is averaged', async () => {
    await teacher.evaluate(); /* whose temperature and thresholds are no part of it */
    const bytes = await teacher.exportUpdate({ name: 'mine' }), classifier = await loadClassifier({ model: bytes });
    const { header } = modelFormat, number = (name) => Buffer.from(bytes).readUIntLE(header.get(name).offset, header.get(name).bytes);
    for (const name of ['example count', 'thumbnail side', 'example embeddings'])
        assert.equal(number(name), 0, name);
    assert.equal(Buffer.from(bytes).readFloatLE(header.get('temperature').offset), 1);
    assert.deepEqual(classifier.info.notes, { name: 'mine', data: '24 pictures of 3 classes', backbone: 'objects160', update: 'weights only' });
    /* Header, nodes, labels, notes and weights are all of the file: it is as long as the model it is of, but for these texts and the head. */
    const own = readFileSync(backbone), headOf = (classes) => Math.ceil((4 + 4 * classes + 352 * classes + 4 * classes) / 64) * 64;
    const textsOf = (file, labels) => Math.ceil((header.recordBytes + 32 * file.readUInt16LE(header.get('node count').offset) +
        labels.reduce((sum, label) => sum + 1 + Buffer.byteLength(label), 0) + file.readUInt32LE(header.get('notes length').offset)) / 64) * 64;
    const { labels } = await loadClassifier({ model: own });
    const trunkAndSum = own.length - textsOf(own, labels) - (headOf(160) - 4 * 160); /* whose head has no bias */
    assert.ok(Math.abs(bytes.length - textsOf(Buffer.from(bytes), looks) - headOf(3) - trunkAndSum) < 64);
    for (const look of looks)
        assert.equal(classifier.classifySync(drawn(look, 100))[0].label, look);

    const other = await loadTeacher({ model: backbone });
    for (const look of looks)
        other.addClass(look);
    for (let count = 0; count < 4; count++)
        await other.add('disc', drawn('disc', 50 + count));
    const of = folder({ 'a.eyelet': bytes, 'b.eyelet': await other.exportUpdate() });
    other.close();
    succeeded(await eyelet(['average', 'a.eyelet', 'b.eyelet', '-o', 'c.eyelet'], { cwd: of }));
    const next = await loadTeacher({ model: join(of, 'c.eyelet') });
    assert.deepEqual(next.classes, looks.map((label) => ({ label, count: 0 })), 'the next round has the same classes in the same order');
    await assert.rejects(next.exportUpdate(), { code: 'TOO_FEW' });
    next.close();
    const average = await loadClassifier({ model: join(of, 'c.eyelet') }), [a, b] = await Promise.all(['a', 'b'].map((name) => loadClassifier({ model: join(of, `${name}.eyelet`) })));
    const picture = drawn('stripes', 60), [logits, first, second] = [average, a, b].map((model) => [...model.logitsSync(picture)]);
    logits.forEach((logit, k) => assert.ok(Math.abs(logit - (24 * first[k] + 4 * second[k]) / 28) < 0.15, `${logits} of ${first} and ${second}`));
    assert.deepEqual((await teacher.classify(drawn('disc', 100))).best.length, 3, 'and it teaches on');
});

test('pictures and classes come, go, move and get other names', async (t) => {
    const teacher = await opened(t), ids = [];
    for (let number = 0; number < 4; number++)
        for (const [index, label] of ['a', 'b', 'c'].entries())
            ids.push(await teacher.add(label, coloured(index, number)));
    assert.equal(new Set(ids).size, 12);
    const { examples, classes } = teacher;
    assert.equal(teacher.examples, examples, 'the same array while nothing changes');
    assert.deepEqual(examples.slice(0, 2), [{ id: ids[0], label: 'a' }, { id: ids[1], label: 'b' }]);
    teacher.move(ids[0], 'd');
    assert.notEqual(teacher.examples, examples);
    teacher.remove(ids[1]);
    teacher.renameClass('c', 'sea');
    assert.deepEqual(teacher.classes, [{ label: 'a', count: 3 }, { label: 'b', count: 3 }, { label: 'sea', count: 4 }, { label: 'd', count: 1 }]);
    assert.deepEqual(classes.map(({ count }) => count), [4, 4, 4], 'what was given out stays');
    teacher.renameClass('d', 'a');
    assert.deepEqual(teacher.classes.map(({ label, count }) => label + count), ['a4', 'b3', 'sea4'], 'into a class that is there');
    teacher.addClass('empty');
    teacher.addClass('empty');
    assert.equal((await teacher.classify(coloured(2, 9))).best[0].label, 'sea');
    teacher.removeClass('sea');
    const { best, nearest } = await teacher.classify(coloured(2, 9), { nearest: 20 });
    assert.deepEqual(best.map(({ label, index }) => [label, index]).sort(), [['a', 0], ['b', 1]], 'without pictures a class is no answer');
    assert.equal(nearest.length, 7);
    assert.ok(nearest.every(({ id, label, similarity }, rank) => label === teacher.examples.find((example) => example.id === id).label &&
        similarity <= (nearest[rank - 1]?.similarity ?? 1.001)));
    const classifier = await loadClassifier({ model: await teacher.save() });
    assert.deepEqual(classifier.labels, ['a', 'b']);
    assert.match(classifier.info.notes.data, /^7 pictures of 2 classes$/);
    for (const [run, code] of [[() => teacher.remove(999), 'ARGUMENT'], [() => teacher.move(999, 'a'), 'ARGUMENT'], [() => teacher.renameClass('none', 'x'), 'ARGUMENT'],
        [() => teacher.removeClass('none'), 'ARGUMENT'], [() => teacher.addClass(''), 'TEXT'], [() => teacher.addClass('two\nlines'), 'TEXT'], [() => teacher.addClass('\ud800'), 'TEXT'],
        [() => teacher.addClass('é'.repeat(128)), 'TEXT'], [() => teacher.addClass(5), 'ARGUMENT'], [() => teacher.renameClass('a', ' '), 'TEXT']])
        throwsCode(run, code);
    await fails(teacher.thumbnail(999), 'ARGUMENT');
    await fails(teacher.save({ notes: { 'a: b': 'c' } }), 'TEXT');
});

test('too little is said in words', async (t) => {
    const teacher = await opened(t);
    for (const run of [() => teacher.train(), () => teacher.classify(coloured(0)), () => teacher.evaluate(), () => teacher.save()])
        await fails(run(), 'TOO_FEW', /no pictures/);
    teacher.addClass('other');
    await teacher.add('only', coloured(0));
    await fails(teacher.train(), 'TOO_FEW', /only "only" has pictures/);
    await teacher.add('other', coloured(1));
    assert.deepEqual(await teacher.evaluate().then(({ count, mistakes, threshold, interval }) => [count, mistakes, threshold, interval]), [0, [], undefined, [0, 1]]);
    const { best, isOutlier } = await teacher.classify(coloured(1, 3));
    assert.deepEqual([best[0].label, isOutlier], ['other', false], 'one picture each is enough to answer');
});

test('an estimate counts each picture once, names the mistakes and refuses what is unlike', async (t) => {
    const teacher = await opened(t);
    for (let number = 0; number < 20; number++)
        for (const [index, label] of ['a', 'b', 'c'].entries())
            await teacher.add(label, coloured(index, number));
    const wrong = await teacher.add('a', coloured(1, 50)); /* a picture in the wrong class */
    await teacher.add('single', coloured(0.5));
    const { accuracy, interval: [low, high], count, labels, confusion, mistakes, threshold } = await teacher.evaluate();
    assert.deepEqual(labels, ['a', 'b', 'c', 'single']);
    assert.equal(count, 61, 'all but the single one');
    assert.equal(confusion.flat().reduce((sum, n) => sum + n), 61);
    const right = confusion.reduce((sum, row, index) => sum + row[index], 0);
    assert.equal(accuracy, right / 61);
    assert.ok(low < accuracy && accuracy < high && high < 1 && accuracy > 0.9);
    assert.equal(mistakes.length, 61 - right);
    assert.deepEqual([mistakes[0].id, mistakes[0].label, mistakes[0].answered], [wrong, 'a', 'b']);
    assert.ok(threshold > 0 && threshold === teacher.info.threshold);
    assert.equal((await teacher.classify(coloured(0, 30))).isOutlier, false);
    assert.equal((await teacher.classify({ data: new Uint8Array(32 * 32 * 4).fill(255), width: 32, height: 32 })).isOutlier, true, 'white');
});

test('51 classes are taught, and no more than 256', async (t) => {
    const teacher = await opened(t);
    for (let index = 0; index < 51; index++)
        for (let number = 0; number < 2; number++)
            await teacher.add(`class ${index}`, coloured(index, number, 51));
    assert.deepEqual(await teacher.train().then(({ classes, examples }) => [classes, examples]), [51, 102]);
    const bytes = await teacher.save(), classifier = await loadClassifier({ model: bytes });
    assert.deepEqual(await classifier.classify(coloured(7, 5, 51), { topK: 51 }), (await teacher.classify(coloured(7, 5, 51), { topK: 51 })).best);
    for (let index = 51; index < teacher.info.maxClasses; index++)
        teacher.addClass(`class ${index}`);
    throwsCode(() => teacher.addClass('one more'), 'LIMIT', /256/);
    await fails(teacher.add('one more', coloured(0)), 'LIMIT');
});

test('bad pictures, models and labels are errors, and nothing is lost', async (t) => {
    const teacher = await opened(t);
    await teacher.add('a', coloured(0));
    for (const [image, code] of [[hostileJpeg, 'IMAGE_CORRUPT'], [new Uint8Array(10), 'IMAGE_FORMAT'], ['/no/such/file.jpg', 'FETCH'], [null, 'ARGUMENT'], [{ data: new Uint8Array(3), width: 5, height: 5 }, 'ARGUMENT']])
        await fails(teacher.add('b', image), code);
    assert.deepEqual(teacher.classes, [{ label: 'a', count: 1 }], 'a class that got no picture was not made');
    await fails(teacher.add('', coloured(0)), 'TEXT');
    await fails(teacher.add('a', coloured(0), { signal: AbortSignal.abort() }), 'ABORTED');
    await teacher.add('b', coloured(1));
    assert.equal((await teacher.classify(coloured(1, 4))).best[0].label, 'b');
    await fails(teacher.classify(coloured(1), { topK: 0 }), 'ARGUMENT');
    const damaged = Buffer.from(small);
    damaged[damaged.length - 100] ^= 1;
    for (const [model, code] of [[damaged, 'CHECKSUM'], [small.subarray(0, 300), 'TRUNCATED'], [Buffer.from('<html>'), 'NOT_A_MODEL'], [tinyModel(), 'NO_HEAD'], [undefined, 'ARGUMENT']])
        await fails(loadTeacher({ model }), code);
    await fails(loadTeacher({ model: small, wasm: readFileSync(new URL('../../web/classifier.wasm', import.meta.url)) }), 'NOT_WASM', /teacher\.wasm/);
});

test('calls are done in their order, and a closed teacher answers none', async (t) => {
    const teacher = await opened(t), changing = coloured(1);
    const adding = [teacher.add('a', coloured(0)), teacher.add('b', changing)], answer = teacher.classify(coloured(1, 3));
    changing.data.fill(0); /* it was read before */
    assert.equal((await answer).best[0].label, 'b');
    assert.deepEqual(await Promise.all(adding), [1, 2]);
    const late = teacher.add('c', coloured(2));
    teacher.removeClass('a');
    await late;
    assert.deepEqual(teacher.classes.map(({ label }) => label), ['b', 'c']);
    const going = teacher.add('b', coloured(1, 8));
    teacher.removeClass('b');
    await fails(going, 'ABORTED', /"b" was removed/);
    const pending = [teacher.add('b', coloured(0)), teacher.train()];
    teacher.close();
    for (const call of [...pending, teacher.train(), teacher.save(), teacher.thumbnail(1), teacher.add('a', coloured(0))])
        await fails(call, 'CLOSED');
    throwsCode(() => teacher.addClass('x'), 'CLOSED');
});

test('a worker that ends is replaced by one that knows the same pictures', async (t) => {
    const { startTeacher } = platform, workers = [];
    t.after(() => { platform.startTeacher = startTeacher; });
    platform.startTeacher = async (...hear) => {
        workers.push(await startTeacher(...hear));
        return workers.at(-1);
    };
    const teacher = await opened(t);
    for (const [index, label] of ['a', 'b'].entries())
        for (let number = 0; number < 6; number++)
            await teacher.add(label, coloured(index, number));
    const before = await teacher.classify(coloured(1, 9));
    const lost = teacher.add('a', coloured(0, 20));
    await workers[0].terminate();
    await fails(lost, 'TRAPPED', /call again/);
    const again = await teacher.classify(coloured(1, 9));
    assert.equal(workers.length, 2);
    assert.deepEqual([again.best[0].label, again.nearest], [before.best[0].label, before.nearest]);
    assert.equal(teacher.examples.length, 12);
});

test('without workers this thread does the same', async (t) => {
    const { hasWorkers } = platform, bytes = [];
    t.after(() => { platform.hasWorkers = hasWorkers; });
    for (const has of [true, false]) {
        platform.hasWorkers = () => has;
        const teacher = await opened(t);
        for (let number = 0; number < 8; number++)
            for (const [index, label] of ['a', 'b', 'c'].entries())
                await teacher.add(label, coloured(index, number));
        bytes.push(Buffer.from(await teacher.save({ name: 'same' })));
        await fails(teacher.add('a', new Uint8Array(10)), 'IMAGE_FORMAT');
    }
    assert.ok(bytes[0].equals(bytes[1]));
});

test('thumbnails are what the model saw, smaller where there are many', async (t) => {
    const teacher = await opened(t), picture = coloured(0);
    const { data, width, height } = await teacher.thumbnail(await teacher.add('a', picture));
    assert.deepEqual([width, height], [32, 32]);
    assert.deepEqual(Buffer.from(data), Buffer.from(picture.data));
    const sizes = { inputWidth: 160, inputHeight: 120 };
    assert.deepEqual([thumbnailSideFor(sizes, 1000, 1000), thumbnailSideFor(sizes, 1001, 1000)], [160, 80]);
    const pixels = Uint8Array.from({ length: 4 * 2 * 3 }, (_, k) => k);
    assert.deepEqual([...resized(pixels, { width: 4, height: 2 }, 1)], [11, 12, 13], 'the mean of each channel');
    const side = sideThatFits(160, 5000, { modelBytes: 4e6, embedding: 352 });
    assert.ok(side < 160 && 5000 * (side * side * 3 + 352 * 4 + 2) + 4e6 < 160 * 2 ** 20 && 5000 * (side + 2) ** 2 * 3 > 140 * 2 ** 20);
    assert.equal(sideThatFits(160, 50, { modelBytes: 4e6, embedding: 352 }), 160);
});
