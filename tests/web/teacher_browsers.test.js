/* Teaching in Chromium, Firefox and WebKit: the saved model is the file that Node saves of the same pictures. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadClassifier } from '../../web/node.js';
import { loadTeacher } from '../../web/node_teacher.js';
import { serve } from '../../web/serve.js';
import { browsers } from '../support/browsers.js';
import { encodePng } from '../support/pictures.js';

const backbone = fileURLToPath(new URL('../../web/models/objects160.eyelet', import.meta.url));

/* Stripes and checks of several sizes and colours, and one that is neither. */
function drawn(label, number) {
    const side = 64, data = Buffer.alloc(side * side * 4, 255), size = 3 + number % 5;
    for (let at = 0; at < data.length; at += 4) {
        const x = at / 4 % side, y = Math.floor(at / 4 / side);
        const dark = label === 'stripes' ? Math.floor((x + number) / size) % 2 : (Math.floor(x / size) + Math.floor(y / size)) % 2;
        for (let channel = 0; channel < 3; channel++)
            data[at + channel] = dark ? 20 + 15 * (number + channel) % 90 : 180 + (number * 11 + channel * 7) % 70;
    }
    return encodePng({ data, width: side, height: side });
}
const pictures = Array.from({ length: 24 }, (_, i) => [i % 2 ? 'checks' : 'stripes', drawn(i % 2 ? 'checks' : 'stripes', i >> 1)]);
const asked = ['stripes', 'checks'].map((label) => drawn(label, 77));

/* Here and, as text, in the page. */
async function teach({ teacher, pictures, asked }) {
    const add = [];
    for (const [label, image] of pictures) {
        const started = performance.now();
        await teacher.add(label, image);
        add.push(performance.now() - started);
    }
    const { milliseconds: first } = await teacher.train();
    await teacher.add(...pictures[0]);
    const started = performance.now();
    await teacher.train();
    const again = performance.now() - started, { accuracy, count, confusion } = await teacher.evaluate();
    const bytes = await teacher.save({ name: 'patterns' }), answers = [];
    for (const image of asked) {
        const { best, nearest, isOutlier } = await teacher.classify(image);
        answers.push({ best, nearest, isOutlier });
    }
    teacher.close();
    return { accuracy, count, confusion, answers, bytes, times: { add: add.sort((a, b) => a - b)[add.length >> 1], first, again } };
}

/* Runs in the page. */
const teachThere = `async ({ pictures, asked }) => {
    const { loadTeacher } = await import('/teacher.js');
    const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const teacher = await loadTeacher({ model: '/models/objects160.eyelet' });
    const given = { pictures: pictures.map(([label, image]) => [label, bytesOf(image)]), asked: asked.map(bytesOf) };
    const result = await (${teach})({ teacher, ...given });
    let text = '';
    for (let at = 0; at < result.bytes.length; at += 32768)
        text += String.fromCharCode(...result.bytes.subarray(at, at + 32768));
    return { ...result, bytes: btoa(text) };
}`;

let here;
before(async () => {
    here = await teach({ teacher: await loadTeacher({ model: backbone }), pictures, asked });
    console.log('# Node', JSON.stringify(here.times));
});

test('in Node, the saved model answers what was taught', async () => {
    const classifier = await loadClassifier({ model: here.bytes });
    assert.deepEqual(here.answers.map(({ best: [{ label }] }) => label), ['stripes', 'checks']);
    for (const [position, image] of asked.entries())
        assert.deepEqual(classifier.classifySync(image), here.answers[position].best);
    assert.ok(here.bytes.length < readFileSync(backbone).length + 25 * (64 * 64 * 3 + 352 * 4 + 2) + 4096);
});

for (const { name, skip, launch } of browsers)
    describe(`in ${name}`, { skip }, () => {
        let browser, site;
        before(async () => {
            site = await serve({ port: 0 });
            browser = await launch();
        });
        after(async () => {
            await browser?.close();
            await site?.close();
        });

        test('the same pictures make the same file, to the last byte', async () => {
            const page = await browser.open(`${site.url}examples/folder.html`);
            const given = { pictures: pictures.map(([label, image]) => [label, image.toString('base64')]), asked: asked.map((image) => image.toString('base64')) };
            const there = await page.evaluate(teachThere, given);
            console.log(`# ${name}`, JSON.stringify(there.times));
            const { bytes, times, ...found } = there, { bytes: own, times: ownTimes, ...expected } = here;
            assert.deepEqual(found, JSON.parse(JSON.stringify(expected)));
            assert.ok(Buffer.from(bytes, 'base64').equals(Buffer.from(own)));
            assert.deepEqual(page.heard, []);
            await page.close();
        });
    });
