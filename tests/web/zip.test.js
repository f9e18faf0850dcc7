/* web/page/zip.js, in Node: right zip files, and those that lie. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateRawSync } from 'node:zlib';

import { crc32 } from '../../web/crc32.js';
import { openZip, zipLimits } from '../../web/page/zip.js';
import { crc32 as otherCrc32 } from '../support/tiny_model.js';
import { zipOf } from '../support/zip_file.js';

let skip = false;
try {
    new DecompressionStream('deflate-raw');
} catch {
    skip = 'NOT TESTED: this Node has no DecompressionStream of that kind';
}
const open = (bytes) => openZip(new Blob([bytes]));
const fails = (promise, code) => assert.rejects(promise, ({ name, code: found, message }) => name === 'ClassifierError' && found === code && message.length > 20);
const text = 'a picture '.repeat(20);

test('the CRC-32 is that of zip files, also in parts', () => {
    assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
    assert.equal(crc32(Buffer.from('6789'), crc32(Buffer.from('12345'))), 0xcbf43926);
    assert.equal(crc32(Buffer.from(text)), otherCrc32(Buffer.from(text)) >>> 0);
});

test('files in folders, deflated; what is beside pictures is left out', { skip }, async () => {
    const { entries } = await open(zipOf({ 'a.jpg': text, 'photos/cats/b.jpg': 'b', 'photos\\dogs\\c.jpg': '', '__MACOSX/photos/._b.jpg': 'x', 'photos/.DS_Store': 'x',
        'photos/cats/': '', 'Thumbs.db': 'x', '猫/d.jpg': 'd' }));
    assert.deepEqual(entries.map(({ folder, name, size }) => [folder, name, size]),
        [['', 'a.jpg', text.length], ['photos/cats', 'b.jpg', 1], ['photos/dogs', 'c.jpg', 0], ['猫', 'd.jpg', 1]]);
    assert.deepEqual(await Promise.all(entries.map(async ({ read }) => String(Buffer.from(await read())))), [text, 'b', '', 'd']);
});

test('stored files, and a comment behind the directory', async () => {
    const zip = zipOf({ 'a.txt': text }), packed = deflateRawSync(Buffer.from(text)).length;
    const stored = Buffer.concat([zip.subarray(0, 35), Buffer.from(text), zip.subarray(35 + packed), Buffer.from('a comment')]);
    const directory = 35 + text.length, size = (at) => stored.writeUInt32LE(text.length, at);
    stored.writeUInt16LE(0, 8);
    stored.writeUInt16LE(0, directory + 10);
    size(18);
    size(directory + 20);
    stored.writeUInt32LE(directory, stored.length - 9 - 6);
    stored.writeUInt16LE(9, stored.length - 9 - 2);
    const { entries: [entry] } = await open(stored);
    assert.equal(String(Buffer.from(await entry.read())), text);
    const other = Buffer.from(stored);
    other[40] ^= 1;
    await fails((await open(other)).entries[0].read(), 'ZIP_ENTRY');
});

test('what is no zip file, cut short, in parts or zip64 is named', async () => {
    const zip = zipOf({ 'a.txt': text }), changed = (at, value) => {
        const other = Buffer.from(zip);
        other.writeUInt16LE(value, zip.length - 22 + at);
        return other;
    };
    for (const bytes of [Buffer.alloc(0), Buffer.from(text), zip.subarray(0, zip.length - 1), zip.subarray(10), changed(10, 2), Buffer.concat([zip.subarray(0, 30), zip.subarray(60)])])
        await fails(open(bytes), 'ZIP_DAMAGED');
    await fails(open(changed(4, 1)), 'ZIP_PARTS');
    await fails(open(changed(10, 0xffff)), 'ZIP_64');
    await fails(open(changed(10, zipLimits.entries + 1)), 'ZIP_ENTRIES');
});

test('bombs are refused before they are unpacked', async () => {
    const zeros = Buffer.alloc(zipLimits.freeBytes + 1);
    await fails(open(zipOf({ 'zeros.bmp': zeros })), 'ZIP_BOMB');
    await fails(open(zipOf([{ name: 'a', bytes: 'a', says: 2 ** 32 - 2, saysPacked: 3 }])), 'ZIP_BOMB');
    /* one kernel of packed bytes that many entries name (Fifield 2019) */
    const zip = zipOf({ 'a.bin': text, 'b.bin': text }), directory = zip.readUInt32LE(zip.length - 6);
    zip.writeUInt32LE(0, directory + 46 + 5 + 42);
    await fails(open(zip), 'ZIP_DAMAGED');
});

test('an entry that lies is named, and the others are read', { skip }, async () => {
    const { entries } = await open(zipOf([{ name: 'more.jpg', bytes: text, says: 5 }, { name: 'less.jpg', bytes: text, says: 500 },
        { name: 'locked.jpg', bytes: text, encrypted: true }, { name: 'good.jpg', bytes: text }]));
    for (const [i, code] of ['ZIP_ENTRY', 'ZIP_ENTRY', 'ZIP_ENCRYPTED'].entries())
        await fails(entries[i].read(), code);
    assert.equal((await entries[3].read()).length, text.length);
});

test('no bytes make it crash or hang', { skip }, async () => {
    const zip = zipOf({ 'a/b.jpg': text, 'c/d.jpg': 'd', 'e.jpg': '' });
    let random = 1, good = 0;
    for (let round = 0; round < 400; round++) {
        const other = Buffer.from(zip);
        for (let i = 0; i <= round % 3; i++) {
            random = Math.imul(random, 1664525) + 1013904223 >>> 0;
            other[(random >>> 8) % other.length] = random;
        }
        try {
            for (const { read } of (await open(other)).entries)
                await read();
            good++;
        } catch ({ name, message }) {
            assert.equal(name, 'ClassifierError', message);
        }
    }
    assert.ok(good > 20 && good < 380, `${good} of 400 are read`);
});
