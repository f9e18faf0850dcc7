/* What cannot be seen in a text from others, or turns the order of what stands beside it, is shown by its number: on the terminal
 * (train_native/cli/escape.c), and by the same rules on the page and in the report (visible in web/view.js). */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { visible } from '../../web/view.js';
import { encodePng, gradient } from '../support/pictures.js';
import { eyelet, folder, succeeded } from '../support/program.js';
import { tinyModel } from '../support/tiny_model.js';

const rules = [
    ['plain text, 1 % \u00a7 \u00e4\u00f6\u00fc \u4f60\u597d \u0645\u0631\u062d\u0628\u0627', null],
    ['cat\u202etac\u2066\u2069\u200e\u200f\u061c', 'cat\\u{202E}tac\\u{2066}\\u{2069}\\u{200E}\\u{200F}\\u{61C}'],
    ['a\u200bb\u2060c\ufeffd\u00ade\u3164', 'a\\u{200B}b\\u{2060}c\\u{FEFF}d\\u{AD}e\\u{3164}'],
    ['a\u2028b\u2029c\u0085d\u009b', 'a\\u{2028}b\\u{2029}c\\u{85}d\\u{9B}'],
    ['flag\u{e0067}\u{e007f}', 'flag\\u{E0067}\\u{E007F}'],
    ['pay\u200dpal, \u200cx, \u00e9\u200dx, x\u200d\u00e9, \u00e9\u200d', 'pay\\u{200D}pal, \\u{200C}x, \u00e9\\u{200D}x, x\\u{200D}\u00e9, \u00e9\\u{200D}'],
    ['\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937', null], /* Persian, Hindi */
    ['\u2764\ufe0f\u200d\u{1f525} \u{1f468}\u200d\u{1f469}\u200d\u{1f467} 1\ufe0f\u20e3', null], /* a heart on fire, a family, a keycap */
    ['a\ufe0f\ufe0f \u00e9\ufe0f\ufe0e\u200d\u00e9 \u200d\ufe0f', 'a\ufe0f\\u{FE0F} \u00e9\ufe0f\\u{FE0E}\\u{200D}\u00e9 \\u{200D}\\u{FE0F}'],
];

async function onTerminal(text) {
    const { stderr } = await eyelet([text]);
    return stderr.match(/^eyelet: there is no command "(.*)"\n/s)[1];
}

test('the page shows by its number what cannot be seen', () => {
    for (const [text, shown] of rules)
        assert.equal(visible(text), shown ?? text);
    assert.equal(visible('a\nb\tc\x1b'), 'a\nb\\u{9}c\\u{1B}', 'lines are for the page to lay out');
});

test('the terminal shows the same', async () => {
    for (const [text, shown] of rules)
        assert.equal(await onTerminal(text), shown ?? text);
    assert.equal(await onTerminal('a\nb\x1b\x7f'), 'a\\x0ab\\x1b\\x7f');
});

test('page and terminal agree on every character that is hidden, and on its neighbours', async () => {
    const hidden = (code) => code > 0xff && visible(String.fromCodePoint(code)) !== String.fromCodePoint(code), codes = [];
    for (let code = 0x80; code < 0x10ffff; code++)
        if ((code < 0xd7ff || code > 0xe000) && (code <= 0xff || hidden(code - 1) || hidden(code) || hidden(code + 1)))
            codes.push(code);
    assert.ok(codes.length > 4000);
    for (let i = 0; i < codes.length; i += 500) { /* a message has room for some thousand characters */
        const text = codes.slice(i, i + 500).map((code) => `x${String.fromCodePoint(code)}`).join('');
        assert.equal(await onTerminal(text), visible(text));
    }
});

const odd = 'cat\u202etac', shownOdd = 'cat\\u{202E}tac';
const nothingHidden = (text) => assert.doesNotMatch(text, /[\x80-\x9f\u200e\u200f\u2028-\u202e\u2060-\u2069]/);

test('labels, notes and names of files are shown so, and JSON keeps what they are', async () => {
    const data = folder(), picture = encodePng(gradient(8, 8));
    for (const part of ['train', 'test'])
        for (const label of [odd, 'dog']) {
            mkdirSync(join(data, part, label), { recursive: true });
            for (let i = 0; i < 3; i++)
                writeFileSync(join(data, part, label, `${i}\u200b.png`), i ? encodePng(gradient(8 + i, 8)) : picture);
        }
    const model = join(folder({ 'm\u2066.eyelet': tinyModel({ labels: [odd, 'dog'], notes: `name: ${odd}\n` }) }), 'm\u2066.eyelet'), file = join(data, 'test', odd, '0\u200b.png');
    for (const [words, shown] of [[['classify', model, file], shownOdd], [['summary', model], `name: ${shownOdd}`], [['evaluate', model, data], shownOdd],
        [['doctor', data], `  ${shownOdd} `]]) {
        const { status, stdout, stderr } = await eyelet(words);
        assert.ok(status < 2, stderr);
        assert.ok(stdout.includes(shown), stdout);
        nothingHidden(stdout + stderr);
    }
    const { stdout } = succeeded(await eyelet(['classify', model, file, '--json']));
    nothingHidden(stdout);
    assert.equal(JSON.parse(stdout)[0].file, file);
    assert.ok(JSON.parse(stdout)[0].predictions.some(({ label }) => label === odd));
    const { name } = JSON.parse(succeeded(await eyelet(['summary', join(folder({ '\u{e0041}.eyelet': tinyModel() }), '\u{e0041}.eyelet'), '--json'])).stdout);
    assert.match(name, /\u{e0041}\.eyelet$/u);
});
