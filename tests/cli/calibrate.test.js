/* Calibration from the command line: what training does at its end, what `eyelet calibrate` does again, and what is said of it later. The
 * data set is made here; the arithmetic has its tests in test_calibration.c. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';

import { loadClassifier } from '../../web/node.js';
import { modelFormat } from '../support/model_format.js';
import { encodePng, gradient } from '../support/pictures.js';
import { classNames, dataWith, eyelet, eyeletUnder, folder, makeData, makeRecords, nothingLeftOver, refused, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const data = makeData(makeRecords(255));
const network = join(folder({ 'small.txt': 'avgpool 8\nflatten\ndense classes softmax\n' }), 'small.txt');
const options = ['--network', network, '--data', data, '--limit', '2000', '--epochs', '12', '--learning-rate', '0.02', '--warmup', '0', '--flip', 'none', '--crop', '0', '--threads', '1'];

let trained, said; /* a folder with m.eyelet and m.last.eyelet, and what training said */
before(async () => {
    trained = folder();
    said = succeeded(await eyelet(['train', '-o', 'm.eyelet', ...options, '--seed', '5', '--validation', '0.25'], { cwd: trained })).stdout;
});

function copy() {
    const here = folder();
    for (const name of readdirSync(trained))
        copyFileSync(join(trained, name), join(here, name));
    return here;
}

const temperatureOf = (path) => readFileSync(path).readFloatLE(modelFormat.header.get('temperature').offset);
/* Wilson's interval are the p for which what was found is 1.96 standard deviations away. */
function inInterval(found, count, interval) {
    for (const p of interval.filter((end) => end > 0 && end < 1))
        assert.ok(Math.abs(Math.abs(p - found) / Math.sqrt(p * (1 - p) / count) - 1.96) < 1e-2, `${p} around ${found}`);
    assert.ok(interval[0] <= found && found <= interval[1]);
}

const summary = async (path) => JSON.parse(succeeded(await eyelet(['summary', path, '--json'])).stdout);
const calibrate = (cwd, ...more) => eyelet(['calibrate', 'm.eyelet', '--data', data, ...more], { cwd });

test('training ends with a calibration, prints it, and records it in the notes', async () => {
    const [, images, temperature, interval, before_, after_] = said.match(/^calibrated on (\d+) validation images: temperature ([\d.]+) \(([\d.]+-[\d.]+)\), error ([\d.]+) % before, ([\d.]+) % after; /m);
    assert.equal(images, '500');
    for (const name of ['m.eyelet', 'm.last.eyelet'])
        assert.notEqual(temperatureOf(join(trained, name)), 1);
    assert.equal(temperatureOf(join(trained, 'm.eyelet')), Math.fround(temperature));
    const { notes } = await summary(join(trained, 'm.eyelet'));
    assert.match(notes, /^validation: fraction 0\.25 of 2000 images, seed 5$/m);
    assert.match(notes, new RegExp(`^calibration: temperature ${temperature} \\(${interval}\\) from 500 validation images; error ${before_} % before, ${after_} % after$`, 'm'));
});

test('training without validation images leaves the temperature at 1', async () => {
    const here = folder(), { stdout } = succeeded(await eyelet(['train', '-o', 'm.eyelet', ...options, '--validation', '0'], { cwd: here }));
    assert.doesNotMatch(stdout, /calibrated/);
    assert.equal(temperatureOf(join(here, 'm.eyelet')), 1);
    refused(await calibrate(here), { subject: 'm.eyelet', reason: /do not record which images it was validated on/, hint: /--validation/ });
});

test('calibrate does what training did, on the same images, to the last byte, and without looking at the test images', async () => {
    const here = copy(), blind = dataWith(data, { 'test_batch.bin': 'no images' }), expected = readFileSync(join(trained, 'm.eyelet'));
    succeeded(await eyelet(['calibrate', 'm.eyelet', '--data', blind], { cwd: here }));
    assert.ok(readFileSync(join(here, 'm.eyelet')).equals(expected));
    succeeded(await calibrate(here, '--validation', '0.25', '--seed', '5', '--limit', '2000'));
    assert.ok(readFileSync(join(here, 'm.eyelet')).equals(expected));
    succeeded(await calibrate(here, '--validation', '0.25', '--seed', '6', '--limit', '2000'));
    assert.ok(!readFileSync(join(here, 'm.eyelet')).equals(expected), 'other images');
});

