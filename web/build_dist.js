/* Builds what the npm package holds beside the modules, in build/dist/: node web/build_dist.js. npm runs it before it
 * packs, and where it installs from git ("prepare" in package.json). Where something is missing it ends with one line,
 * so that no package is made without its parts.
 *
 *     eyelet.js    for <script src="eyelet.js">; worker.js lies beside it
 *     node.cjs     for require('eyelet'); node_worker.js lies beside it
 *     teacher.cjs    for require('eyelet/teacher'); node_teacher_worker.js lies beside it
 *     element.cjs, react.cjs    for require('eyelet/element') and require('eyelet/react'), as test runners do
 *     teacher_wasm.js    for eyelet.js, node.cjs and teacher.cjs, where they need it */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('.', import.meta.url));
const dist = fileURLToPath(new URL('../build/dist/', import.meta.url));

/* Scripts that are no modules have no import.meta.url: this stands before and behind them instead. */
const wrapping = {
    iife: {
        banner: { js: '(() => { const address = globalThis.document?.currentScript?.src ?? globalThis.location.href;' },
        footer: { js: 'globalThis.eyelet = eyelet; })();' },
        define: { 'import.meta.url': 'address' },
        globalName: 'eyelet',
    },
    cjs: {
        banner: { js: "const address = require('node:url').pathToFileURL(__filename).href;" },
        define: { 'import.meta.url': 'address' },
    },
    esm: {},
};

/* The oldest browsers with SIMD in WebAssembly; the oldest Node of package.json. */
const browser = { platform: 'browser', target: ['chrome91', 'firefox89', 'safari16.4'], minify: true };
const node = { platform: 'node', target: 'node18' };

/* The element's file and React's require the module's, so that all are one instance; 'use client' stays their first
 * line. */
const required = { './classifier.js': './node.cjs', './element.js': './element.cjs', react: 'react' };
const requiring = {
    plugins: [{
        name: 'requiring',
        setup: ({ onResolve }) => onResolve({ filter: /./ }, ({ path }) => required[path] &&
            { path: required[path], external: true }),
    }],
    banner: {},
    ...node,
};

/* The teacher's file has a copy of its own of what both are made of, but throws node.cjs's errors. */
const sharing = {
    plugins: [{
        name: 'sharing',
        setup({ onResolve, onLoad }) {
            onResolve({ filter: /\/contract\.js$/ }, ({ namespace }) => namespace === 'file'
                ? { path: 'contract', namespace: 'shared' } : undefined);
            onResolve({ filter: /\/node\.cjs$/ }, ({ path }) => ({ path, external: true }));
            onLoad({ filter: /./, namespace: 'shared' }, () => ({ resolveDir: web,
                contents: "export * from './contract.js'; export { ClassifierError } from './node.cjs';" }));
        },
    }],
    ...node,
};

const bundles = [
    { from: 'script.js', to: 'eyelet.js', format: 'iife', ...browser },
    { from: 'worker.js', to: 'worker.js', format: 'esm', ...browser },
    { from: 'node.js', to: 'node.cjs', format: 'cjs', ...node },
    { from: 'node_worker.js', to: 'node_worker.js', format: 'esm', ...node },
    { from: 'node_teacher.js', to: 'teacher.cjs', format: 'cjs', ...sharing },
    { from: 'node_teacher_worker.js', to: 'node_teacher_worker.js', format: 'esm', ...node },
    { from: 'element.js', to: 'element.cjs', format: 'cjs', ...requiring },
    { from: 'react.js', to: 'react.cjs', format: 'cjs', ...requiring },
];

const copies = { 'classifier.d.ts': 'node.d.cts', 'teacher_wasm.js': 'teacher_wasm.js' };

function fail(message) {
    console.error(`eyelet: ${message}`);
    process.exit(1);
}

const isInstalled = (command) => !spawnSync(command, ['--version']).error;

/* The module is built anew where that is possible, since its sources may have changed. */
function buildModule() {
    const { MAKEFLAGS, MFLAGS, MAKELEVEL, O, ...env } = process.env; /* not those of a make that runs npm */
    if (isInstalled('emcc') && isInstalled('make')) {
        if (spawnSync('make', ['wasm'], { cwd: `${web}..`, env, stdio: 'inherit' }).status !== 0)
            fail('web/classifier.wasm could not be built: make wasm says why');
    } else if (!['classifier', 'teacher'].every((name) =>
        existsSync(`${web}${name}.wasm`) && existsSync(`${web}${name}_wasm.js`))) {
        fail('web/classifier.wasm is missing, and so is emcc or make, to build it: on Debian, ' +
            'apt-get install emscripten make');
    }
}

buildModule();
const { build } = await import('esbuild').catch(() => fail('esbuild is missing, to bundle the modules: npm install'));
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
for (const { from, to, format, ...options } of bundles)
    await build({ entryPoints: [web + from], outfile: dist + to, bundle: true, format, logLevel: 'warning',
        external: ['./teacher_wasm.js'], ...wrapping[format], ...options });
for (const [from, to] of Object.entries(copies))
    copyFileSync(web + from, dist + to);
writeFileSync(`${dist}teacher.d.cts`, readFileSync(`${web}teacher.d.ts`, 'utf8')
    .replaceAll("'./classifier.js'", "'./node.cjs'"));
