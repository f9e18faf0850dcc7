/* <eyelet-classifier> (web/element.js) in Chromium, and the same for React (web/react.js), there and on a server. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadClassifier } from '../../web/node.js';
import { serve } from '../../web/serve.js';
import { give, launch, skip, visitPage } from '../support/chromium.js';
import { encodePng, gradient } from '../support/pictures.js';
import { tinyModel } from '../support/tiny_model.js';

const web = fileURLToPath(new URL('../../web/', import.meta.url));
const png = encodePng(gradient(40, 30)), other = encodePng(gradient(30, 40, 90));
const labels = ['a_cat', '<b>dog</b>', 'x\u202ey'], model = tinyModel({ labels });
const sureModel = tinyModel({ labels, notes: 'name: Sure\nrejection threshold: 1\n' });
const file = { name: 'a.png', mimeType: 'image/png', buffer: png };

const [react, server, esbuild] = await Promise.all(['react', 'react-dom/server', 'esbuild'].map((name) => import(name).catch(() => null)));
const skipReact = !(react && server && esbuild) && 'NOT CHECKED: react, react-dom or esbuild is not installed (npm install)';

test('the modules can be imported where there are no elements', async () => {
    const { EyeletClassifier } = await import('../../web/element.js');
    assert.equal(typeof EyeletClassifier, 'function');
});

test('React renders the element on a server', { skip: skipReact }, async () => {
    const { EyeletClassifier, useClassifier } = await import('../../web/react.js');
    const Label = () => String(useClassifier('/m.eyelet').classifier);
    const render = (...given) => server.renderToStaticMarkup(react.createElement(...given));
    assert.equal(render(EyeletClassifier, { model: '/m.eyelet', src: 'a.png', topK: 2, threshold: 0.5, className: 'big', onClassify() {} }, 'Here'),
        '<eyelet-classifier src="a.png" model="/m.eyelet" top-k="2" threshold="0.5" class="big">Here</eyelet-classifier>');
    assert.equal(render(Label), 'null');
});

describe('in a page', { skip }, () => {
    let browser, site, best;
    before(async () => {
        site = await serve({ port: 0 });
        browser = await launch();
        best = (await loadClassifier({ model })).classifySync(png, { topK: 2 });
    });
    after(async () => {
        await browser?.close();
        await site?.close();
    });

    /* A page with `body`, under the policy that the README names; what the elements tell is in window.heard. */
    const visit = (body, steps, { routes = {}, ...options } = {}) => visitPage(browser, site.url, steps, {
        routes: {
            [site.url]: { contentType: 'text/html', headers: { 'Content-Security-Policy': "default-src 'self'; img-src 'self' blob:; script-src 'self' 'wasm-unsafe-eval'" },
                body: `<!doctype html><title>Made</title><link rel="icon" href="icon.svg"><script type="module" src="made.js"></script>${body}` },
            '**/made.js': { contentType: 'text/javascript', body: `import './element.js'; window.heard = [];
                const hear = ({ type, detail, error }) => window.heard.push([type, detail ?? error.code]);
                document.addEventListener('classify', hear);
                document.querySelectorAll('eyelet-classifier').forEach((element) => element.addEventListener('error', hear));` },
            '**/m.eyelet': { body: model }, '**/sure.eyelet': { body: sureModel }, '**/a.png': { contentType: 'image/png', body: png },
            '**/b.png': { contentType: 'image/png', body: other }, '**/none.*': { status: 404, body: 'none' }, ...routes,
        }, ...options });
    const heard = (page, count) => page.waitForFunction((count) => window.heard?.length >= count && window.heard, count).then((handle) => handle.jsonValue());
    const shown = (page) => page.evaluate(() => {
        const { shadowRoot } = document.querySelector('eyelet-classifier');
        const message = shadowRoot.querySelector('[part=message]');
        return { labels: [...shadowRoot.querySelectorAll('[part=label]')].map(({ textContent }) => textContent),
            message: message.hidden ? '' : message.textContent, image: !shadowRoot.querySelector('img').hidden };
    });

    test('an image of its src is classified and its labels are shown as text', () => visit('<eyelet-classifier model="m.eyelet" src="a.png" top-k="2"></eyelet-classifier>', async (page) => {
        assert.deepEqual(await heard(page, 1), [['classify', best]]);
        assert.deepEqual(await shown(page), { labels: best.map(({ label }) => label.replaceAll('_', ' ').replace('\u202e', '\\u{202E}')), message: '', image: true });
        await page.evaluate(() => { document.querySelector('eyelet-classifier').src = 'b.png'; });
        assert.notDeepEqual((await heard(page, 2))[1][1], best);
    }));

    test('an image may be chosen, dropped, pasted or set', () => visit('<eyelet-classifier model="m.eyelet" top-k="2">Here</eyelet-classifier>', async (page) => {
        await page.locator('eyelet-classifier input').setInputFiles(file);
        await heard(page, 1);
        for (const [i, kind] of ['drop', 'paste'].entries()) {
            await page.evaluate(() => { document.body.dispatchEvent = (event) => document.querySelector('eyelet-classifier').dispatchEvent(event); });
            await give(page, kind, file);
            await heard(page, i + 2);
        }
        await page.evaluate(async () => {
            const bytes = await (await fetch('a.png')).arrayBuffer();
            document.querySelector('eyelet-classifier').image = bytes;
        });
        assert.deepEqual(await heard(page, 4), Array(4).fill(['classify', best]));
        assert.equal((await shown(page)).image, false); /* of bytes there is none to show */
    }));

    test('properties that are set before the element is defined count', () => visit('', async (page) => {
        await page.evaluate(async () => {
            const [model, image] = await Promise.all(['m.eyelet', 'a.png'].map(async (name) => (await fetch(name)).arrayBuffer()));
            const template = document.implementation.createHTMLDocument();
            const element = template.createElement('eyelet-classifier'); /* not defined in that document */
            Object.assign(element, { model, image, topK: 2 });
            document.body.append(element);
        });
        assert.deepEqual(await heard(page, 1), [['classify', best]]);
    }));

    test('below the threshold, its own or the model\'s, it is not sure', () => visit('<eyelet-classifier model="sure.eyelet" src="a.png"></eyelet-classifier>', async (page) => {
        await heard(page, 1);
        assert.equal((await shown(page)).message, 'Not sure');
        await page.evaluate(() => { document.querySelector('eyelet-classifier').threshold = 0; });
        await heard(page, 2);
        assert.deepEqual([(await shown(page)).message, (await shown(page)).labels.length], ['', 3]);
        await page.evaluate(() => { document.querySelector('eyelet-classifier').threshold = 0.999; });
        assert.deepEqual((await heard(page, 3))[2], ['classify', []]);
        assert.deepEqual([(await shown(page)).message, (await shown(page)).labels.length], ['Not sure', 0]);
    }));

    test('what fails is said, and the next image tries again', () => visit('<eyelet-classifier model="none.eyelet" src="a.png"></eyelet-classifier>', async (page) => {
        assert.deepEqual(await heard(page, 1), [['error', 'FETCH']]);
        assert.match((await shown(page)).message, /none\.eyelet: HTTP 404/);
        const set = (name, value) => page.evaluate(([name, value]) => document.querySelector('eyelet-classifier').setAttribute(name, value), [name, value]);
        await set('model', 'm.eyelet');
        await heard(page, 2);
        for (const [name, value, code] of [['top-k', 'many', 'ARGUMENT'], ['top-k', '2', undefined], ['src', 'none.png', 'FETCH']]) {
            const before = (await heard(page, 0)).length;
            await set(name, value);
            const [kind, answer] = (await heard(page, before + 1)).at(-1);
            assert.deepEqual(kind === 'error' ? answer : undefined, code);
        }
    }, { complaints: /404/ }));

    test('without a model it says so', () => visit('<eyelet-classifier></eyelet-classifier>', async (page) => {
        await page.locator('eyelet-classifier input').setInputFiles(file);
        assert.deepEqual(await heard(page, 1), [['error', 'ARGUMENT']]);
        assert.match((await shown(page)).message, /has no model: <eyelet-classifier model="...">/);
    }));

    test('of two images the newest is shown, and one that left the page is silent', () => visit('<eyelet-classifier model="m.eyelet" top-k="2"></eyelet-classifier>', async (page) => {
        await page.evaluate(async () => {
            await customElements.whenDefined('eyelet-classifier');
            const element = document.querySelector('eyelet-classifier'), slow = new Promise((resolve) => { window.finish = resolve; });
            element.image = slow;
            await new Promise((resolve) => { setTimeout(resolve, 200); });
            element.image = new URL('a.png', document.baseURI);
        });
        await heard(page, 1);
        await page.evaluate(async () => {
            window.finish(new URL('b.png', document.baseURI));
            const element = document.querySelector('eyelet-classifier');
            element.src = 'b.png';
            element.remove();
            await new Promise((resolve) => { setTimeout(resolve, 300); });
        });
        assert.deepEqual(await heard(page, 1), [['classify', best]]);
    }));

    test('in React: the component, and the hook', { skip: skipReact }, async () => {
        const app = `import { createElement as h, StrictMode, useEffect, useState } from 'react';
            import { createRoot } from 'react-dom/client';
            import { EyeletClassifier, useClassifier } from '${web}react.js';
            window.heard = [];
            function App() {
                const [topK, setTopK] = useState(2), { classifier, error } = useClassifier('m.eyelet');
                window.more = () => setTopK(3);
                useEffect(() => { classifier?.classify('a.png', { topK: 2 }).then((best) => window.heard.push(['hook', best])); }, [classifier]);
                return h('main', {}, error?.code ?? 'fine',
                    h(EyeletClassifier, { model: 'm.eyelet', src: 'a.png', topK, className: 'big', onClassify: (best) => window.heard.push([topK, best]) }, 'Here'),
                    h(EyeletClassifier, { model: 'none.eyelet', onError: ({ code }) => window.heard.push(['error', code]) }));
            }
            createRoot(document.querySelector('#app')).render(h(StrictMode, {}, h(App)));`;
        const { outputFiles: [{ text }] } = await esbuild.build({ stdin: { contents: app, resolveDir: web }, bundle: true, write: false, format: 'esm', platform: 'browser',
            define: { 'process.env.NODE_ENV': '"development"' }, logLevel: 'silent' });
        await visit('<div id="app"></div>', async (page) => {
            await page.waitForFunction(() => ['hook', 'error', 2].every((kind) => window.heard?.some(([first]) => first === kind)));
            const told = new Map(await heard(page, 1));
            assert.deepEqual([told.get('hook'), told.get(2), told.get('error')], [best, best, 'FETCH']);
            await page.evaluate(() => window.more());
            await page.waitForFunction(() => window.heard.some(([first, best]) => first === 3 && best.length === 3));
            assert.equal(await page.evaluate(() => document.querySelector('.big').textContent), 'Here');
        }, { complaints: /404|React DevTools/, routes: { '**/made.js': { contentType: 'text/javascript', body: text } } });
    });
});

test('the types say what is there', () => {
    const types = readFileSync(`${web}element.d.ts`, 'utf8');
    for (const [, name] of readFileSync(`${web}element.js`, 'utf8').matchAll(/^ {4}set (\w+)\(/gm))
        assert.match(types, new RegExp(`\\b${name}[:(]`), name);
});