test('the weights and the order of the answers stay, the scores change', async () => {
    const here = copy(), path = join(here, 'm.eyelet'), picture = gradient(32, 32);
    const before_ = await summary(path), cooled = await loadClassifier({ model: path });
    const plain = readFileSync(path);
    succeeded(await calibrate(here, '--precision', '0.99'));
    const after_ = await summary(path);
    assert.equal(after_.weights_checksum, before_.weights_checksum);
    const logits = cooled.logitsSync(picture), scores = cooled.classifySync(picture, { topK: 10 });
    const sum = logits.reduce((total, logit) => total + Math.exp(logit / temperatureOf(path)), 0);
    for (const { index, score } of scores)
        assert.ok(Math.abs(score - Math.exp(logits[index] / temperatureOf(path)) / sum) < 1e-5);
    assert.notDeepEqual(readFileSync(path), plain, 'another threshold');
});

test('the threshold reaches the precision that is asked for, or there is none', async () => {
    const here = copy(), results = {};
    for (const precision of ['0', '0.9', '0.97', '1']) {
        results[precision] = JSON.parse(succeeded(await calibrate(here, '--precision', precision, '--json')).stdout);
        const { threshold, validation_images } = results[precision];
        const { notes } = await summary(join(here, 'm.eyelet'));
        assert.equal(validation_images, 500);
        assert.equal(notes.includes('rejection threshold'), Boolean(threshold), notes);
        if (threshold) {
            assert.ok(threshold.right / threshold.answered >= Number(precision) && threshold.answered >= 50, JSON.stringify(threshold));
            inInterval(threshold.right / threshold.answered, threshold.answered, threshold.interval);
            assert.match(notes, new RegExp(`^rejection threshold: ${threshold.score.toFixed(3)} \\(`, 'm'));
            assert.equal((await loadClassifier({ model: join(here, 'm.eyelet') })).info.threshold, threshold.score);
        }
    }
    assert.equal(results['0'].threshold.answered, 500, 'all are answered');
    assert.ok(results['0.97'].threshold.answered < results['0.9'].threshold.answered, JSON.stringify(results));
});

test('a temperature that does not lower the loss of other images is not kept, in training and by calibrate', async () => {
    /* All scores are equal, whatever the temperature. */
    const here = folder({ 'm.eyelet': tinyModel({ labels: classNames, weight: 0, notes: 'validation: fraction 0.25 of 2000 images, seed 5\n' }) });
    assert.match(succeeded(await calibrate(here)).stdout, /^calibrated on 500 validation images: temperature 1, because one fitted to four fifths of them does not lower the loss of the last fifth, /);
    assert.equal(temperatureOf(join(here, 'm.eyelet')), 1);
    assert.match((await summary(join(here, 'm.eyelet'))).notes, /^calibration: temperature 1: one fitted to 500 validation images, [\d.]+, does not lower the loss of others; error [\d.]+ %$/m);
    const { temperature, held_out_gain } = JSON.parse(succeeded(await calibrate(here, '--json')).stdout);
    assert.deepEqual([temperature, held_out_gain], [1, 0]);
    const kept = JSON.parse(succeeded(await calibrate(copy(), '--json')).stdout);
    assert.ok(kept.held_out_gain > 0 && kept.temperature === kept.fitted_temperature, JSON.stringify(kept));
});

test('the temperature has an interval, which more images narrow', async () => {
    const width = async (...more) => {
        const { temperature, temperature_interval: [low, high] } = JSON.parse(succeeded(await calibrate(copy(), '--json', ...more)).stdout);
        assert.ok(low < temperature && temperature < high, `${low} ${temperature} ${high}`);
        return high - low;
    };
    const few = await width('--validation', '0.05', '--seed', '5', '--limit', '2000'), many = await width('--validation', '0.5', '--seed', '5', '--limit', '2000');
    assert.ok(few > 2 * many, `${few} of 100 images, ${many} of 1000`);
});

test('a handful of validation images gives neither a temperature nor a threshold, and says so', async () => {
    const here = folder(), few = ['--seed', '5', '--validation', '0.02'];
    assert.match(succeeded(await eyelet(['train', '-o', 'm.eyelet', ...options, ...few], { cwd: here })).stdout,
        /^not calibrated: 40 validation images are too few for a temperature and a rejection threshold, which take 50$/m);
    assert.equal(temperatureOf(join(here, 'm.eyelet')), 1);
    assert.doesNotMatch((await summary(join(here, 'm.eyelet'))).notes, /calibration|threshold/);
    assert.match(succeeded(await eyelet(['train', '-o', 'm.eyelet', ...options, ...few, '--json'], { cwd: here })).stdout, /^\{"validation_images": 40, "min_validation_images": 50\}$/m);
    const before_ = readFileSync(join(here, 'm.eyelet'));
    refused(await calibrate(here), { subject: 'm.eyelet', reason: /^40 validation images are too few/, hint: /--validation/ });
    assert.deepEqual(readFileSync(join(here, 'm.eyelet')), before_);
});

