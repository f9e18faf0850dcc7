/* What bash completes, and that what is for zsh and fish is theirs: train_native/cli/completions.sh makes all of it of --help. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { eyelet, folder, program, root, succeeded } from '../support/program.js';

const script = join(root, 'train_native/cli/completions.sh'), here = folder();
const made = Object.fromEntries(['bash', 'zsh', 'fish'].map((shell) => {
    const { status, stdout, stderr } = spawnSync(script, [program, shell], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    writeFileSync(join(here, shell), stdout);
    return [shell, stdout];
}));

/* What bash offers for the last of the words, as it has divided them. */
function completed(...words) {
    const { stdout, stderr } = spawnSync('bash', ['-c', `. ./bash
        [[ $(complete -p eyelet) == 'complete -o default -F _eyelet eyelet' ]] || exit 1
        compopt() { echo "compopt $*"; }
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _eyelet && echo "\${COMPREPLY[@]}"`, 'bash', 'eyelet', ...words], { cwd: here, encoding: 'utf8' });
    assert.equal(stderr, '');
    return stdout.trim();
}

test('bash completes commands', () => {
    assert.equal(completed('cla'), 'classify');
    assert.equal(completed('ex'), 'explain export');
    assert.equal(completed('--v'), '--version');
    assert.equal(completed('nothing'), '');
});

test('bash completes the options of the command', () => {
    assert.equal(completed('train', '--rec'), '--recipe');
    assert.equal(completed('train', 'photos', '-o', 'm.eyelet', '--learning'), '--learning-rate');
    assert.equal(completed('classify', '--sort'), '--sort-into');
    assert.equal(completed('summary', '--rec'), '');
    assert.equal(completed('train', 'pho'), '', 'files are bash\'s own');
});

test('bash completes the values that an option has, beside a space and an equals sign', () => {
    assert.equal(completed('train', '--recipe', 'air'), 'airbench94 airbench95');
    assert.equal(completed('train', '--recipe', '=', 'tut'), 'tutorial');
    assert.equal(completed('train', '--optimizer', '='), 'sgd adam adamw muon');
    assert.equal(completed('evaluate', 'm', '--views', ''), '1 2 6');
    assert.equal(completed('train', '--epochs', ''), 'compopt +o default', 'no file is a number');
    assert.equal(completed('train', '--output', ''), '', 'a file');
});

test('each shell has every command and option', async () => {
    const commands = [...succeeded(await eyelet(['--help'])).stdout.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]);
    assert.ok(commands.length > 15);
    for (const command of commands) {
        const help = succeeded(await eyelet([command, '--help', 'all'])).stdout;
        const options = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1]);
        assert.equal(completed(command, '-'), options.join(' '));
        const zsh = made.zsh.split(`\n${command})\n`)[1].split('\n    ;;')[0];
        for (const option of options) {
            assert.match(zsh, new RegExp(`'${option}=?\\[`), `${command} ${option} in zsh`);
            assert.match(made.fish, new RegExp(`^complete -c eyelet -n '__eyelet_is ${command}' -l ${option.slice(2)} `, 'm'), `${command} ${option} in fish`);
        }
    }
    assert.match(made.zsh, /'--recipe=\[[^\]]+\]:NAME:\(tutorial airbench94 [a-z0-9 -]+\)'/);
    assert.match(made.fish, /-l recipe -x -a 'tutorial airbench94 [a-z0-9 -]+' -d/);
    assert.match(made.fish, /-l output -s o -r -F -d/);
});

const syntax = { bash: ['-n'], zsh: ['-n'], fish: ['--no-execute'] };
for (const [shell, words] of Object.entries(syntax))
    test(`${shell} can read its own`, { skip: spawnSync(shell, ['--version']).status === 0 ? false : `NOT TESTED: ${shell} is not installed` }, () => {
        const { status, stderr } = spawnSync(shell, [...words, join(here, shell)], { encoding: 'utf8' });
        assert.deepEqual([status, stderr], [0, '']);
    });

test('in fish the program completes', { skip: spawnSync('fish', ['--version']).status === 0 ? false : 'NOT TESTED: fish is not installed' }, () => {
    const { stdout } = spawnSync('fish', ['--no-config', '-c', `source ${join(here, 'fish')}; complete -C 'eyelet cla'; complete -C 'eyelet train --recipe tut'`], { encoding: 'utf8' });
    assert.deepEqual(stdout.trimEnd().split('\n').map((line) => line.split('\t')[0]), ['classify', 'tutorial']);
});

test('another shell is refused', () => {
    const { status, stderr } = spawnSync(script, [program, 'tcsh'], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [2, 'completions.sh PROGRAM bash|zsh|fish\n']);
});

test('the manual page, too, takes the further lines of an option for its text, whichever awk there is', () => {
    const { status, stdout } = spawnSync(join(root, 'train_native/cli/man.sh'), [program], { encoding: 'utf8' });
    assert.equal(status, 0);
    assert.match(stdout, /^\.TP\n\.B \\-\\-recipe NAME\n.*one of: tutorial,.*\nairbench95, .*\n\[tutorial\]\n\.TP$/m);
});
