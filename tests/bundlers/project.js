/* A small project in a temporary folder, with the packed package and a tool of a pinned version.
 *
 *     const project = await makeProject({ tarball, packages: { vite: '8.3.8' }, files: ['page'] });
 *     await project.run('vite', 'build');
 *     const answers = await project.visitFolder('dist');
 *     await project.remove();
 *
 * project.heard is all that was printed. What fails throws an Error with the end of that; what the registry does not have throws a Missing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { serve } from '../../web/serve.js';
import { launch, skip as skipBrowser } from '../support/chromium.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const longest = 300_000; /* milliseconds of one command, one page; an installation may take twice as long */

export class Missing extends Error {}

/* `files`: folders of projects/, copied over one another, and answers.js. What is `shown` comes into public/. */
export async function makeProject({ tarball, packages, files = [], type = 'module', shown }) {
    const project = new Project(mkdtempSync(join(tmpdir(), 'eyelet-bundlers-')));
    writeFileSync(join(project.folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type }));
    for (const name of ['answers.js', ...files.map((folder) => `projects/${folder}`)])
        cpSync(join(here, name), name === 'answers.js' ? join(project.folder, name) : project.folder, { recursive: true });
    for (const file of shown)
        cpSync(file, join(project.folder, 'public', file.replace(/.*\//, '')));
    try {
        await project.install(tarball, packages);
    } catch (error) {
        await project.remove();
        throw error;
    }
    return project;
}

class Project {
    heard = '';
    #servers = []; /* processes and sites, to be stopped */

    constructor(folder) {
        this.folder = folder;
    }

    async install(tarball, packages) {
        const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
        try {
            await this.run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock', '--save-exact', ...wanted, tarball);
        } catch (error) {
            const reason = /code (E404|ETARGET|ENOTFOUND|ECONNREFUSED|EAI_AGAIN|EBADPLATFORM|EBADENGINE)/.exec(error.message);
            throw reason ? new Missing(`npm cannot install ${wanted.join(' ')}: ${reason[1]}`) : error;
        }
        this.heard = '';
    }

    /* What a program of the project, or of this machine, prints. */
    async run(program, ...words) {
        const child = this.#spawn(program, words), from = this.heard.length;
        const timer = setTimeout(() => end(child), program === 'npm' ? 2 * longest : longest);
        const code = await new Promise((resolve) => { child.on('close', resolve).on('error', resolve); });
        clearTimeout(timer);
        const text = this.heard.slice(from);
        if (code !== 0)
            throw new Error(`${program} ${words.join(' ')}: ${code?.message ?? (code === null ? 'did not end' : `status ${code}`)}\n${text}`);
        return text;
    }

    /* Starts a server, which is given `port`, a free one, by `words(port)`; its address, once it answers. */
    async start(program, words) {
        const port = await freePort(), child = this.#spawn(program, words(port)), from = this.heard.length;
        this.#servers.push({ close: () => end(child) });
        const url = `http://localhost:${port}/`;
        for (const until = Date.now() + longest; ;) {
            if (await fetch(url).then(() => true, () => false))
                return url;
            if (child.exitCode !== null || Date.now() > until)
                throw new Error(`${program} serves nothing\n${this.heard.slice(from)}`);
            await pause(200);
        }
    }

    /* What stands in #answer of a page that a static server gives, under a strict Content-Security-Policy. */
    async visitFolder(folder, options) {
        const root = join(this.folder, folder);
        cpSync(join(this.folder, 'public'), root, { recursive: true });
        if (!existsSync(join(root, 'index.html')))
            cpSync(join(this.folder, 'index.html'), join(root, 'index.html'));
        const site = await serve({ port: 0, root });
        this.#servers.push(site);
        return this.visit(site.url, options);
    }

    /* `workers`: whether classifyMany is to have some. Parcel's own inline scripts need `bypassCSP`. */
    async visit(url, { hash = '', workers = true, bypassCSP = false } = {}) {
        if (skipBrowser)
            throw new Missing(skipBrowser);
        const browser = await launch(), complaints = [];
        try {
            const page = await browser.newPage({ bypassCSP });
            let started = 0;
            page.on('worker', () => started++);
            page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
            page.on('pageerror', (error) => complaints.push(error.message));
            await page.goto(url + hash);
            const text = await page.locator('#answer').textContent({ timeout: longest / 3 });
            const answers = parsed(text, complaints);
            const inWorkers = started > 0 && !complaints.some((complaint) => complaint.includes('in this thread'));
            assert.equal(inWorkers, workers, `classifyMany had ${inWorkers ? '' : 'no '}workers`);
            return answers;
        } catch (error) {
            throw new Error([error.message, ...complaints].join('\n'));
        } finally {
            await browser.close();
        }
    }

    /* The last line that a program prints. */
    async answerOf(program, ...words) {
        const lines = (await this.run(program, ...words)).trimEnd().split('\n');
        return parsed(lines.at(-1), lines);
    }

    /* The answers that a server gives as JSON. */
    async fetch(url) {
        const response = await fetch(url), text = await response.text();
        return parsed(text, [`HTTP ${response.status}`]);
    }

    copy(from, to) {
        cpSync(join(this.folder, from), join(this.folder, to));
    }

    read(name) {
        return readFileSync(join(this.folder, name), 'utf8');
    }

    write(name, text) {
        writeFileSync(join(this.folder, name), text);
    }

    async remove() {
        for (const server of this.#servers)
            await server.close();
        rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
    }

    #spawn(program, words) {
        const modules = join(this.folder, 'node_modules');
        const nodes = existsSync(modules) ? readdirSync(modules).filter((name) => name.startsWith('node-')) : [];
        const path = [...nodes.map((name) => join(modules, name, 'bin')), join(modules, '.bin'), process.env.PATH].join(delimiter);
        const { NODE_TEST_CONTEXT, NODE_OPTIONS, ...environment } = process.env;
        const env = { ...environment, PATH: path, NO_COLOR: '1', CI: '1', NEXT_TELEMETRY_DISABLED: '1', XDG_CONFIG_HOME: join(this.folder, '.config') };
        const child = spawn(program, words, { cwd: this.folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
        for (const stream of [child.stdout, child.stderr])
            stream.setEncoding('utf8').on('data', (text) => { this.heard += text; });
        return child.on('error', () => {});
    }
}

function end(child) {
    try {
        process.kill(-child.pid, 'SIGKILL'); /* with what it has started */
    } catch {
        /* it has ended */
    }
}

function parsed(text, complaints) {
    if (!text?.startsWith('{'))
        throw new Error([text, ...complaints].join('\n'));
    return JSON.parse(text);
}

async function freePort() {
    const server = createServer();
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const { port } = server.address();
    await new Promise((resolve) => { server.close(resolve); });
    return port;
}
