/* eyelet evaluate: its numbers in JSON, computed again here; and its report, in Chromium, from disk. The data set is made here. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { desktop, launch, phone, skip, visitFile } from '../support/chromium.js';
import { classNames, dataWith, eyelet, eyeletUnder, folder, makeData, makeRecords, nothingLeftOver, recordBytes, refused, succeeded } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

const records = makeRecords(255), data = makeData(records), images = 1500;
const network = join(folder({ 'small.txt': 'avgpool 8\nflatten\ndense classes softmax\n' }), 'small.txt');
const screenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));

let here, numbers, path; /* of a calibrated model m.eyelet, its log, and its report */
before(async () => {
    here = folder();
    path = join(here, 'report.html');
    succeeded(await eyelet(['train', '-o', 'm.eyelet', '--network', network, '--data', data, '--limit', '2000', '--epochs', '4', '--learning-rate', '0.02', '--warmup', '0',
        '--flip', 'none', '--crop', '0', '--threads', '1', '--validation', '0.25'], { cwd: here }));
    const { stdout, stderr } = succeeded(await evaluate('--report', 'report.html', '--json', '--logits', 'logits'));
    numbers = JSON.parse(stdout);
    assert.match(stderr, new RegExp(`^report: report.html \\(${readFileSync(path).length.toLocaleString('en')} bytes, \\d+ of 1,500 images\\)$`, 'm'));
});

const evaluate = (...more) => eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', `${images}`, ...more], { cwd: here });
const reportOf = (text) => JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(text)[1]);
const close = (a, b) => assert.ok(Math.abs(a - b) < 2e-6, `${a}, not ${b}`);

/* ---- The numbers ---- */

/* What is said of each image, from its logits. */
function answers() {
    const bytes = readFileSync(join(here, 'logits')), logits = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return Array.from({ length: images }, (_, i) => {
        const exponentials = [...logits.subarray(10 * i, 10 * i + 10)].map((logit) => Math.exp(logit / numbers.temperature));
        const sum = exponentials.reduce((a, b) => a + b), label = records[i * recordBytes], best = exponentials.indexOf(Math.max(...exponentials));
        return { label, best, score: exponentials[best] / sum, loss: -Math.log(exponentials[label] / sum) };
    });
}

test('every number follows from the logits', () => {
    const all = answers(), right = all.filter(({ label, best }) => label === best);
    assert.ok(numbers.temperature !== 1 && right.length > 0.5 * images && right.length < images, 'the numbers show something');
    assert.equal(numbers.correct, right.length);
    close(numbers.loss, all.reduce((sum, { loss }) => sum + loss / images, 0));
    const bins = Array.from({ length: 15 }, (_, i) => all.filter(({ score }) => Math.min(14, Math.floor(15 * score)) === i));
    const isRight = ({ label, best }) => label === best, mean = (list) => list.reduce((sum, { score }) => sum + score, 0) / list.length;
    bins.forEach((list, i) => {
        assert.deepEqual([numbers.bins[i].count, numbers.bins[i].right], [list.length, list.filter(isRight).length]);
        close(numbers.bins[i].score, list.length ? mean(list) : 0);
    });
    close(numbers.calibration_error, bins.reduce((sum, list) => sum + (list.length ? Math.abs(list.length * mean(list) - list.filter(isRight).length) : 0), 0) / images);
    for (const [step, [answered, rightOnes]] of numbers.above.entries()) {
        const above = all.filter(({ score }) => score >= step / 100);
        assert.deepEqual([answered, rightOnes], [above.length, above.filter(isRight).length], `above ${step} %`);
    }
    const { score, answered } = numbers.threshold;
    assert.equal(answered, all.filter((one) => one.score >= score).length);
});

test('precision, recall and F1 follow from the confusion matrix', () => {
    numbers.per_class.forEach((scores, i) => {
        const hits = numbers.confusion[i][i], sum = (list) => list.reduce((a, b) => a + b, 0);
        assert.equal(scores.images, sum(numbers.confusion[i]));
        assert.equal(scores.answers, sum(numbers.confusion.map((row) => row[i])));
        close(scores.precision, hits / scores.answers);
        close(scores.recall, hits / scores.images);
        close(scores.f1, 2 * scores.precision * scores.recall / (scores.precision + scores.recall));
    });
    assert.deepEqual(numbers.classes, classNames);
});

