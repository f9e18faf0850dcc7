/* What is not known is answered with the nearest name that is: commands, options, values of options. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eyelet, refused } from '../support/program.js';

const train = ['train', '-o', 'never.eyelet'];
const mistakes = [
    ['a letter that is missing', ['clasify'], /^there is no command "clasify"; did you mean "classify"\?$/m],
    ['letters that have changed places', ['trian'], /^there is no command "trian"; did you mean "train"\?$/m],
    ['a letter that is too much', ['evaluatee'], /; did you mean "evaluate"\?$/m],
    ['wrong letters', ['exblain'], /; did you mean "explain"\?$/m],
    ['capital letters', ['Classify'], /^there is no command "Classify"; did you mean "classify"\?$/m],
    ['an option', ['classify', 'm', 'p', '--tpo', '3'], /^there is no option "--tpo"; did you mean "--top"\?$/m],
    ['an option with its value', ['classify', 'm', 'p', '--tpo=3'], /^there is no option "--tpo=3"; did you mean "--top"\?$/m],
    ['a long option', [...train, '--lerning-rat', '1'], /; did you mean "--learning-rate"\?$/m],
    ['an option of the first group', [...train, '--epoch5', '3'], /; did you mean "--epochs"\?$/m],
    ['help', ['summary', '--hlep'], /; did you mean "--help"\?$/m],
    ['a value', [...train, '--recipe', 'tutoral'], /^--recipe takes one of tutorial, .*, not "tutoral"; did you mean "tutorial"\?$/m],
    ['the nearest of several', [...train, '--recipe', 'airbench9'], /; did you mean "airbench94"\?$/m],
    ['the nearest, not the first that is near', [...train, '--recipe', 'airbensh95'], /; did you mean "airbench95"\?$/m],
    ['a short value', [...train, '--optimizer', 'sdg'], /, not "sdg"; did you mean "sgd"\?$/m],
];
for (const [name, argumentList, reason] of mistakes)
    test(`the nearest name is offered: ${name}`, async () => {
        refused(await eyelet(argumentList), { status: 2, reason, hint: /See `eyelet .*--help`\./ });
    });

const strangers = [
    ['another word', ['paint']], ['nothing', ['']], ['a letter', ['t']], ['a long text', ['classify'.repeat(2000)]], ['a path', ['photos/']],
    ['another option', [...train, '--colour', '1']], ['dashes alone', [...train, '---']], ['one letter', ['classify', 'm', 'p', '--q']],
    ['another value', [...train, '--recipe', 'soup']], ['an empty value', [...train, '--recipe', '']],
];
for (const [name, argumentList] of strangers)
    test(`nothing is offered where nothing is near: ${name}`, async () => {
        const result = await eyelet(argumentList);
        refused(result, { status: 2, reason: /there is no|takes one of/ });
        assert.doesNotMatch(result.stderr, /did you mean/);
    });
