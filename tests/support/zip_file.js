/* Zip files, written byte by byte (APPNOTE.TXT 6.3.10), right ones and wrong ones.
 *
 *     const zip = zipOf({ 'model.json': text, 'weights.bin': bytes });
 *     const lying = zipOf([{ name: '../model.json', bytes, says: 10, saysPacked: 5, encrypted: true }]);      // says: its size by the directory
 */
import { deflateRawSync } from 'node:zlib';

import { crc32 } from './tiny_model.js';

export function zipOf(files) {
    const entries = Array.isArray(files) ? files : Object.entries(files).map(([name, bytes]) => ({ name, bytes }));
    const parts = [], directory = [];
    let at = 0;
    for (const { name, bytes, says, saysPacked, encrypted = false } of entries) {
        const content = Buffer.from(bytes), packed = deflateRawSync(content), path = Buffer.from(name);
        /* version, flags, method 8, time, date, checksum, sizes, lengths of name and of nothing more */
        const fields = Buffer.alloc(26);
        [20, 0x800 | encrypted, 8, 0, 0x21].forEach((value, i) => fields.writeUInt16LE(value, 2 * i));
        [crc32(content) >>> 0, saysPacked ?? packed.length, says ?? content.length].forEach((value, i) => fields.writeUInt32LE(value, 10 + 4 * i));
        fields.writeUInt16LE(path.length, 22);
        parts.push(Buffer.from('PK\x03\x04'), fields, path, packed);
        const place = Buffer.alloc(14); /* no comment, first disk, no attributes, where it stands */
        place.writeUInt32LE(at, 10);
        directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), fields, place, path);
        at += 30 + path.length + packed.length;
    }
    const end = Buffer.alloc(18), size = directory.reduce((sum, { length }) => sum + length, 0);
    [entries.length, entries.length].forEach((value, i) => end.writeUInt16LE(value, 4 + 2 * i));
    [size, at].forEach((value, i) => end.writeUInt32LE(value, 8 + 4 * i));
    return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}