/* Wilson's interval are the p for which the accuracy found is 1.96 standard deviations away. */
test('the ends of the confidence interval are 1.96 standard deviations from what was found', async () => {
    for (const p of numbers.interval)
        assert.ok(Math.abs(Math.abs(p - numbers.accuracy) / Math.sqrt(p * (1 - p) / images) - 1.96) < 1e-3, `${p}`);
    const [low, high] = numbers.interval.map((p) => (100 * p).toFixed(2));
    assert.match(succeeded(await evaluate()).stdout, new RegExp(`^accuracy +[\\d.]+ % \\(${low} to ${high} with 95 % confidence; [\\d,]+ of 1,500 images\\)$`, 'm'));
});

test('the hashes are SHA-256 of the model file, and of labels and pixels', () => {
    const sum = createHash('sha256');
    for (let i = 0; i < images; i++) {
        const record = records.subarray(i * recordBytes, (i + 1) * recordBytes), pixels = Buffer.alloc(3072);
        pixels.forEach((_, k) => { pixels[k] = record[1 + k % 3 * 1024 + Math.floor(k / 3)]; });
        sum.update(Buffer.of(record[0], 0)).update(pixels);
    }
    assert.equal(numbers.data_sha256, sum.digest('hex'));
    assert.equal(numbers.model_sha256, createHash('sha256').update(readFileSync(join(here, 'm.eyelet'))).digest('hex'));
});

test('with --record the hash is that of the file as it is then', async () => {
    copyFileSync(join(here, 'm.eyelet'), join(here, 'r.eyelet'));
    const { model_sha256 } = JSON.parse(succeeded(await eyelet(['evaluate', 'r.eyelet', '--record', '--limit', '100', '--json', '--data', data], { cwd: here })).stdout);
    assert.equal(model_sha256, createHash('sha256').update(readFileSync(join(here, 'r.eyelet'))).digest('hex'));
    assert.notEqual(model_sha256, numbers.model_sha256);
});

test('the exact command is there, as a shell would take it', async () => {
    const odd = "a 'model' $HOME.eyelet";
    copyFileSync(join(here, 'm.eyelet'), join(here, odd));
    const { command, model } = JSON.parse(succeeded(await eyelet(['evaluate', odd, '--limit', '10', '--json', '--data', data], { cwd: here })).stdout);
    assert.equal(model, odd);
    assert.equal(command, `eyelet evaluate 'a '\\''model'\\'' $HOME.eyelet' --limit 10 --json --data ${data}`);
});

/* ---- The file ---- */

test('the report holds the same numbers, the training, and the pictures of its cells', () => {
    const report = reportOf(readFileSync(path, 'utf8')), { notes, layers, training, examples, in_folders: inFolders, ...same } = report;
    assert.equal(inFolders, false);
    assert.deepEqual(same, numbers);
    assert.match(notes, /^calibration: temperature /m);
    assert.deepEqual(layers.map(([kind]) => kind), ['avgpool', 'flatten', 'dense', 'softmax']);
    assert.deepEqual(training.rows.map(([epoch]) => epoch), [1, 2, 3, 4]);
    assert.deepEqual(training.columns.slice(0, 5), ['epoch', 'loss', 'accuracy', 'validation_loss', 'validation_accuracy']);
    const all = answers(), worst = all.map(({ label, best, loss }, index) => ({ index, loss, wrong: label !== best })).filter(({ wrong }) => wrong).sort((a, b) => b.loss - a.loss);
    assert.deepEqual(examples.slice(0, 24).map(({ index }) => index), worst.slice(0, 24).map(({ index }) => index));
    numbers.confusion.forEach((row, label) => row.forEach((count, answer) => {
        const shown = examples.filter((picture) => picture.label === label && picture.answer === answer);
        assert.ok(shown.length >= Math.min(count, 6) && shown.length <= count, `${label} predicted as ${answer}: ${shown.length} of ${count}`);
    }));
    for (const { index, label, answer, score, url } of examples) {
        assert.deepEqual([label, answer], [all[index].label, all[index].best]);
        assert.ok(Math.abs(score - all[index].score) < 1e-4);
        assert.equal(Buffer.from(url.slice('data:image/png;base64,'.length), 'base64').toString('latin1', 1, 4), 'PNG');
    }
    assert.equal(new Set(examples.map(({ index }) => index)).size, examples.length);
});

