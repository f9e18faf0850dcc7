/* The build: it notices what it depends on, and installs what is promised. Needs what `make native wasm` leaves. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const variant = dirname(readlinkSync(join(root, 'build/eyelet'))); /* the build that build/eyelet is of */
const scratch = mkdtempSync(join(tmpdir(), 'eyelet-build-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/* `make` must not take this process for a part of another make, nor its settings. */
const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...environment } = process.env;
function run(command, ...words) {
    const { status, stdout, stderr } = spawnSync(command, words, { cwd: root, encoding: 'utf8', env: environment });
    assert.equal(status, 0, `${command} ${words.join(' ')}\n${stdout}${stderr}`);
    return stdout + stderr;
}
const make = (...words) => run('make', `VARIANT=${variant}`, ...words);
const compiled = (text) => new Set([...text.matchAll(/ -c (\S+\.c) -o (\S+)/g)].map((match) => match[2]));

test('a touched header compiles again what includes it, both wasm modules too', () => {
    assert.equal(compiled(make('-n', 'native', 'wasm')).size, 0, 'something is out of date before anything is touched');
    const again = compiled(make('-n', '-W', 'core/classifier.h', 'native', 'wasm'));
    for (const name of [`build/${variant}/core/classifier.o`, 'build/wasm/core/classifier.o', 'build/wasm/wasm/exports.o', 'build/wasm/wasm/exports-without-decoders.o'])
        assert.ok(again.has(name), name);
    assert.ok(!again.has(`build/${variant}/core/kernels/gemm.o`));
});

test('another compiler and other flags compile everything again', () => {
    const all = compiled(make('-n', '-B', 'native')).size;
    assert.ok(all > 80);
    assert.equal(compiled(make('-n', 'CC=clang', 'native')).size, all);
    assert.equal(compiled(make('-n', 'FLAGS=-O1', 'native')).size, all);
});

test('the sources of `make dist` build without git, in any folder to the same bytes', { skip: !existsSync(join(root, '.git')) && 'NOT CHECKED: there is no git here' }, () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    make('dist', `O=${scratch}`);
    const names = ['core/net/net.o', 'train_native/main.o', 'web/style.css.o', 'protobuf/onnx.pb-c.o'].map((name) => `build/${variant}/${name}`);
    const [one, other] = ['one', 'another/folder'].map((name) => {
        const folder = join(scratch, name);
        run('mkdir', '-p', folder);
        run('tar', 'xf', join(scratch, `eyelet-${version}.tar.gz`), '--strip-components=1', '-C', folder);
        make('-C', folder, ...names);
        return names.map((object) => readFileSync(join(folder, object)));
    });
    names.forEach((name, i) => assert.ok(one[i].equals(other[i]), name));
    assert.ok(one[1].includes(`${version}\0`), 'the version has no commit');
    assert.ok(compiled(make('-n', '-C', join(scratch, 'one'), 'native')).size > 80);
});

test('another commit compiles one file again', () => {
    assert.deepEqual([...compiled(make('-n', 'commit=0123456789ab', 'native'))], [`build/${variant}/train_native/main.o`]);
});

