/* Training mirrors images, unless the images tell that this changes what they mean, or --flip says otherwise. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { drawnGlyph, glyphs, random } from '../support/drawn_letters.js';
import { encodePng } from '../support/pictures.js';
import { eyelet, folder, succeeded } from '../support/program.js';

/* 20 drawings of each letter, a class each. */
function letters(names) {
    const files = {}, draw = random(5);
    for (const name of names)
        for (let i = 0; i < 20; i++)
            files[`${name}/${i}.png`] = encodePng(drawnGlyph(glyphs.indexOf(name), 28, draw));
    return folder(files);
}
const here = folder({ 'net.txt': 'input 16x16x3\nflatten\ndense classes softmax\n' });
const train = async (data, ...more) => succeeded(await eyelet(['train', data, '-o', 'run/', '--restart', '--network', 'net.txt', '--recipe', 'photos', '--from', 'none',
    '--optimizer', 'adam', '--learning-rate', '0.001', '--epochs', '1', ...more], { cwd: here })).stdout;
const configuration = () => readFileSync(join(here, 'run/run.txt'), 'utf8');

const digits = letters('2345679'), symmetrical = letters('AHMOTUVX');

test('digits are not mirrored, and the run, its configuration and the notes say so', async () => {
    const stdout = await train(digits);
    const [, right, images, mirrored] = stdout.match(/^--flip none: mirror images mean something else \(a simple classifier knows (\d+) of (\d+) training images, (\d+) in the mirror\)$/m).map(Number);
    assert.ok(right > 0.7 * images && mirrored < 0.5 * right, stdout);
    assert.match(configuration(), /^--flip=none$/m);
    assert.match(succeeded(await eyelet(['summary', join(here, 'run/run.eyelet')])).stdout,
        new RegExp(`^flip: none; of ${images} training images a simple classifier knew ${right}, in the mirror ${mirrored}$`, 'm'));
    const found = (await train(digits, '--json')).split('\n').find((line) => line.includes('"flip"'));
    assert.deepEqual(JSON.parse(found), { flip: 'none', images, right, right_mirrored: mirrored });
});

test('letters that are the same in the mirror stay mirrored', async () => {
    assert.match(await train(symmetrical), /^--flip alternate: mirror images mean the same \(/m);
    assert.match(configuration(), /^--flip=alternate$/m);
    assert.doesNotMatch(succeeded(await eyelet(['summary', join(here, 'run/run.eyelet')])).stdout, /^flip:/m);
});

test('--flip is obeyed, abbreviated too, and then the images are not asked', async () => {
    for (const named of [['--flip', 'random'], ['--fl=random']]) {
        assert.doesNotMatch(await train(digits, ...named), /mirror/);
        assert.match(configuration(), /^--flip=random$/m);
    }
});

test('of a few images nothing is concluded', async () => {
    assert.doesNotMatch(await train(digits, '--limit', '25'), /mirror/);
    assert.match(configuration(), /^--flip=alternate$/m);
});
