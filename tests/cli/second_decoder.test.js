/* Images that core does not read: read by the libraries that the program was built with, and named where it was built without. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { foreignPictures, scene } from '../support/foreign_pictures.js';
import { encodeGif, encodePng } from '../support/pictures.js';
import { eyelet, folder, program, refused, succeeded } from '../support/program.js';
import { modelFor, train } from '../support/small_sets.js';

const decoderOf = (name) => name.endsWith('.jpg') ? 'libjpeg' : name.endsWith('.webp') ? 'libwebp' : 'libheif';
const built = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout;
const without = (decoder) => !built.includes(decoder) && `NOT TESTED: this program was built without ${decoder}`;

const model = modelFor(['a', 'b', 'c']); /* every pixel counts */
const upright = encodePng(scene()), turned = encodePng(scene({ turned: true }));
const here = folder({ ...foreignPictures, 'upright.png': upright, 'turned.png': turned });
const classified = async (...names) => JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', model, ...names.map((name) => join(here, name))])).stdout);

for (const name of Object.keys(foreignPictures)) {
    const decoder = decoderOf(name);
    test(`${name} is read by ${decoder}, and the answer says so`, { skip: without(decoder) }, async () => {
        const [own, other] = await classified(name === 'turned.webp' ? 'turned.png' : 'upright.png', name);
        assert.deepEqual([own.decoder, other.decoder], [undefined, decoder]);
        const tolerance = decoder === 'libwebp' ? 0 : 0.1; /* lossless; else some units of a byte at the edges of the colours */
        own.logits.forEach((logit, i) => assert.ok(Math.abs(logit - other.logits[i]) <= tolerance, `${own.logits} against ${other.logits}`));
        const { stdout } = succeeded(await eyelet(['classify', model, join(here, name)]));
        assert.ok(stdout.startsWith(`${join(here, name)} (read by ${decoder})\n`), stdout);
    });
    test(`${name} is named where the program was built without ${decoder}`, { skip: built.includes(decoder) && `NOT TESTED: this program was built with ${decoder}` }, async () => {
        const path = join(here, name);
        refused(await eyelet(['classify', model, path]), { subject: path, reason: /image/ });
    });
    test(`a cut ${name} is no picture`, async () => {
        const bytes = foreignPictures[name], path = join(folder({ [name]: bytes.subarray(0, bytes.length - 20) }), name);
        refused(await eyelet(['classify', model, path]), { subject: path, reason: /cut short|damaged|WebP|HEIC|AVIF|neither|arithmetic/ });
    });
}

test('the two turned scenes are not alike for the model', async () => {
    const [a, b] = await classified('upright.png', 'turned.png');
    assert.ok(a.logits.some((logit, i) => Math.abs(logit - b.logits[i]) > 0.2));
});

/* Pillow's CMYK components, taken for YCCK by the Adobe segment's last byte: libjpeg makes 255 - RGB of the first three, and K dims them. */
test('YCCK becomes the colours of its formula', { skip: without('libjpeg') }, async () => {
    const ycck = Buffer.from(foreignPictures['cmyk.jpg']), adobe = ycck.indexOf('Adobe'), expected = scene();
    assert.deepEqual([ycck[adobe + 11], ycck[adobe + 11] = 2], [0, 2]); /* the colour transform */
    for (let i = 0; i < expected.data.length; i += 4) { /* the scene's R, G and B lie in the file as Y, Cb and Cr, and K is 255: no black in Adobe's inverted ink */
        const [y, cb, cr] = expected.data.slice(i, i + 3);
        expected.data.set([y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)].map((ink) => 255 - Math.min(255, Math.max(0, ink))), i);
    }
    const own = folder({ 'ycck.jpg': ycck, 'expected.png': encodePng(expected) }), paths = ['expected.png', 'ycck.jpg', 'plain.jpg'].map((name) => join(own, name));
    writeFileSync(paths[2], foreignPictures['cmyk.jpg']);
    const [formula, read, plain] = JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', model, ...paths])).stdout);
    const apart = (a, b) => Math.max(...a.logits.map((logit, i) => Math.abs(logit - b.logits[i])));
    assert.equal(read.decoder, 'libjpeg');
    assert.ok(apart(formula, read) < 0.1 && apart(plain, read) > 0.2, `${apart(formula, read)}, without the transform ${apart(plain, read)}`);
});

