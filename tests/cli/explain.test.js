/* eyelet explain: the map, the picture that it draws, and whether what the map shows is what the model looks at. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadClassifier } from '../../web/node.js';
import { photoPixels } from '../support/photo_pixels.js';
import { encodePng } from '../support/pictures.js';
import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { modelOf, tinyModel } from '../support/tiny_model.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const model = join(root, 'web/models/objects160.eyelet'), examples = join(root, 'web/examples');
const tabby = join(examples, 'tabby.jpg');
const here = folder({ 'flat.eyelet': tinyModel(), 'damaged.jpg': readFileSync(tabby).subarray(0, 300), 'notes.txt': 'no image',
    'wide.png': encodePng({ data: new Uint8ClampedArray(4 * 2000 * 10).fill(200), width: 2000, height: 10 }) });
const at = (name) => join(here, name);

const explained = async (...words) => JSON.parse(succeeded(await eyelet(['explain', ...words, '--json'])).stdout);

test('the best class is explained, or another by its name in other capitals', async () => {
    const best = await explained(model, tabby);
    assert.equal(best.label, 'egyptian_cat');
    assert.equal(best.map.length, best.grid[0] * best.grid[1]);
    assert.equal(Math.max(...best.map), 1);
    assert.ok(best.map.every((value) => value >= 0));
    const other = await explained(model, tabby, '--class', 'Abacus');
    assert.equal(other.label, 'abacus');
    assert.ok(other.score < best.score);
    assert.notDeepEqual(other.map, best.map);
});

test('the picture is a PNG of the picture\'s shape, at most 1024 pixels a side, and differs where the map is warm', async () => {
    const { stdout } = succeeded(await eyelet(['explain', model, tabby, '-o', at('heat.png')]));
    assert.match(stdout, /tabby\.jpg\n +\d+\.\d\d % {2}egyptian_cat\n {2}a map of 4 x 4 cells: .*heat\.png\n$/);
    const [drawn, plain] = photoPixels([at('heat.png'), tabby], 160);
    const redder = (cell) => {
        let sum = 0;
        for (let y = 0; y < 40; y++)
            for (let x = 0; x < 40; x++) {
                const i = 4 * ((Math.floor(cell / 4) * 40 + y) * 160 + cell % 4 * 40 + x);
                sum += drawn.data[i] - drawn.data[i + 1] - plain.data[i] + plain.data[i + 1];
            }
        return sum;
    };
    const { map } = await explained(model, tabby);
    assert.ok(redder(map.indexOf(1)) > 4 * redder(map.indexOf(Math.min(...map))));
    succeeded(await eyelet(['explain', model, at('wide.png'), '-o', at('wide-heat.png')]));
    assert.deepEqual([readFileSync(at('wide-heat.png')).readUInt32BE(16), readFileSync(at('wide-heat.png')).readUInt32BE(20)], [1024, 6]);
});

test('what is wrong is named', async () => {
    refused(await eyelet(['explain', model, tabby]), { status: 2, reason: /takes a model, one picture and -o FILE\.png or --json/ });
    refused(await eyelet(['explain', model, tabby, '-o', at('heat.jpg')]), { status: 2, reason: /must end in \.png/ });
    refused(await eyelet(['explain', model, tabby, '-o', at('none/heat.png')]), { reason: /No such file/i });
    refused(await eyelet(['explain', model, examples, '-o', at('heat.png')]), { subject: examples, reason: /this is a folder/ });
    refused(await eyelet(['explain', model, at('notes.txt'), '--json']), { subject: at('notes.txt'), reason: /neither JPEG nor PNG/ });
    refused(await eyelet(['explain', model, at('damaged.jpg'), '-o', at('never.png')]), { subject: at('damaged.jpg'), reason: /./ });
    assert.ok(!existsSync(at('never.png')));
    refused(await eyelet(['explain', model, tabby, '--json', '--class', 'egiptian cat']),
        { subject: model, reason: /no class "egiptian cat"/, hint: /spelt most alike: egyptian_cat, / });
    refused(await eyelet(['explain', at('flat.eyelet'), tabby, '--json']), { subject: at('flat.eyelet'), reason: /no feature map/ });
});

/* Of each region of 2 x 2 cells of the map: how warm it is, and how far the class's logit falls when it is covered with the mean. */
async function occlusions(classifier, file, { data, width, height }) {
    const { grid: [rows, columns], map, index } = await explained(model, file);
    const before = classifier.logitsSync({ data, width, height })[index], regions = [];
    const mean = [0, 1, 2].map((c) => data.reduce((sum, byte, i) => i % 4 === c ? sum + byte : sum, 0) / (width * height));
    for (let row = 0; row + 2 <= rows; row++)
        for (let column = 0; column + 2 <= columns; column++) {
            const covered = data.slice();
            for (let y = row * height / rows; y < (row + 2) * height / rows; y++)
                for (let x = column * width / columns; x < (column + 2) * width / columns; x++)
                    covered.set(mean, 4 * (y * width + x));
            const warmth = [0, 1, columns, columns + 1].reduce((sum, i) => sum + map[row * columns + column + i], 0);
            regions.push({ warmth, fall: before - classifier.logitsSync({ data: covered, width, height })[index] });
        }
    return regions.sort((a, b) => b.warmth - a.warmth);
}

async function measure(files) {
    const classifier = await loadClassifier({ model }), pictures = photoPixels(files, 160);
    let most = 0, moreThanColdest = 0;
    for (const [i, file] of files.entries()) {
        const regions = await occlusions(classifier, file, pictures[i]);
        most += regions.every(({ fall }) => fall <= regions[0].fall);
        moreThanColdest += regions[0].fall > regions.at(-1).fall;
    }
    return { most, moreThanColdest };
}

test('covering where the map is warmest lowers the logit most, of the cat, and more than where it is coldest, of both photos', async () => {
    const { most, moreThanColdest } = await measure([tabby, join(examples, 'espresso.jpg')]);
    assert.ok(most >= 1 && moreThanColdest === 2, `${most}, ${moreThanColdest}`);
});

/* Of nine regions, the warmest falls most in one of nine by chance, and more than the coldest in every other. */
const photos = join(root, 'data/objects-160/test');
test('so it is in 6 and 16 of 22 photos', { skip: existsSync(photos) ? false : 'NOT MEASURED: data/objects-160 is not there' }, async () => {
    const classes = readdirSync(photos).sort().filter((_, i) => i % 8 === 0);
    const files = classes.map((name) => join(photos, name, readdirSync(join(photos, name)).sort()[0]));
    const { most, moreThanColdest } = await measure([tabby, join(examples, 'espresso.jpg'), ...files]);
    assert.ok(most >= 5 && moreThanColdest >= 14, `${most} and ${moreThanColdest} of ${files.length + 2}`);
});

const layers = [{ kind: 'conv2d', channels: 3, kernel: [1, 1] }, { kind: 'global_avgpool' }, { kind: 'softmax' }];

test('the part of the picture that the model sees is told, as it stretches, crops or pads', async () => {
    for (const [fit, part] of [[0, [0, 0, 1, 1]], [1, [995 / 2000, 0, 10 / 2000, 1]], [2, [0, -15, 1, 32]]]) {
        const path = join(folder({ 'mine.eyelet': modelOf({ input: [32, 32, 3], layers, fit }) }), 'mine.eyelet');
        const told = (await explained(path, at('wide.png'))).part;
        told.forEach((number, i) => assert.ok(Math.abs(number - part[i]) < 1e-9, `${fit}: ${told} is not ${part}`));
    }
});