test('its policy allows its own script and style, and pictures in itself; it names no other file', () => {
    const text = readFileSync(path, 'utf8'), [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(text);
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[^' ]{44}'; style-src 'sha256-[^' ]{44}'; img-src data:; base-uri 'none'; form-action 'none'$/);
    assert.doesNotMatch(text, /<(link|iframe|object|embed)|<(script|img)[^>]+src=|url\(|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});

test('pictures larger than 64 pixels are made smaller', async () => {
    const labels = classNames, own = folder({ 'm.eyelet': modelOf({ input: [40, 96, 3], labels,
        layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 10 }, { kind: 'softmax' }] }) });
    succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', data, '--limit', '20', '--report', 'r.html'], { cwd: own }));
    for (const { url } of reportOf(readFileSync(join(own, 'r.html'), 'utf8')).examples) {
        const png = Buffer.from(url.slice('data:image/png;base64,'.length), 'base64');
        assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [64, 27]);
    }
});

test('without a log, and with one that is none, there are no curves', async () => {
    const log = readFileSync(join(here, 'm.csv'));
    for (const content of [null, 'not a log\n', '', 'epoch,loss\n', 'epoch,<script>\n1,x\n']) {
        rmSync(join(here, 'm.csv'));
        if (content !== null)
            writeFileSync(join(here, 'm.csv'), content);
        else
            mkdirSync(join(here, 'm.csv'));
        succeeded(await evaluate('--report', 'other.html'));
        const { training } = reportOf(readFileSync(join(here, 'other.html'), 'utf8'));
        if (training)
            assert.ok(training.rows.every((row) => row.every((value) => value === null || Number.isFinite(value))));
        else
            assert.doesNotMatch(content ?? '', /^epoch,/);
        rmSync(join(here, 'm.csv'), { recursive: true });
        writeFileSync(join(here, 'm.csv'), log);
    }
});

test('what cannot be written is named, and nothing is half written', async () => {
    mkdirSync(join(here, 'taken'));
    for (const [name, reason] of [['taken', /cannot be written: is a folder/], ['missing/r.html', /No such file/]])
        refused(await evaluate('--report', name), { subject: name, reason });
    const old = readFileSync(path);
    refused(await eyeletUnder('ulimit -f 64', ['evaluate', 'm.eyelet', '--data', data, '--limit', '1500', '--report', 'report.html'], { cwd: here }),
        { subject: 'report.html', reason: /too large/, hint: /unchanged/ });
    assert.ok(readFileSync(path).equals(old));
    nothingLeftOver(here);
});

/* ---- The page ---- */

