/* The fuzz targets: for tests/fuzz/fuzz_NAME.c what the fuzzer needs to know, and what it starts from: a handful of small inputs that have
 * its format's branches, 200 KB of all targets together. They are written here, anew for every run; tests/fuzz/corpus/NAME has only what no
 * short code writes: quantized models, a progressive JPEG, one with restarts, a PNG with a transparent colour.
 *
 *     targets.model.length                       // the most bytes of an input
 *     wordsOf('network')                         // its dictionary
 *     seedsOf('csv')                             // { name: bytes }
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import { onnxModels, safetensorsModels, tfjsModels, tfliteModels, zips } from './import_seeds.js';
import { everyKind, layersWith, textWith } from '../support/kinds.js';
import { encodeBmp, encodeJpeg, encodePng, gradient, jpeg } from '../support/pictures.js';
import { modelOf } from '../support/tiny_model.js';

/* A build with 32 bits has the size_t of WebAssembly; one that looks for unset memory cannot link libomp. */
const core = ['fuzz', 'fuzz-32'];

const pictureWords = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND', 'eXIf', 'CgBI', '\x89PNG\r\n\x1a\n', 'Exif\0\0', 'II*\0', 'MM\0*', '\xff\xd8\xff', '\xff\xc0', '\xff\xc2',
    '\xff\xc4', '\xff\xda', '\xff\xd9', '\xff\xe1', '\x01\x12\0\x03', '\x12\x01\x03\0', 'BM'];

const exchange = (...names) => names.map((name) => `train_native/exchange/${name}.c`);

/* length: of an input; budget: executions within which a planted bug must be found (plant.js), 90 seconds' worth or so; builds: default
 * `fuzz` alone; sources: whose strings are the dictionary; corpora: of other targets, to start from, too. */
export const targets = {
    model: { length: 2048, budget: 2_000_000, builds: core },
    classify: { length: 2048, budget: 400_000, builds: core, corpora: ['model'] },
    train: { length: 2048, budget: 150_000, builds: core, corpora: ['model'] },
    export: { length: 2048, budget: 300_000, corpora: ['model'] },
    teacher: { length: 3072, budget: 40_000, builds: core, corpora: ['model'] },
    header: { length: 1024, budget: 2_000_000, builds: core, words: pictureWords },
    picture: { length: 2048, budget: 600_000, builds: [...core, 'fuzz-memory'] },
    network: { length: 2048, budget: 1_000_000, sources: ['core/net/kinds.c', 'train_native/model/network.c'] },
    options: { length: 1024, budget: 500_000, sources: ['train_native/commands/train_arguments.c', 'train_native/commands/shared_options.h', 'train_native/model/recipes.c'], word: (text) => `--${text}` },
    checkpoint: { length: 1024, budget: 1_500_000 },
    graph: { length: 512, budget: 4_000_000 },
    idx: { length: 2048, budget: 250_000, words: ['\n--8<--\n'] },
    cifar: { length: 6200, budget: 3_000_000 },
    table: { length: 2048, budget: 2_000_000, sources: ['train_native/data/csv.c', 'train_native/data/table.c'], words: ['"', '""', ',', '\r\n', '\xef\xbb\xbf', 'sep=;\n'] },
    csv: { length: 2048, budget: 120_000, sources: ['train_native/data/csv.c', 'train_native/data/columns.c'], words: ['"', ',', '\r\n'], corpora: ['table'] },
    onnx: { length: 3072, budget: 800_000, sources: exchange('onnx_operators', 'onnx_fold', 'onnx_metadata', 'onnx_layers', 'onnx_views'),
        words: ['length', 'offset', '0', '8', '13', '4096'] }, /* of tensors in other files */
    tflite: { length: 5120, budget: 400_000 },
    tfjs: { length: 4096, budget: 100_000, sources: exchange('keras_layer', 'keras_model', 'keras_activation', 'tfjs_operator', 'tfjs_weights', 'tfjs_metadata'), words: ['\n--8<--\n', ':1'] },
    json: { length: 2048, budget: 200_000, words: ['\\u', '\\ud83d\\udc08', '\\u00e4', '\\\\', '\\"', 'true', 'false', 'null', '1e', '-', '.', '\xef\xbb\xbf', '[[[[[[[[', '{"a":'] },
    safetensors: { length: 4096, budget: 200_000, sources: ['core/net/kinds.c', 'train_native/model/network.c', ...exchange('safetensors_tensors')],
        words: ['\n--8<--\n', 'shape', 'dtype', 'data_offsets', '__metadata__'] },
    zip: { length: 1024, budget: 300_000, words: ['PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07', '../', '__MACOSX/'] },
    labels: { length: 1024, budget: 200_000, sources: exchange('import_preprocess'), words: ['\n--8<--\n', '\xef\xbb\xbf', '\r\n', ',mean=', ',std=', ',resize=', ',order=', ',filter=', '0 ', '1 '] },
    survey: { length: 4096, budget: 25_000, words: ['\n--8<--\n', 'train/', 'test/', 'val/', '.jpg', '.png', '.bmp', '.csv'] },
};

