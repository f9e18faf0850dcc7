/* What a taught model's file has beside its weights: labels, notes and thumbnails, as bytes.
 *
 *     checkLabel('apple');                                       // throws TEXT for what a model cannot hold
 *     const labels = labelBytes(['apple', 'pear']);
 *     const notes = noteBytes({ name: 'fruit' });
 *     const small = resized(pixels, { width: 160, height: 160 }, 80);    // (80, 80, 3) of (160, 160, 3) */
import { ClassifierError, limits } from './contract.js';
import { describe } from './source.js';

const maxLabelBytes = 255, maxNoteBytes = 16384, maxThumbnailSide = 256; /* core/base/bounds.h */

/* UTF-8. Jest's jsdom has no TextEncoder. */
function utf8(text) {
    const escaped = encodeURIComponent(text);
    return Uint8Array.from(escaped.match(/%..|./g) ?? [], (part) =>
        part.length > 1 ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0));
}

function isText(text) {
    try {
        encodeURIComponent(text); /* fails on half a surrogate pair */
        return !/[\p{Cc}]/u.test(text);
    } catch {
        return false;
    }
}

export function checkLabel(label) {
    if (typeof label !== 'string')
        throw new ClassifierError('ARGUMENT', `a label must be a string, not ${describe(label)}`);
    if (!label.trim() || !isText(label))
        throw new ClassifierError('TEXT', 'a label must be text on one line, not empty');
    if (utf8(label).length > maxLabelBytes)
        throw new ClassifierError('TEXT', `a label has ${maxLabelBytes} bytes at most: make it shorter`);
}

export function labelBytes(labels) {
    return joined(labels.map((label) => {
        const text = utf8(label);
        return [Uint8Array.of(text.length), text];
    }).flat());
}

/* Lines "key: value"; those without a value are left out. */
export function noteBytes(notes) {
    const lines = Object.entries(notes).filter(([, value]) => value !== undefined && value !== '');
    for (const [key, value] of lines)
        if (!isText(key) || typeof value !== 'string' || !isText(value) || /^\s*$|:/.test(key))
            throw new ClassifierError('TEXT', 'a note must be text on one line, its key without a colon');
    const bytes = utf8(lines.map(([key, value]) => `${key}: ${value}\n`).join(''));
    if (bytes.length > maxNoteBytes)
        throw new ClassifierError('TEXT', `the notes have ${maxNoteBytes} bytes at most: make them shorter`);
    return bytes;
}

export function joined(parts) {
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
    }
    return bytes;
}

/* Height and width of the thumbnails of so many pictures: the input's, so that they can be trained on, or half. */
export function thumbnailSideFor({ inputWidth, inputHeight }, count, many) {
    const side = Math.min(Math.max(inputWidth, inputHeight), maxThumbnailSide);
    return count > many ? Math.ceil(side / 2) : side;
}

/* The largest side, from `side` down, with which a model of so many pictures is no larger than a file may be. */
export function sideThatFits(side, count, { modelBytes, embedding }) {
    const spare = 2 ** 20;
    const room = (limits.modelBytes - modelBytes - spare) / Math.max(count, 1) - 4 * embedding - 2;
    return Math.max(1, Math.min(side, Math.floor(Math.sqrt(Math.max(room, 3) / 3))));
}

/* Pixels (side, side, 3): each is the mean of what it covers of (height, width, 3). The same array where the size is
 * right. */
export function resized(pixels, { width, height }, side) {
    if (width === side && height === side)
        return pixels;
    const out = new Uint8Array(side * side * 3), rows = spans(height, side), columns = spans(width, side);
    for (let y = 0, at = 0; y < side; y++)
        for (let x = 0; x < side; x++)
            for (let channel = 0; channel < 3; channel++)
                out[at++] = meanOf(pixels, width, rows[y], columns[x], channel);
    return out;
}

/* For each of `side` outputs the first of `count` inputs that it covers, and the one behind the last. */
function spans(count, side) {
    return Array.from({ length: side }, (_, index) => {
        const first = Math.min(Math.floor(index * count / side), count - 1);
        return [first, Math.max(first + 1, Math.floor((index + 1) * count / side))];
    });
}

function meanOf(pixels, width, [top, bottom], [left, right], channel) {
    let sum = 0;
    for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++)
            sum += pixels[(y * width + x) * 3 + channel];
    return Math.round(sum / ((bottom - top) * (right - left)));
}
