/* The model format stands once in words, in the comment of core/net/model.h, and once as the table that C reads and writes by; and
 * what writes models for the tests writes what C does. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { modelFormat } from '../support/model_format.js';
import { models } from '../support/networks.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

/* Rows FIELD("name", TYPE, bytes, count, ...) of a macro. */
function rowsOf(macro) {
    const text = readFileSync(new URL('../../core/net/model_fields.h', import.meta.url), 'utf8');
    const body = new RegExp(`#define ${macro}\\(FIELD\\)([^]*?[^\\\\])\\n`).exec(text)[1];
    return [...body.matchAll(/FIELD\("([a-z ]+)", ([A-Z]+), (\d+), (\d+),/g)].map(([, name, type, bytes, count]) =>
        ({ name, type, bytes: bytes * count }));
}

for (const [record, macro, start] of [['header', 'MODEL_HEADER_FIELDS', 12], ['node', 'MODEL_NODE_FIELDS', 0]])
    test(`the ${record} has the fields that its description lists, at their offsets`, () => {
        let offset = start;
        const table = rowsOf(macro).map(({ name, type, bytes }) => {
            const row = [name === 'zero' ? `zero at ${offset}` : name, { offset, bytes, float: type === 'FLOAT' }];
            offset += bytes;
            return row;
        });
        assert.ok(table.length > 10);
        assert.deepEqual([...modelFormat[record]].filter(([, field]) => field.offset >= start), table);
    });

test('models of the tests are byte for byte what the program writes', async () => {
    const here = folder();
    const made = { ...models, 'padding, dilation, groups, an embedding': modelOf({ input: [9, 8, 3], embedding: 4, layers: [
        { kind: 'conv2d', channels: 6, kernel: [3, 2], stride: 2, padding: [1, 0, 2, 1], dilation: 2, bias: true },
        { kind: 'conv2d', channels: 4, kernel: [1, 1], groups: 2 }, { kind: 'maxpool', kernel: [2, 2], padding: [0, 1, 1, 0] },
        { kind: 'global_avgpool' }, { kind: 'dense', channels: 3 }, { kind: 'softmax' }] }) };
    let compared = 0;
    for (const [name, model] of Object.entries(made)) {
        if (/eyelet$|dropout|batchnorm|normalisation/.test(name) || name === 'the golden model') /* shipped ones; others lose layers on the way */
            continue;
        const path = join(here, 'm.eyelet');
        writeFileSync(path, model);
        succeeded(await eyelet(['convert', path, '-o', 'again.eyelet', '--weights', 'f32'], { cwd: here }));
        assert.ok(readFileSync(join(here, 'again.eyelet')).equals(model), name);
        compared++;
    }
    assert.ok(compared >= 7);
});
