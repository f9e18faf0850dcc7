/* What teaching takes (web/teacher.js, in Node), and how well it tells what is unlike all that was taught:
 *
 *     node tests/bench/bench_teacher.js data/objects-160 3 50       # 50 pictures each of 3 classes
 *
 * The folder has train/ and test/, a folder for each class. Taught are pictures of train/ of classes drawn with a seed;
 * test pictures of the same classes, and as many of other classes, are asked about. Prints a line of a table. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadTeacher } from '../../web/node_teacher.js';

const [data = 'data/objects-160', classes = '3', each = '50', seed = '1'] = process.argv.slice(2);
const backbone = fileURLToPath(new URL('../../web/models/objects160.eyelet', import.meta.url));
const asked = 300; /* pictures, of each kind */

let state = Number(seed);
const random = () => (state = state * 48271 % 2147483647) / 2147483647;
const shuffled = (list) => list.map((item) => [random(), item]).sort(([a], [b]) => a - b).map(([, item]) => item);
const filesOf = (part, label) =>
    readdirSync(join(data, part, label)).sort().map((name) => [label, join(data, part, label, name)]);
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
async function timed(work) {
    const started = performance.now(), value = await work();
    return [performance.now() - started, value];
}

const labels = shuffled(readdirSync(join(data, 'train')));
const own = labels.slice(0, Number(classes)), others = labels.slice(Number(classes));
const pictures = own.flatMap((label) => filesOf('train', label).slice(0, Number(each)));
const later = own.flatMap((label) => filesOf('train', label).slice(Number(each), Number(each) + 1)).slice(0, 10);

const teacher = await loadTeacher({ model: backbone }), add = [], again = [], classify = [];
for (const picture of pictures)
    add.push((await timed(() => teacher.add(...picture)))[0]);
const [first] = await timed(() => teacher.train());
for (const picture of later) {
    await teacher.add(...picture);
    again.push((await timed(() => teacher.train()))[0]);
}
const [estimating, { accuracy }] = await timed(() => teacher.evaluate());
const [saving, { length: bytes }] = await timed(() => teacher.save({ name: 'bench' }));

async function answers(files) {
    const found = [];
    for (const [label, path] of shuffled(files).slice(0, asked)) {
        const [time, { best: [best], nearest: [{ similarity }], isOutlier }] =
            await timed(() => teacher.classify(path));
        classify.push(time);
        found.push({ similarity, isOutlier, right: best.label === label });
    }
    return found;
}
const known = await answers(own.flatMap((label) => filesOf('test', label)));
const unknown = await answers(others.flatMap((label) => filesOf('test', label)));
const fraction = (list, of) => list.filter(of).length / list.length;
/* The chance that a known picture is nearer than an unknown one. */
const nearer = ({ similarity }) => fraction(unknown, ({ similarity: other }) => similarity > other);
const auroc = known.reduce((sum, picture) => sum + nearer(picture), 0) / known.length;

const ms = (time) => time.toFixed(time < 100 ? 1 : 0), percent = (x) => `${(100 * x).toFixed(1)} %`;
const row = {
    'classes x pictures': `${classes} x ${each}`,
    add: `${ms(median(add))} ms`,
    'train first': `${ms(first)} ms`,
    'after one more': `${ms(median(again))} ms`,
    classify: `${ms(median(classify))} ms`,
    evaluate: `${ms(estimating)} ms`,
    save: `${ms(saving)} ms`,
    file: `${(bytes / 1e6).toFixed(1)} MB`,
    memory: `${(teacher.info.memoryBytes / 2 ** 20).toFixed(0)} MiB`,
    'held out right': percent(accuracy),
    'test right': percent(fraction(known, ({ right }) => right)),
    'known accepted': percent(1 - fraction(known, ({ isOutlier }) => isOutlier)),
    'unknown refused': percent(fraction(unknown, ({ isOutlier }) => isOutlier)),
    AUROC: auroc.toFixed(3),
};
console.log(`| ${Object.keys(row).join(' | ')} |\n| ${Object.values(row).join(' | ')} |`);
teacher.close();
