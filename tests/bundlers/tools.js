/* What make test-bundlers runs: one row a tool, with its packages of pinned versions. A check returns the answers that it got, if any.
 *
 *     key         its name in ONLY=
 *     name        the first package's version is told behind it
 *     packages    what npm installs besides the package
 *     files       folders of projects/ */
const nodePackage = `node-linux-${process.arch}`;

/* A page whose script, main.js, imports the package. */
const page = ['page'];

const viteServer = (options) => async (project) => project.visit(await project.start('vite', (port) => ['--port', port]), options);
const vite = {
    'dev server': viteServer(),
    async build(project) {
        await project.run('vite', 'build');
        return project.visitFolder('dist');
    },
};

const built = (...words) => async (project) => {
    await project.run(...words);
    return project.visitFolder('dist');
};

/* Bundlers that do not look for workers: without one, and with it as a file beside the bundle. */
const builtTwice = (...words) => ({
    async build(project) {
        await project.run(...words);
        return project.visitFolder('dist', { workers: false });
    },
    async 'build, worker.js copied'(project) {
        project.copy('node_modules/eyelet/build/dist/worker.js', 'dist/worker.js');
        return project.visitFolder('dist');
    },
});

/* A framework's client and server: the page and the route that projects/ has of each. */
const served = (name, build, program, words) => {
    let url;
    return {
        async [`${name}page`](project) {
            await project.run(...build);
            url = await project.start(program, words);
            return project.visit(url);
        },
        [`${name}route`]: (project) => project.fetch(`${url}answer`),
    };
};
const next = (name, ...flags) => served(name, ['next', 'build', ...flags], 'next', (port) => ['start', '-p', port]);

