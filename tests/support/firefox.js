/* Debian's Firefox, driven by WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi); browsers.js is for tests. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { connect } from './web_socket.js';

const path = '/usr/bin/firefox-esr';
export const skip = !existsSync(path) && `NOT CHECKED: ${path} is not there (Debian's firefox-esr)`;

const longest = 300_000; /* milliseconds for an answer; a busy machine may take long */

/* A camera that shows a test picture, and is allowed; no first page, and nothing asked of the network. */
const preferences = {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'browser.startup.page': 0,
    'browser.aboutwelcome.enabled': false,
    'browser.newtabpage.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'termsofuse.bypassNotification': true,
    'network.connectivity-service.enabled': false,
    'network.captive-portal-service.enabled': false,
    'services.settings.server': 'data:,#',
};

/* { version, openPage, close } */
export async function launch() {
    const profile = mkdtempSync(join(tmpdir(), 'eyelet-firefox-'));
    writeFileSync(join(profile, 'user.js'),
        Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`).join(''));
    const firefox = spawn(path, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'],
        { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: profile } });
    const kill = () => firefox.kill('SIGKILL');
    process.once('exit', kill);
    const ended = new Promise((resolve) => { firefox.once('exit', resolve); });
    const close = async () => {
        kill();
        await ended;
        process.off('exit', kill);
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    };
    try {
        const session = await openSession(`${await addressOf(firefox)}/session`);
        const { capabilities } = await session.call('session.new', { capabilities: {} });
        await session.call('session.subscribe', { events: ['log.entryAdded'] });
        return { version: capabilities.browserVersion, openPage: (size) => openPage(session, size), close };
    } catch (error) {
        await close();
        throw error;
    }
}

/* Which Firefox writes to its standard error. */
function addressOf(firefox) {
    return new Promise((resolve, reject) => {
        const lines = [];
        createInterface(firefox.stderr).on('line', (line) => {
            lines.push(line);
            const [, address] = /^WebDriver BiDi listening on (ws:.*)/.exec(line) ?? [];
            if (address)
                resolve(address);
        });
        setTimeout(() => reject(new Error(`Firefox does not start: ${lines.join('\n')}`)), longest).unref();
        firefox.once('exit', (status) => reject(new Error(`Firefox ended with ${status}: ${lines.join('\n')}`)));
    });
}

/* { call(method, parameters), on(method, listener) } */
async function openSession(address) {
    const calls = new Map(), listeners = [];
    let lastId = 0;
    const socket = await connect(address, {
        onText(text) {
            const { id, method, params, result, error, message } = JSON.parse(text), call = calls.get(id);
            calls.delete(id);
            if (error)
                call?.reject(new Error(`${error}: ${message}`));
            else
                call?.resolve(result);
            for (const listener of listeners)
                if (listener.method === method)
                    listener.hear(params);
        },
        onEnd() {
            for (const { reject } of calls.values())
                reject(new Error('Firefox has ended'));
        },
    });
    return {
        call: (method, params) => new Promise((resolve, reject) => {
            calls.set(++lastId, { resolve, reject });
            socket.send(JSON.stringify({ id: lastId, method, params }));
            setTimeout(reject, longest, new Error(`Firefox does not answer: ${method}`)).unref();
        }),
        on: (method, hear) => listeners.push({ method, hear }),
    };
}

async function openPage({ call, on }, { width, height }) {
    const { context } = await call('browsingContext.create', { type: 'tab' }), heard = [];
    on('log.entryAdded', ({ source, level, text }) => source.context === context && /error|warn/.test(level) && heard.push(text));
    await call('browsingContext.setViewport', { context, viewport: { width, height } });
    return {
        heard,
        goto: (url) => call('browsingContext.navigate', { context, url, wait: 'complete' }),
        /* `code` is an async function's, which gives a text. */
        async run(code) {
            const { result, exceptionDetails } = await call('script.callFunction',
                { functionDeclaration: code, target: { context }, awaitPromise: true });
            if (exceptionDetails)
                throw new Error(exceptionDetails.text);
            return result.value;
        },
        async setFiles(selector, files) {
            const { nodes: [{ sharedId }] } = await call('browsingContext.locateNodes', { context, locator: { type: 'css', value: selector } });
            await call('input.setFiles', { context, element: { sharedId }, files });
        },
        screenshot: async () => Buffer.from((await call('browsingContext.captureScreenshot', { context, origin: 'document' })).data, 'base64'),
        close: () => call('browsingContext.close', { context }),
    };
}
