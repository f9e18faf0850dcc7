/* The icon, drawn as PNG files for those who take no SVG (the home screens of phones): icon.svg's two rings.
 *
 *     writeFileSync('icon-192.png', pngIcon(192));
 *     writeFileSync('maskable.png', pngIcon(512, { background: [0xf8, 0xf6, 0xf3], scale: 0.62 })); */
import { deflateSync } from 'node:zlib';

import { crc32 } from './crc32.js';

const ink = [0xd9, 0x62, 0x2b];
const side = 32, middle = 16, halfStroke = 1.5, radii = [13, 5.5]; /* of icon.svg */

/* Of one pixel, by its distance from the edges: the fraction that a ring covers, antialiased over a pixel's width. */
function covered(x, y, pixel) {
    const distance = Math.hypot(x - middle, y - middle);
    const inside = Math.max(...radii.map((radius) => halfStroke - Math.abs(distance - radius)));
    return Math.min(1, Math.max(0, inside / pixel + 0.5));
}

/* size x size pixels; `scale` makes the rings smaller than the picture; without a background it is transparent. */
export function pngIcon(size, { background = null, scale = 1 } = {}) {
    const pixel = side / size / scale, rows = [];
    for (let y = 0; y < size; y++) {
        rows.push(0); /* no filter */
        for (let x = 0; x < size; x++) {
            const at = (i) => middle + (i + 0.5 - size / 2) * pixel, fraction = covered(at(x), at(y), pixel);
            rows.push(...background
                ? [...ink.map((value, i) => Math.round(background[i] + fraction * (value - background[i]))), 255]
                : [...ink, Math.round(255 * fraction)]);
        }
    }
    const header = Buffer.alloc(13);
    header.writeUInt32BE(size, 0);
    header.writeUInt32BE(size, 4);
    header.set([8, 6], 8); /* 8 bits, RGBA */
    return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header),
        chunk('IDAT', deflateSync(Buffer.from(rows))), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(kind, bytes) {
    const length = Buffer.alloc(4), content = Buffer.concat([Buffer.from(kind), bytes]), sum = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    sum.writeUInt32BE(crc32(content));
    return Buffer.concat([length, content, sum]);
}
