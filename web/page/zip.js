/* Reads zip files (APPNOTE.TXT 6.3.10), an entry at a time, from a File or another Blob: stored and deflated ones.
 *
 *     const { entries } = await openZip(file);    // { name, folder, size, read } of each file in it
 *     const bytes = await entries[0].read();      // unpacked, its checksum compared
 *
 * What a zip file says of itself is not believed: entries that overlap, that unpack to more than they say, or to more
 * than the limits allow, are refused before or while they are read, so that a bomb costs no memory. Errors are
 * ClassifierErrors. */
import { ClassifierError } from '../contract.js';
import { crc32 } from '../crc32.js';

export const zipLimits = Object.freeze({
    entries: 40_000,
    bytes: 4 * 2 ** 30, /* of all entries, unpacked */
    entryBytes: 64 * 2 ** 20, /* of one, unpacked: the limit of an image file */
    ratio: 200, /* unpacked to packed, above `freeBytes`: pictures shrink to a half at best, plain bitmaps to a 500th */
    freeBytes: 4 * 2 ** 20,
});

const endBytes = 22, longestComment = 65_535, directoryEntryBytes = 46, localHeaderBytes = 30;
const encrypted = 1, utf8 = 0x800; /* flags */

function refuse(code, message) {
    throw new ClassifierError(code, message);
}

const damaged = () => refuse('ZIP_DAMAGED', 'the .zip file is damaged or cut short: download or pack it again');

const bytesOf = async (blob, from, to) => {
    const bytes = new Uint8Array(await blob.slice(from, to).arrayBuffer());
    return bytes.length === to - from ? new DataView(bytes.buffer) : damaged();
};

/* The directory's end stands at the end of the file, behind it a comment at most: { count, size, offset }. */
async function findEnd(blob) {
    const length = Math.min(blob.size, endBytes + longestComment), start = blob.size - length;
    const tail = await bytesOf(blob, start, blob.size);
    for (let at = length - endBytes; at >= 0; at--)
        if (tail.getUint32(at, true) === 0x06054b50 && at + endBytes + tail.getUint16(at + 20, true) <= length)
            return {
                disk: tail.getUint16(at + 4, true), count: tail.getUint16(at + 10, true),
                size: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true), place: start + at,
            };
    return damaged();
}

/* Names are UTF-8, or else of the code page of DOS, of which the letters are ASCII's. */
function nameIn(bytes, flags) {
    const name = new TextDecoder(flags & utf8 ? 'utf-8' : 'windows-1252').decode(bytes);
    return name.replaceAll('\\', '/');
}

/* Folders, and what a Mac or Windows puts beside pictures. */
const isLeftOut = (name) => name.endsWith('/') || /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i.test(name);

function entryAt(view, at, blob) {
    if (at + directoryEntryBytes > view.byteLength || view.getUint32(at, true) !== 0x02014b50)
        damaged();
    const nameLength = view.getUint16(at + 28, true);
    const next = at + directoryEntryBytes + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > view.byteLength)
        damaged();
    const flags = view.getUint16(at + 8, true);
    const name = nameIn(new Uint8Array(view.buffer, at + directoryEntryBytes, nameLength), flags);
    const record = {
        name, flags, method: view.getUint16(at + 10, true), sum: view.getUint32(at + 16, true),
        packed: view.getUint32(at + 20, true), size: view.getUint32(at + 24, true),
        offset: view.getUint32(at + 42, true),
    };
    return { record, next, entry: {
        name: name.slice(name.lastIndexOf('/') + 1), folder: name.slice(0, Math.max(0, name.lastIndexOf('/'))),
        size: record.size, read: () => readEntry(blob, record),
    } };
}

export async function openZip(blob) {
    if (blob.size < endBytes)
        damaged();
    const end = await findEnd(blob);
    if (end.disk !== 0)
        refuse('ZIP_PARTS', 'the .zip file is one of several parts: put them together first');
    if (end.count === 0xffff || end.offset === 0xffffffff || end.size === 0xffffffff)
        refuse('ZIP_64', 'the .zip file is of the kind for more than 4 GB or 65,535 files (zip64): ' +
            'unpack it and drop the folder, or pack fewer files');
    if (end.count > zipLimits.entries)
        refuse('ZIP_ENTRIES', `the .zip file holds more than ${zipLimits.entries} files: pack fewer`);
    if (end.offset + end.size > end.place)
        damaged();
    const view = await bytesOf(blob, end.offset, end.offset + end.size), found = [];
    for (let i = 0, at = 0; i < end.count; i++) {
        const { record, entry, next } = entryAt(view, at, blob);
        at = next;
        if (!isLeftOut(record.name))
            found.push({ record, entry });
    }
    checkSizes(found.map(({ record }) => record), end.offset);
    return { entries: found.map(({ entry }) => entry) };
}

/* Before anything is unpacked: no bytes serve two entries, and all of them stay within the limits. */
function checkSizes(records, directory) {
    let total = 0, last = 0;
    for (const { offset, packed, size } of [...records].sort((a, b) => a.offset - b.offset)) {
        if (offset < last || offset + localHeaderBytes + packed > directory)
            damaged();
        last = offset + localHeaderBytes + packed;
        total += size;
        if (size > zipLimits.freeBytes && size > packed * zipLimits.ratio)
            bomb();
    }
    if (total > zipLimits.bytes)
        bomb();
}

function bomb() {
    refuse('ZIP_BOMB', `the .zip file would unpack to more than ${zipLimits.ratio} times its size or ` +
        `${zipLimits.bytes / 2 ** 30} GB: it is not taken`);
}

async function readEntry(blob, { name, flags, method, sum, packed, size, offset }) {
    if (flags & encrypted)
        refuse('ZIP_ENCRYPTED', `${name} in the .zip file needs a password: unpack it first, and drop the folder`);
    if (method !== 0 && method !== 8)
        refuse('ZIP_METHOD', `${name} in the .zip file is packed in another way than deflate (${method}): ` +
            'unpack it first, and drop the folder');
    if (size > zipLimits.entryBytes)
        refuse('IMAGE_BYTES', `${name} in the .zip file is larger than ${zipLimits.entryBytes / 2 ** 20} MB`);
    const header = await bytesOf(blob, offset, offset + localHeaderBytes);
    if (header.getUint32(0, true) !== 0x04034b50)
        damaged();
    const start = offset + localHeaderBytes + header.getUint16(26, true) + header.getUint16(28, true);
    const content = blob.slice(start, start + packed);
    const bytes = method === 0 ? new Uint8Array(await content.arrayBuffer()) : await inflate(content, size, name);
    if (bytes.length !== size || crc32(bytes) !== sum)
        refuse('ZIP_ENTRY', `${name} in the .zip file is damaged`);
    return bytes;
}

/* At most `size` bytes: the stream is given up when more come. */
async function inflate(content, size, name) {
    const reader = content.stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
    const bytes = new Uint8Array(size);
    try {
        for (let at = 0; ;) {
            const { done, value } = await reader.read();
            if (done)
                return bytes.subarray(0, at);
            if (at + value.length > size)
                break;
            bytes.set(value, at);
            at += value.length;
        }
    } catch {
        /* no deflate stream, or a broken one */
    }
    reader.cancel().catch(() => {});
    return refuse('ZIP_ENTRY', `${name} in the .zip file is damaged`);
}
