/* eyelet quantize: what it makes, what it says, what it refuses; and what the other commands do with its models. The data set is made
 * here; tests/web/bits.test.js compares the builds on the real one. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadClassifier } from '../../web/node.js';

import { encodePng, gradient } from '../support/pictures.js';
import { classNames, eyelet, folder, makeData, makeRecords, nothingLeftOver, recordBytes, refused, succeeded } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

const bytes = makeRecords(120);
const data = makeData(bytes);

/* The classes of the made-up images differ in their mean by 6 of 255. This separates them by the red, and adds to all scores the green
 * times a number so large that 8 bits have room for nothing else beside it. */
function unquantizable() {
    const middle = (label) => ((158 - 6 * label) / 255 - 0.5) / 0.25;
    const numbers = [];
    for (const weight of [(label) => 2 * middle(label), () => 2000, () => 0, (label) => -(middle(label) ** 2)])
        for (let label = 0; label < 10; label++)
            numbers.push(weight(label));
    return modelOf({ labels: classNames, weight: () => numbers.shift(),
        layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 10, bias: true }, { kind: 'softmax' }] });
}

/* The same by the red alone, which comes four times: weakly with a weight of 20 for all classes, strongly with the weights that tell
 * classes, and twice in between. In steps of 20 / 127 those are wrong by more than what they differ by, but the last two can take it over. */
function outOfScale() {
    const middle = (label) => ((158 - 6 * label) / 255 - 0.5) / 0.25;
    const numbers = [0.01, 1, 0.2, 0.08, ...Array(8).fill(0)];
    for (const weight of [() => 20, (label) => 2 * middle(label), () => 1, () => 1, (label) => -(middle(label) ** 2)])
        for (let label = 0; label < 10; label++)
            numbers.push(weight(label));
    return modelOf({ labels: classNames, weight: () => numbers.shift(), layers: [{ kind: 'conv2d', channels: 4, kernel: [1, 1] }, { kind: 'global_avgpool' },
        { kind: 'dense', channels: 10, bias: true }, { kind: 'softmax' }] });
}

/* A trained model with something of everything, and the same quantized: a folder with m.eyelet and q.eyelet, and what was said. */
async function quantize() {
    const here = folder({ 'net.txt': 'input 32x32x3\nconv2d 16 3x3 stride 2 same relu\nconv2d 16 3x3 same batchnorm gelu\nmaxpool 2\n'
        + 'a: depthwise 3x3 same relu6\nconv2d 16 1x1\nadd a\nbatchnorm\nglobal_avgpool\ndense classes softmax\n' });
    succeeded(await eyelet(['train', '-o', 'm.eyelet', '--network', 'net.txt', '--limit', '400', '--epochs', '2', '--data', data], { cwd: here }));
    const result = succeeded(await eyelet(['quantize', 'm.eyelet', '-o', 'q.eyelet', '--data', data, '--images', '50', '--limit', '500',
        '--drop', '100'], { cwd: here }));
    return { here, result };
}
const once = quantize();
async function quantized() {
    const { here, result } = await once, file = (name) => readFileSync(join(here, name));
    return { here: folder({ 'm.eyelet': file('m.eyelet'), 'q.eyelet': file('q.eyelet') }), result };
}

