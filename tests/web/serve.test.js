/* web/serve.js, the server that shows the page. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';

import { serve } from '../../web/serve.js';

describe('the server', () => {
    let site;
    before(async () => { site = await serve({ port: 0 }); });
    after(() => site.close());

    /* By hand, because fetch tidies paths up. */
    const ask = (path, method = 'GET') => new Promise((resolve, reject) => {
        const { hostname, port } = new URL(site.url);
        request({ hostname, port, path, method }, (response) => {
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
        assert.match((await ask('/page.js?x#y')).headers['content-type'], /javascript/);
        const head = await ask('/style.css', 'HEAD');
        assert.equal(head.body, '');
        assert.ok(Number(head.headers['content-length']) > 0);
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
});
