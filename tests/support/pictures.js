/* Pictures for tests: made here, byte by byte, so that what a test expects is known.
 *
 *     const png = encodePng(gradient(32, 32));    // the same pixels as file and as { data, width, height } */
import { deflateSync } from 'node:zlib';

import { crc32 } from './tiny_model.js';

/* 8 x 8 pixels, red to blue, by stb_image_write at quality 40. */
export const jpeg = Buffer.from(
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wCEABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4' +
    'x9lnN+gXwBFRcXHhoeOyEhO3xTRlN8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fP/AABEIAAgACAMB' +
    'IgACEQEDEQH/xAGiAAABBQEBAQEBAQAAAAAAAAAAAQIDBAUGBwgJCgsQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCC' +
    'NCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqi' +
    'o6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+gEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQ' +
    'oLEQACAQIEBAMEBwUEBAABAncAAQIDEQQFITEGEkFRB2FxEyIygQgUQpGhscEJIzNS8BVictEKFiQ04SXxFxgZGiYnKCkqNTY3ODk6Q0RFRkdI' +
    'SUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqCg4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2dri4+' +
    'Tl5ufo6ery8/T19vf4+fr/2gAMAwEAAhEDEQA/AJnFMxUj0yvPUEelN6n/2Q==', 'base64');

/* A Huffman table that claims 4,080 codes: a careless reader writes them all into a table of 256. */
export const hostileJpeg = Buffer.from('ffd8' + 'ffc0000b080008000801011100' + 'ffc4001300' + 'ff'.repeat(16) + 'ffd9', 'hex');

export function gradient(width, height, alpha = 255) {
    const data = new Uint8ClampedArray(width * height * 4);
    for (let i = 0; i < width * height; i++)
        data.set([i * 7 % 256, i * 3 % 256, 255 - i % 256, alpha], i * 4);
    return { data, width, height };
}

/* left, top, right, down of each */
const passesOf = (interlaced) => interlaced ? [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]] : [[0, 0, 1, 1]];

/* options: depth 16; palette (at most 256 colours, none transparent; colours: how many of them PLTE has, all by
 * default); interlaced (Adam7); orientation, of EXIF. Otherwise 8 bits, RGBA. */
export function encodePng({ data, width, height }, { depth = 8, palette = false, colours: kept = 256, interlaced = false, orientation } = {}) {
    const colours = [], indices = new Map();
    const pixel = (x, y) => {
        const rgba = [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
        if (!palette)
            return depth === 16 ? rgba.flatMap((value) => [value, value]) : rgba;
        if (!indices.has(`${rgba}`))
            indices.set(`${rgba}`, colours.push(rgba.slice(0, 3)) - 1);
        return [indices.get(`${rgba}`)];
    };
    const passes = passesOf(interlaced);
    const bytes = [];
    for (const [left, top, right, down] of passes)
        for (let y = top; y < height && left < width; y += down) {
            bytes.push(0); /* no filter */
            for (let x = left; x < width; x += right)
                bytes.push(...pixel(x, y));
        }
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, palette ? 3 : 6, 0, 0, interlaced ? 1 : 0]);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header),
        ...palette ? [chunk('PLTE', Buffer.from(colours.slice(0, kept).flat()))] : [], ...orientation ? [chunk('eXIf', exifOf(orientation))] : [],
        chunk('IDAT', deflateSync(Buffer.from(bytes))), chunk('IEND', Buffer.alloc(0))]);
}

/* A black PNG of any size, which deflates to a thousandth: depth 8 or 16, RGBA; orientation, of EXIF. Interlaced, all of its pixels
 * are in memory while it is decoded, else some rows are. */
export function largePng(width, height, { depth = 8, orientation, interlaced = false } = {}) {
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, 6, 0, 0, interlaced]);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    const passes = passesOf(interlaced);
    const bytes = passes.reduce((sum, [x, y, right, down]) => sum + Math.ceil((height - y) / down) * (1 + Math.ceil((width - x) / right) * depth / 2), 0);
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header),
        ...orientation ? [chunk('eXIf', exifOf(orientation))] : [], chunk('IDAT', deflateSync(Buffer.alloc(bytes))), chunk('IEND', Buffer.alloc(0))]);
}

