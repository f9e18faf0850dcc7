/* web/contract.js repeats what the C core defines: compared with its headers here, and the types and prose with
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

/* The value of a #define that is a product or a shift of integers, as WebAssembly sees it. */
function limitIn(header, name) {
    header = header.replace(/^#if UINTPTR_MAX > UINT32_MAX$[^]*?^#else/m, '');
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
        assert.notDeepEqual(limitsIn(bounds.replace(new RegExp(`(LIMIT_${name} +\\(?)`, 'g'), '$19')), { ...limits }, name);
});

/* The rows of PICTURE_FORMATS: name to first bytes. */
function formatsIn(header) {
    const rows = [...header.matchAll(/^ {4}ROW\((\w+), "[a-z ]+", "([^"]+)"\)/gm)];
    return Object.fromEntries(rows.map(([, name, magic]) => [name, magic.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
        .replaceAll('\\r', '\r').replaceAll('\\n', '\n')]));
}

test('image formats are those of core/image/formats.h, here and in every text that lists them', () => {
    const formats = formatsIn(read('core/image/formats.h')), files = { JPEG: jpeg, PNG: encodePng(gradient(2, 2)), BMP: encodeBmp(gradient(2, 2)) };
    assert.deepEqual(Object.keys(imageFormats), Object.keys(formats));
    assert.deepEqual(Object.keys(files), Object.keys(formats));
    for (const [name, magic] of Object.entries(imageFormats)) {
        assert.ok(formats[name].startsWith(magic), name);
        assert.ok(files[name].toString('latin1').startsWith(formats[name]), name);
        for (const [file, pattern] of [['core/base/status.c', /the image is neither [^"]*/], ['core/base/status.h', /STATUS_IMAGE_FORMAT = .*/],
            ['web/classifier.d.ts', /Pixels, or the bytes of .*/], ['web/classifier.js', /classifier\.classify\(file.*/], ['train_native/commands/classify.c', /eyelet classify MODEL [^\n]*/]])
            assert.ok(pattern.exec(read(file))?.[0].includes(name), `${file} does not list ${name}`);
    }
});

test('classifier.d.ts names every code and the default of topK', () => {
    const union = types.slice(types.indexOf('type ClassifierErrorCode'), types.indexOf('class ClassifierError'));
    const named = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
    assert.deepEqual(statusCodes.slice(1).filter((code) => !named.includes(code)), []);
    const thrown = ['source', 'pixels', 'engine', 'picture', 'camera', 'engine_port', 'background', 'classifier', 'page/page',
        'teacher', 'teacher_engine', 'teacher_file', 'teacher_remote', 'teaching_set'].flatMap((name) =>
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

test('every type and function of the package has its documentation', () => {
    const undocumented = (text) => [...text.matchAll(/(?<!\*\/\n)^export (?:class|function|interface|type) (\w+)/gm)].map(([, name]) => name);
    for (const name of ['classifier', 'element', 'react', 'teacher'])
        assert.deepEqual(undocumented(read(`web/${name}.d.ts`)), [], name);
    assert.deepEqual(undocumented('/** A. */\nexport type A = 1;\n\nexport class B {\n'), ['B']);
});