test('quantize says what became of size, accuracy and classes, and the other commands take the model', async () => {
    const { here, result } = await quantized(), at = (name) => join(here, name);
    assert.match(result.stdout, /^size +[\d,]+ bytes before, [\d,]+ after$/m);
    assert.match(result.stdout, /^accuracy +[\d.]+ % \([\d.]+-[\d.]+\) before, [\d.]+ % \([\d.]+-[\d.]+\) after \([+-][\d.]+ points\); the two agree on (100|9\d)\.\d\d % of 500 images$/m);
    assert.equal(result.stderr.match(/^data: /gm).length, 2);
    assert.match(result.stdout, /^worst +\w+ [\d.]+ to [\d.]+ %, \w+ [\d.]+ to [\d.]+ %, \w+ [\d.]+ to [\d.]+ %$/m);
    nothingLeftOver(here);

    const json = JSON.parse(succeeded(await eyelet(['quantize', 'm.eyelet', '-o', 'again.eyelet', '--data', data, '--images', '50', '--limit',
        '500', '--drop', '100', '--json'], { cwd: here })).stdout);
    assert.deepEqual(readFileSync(at('again.eyelet')), readFileSync(at('q.eyelet')));
    assert.equal(json.bytes_before, statSync(at('m.eyelet')).size);
    assert.equal(json.bytes_after, statSync(at('q.eyelet')).size);
    assert.deepEqual(json.classes.map(({ label }) => label).sort(), [...classNames].sort());
    const losses = json.classes.map(({ before, after }) => before - after);
    assert.deepEqual(losses, [...losses].sort((a, b) => b - a));

    const evaluate = (name) => eyelet(['evaluate', name, '--data', data, '--limit', '500', '--json'], { cwd: here });
    assert.equal(JSON.parse(succeeded(await evaluate('q.eyelet')).stdout).accuracy, json.accuracy_after);
    assert.match(succeeded(await eyelet(['summary', 'q.eyelet'], { cwd: here })).stdout, /int8, quantized[^]*quantized: 50 training images, seed 1/);
    succeeded(await eyelet(['convert', 'q.eyelet', '-o', 'floats.eyelet', '--weights', 'f32', '--data', data], { cwd: here }));
    assert.match(succeeded(await eyelet(['summary', 'floats.eyelet'], { cwd: here })).stdout, /float32/);
    refused(await eyelet(['export', 'q.eyelet', '--onnx', '-o', 'q.onnx'], { cwd: here }),
        { subject: 'q.eyelet', reason: /a quantized model cannot be exported/, hint: /made from/ });
    refused(await eyelet(['quantize', 'q.eyelet', '-o', 'twice.eyelet', '--data', data], { cwd: here }),
        { subject: 'q.eyelet', reason: /quantized already/, hint: /made from/ });
    assert.ok(!existsSync(at('q.onnx')) && !existsSync(at('twice.eyelet')));
});

test('recording the accuracy of a quantized model changes its notes alone', async () => {
    const { here } = await quantized();
    const logits = async (name) => {
        succeeded(await eyelet(['evaluate', 'q.eyelet', '--data', data, '--limit', '200', '--logits', name, '--record'], { cwd: here }));
        return readFileSync(join(here, name));
    };
    const before = await logits('before');
    assert.match(succeeded(await eyelet(['summary', 'q.eyelet'], { cwd: here })).stdout, /^accuracy: [\d.]+ % \([\d.]+-[\d.]+\) of 200 CIFAR-10 test images$/m);
    assert.deepEqual(await logits('after'), before);
});

test('a quantized model gives the same bits natively and in the module', async () => {
    const { here } = await quantized(), count = 50, pixels = 1024;
    succeeded(await eyelet(['evaluate', 'q.eyelet', '--data', data, '--limit', `${count}`, '--logits', 'logits'], { cwd: here }));
    const native = readFileSync(join(here, 'logits'));
    const classifier = await loadClassifier({ model: join(here, 'q.eyelet') });
    for (let i = 0; i < count; i++) {
        const record = bytes.subarray(i * recordBytes + 1, (i + 1) * recordBytes), image = new Uint8ClampedArray(4 * pixels).fill(255);
        for (let k = 0; k < pixels; k++)
            for (let c = 0; c < 3; c++)
                image[4 * k + c] = record[c * pixels + k];
        const inModule = classifier.logitsSync({ data: image, width: 32, height: 32 });
        assert.deepEqual(Buffer.from(inModule.buffer, inModule.byteOffset, 40), native.subarray(40 * i, 40 * i + 40), `image ${i}`);
    }
    writeFileSync(join(here, 'a.png'), encodePng(gradient(40, 30)));
    const [{ predictions }] = JSON.parse(succeeded(await eyelet(['classify', 'q.eyelet', 'a.png', '--json'], { cwd: here })).stdout);
    const [best] = classifier.classifySync(readFileSync(join(here, 'a.png')));
    assert.equal(predictions[0].label, best.label);
    assert.equal(Math.fround(predictions[0].score), best.score);
    classifier.close();
});

