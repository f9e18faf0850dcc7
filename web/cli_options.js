/* The command line of cli.js: options, what --help says, and errors.
 *
 *     const { values, operands } = parse('classify', ['--top', '3', 'a.png']);    // { top: 3 }, ['a.png']
 *     throw new CommandError('a.png', 'is a folder');                             // perhaps a hint */
import { parseArgs } from 'node:util';

import { defaultTopK } from './contract.js';

export class CommandError extends Error {
    constructor(subject, reason, hint = '') {
        super(reason);
        Object.assign(this, { subject, hint });
    }
}

export class UsageError extends CommandError {
    constructor(reason) {
        super('', reason);
    }
}

function count(text, name) {
    if (!/^\d{1,9}$/.test(text))
        throw new UsageError(`--${name} takes an integer of 0 or more, not "${text}"`);
    return Number(text);
}

const asText = (text) => text;
const model = { value: 'FILE', read: asText, text: 'the model [objects160, which comes with the package]' };
const top = { value: 'N', read: count, text: `number of classes to show [${defaultTopK}]` };

/* Of each command, of each option: its value's name ('': none), how that is read, its text, perhaps a short name. */
export const options = {
    serve: {
        port: { value: 'N', read: count, text: 'the first port to try (0: any that is free) [8000]' },
    },
    classify: {
        model,
        top,
        'top-k': { ...top, text: '(or --top) the same' },
        json: { value: '', text: 'print a JSON array with an object for each file' },
    },
    embed: {
        model,
        output: { value: 'FILE', read: asText, short: 'o', text: '(or -o) output file [CSV, to standard output]' },
    },
};

const usages = {
    serve: ['eyelet serve: serve the page on 127.0.0.1, to drop, paste or draw pictures; images never leave it'],
    classify: [
        'eyelet classify FILE|FOLDER...: classify images (JPEG, PNG, BMP), best classes first',
        '',
        '  eyelet classify photo.jpg',
        '  eyelet classify --model mine.eyelet --json photos/ > photos.json',
        '',
        'A model may also stand first, as in the native program. Of a folder, the files in it and in all folders',
        'within that are images by their names or their first bytes, those of each in the order of the bytes of their',
        'names; links to folders are not followed. A calibrated model says "not sure" where the best score is below',
        'its threshold. Unreadable files are named and the others are classified;',
        'the exit status is then 1.',
    ],
    embed: [
        'eyelet embed FILE|FOLDER... -o features.safetensors: what a model makes of images before its last layer',
        '',
        '  eyelet embed photos/ -o features.safetensors',
        '  eyelet embed --model mine.eyelet photos/ > features.csv',
        '',
        'A vector for each image, near for images that look alike to the model. Of a folder, the images in it and in',
        'all folders within it. The ending of the output chooses the format:',
        '',
        '  .safetensors  "embeddings" (images, dimensions), float32; __metadata__ has "paths", a JSON list',
        '  .npy          the same matrix for numpy.load; the paths, a line each, go to standard output',
        '  .csv          a row an image: its path, then a column for each dimension',
        '',
        'Unreadable files are named and left out; the exit status is then 1.',
    ],
};

export const overview = [
    'eyelet COMMAND ...: classifies images, through WebAssembly',
    '',
    '  serve     serve the page: drop, paste or draw a picture',
    '  classify  classify images',
    '  embed     write what a model makes of images before its last layer',
    '',
    '`eyelet COMMAND --help` shows the options of a command. Models are trained by the native program, which is built',
    'from the source and has these commands, too.',
].join('\n');

export function helpOf(command) {
    const lines = Object.entries(options[command])
        .map(([name, { value, text }]) => `  ${`--${name} ${value}`.padEnd(16)}${text}`);
    const help = '  --help          this text';
    return [...usages[command], '', 'Options [and their defaults]:', ...lines, help].join('\n');
}

/* { values, operands }; values.help where that is asked for. */
export function parse(command, words) {
    const own = { ...options[command], help: { value: '' } }, values = {}, operands = [];
    const types = Object.entries(own)
        .map(([name, { value, short }]) => [name, { type: value ? 'string' : 'boolean', ...(short && { short }) }]);
    const { tokens } = parseArgs({ args: words, options: Object.fromEntries(types), strict: false, tokens: true });
    for (const { kind, name, rawName, value } of tokens) {
        if (kind === 'positional')
            operands.push(value);
        if (kind !== 'option')
            continue;
        if (!Object.hasOwn(own, name))
            throw new UsageError(`there is no option "${rawName}"`);
        if (Boolean(own[name].value) !== (value !== undefined))
            throw new UsageError(`${rawName} ${own[name].value ? 'needs a value' : 'takes no value'}`);
        values[name] = own[name].read?.(value, name) ?? true;
    }
    return { values, operands };
}
