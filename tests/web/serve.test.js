/* web/serve.js, the server that shows the page. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { serve } from '../../web/serve.js';

describe('the server', () => {
    let site;
    before(async () => { site = await serve({ port: 0 }); });
    after(() => site.close());

    /* By hand, because fetch tidies paths up. */
    const ask = (path, method = 'GET', { url = site.url, headers = {} } = {}) => new Promise((resolve, reject) => {
        const { hostname, port } = new URL(url);
        request({ hostname, port, path, method, headers }, (response) => {
            let body = '';
            response.setEncoding('latin1').on('data', (part) => { body += part; });
            response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
        }).on('error', reject).end();
    });

    test('serves the page with strict headers and the right types', async () => {
        const { status, headers, body } = await ask('/');
        assert.equal(status, 200);
        assert.match(headers['content-type'], /text\/html/);
        assert.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal(headers['cache-control'], 'no-store');
        const [, inPage] = /Content-Security-Policy" content="([^"]+)"/.exec(body);
        assert.equal(headers['content-security-policy'], `${inPage}; frame-ancestors 'none'`);
        assert.equal((await ask('/classifier.wasm')).headers['content-type'], 'application/wasm');
        assert.match((await ask('/page/page.js?x#y')).headers['content-type'], /javascript/);
        const head = await ask('/style.css', 'HEAD');
        assert.equal(head.body, '');
        assert.ok(Number(head.headers['content-length']) > 0);
    });

    test("allows a page's own scripts and styles by their hashes", async () => {
        const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
        const { headers, body } = await ask('/examples/img.html'), [, script] = /<script type="module">([^]*)<\/script>/.exec(body);
        assert.ok(headers['content-security-policy'].includes(`script-src 'self' 'wasm-unsafe-eval' ${hash(script)};`));
        assert.ok(headers['content-security-policy'].includes(`style-src 'self' ${hash(/<style>([^]*)<\/style>/.exec(body)[1])};`));
        for (const path of ['/', '/page/page.js', '/none'])
            assert.doesNotMatch((await ask(path)).headers['content-security-policy'], /sha256/);
    });

    test('serves nothing outside its folder, and only GET and HEAD', async () => {
        for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '//package.json',
            '/examples/../../package.json', '/%00', '/%', '/examples', '/examples/', '/none', '/..%5cpackage.json',
            '/../web.js', '/..'])
            assert.equal((await ask(path)).status, 404, path);
        for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
            assert.equal((await ask('/', method)).status, 405);
    });

    test('takes the next port when one is taken', async () => {
        const port = Number(new URL(site.url).port);
        const second = await serve({ port });
        assert.ok(Number(new URL(second.url).port) > port);
        await second.close();
    });

    const noList = !existsSync('/proc/self/fd') && 'NOT CHECKED: there is no /proc/self/fd';
    test('a download that is broken off leaves no open file', { skip: noList }, async () => {
        const { hostname, port } = new URL(site.url), open = () => readdirSync('/proc/self/fd').length, before = open();
        const words = `GET /models/airbench95.eyelet HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
        for (let i = 0; i < 40; i++)
            await new Promise((resolve, reject) => {
                const socket = connect(port, hostname, () => socket.write(words));
                socket.once('data', () => socket.destroy()).on('close', resolve).on('error', reject);
            });
        for (let i = 0; i < 100 && open() > before + 3; i++)
            await new Promise((resolve) => { setTimeout(resolve, 50); });
        assert.ok(open() <= before + 3, `${before} open files before, ${open()} after`);
    });

    test('a connection that says nothing is closed, as is one that takes nothing', async () => {
        const impatient = await serve({ port: 0, pause: 200 }), { hostname, port } = new URL(impatient.url);
        for (const words of ['', 'GET / HTTP/1.1\r\n', `GET /models/airbench95.eyelet HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`])
            await new Promise((resolve, reject) => {
                const socket = connect(port, hostname, () => socket.write(words)).on('close', resolve).on('error', resolve);
                setTimeout(() => socket.resume(), 1500); /* what is left after the server's end */
                setTimeout(() => reject(new Error(`still open after ${JSON.stringify(words)}`)), 10_000).unref();
            });
        await impatient.close();
    });

    test('answers to the names of this machine alone', async () => {
        for (const host of ['localhost', '127.0.0.1:8000', '[::1]:1', 'LOCALHOST:80'])
            assert.equal((await ask('/', 'GET', { headers: { host } })).status, 200, host);
        for (const host of ['example.org', '127.0.0.1.example.org', 'localhost.', '10.0.0.1:8000'])
            assert.equal((await ask('/', 'GET', { headers: { host } })).status, 421, host);
    });

    test('lists the models that are there', async () => {
        const root = mkdtempSync(join(tmpdir(), 'eyelet-serve-'));
        mkdirSync(join(root, 'models'));
        writeFileSync(join(root, 'models/models.json'), '["a.eyelet", "b.eyelet"]');
        writeFileSync(join(root, 'models/b.eyelet'), 'b');
        const { url, close } = await serve({ port: 0, root });
        assert.deepEqual(await (await fetch(`${url}models/models.json`)).json(), ['b.eyelet']);
        await close();
        rmSync(root, { recursive: true });
    });

    test('serves no file or folder whose name begins with a dot', async () => {
        const root = mkdtempSync(join(tmpdir(), 'eyelet-serve-'));
        for (const name of ['.git', 'a'])
            mkdirSync(join(root, name));
        for (const name of ['.env', '.git/config', 'a/.b', 'a/b', 'index.html'])
            writeFileSync(join(root, name), name);
        const { url, close } = await serve({ port: 0, root });
        for (const path of ['/.env', '/.git/config', '/a/.b', '/a/../.env'])
            assert.equal((await ask(path, 'GET', { url })).status, 404, path);
        for (const path of ['/a/b', '/'])
            assert.equal((await ask(path, 'GET', { url })).status, 200, path);
        await close();
        rmSync(root, { recursive: true });
    });
});
