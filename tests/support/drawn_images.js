/* Images of 32 x 32 pixels that are drawn here, in the layout of CIFAR-10: for tests of whole models without a download.
 *
 *     const data = makeData(drawnRecords());                  // support/program.js: a folder for --data
 *
 * Gradients, discs, stripes, boxes and noise, some faint, some in black and white: integers throughout, so that every machine
 * draws the same. The label is the kind of drawing. */
import { recordBytes, records } from './program.js';

const side = 32, plane = side * side;

/* A colour for pixel (x, y); p: eight bytes of the image's own. */
const drawings = [
    (x, y, p) => [x * p[0] >> 5, y * p[1] >> 5, (x + y) * p[2] >> 6],
    (x, y, p) => ((x - (p[3] & 31)) ** 2 + (y - (p[4] & 31)) ** 2 < 20 + p[5] ? [p[0], p[1], p[2]] : [255 - p[0], p[6], p[7]]),
    (x, y, p) => ((x * (1 + (p[3] & 3)) + y * (p[4] & 3)) >> 2 & 1 ? [p[0], p[1], p[2]] : [p[5], p[6], p[7]]),
    (x, y, p) => (x > (p[3] & 15) && x < 16 + (p[4] & 15) && y > (p[5] & 15) && y < 16 + (p[6] & 15) ? [p[0], p[1], p[2]] : [p[7], p[7], p[7]]),
    (x, y, p, noise) => [noise & 255, noise >> 8 & 255, noise >> 16 & 255],
    (x, y, p, noise) => [p[0] + (noise & 31), p[0] + (noise >> 8 & 31), p[0] + (noise >> 16 & 31)],
    (x, y, p) => ((x >> (p[3] & 3)) + (y >> (p[4] & 3)) & 1 ? [255, 255, 255] : [0, 0, 0]),
    (x, y, p, noise) => [128 + (noise & 3), 128 + (noise >> 2 & 3), 128 + (noise >> 4 & 3)],
    (x, y, p) => [255 - ((x - 16) ** 2 + (y - 16) ** 2 >> 1), p[1], ((x - 16) * (y - 16)) + p[2]],
    (x, y, p, noise) => (noise & 15 ? [p[0], p[1], p[2]] : [255, 0, 255]),
];

/* The records of one file. */
export function drawnRecords() {
    const bytes = Buffer.alloc(records * recordBytes);
    let state = 20;
    const draw = () => (state = Math.imul(state, 1664525) + 1013904223 | 0) >>> 8;
    for (let record = 0, at = 0; record < records; record++, at += recordBytes) {
        const kind = record % drawings.length, own = Array.from({ length: 8 }, () => draw() >> 8 & 255);
        bytes[at] = kind;
        for (let i = 0; i < plane; i++)
            drawings[kind](i % side, i / side | 0, own, draw()).forEach((value, c) => {
                bytes[at + 1 + c * plane + i] = Math.max(0, Math.min(255, value));
            });
    }
    return bytes;
}