test('the version has the commit of a repository of its own, and that it was changed', { skip: spawnSync('git', ['--version']).status === 0 ? false : 'NOT TESTED: git is not installed' }, () => {
    assert.match(run(join(root, 'build/eyelet'), '--version'), /^eyelet \d+\.\d+\.\d+(\+[0-9a-f]{12}(-dirty)?)? \(/);
    const outer = join(scratch, 'repository'), inner = join(outer, 'unpacked');
    const commit = (folder) => make('-C', folder, '-f', join(root, 'Makefile'), '-pn', 'help').match(/^commit := ?(.*)$/m)[1];
    const git = (...words) => run('git', '-C', outer, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...words);
    run('mkdir', '-p', inner);
    git('init', '-q');
    writeFileSync(join(outer, 'file'), '1');
    git('add', '.');
    git('commit', '-qm', 'file');
    git('tag', '-am', 'tag', 'tagged');
    const head = git('rev-parse', 'HEAD').slice(0, 12);
    assert.equal(commit(outer), head);
    assert.equal(commit(inner), '');
    writeFileSync(join(outer, 'file'), '2');
    assert.equal(commit(outer), `${head}-dirty`);
});

test('make clean leaves trained models, and O= moves all that is built', () => {
    const there = join(scratch, 'clean');
    run('mkdir', '-p', join(there, 'models'), join(there, 'x86-64-v3'));
    run('touch', join(there, 'models/mine.eyelet'));
    make(`O=${there}`, 'clean');
    assert.ok(existsSync(join(there, 'models/mine.eyelet')) && !existsSync(join(there, 'x86-64-v3')));
    assert.ok(existsSync(join(root, 'web/classifier.wasm')));
    make(`O=${there}`, 'distclean');
    assert.ok(!existsSync(there));
    assert.doesNotMatch(make('-n', `O=${there}`, 'native', 'wasm', 'library'), /-o (build|web)\//);
});

const prefix = join(scratch, 'usr');
test('make install installs the program, the module, the library and the manual page', () => {
    make(`PREFIX=/usr`, `DESTDIR=${scratch}`, 'install');
    assert.match(run(join(prefix, 'bin/eyelet'), '--help'), /^eyelet COMMAND/);
    for (const name of ['share/eyelet/classifier.js', 'share/eyelet/classifier.d.ts', 'lib/libeyelet.a', 'lib/pkgconfig/eyelet.pc', 'include/eyelet/classifier.h', 'share/man/man1/eyelet.1',
        'share/bash-completion/completions/eyelet', 'share/zsh/site-functions/_eyelet', 'share/fish/vendor_completions.d/eyelet.fish'])
        assert.ok(existsSync(join(prefix, name)), name);
    run(join(prefix, 'bin/eyelet'), 'export', join(root, 'web/models/tutorial.eyelet'), '--html', '-o', join(scratch, 'page.html')); /* finds the module */
});

const packing = ['dpkg-deb', 'dpkg-shlibdeps'].every((command) => spawnSync(command, ['--version']).status === 0);
test('of what is installed Debian packages are made, to the same bytes each time', { skip: packing ? false : 'NOT TESTED: dpkg-dev is not installed' }, () => {
    const there = join(scratch, 'deb'), env = { ...process.env, DEBFULLNAME: 'A Person', DEBEMAIL: 'person@example.org' };
    mkdirSync(there);
    symlinkSync(scratch, join(there, 'all'));
    const pack = () => {
        const { status, stderr } = spawnSync(join(root, '.ci/deb'), ['1.2.3', there], { cwd: root, env, encoding: 'utf8' });
        assert.equal(status, 0, stderr);
        return readdirSync(there).filter((name) => name.endsWith('.deb')).map((name) => [name.split('_').slice(0, 2).join(' '), readFileSync(join(there, name))]);
    };
    const made = pack(), unpacked = join(scratch, 'unpacked');
    assert.deepEqual(made.map(([name]) => name), ['eyelet 1.2.3', 'libeyelet-dev 1.2.3']);
    assert.deepEqual(pack(), made);
    for (const name of readdirSync(there).filter((file) => file.endsWith('.deb')))
        run('dpkg-deb', '-x', join(there, name), unpacked);
    assert.match(run(join(unpacked, 'usr/bin/eyelet'), '--help'), /^eyelet COMMAND/);
    for (const path of ['share/eyelet/classifier.js', 'share/man/man1/eyelet.1.gz', 'share/doc/eyelet/copyright', 'share/doc/libeyelet-dev/changelog.gz', 'share/zsh/vendor-completions/_eyelet', 'include/eyelet/classifier.h'])
        assert.ok(existsSync(join(unpacked, 'usr', path)), path);
    const control = readFileSync(join(there, 'eyelet/DEBIAN/control'), 'utf8');
    assert.match(control, /^Maintainer: A Person <person@example\.org>$/m);
    assert.match(control, /^Depends: .*\blibc6 \(.*\blibsqlite3-0\b/m);
});

test('the installed module is whole', () => {
    const image = join(root, 'web/examples/espresso.jpg'), there = join(prefix, 'share/eyelet');
    const script = `import { loadClassifier } from '${there}/node.js';
        import '${there}/element.js';
        const classifier = await loadClassifier({ model: '${there}/objects160.eyelet' });
        for await (const [{ label }] of classifier.classifyMany(['${image}'])) console.log(label);`;
    assert.equal(run(process.execPath, '--input-type=module', '-e', script), 'espresso\n');
});

test('the manual page lists every command with its options', () => {
    const page = readFileSync(join(prefix, 'share/man/man1/eyelet.1'), 'utf8'), help = run(join(prefix, 'bin/eyelet'), '--help');
    const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]);
    assert.ok(commands.length > 5);
    for (const command of commands) {
        const section = page.split(`\n.SH EYELET ${command.toUpperCase()}\n`)[1]?.split('\n.SH ')[0] ?? '';
        const options = [...run(join(prefix, 'bin/eyelet'), command, '--help').matchAll(/^ {2}--([a-z-]+)/gm)].map((match) => match[1]);
        for (const option of options)
            assert.ok(section.includes(`\n.TP\n.B \\-\\-${option.replaceAll('-', '\\-')}`), `${command} --${option}`);
    }
});

test('the manual page renders without a warning', { skip: spawnSync('groff', ['--version']).status === 0 ? false : 'NOT TESTED: groff is not installed' }, () => {
    const { status, stdout, stderr } = spawnSync('groff', ['-man', '-ww', '-Tutf8', join(prefix, 'share/man/man1/eyelet.1')], { encoding: 'utf8' });
    assert.equal(status, 0);
    assert.equal(stderr, '');
    assert.match(stdout, /train and run image classifiers/);
});

const asNobody = process.getuid() !== 0 ? [] : spawnSync('setpriv', ['--reuid=65534', 'true']).status === 0 ? ['setpriv', '--reuid=65534'] : null;
test('what is missing is named, and nothing is asked of sudo without a terminal', { skip: asNobody ? false : 'NOT TESTED: setpriv cannot give up the rights of this user' }, () => {
    const deps = (...packages) => spawnSync([...asNobody, join(root, '.ci/deps')][0], [...asNobody, join(root, '.ci/deps'), ...packages].slice(1), { encoding: 'utf8', input: '' });
    const present = deps('bash=bash', 'tree=/etc');
    assert.deepEqual([present.status, present.stdout, present.stderr], [0, '', '']);
    const missing = deps('bash=bash', 'no-such-package=no-such-command');
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /^Eyelet needs these packages: no-such-package\n(As root: apt-get install no-such-package|Install them with the package manager .*)\n$/);
    assert.equal(missing.stderr, '');
});
