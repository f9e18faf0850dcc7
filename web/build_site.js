/* Writes the page as a folder that any static server serves as it is, below any path: node web/build_site.js build/site
 * (`make site`). It works without a network after the first visit, and can be installed.
 *
 *     const { files } = await buildSite({ to: 'build/site' });    // their paths; from: the folder with index.html
 *
 * Beside the files it writes manifest.webmanifest, icons as PNG files, and service_worker.js, of
 * templates/service_worker.js and the SHA-256 of each file. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { pngIcon } from './build_icons.js';

const ownFolder = fileURLToPath(new URL('.', import.meta.url));

/* What is fetched by a name that stands nowhere as an import: what a shared page is made of, the page's pictures. */
const templates = ['templates/standalone.html', 'templates/standalone.js'];
const folders = { page: /\.(js|css)$/, examples: /\.(jpg|png)$/ };

const paper = [0xf8, 0xf6, 0xf3]; /* of style.css */
const icons = {
    'icon-192.png': { size: 192 },
    'icon-512.png': { size: 512 },
    'icon-maskable.png': { size: 512, background: paper, scale: 0.62 },
    'icon-touch.png': { size: 180, background: paper, scale: 0.75 },
};

const manifest = {
    name: 'Eyelet: teach it, ask it', short_name: 'Eyelet', lang: 'en',
    description: 'An image classifier that runs in the page. Images never leave the device.',
    start_url: './', scope: './', id: './', display: 'standalone', background_color: '#f8f6f3', theme_color: '#f8f6f3',
    icons: [
        { src: 'icon.svg', sizes: 'any', type: 'image/svg+xml' },
        { src: 'icon-192.png', sizes: '192x192', type: 'image/png' },
        { src: 'icon-512.png', sizes: '512x512', type: 'image/png' },
        { src: 'icon-maskable.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
    ],
};

/* The page of a site says so by its manifest: page/offline.js then starts the service worker. */
const headLines = '  <link rel="manifest" href="manifest.webmanifest">\n' +
    '  <link rel="apple-touch-icon" href="icon-touch.png">\n';

/* Files that a file names, relative to its own folder. */
function namedIn(name, text) {
    const patterns = name.endsWith('.html') ? [/(?:src|href)="([^"#:]+)"/g] : name.endsWith('.css')
        ? [/url\(['"]?([^'")#:]+)/g, /@import ['"]([^'":]+)/g]
        : [/^(?:import|export)\b(?:[^'"=;]*? from)? *'(\.\.?\/[^']+)'/gm, /\bimport\(\s*'(\.\.?\/[^']+)'/g,
            /\bnew URL\('(\.\.?\/[^']+)', import\.meta\.url\)/g];
    const code = text.replace(/\/\*[^]*?\*\//g, ' ');
    return patterns.flatMap((pattern) => [...code.matchAll(pattern)])
        .map(([, path]) => posix.normalize(posix.join(posix.dirname(name), path)));
}

/* path -> bytes of everything that the page may ask for, but the models. */
function filesOf(from) {
    const files = new Map(), waiting = ['index.html', ...templates];
    for (const [folder, pattern] of Object.entries(folders))
        waiting.push(...readdirSync(join(from, folder), { recursive: true })
            .map((name) => posix.join(folder, name)).filter((name) => pattern.test(name)));
    while (waiting.length) {
        const name = waiting.pop();
        if (files.has(name))
            continue;
        if (!existsSync(join(from, name)))
            throw new Error(`${name} is missing: run make wasm`);
        files.set(name, readFileSync(join(from, name)));
        if (/\.(html|css|js)$/.test(name) && !templates.includes(name))
            waiting.push(...namedIn(name, String(files.get(name))));
    }
    return files;
}

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hashesOf = (files) => Object.fromEntries([...files].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, bytes]) => [name, hashOf(bytes)]));

/* The folder is written anew, but only where it holds a site or nothing. */
export async function buildSite({ from = ownFolder, to }) {
    const files = filesOf(from), later = new Map();
    const models = JSON.parse(readFileSync(join(from, 'models/models.json'), 'utf8'))
        .filter((name) => existsSync(join(from, 'models', name)));
    models.forEach((name, i) =>
        (i ? later : files).set(`models/${name}`, readFileSync(join(from, 'models', name))));
    files.set('models/models.json', JSON.stringify(models));
    files.set('index.html', String(files.get('index.html')).replace('</head>', `${headLines}</head>`));
    files.set('manifest.webmanifest', `${JSON.stringify(manifest, null, 4)}\n`);
    for (const [name, { size, ...options }] of Object.entries(icons))
        files.set(name, pngIcon(size, options));
    const hashes = { files: hashesOf(files), later: hashesOf(later) };
    const worker = readFileSync(join(from, 'templates/service_worker.js'), 'utf8');
    const site = { version: hashOf(JSON.stringify(hashes) + worker).slice(0, 16), ...hashes };
    const written = new Map([...files, ...later,
        ['service_worker.js', `const site = ${JSON.stringify(site, null, 4)};\n${worker}`]]);
    if (existsSync(to) && readdirSync(to).length && !existsSync(join(to, 'service_worker.js')))
        throw new Error(`${to} is no site that was written before: name an empty folder`);
    rmSync(to, { recursive: true, force: true });
    for (const [name, bytes] of written) {
        mkdirSync(join(to, dirname(name)), { recursive: true });
        writeFileSync(join(to, name), bytes);
    }
    return { files: [...written.keys()], bytes: [...written.values()].reduce((sum, { length }) => sum + length, 0) };
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
    const to = process.argv[2] ?? join(ownFolder, '../build/site');
    try {
        const { files, bytes } = await buildSite({ to });
        console.log(`${to}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB; any static server serves them`);
    } catch ({ message }) {
        console.error(`eyelet: ${message}`);
        process.exitCode = 1;
    }
}
