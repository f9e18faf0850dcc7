/* eyelet evaluate --mistakes: the images that are answered wrongly; and their names in the report. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { launch, skip, visitFile } from '../support/chromium.js';
import { encodePng } from '../support/pictures.js';
import { eyelet, folder, makeData, makeRecords, recordBytes, refused, succeeded } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

/* The brightest channel decides, the surer the more it is above the others. */
let weights = 0;
const model = modelOf({ input: [8, 8, 3], labels: ['red', 'green, "g"', 'blue'], weight: (inputs) => inputs ? (weights++ % 4 === 0 ? 1 : 0) : 0,
    layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }] });
let shade = 0; /* all differ, or they would be duplicates */
const picture = (...colour) => {
    shade++;
    return encodePng({ width: 8, height: 8, data: Uint8ClampedArray.from({ length: 256 }, (_, i) => i % 4 === 3 ? 255 : i < 4 ? shade : colour[i % 4]) });
};
const here = folder({ 'm.eyelet': model,
    'photos/red/right.png': picture(200, 0, 0), 'photos/red/a little.png': picture(100, 110, 0), 'photos/red/very, very.png': picture(0, 0, 250), 'photos/red/right too.png': picture(190, 10, 10),
    'photos/green, "g"/1.png': picture(0, 200, 0), 'photos/green, "g"/2.png': picture(0, 210, 0), 'photos/blue/1.png': picture(0, 200, 0), 'photos/blue/2.png': picture(0, 0, 210) });
const evaluate = (data, ...more) => eyelet(['evaluate', 'm.eyelet', data, '--test', '1', ...more], { cwd: here });
const read = (name) => readFileSync(join(here, name), 'utf8');

test('images that are taken for others are named, the surest first', async () => {
    succeeded(await evaluate('photos', '--mistakes', 'wrong.csv', '--json'));
    const [header, ...rows] = read('wrong.csv').split('\n');
    assert.equal(header, 'path,label,answer,score');
    assert.deepEqual(rows.map((row) => row.replace(/,0\.\d{6}$/, '')), ['"photos/red/very, very.png",red,blue', 'photos/blue/1.png,blue,"green, ""g"""', 'photos/red/a little.png,red,"green, ""g"""', '']);
    const scores = rows.slice(0, -1).map((row) => Number(row.match(/[\d.]+$/)[0]));
    assert.ok(scores.every((score, i) => score > 1 / 3 && score < 1 && (i === 0 || score <= scores[i - 1])), scores.join());
    const all = JSON.parse(succeeded(await eyelet(['classify', '--json', 'm.eyelet', 'photos/red/very, very.png'], { cwd: here })).stdout);
    assert.ok(Math.abs(all[0].predictions[0].score - scores[0]) < 1e-6);
});

test('without a mistake there is the header alone; what cannot be written is named', async () => {
    const right = folder({ 'red/1.png': picture(200, 0, 0), 'red/2.png': picture(210, 0, 0), 'blue/1.png': picture(0, 0, 200), 'blue/2.png': picture(0, 0, 210) });
    succeeded(await evaluate(right, '--mistakes', 'none.csv'));
    assert.equal(read('none.csv'), 'path,label,answer,score\n');
    refused(await evaluate('photos', '--mistakes', 'no/such/wrong.csv'), { subject: 'no/such/wrong.csv', reason: /the table of mistakes cannot be written: No such file/ });
});

test('of records the index in the test set is named', async () => {
    const records = makeRecords(255), data = makeData(records), count = 60, own = folder({ 'tiny.eyelet': tinyModel() });
    const { stdout } = succeeded(await eyelet(['evaluate', 'tiny.eyelet', '--data', data, '--limit', `${count}`, '--mistakes', 'wrong.csv', '--json'], { cwd: own }));
    const rows = readFileSync(join(own, 'wrong.csv'), 'utf8').trimEnd().split('\n').slice(1).map((row) => row.split(','));
    assert.equal(rows.length, count - JSON.parse(stdout).correct);
    assert.ok(rows.length > 5);
    const labels = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
    for (const [index, label, answer] of rows) {
        assert.equal(label, labels[records[Number(index) * recordBytes]]);
        assert.notEqual(label, answer);
    }
    assert.equal(new Set(rows.map(([index]) => index)).size, rows.length);
});

test('the report has the names of files within the data, and shows them', async (t) => {
    for (const data of ['photos', 'photos/']) {
        succeeded(await evaluate(data, '--report', 'r.html'));
        const { examples } = JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(read('r.html'))[1]);
        assert.deepEqual(examples.map(({ file }) => file).sort(), ['blue/1.png', 'blue/2.png', 'green, "g"/1.png', 'green, "g"/2.png', 'red/a little.png', 'red/right too.png', 'red/right.png', 'red/very, very.png']);
        assert.equal(examples[0].file, 'red/very, very.png');
    }
    if (skip)
        return t.diagnostic(`NOT TESTED in a browser: ${skip}`);
    const browser = await launch();
    try {
        await visitFile(browser, join(here, 'r.html'), async (page) => {
            const names = await page.locator('#worst .file').allTextContents();
            assert.deepEqual(names.sort(), ['blue/1.png', 'red/a little.png', 'red/very, very.png']);
        });
    } finally {
        await browser.close();
    }
});
