/* web/contract.js repeats what the C core says: compared with its headers here, and the types and prose with
 * contract.js. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ClassifierError, defaultTopK, imageFormats, limits, statusCodes } from '../../web/contract.js';
import { encodeBmp, encodePng, gradient, jpeg } from '../support/pictures.js';

const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const status = read('core/base/status.h'), bounds = read('core/base/bounds.h'), types = read('web/classifier.d.ts');

/* The names of enum status by value, without their prefix. */
function statusNames(header) {
    const names = [];
    for (const [, name, value] of header.matchAll(/\bSTATUS_(\w+) = (\d+)/g)) {
        assert.equal(names[value], undefined, `STATUS_${name} has the value of another`);
        names[value] = name;
    }
    return names;
}

/* The value of a #define that is a product or a shift of integers. */
function limitIn(header, name) {
    const [, text] = new RegExp(`#define LIMIT_${name} +([^/\\n]+?) *(?:/\\*|$)`, 'm').exec(header) ?? [];
    assert.match(text ?? `no LIMIT_${name}`, /^[\d ()*<]+$/);
    return text.replace(/[()]/g, '').split('*').map((factor) => factor.split('<<').map(Number))
        .reduce((product, [number, shift = 0]) => product * number * 2 ** shift, 1);
}

const limitsIn = (header) => ({
    modelBytes: limitIn(header, 'MODEL_BYTES'), imageBytes: limitIn(header, 'IMAGE_BYTES'),
    imageSide: limitIn(header, 'IMAGE_SIDE'), imagePixels: limitIn(header, 'IMAGE_PIXELS'),
});

test('status codes are those of core/base/status.h', () => {
    assert.deepEqual(statusNames(status), [...statusCodes]);
    assert.notDeepEqual(statusNames(status.replace('STATUS_SCALE = ', 'STATUS_SCALES = ')), [...statusCodes]);
    assert.notDeepEqual(statusNames(status.replace(/STATUS_OK = 0,/, '')), [...statusCodes]);
});

test('limits are those of core/base/bounds.h', () => {
    assert.deepEqual(limitsIn(bounds), { ...limits });
    for (const name of ['MODEL_BYTES', 'IMAGE_BYTES', 'IMAGE_SIDE', 'IMAGE_PIXELS'])
        assert.notDeepEqual(limitsIn(bounds.replace(new RegExp(`(LIMIT_${name} +\\(?)`), '$19')), { ...limits }, name);
});

test('image formats are known by their first bytes', () => {
    const files = { JPEG: jpeg, PNG: encodePng(gradient(2, 2)), BMP: encodeBmp(gradient(2, 2)) };
    assert.deepEqual(Object.keys(files), Object.keys(imageFormats));
    for (const [name, magic] of Object.entries(imageFormats))
        assert.ok(files[name].toString('latin1').startsWith(magic), name);
});

test('classifier.d.ts names every code and the default of topK', () => {
    const union = types.slice(types.indexOf('type ClassifierErrorCode'), types.indexOf('class ClassifierError'));
    const named = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
    assert.deepEqual(statusCodes.slice(1).filter((code) => !named.includes(code)), []);
    const thrown = ['source', 'engine', 'classifier', 'background', 'worker', 'picture', 'page'].flatMap((name) =>
        [...read(`web/${name}.js`).matchAll(/ClassifierError\('(\w+)'/g)].map(([, code]) => code));
    assert.deepEqual([...new Set(thrown)].filter((code) => !named.includes(code)), []);
    assert.deepEqual(named.filter((code) => !statusCodes.includes(code) && !thrown.includes(code)), []);
    assert.ok(types.includes(`\`topK\` classes (${defaultTopK} by default)`));
});

test('a ClassifierError has a code, a message and a cause', () => {
    const cause = new Error('why'), error = new ClassifierError('FETCH', 'words', { cause });
    assert.deepEqual([error.name, error.code, error.message, error.cause],
        ['ClassifierError', 'FETCH', 'words', cause]);
});
