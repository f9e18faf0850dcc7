#!/usr/bin/env node
/* The package's command, `npx eyelet`: the native program's commands that need no compiler, in the same words.
 * cli_options.js reads the command line, cli_files.js the files; cli_formats.js says how results are written. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { imagesOf, readImage, reasonOf } from './cli_files.js';
import { csvRow, csvTitle, embeddingFormats, escaped, jsonLine, passedOver, table } from './cli_formats.js';
import { CommandError, UsageError, helpOf, overview, parse } from './cli_options.js';
import { defaultTopK } from './contract.js';
import { ClassifierError, loadClassifier } from './node.js';
import { serve } from './serve.js';

const exitError = 1, exitUsage = 2;

const ownModel = fileURLToPath(new URL('models/objects160.eyelet', import.meta.url));

/* --- Messages --- */

let failures = 0;

/* A line: what, and why; another: what to do. */
function warn(subject, reason, hint = '') {
    failures++;
    note(subject, reason, hint);
}

function note(subject, reason, hint = '') {
    console.error(`eyelet: ${subject && `${escaped(subject)}: `}${escaped(reason)}${hint && `\n        ${hint}`}`);
}

/* --- Commands --- */

const noModel = 'A model is a file that `eyelet train` wrote, usually *.eyelet.';
const hints = {
    NOT_A_MODEL: noModel,
    VERSION: 'Use the Eyelet that wrote it, or train the model again.',
};

async function openModel(path) {
    const model = await readFile(path).catch((error) => {
        throw new CommandError(path, reasonOf(error), noModel);
    });
    return loadClassifier({ model }).catch(({ code, message }) => {
        const hint = hints[code] ?? 'Take another copy of the file, or train the model again.';
        throw new CommandError(path, message.replace(/^the model: /, ''), hint);
    });
}

/* The classifier, and the images that the operands name. */
async function opened(command, { model: given }, operands) {
    const isFirst = !given && /\.eyelet$/.test(operands[0] ?? '');
    const named = isFirst ? operands.slice(1) : operands;
    if (!named.length)
        throw new UsageError(`${command} takes at least one image`);
    const modelPath = isFirst ? operands[0] : given ?? ownModel;
    const classifier = await openModel(modelPath), all = [];
    for (const operand of named)
        all.push(await imagesOf(operand).catch((error) => {
            throw new CommandError(error.path, reasonOf(error));
        }));
    const paths = all.flatMap(({ images }) => images);
    if (command === 'embed' && !classifier.info.embedding)
        throw new CommandError(modelPath, 'the model has no embedding: no layer of one pixel stands in front of its ' +
            'last layer');
    const passed = (kind) => all.flatMap((found) => found[kind]);
    return { classifier, paths, passed: passedOver({ files: passed('files'), links: passed('links') }) };
}

async function classify(values, operands) {
    const { top: given = defaultTopK, 'top-k': topK = given, json } = values;
    if (topK < 1)
        throw new UsageError('--top takes 1 or more');
    const { classifier, paths, passed } = await opened('classify', values, operands);
    if (passed)
        note('', `passed over: ${passed}`);
    const images = function* () {
        for (const image of paths)
            yield readImage(image);
    };
    let at = 0;
    for await (const result of classifier.classifyMany(images(), { topK })) {
        const file = paths[at++], reason = result instanceof ClassifierError ? result.message : null;
        if (reason)
            warn(file, reason);
        if (json)
            process.stdout.write((at === 1 ? '[\n ' : ',\n ') + jsonLine(file, result, classifier.info));
        else if (!reason)
            process.stdout.write(table(file, result, classifier.info));
    }
    if (json)
        process.stdout.write(']\n');
}

async function embed(values, operands) {
    const { output } = values;
    const format = output === undefined ? null : embeddingFormats.find(({ ending }) => output.endsWith(ending));
    if (format === undefined)
        throw new UsageError(`${output}: the output must end in .safetensors, .npy or .csv`);
    const { classifier, paths } = await opened('embed', values, operands);
    const rows = [];
    if (!format)
        process.stdout.write(csvTitle(classifier.info.embedding));
    for (const file of paths) {
        try {
            const row = { path: file, values: await classifier.embed(await readImage(file)) };
            if (format)
                rows.push(row);
            else
                process.stdout.write(csvRow(row));
        } catch (error) {
            warn(file, error.message);
        }
    }
    if (format)
        await save(output, format, rows, paths.length);
}

/* Through another file, so that none is left half written. */
async function save(output, { bytesOf, printsPaths }, rows, files) {
    if (!rows.length)
        return warn(output, `not written: none of the ${files} files is an image that can be read`);
    const temporary = `${output}.${process.pid}.tmp`;
    try {
        await writeFile(temporary, bytesOf(rows));
        await rename(temporary, output);
    } catch (error) {
        await rm(temporary, { force: true }).catch(() => {});
        throw new CommandError(output, `the file of embeddings cannot be written: ${reasonOf(error)}`,
            'What stood there before is unchanged.');
    }
    if (printsPaths)
        process.stdout.write(rows.map(({ path }) => `${path}\n`).join(''));
}

async function servePage({ port }, operands) {
    if (operands.length)
        throw new UsageError('serve takes no files: drop them on the page');
    if (port > 65535)
        throw new UsageError('--port takes at most 65535');
    const { url } = await serve({ port }).catch((error) => {
        throw new CommandError('', `127.0.0.1 cannot be listened on: ${reasonOf(error)}`, 'Choose another --port.');
    });
    console.log(url);
}

const commands = { serve: servePage, classify, embed };

async function run([command, ...words]) {
    if (command === '--version') {
        const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
        return console.log(`eyelet ${version} (WebAssembly)`);
    }
    if (command === '--help')
        return console.log(overview);
    if (!Object.hasOwn(commands, command ?? ''))
        throw new UsageError(command === undefined ? 'which command?' : `there is no command "${command}"`);
    const { values, operands } = parse(command, words);
    return values.help ? console.log(helpOf(command)) : commands[command](values, operands);
}

process.stdout.on('error', ({ code, message }) => {
    if (code !== 'EPIPE')
        console.error(`eyelet: standard output: ${message}`);
    process.exit(exitError);
});

const words = process.argv.slice(2);
try {
    await run(words);
    process.exitCode = failures ? exitError : 0;
} catch (error) {
    if (!(error instanceof CommandError))
        throw error;
    const isUsage = error instanceof UsageError;
    const command = Object.hasOwn(commands, words[0] ?? '') ? ` ${words[0]}` : '';
    warn(error.subject, error.message, isUsage ? `See \`eyelet${command} --help\`.` : error.hint);
    process.exitCode = isUsage ? exitUsage : exitError;
}
