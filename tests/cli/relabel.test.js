/* The report's choice of other classes: the script that it saves moves files and overwrites none, the table has all. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { lineOf, none, scriptOf, tableOf } from '../../web/templates/relabel.js';
import { launch, skip, visitFile } from '../support/chromium.js';
import { encodePng } from '../support/pictures.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

const picture = (shade) => encodePng({ width: 8, height: 8, data: Uint8ClampedArray.from({ length: 256 }, (_, i) => i % 4 === 3 ? 255 : i < 4 ? shade : 200) });
const files = (names, more = {}) => ({ classes: ['cat', 'Big dog', 'owl'], data_path: 'photos', in_folders: true,
    examples: names.map((file) => ({ file, label: ['cat', 'big_dog', 'owl'].findIndex((name) => file.includes(`${name}/`)) })), ...more });
const run = (cwd, script, ...more) => spawnSync('sh', ['-c', script, 'relabel.sh', ...more], { cwd, encoding: 'utf8' });

test('files move to the folders of their new classes, as these are called', () => {
    const names = ['test/cat/it\'s $(1) "a".png', 'test/cat/in/-2.png', 'test/big_dog/3.png'], data = files(names);
    const here = folder(Object.fromEntries(names.map((name, i) => [`photos/${name}`, picture(i)])));
    const changes = [{ file: names[0], label: 0, to: 1 }, { file: names[1], label: 0, to: 2 }, { file: names[2], label: 1, to: none }];
    const done = run(here, scriptOf(data, changes));
    assert.deepEqual([done.status, done.stderr, done.stdout], [0, '', '']);
    for (const [i, path] of ['photos/test/big_dog/it\'s $(1) "a".png', 'photos/test/owl/in/-2.png', 'photos.removed/test/big_dog/3.png'].entries())
        assert.deepEqual(readFileSync(join(here, path)), Buffer.from(picture(i)), path);
    assert.deepEqual(readdirSync(join(here, 'photos/test/cat/in')), []);
    assert.equal(tableOf(data, changes), 'path,label,new_label\n"test/cat/it\'s $(1) ""a"".png",cat,Big dog\ntest/cat/in/-2.png,cat,owl\ntest/big_dog/3.png,Big dog,\n');
});

test('nothing is overwritten, what is missing is named, and the folder can be another one', () => {
    const here = folder({ 'elsewhere/cat/1.png': picture(1), 'elsewhere/owl/1.png': picture(2), 'elsewhere/cat/3.png': picture(3) });
    const changes = [1, 2, 3].map((n) => ({ file: `cat/${n}.png`, label: 0, to: 2 })), script = scriptOf(files([]), changes);
    assert.notEqual(run(here, script).status, 0, 'there is no folder photos');
    const { status, stderr } = run(here, script, 'elsewhere');
    assert.equal(status, 1);
    assert.match(stderr, /^owl\/1\.png is there already: cat\/1\.png stays\n.*cat\/2\.png/s);
    assert.deepEqual(readFileSync(join(here, 'elsewhere/owl/1.png')), Buffer.from(picture(2)));
    assert.deepEqual(readFileSync(join(here, 'elsewhere/owl/3.png')), Buffer.from(picture(3)));
    assert.ok(existsSync(join(here, 'elsewhere/cat/1.png')));
});

test('the script leaves alone what lies in no folder of its class, and names that people could not read in it', () => {
    const line = (file, more) => lineOf(files([file], more), { file, label: 0, to: 2 });
    assert.equal(line('cat/1.png'), 'move \'cat/1.png\' \'owl/1.png\'');
    for (const file of ['1.png', 'cats/1.png', 'a/cat', 'cat/\n.png', 'cat/\u202egnp.1', 'cat/\x1b[2J.png', '../cat/1.png', '/cat/1.png', 'cat/\ufffd.png'])
        assert.equal(line(file), null, file);
    assert.equal(line('cat/1.png', { in_folders: false }), null, 'a table has the labels');
    for (const name of ['..', 'a/b', '.hidden', ''])
        assert.equal(line('cat/1.png', { classes: ['cat', 'dog', name] }), null, name);
});

describe('in the report, in Chromium', { skip }, () => {
    const model = modelOf({ input: [8, 8, 3], labels: ['red', 'green', 'blue'], weight: (inputs) => inputs ? 0 : 1,
        layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }] });
    const names = ['red', 'green', 'blue'].flatMap((name) => [1, 2, 3].map((n) => `${name}/${n}.png`));
    const report = async (files, data) => {
        const here = folder({ 'm.eyelet': model, ...files });
        succeeded(await eyelet(['evaluate', 'm.eyelet', data, '--test', '1', '--report', 'r.html'], { cwd: here }));
        return here;
    };
    const saved = async (page, button) => {
        const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
        return [download.suggestedFilename(), readFileSync(await download.path(), 'utf8')];
    };
    let browser;
    before(async () => { browser = await launch(); });
    after(() => browser?.close());

    test('what is chosen below pictures is saved, and nothing before', async () => {
        const here = await report(Object.fromEntries(names.map((name, i) => [`photos/${name}`, picture(i)])), 'photos');
        await visitFile(browser, join(here, 'r.html'), async (page) => {
            const choice = (file) => page.locator(`.class-choice[data-file="${file}"]`).first();
            const [first, second] = await page.locator('#worst .file').allTextContents();
            assert.equal(await page.isHidden('#relabel'), true);
            assert.deepEqual(await choice(first).locator('option').allTextContents(), ['red', 'green', 'blue', 'none: take it out']);
            await choice(first).selectOption('red');
            await choice(second).selectOption('none: take it out');
            assert.equal(await page.textContent('#relabel-words'), '2 pictures chosen.');
            const [scriptName, script] = await saved(page, '#relabel-script'), [tableName, table] = await saved(page, '#relabel-table');
            assert.deepEqual([scriptName, tableName], ['relabel.sh', 'relabel.csv']);
            const [label, name] = first.split('/');
            assert.equal(table, `path,label,new_label\n${first},${label},red\n${second},${second.split('/')[0]},\n`);
            const done = run(here, script), old = join(here, 'photos', first);
            assert.equal(done.status, 1, 'there is one of its name');
            assert.match(done.stderr, new RegExp(`^red/${name} is there already: ${first} stays\n$`));
            assert.ok(existsSync(old) && !existsSync(join(here, 'photos', second)) && existsSync(join(here, 'photos.removed', second)));
            await page.click('#relabel-forget');
            assert.equal(await page.isHidden('#relabel'), true);
            assert.equal(await choice(first).inputValue(), String(['red', 'green', 'blue'].indexOf(label)));
        });
    });

    test('of a table of labels only the table is offered', async () => {
        const listed = `file,label\n${names.map((name) => `${name},${name.split('/')[0]}\n`).join('')}`;
        const here = await report({ 'labels.csv': listed, ...Object.fromEntries(names.map((name, i) => [name, picture(i)])) }, 'labels.csv');
        await visitFile(browser, join(here, 'r.html'), async (page) => {
            await page.locator('#worst .class-choice').first().selectOption('red');
            assert.match(await page.textContent('#relabel-words'), /^1 picture chosen, of which the script cannot move 1: /);
            assert.equal(await page.isHidden('#relabel-script'), true);
            assert.match((await saved(page, '#relabel-table'))[1], /^path,label,new_label\n.*,red\n$/s);
        });
    });
});