/* 24 bits, from the bottom up. */
export function encodeBmp({ data, width, height }) {
    const row = Math.ceil(width * 3 / 4) * 4, bytes = Buffer.alloc(54 + row * height);
    bytes.write('BM');
    bytes.writeUInt32LE(54, 10);
    bytes.writeUInt32LE(40, 14);
    bytes.writeInt32LE(width, 18);
    bytes.writeInt32LE(height, 22);
    bytes.writeUInt16LE(1, 26);
    bytes.writeUInt16LE(24, 28);
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
            for (let c = 0; c < 3; c++)
                bytes[54 + (height - 1 - y) * row + x * 3 + 2 - c] = data[(y * width + x) * 4 + c];
    return bytes;
}

/* A TIFF header and a directory of one entry. */
const exifOf = (orientation) => Buffer.from([...Buffer.from('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0', 'latin1'), orientation, 0, 0, 0, 0, 0, 0]);

/* A baseline JPEG of blocks of 8 x 8 pixels, each of one grey, which every decoder gives back exactly: grey(column, row).
 * components: 1 grey, 3 YCbCr, 4 CMYK. */
export function encodeJpeg(columns, rows, grey, { orientation, components = 1 } = {}) {
    const segment = (marker, content) => Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255, ...content]);
    const size = [rows * 8 >> 8, rows * 8 & 255, columns * 8 >> 8, columns * 8 & 255], ids = Array.from({ length: components }, (_, i) => i + 1);
    /* DC: the twelve categories have codes of 4 bits. AC: nothing but the end of the block, one bit. Every step is 8. */
    const tables = [0, 0, 0, 0, 12, ...Array(12).fill(0), ...Array(12).keys(), 0x10, 1, ...Array(15).fill(0), 0];
    let bits = '';
    const before = Array(components).fill(0), bytes = [];
    for (let y = 0; y < rows; y++)
        for (let x = 0; x < columns; x++)
            for (let c = 0; c < components; c++) {
                const value = c ? 0 : grey(x, y) - 128, step = value - before[c], category = step ? Math.floor(Math.log2(Math.abs(step))) + 1 : 0;
                before[c] = value;
                bits += category.toString(2).padStart(4, '0');
                bits += category ? (step > 0 ? step : step + 2 ** category - 1).toString(2).padStart(category, '0') : '';
                bits += '0';
                for (; bits.length >= 8; bits = bits.slice(8)) {
                    bytes.push(parseInt(bits.slice(0, 8), 2));
                    if (bytes.at(-1) === 255)
                        bytes.push(0);
                }
            }
    bytes.push(parseInt(bits.padEnd(8, '1'), 2));
    const exif = orientation ? [segment(0xe1, [...Buffer.from('Exif\0\0'), ...exifOf(orientation)])] : [];
    return Buffer.concat([Buffer.of(0xff, 0xd8), ...exif, segment(0xdb, [0, ...Array(64).fill(8)]),
        segment(0xc0, [8, ...size, components, ...ids.flatMap((id) => [id, 0x11, 0])]), segment(0xc4, tables),
        segment(0xda, [components, ...ids.flatMap((id) => [id, 0]), 0, 63, 0]), Buffer.from(bytes), Buffer.of(0xff, 0xd9)]);
}

function chunk(kind, content) {
    const body = Buffer.concat([Buffer.from(kind), content]);
    const length = Buffer.alloc(4), sum = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
}

/* One picture of up to 127 colours, its codes all of eight bits: the table is cleared before they would grow. */
export function encodeGif({ data, width, height }, { before = [] } = {}) {
    const little16 = (n) => [n & 255, n >> 8], colours = new Map(), indices = [];
    for (let i = 0; i < data.length; i += 4) {
        const colour = String(data.subarray(i, i + 3));
        if (!colours.has(colour)) colours.set(colour, colours.size);
        indices.push(colours.get(colour));
    }
    const table = Buffer.alloc(128 * 3);
    [...colours.keys()].forEach((colour, i) => table.set(colour.split(',').map(Number), i * 3));
    const clear = 128, codes = indices.flatMap((index, i) => i % 100 ? [index] : [clear, index]).concat(clear + 1);
    const blocks = [];
    for (let i = 0; i < codes.length; i += 200) blocks.push(codes.slice(i, i + 200).length, ...codes.slice(i, i + 200));
    return Buffer.from([...Buffer.from('GIF89a'), ...little16(width), ...little16(height), 0xf6, 0, 0, ...table, ...before,
        0x2c, 0, 0, 0, 0, ...little16(width), ...little16(height), 0, 7, ...blocks, 0, 0x3b]);
}
