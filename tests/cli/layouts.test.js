/* How folders of images are laid out: what is taken for a part, a class, neither; what is asked; what is left out and said. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodeBmp } from '../support/pictures.js';
import { asNobody, eyelet, eyeletAsNobody, folder, refused, succeeded } from '../support/program.js';
import { classes, counts, evaluation, modelFor, picture, png, rows, train } from '../support/small_sets.js';

const names = ['apple', 'banana', 'cherry'];

/* Pictures of every class in each of these folders, so many of a class; no two are the same. */
let made = 0;
function layout(folders, list = names) {
    const files = {};
    for (const [prefix, count] of Object.entries(folders)) {
        Object.assign(files, classes(list, count, { prefix, first: made }));
        made += list.length * count;
    }
    return files;
}
const flat = (prefix, count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}.png`, png(++made)]));

/* Trains on a folder of these files, and tests a model on it: the numbers of images for training, validation and testing. */
async function parts(files, ...more) {
    const data = folder(files), trained = succeeded(await train(data, ['--validation', '0', ...more]));
    const said = await evaluation(modelFor(names), data, ...more);
    assert.deepEqual(said.classes, names);
    return { data, stderr: trained.stderr, counts: [...counts(trained), rows(said.confusion).reduce((sum, count) => sum + count)] };
}

/* ---- Parts ---- */

const recognised = [
    ['train, test', { 'train/': 5, 'test/': 2 }, [15, 0, 6], null],
    ['Training, Testing', { 'Training/': 5, 'Testing/': 2 }, [15, 0, 6], /: train in Training; test in Testing$/m],
    ['training_set, test_set', { 'training_set/': 5, 'test_set/': 2 }, [15, 0, 6], /: train in training_set; test in test_set$/m],
    ['train_set, test_set, val_set', { 'train_set/': 5, 'test_set/': 2, 'val_set/': 1 }, [15, 3, 6], /: train in train_set; val in val_set; test in test_set$/m],
    ['train, dev, eval', { 'train/': 5, 'dev/': 1, 'eval/': 2 }, [15, 3, 6], /: train in train; val in dev; test in eval$/m],
    ['train2017, valid2017, Test 2017', { 'train2017/': 5, 'valid2017/': 1, 'Test 2017/': 2 }, [15, 3, 6], /val in valid2017/],
    ['a folder in a folder', { 'seg_train/seg_train/': 5, 'seg_test/seg_test/': 2 }, [15, 0, 6], /: train in seg_train\/seg_train; test in seg_test\/seg_test$/m],
    ['images beside labels', { 'images/train/': 5, 'images/val/': 1, 'images/test/': 2 }, [15, 3, 6], /: train in images\/train; val in images\/val; test in images\/test$/m,
        { 'labels/train/apple/0.txt': '0 0.5 0.5 1 1' }],
    ['folds, drawn from', { 'fold1/': 4, 'fold2/': 3, 'fold10/': 3 }, [27, 0, 3], /: train in fold1, fold2, fold10$/m],
    ['folds and a test set', { 'fold1/': 4, 'fold2/': 3, 'test/': 2 }, [21, 0, 6], /: train in fold1, fold2; test in test$/m],
    ['parts and a copy of them', { 'train/': 5, 'test/': 2, 'data/train/': 5, 'data/test/': 2 }, [15, 0, 6], /\/data: is left out: it stands beside the parts of the data \(images: 21\)$/m],
    ['one folder that holds the classes', { 'photos/': 10 }, [27, 0, 3], /: classes in photos$/m],
    ['folders that hold the parts', { 'a/b/c/train/': 5, 'a/b/c/test/': 2 }, [15, 0, 6], /: train in a\/b\/c\/train; test in a\/b\/c\/test$/m],
    ['a folder of classes with an archive\'s rest', { 'photos/': 10 }, [27, 0, 3], /: classes in photos$/m, { '__MACOSX/photos/apple/._0.png': 'x', '.DS_Store': 'x' }],
];
for (const [name, folders, expected, said, more] of recognised)
    test(`parts are recognised: ${name}`, async () => {
        const { stderr, counts: found } = await parts({ ...layout(folders), ...more });
        assert.deepEqual(found, expected, stderr);
        if (said)
            assert.match(stderr, said);
        else
            assert.doesNotMatch(stderr, / in /);
    });

test('parts are recognised: in each class', async () => {
    const files = {};
    for (const name of names)
        Object.assign(files, flat(`${name}/train/`, 5), flat(`${name}/test/`, 2));
    const { stderr, counts: found } = await parts(files);
    assert.deepEqual(found, [15, 0, 6]);
    assert.match(stderr, /: the parts stand in the folders of the classes$/m);
});

const asked = [
    ['parts by structure, with names that say nothing', layout({ 'left/': 2, 'right/': 2 }), /parts of the data, or classes.*: "left", "right"$/, /--parts train=left,test=\.\.\.; --parts none/],
    ['a part by structure beside named ones', layout({ 'train/': 3, 'test/': 1, 'more/': 2 }), /"more" holds folders of the same names as other parts/, /--parts train=train,test=more; --parts train=train leaves it out/],
    ['a class that is called train', { ...layout({ 'bus/': 3 }, ['x']), ...layout({ 'train/': 3 }, ['fast', 'slow']), ...flat('car/', 3) },
        /"train" could be a part of the data, or a class.*: "bus", "car"$/, /--parts train=train takes it alone; --parts none/],
    ['classes beside a part of the same', layout({ '': 3, 'test/': 2 }), /classes stand in it and in "test" within, like "apple"/, /--parts train=\.,test=test/],
    ['classes and a second copy of them', layout({ '': 3, 'fruits/': 2 }), /parts of the data, or classes.*: "fruits"$/, /--parts train=fruits; --parts none/],
    ['parts without classes', { ...flat('train/', 3), ...flat('test/', 3) }, /parts of the data by their names.*: "test", "train"$/, /--parts none/],
    ['two parts of one name', layout({ 'train/': 3, 'training_set/': 2 }), /is the same part of the data as .*\/train$/, /--parts/],
    ['data sets side by side', layout({ 'a/train/': 2, 'a/test/': 1, 'b/train/': 2, 'b/test/': 1 }), /each folder in it is a data set with parts of its own, like "a"/, /Name one/],
    ['a data set beside others', { ...layout({ 'a/train/': 2, 'a/test/': 1 }), ...flat('b/', 3) }, /"a" holds the parts of a data set of its own/, /--parts none/],
    ['folds that are data sets each', layout({ 'fold1/train/': 2, 'fold1/val/': 1, 'fold2/train/': 2, 'fold2/val/': 1 }), /"fold1" holds the parts of a data set of its own/, /Name it as the data set: .*\/fold1; --parts none/],
    ['a test set and a part that is called nothing', layout({ 'images/': 3, 'test/': 2 }), /"images" holds folders of the same names as other parts/, /--parts train=images,test=test\.$/],
    ['flat parts and a table', { ...flat('train/', 3), ...flat('test/', 3), 'train.csv': 'id,label\n' }, /no folders of classes in them: "test", "train"$/, /If .*train\.csv says/],
    ['test images without labels beside classes', { ...layout({ '': 3 }), ...flat('test/', 3) }, /"test" stands beside classes, and is called as a part/, /Move it elsewhere.*--parts none/],
    ['training images without classes', { ...flat('train/', 3), ...layout({ 'test/': 2 }) }, /no folders of classes in it, and there are in other parts/],
];
for (const [name, files, reason, hint] of asked)
    test(`what is not plain is asked: ${name}`, async () => {
        const data = folder(files);
        for (const result of [await train(data), await eyelet(['doctor', data])]) {
            const subject = result.stderr.match(/eyelet: (.*?): /)[1];
            assert.ok(subject.startsWith(data), subject);
            refused(result, { subject, reason, hint });
        }
    });

test('--parts names them, or says that there are none', async () => {
    const sides = layout({ 'left/': 5, 'right/': 2, 'rest/': 1 });
    assert.deepEqual((await parts(sides, '--parts', 'train=left,test=right')).counts, [15, 0, 6]);
    assert.deepEqual((await parts(sides, '--parts', 'train=left,train=rest/,val=right,test=right', '--test', '0').catch(() => null)), null);
    assert.deepEqual((await parts(sides, '--parts', 'train=left,train=rest/,test=right')).counts, [18, 0, 6]);
    assert.deepEqual((await parts(layout({ '': 5, 'test/': 2 }), '--parts', 'train=.,test=test')).counts, [15, 0, 6]);
    assert.deepEqual((await parts(layout({ 'a/x/': 5, 'a/y/': 2 }), '--parts', 'train=a/x,test=a/y')).counts, [15, 0, 6]);
    const none = succeeded(await train(folder(sides), ['--parts', 'none', '--test', '0']));
    assert.match(none.stderr, /24 training images of 3 classes/);
    const data = folder(sides);
    for (const [text, reason] of [['left', /names no parts: "left"/], ['train=', /names no parts/], ['', /names no parts/], ['colour=left', /names no parts/],
        ['train=gone', /there is no folder ".*gone"/], ['train=left,test=left', /names ".*left" twice/]])
        refused(await train(data, ['--parts', text]), { subject: '--parts', reason });
});

test('images without folders, and a table beside them: the table is named', async () => {
    for (const [files, reason] of [[flat('images/', 3), /there is only one class, "images"/], [flat('', 3), /there are no folders in it/]]) {
        const data = folder({ ...files, 'labels.csv': 'file,label\n' });
        refused(await train(data), { subject: data, reason, hint: /^ +If .*\/labels\.csv says what the images show, name it as the data\.$/ });
    }
    const data = folder({ 'train/a/x.txt': 'x', 'train/b/x.txt': 'x' });
    refused(await train(data), { subject: data, reason: /there are no images in it, nor in the folders in it/ });
});

test('folders within classes that are no parts belong to the class', async () => {
    const files = { ...flat('cat/indoors/', 3), ...flat('cat/outdoors/', 3), ...flat('dog/park/', 3), ...flat('dog/', 3) };
    assert.match(succeeded(await train(folder(files), ['--test', '0'])).stderr, /\(a folder for each class, 12 training images of 2 classes\)/);
});

/* ---- What is left out ---- */

test('test images without labels are left out, and said to be', async () => {
    for (const [name, place] of [['test', 'test/'], ['test1', 'test1/'], ['test', 'test/unknown/'], ['seg_pred', 'seg_pred/seg_pred/']]) {
        const { data, stderr, counts: found } = await parts({ ...layout({ 'train/': 10, 'val/': 1 }), ...flat(place, 4) });
        assert.deepEqual(found, [27, 3, 3], place);
        assert.ok(stderr.includes(`eyelet: ${data}/${name}: images without labels (in no folder of a class), which are left out: 4\n`), stderr);
        assert.ok(stderr.includes(`        \`eyelet classify MODEL ${data}/${place.slice(0, -1)}\` says what they show.\n`), stderr);
        assert.match(stderr, /30 training images of 3 classes; 10 % are held out as test set; images without labels: 4\)/);
    }
});