const tested = (...words) => async (project) => {
    await project.run(...words);
    return JSON.parse(project.read('answer.json'));
};
const jest = ['node', '--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];

/* As Babel makes modules for Jest. */
const testedInCommonJs = (...words) => async (project) => {
    project.write('package.json', '{ "private": true }');
    project.write('babel.config.json', '{ "plugins": ["@babel/plugin-transform-modules-commonjs"] }');
    return tested(...words)(project);
};

const bunPackage = `@oven/bun-linux-${{ x64: 'x64-baseline', arm64: 'aarch64' }[process.arch]}`, bun = `node_modules/${bunPackage}/bin/bun`;
const denoPackage = `@deno/linux-${process.arch}-glibc`;

const nodeVersions = ['18.20.8', '20.20.2', '22.23.5', '24.22.3'];

export const tools = [
    { key: 'vite', name: 'Vite', packages: { vite: '8.3.8' }, files: page, checks: vite },
    {
        key: 'vite7', name: 'Vite', packages: { vite: '7.3.8' }, files: page,
        checks: {
            ...vite,
            'dev server': viteServer({ workers: false }), /* it bundles the package without looking for workers */
            async 'dev server, optimizeDeps.exclude'(project) {
                project.write('vite.config.js', "export default { optimizeDeps: { exclude: ['eyelet'] } };");
                return viteServer()(project);
            },
        },
    },
    {
        key: 'webpack', name: 'webpack', packages: { webpack: '5.112.2', 'webpack-cli': '7.3.1' }, files: page,
        checks: { build: built('webpack', './main.js', '--mode', 'production') },
    },
    {
        key: 'esbuild', name: 'esbuild', packages: { esbuild: '0.28.2' }, files: page,
        checks: builtTwice('esbuild', 'main.js', '--bundle', '--format=esm', '--outdir=dist'),
    },
    {
        key: 'rollup', name: 'Rollup', packages: { rollup: '4.68.5', '@rollup/plugin-node-resolve': '16.0.3' }, files: page,
        checks: builtTwice('rollup', 'main.js', '-p', 'node-resolve={browser:true}', '-d', 'dist'),
    },
    {
        key: 'parcel', name: 'Parcel', packages: { parcel: '2.16.4' }, files: page,
        checks: {
            async build(project) {
                await project.run('parcel', 'build', 'index.html', '--public-url', './');
                return project.visitFolder('dist', { bypassCSP: true });
            },
        },
    },
    {
        key: 'rspack', name: 'Rspack', packages: { '@rspack/core': '2.3.2', '@rspack/cli': '2.2.8' }, files: page,
        checks: { build: built('rspack', 'build', '--entry', './main.js', '--mode', 'production') },
    },
    {
        key: 'next', name: 'Next.js', packages: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' }, files: ['next'],
        checks: { ...next('Turbopack, ', '--turbopack'), ...next('webpack, ', '--webpack') },
    },
    {
        key: 'sveltekit', name: 'SvelteKit', files: ['sveltekit'],
        packages: { '@sveltejs/kit': '2.70.4', '@sveltejs/adapter-node': '5.5.4', '@sveltejs/vite-plugin-svelte': '6.2.4', svelte: '5.57.3', vite: '7.3.8' },
        checks: served('', ['vite', 'build'], 'vite', (port) => ['preview', '--port', port]),
    },
    {
        key: 'vitest', name: 'Vitest', packages: { vitest: '4.1.12', vite: '8.3.8', jsdom: '27.3.0' }, files: ['tests'],
        checks: Object.fromEntries(['node', 'jsdom'].map((environment) =>
            [environment, tested('vitest', 'run', '--globals', '--environment', environment)])),
    },
    {
        key: 'jest', name: 'Jest', packages: { jest: '30.5.2', 'jest-environment-jsdom': '30.5.2', '@babel/plugin-transform-modules-commonjs': '7.29.14' }, files: ['tests'],
        checks: {
            node: tested(...jest, '--env=node'),
            jsdom: tested(...jest, '--env=jsdom'),
            'CommonJS, node': testedInCommonJs(...jest, '--env=node'),
            'CommonJS, jsdom': testedInCommonJs(...jest, '--env=jsdom'),
        },
    },
    {
        key: 'bun', name: 'Bun', packages: { [bunPackage]: '1.4.4' }, files: ['page', 'node'],
        checks: {
            import: (project) => project.answerOf(bun, 'program.js'),
            require: (project) => project.answerOf(bun, 'program.cjs'),
            ...builtTwice(bun, 'build', 'main.js', '--outdir=dist'),
        },
    },
    {
        key: 'deno', name: 'Deno', packages: { [denoPackage]: '2.9.6' }, files: ['node'],
        checks: { import: (project) => project.answerOf(`node_modules/${denoPackage}/deno`, 'run', '--allow-all', 'program.js') },
    },
    {
        key: 'workerd', name: 'Cloudflare workerd', packages: { workerd: '1.20260426.1', wrangler: '4.86.0' }, files: ['workerd'],
        checks: {
            async 'wrangler dev'(project) {
                const url = await project.start('wrangler', (port) => ['dev', '--ip', '127.0.0.1', '--port', port]);
                return project.fetch(`${url}answer`);
            },
        },
    },
    {
        key: 'none', name: 'no bundler', packages: {}, files: ['plain'],
        checks: {
            'page': (project) => project.visitFolder('.', { hash: '#page' }),
            'plain script': (project) => project.visitFolder('.', { hash: '#script' }),
            'service worker': (project) => project.visitFolder('.', { hash: '#service-worker', workers: false }),
            'shared worker': (project) => project.visitFolder('.', { hash: '#shared-worker', workers: false }),
        },
    },
    ...nodeVersions.map((version) => ({
        key: `node${parseInt(version, 10)}`, name: 'Node', packages: { [nodePackage]: version }, files: ['node'],
        checks: {
            import: (project) => project.answerOf('node', 'program.js'),
            require: (project) => project.answerOf('node', 'program.cjs'),
        },
    })),
];

export function nameOf({ name, packages }) {
    return [name, ...Object.values(packages).slice(0, 1)].join(' ');
}
