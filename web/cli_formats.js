/* What cli.js prints and writes, in the bytes that the native program does. */
import { ClassifierError } from './contract.js';
import { visible } from './view.js';

/* --- Text --- */

/* For a terminal: as on the page, and no control character either. */
export function escaped(text) {
    const inHex = (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
    return visible(text.replace(/[\0-\x1f\x7f]/g, inHex));
}

/* As C's %.9g, which gives back every bit of a float. */
export function nineDigits(number) {
    const [digits, exponent] = number.toExponential(8).split('e'), power = Number(exponent);
    if (power < -4 || power >= 9)
        return `${Number(digits)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
    return Object.is(number, -0) ? '-0' : String(Number(number.toPrecision(9)));
}

/* --- Scores --- */

const isSure = (best, { threshold = 0 }) => best[0].score >= threshold;

export function table(file, best, info) {
    const lines = best.map(({ label, score }) => `  ${(100 * score).toFixed(2).padStart(6)} %  ${escaped(label)}\n`);
    const doubt = best.isOutlier ? ': none of these' : isSure(best, info) ? '' : ': not sure';
    return `${escaped(file)}${doubt}\n${lines.join('')}`;
}

function jsonText(text) {
    const isShown = (character) => character !== '\n' && visible(character) === character;
    const inHex = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return `"${text.replace(/[^]/gu, (character) => /["\\]/.test(character) ? `\\${character}`
        : isShown(character) ? character : character.split('').map(inHex).join(''))}"`;
}

/* `result`: the best classes, or a ClassifierError. */
export function jsonLine(file, result, info) {
    if (result instanceof ClassifierError)
        return `{"file": ${jsonText(file)}, "error": ${jsonText(result.message)}}`;
    const predictions = result.map(({ label, score, index }) =>
        `{"label": ${jsonText(label)}, "score": ${nineDigits(score)}, "index": ${index}}`);
    return `{"file": ${jsonText(file)}, "predictions": [${predictions.join(', ')}], "sure": ${isSure(result, info)}, ` +
        `"outlier": ${Boolean(result.isOutlier)}}`;
}

/* What of the folders is not classified, or ''. */
export function passedOver({ files, links }) {
    const named = (paths, one, many) => paths.length ? [`${paths.length.toLocaleString('en')} ` +
        `${paths.length === 1 ? one : many}: ${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ', ...' : ''}`] : [];
    return [...named(files, 'file that is no image', 'files that are no images'),
        ...named(links, 'link to a folder', 'links to folders')].join('; ');
}

/* --- Embeddings: rows of { path, values } --- */

export function csvTitle(dimensions) {
    return `${['path', ...Array.from({ length: dimensions }, (_, k) => `e${k}`)].join(',')}\n`;
}

export function csvRow({ path, values }) {
    const field = /[,"\r\n]/.test(path) ? `"${path.replaceAll('"', '""')}"` : path;
    return `${[field, ...Array.from(values, nineDigits)].join(',')}\n`;
}

function csvBytes(rows) {
    return Buffer.from(csvTitle(rows[0].values.length) + rows.map(csvRow).join(''));
}

/* Little-endian, as every machine is that runs WebAssembly in Node. */
function matrixOf(rows) {
    return Buffer.concat(rows.map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength)));
}

/* huggingface.co/docs/safetensors */
function safetensorsBytes(rows) {
    const matrix = matrixOf(rows), paths = `[${rows.map(({ path }) => jsonText(path)).join(', ')}]`;
    const header = `{"__metadata__": {"paths": ${jsonText(paths)}}, "embeddings": {"dtype": "F32", ` +
        `"shape": [${rows.length}, ${rows[0].values.length}], "data_offsets": [0, ${matrix.length}]}}`;
    const padded = Buffer.from(header.padEnd(header.length + (8 - Buffer.byteLength(header) % 8) % 8));
    const length = Buffer.alloc(8);
    length.writeUInt32LE(padded.length);
    return Buffer.concat([length, padded, matrix]);
}

/* numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0: the header ends on a multiple of 64. */
function npyBytes(rows) {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows.length}, ${rows[0].values.length}), }`;
    const header = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`, length = Buffer.alloc(2);
    length.writeUInt16LE(header.length);
    return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), matrixOf(rows)]);
}

export const embeddingFormats = [
    { ending: '.safetensors', bytesOf: safetensorsBytes },
    { ending: '.npy', bytesOf: npyBytes, printsPaths: true },
    { ending: '.csv', bytesOf: csvBytes },
];
