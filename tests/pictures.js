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

/* A Huffman table that claims 4,080 codes: stb_image 2.27 would write them all into a table of 257. */
export const hostileJpeg = Buffer.from('ffd8' + 'ffc0000b080008000801011100' + 'ffc4001300' + 'ff'.repeat(16) + 'ffd9', 'hex');

export function gradient(width, height, alpha = 255) {
    const data = new Uint8ClampedArray(width * height * 4);
    for (let i = 0; i < width * height; i++)
        data.set([i * 7 % 256, i * 3 % 256, 255 - i % 256, alpha], i * 4);
    return { data, width, height };
}

export function encodePng({ data, width, height }) {
    const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0]); /* 8 bits, RGBA */
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    const rows = Array.from({ length: height }, (_, y) =>
        Buffer.concat([Buffer.of(0), Buffer.from(data.buffer, y * width * 4, width * 4)])); /* 0: no filter */
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header),
        chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(kind, content) {
    const body = Buffer.concat([Buffer.from(kind), content]);
    const length = Buffer.alloc(4), sum = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
}