/* The words that the string literals of C sources are. */
function literals(path) {
    const code = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').replace(/\/\*[^]*?\*\//g, '');
    return [...code.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map(([, text]) => text).filter((text) => /^[\w.-]{2,24}$/.test(text) && !text.endsWith('.h'));
}

export function wordsOf(name) {
    const { sources = [], words = [], word = (text) => text } = targets[name];
    return [...new Set([...sources.flatMap(literals).flatMap((text) => [text, word(text)]), ...words])];
}

/* ---- Seeds ---- */

const small = (layers, more) => modelOf({ input: [5, 4, 3], layers, ...more });
const models = () => Object.fromEntries([
    ...everyKind.map((kind) => [kind, small(layersWith(kind, 2), { notes: `name: ${kind}\n` })]),
    ['add', small([{ kind: 'conv2d', channels: 3, kernel: [3, 3], same: true }, { kind: 'relu6' }, { kind: 'add', and: 0 }, { kind: 'hardswish' },
        { kind: 'depthwise', kernel: [2, 2] }, { kind: 'global_avgpool' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }], { embedding: 6 })],
    ['gate', small([{ kind: 'conv2d', channels: 4, kernel: [2, 2] }, { kind: 'global_avgpool' }, { kind: 'dense', channels: 4, bias: true }, { kind: 'hardsigmoid' },
        { kind: 'multiply', from: 1, and: 4 }, { kind: 'add', and: 3 }, { kind: 'silu' }, { kind: 'global_avgpool' }, { kind: 'dense', channels: 2 }, { kind: 'softmax' }])],
    ['padding', small([{ kind: 'conv2d', channels: 4, kernel: [3, 2], stride: 2, padding: [1, 0, 2, 1], dilation: 2, bias: true },
        { kind: 'conv2d', channels: 2, kernel: [1, 1], groups: 2 }, { kind: 'maxpool', kernel: [2, 2], same: true }, { kind: 'flatten' },
        { kind: 'dense', channels: 2 }, { kind: 'softmax' }])],
    ['golden', readFileSync(new URL('../golden/full.eyelet', import.meta.url))],
]);

/* What a backbone was taught: more pictures than a limit of similarity, and a threshold of the scores, take. */
function taughtModels() {
    const pictures = (count, features, classes, unit = 1) => ({ classes: Array.from({ length: count }, (_, i) => i % classes),
        embeddings: Array.from({ length: count }, (_, i) => Array.from({ length: features }, (__, k) => unit * ((i * 5 + k * 3) % 7 - 3 * (i % classes === k ? -1 : 1)))) });
    const behind = (channels, ...layers) => [{ kind: 'conv2d', channels, kernel: [2, 2] }, { kind: 'global_avgpool' }, ...layers];
    return {
        few: small(behind(3, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }), { embedding: 2, notes: 'name: few\n', examples: { ...pictures(4, 3, 2), side: 2 } }),
        many: small(behind(3, { kind: 'dense', channels: 3 }, { kind: 'softmax' }), { embedding: 2, temperature: 1.5, examples: pictures(40, 3, 3) }),
        tiny: small(behind(3, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }), { embedding: 2, examples: pictures(12, 3, 2, 2e-6) }), /* weights that float16 does not hold */
        scaled: small(behind(4, { kind: 'dropout', rate: 0.5 }, { kind: 'conv2d', channels: 2, kernel: [1, 1], bias: true }, { kind: 'scale', rate: 0.25 }, { kind: 'flatten' }, { kind: 'softmax' }),
            { embedding: 2, examples: pictures(12, 4, 2) }),
        grouped: small(behind(4, { kind: 'conv2d', channels: 2, kernel: [1, 1], groups: 2, bias: true }, { kind: 'flatten' }, { kind: 'softmax' }), { embedding: 2, examples: pictures(12, 4, 2) }), /* no head */
        thumbnails: small(behind(3, { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }), { embedding: 2, examples: { classes: [1, 0, 1], side: 3 } }),
        untaught: small([{ kind: 'flatten' }, { kind: 'dense', channels: 4, bias: true }, { kind: 'relu' }, { kind: 'dense', channels: 3, bias: true }, { kind: 'softmax' }], { embedding: 3 }),
    };
}

