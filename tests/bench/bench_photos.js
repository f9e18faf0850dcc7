/* From a phone's photo to its label, in Chromium: the bytes of a JPEG to classifySync, beside what others let a page
 * do, createImageBitmap and a canvas of the network's size.
 *
 * Photos of data/objects-160, enlarged, with the noise of a sensor, as JPEGs of 1, 12 and 48 megapixels: Chromium's,
 * 4:2:0; progressive and 4:4:4 where libjpeg-turbo's tools are there. In turn, round after round. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '../../web/serve.js';
import { fixed, launchChromium, machine, root, spread, table, withSpread, writeResults } from './bench_report.js';

const sizes = [[1152, 864], [4032, 3024], [8000, 6000]];
const source = join(root, 'data/objects-160/test');

/* Runs in the page: a collage of the photos as the bytes of a JPEG, in base64. */
async function makeJpeg([photos, width, height]) {
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext('2d');
    for (const [i, photo] of photos.entries()) {
        const bitmap = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${photo}`)).blob());
        context.drawImage(bitmap, i % 4 * width / 4, Math.floor(i / 4) * height / 3, width / 4, height / 3);
    }
    const band = 64;
    for (let y = 0, state = 1; y < height; y += band) {
        const rows = Math.min(band, height - y), image = context.getImageData(0, y, width, rows);
        for (let at = 0; at < image.data.length; at += 4) {
            state = Math.imul(state, 1664525) + 1013904223 | 0;
            for (let c = 0; c < 3; c++)
                image.data[at + c] += (state >> 8 * c + 4 & 15) - 7;
        }
        context.putImageData(image, 0, y);
    }
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
    const reader = new FileReader();
    return new Promise((done) => {
        reader.onload = () => done(reader.result.split(',')[1]);
        reader.readAsDataURL(blob);
    });
}

/* Runs in the page: times in milliseconds, a pair a round. */
async function race([bytes, rounds]) {
    const { loadClassifier } = await import('/classifier.js');
    const file = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
    const classifier = await loadClassifier({ model: '/models/tutorial.eyelet' });
    const { inputWidth: side } = classifier.info, context = new OffscreenCanvas(side, side).getContext('2d');
    const byBrowser = async () => {
        const bitmap = await createImageBitmap(new Blob([file], { type: 'image/jpeg' }));
        const { width, height } = bitmap, square = Math.min(width, height);
        context.drawImage(bitmap, (width - square) / 2, (height - square) / 2, square, square, 0, 0, side, side);
        context.getImageData(0, 0, side, side);
        bitmap.close();
    };
    const times = [[], []];
    for (let round = 0; round <= rounds; round++)
        for (const [i, call] of [() => classifier.classifySync(file), byBrowser].entries()) {
            const start = performance.now();
            await call();
            times[i].push(performance.now() - start);
        }
    return times.map((each) => each.slice(1)); /* the first is a warm-up */
}

/* The same photo as other encoders write it, by libjpeg-turbo's tools; null where they are not there. */
function rewritten(baseline, command) {
    const folder = mkdtempSync(join(tmpdir(), 'eyelet-photos-'));
    try {
        writeFileSync(join(folder, 'a.jpg'), Buffer.from(baseline, 'base64'));
        const options = { cwd: folder, maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] };
        return execFileSync('bash', ['-o', 'pipefail', '-c', command], options).toString('base64');
    } catch {
        return null;
    } finally {
        rmSync(folder, { recursive: true });
    }
}
const kinds = [['baseline', null], ['progressive', 'jpegtran -progressive a.jpg'],
    ['4:4:4', 'djpeg a.jpg | cjpeg -quality 90 -sample 1x1']];

export async function measurePhotos({ quick, leaveOut, write }) {
    if (!existsSync(source))
        return leaveOut('photos', 'no data/objects-160');
    const browser = await launchChromium();
    if (typeof browser === 'string')
        return leaveOut('photos, Chromium', browser);
    const server = await serve({ port: 0 }), rows = [];
    const photos = readdirSync(source).slice(0, 12)
        .map((name) => readFileSync(join(source, name, readdirSync(join(source, name))[0])).toString('base64'));
    try {
        const page = await browser.newPage({ bypassCSP: true });
        await page.goto(server.url);
        for (const [width, height] of sizes) {
            const baseline = await page.evaluate(makeJpeg, [photos, width, height]);
            for (const [kind, command] of kinds) {
                const bytes = command ? rewritten(baseline, command) : baseline, what = `${width}x${height}, ${kind}`;
                if (!bytes) {
                    leaveOut(`photos, ${what}`, 'no jpegtran, djpeg and cjpeg');
                    continue;
                }
                const [own, theirs] = await page.evaluate(race, [bytes, quick ? 3 : 11]);
                const ratios = own.map((time, i) => time / theirs[i]), size = (bytes.length * 0.75 / 1e6).toFixed(1);
                rows.push([what, `${size} MB`, withSpread(spread(own), fixed(0)),
                    withSpread(spread(theirs), fixed(0)), withSpread(spread(ratios), fixed(2))]);
                console.log(rows.at(-1).join('   '));
            }
        }
    } finally {
        await browser.close();
        await server.close();
    }
    if (write)
        writeResults('bench-photos', [
            `Measured by \`make bench ARGUMENTS=photos\` on ${machine}; milliseconds, median`,
            '(interquartile range); slowdown: of Eyelet against the browser (below 1: faster).', '',
            ...table(['JPEG', 'size', 'Eyelet: bytes to label', 'createImageBitmap and canvas', 'slowdown'], rows),
        ]);
}