test('evaluate uses the temperature, and counts what is not sure', async () => {
    const here = copy();
    succeeded(await calibrate(here, '--precision', '0.96'));
    const evaluate = async (...more) => succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '3000', ...more], { cwd: here })).stdout;
    const { threshold, temperature, loss, uncalibrated, accuracy, images } = JSON.parse(await evaluate('--json'));
    assert.equal(Math.fround(temperature), temperatureOf(join(here, 'm.eyelet')));
    assert.ok(loss < uncalibrated.loss, `${loss} against ${uncalibrated.loss}`);
    assert.ok(threshold.right / threshold.answered > accuracy && threshold.answered < images);
    const fraction = (100 * (images - threshold.answered) / images).toFixed(1), right = (100 * threshold.right / threshold.answered).toFixed(2) + (threshold.answered < 1000 ? ' % \\([\\d.]+-[\\d.]+\\)' : ' %');
    assert.match(await evaluate(), new RegExp(`^not sure +below ${threshold.score.toFixed(3)}: ${fraction} % of the images; of the others ${right} are right$`, 'm'));
});

test('classify says "not sure" below the threshold, in words and in JSON', async () => {
    const here = folder({ 'never.eyelet': tinyModel({ notes: 'rejection threshold: 1\n' }), 'always.eyelet': tinyModel({ notes: 'rejection threshold: 0.001\n' }),
        'plain.eyelet': tinyModel(), 'a.png': encodePng(gradient(8, 8)) });
    for (const [model, sure] of [['never', false], ['always', true], ['plain', true]]) {
        const { stdout } = succeeded(await eyelet(['classify', `${model}.eyelet`, 'a.png'], { cwd: here }));
        assert.equal(stdout.split('\n')[0], sure ? 'a.png' : 'a.png: not sure');
        const [result] = JSON.parse(succeeded(await eyelet(['classify', '--json', `${model}.eyelet`, 'a.png'], { cwd: here })).stdout);
        assert.equal(result.sure, sure);
    }
});

/* Its test images are of the same kind as the validation images: about as many are below the limit. */
test('calibrate finds the max logit that 95 % of the images reach, and evaluate --outliers what it is good for', async () => {
    const here = copy();
    const { outlier_limit: limit } = JSON.parse(succeeded(await calibrate(here, '--json')).stdout);
    assert.match((await summary(join(here, 'm.eyelet'))).notes, new RegExp(`^outlier limit: ${limit.toFixed(3)} \\(max logit, which 95 % of 500 validation images reach\\)$`, 'm'));
    const pictures = Array.from({ length: 12 }, (_, i) => {
        const picture = gradient(32, 32);
        picture.data.forEach((value, at) => { picture.data[at] = at % 4 === 3 ? 255 : (value * i) / 11; });
        return picture;
    });
    const others = folder(Object.fromEntries(pictures.map((picture, i) => [`${i}.png`, encodePng(picture)])));
    mkdirSync(join(others, 'within'));
    copyFileSync(join(others, '3.png'), join(others, 'within/3.png'));
    const evaluate = (...more) => eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '4000', '--outliers', others, ...more], { cwd: here });
    const { outliers } = JSON.parse(succeeded(await evaluate('--json', '--logits', 'logits')).stdout);
    const { buffer, byteOffset, length } = readFileSync(join(here, 'logits'));
    const logits = new Float32Array(buffer.slice(byteOffset, byteOffset + length));
    const known = Array.from({ length: 4000 }, (_, i) => Math.max(...logits.subarray(10 * i, 10 * i + 10)));
    const classifier = await loadClassifier({ model: join(here, 'm.eyelet') });
    const strange = [...pictures, pictures[3]].map((picture) => Math.max(...classifier.logitsSync(picture)));
    const below = (values) => values.filter((value) => value < limit).length / values.length;
    const close = (found, right) => assert.ok(Math.abs(found - right) < 1e-6, `${found}, not ${right}`);
    assert.deepEqual([outliers.images, outliers.unreadable, outliers.limit], [13, 0, limit]);
    close(outliers.refused, below(strange));
    close(outliers.test_images_refused, below(known));
    assert.ok(below(known) > 0.02 && below(known) < 0.09, `${below(known)} of the test images are below ${limit}`);
    const wins = known.map((value) => strange.reduce((sum, other) => sum + (value > other) + (value === other) / 2, 0));
    close(outliers.auroc, wins.reduce((sum, count) => sum + count, 0) / known.length / strange.length);
    assert.match(succeeded(await evaluate()).stdout, new RegExp(`^outliers +told from test images with an AUROC of ${(100 * outliers.auroc).toFixed(2)} % \\(13 images\\); max logit below ${limit.toFixed(3)}: `, 'm'));
    const nothing = await eyelet(['evaluate', 'm.eyelet', '--data', data, '--outliers', 'nowhere'], { cwd: here });
    assert.equal(nothing.status, 1);
    assert.match(nothing.stderr, /^eyelet: nowhere: none of the 1 files is an image that can be read$/m);
});