const parts = (...files) => Buffer.concat(files.flatMap((file, i) => [Buffer.from(i ? '\n--8<--\n' : ''), Buffer.from(file)]));
const record = (start, count, labels) => Buffer.concat([Buffer.of(start, count), ...Array(count).fill(Buffer.alloc(3072 + labels, 7))]);
const file = (name, bytes) => Buffer.concat([Buffer.from(`${name}\n`), Buffer.from(bytes)]);
const idx = (dimensions, values) => Buffer.concat([Buffer.of(0, 0, 8, dimensions.length), ...dimensions.map((size) => Buffer.of(0, 0, 0, size)), Buffer.from(values)]);
const digits = (count) => [idx([count], Array.from({ length: count }, (_, i) => i % 3)), idx([count, 2, 3], Array.from({ length: count * 6 }, (_, i) => i * 9 % 256))];

/* With all that a header of gzip may have: further fields, the file's name, a comment, a checksum. */
function namedGzip(bytes) {
    const packed = gzipSync(bytes), extra = [4, 0, 65, 66, 0, 0], text = Buffer.from('labels\0a comment\0\0\0');
    return Buffer.concat([Buffer.of(0x1f, 0x8b, 8, 2 | 4 | 8 | 16), packed.subarray(4, 10), Buffer.from(extra), text, packed.subarray(10)]);
}

/* 5 x 3 pixels of 8 bits in runs. */
function runsBmp() {
    const runs = [5, 1, 0, 0, 2, 2, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 2, 0, 3, 3, 0, 1], bytes = Buffer.alloc(70 + runs.length, 90);
    bytes.fill(0, 0, 54).write('BM');
    for (const [at, value] of [[10, 70], [14, 40], [18, 5], [22, 3], [26, 1], [28, 8], [30, 1], [46, 4]])
        bytes[at] = value;
    bytes.set(runs, 70);
    return bytes;
}

const pictures = () => ({
    'grey.jpg': encodeJpeg(2, 1, (x) => 60 + 80 * x, { orientation: 6 }),
    'colour.jpg': encodeJpeg(1, 2, (x, y) => 200 - 90 * y, { components: 3 }),
    'photo.jpg': jpeg,
    'rgba.png': encodePng(gradient(5, 3, 200)),
    'deep.png': encodePng(gradient(3, 4), { depth: 16, interlaced: true }),
    'palette.png': encodePng(gradient(9, 2), { palette: true }),
    'rgb.bmp': encodeBmp(gradient(3, 5)),
    'runs.bmp': runsBmp(),
});

function folders() {
    const { 'deep.png': a, 'rgba.png': b, 'rgb.bmp': c, 'palette.png': d } = pictures();
    return {
        classes: parts(file('cat/1.png', a), file('cat/2.png', b), file('dog/1.bmp', c), file('dog/2.png', d)),
        parts: parts(file('train/cat/1.png', a), file('train/dog/1.png', b), file('test/cat/2.bmp', c), file('test/dog/2.png', d), file('val/cat/3.png', d), file('val/dog/3.bmp', c)),
        nested: parts(file('photos/cat/deep/1.png', b), file('photos/dog/1.bmp', c), file('photos/notes.txt', 'no image')),
        twins: parts(file('a/1.png', b), file('a/2.png', b), file('b/1.png', b), file('b/2.png', d), file('b/3.jpg', 'damaged')),
    };
}

