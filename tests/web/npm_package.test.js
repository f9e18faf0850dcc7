/* The npm package: what is in it, and its front doors, from a tarball that was installed in an empty folder. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { serve } from '../../web/serve.js';
import { launch, skip as skipBrowser, visitPage } from '../support/chromium.js';
import { emptyFolder, installed, root, runIn, skip, succeedsIn } from '../support/npm.js';

const compiler = join(root, 'node_modules/typescript/bin/tsc');

const espresso = join(root, 'web/examples/espresso.jpg');

/* Uses `load`, prints the label of a picture, and those that classifyMany gives. */
const program = (load) => `${load}
(async () => {
    const classifier = await loadClassifier({ model: require.resolve('eyelet/models/objects160.eyelet') });
    console.log((await classifier.classify('${espresso}'))[0].label);
    for await (const result of classifier.classifyMany(['${espresso}', 'none.jpg']))
        console.log(result instanceof ClassifierError ? result.code : result[0].label);
})();`;
const printed = 'espresso\nespresso\nFETCH\n';

/* All paths of an exports table, whatever their conditions. */
const targetsIn = (table) => typeof table === 'string' ? [table] : Object.values(table).flatMap(targetsIn);

describe('the npm package', { skip }, () => {
    let there;
    before(() => { there = installed(); });

    test('holds what its package.json names, the models with their cards, and nothing else', () => {
        const paths = there.tarball.files.map(({ path }) => path);
        const { main, module, browser, types, unpkg, exports } = JSON.parse(readFileSync(join(there.own, 'package.json'), 'utf8'));
        for (const path of [main, module, browser, types, unpkg, ...targetsIn(exports)].filter((path) => !path.includes('*')))
            assert.ok(paths.includes(path.replace('./', '')), path);
        for (const path of ['LICENSE', 'README.md', 'web/models/README.md', 'web/models/tutorial.eyelet'])
            assert.ok(paths.includes(path), path);
        assert.deepEqual(paths.filter((path) => !/^(web|build\/dist)\/|^(LICENSE|README\.md|package\.json)$|build_dist/.test(path)), []);
        assert.ok(there.tarball.size < 4.5e6, `${there.tarball.size} bytes`);
    });

    test('is imported and required', () => {
        const imported = `import { createRequire } from 'node:module'; import { ClassifierError, loadClassifier } from 'eyelet';
            const require = createRequire(import.meta.url);`;
        writeFileSync(join(there.folder, 'import.mjs'), program(imported));
        writeFileSync(join(there.folder, 'require.cjs'), program("const { ClassifierError, loadClassifier } = require('eyelet');"));
        for (const file of ['import.mjs', 'require.cjs'])
            assert.equal(succeedsIn(there.folder, process.execPath, file), printed, file);
        const once = "require('eyelet/element'); console.log(Object.keys(require.cache).filter((path) => path.endsWith('node.cjs')).length)";
        assert.equal(succeedsIn(there.folder, process.execPath, '-e', `require('eyelet'); ${once}`), '1\n');
        for (const load of ["require('eyelet/element')", "import('eyelet/element')"])
            assert.equal(succeedsIn(there.folder, process.execPath, '-e', `(async () => console.log(Object.keys(await ${load})))()`), "[ 'EyeletClassifier' ]\n");
    });

    test('teaches, imported and required, and throws the errors of the module', () => {
        const program = (load) => `${load}
            (async () => {
                const teacher = await loadTeacher({ model: require.resolve('eyelet/models/objects160.eyelet') });
                await teacher.add('coffee', '${espresso}');
                await teacher.add('cat', '${espresso.replace('espresso', 'tabby')}');
                console.log((await teacher.classify('${espresso}')).best[0].label);
                await teacher.add('cat', 'none.jpg').catch((error) => console.log(error instanceof ClassifierError && error.code));
                teacher.close();
            })();`;
        writeFileSync(join(there.folder, 'teach.mjs'), program(`import { createRequire } from 'node:module'; import { ClassifierError } from 'eyelet';
            import { loadTeacher } from 'eyelet/teacher'; const require = createRequire(import.meta.url);`));
        writeFileSync(join(there.folder, 'teach.cjs'), program("const { loadTeacher } = require('eyelet/teacher'), { ClassifierError } = require('eyelet');"));
        for (const file of ['teach.mjs', 'teach.cjs'])
            assert.equal(succeedsIn(there.folder, process.execPath, file), 'coffee\nFETCH\n', file);
        assert.equal(succeedsIn(there.folder, process.execPath, '-p', "Object.keys(require('eyelet/teacher')).sort().join()"), 'ClassifierError,loadTeacher\n');
    });

    test('is bundled for browsers without a word on modules of Node', async () => {
        const { build } = await import('esbuild');
        for (const code of ["import { loadClassifier } from 'eyelet'; loadClassifier();", "require('eyelet').loadClassifier();"]) {
            const { metafile, warnings } = await build({ stdin: { contents: code, resolveDir: there.folder }, bundle: true, write: false,
                metafile: true, platform: 'browser', format: 'esm', logLevel: 'silent' });
            assert.deepEqual(warnings, []);
            assert.ok(Object.keys(metafile.inputs).some((path) => path.endsWith('web/classifier.js')), code);
        }
    });

    test('npx eyelet classifies, and serves the page with the models that are there', async () => {
        assert.match(succeedsIn(there.folder, 'npx', '--no-install', 'eyelet', 'classify', espresso), /espresso\.jpg\n +99\.\d+ % {2}espresso\n/);
        const server = spawn(join(there.folder, 'node_modules/.bin/eyelet'), ['serve', '--port', '0']);
        try {
            const url = String(await new Promise((resolve) => { server.stdout.once('data', resolve); })).trim();
            assert.deepEqual(await (await fetch(`${url}models/models.json`)).json(), ['objects160.eyelet', 'tutorial.eyelet']);
            for (const path of ['', 'page/page.js', 'view.js', 'style.css', 'icon.svg', 'classifier.wasm', 'models/objects160.eyelet', 'examples/tabby.jpg'])
                assert.equal((await fetch(url + path, { method: 'HEAD' })).status, 200, path);
        } finally {
            server.kill();
        }
    });

    describe('TypeScript, strict', { skip: !existsSync(compiler) && 'NOT CHECKED: typescript is not installed (npm install)' }, () => {
        const checks = (words, ...files) => {
            for (const file of files)
                cpSync(join(root, 'tests/support', file.replace('.cts', '.ts')), join(there.folder, file));
            const { status, stdout } = runIn(there.folder, process.execPath, [compiler, '--noEmit', '--strict', '--target', 'es2022', ...words, ...files]);
            assert.equal(status, 0, stdout);
        };
        const inBundlers = ['--module', 'esnext', '--moduleResolution', 'bundler'];

        test('without the DOM library, and without the types of Node', () => {
            checks([...inBundlers, '--lib', 'es2022', '--types', ''], 'types_everywhere.ts');
        });

        test('with the DOM library, the element and React', () => {
            for (const name of ['@types/react', 'csstype'])
                cpSync(join(root, 'node_modules', name), join(there.folder, 'node_modules', name), { recursive: true, dereference: true });
            checks([...inBundlers, '--lib', 'es2022,dom,dom.iterable,dom.asynciterable', '--types', ''], 'types_everywhere.ts', 'types_in_pages.ts');
        });

        test('in CommonJS', () => {
            checks(['--module', 'node16', '--lib', 'es2022', '--types', ''], 'types_everywhere.cts');
        });
    });

    describe('as a plain script', { skip: skipBrowser }, () => {
        let browser, site;
        before(async () => {
            writeFileSync(join(there.folder, 'index.html'), '<!doctype html><title>Script</title><link rel="icon" href="data:,">' +
                '<script src="node_modules/eyelet/build/dist/eyelet.js"></script>' +
                '<eyelet-classifier model="node_modules/eyelet/web/models/objects160.eyelet" src="espresso.jpg"></eyelet-classifier>');
            cpSync(espresso, join(there.folder, 'espresso.jpg'));
            site = await serve({ port: 0, root: there.folder });
            browser = await launch();
        });
        after(async () => {
            await browser?.close();
            await site?.close();
        });

        test('is window.eyelet, finds its module beside it and starts workers', async () => {
            await visitPage(browser, site.url, async (page) => {
                assert.deepEqual(await page.evaluate(async () => {
                    const classifier = await window.eyelet.loadClassifier({ model: 'node_modules/eyelet/web/models/objects160.eyelet' });
                    const labels = [(await classifier.classify('espresso.jpg'))[0].label];
                    for await (const result of classifier.classifyMany(['espresso.jpg']))
                        labels.push(result.message ?? result[0].label);
                    return labels;
                }), ['espresso', 'espresso']);
                await page.waitForFunction(() => document.querySelector('eyelet-classifier').result?.[0].label === 'espresso');
            });
        });
    });
});

test('no package is made without its module: one line says what is missing', { skip }, () => {
    const folder = emptyFolder(), bin = join(folder, 'bin');
    mkdirSync(join(folder, 'web'));
    mkdirSync(bin);
    for (const name of ['package.json', 'web/build_dist.js'])
        cpSync(join(root, name), join(folder, name));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    symlinkSync(process.execPath, join(bin, 'node'));
    for (const command of ['npm', 'sh'])
        symlinkSync(succeedsIn(root, 'sh', '-c', `command -v ${command}`).trim(), join(bin, command));
    const { status, stderr } = runIn(folder, 'npm', ['pack', '--silent', '--foreground-scripts'], { PATH: bin });
    assert.notEqual(status, 0);
    assert.equal(stderr, 'eyelet: web/classifier.wasm is missing, and so is emcc or make, to build it: on Debian, ' +
        'apt-get install emscripten make\n');
    assert.ok(!existsSync(join(folder, 'eyelet-0.1.0.tgz')));
});
