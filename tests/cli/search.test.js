/* eyelet index and search: what is found, what an update reads again, what is refused. */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng, jpeg } from '../support/pictures.js';
import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

/* The embedding is the mean of each channel, from -2 to 2. */
const layers = [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }];
const meanModel = modelOf({ layers, labels: ['yes', 'no'], embedding: 1 });
const plain = (colour) => encodePng({ data: new Uint8ClampedArray(4 * 32 * 32).map((_, i) => i % 4 === 3 ? 255 : colour[i % 4]), width: 32, height: 32 });
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const unit = (vector) => vector.map((value) => value / Math.sqrt(dot(vector, vector)));
const direction = (colour) => unit(colour.map((byte) => byte / 255 - 0.5));
const cosine = (a, b) => dot(direction(a), direction(b));
const colours = { red: [255, 10, 20], rose: [240, 60, 70], green: [20, 240, 60], leaf: [60, 200, 80], blue: [0, 20, 255], black: [0, 0, 0] };

function made() {
    const here = folder({ 'mean.eyelet': meanModel, ...Object.fromEntries(Object.entries(colours).map(([name, colour]) =>
        [`photos/${name.length > 4 ? 'long/' : ''}${name}.png`, plain(colour)])) });
    const at = (name) => join(here, name);
    return { at, index: async (...more) => succeeded(await eyelet(['index', at('mean.eyelet'), at('photos'), '-o', at('p.sqlite'), ...more])).stdout,
        search: async (...more) => JSON.parse(succeeded(await eyelet(['search', at('p.sqlite'), '--json', ...more])).stdout) };
}
const names = (found) => found.map(({ file }) => /(\w+)\.png$/.exec(file)[1]);

test('the nearest come first, with the cosine of their embeddings', async () => {
    const { at, index, search } = made();
    assert.match(await index(), /p\.sqlite: 6 images, 6 read, 0 removed/);
    const found = await search(at('photos/red.png'), '--count', '6');
    const wanted = Object.keys(colours).sort((a, b) => cosine(colours[b], colours.red) - cosine(colours[a], colours.red));
    assert.deepEqual(names(found), wanted);
    for (const { file, similarity, label, score } of found) {
        assert.ok(Math.abs(similarity - cosine(colours[/(\w+)\.png$/.exec(file)[1]], colours.red)) < 0.01);
        assert.ok(['yes', 'no'].includes(label) && score >= 0.5);
    }
    const { stdout } = succeeded(await eyelet(['search', at('p.sqlite'), at('photos/red.png'), '--count', '1']));
    assert.equal(stdout, `1.0000  ${at('photos/red.png')}\n`);
});

test('a picture that is not in the index is read; several are averaged; --unlike turns away', async () => {
    const { at, index, search } = made();
    await index();
    const elsewhere = join(folder({ 'wine.png': plain([200, 20, 30]) }), 'wine.png');
    assert.deepEqual(names(await search(elsewhere, '--count', '2')), ['red', 'rose']);
    const between = (name) => dot(direction(colours[name]), unit(direction(colours.red).map((value, i) => value + direction(colours.green)[i])));
    const both = await search(at('photos/red.png'), at('photos/long/green.png'), '--count', '6');
    assert.deepEqual(both.map(({ similarity }) => similarity), both.map(({ similarity }) => similarity).sort((a, b) => b - a));
    for (const [i, name] of names(both).entries())
        assert.ok(Math.abs(both[i].similarity - between(name)) < 0.01, name);
    const away = await search(at('photos/leaf.png'), '--unlike', at('photos/long/green.png'), '--count', '1');
    assert.notEqual(names(away)[0], 'green');
});

test('--like and --unlike may be given several times, in any order', async () => {
    const { at, index, search } = made();
    await index();
    const path = (name) => at(`photos/${name.length > 4 ? 'long/' : ''}${name}.png`);
    const [red, green, blue, leaf] = ['red', 'green', 'blue', 'leaf'].map(path);
    const both = await search(red, blue, '--count', '6');
    for (const words of [['--like', red, '--like', blue], ['--like', red, blue], ['--like', blue, '--like', red], [`--like=${red}`, `--like=${blue}`]])
        assert.deepEqual(await search(...words, '--count', '6'), both, `${words}`);
    const away = await search('--like', red, '--like', blue, '--unlike', green, '--unlike', leaf, '--count', '6');
    for (const words of [['--unlike', leaf, '--like', blue, '--unlike', green, '--like', red], ['--unlike', green, red, '--unlike', leaf, blue]])
        assert.deepEqual(await search(...words, '--count', '6'), away, `${words}`);
    const mean = (list) => list.map((name) => direction(colours[name])).reduce((sum, vector) => sum.map((value, i) => value + vector[i] / list.length), [0, 0, 0]);
    const query = unit(mean(['red', 'blue']).map((value, i) => value - mean(['green', 'leaf'])[i]));
    for (const [i, name] of names(away).entries())
        assert.ok(Math.abs(away[i].similarity - dot(direction(colours[name]), query)) < 0.01, name);
    for (const words of [['--like', red, '--like', at('gone.png')], [red, '--unlike', green, '--unlike', at('gone.png')]])
        refused(await eyelet(['search', at('p.sqlite'), ...words]), { subject: at('gone.png'), reason: /No such file/ });
});