test('what systems leave in folders is passed over', async () => {
    const system = {};
    for (const place of ['__MACOSX/apple/._0.png', '@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg', '$RECYCLE.BIN/a.png', '.git/config', '.ipynb_checkpoints/0.png', 'lost+found/x.png',
        'System Volume Information/x.png', 'Thumbs.db', 'desktop.ini', '.DS_Store', '._apple'])
        for (const prefix of ['', 'apple/'])
            system[prefix + place] = 'x';
    const { stderr, counts: found } = await parts({ ...layout({ '': 10 }), ...system });
    assert.deepEqual(found, [27, 0, 3]);
    assert.match(stderr, /27 training images of 3 classes; 10 % are held out as test set\)/);
});

test('an empty class is named, and left out if asked', async () => {
    const files = { ...layout({ 'train/': 5, 'test/': 2 }), 'train/durian/notes.txt': 'none yet', ...flat('test/durian/', 1) }, data = folder(files);
    mkdirSync(join(data, 'train/elder'));
    refused(await train(data), { subject: data, reason: /classes without an image \(2\): "durian", "elder"$/, hint: /--skip-empty/ });
    const { stderr, counts: found } = await parts(files, '--skip-empty');
    assert.deepEqual(found, [15, 0, 6]);
    assert.match(stderr, /: classes without an image, which are left out \(1\): "durian"$/m);
});