test('classify tells what is below the limit, as the module does', async () => {
    const notes = (limit) => `outlier limit: ${limit} (max logit)\n`;
    const here = folder({ 'a.png': encodePng(gradient(8, 8)), 'plain.eyelet': tinyModel() });
    const max = Math.max(...(await loadClassifier({ model: tinyModel() })).logitsSync(gradient(8, 8)));
    for (const [limit, isOutlier] of [[max + 0.01, true], [max - 0.01, false], ['-inf', false], ['none', false]]) {
        writeFileSync(join(here, 'm.eyelet'), tinyModel({ notes: notes(limit) }));
        const { stdout } = succeeded(await eyelet(['classify', 'm.eyelet', 'a.png'], { cwd: here }));
        assert.equal(stdout.split('\n')[0], isOutlier ? 'a.png: none of these' : 'a.png');
        assert.equal(JSON.parse(succeeded(await eyelet(['classify', '--json', 'm.eyelet', 'a.png'], { cwd: here })).stdout)[0].outlier, isOutlier);
        const classifier = await loadClassifier({ model: join(here, 'm.eyelet') });
        assert.equal(classifier.info.outlierLimit, typeof limit === 'number' ? limit : undefined);
        assert.equal((await classifier.classify(gradient(8, 8), { threshold: 0.99 })).isOutlier, isOutlier || undefined);
        for await (const best of classifier.classifyMany([gradient(8, 8)], { workers: 1 }))
            assert.equal(best.isOutlier, isOutlier || undefined);
    }
});

test('convert keeps the calibration', async () => {
    const here = copy();
    succeeded(await eyelet(['convert', 'm.eyelet', '-o', 'small.eyelet', '--weights', 'int8', '--data', data], { cwd: here }));
    assert.equal(temperatureOf(join(here, 'small.eyelet')), temperatureOf(join(here, 'm.eyelet')));
    assert.equal((await summary(join(here, 'small.eyelet'))).notes, (await summary(join(here, 'm.eyelet'))).notes);
});

test('what calibrate cannot use or write is named, and the model stays as it is', async () => {
    const here = copy(), path = join(here, 'm.eyelet'), bytes = readFileSync(path);
    mkdirSync(join(here, 'empty'));
    refused(await eyelet(['calibrate', 'm.eyelet', '--data', 'empty'], { cwd: here }), { subject: 'empty', reason: /no folders in it/ });
    refused(await calibrate(here, '--validation', '0.00001'), { subject: 'm.eyelet', reason: /^10 validation images are too few/, hint: /--validation/ });
    refused(await eyeletUnder('ulimit -f 0', ['calibrate', 'm.eyelet', '--data', data], { cwd: here }),
        { subject: 'm.eyelet', reason: /cannot be written/, hint: /unchanged/ });
    assert.deepEqual(readFileSync(path), bytes);
    nothingLeftOver(here);
    const tiny = (notes) => folder({ 'm.eyelet': tinyModel({ notes }) });
    refused(await calibrate(tiny('validation: fraction 0.1 of 60000 images, seed 1\n')), { subject: data, reason: /has 50000 images, and the model was trained with 60000/ });
    for (const note of ['fraction nan of 10 images, seed 1', 'fraction 2 of 10 images, seed 1', 'fraction 0.1 of -5 images, seed 1', 'none'])
        refused(await calibrate(tiny(`validation: ${note}\n`)), { subject: 'm.eyelet', reason: /do not record/ });
});