test('the answer is the same on any number of threads', async () => {
    const { at, index, search } = made();
    await index();
    const one = await search(at('photos/blue.png'), '--threads', '1');
    for (const threads of ['2', '3', '7', '64'])
        assert.deepEqual(await search(at('photos/blue.png'), '--threads', threads), one);
});

test('an update reads what is new or changed, and removes what is gone', async () => {
    const { at, index, search } = made();
    await index();
    assert.match(await index(), /6 images, 0 read, 0 removed/);
    writeFileSync(at('photos/leaf.png'), plain([250, 5, 25]));
    utimesSync(at('photos/leaf.png'), 1, 1); /* whatever the clock's step is */
    rmSync(at('photos/rose.png'));
    writeFileSync(at('photos/grey.png'), plain([90, 90, 90]));
    renameSync(at('photos/blue.png'), at('photos/long/blue.png'));
    assert.match(await index(), /6 images, 3 read, 2 removed/);
    assert.deepEqual(names(await search(at('photos/red.png'), '--count', '2')).sort(), ['leaf', 'red']);
    assert.deepEqual(names(await search(at('photos/red.png'))).sort(), ['black', 'blue', 'green', 'grey', 'leaf', 'red']);
});

test('what is nearly the same is paired', async () => {
    const { at, index, search } = made();
    copyFileSync(at('photos/red.png'), at('photos/copy.png'));
    await index();
    const pairs = await search('--duplicates', '--threshold', '0.9999');
    assert.deepEqual(pairs.map(({ files }) => files.map((file) => /(\w+)\.png$/.exec(file)[1]).sort()), [['copy', 'red']]);
    assert.ok((await search('--duplicates', '--threshold', '0.9')).length > 1);
});

test('a picture that cannot be read is named, and the others are in the index', async () => {
    const { at } = made();
    writeFileSync(at('photos/bad.jpg'), jpeg.subarray(0, 100));
    const result = await eyelet(['index', at('mean.eyelet'), at('photos'), '-o', at('p.sqlite')]);
    refused(result, { subject: at('photos/bad.jpg'), reason: /cut short/ });
    assert.match(result.stdout, /6 images, 6 read/);
});

test('another model, another file and a damaged index are refused', async () => {
    const { at, index } = made();
    await index();
    writeFileSync(at('other.eyelet'), modelOf({ layers, labels: ['a', 'b'], embedding: 1 }));
    writeFileSync(at('tiny.eyelet'), tinyModel());
    refused(await eyelet(['index', at('other.eyelet'), at('photos'), '-o', at('p.sqlite')]), { subject: at('p.sqlite'), reason: /of another model/ });
    refused(await eyelet(['index', at('tiny.eyelet'), at('photos'), '-o', at('q.sqlite')]), { subject: at('tiny.eyelet'), reason: /no embedding/ });
    const elsewhere = join(folder({ 'x.png': plain([1, 2, 3]) }), 'x.png');
    refused(await eyelet(['search', at('p.sqlite'), elsewhere, '--model', at('other.eyelet')]), { subject: at('other.eyelet'), reason: /another model/ });
    refused(await eyelet(['search', at('mean.eyelet'), elsewhere]), { subject: at('mean.eyelet'), reason: /no index/ });
    refused(await eyelet(['search', at('nothing.sqlite'), elsewhere]), { subject: at('nothing.sqlite'), reason: /cannot be opened/ });
    const bytes = readFileSync(at('p.sqlite'));
    for (const size of [50, 65536, bytes.length - 65536]) {
        copyFileSync(at('p.sqlite'), at('cut.sqlite'));
        truncateSync(at('cut.sqlite'), size);
        const { status, signal } = await eyelet(['search', at('cut.sqlite'), at('photos/red.png')]);
        assert.deepEqual({ status, signal }, { status: 1, signal: null }, `${size} bytes`);
    }
});

test('a search of nothing, or of duplicates and a picture, is a mistake', async () => {
    for (const more of [[], ['--unlike', 'a.png'], ['--duplicates', 'a.png'], ['--duplicates', '--like', 'a.png'],
        ['--duplicates', '--unlike', 'a.png'], ['a.png', '--count', '0'], ['--like']])
        assert.equal((await eyelet(['search', 'p.sqlite', ...more])).status, 2);
});
