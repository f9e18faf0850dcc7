/* The page's CSV file of results. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { csvOf } from '../../web/page/csv.js';
import { drawable } from '../../web/page/drawable.js';

const best = (label, score = 0.5) => [{ label, score, index: 0 }];

/* The cells of a file in RFC 4180, by its grammar. */
function cellsOf(text) {
    const rows = [[]];
    for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
        rows.at(-1).push(quoted?.replaceAll('""', '"') ?? bare);
        if (end !== ',')
            rows.push([]);
    }
    return rows.slice(0, -1);
}

test('each picture is a line: its file, label, score, or what is wrong', () => {
    const text = csvOf([{ path: 'cats/1.jpg', result: best('cat', 0.93119) }, { path: 'b.jpg', result: new Error('the image file is damaged') }]);
    assert.equal(text, '\ufefffile,label,score,error\r\ncats/1.jpg,cat,0.9312,\r\nb.jpg,,,the image file is damaged\r\n');
});

test('commas, quotes and ends of lines stay in their cell', () => {
    for (const name of ['a,b', '"a"', 'a\nb', 'a\r\nb', ',"\n",'])
        assert.deepEqual(cellsOf(csvOf([{ path: name, result: best(name) }]).slice(1))[1], [name, name, '0.5000', '']);
});

test('no cell is a formula to a spreadsheet', () => {
    for (const name of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '=HYPERLINK("http://a","b")', '=a,b'])
        for (const cell of cellsOf(csvOf([{ path: name, result: best(name) }]).slice(1))[1].slice(0, 2))
            assert.equal(cell, `'${name}`);
    assert.match(csvOf([{ path: 'a-b.jpg', result: best('x=y') }]), /\r\na-b\.jpg,x=y,/);
});

test('to draw, a model is asked for what can be drawn, else for all of few or for short names', () => {
    assert.deepEqual(drawable(['espresso', 'ship', 'frying_pan', 'fur coat', 'Sailing ship, boat']), ['ship', 'frying_pan', 'Sailing ship, boat']);
    assert.deepEqual(drawable(['yes', 'no']), ['yes', 'no']);
    const many = Array.from({ length: 30 }, (_, i) => i < 3 ? `thing${i}` : `a long description ${i}`);
    assert.deepEqual(drawable(many), many.slice(0, 3));
});