test('a quantized model is a start for others by its weights, widened: of a head, of the last blocks, of all layers', async () => {
    const { here } = await quantized(), starts = [folder({ 'start.eyelet': readFileSync(join(here, 'q.eyelet')) }), folder()];
    succeeded(await eyelet(['convert', join(here, 'q.eyelet'), '-o', join(starts[1], 'start.eyelet'), '--weights', 'f32', '--data', data]));
    for (const words of [['--linear-probe'], ['--fine-tune', '1', '--epochs', '1'], ['--recipe', 'finetune', '--epochs', '1']]) {
        const models = [];
        for (const cwd of starts) {
            succeeded(await eyelet(['train', '-o', 'm.eyelet', '--from', 'start.eyelet', '--data', data, '--limit', '200', ...words], { cwd }));
            models.push(readFileSync(join(cwd, 'm.eyelet')));
        }
        assert.ok(models[0].equals(models[1]), words.join(' '));
    }
});

test('the embeddings of a quantized model are near those of the one that it was made from', async () => {
    const { here } = await quantized();
    writeFileSync(join(here, 'a.png'), encodePng(gradient(40, 30)));
    const [floats, integers] = await Promise.all(['m', 'q'].map(async (name) => {
        succeeded(await eyelet(['embed', `${name}.eyelet`, 'a.png', '-o', `${name}.csv`], { cwd: here }));
        return readFileSync(join(here, `${name}.csv`), 'utf8').split('\n')[1].split(',').slice(1).map(Number);
    }));
    const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    assert.ok(dot(floats, integers) / Math.sqrt(dot(floats, floats) * dot(integers, integers)) > 0.99, `${floats}\n${integers}`);
    const classifier = await loadClassifier({ model: join(here, 'q.eyelet') });
    assert.deepEqual([...classifier.embedSync(readFileSync(join(here, 'a.png')))], integers.map(Math.fround));
    classifier.close();
});

test('what loses more accuracy than --drop allows is refused, and nothing is written', async () => {
    const here = folder({ 'm.eyelet': unquantizable(), 'old.eyelet': 'what stood there' });
    const argumentList = ['quantize', 'm.eyelet', '-o', 'old.eyelet', '--data', data, '--images', '50', '--limit', '1000'];
    for (const drop of [[], ['--drop', '50']]) {
        const result = await eyelet([...argumentList, ...drop], { cwd: here });
        assert.match(result.stdout, /^accuracy +(9\d|100)[.\d]* % before, 1\d\.\d\d % after/m);
        refused(result, { subject: 'm.eyelet', reason: /quantization costs [89]\d\.\d\d percentage points of accuracy, more than (0\.5|50)$/m, hint: /--drop/ });
    }
    assert.equal(readFileSync(join(here, 'old.eyelet'), 'utf8'), 'what stood there');
    assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'old.eyelet']);
    succeeded(await eyelet([...argumentList, '--drop', '100'], { cwd: here }));
    assert.equal(readFileSync(join(here, 'old.eyelet')).toString('latin1', 1, 4), 'EYL');
});

test('an error of one weight is made up for by others whose inputs vary with its own', async () => {
    const here = folder({ 'm.eyelet': outOfScale() });
    const result = await eyelet(['quantize', 'm.eyelet', '-o', 'q.eyelet', '--data', data, '--images', '50', '--limit', '1000', '--drop', '3', '--json'], { cwd: here });
    const { accuracy_before: before, accuracy_after: after } = JSON.parse(succeeded(result).stdout);
    assert.ok(before > 0.9 && after > before - 0.03, `${before} before, ${after} after`);
});

test('what quantize cannot use is named', async () => {
    const here = folder({ 'm.eyelet': tinyModel(), 'two.eyelet': tinyModel({ labels: ['yes', 'no'] }) });
    const refusedFor = (...words) => eyelet(['quantize', ...words, '--limit', '100', '--drop', '100'], { cwd: here });
    refused(await refusedFor('two.eyelet', '-o', 'q.eyelet', '--data', data), { subject: data, reason: /10 of its 10 classes are none of the model's 2/ });
    refused(await refusedFor('m.eyelet', '-o', 'q.eyelet', '--data', here), { subject: here, reason: /no folders in it/ });
    refused(await refusedFor('m.eyelet', '-o', here, '--data', data), { subject: here, reason: /is a folder/, hint: /unchanged/ });
    assert.deepEqual(readdirSync(here).sort(), ['m.eyelet', 'two.eyelet']);
});