const tables = () => ({
    plain: 'path,label\na.jpg,cat\nb.jpg,dog\n"c, d.jpg","a ""b"""\n',
    semicolons: 'id;image;class\r\n1;a.png;cat\r\n2;b.png;dog\r\n',
    tabs: 'file\tlabel\tsplit\na.png\t0\ttrain\nb.png\t1\ttest\n',
    utf16: Buffer.from('\ufeffpath,label\na.jpg,Käse\nb.jpg,Brot\n', 'utf16le'),
});

const recipes = {
    model: models,
    classify: models,
    train: models,
    export: models,
    teacher: taughtModels,
    json: () => ({
        layers: JSON.stringify({ format: 'layers-model', config: { layers: [{ name: 'c', units: [3, -1.5e-7, 0], same: true, bias: false, shape: [null, 6, 5, 3] }, {}] } }),
        texts: '\ufeff{ "a\\\\\\"\\/\\b\\f\\n\\r\\t" : "\\u00e4\\ud83d\\udc08 K\u00e4se" , "a": [ [ ] , { } ] }\n',
        numbers: `[0, -0, 1e9, 1E+2, 0.5, ${'123456789'.repeat(9)}, 1e400, -1e-400]`,
        deep: '['.repeat(99) + '{}' + ']'.repeat(99),
    }),
    network: () => ({ ...Object.fromEntries(everyKind.map((kind) => [kind, `input 9x8x3\n${textWith(kind)}`])),
        'many words': `conv2d 4 3x3 ${'stride 2 dilation 1 padding 1 nobias '.repeat(4)}relu\nglobal_avgpool\ndense classes softmax\n` }),
    options: () => ({
        usual: ['photos', '-o', 'm.eyelet', '--recipe', 'airbench94', '--epochs', '3', '--learning-rate', '0.1'].join('\n'),
        transfer: ['--from=best.eyelet', '-o', 'runs/first/', '--linear-probe', '--layer-decay', '0.5', '--background', 'ff0080'].join('\n'),
        augmentation: ['-o', 'm', '--mixup', '0.2', '--rotate', '15', '--resize', 'pad', '--schedule', 'onecycle', '--optimizer', 'sgd', '--nesterov'].join('\n'),
        help: ['--recipe', 'photos', '--help', 'all'].join('\n'),
    }),
    checkpoint: () => ({}), /* fuzz_checkpoint.c makes its own */
    graph: () => Object.fromEntries([1, 2, 3, 4].map((seed) => [`random ${seed}`, Array.from({ length: 128 * seed }, (_, i) => Math.imul(i + seed, 2654435761) >>> 24)])), /* calls that it chooses */
    idx: () => ({ plain: parts(...digits(6), ...digits(3)), gzip: parts(...digits(6).map((bytes) => gzipSync(bytes)), ...digits(3)),
        named: parts(...digits(6).map(namedGzip), ...digits(3)), unequal: parts(digits(6)[0], digits(5)[1], ...digits(3)) }),
    table: tables,
    csv: tables,
    header: pictures,
    picture: pictures,
    survey: folders,
    onnx: onnxModels,
    tflite: tfliteModels,
    tfjs: tfjsModels,
    safetensors: safetensorsModels,
    zip: zips,
    labels: () => ({
        plain: parts('cat\ndog\ncow\n', 'imagenet,order=bgr,resize=256'),
        numbered: parts('\ufeff0 cat\r\n1 dog\r\n\r\n', 'tf,mean=0.5/0.4/0.3,std=0.25,filter=aliased'),
        long: parts(`${'a'.repeat(300)}\n\n${'Käse'.repeat(60)}\n`, 'caffe,resize=pad'),
    }),
    cifar: () => ({ short: record(0, 1, 1).subarray(0, 100), ten: record(1, 2, 1), hundred: record(2, 1, 2) }),
};

export function seedsOf(name) {
    return Object.fromEntries(Object.entries(recipes[name]()).map(([seed, bytes]) => [seed, Buffer.from(bytes)]));
}