/* ISO 23008-12: a HEIF file whose picture has one property more, irot, a turn by so many times 90 degrees against the clock, or imir, a mirror. */
function withProperty(file, type, value) {
    const bytes = Buffer.from(file), at = (name, from = 0) => bytes.indexOf(name, from, 'latin1') - 4;
    const [meta, iprp, ipco, ipma, iloc] = ['meta', 'iprp', 'ipco', 'ipma', 'iloc'].map((name) => at(name));
    const property = Buffer.from([0, 0, 0, 9, ...Buffer.from(type), value]), end = ipco + bytes.readUInt32BE(ipco), picture = bytes.readUInt16BE(at('pitm') + 12);
    let properties = 0, entry = ipma + 16, item = iloc + 16;
    for (let box = ipco + 8; box < end; box += bytes.readUInt32BE(box))
        properties++;
    while (bytes.readUInt16BE(entry) !== picture)
        entry += 3 + bytes[entry + 2];
    for (const [box, more] of [[meta, 10], [iprp, 10], [ipco, 9], [ipma, 1]])
        bytes.writeUInt32BE(bytes.readUInt32BE(box) + more, box);
    const version = bytes[iloc + 8], base = version ? 6 : 4; /* of offset, where version 1 says before what it counts from; one extent each */
    for (let count = bytes.readUInt16BE(iloc + 14); count > 0; count--, item += base + 14)
        if (!version || bytes[item + 3] === 0) /* from the file's start: the data moves */
            bytes.writeUInt32BE(bytes.readUInt32BE(item + base) + 10, item + base);
    const last = entry + 3 + bytes[entry + 2];
    bytes[entry + 2]++;
    return Buffer.concat([bytes.subarray(0, end), property, bytes.subarray(end, last), Buffer.from([0x80 | (properties + 1)]), bytes.subarray(last)]);
}

test('HEIC and AVIF are turned and mirrored as they say', { skip: without('libheif') }, async () => {
    const flipped = scene(), { data, width } = scene();
    for (let pixel = 0; pixel < data.length / 4; pixel++) {
        const from = pixel - pixel % width + width - 1 - pixel % width;
        flipped.data.set(data.subarray(4 * from, 4 * from + 4), 4 * pixel);
    }
    const kinds = { 'photo.heic': 'heic', 'photo.avif': 'avif' }, files = { 'turned.png': turned, 'mirrored.png': encodePng(flipped) };
    for (const [name, ending] of Object.entries(kinds)) {
        files[`turned.${ending}`] = withProperty(foreignPictures[name], 'irot', 3);
        files[`mirrored.${ending}`] = withProperty(foreignPictures[name], 'imir', 1);
    }
    const names = Object.keys(files), own = folder(files);
    const results = JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', model, ...names.map((name) => join(own, name))])).stdout);
    const logitsOf = (name) => results[names.indexOf(name)].logits;
    for (const name of names.filter((other) => !other.endsWith('.png'))) {
        const expected = logitsOf(`${name.split('.')[0]}.png`);
        assert.equal(results[names.indexOf(name)].decoder, 'libheif');
        logitsOf(name).forEach((logit, i) => assert.ok(Math.abs(logit - expected[i]) <= 0.1, `${name}: ${logitsOf(name)} against ${expected}`));
    }
});

