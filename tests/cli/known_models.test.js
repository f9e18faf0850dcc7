/* eyelet import NAME: what is fetched, checked, kept and refused, from a server here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eyelet, folder, refused, succeeded } from '../support/program.js';
import { modelOf } from '../support/tiny_model.js';

const curl = { skip: spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed' };
let network, server, requests, answers;

before(async () => {
    const labels = Array.from({ length: 1000 }, (_, i) => `${i}`);
    const here = folder({ 'm.eyelet': modelOf({ layers: [{ kind: 'global_avgpool' }, { kind: 'dense', channels: 1000, bias: true }, { kind: 'softmax' }], labels }) });
    succeeded(await eyelet(['export', join(here, 'm.eyelet'), '--onnx', '-o', join(here, 'm.onnx')]));
    network = readFileSync(join(here, 'm.onnx'));
    server = createServer((request, response) => {
        requests.push(request.headers.range ?? '');
        (answers.shift() ?? whole)(request, response);
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
});
after(() => server.close());

function whole(request, response) {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start ? 206 : 200, { 'Content-Length': network.length - start, ...start && { 'Content-Range': `bytes ${start}-${network.length - 1}/${network.length}` } });
    response.end(network.subarray(start));
}

function brokenHalfway(request, response) {
    response.writeHead(200, { 'Content-Length': network.length });
    response.write(network.subarray(0, network.length >> 1), () => response.destroy());
}

const url = () => `http://127.0.0.1:${server.address().port}/network.onnx`;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
function importInto(cache, words, inTurn = [], sum = sha256(network)) {
    requests = [];
    answers = inTurn;
    return eyelet(['import', ...words], { env: { XDG_CACHE_HOME: cache, EYELET_IMPORT_URL: url(), EYELET_IMPORT_SHA256: sum, no_proxy: '127.0.0.1' } });
}
/* curl's progress bar stands before what the program says. */
const afterProgress = (result) => ({ ...result, stderr: result.stderr.slice(result.stderr.indexOf('eyelet: ')) });

test('a network is fetched once, and becomes a model with its labels, source and licence', curl, async () => {
    const cache = folder(), { stdout, stderr } = succeeded(await importInto(cache, ['mobilenet_v2']));
    assert.match(stderr, /^fetching http:/);
    assert.match(stdout, /licence +Apache-2\.0/);
    assert.deepEqual(readdirSync(join(cache, 'eyelet')).sort(), ['mobilenet_v2.eyelet', 'mobilenet_v2.onnx']);
    const summary = succeeded(await eyelet(['summary', join(cache, 'eyelet/mobilenet_v2.eyelet')])).stdout;
    for (const text of [/ONNX Model Zoo/, /Apache-2\.0/, /its makers/])
        assert.match(summary, text);
    const bytes = readFileSync(join(cache, 'eyelet/mobilenet_v2.eyelet'));
    assert.ok(bytes.includes('goldfish, Carassius auratus'));
    const elsewhere = join(folder(), 'mine.eyelet');
    succeeded(await importInto(cache, ['mobilenet_v2', '-o', elsewhere]));
    assert.deepEqual(requests, [], 'it is in the cache');
    assert.deepEqual(readFileSync(elsewhere), bytes);
});

test('a broken connection goes on where it broke', curl, async () => {
    const cache = folder();
    succeeded(await importInto(cache, ['resnet18'], [brokenHalfway]));
    assert.equal(requests.length, 2);
    assert.equal(sha256(readFileSync(join(cache, 'eyelet/resnet18.onnx'))), sha256(network));
});

test('another file, here or there, is refused and left alone', curl, async () => {
    const cache = folder(), wrong = '0'.repeat(64);
    refused(afterProgress(await importInto(cache, ['resnet18'], [], wrong)),
        { subject: join(cache, 'eyelet/resnet18.onnx.1.part'), reason: /not the official one: its SHA-256 is [0-9a-f]{64}, not 0000/, hint: /kept under this name/ });
    assert.ok(!existsSync(join(cache, 'eyelet/resnet18.onnx')) && !existsSync(join(cache, 'eyelet/resnet18.eyelet')));
    const own = join(cache, 'eyelet/resnet50.onnx');
    writeFileSync(own, 'mine');
    refused(await importInto(cache, ['resnet50']), { subject: own, reason: /not the official file/, hint: /left as it is/ });
    assert.equal(readFileSync(own, 'utf8'), 'mine');
});

test('a server that refuses and a name that is unknown are named', curl, async () => {
    const notFound = (request, response) => response.writeHead(404).end();
    refused(afterProgress(await importInto(folder(), ['resnet18'], [notFound])), { subject: url(), reason: /the server refused it/ });
    refused(await importInto(folder(), ['mobilenet_v9', '-o', 'x.eyelet']), { subject: 'mobilenet_v9', reason: /nor a published network/, hint: /mobilenet_v2/ });
});

test('a file of the name comes first', async () => {
    const here = folder({ resnet18: 'no network' });
    refused(await eyelet(['import', 'resnet18', '-o', 'x.eyelet'], { cwd: here }), { subject: 'resnet18', reason: /./ });
});