describe('in Chromium, from disk', { skip }, () => {
    let browser;
    before(async () => { browser = await launch(); });
    after(() => browser?.close());
    const visit = (steps, options) => visitFile(browser, path, steps, options);
    const percent = (fraction, digits = 1) => `${(100 * fraction).toFixed(digits)}\u00a0%`;

    test('the numbers are there to read', () => visit(async (page) => {
        const [low, high] = numbers.interval;
        assert.equal(await page.textContent('h1'), `m: accuracy ${percent(numbers.accuracy)}`);
        assert.match(await page.textContent('#summary'), new RegExp(`95\u00a0% confidence interval ${percent(low)} to ${percent(high)}`));
        assert.match(await page.textContent('#tiles'), new RegExp(`${percent(numbers.accuracy, 2)}.*${percent(numbers.top5, 2)}.*${percent(numbers.calibration_error, 2)}`, 's'));
        const facts = await page.textContent('#made-title ~ dl');
        for (const text of [numbers.model_sha256, numbers.data_sha256, 'Temperature', `seed 1`])
            assert.ok(facts.includes(text), text);
        assert.equal(await page.textContent('#command'), numbers.command);
        assert.equal(await page.locator('#layers tr').count(), 4);
    }));

    test('the confusion matrix has axes in words, and a click on a cell shows its pictures', () => visit(async (page) => {
        assert.deepEqual(await page.locator('#matrix thead th[scope="col"]').allTextContents(), classNames);
        assert.deepEqual(await page.locator('#matrix tbody th').allTextContents(), classNames);
        const counts = await page.locator('#matrix tbody tr').evaluateAll((rows) => rows.map((row) => [...row.cells].slice(1).map((cell) => Number(cell.textContent))));
        assert.deepEqual(counts, numbers.confusion);
        const found = numbers.confusion.flatMap((row, label) => row.map((count, answer) => ({ count, label, answer }))).filter(({ count }) => count);
        for (const { count, label, answer } of [found.find(({ label, answer }) => label === answer), found.filter(({ label, answer }) => label !== answer).at(-1)]) {
            const cell = page.locator(`#matrix tbody tr:nth-child(${label + 1}) td:nth-child(${answer + 2}) button`);
            const words = label === answer ? 'correct' : `predicted as ${classNames[answer]}`;
            assert.match(await cell.getAttribute('aria-label'), new RegExp(`^${classNames[label]}, ${words}: ${count} images?$`));
            await cell.click();
            assert.match(await page.textContent('#cell h2'), new RegExp(`^${classNames[label]}, ${words}: ${count} image`));
            assert.equal(await page.locator('#cell img').count(), Math.min(count, 6));
            assert.deepEqual(await page.locator('#cell img').evaluateAll((all) => [...new Set(all.map(({ complete, naturalWidth }) => complete && naturalWidth))]), [32]);
            assert.equal(await cell.getAttribute('aria-pressed'), 'true');
            assert.equal(await page.locator('#matrix [aria-pressed="true"]').count(), 1);
        }
    }));

    test('arrow keys go from cell to cell, and Enter opens one', () => visit(async (page) => {
        await page.focus('#matrix [tabindex="0"]');
        assert.equal(await page.evaluate(() => document.activeElement.closest('td').cellIndex), 1);
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('ArrowRight');
        const words = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
        await page.keyboard.press('Enter');
        assert.equal(await page.textContent('#cell h2'), words);
        assert.equal(await page.locator('#matrix [tabindex="0"]').count(), 1);
        assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');
    }));

    test('a confusion in the list opens its cell too', () => visit(async (page) => {
        const last = page.locator('#confusions button').last(), words = await last.locator('span').first().textContent();
        await last.click();
        const [label, answer] = words.split(' \u2192 ');
        assert.match(await page.textContent('#cell h2'), new RegExp(`^${label}, predicted as ${answer}: `));
        assert.match(await page.getAttribute('#matrix [aria-pressed="true"]', 'aria-label'), new RegExp(`^${label}, predicted as ${answer}: `));
    }));

    test('the plots are drawn, and the threshold can be moved', () => visit(async (page) => {
        assert.equal(await page.locator('#reliability .bin').count(), numbers.bins.filter(({ count }) => count).length);
        assert.equal(await page.locator('#curves svg[role="img"]').count(), 2);
        for (const line of await page.locator('#curves polyline').all())
            assert.equal((await line.getAttribute('points')).split(' ').length, 4, 'a point for each epoch');
        const { score, answered, right, interval } = numbers.threshold, between = (ends) => ends.map((p) => (100 * p).toFixed(1)).join('\u2013');
        assert.equal(await page.textContent('#score'), `${score}`);
        assert.match(await page.textContent('#coverage-words'), new RegExp(`own threshold rejects ${percent(1 - answered / images)} .*: ${percent(right / answered)} \\(95\u00a0% interval ${between(interval)}\\)\\.$`));
        const before_ = await page.getAttribute('#coverage .marker', 'x1');
        await page.locator('#threshold').fill('90');
        const [sure, ofThem, ofSure] = numbers.above[90];
        assert.match(await page.textContent('#coverage-words'), new RegExp(`It rejects ${percent(1 - sure / images)} .*: ${percent(ofThem / sure)} \\(95\u00a0% interval ${between(ofSure)}\\)\\.$`));
        assert.ok(Number(await page.getAttribute('#coverage .marker', 'x1')) > Number(before_));
    }));

    test('the classes can be sorted', () => visit(async (page) => {
        const order = () => page.locator('#classes tbody th').allTextContents();
        assert.deepEqual(await order(), classNames);
        const byRecall = numbers.per_class.map(({ recall }, i) => [recall, i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, i]) => classNames[i]);
        await page.click('#classes th:nth-child(4) button');
        assert.deepEqual(await order(), byRecall);
        assert.equal(await page.getAttribute('#classes th:nth-child(4)', 'aria-sort'), 'ascending');
        await page.click('#classes th:nth-child(4) button');
        assert.equal((await order())[9], byRecall[0]);
    }));

    test('names of classes are text', async () => {
        const evil = ['</script><script>alert(1)</script>', '<img src=x onerror=alert(1)>\u202e', ...classNames.slice(2)];
        const odd = dataWith(data, { 'batches.meta.txt': `${evil.join('\n')}\n` }), own = folder({ 'm.eyelet': tinyModel({ labels: evil, notes: 'name: <b>bold</b>\nx: <!--<script>\n' }) });
        succeeded(await eyelet(['evaluate', 'm.eyelet', '--data', odd, '--limit', '200', '--report', 'r.html'], { cwd: own }));
        await visitFile(browser, join(own, 'r.html'), async (page) => {
            assert.match(await page.textContent('h1'), /^<b>bold<\/b>: accuracy/);
            assert.deepEqual((await page.locator('#matrix tbody th').allTextContents()).slice(0, 2), [evil[0], evil[1].replace('\u202e', '\\u{202E}')]);
            assert.equal(await page.locator('script').count(), 2);
            assert.match(await page.textContent('#facts'), /<!--<script>/);
            assert.equal(await page.isHidden('#training'), true);
        });
    });

    /* The same page around other numbers. */
    for (const count of [2, 200])
        test(`${count} classes fit`, async () => {
            const text = readFileSync(path, 'utf8'), report = reportOf(text), each = Math.ceil(images / count);
            report.classes = Array.from({ length: count }, (_, i) => `class ${i}${i % 7 ? '' : ', whose name is rather long'}`);
            report.confusion = report.classes.map((_, i) => report.classes.map((_, k) => i === k ? each : i * k % 11 === 1 ? 1 : 0));
            report.per_class = report.classes.map((_, i) => ({ images: each, answers: each, precision: 0.5, recall: i / count, f1: 0 }));
            report.examples.forEach((picture) => { picture.label %= count, picture.answer %= count; });
            const file = join(folder(), 'r.html');
            writeFileSync(file, text.replace(/(id="data">).*?(?=<\/script>)/s, (_, start) => start + JSON.stringify(report).replaceAll('<', '\\u003c')));
            for (const viewport of [phone, desktop])
                await visitFile(browser, file, async (page) => {
                    assert.equal(await page.locator('#matrix td').count(), count * count);
                    await page.locator('#matrix button').last().click();
                    assert.match(await page.textContent('#cell h2'), new RegExp(`class ${count - 1}`));
                    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it scrolls sideways');
                }, { viewport });
        });

    test('of 1,000 classes with images of a few, those are shown', async () => {
        const text = readFileSync(path, 'utf8'), report = reportOf(text), count = 1000, some = 250;
        report.classes = Array.from({ length: count }, (_, i) => `class ${i}`);
        report.confusion = report.classes.map((_, i) => report.classes.map((_, k) => i >= some ? 0 : i === k ? 2 : k === i + some && i < 40 ? 3 : 0));
        report.per_class = report.classes.map((_, i) => ({ images: i < some ? 5 : 0, answers: i < some || i < some + 40 ? 2 : 0, precision: 0.5,
            precision_interval: [0, 1], recall: i < some ? 0.5 : 0, recall_interval: [0, 1], f1: i < some ? 0.4 : 0 }));
        report.measured_classes = some;
        report.examples = [];
        const file = join(folder(), 'r.html');
        writeFileSync(file, text.replace(/(id="data">).*?(?=<\/script>)/s, (_, start) => start + JSON.stringify(report).replaceAll('<', '\\u003c')));
        await visitFile(browser, file, async (page) => {
            assert.match(await page.textContent('#summary'), /There are images of 250 of the model.s 1,000 classes; nothing is said of the others\./);
            assert.match(await page.textContent('#tiles'), /40\.00\u00a0%mean over 250 classes/);
            assert.equal(await page.locator('#matrix thead th[scope="col"]').count(), 60);
            assert.equal(await page.locator('#matrix tbody tr').count(), 30, 'classes with images');
            assert.match(await page.textContent('#confusion-words'), /Of 290 classes that are there or predicted, these 60 are confused most often\./);
            assert.equal(await page.locator('#classes tbody tr').count(), 290);
            assert.match(await page.locator('#classes tbody tr').last().textContent(), /^class 2890.*\u2013\u2013$/);
            assert.doesNotMatch(await page.textContent('main'), /NaN|undefined|null/);
            await page.locator('#matrix button').last().click();
            assert.match(await page.textContent('#cell h2'), /^class 29, predicted as class 279: 3 images/);
        });
    });

    for (const [name, viewport] of Object.entries({ phone, desktop }))
        for (const colorScheme of ['light', 'dark'])
            test(`a screenshot: ${name}, ${colorScheme}`, () => visit(async (page) => {
                mkdirSync(screenshots, { recursive: true });
                assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it scrolls sideways');
                await page.screenshot({ path: `${screenshots}report-${name}-${colorScheme}.png`, fullPage: true });
            }, { viewport, colorScheme }));
});
