/* Debian's WebKitGTK, in its MiniBrowser, driven by WebDriver (https://www.w3.org/TR/webdriver2); browsers.js is for tests. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const driverPath = '/usr/bin/WebKitWebDriver', screenPath = '/usr/bin/Xvfb';

/* /usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser */
function findBrowser() {
    const within = (folder, pattern) => readdirSync(folder).filter((name) => pattern.test(name)).map((name) => join(folder, name));
    return existsSync('/usr/lib') && within('/usr/lib', /-linux-gnu/).flatMap((folder) => within(folder, /^webkit2?gtk-/))
        .map((folder) => join(folder, 'MiniBrowser')).find(existsSync);
}

const browserPath = findBrowser();
export const skip = [[driverPath, 'webkit2gtk-driver'], [browserPath || 'MiniBrowser', 'webkit2gtk-driver'], [screenPath, 'xvfb']]
    .filter(([path]) => !existsSync(path)).map(([path, name]) => `NOT CHECKED: ${path} is not there (Debian's ${name})`)[0] ?? false;

/* Of a camera that shows a test picture. */
const browserArguments = ['--automation', '--enable-media-stream=true', '--enable-mock-capture-devices=true'];

const element = 'element-6066-11e4-a52e-4f735466cecf'; /* under which WebDriver names one */

/* { version, openPage, close } */
export async function launch() {
    const screen = spawn(screenPath, ['-displayfd', '3', '-screen', '0', '1400x1100x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    let driver, session;
    const kill = () => {
        driver?.kill('SIGKILL');
        screen.kill('SIGKILL');
    };
    process.once('exit', kill);
    const close = async () => {
        await session?.call('DELETE', '').catch(() => {});
        kill();
        process.off('exit', kill);
    };
    try {
        const display = await new Promise((resolve, reject) => {
            screen.stdio[3].once('data', (number) => resolve(`:${String(number).trim()}`));
            screen.once('exit', () => reject(new Error('Xvfb has ended')));
        });
        const port = await freePort(), address = `http://127.0.0.1:${port}`;
        const env = { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11', LIBGL_ALWAYS_SOFTWARE: '1' };
        driver = spawn(driverPath, [`--port=${port}`], { stdio: 'ignore', env });
        await listening(address, driver);
        const wanted = { 'webkitgtk:browserOptions': { binary: browserPath, args: browserArguments } };
        const { sessionId, capabilities } = await ask('POST', `${address}/session`, { capabilities: { alwaysMatch: wanted } });
        session = { call: (method, path, body) => ask(method, `${address}/session/${sessionId}${path}`, body) };
        await session.call('POST', '/timeouts', { script: 300_000 });
        return { version: capabilities.browserVersion, openPage: (size) => openPage(session.call, size), close };
    } catch (error) {
        await close();
        throw error;
    }
}

function freePort() {
    return new Promise((resolve) => {
        const server = createServer().listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

async function listening(address, driver) {
    while (driver.exitCode === null) {
        if (await fetch(`${address}/status`).then(({ ok }) => ok, () => false))
            return;
        await pause(50);
    }
    throw new Error(`${driverPath} ended with ${driver.exitCode}`);
}

async function ask(method, url, body) {
    const response = await fetch(url, { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok)
        throw new Error(`${value.error}: ${value.message}`);
    return value;
}

/* There is one window, and nothing is heard of its console. */
async function openPage(call, { width, height }) {
    await call('POST', '/window/rect', { width, height });
    return {
        heard: [],
        goto: (url) => call('POST', '/url', { url }),
        async run(code) {
            const script = `const [settle] = arguments; (${code})().then((value) => settle({ value }), (error) => settle({ error: String(error) }));`;
            const { value, error } = await call('POST', '/execute/async', { script, args: [] });
            if (error)
                throw new Error(error);
            return value;
        },
        async setFiles(selector, files) {
            const { [element]: id } = await call('POST', '/element', { using: 'css selector', value: selector });
            await call('POST', `/element/${id}/value`, { text: files.join('\n') });
        },
        screenshot: async () => Buffer.from(await call('GET', '/screenshot'), 'base64'),
        close: () => call('POST', '/url', { url: 'about:blank' }),
    };
}