const few = scene();
few.data.forEach((value, i) => { few.data[i] = i % 4 === 3 ? 255 : value & 0xc0; });
const comment = [0x21, 0xfe, 3, 97, 98, 99, 0], gif = encodeGif(few, { before: comment });
test('a GIF is read by stb_image', { skip: without('stb_image') }, async () => {
    const files = { 'few.png': encodePng(few), 'few.gif': gif, 'two.gif': Buffer.concat([gif.subarray(0, -1), gif.subarray(gif.indexOf(0x2c))]) };
    const paths = Object.keys(files), own = folder(files);
    const [png, ...gifs] = JSON.parse(succeeded(await eyelet(['classify', '--json', '--logits', model, ...paths.map((name) => join(own, name))])).stdout);
    for (const { logits, decoder } of gifs) {
        assert.equal(decoder, 'stb_image');
        assert.deepEqual(logits, png.logits);
    }
});

test('a GIF that is cut or damaged is no picture, wherever that is', { skip: without('stb_image') }, async () => {
    const start = gif.indexOf(Buffer.from(comment)), cut = (length) => gif.subarray(0, length);
    const damaged = Buffer.from(gif), short = Buffer.from(gif);
    damaged[gif.lastIndexOf(0x2c) + 15] = 0xff; /* a code that nothing has defined */
    short.writeUInt16LE(few.height + 1, start + comment.length + 7); /* one row more than there is */
    const files = { 'a.gif': cut(12), 'b.gif': cut(start + 3), 'c.gif': cut(start + 12), 'd.gif': cut(gif.length - 40), 'e.gif': damaged, 'f.gif': short };
    const own = folder(files);
    for (const name of Object.keys(files))
        refused(await eyelet(['classify', model, join(own, name)]), { subject: join(own, name), reason: { 'a.gif': /is GIF/, 'e.gif': /damaged/ }[name] ?? /cut short/ });
});

test('doctor and train read them too, count them and say so', { skip: without('libwebp') }, async () => {
    const { 'lossless.webp': first, 'turned.webp': second } = foreignPictures, other = encodePng({ ...scene(), data: scene().data.map((value) => 255 - value) });
    const data = folder({ 'a/1.webp': first, 'a/2.webp': second, 'a/3.png': turned, 'b/1.png': upright, 'b/2.png': other });
    const result = await eyelet(['doctor', '--json', data]), said = JSON.parse(result.stdout);
    assert.deepEqual([said.unreadable, said.misnamed], [[], []]);
    assert.deepEqual(said.read_by_another.map(({ file, decoder }) => [file, decoder]), [[join(data, 'a/1.webp'), 'libwebp'], [join(data, 'a/2.webp'), 'libwebp']]);
    assert.ok(said.notes.includes('images read by another decoder, whose pixels may differ between machines: 2'), said.notes);
    assert.equal(said.duplicates.filter(({ kind }) => kind === 'equal').length, 2); /* 1.webp and upright.png; 2.webp and turned.png */
    const { stderr } = succeeded(await train(data, ['--test', '0']));
    assert.match(stderr, /: images read by another decoder, whose pixels may differ between machines: 2\n/);
    assert.match(stderr, /5 training images of 2 classes/);
});

test('classify finds them in a folder by their names', async () => {
    const answers = JSON.parse((await eyelet(['classify', '--json', model, here])).stdout).map(({ file }) => file.slice(here.length + 1));
    const expected = Object.keys({ ...foreignPictures, 'upright.png': 0, 'turned.png': 0 }).filter((name) => /jpg|png/.test(name) || !without(decoderOf(name)));
    assert.deepEqual(answers, expected.sort());
});

test('the build names what it is made with, and DECODERS= leaves all of it out', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url)), { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env;
    const commands = (...words) => spawnSync('make', ['-n', '-B', 'native', ...words], { cwd: root, encoding: 'utf8', env }).stdout;
    assert.match(commands('DECODERS=WEBP'), /-DWITH_WEBP .*main\.c[^]* -lwebp /);
    assert.doesNotMatch(commands('DECODERS='), /-DWITH_|-ljpeg|-lwebp|-lheif/);
    assert.match(built, /^eyelet \d+\.\d+\.\d+(\+[0-9a-f]{12}(-dirty)?)? \(.*\), other decoders of images:( none|( (lib\w+|stb_image))+), of models:( none| libhdf5)\n$/);
});