test('val or test may lack a class, which is said, and hold none that is not trained', async () => {
    const { stderr, counts: found } = await parts({ ...layout({ 'train/': 5 }), ...layout({ 'test/': 2 }, names.slice(0, 2)), ...layout({ 'val/': 1 }, names.slice(1)) });
    assert.deepEqual(found, [15, 2, 4]);
    assert.match(stderr, /: note: 1 of 3 classes have no validation images: "apple"$/m);
    assert.match(stderr, /: note: 1 of 3 classes have no test images: "cherry"$/m);
    const other = folder({ ...layout({ 'train/': 5, 'test/': 2 }), ...flat('test/Cherries/', 2), ...flat('test/fig/', 2) });
    refused(await train(other), { subject: `${other}/test`, reason: /classes that are not in the training part \(2\): "Cherries", "fig"$/, hint: /Remove or rename.*training part/ });
});

test('files are judged by their first bytes where their names say nothing', async () => {
    const strange = {}, odd = ['one', 'two.pjpeg', 'three.download', 'four.jpg_1', 'five.php', 'six.tmp', 'seven.JPG.part'];
    for (const [label, name] of names.entries())
        for (const [i, file] of odd.entries())
            strange[`${name}/${file}`] = i % 3 ? png(9000 + 10 * label + i) : encodeBmp(picture(9000 + 10 * label + i));
    const { stderr, counts: found } = await parts({ ...strange, ...layout({ '': 3 }), 'apple/BMW.txt': 'BM is how a BMP begins', 'apple/list.json': '{}' });
    assert.deepEqual(found, [27, 0, 3]);
    assert.match(stderr, /; files that are not images: 2\)/);
    const { stderr: foreign } = await parts({ ...layout({ '': 30 }), 'apple/moving': 'GIF89a', 'apple/x.download': 'RIFF\0\0\0\0WEBPVP8 ' });
    assert.match(foreign, /apple\/moving: left out: .*GIF/);
    assert.match(foreign, /apple\/x\.download: left out: /); /* damaged, or of a format that is not read, as the build has it */
});

