/* Serves this folder, for `eyelet serve` and for tests.
 *
 *     const { url, close } = await serve({ port: 0 });    // 0 takes any free port
 *
 * For the own machine: it listens on 127.0.0.1 only. The page itself needs no more than a static server. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

const mediaTypes = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.json': 'application/json',
    '.wasm': 'application/wasm',
    '.eyelet': 'application/octet-stream',
    '.jpg': 'image/jpeg',
    '.png': 'image/png',
    '.svg': 'image/svg+xml',
};

/* The headers of a file: as in index.html, and frame-ancestors, which only a header can set. What stands in a `page`
 * between the tags of a script or style, as in examples/, is allowed by its hash. */
function headersFor(page = '') {
    const hashes = (tag) => [...page.matchAll(new RegExp(`<${tag}(?: [^>]*)?>([^]*?)</${tag}>`, 'g'))]
        .filter(([, text]) => text)
        .map(([, text]) => ` 'sha256-${createHash('sha256').update(text).digest('base64')}'`).join('');
    return {
        'Content-Security-Policy': `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'${hashes('script')}; ` +
            `worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; style-src 'self'${hashes('style')}; ` +
            "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'X-Content-Type-Options': 'nosniff',
        'Cache-Control': 'no-store',
    };
}

/* Milliseconds that a connection may say nothing, or take nothing of an answer. */
const longestPause = 30_000;

/* As a page of another site cannot know: a name of its own that it leads here (DNS rebinding) is not among them. */
const ownNames = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i;

const modelList = join('models', 'models.json');

const ownFolder = fileURLToPath(new URL('.', import.meta.url));

export async function serve({ port = 8000, root = ownFolder, pause = longestPause } = {}) {
    const realRoot = await realpath(root);
    const patience = { headersTimeout: pause, requestTimeout: pause, connectionsCheckingInterval: pause / 4 };
    const server = createServer(patience, (request, response) => {
        answer(request, response, realRoot).catch(() => refuse(response, 500, 'cannot be read'));
    }).setTimeout(pause);
    for (const last = port && port + 100; ; port++) {
        try {
            await listen(server, port);
            break;
        } catch (error) {
            if (error.code !== 'EADDRINUSE' || port >= last)
                throw error;
        }
    }
    return {
        url: `http://127.0.0.1:${server.address().port}/`,
        close: () => new Promise((resolve) => {
            server.close(resolve);
            server.closeAllConnections();
        }),
    };
}

function listen(server, port) {
    return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', () => {
            server.off('error', reject);
            resolve();
        });
    });
}

async function answer(request, response, root) {
    if (!ownNames.test(request.headers.host ?? ''))
        return refuse(response, 421, 'this server answers to 127.0.0.1 and localhost');
    if (request.method !== 'GET' && request.method !== 'HEAD')
        return refuse(response, 405, 'only GET and HEAD', { Allow: 'GET, HEAD' });
    const file = await find(root, request.url);
    if (!file)
        return refuse(response, 404, 'not found');
    if (file.path === join(root, modelList))
        return sendModels(response, root);
    const kind = extname(file.path), type = mediaTypes[kind] ?? 'application/octet-stream';
    const headers = headersFor(kind === '.html' ? await readFile(file.path, 'utf8') : '');
    response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': file.size });
    if (request.method === 'HEAD')
        return response.end();
    /* The file is closed when the connection breaks, too. */
    return pipeline(createReadStream(file.path), response).catch(() => response.destroy());
}

/* Those that are there: the npm package has some of the models only. */
async function sendModels(response, root) {
    const listed = JSON.parse(await readFile(join(root, modelList))), there = await readdir(join(root, 'models'));
    response.writeHead(200, { ...headersFor(), 'Content-Type': mediaTypes['.json'] });
    response.end(JSON.stringify(listed.filter((name) => there.includes(name))));
}

/* The regular file below root that a request names; undefined when there is none. The real path is compared, after
 * symbolic links and dots are resolved, so nothing outside root can be reached, and no file or folder whose name begins
 * with a dot. */
async function find(root, target) {
    try {
        const name = decodeURIComponent(target.replace(/[?#].*$/s, ''));
        const path = await realpath(join(root, name.endsWith('/') ? `${name}index.html` : name));
        const found = await stat(path);
        const isInside = path.startsWith(root + sep) && !path.slice(root.length).includes(`${sep}.`);
        return isInside && found.isFile() ? { path, size: found.size } : undefined;
    } catch {
        return undefined;
    }
}

function refuse(response, status, reason, more = {}) {
    if (!response.headersSent)
        response.writeHead(status, { ...headersFor(), ...more, 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(`${reason}\n`);
}
