/* The command line against its users' mistakes and damaged files: one line that names the cause, never a crash, never a
 * hang. Needs no data set; tests/cli/data.test.js has what does. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { encodePng, gradient, jpeg } from '../support/pictures.js';
import { eyelet, fifo, folder, refused, scratch, succeeded } from '../support/program.js';
import { modelFormat, put } from '../support/model_format.js';
import { crc32, tinyModel } from '../support/tiny_model.js';

const commands = ['train', 'pretrain', 'evaluate', 'compare', 'calibrate', 'doctor', 'classify', 'explain', 'embed', 'index', 'search', 'suggest', 'convert', 'prune', 'quantize', 'export', 'import', 'average', 'summary'];
const model = tinyModel();
const here = folder({ 'tiny.eyelet': model, 'good.png': encodePng(gradient(32, 32)), 'good.jpg': jpeg });
const at = (name) => join(here, name);

/* ---- Help ---- */

const helpOf = async (command, ...more) => succeeded(await eyelet([command, '--help', ...more])).stdout;
const optionsIn = (text) => [...text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map((match) => match[1]);
const optionsListed = (help) => [...help.matchAll(/^ {2}--([a-z-]+)/gm)].map((match) => match[1]);

test('the program lists its commands', async () => {
    for (const word of ['--help', '-h', 'help']) {
        const result = succeeded(await eyelet([word]));
        assert.equal(result.stderr, '');
        for (const command of commands)
            assert.match(result.stdout, new RegExp(`^  ${command} +\\w`, 'm'));
    }
});

const sourceOf = (name) => readFileSync(new URL(`../../train_native/commands/${name}`, import.meta.url), 'utf8');

/* The tables of a command's source, with the entries that commands share. */
function optionsInTable(command) {
    const definition = /#define (\w+_OPTIONS?)\(\w+\)((?:.*\\\n)*.*)/g, entry = /\{"([a-z-]+)",\s*(?:"[^"]*"|NULL),\s*OPTION_(?!GROUP)|\b(\w+_OPTIONS?)\(/g;
    const shared = new Map([...sourceOf('shared_options.h').matchAll(definition)].map(([, macro, text]) => [macro, text]));
    assert.ok(shared.size >= 8);
    const namesIn = (text) => [...text.matchAll(entry)].flatMap(([, name, macro]) => name ?? namesIn(shared.get(macro)));
    return namesIn(sourceOf(command === 'train' ? 'train_arguments.c' : `${command}.c`));
}

for (const command of commands) {
    test(`${command} --help all lists every option in the command's table, on standard output`, async () => {
        const result = succeeded(await eyelet([command, '--help', 'all']));
        assert.equal(result.stderr, '');
        const inTable = optionsInTable(command);
        assert.ok(inTable.length >= 3);
        assert.deepEqual(optionsListed(result.stdout), [...inTable, 'help']);
        assert.equal((await eyelet([command, '-h', 'all'])).stdout, result.stdout);
        for (const line of result.stdout.split('\n'))
            assert.ok(line.length <= 120, line);
    });

    test(`${command} --help names only options that exist`, async () => {
        const help = await helpOf(command, 'all'), listed = optionsListed(help);
        for (const option of optionsIn(help))
            assert.ok(listed.includes(option), `--${option}`);
    });
}

test('train --help shows the dozen options that people use, and where the others are', async () => {
    const help = await helpOf('train'), all = await helpOf('train', 'all');
    assert.deepEqual(optionsListed(help), ['output', 'data', 'recipe', 'network', 'from', 'size', 'epochs', 'validation', 'seed', 'threads', 'resume', 'restart', 'help']);
    assert.match(help, /^`eyelet train --help all` shows the other options\.$/m);
    assert.deepEqual([...all.matchAll(/^(\w[\w ()-]*):$/gm)].map((match) => match[1]),
        ['Data', 'Augmentation', 'Optimisation', 'Transfer (with --from)', 'Distillation', 'Output']);
    assert.doesNotMatch(await helpOf('evaluate'), /--help all/, 'a command with few options shows them at once');
});

test('the help of a recipe shows its own defaults', async () => {
    const defaultOf = (help, option) => help.match(new RegExp(`^  --${option} [^]*?\\[([^[\\]]*)\\]$`, 'm'))[1];
    const usual = await helpOf('train', 'all'), recipe = succeeded(await eyelet(['train', '--recipe', 'airbench94', '--help', 'all'])).stdout;
    assert.deepEqual(['recipe', 'optimizer', 'epochs'].map((option) => defaultOf(usual, option)), ['tutorial', 'adam', '30']);
    assert.deepEqual(['recipe', 'optimizer', 'epochs'].map((option) => defaultOf(recipe, option)), ['airbench94', 'muon', '8']);
});

const sources = readdirSync(new URL('../../train_native/', import.meta.url), { recursive: true }).filter((name) => name.endsWith('.c') &&
    !name.endsWith('/download.c')); /* it passes options on to curl */

test('every option that another text advises exists', async () => {
    const known = new Set((await Promise.all(commands.map((command) => helpOf(command, 'all')))).flatMap(optionsListed));
    known.add('version'); /* of the program itself */
    for (const file of sources) {
        const source = readFileSync(new URL(`../../train_native/${file}`, import.meta.url), 'utf8');
        for (const text of source.match(/"(?:[^"\\\n]|\\.)*"/g) ?? [])
            for (const option of optionsIn(text))
                assert.ok(known.has(option), `${file} names --${option}`);
    }
});

/* ---- Options ---- */

const train = ['train', '-o', 'never.eyelet'];
const optionMistakes = [
    ['no command', [], /expected a command/],
    ['an unknown command', ['trian'], /no command "trian"/],
    ['an option before the command', ['--epochs', '3'], /no command "--epochs"/],
    ['an unknown option', [...train, '--rate', '1'], /no option "--rate"/],
    ['an unknown short option', [...train, '-x'], /no option "-x"/],
    ['two unknown short options in one', [...train, '-xy'], /no option "-x"/],
    ['-o for a command that writes nothing', ['summary', '-o', 'x', 'tutorial'], /no option "-o"/],
    ['an option with control characters', [...train, '--\x1b[2J\nrate'], /no option "--\\x1b\[2J\\x0arate"/],
    ['an abbreviation that fits two options', [...train, '--o', 'x'], /no option "--o"/],
    ['a value missing at the end', [...train, '--epochs'], /--epochs needs a value/],
    ['a value missing after -o', ['train', '-o'], /-o needs a value/],
    ['a value for a flag', [...train, '--json=yes'], /--json/],
    ['no output', ['train'], /train needs -o MODEL\.eyelet/],
    ['an empty output', ['train', '-o', ''], /train needs -o MODEL\.eyelet/],
    ['a word for a count', [...train, '--epochs', 'ten'], /--epochs takes an integer of 0 or more, not "ten"/],
    ['a fraction for a count', [...train, '--epochs', '1.5'], /--epochs .*"1\.5"/],
    ['an empty count', [...train, '--epochs', ''], /--epochs .*""/],
    ['a negative count', [...train, '--seed', '-1'], /--seed .*"-1"/],
    ['a count beyond 32 bits', [...train, '--limit', '4294967297'], /--limit .*"4294967297"/],
    ['a count beyond 64 bits', [...train, '--limit', '99999999999999999999'], /--limit .*"99999999999999999999"/],
    ['a word for a number', [...train, '--learning-rate', 'fast'], /--learning-rate takes a number of 0 or more, not "fast"/],
    ['a number with a tail', [...train, '--learning-rate', '0.1x'], /--learning-rate .*"0\.1x"/],
    ['a negative number', [...train, '--learning-rate', '-0.1'], /--learning-rate .*"-0\.1"/],
    ['NaN', [...train, '--learning-rate', 'nan'], /--learning-rate .*"nan"/],
    ['infinity', [...train, '--weight-decay', 'inf'], /--weight-decay .*"inf"/],
    ['a number beyond float', [...train, '--learning-rate', '1e40'], /--learning-rate .*"1e40"/],
    ['an unknown choice', [...train, '--optimizer', 'sdg'], /--optimizer takes one of sgd, adam, .*not "sdg"/],
    ['an unknown recipe', [...train, '--recipe', 'soup'], /--recipe takes one of tutorial, .*not "soup"/],
    ['a recipe in short', [...train, '--rec', 'airbench94'], /--recipe/],
    ['muon without its rates', [...train, '--optimizer', 'muon'], /muon needs --bias-learning-rate and --dense-learning-rate/],
    ['an empty micro-batch', [...train, '--micro-batch', '0'], /--micro-batch takes 1 to 4096/],
    ['no epochs', [...train, '--epochs', '0'], /--epochs takes 1 or more/],
    ['an empty batch', [...train, '--batch', '0'], /--batch 1 to 65536/],
    ['a batch too large', [...train, '--batch', '65537'], /--batch 1 to 65536/],
    ['nothing but validation', [...train, '--validation', '1'], /--validation takes a fraction below 1/],
    ['smoothing of everything', [...train, '--label-smoothing', '1'], /--label-smoothing .* below 1/],
    ['momentum of 1', [...train, '--momentum', '1'], /--momentum .* below 1/],
    ['a warmup longer than the run', [...train, '--epochs', '2', '--warmup', '3'], /--warmup/],
    ['nesterov without sgd', [...train, '--nesterov'], /--nesterov needs --optimizer sgd/],
    ['a recipe with nesterov and another optimizer', [...train, '--recipe', 'resnet9', '--optimizer', 'adam', '--schedule', 'plateau', '--validation', '0.1', '--plateau', '0'], /--plateau takes 1 or more/],
    ['nesterov beside another optimizer', [...train, '--recipe', 'resnet9', '--optimizer', 'adam', '--nesterov'], /--nesterov needs --optimizer sgd/],
    ['a size too large', [...train, '--size', '1025'], /--size takes at most 1024/],
    ['more threads than make sense', [...train, '--threads', '1000000'], /--threads takes at most 256/],
    ['two data sets for train', [...train, 'a', 'b'], /train takes one data set, got "a" and "b"/],
    ['data twice for train', [...train, '--data', 'a', 'b'], /train takes one data set, got "a" and "b"/],
    ['a fraction above 1', [...train, '--test', '1.1'], /--test and --allow-bad take fractions of at most 1/],
    ['a colour that is none', [...train, '--background', 'white'], /--background takes a colour like ffffff, not "white"/],
    ['no model for evaluate', ['evaluate'], /evaluate takes one model and one data set, got 0/],
    ['two models for evaluate', ['evaluate', 'a', 'b', 'c'], /evaluate takes one model and one data set, got 3/],
    ['data twice for evaluate', ['evaluate', 'a', 'b', '--data', 'c'], /one data set/],
    ['more threads than make sense for evaluate', ['evaluate', 'a', '--threads', '257'], /--threads takes at most 256/],
    ['no model for calibrate', ['calibrate'], /calibrate takes one model, got 0/],
    ['everything for validation', ['calibrate', 'm', '--validation', '1'], /--validation takes a fraction below 1/],
    ['a precision above 1', ['calibrate', 'm', '--precision', '95'], /--precision one of at most 1/],
    ['more threads than make sense for calibrate', ['calibrate', 'a', '--threads', '257'], /--threads takes at most 256/],
    ['two data sets for doctor', ['doctor', 'a', 'b'], /doctor takes one data set, got 2 operands/],
    ['no picture for classify', ['classify', at('tiny.eyelet')], /a model and at least one image/],
    ['--threads 257', ['classify', 'a', 'b', '--threads', '257'], /--threads takes at most 256/],
    ['--top 0', ['classify', 'a', 'b', '--top', '0'], /--top takes 1 or more/],
    ['--logits without --json', ['classify', 'a', 'b', '--logits'], /--logits needs --json/],
    ['nothing for convert', ['convert'], /convert takes one model, got 0/],
    ['convert to nowhere', ['convert', 'm.eyelet'], /convert needs -o FILE/],
    ['nothing for quantize', ['quantize'], /quantize takes one model, got 0/],
    ['quantize to nowhere', ['quantize', 'm.eyelet'], /quantize needs -o FILE/],
    ['quantize without an image', ['quantize', 'm.eyelet', '-o', 'x', '--images', '0'], /--images takes 1 or more/],
    ['convert to no type', ['convert', 'm.eyelet', '-o', 'x', '--weights', 'f8'], /f32, f16, int8, not "f8"/],
    ['nothing for summary', ['summary'], /summary takes one model or network, got 0/],
    ['two for summary', ['summary', 'tutorial', 'tutorial'], /got 2/],
    ['no classes', ['summary', 'tutorial', '--classes', '0'], /--classes takes 1 to 4096/],
    ['too many classes', ['summary', 'tutorial', '--classes', '4097'], /--classes takes 1 to 4096/],
];

for (const [name, argumentList, reason] of optionMistakes)
    test(`a mistake in the options is answered: ${name}`, async () => {
        refused(await eyelet(argumentList), { status: 2, reason, hint: /See `eyelet .*--help`\./ });
        assert.ok(!existsSync(join(scratch, 'never.eyelet')) && !existsSync(join(scratch, 'never.csv')));
    });

/* ---- Network descriptions ---- */

const end = '\ndense classes softmax\n';
const networkMistakes = [
    ['a misspelt layer', `conv2 32 3x3\nflatten${end}`, '1:1', /expected a layer: conv2d, .*, got "conv2"/],
    ['capital letters', `Conv2D 32 3x3\nflatten${end}`, '1:1', /expected a layer: .* got "Conv2D"/],
    ['a missing kernel', `conv2d 32\nflatten${end}`, '1:10', /expected the kernel's size, .* at the end of the line/],
    ['a missing number of channels', `conv2d\nflatten${end}`, '1:7', /expected the number of channels, 1 to 4096 at the end/],
    ['no channels', `conv2d 0 3x3\nflatten${end}`, '1:8', /expected the number of channels, 1 to 4096, got "0"/],
    ['a negative number of channels', `conv2d -3 3x3\nflatten${end}`, '1:8', /number of channels.* got "-3"/],
    ['a kernel of 0', `conv2d 32 0\nflatten${end}`, '1:11', /kernel's size, like 3x3 \(1 to 11\), got "0"/],
    ['a kernel of 3x0', `conv2d 32 3x0\nflatten${end}`, '1:11', /kernel's size.* got "3x0"/],
    ['half a kernel', `conv2d 32 3x\nflatten${end}`, '1:11', /kernel's size.* got "3x"/],
    ['a kernel above the limit', `conv2d 32 12\nflatten${end}`, '1:11', /1 to 11\), got "12"/],
    ['a kernel larger than its input', `input 8x8x3\nconv2d 8 9x9\nflatten${end}`, '2:1', /9x9 window is larger than its input, 8x8/],
    ['a pool larger than its input', `maxpool 8\nmaxpool 5\nflatten${end}`, '2:1', /5x5 window is larger than its input, 4x4/],
    ['channels of a depthwise layer', `depthwise 8 3x3\nflatten${end}`, '1:13', /expected stride N, .* got "3x3"/],
    ['a depthwise layer without its kernel', `depthwise\nflatten${end}`, '1:10', /kernel's size, .* at the end of the line/],
    ['a depthwise kernel larger than its input', `input 8x8x3\ndepthwise 9\nflatten${end}`, '2:1', /9x9 window is larger than its input, 8x8/],
    ['identity for a depthwise layer', `depthwise 3x3 identity\nflatten${end}`, '1:15', /expected stride N, .* got "identity"/],
    ['padding as wide as the window', `conv2d 8 3x3 padding 3\nflatten${end}`, '1:1', /padding is not less than the window, 3x3/],
    ['two paddings', `conv2d 8 3x3 padding 1 0 relu\nflatten${end}`, '1:26', /the padding of all sides, .* got "relu"/],
    ['groups that do not divide', `conv2d 8 3x3 groups 2\nflatten${end}`, '1:1', /2 groups do not divide 3 channels before and 8 behind/],
    ['a dilation of 0', `conv2d 8 3x3 dilation 0\nflatten${end}`, '1:23', /the dilation, 1 to \d+, got "0"/],
    ['a window too wide by its dilation', `input 8x8x3\nconv2d 8 3x3 dilation 4\nflatten${end}`, '2:1', /9x9 window is larger than its input, 8x8/],
    ['dilation of a pool', `maxpool 2 dilation 2\nflatten${end}`, '1:11', /expected stride N, .* got "dilation"/],
    ['a stride of 0', `conv2d 8 3x3 stride 0\nflatten${end}`, '1:21', /the stride, 1 to 11, got "0"/],
    ['a stride without its number', `conv2d 8 3x3 stride\nflatten${end}`, '1:20', /the stride, 1 to 11 at the end/],
    ['a number that overflows', `conv2d 99999999999999999999 3x3\nflatten${end}`, '1:8', /1 to 4096, got "99999999999999999999"/],
    ['a number that wraps around in 32 bits', `conv2d 4294967297 3x3\nflatten${end}`, '1:8', /1 to 4096, got "4294967297"/],
    ['a word too many', `maxpool 2 fast\nflatten${end}`, '1:11', /expected stride N, .* or nothing more, got "fast"/],
    ['an option of another layer', `flatten nobias${end}`, '1:9', /expected from NAME, .* got "nobias"/],
    ['a missing softmax', 'flatten\ndense classes\n', '2:1', /expected the last layer to end in softmax/],
    ['another activation at the end', 'flatten\ndense classes relu\n', '2:1', /expected the last layer to end in softmax/],
    ['softmax in the middle', `flatten\ndense 64 softmax${end}`, '2:1', /expected softmax only at the end/],
    ['dense before flatten', `conv2d 8 3x3 relu${end}`, '2:1', /dense needs a flat input, got 30x30x8: put `flatten`/],
    ['two activations', `flatten\ndense 8 relu tanh${end}`, '2:14', /nothing more after the activation, got "tanh"/],
    ['two activations alike', `depthwise 3 relu6 relu\nflatten${end}`, '1:19', /nothing more after the activation, got "relu"/],
    ['relu7', `relu7\nflatten${end}`, '1:1', /expected a layer: .* got "relu7"/],
    ['whiten behind the first layer', `relu\nconv2d 24 2x2 whiten\nflatten${end}`, '2:15', /whiten is for the first layer/],
    ['whiten with another number of channels', `conv2d 32 2x2 whiten\nflatten${end}`, '1:15', /twice as many channels .*\(here 24\)/],
    ['a scale of 0', `flatten\nscale 0${end}`, '2:7', /the factor, above 0 and at most 1e6, got "0"/],
    ['dropout of everything', `flatten\ndropout 1${end}`, '2:9', /0 or more and below 1, got "1"/],
    ['a negative dropout', `flatten\ndropout -0.1${end}`, '2:9', /below 1, got "-0\.1"/],
    ['dropout of NaN', `flatten\ndropout nan${end}`, '2:9', /below 1, got "nan"/],
    ['dropout of nothing', `flatten\ndropout${end}`, '2:8', /below 1 at the end of the line/],
    ['an unknown name in add', `a: conv2d 8 3x3\nadd b\nflatten${end}`, '2:5', /expected the name of a layer above .* got "b"/],
    ['a name that comes later', `conv2d 8 3x3\nadd b\nb: conv2d 8 3x3\nflatten${end}`, '2:5', /layer above .* got "b"/],
    ['no name in add', `add\nflatten${end}`, '1:4', /name of a layer above .* at the end of the line/],
    ['an unknown name after from', `relu from x\nflatten${end}`, '1:11', /layer above .* got "x"/],
    ['shapes that differ in add', `a: conv2d 8 3x3\nconv2d 8 3x3\nadd a\nflatten${end}`, '3:1', /one shape, or the second of one pixel, got 28x28x8 and 30x30x8/],
    ['channels that differ in add', `a: conv2d 8 3x3 same\nconv2d 9 3x3 same\nadd a\nflatten${end}`, '3:1', /one shape, or the second of one pixel, got 32x32x9 and 32x32x8/],
    ['a name given twice', `a: conv2d 8 3x3\na: conv2d 8 3x3\nflatten${end}`, '2:1', /the name "a" is taken/],
    ['a name of nothing', `: conv2d 8 3x3\nflatten${end}`, '1:1', /name of 1 to 63 letters/],
    ['a name too long', `${'n'.repeat(64)}: conv2d 8 3x3\nflatten${end}`, '1:1', /name of 1 to 63 letters/],
    ['a name without a layer', `a:\nflatten${end}`, '1:3', /expected a layer: .* at the end of the line/],
    ['a layer that nothing reads', `a: relu\nb: conv2d 8 3x3\nrelu from a\nflatten${end}`, '2:4', /nothing reads the output/],
    ['too many layers', 'relu\n'.repeat(600), '513:1', /more than 512 layers/],
    ['too many activations', `${'conv2d 1 1 relu\n'.repeat(257)}flatten${end}`, '257:1', /more than 512 layers/],
    ['too many parameters', `conv2d 4096 11x11\nconv2d 4096 11x11\nflatten${end}`, '2:1', /grows too large here/],
    ['outputs too large', `input 1024x1024x3\nconv2d 4096 1\nglobal_avgpool${end}`, '2:1', /grows too large here/],
    ['an input of two channels', `input 32x32x2\nflatten${end}`, '1:7', /height x width x channels/],
    ['an input of no height', `input 0x32x3\nflatten${end}`, '1:7', /height x width x channels.* got "0x32x3"/],
    ['an input above the limit', `input 1025x32x3\nflatten${end}`, '1:7', /at most 1024 a side/],
    ['an input without its size', `input\nflatten${end}`, '1:6', /height x width x channels.* at the end of the line/],
    ['an input with a word too many', `input 32x32x3 rgb\nflatten${end}`, '1:15', /expected nothing more, got "rgb"/],
    ['an input after a layer', `relu\ninput 32x32x3\nflatten${end}`, '2:1', /`input` stands before the first layer/],
    ['an empty file', '', '0:1', /the description is empty/],
    ['nothing but comments', '# a network\n\n# to be written\n', '3:1', /the description is empty/],
    ['another number of classes', 'flatten\ndense 9 softmax\n', '2:1', /ends in 9 classes, the data has 10/],
    ['a very long line', `flatten\nrelu ${' '.repeat(100_000)}${end}`, '2:1000', /longer than 1000 characters/],
    ['a line of many words', `relu ${'x '.repeat(40)}`, '1:68', /more than 32 words/],
    ['escape sequences', `\x1b[31mrelu\x07${end}`, '1:1', /got "\\x1b\[31mrelu\\x07"/],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0xc0, 0x0a]), '1:1', /got "\\xff\\xfe\\xc0"/],
];

for (const [name, text, where, reason] of networkMistakes)
    test(`a mistake in a network is found at its line and column: ${name}`, async () => {
        const path = join(folder({ 'network.txt': text }), 'network.txt');
        refused(await eyelet(['summary', path]), { subject: `${path}:${where}`, reason });
    });

const layersOf = async (text, ...more) => {
    const path = join(folder({ 'network.txt': text }), 'network.txt');
    return JSON.parse(succeeded(await eyelet(['summary', path, '--json', ...more])).stdout);
};

test('line ends, tabs, comments and a missing last line feed change nothing', async () => {
    const expected = (await layersOf('conv2d 8 3x3 relu\nflatten\ndense classes softmax\n')).layers;
    assert.equal(expected.length, 5);
    for (const text of ['conv2d 8 3x3 relu\r\nflatten\r\ndense classes softmax\r\n', '\tconv2d\t8\t3x3\trelu\nflatten\ndense\tclasses softmax',
        '# mine\n\n  conv2d 8 3 relu # first\nflatten\n\n\ndense classes softmax#last'])
        assert.deepEqual((await layersOf(text)).layers, expected);
});

test('a depthwise layer has a filter for each channel of its input', async () => {
    const text = `input 9x8x3
conv2d 5 1x1
depthwise 3x2 stride 2 same nobias batchnorm relu6
depthwise 5x4 relu
relu6
global_avgpool
dense classes softmax
`;
    const { layers } = await layersOf(text);
    assert.deepEqual(layers.slice(1, 6).map(({ kind, output, parameters, multiply_adds }) => [kind, output, parameters, multiply_adds]), [
        ['depthwise', [5, 4, 5], 3 * 2 * 5, 3 * 2 * 5 * 5 * 4], ['batchnorm', [5, 4, 5], 4 * 5, 0], ['relu6', [5, 4, 5], 0, 0],
        ['depthwise', [1, 1, 5], 5 * 4 * 5 + 5, 5 * 4 * 5], ['relu', [1, 1, 5], 0, 0]]);
    const { stdout } = succeeded(await eyelet(['summary', join(folder({ 'network.txt': text }), 'network.txt')]));
    assert.match(stdout, /depthwise +3x2, same, stride 2 +5x4x5 +30 +600\n/);
    assert.match(stdout, /depthwise +5x4 +1x1x5 +105 +100\n/);
});

test('the network mobile takes ten million multiply-adds for 64x64 pixels', async () => {
    const { input, layers, multiply_adds } = JSON.parse(succeeded(await eyelet(['summary', 'mobile', '--json'])).stdout);
    const count = (kind) => layers.filter((layer) => layer.kind === kind).length;
    assert.deepEqual(input, [64, 64, 3]);
    assert.ok(Math.abs(multiply_adds - 10e6) < 0.5e6, `${multiply_adds}`);
    assert.deepEqual(['depthwise', 'add', 'conv2d', 'relu6'].map(count), [11, 6, 23, 23]);
});

test('--size and --classes replace those of a network', async () => {
    const { input, layers } = await layersOf('input 32x32x3\nflatten\ndense classes softmax\n', '--size', '8', '--classes', '4');
    assert.deepEqual(input, [8, 8, 3]);
    assert.deepEqual(layers.at(-1).output, [1, 1, 4]);
});

test('a network that is no text file is named', async () => {
    const odd = folder({ zeros: Buffer.alloc(64), large: Buffer.alloc(2 << 20, 'a') });
    for (const [path, reason] of [[join(odd, 'zeros'), /not a text file/], [odd, /is a folder/], [join(odd, 'large'), /too large/],
        [join(odd, 'missing'), /no such preset, .*No such file/], [fifo(join(odd, 'fifo')), /not a regular file/], ['tutorail', /no such preset/]])
        refused(await eyelet(['summary', path]), { subject: path, reason, hint: /preset \(.*tutorial/ });
});

/* ---- Models ---- */

function resealed(bytes, change) {
    const copy = Buffer.from(bytes);
    change(copy);
    copy.writeUInt32LE(crc32(copy.subarray(0, -4)), copy.length - 4);
    return copy;
}
const flipped = Buffer.from(model);
flipped[flipped.length - 40] ^= 0x10;
const damagedModels = [
    ['an empty file', Buffer.alloc(0), /not an Eyelet model/],
    ['only the first bytes', model.subarray(0, 8), /cut short/],
    ['cut by one byte', model.subarray(0, -1), /cut short/],
    ['one byte too many', Buffer.concat([model, Buffer.of(0)]), /bytes after its end/],
    ['one bit flipped', flipped, /damaged \(checksum/],
    ['version 1', resealed(model, (bytes) => put(bytes, modelFormat.header, 'version', 1)), /not of format version 2; those of version 1, .* must be trained or converted again/],
    ['a later version', resealed(model, (bytes) => put(bytes, modelFormat.header, 'version', 3)), /not of format version 2/],
    ['an unknown layer', resealed(model, (bytes) => put(bytes, modelFormat.node, 'kind', 99, modelFormat.header.recordBytes)), /layer that is unknown/],
    ['a weight that is NaN', tinyModel({ weight: NaN }), /NaN/],
    ['labels with an escape sequence', tinyModel({ labels: ['a', '\x1b[2J'] }), /not valid text/],
    ['line ends changed by a transfer', Buffer.from(model.toString('latin1').replace('\r\n', '\n'), 'latin1'), /not an Eyelet model/],
    ['a web page', Buffer.from('<!DOCTYPE html><title>404</title>'), /not an Eyelet model/],
];

for (const [name, bytes, reason] of damagedModels)
    test(`a damaged model is refused by every command: ${name}`, async () => {
        const path = join(folder({ 'm.eyelet': bytes }), 'm.eyelet');
        refused(await eyelet(['evaluate', path]), { subject: path, reason });
        refused(await eyelet(['classify', path, at('good.png')]), { subject: path, reason });
        if (bytes[0] === 0x89 && !/not an/.test(reason.source)) /* else it is read as a network */
            refused(await eyelet(['summary', path]), { subject: path, reason });
        else
            assert.equal((await eyelet(['summary', path])).status, 1);
        assert.deepEqual(readFileSync(path), bytes);
    });

test('a model that is missing, a folder or a FIFO is named, and nothing hangs', async () => {
    const here = folder();
    for (const [path, reason] of [[join(here, 'missing'), /No such file/], [here, /is a folder/], [fifo(join(here, 'fifo')), /not a regular file/]])
        for (const argumentList of [['evaluate', path], ['classify', path, at('good.png')], ['summary', path]])
            refused(await eyelet(argumentList), { subject: path, reason });
});

test('summary shows layers and notes, and the same numbers in JSON', async () => {
    const { stdout } = succeeded(await eyelet(['summary', at('tiny.eyelet')]));
    const { parameters, layers } = JSON.parse(succeeded(await eyelet(['summary', at('tiny.eyelet'), '--json'])).stdout);
    assert.equal(parameters, 40);
    assert.deepEqual(layers.map((layer) => layer.kind), ['global_avgpool', 'dense', 'softmax']);
    assert.match(stdout, /parameters +40 \(160 bytes\)/);
    assert.match(stdout, /^network: mean colour$/m);
});

/* ---- Standard output ---- */

for (const argumentList of [['--help'], ['train', '--help'], ['summary', 'tutorial'], ['classify', at('tiny.eyelet'), at('good.png')]])
    test(`a full disk under standard output is an error: ${argumentList[0]} ${argumentList[1] ?? ''}`,
        { skip: existsSync('/dev/full') ? false : 'NOT TESTED: there is no /dev/full here' }, async () => {
            const full = openSync('/dev/full', 'w');
            refused(await eyelet(argumentList, { stdout: full }), { subject: 'standard output', reason: /not everything could be written/ });
            closeSync(full);
        });