/* ---- What cannot be read ---- */

test('a file or folder without permission is named, counted and left out', asNobody, async () => {
    const data = folder({ ...layout({ '': 20 }), ...flat('apple/deep/', 2), 'cherry/file': png(8) }), closed = ['apple/deep', 'banana/0.png', 'cherry/file'];
    closed.forEach((name) => chmodSync(join(data, name), 0));
    const { stderr } = await eyeletAsNobody(['evaluate', modelFor(names), data, '--test', '1']);
    chmodSync(join(data, closed[0]), 0o755);
    for (const name of closed)
        assert.ok(stderr.includes(`eyelet: ${data}/${name}: left out: Permission denied\n`), stderr);
    assert.match(stderr, /59 test images of 3 classes; 100 % are held out as test set; left out: 3\)/);
});

test('a class without permission is empty', asNobody, async () => {
    const data = folder(layout({ '': 20 })), run = (...more) => eyeletAsNobody(['doctor', data, ...more]);
    chmodSync(join(data, 'apple'), 0);
    refused(await run(), { subject: data, reason: /classes without an image \(1\): "apple" \(Permission denied\)$/, hint: /--skip-empty/ });
    assert.match((await run('--skip-empty')).stdout, /^40 images, 2 classes/);
    chmodSync(data, 0);
    refused(await run(), { subject: data, reason: /Permission denied/ });
    chmodSync(data, 0o755);
    chmodSync(join(data, 'apple'), 0o755);
});

test('links in circles are named, counted and left out', async () => {
    const data = folder(layout({ '': 20 }));
    symlinkSync('loop', join(data, 'apple/loop'));
    symlinkSync('round.png', join(data, 'apple/round.png'));
    symlinkSync('..', join(data, 'apple/up'));
    const { stderr } = succeeded(await train(data, ['--test', '0']));
    for (const name of ['loop', 'round.png'])
        assert.ok(stderr.includes(`eyelet: ${data}/apple/${name}: left out: Too many levels of symbolic links\n`), stderr);
    assert.match(stderr, /60 training images of 3 classes; left out: 2; links to folders, which are not followed: 1\)/);
});
