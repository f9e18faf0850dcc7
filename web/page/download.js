/* Saves what the page has made as a file, where the browser puts downloads.
 *
 *     download(bytes, fileName('Red or blue?', 'eyelet'));    // "Red or blue.eyelet" */
import { make } from '../view.js';

const keptFor = 60_000; /* milliseconds: a browser may ask first where the file should go */

export function download(content, name, type = '') {
    const link = make('a', { href: URL.createObjectURL(new Blob([content], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), keptFor);
}

/* Of a title, what all systems take as a name. */
export function fileName(title, ending) {
    const name = title.replace(/[\p{C}\p{Z}/\\:*?"<>|.]+/gu, ' ').trim().slice(0, 80);
    return `${name || 'eyelet'}.${ending}`;
}
