/* What the page knows of a model file beside what the module reads of it (core/net/model.h): the pictures in it.
 *
 *     countExamples(bytes);                          // 60; 0 for what is no model
 *     const small = withoutExamples(bytes, 384);     // the same model, without its pictures; 384: of an embedding */
import { crc32 } from '../crc32.js';

const magic = [0x89, 0x45, 0x59, 0x4c, 0x0d, 0x0a, 0x1a, 0x0a];
const headerBytes = 128, countAt = 64, sideAt = 68, embeddingsAt = 70, checksumBytes = 4;

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const padded = (size) => Math.ceil(size / 64) * 64;

export function countExamples(bytes) {
    const isModel = bytes.length >= headerBytes && magic.every((value, i) => bytes[i] === value);
    return isModel ? viewOf(bytes).getUint32(countAt, true) : 0;
}

/* Of a model that the module has read. */
export function withoutExamples(bytes, embedding) {
    const view = viewOf(bytes), count = countExamples(bytes), side = view.getUint16(sideAt, true);
    const examples = padded(2 * count) + padded(3 * count * side * side) +
        (view.getUint8(embeddingsAt) ? padded(4 * count * embedding) : 0);
    const end = bytes.length - checksumBytes - examples, small = bytes.slice(0, end + checksumBytes);
    small.fill(0, countAt, embeddingsAt + 1);
    viewOf(small).setUint32(end, crc32(small.subarray(0, end)), true);
    return small;
}
