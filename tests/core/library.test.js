/* libeyelet.a: what an embedder links against shows the public functions and nothing else, and classifies. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const variant = dirname(readlinkSync(join(root, 'build/eyelet'))), library = join(root, 'build', variant, 'libeyelet.a');
const scratch = mkdtempSync(join(tmpdir(), 'eyelet-library-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...environment } = process.env;
function run(command, ...words) {
    const { status, stdout, stderr } = spawnSync(command, words, { cwd: root, encoding: 'utf8', env: environment });
    assert.equal(status, 0, `${command} ${words.join(' ')}\n${stdout}${stderr}`);
    return stdout;
}
before(() => run('make', `VARIANT=${variant}`, 'library'));

const textOf = (name) => readFileSync(join(root, name), 'utf8').replace(/\/\*[^]*?\*\//g, ' ');

test('its global symbols are the functions of the public headers, all of whose names begin with eyelet_', () => {
    const declared = ['core/classifier.h', 'core/explain.h', 'core/teacher.h', 'core/base/status.h'].flatMap((name) => [...textOf(name).matchAll(/(\w+)\([^;{]*\);/g)].map((match) => match[1]));
    const defined = [...run('nm', '-g', '--defined-only', library).matchAll(/ [A-TV-Z] (\w+)$/gm)].map((match) => match[1]);
    assert.ok(declared.length > 10);
    assert.deepEqual(defined.sort(), declared.sort());
    assert.deepEqual(defined.filter((name) => !name.startsWith('eyelet_')), []);
});

test('it needs nothing but memory functions of libc: no files, no clock, no heap', { skip: variant === 'sanitize' && 'NOT TESTED: the checks need their own library' }, () => {
    const needed = [...run('nm', '-u', library).matchAll(/ U (\w+)$/gm)].map((match) => match[1]);
    assert.deepEqual(needed.filter((name) => !/^(mem(cmp|cpy|move|set)|__assert_fail|_GLOBAL_OFFSET_TABLE_)$/.test(name)), []);
});

/* The golden picture (tests/support/golden_model.c), classified by the golden model. The program has functions of its own by the names
 * of some in core. */
const program = `
#include "classifier.h"
#include <stdio.h>
#include <stdlib.h>
void gemm_pack(void) { abort(); }
void relu_forward(void) { abort(); }
int main(void)
{
    static uint8_t model[1 << 20], rgba[17][23][4];
    FILE *file = fopen("tests/golden/model.eyelet", "rb");
    const size_t size = fread(model, 1, sizeof model, file);
    for (int y = 0; y < 17; y++)
        for (int x = 0; x < 23; x++)
            rgba[y][x][0] = (uint8_t)(x * 11), rgba[y][x][1] = (uint8_t)(y * 15), rgba[y][x][2] = (x / 4 + y / 4) % 2 ? 230 : 20,
            rgba[y][x][3] = x + y > 30 ? 128 : 255;
    size_t bytes;
    struct eyelet_classifier *classifier;
    if (eyelet_classifier_bytes(&bytes, model, size) || eyelet_classifier_open(&classifier, aligned_alloc(64, bytes), model, size))
        return 1;
    void *scratch = aligned_alloc(64, eyelet_classifier_scratch_bytes(classifier, 23, 17));
    if (eyelet_classifier_run(classifier, &rgba[0][0][0], 23, 17, scratch))
        return 2;
    for (int i = 0; i < eyelet_classifier_classes(classifier); i++)
        printf("%a\\n", (double)eyelet_classifier_logits(classifier)[i]);
    return 0;
}
`;

test('a C program links it beside names of its own, and gets the golden logits', () => {
    const source = join(scratch, 'embedder.c'), made = join(scratch, 'embedder');
    writeFileSync(source, program);
    run(...readFileSync(join(root, 'build', variant, 'command'), 'utf8').match(/: (\S+) -std=/).slice(1), '-std=c11', '-Wall', '-Wextra', '-Werror', '-iquote', 'core',
        ...(variant === 'sanitize' ? ['-fsanitize=address,undefined'] : []), source, library, '-o', made);
    const bits = [...textOf('tests/golden/expected.h').match(/golden_logits\[\] = \{([^}]*)/)[1].matchAll(/0x([0-9a-f]{8})/g)].map((match) => parseInt(match[1], 16));
    const logits = run(made).trim().split('\n').map((text) => {
        const [, sign, digits, exponent] = text.match(/^(-?)0x([0-9a-f.]+)p([+-]\d+)$/);
        const [whole, fraction = ''] = digits.split('.');
        return (sign ? -1 : 1) * parseInt(whole + fraction, 16) * 2 ** (Number(exponent) - 4 * fraction.length);
    });
    assert.deepEqual([...new Uint32Array(Float32Array.from(logits).buffer)], bits);
});
