/* What the benchmarks share: medians with interquartile ranges, and tables between the markers of RESULTS.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const machine = `${cpus().length} cores of ${cpus()[0].model.trim()}`;

/* Median and quartiles of numbers in any order. */
export function spread(numbers) {
    const sorted = [...numbers].sort((a, b) => a - b);
    const [low, median, high] = [1, 2, 3].map((quarters) => sorted[Math.floor((sorted.length * quarters) / 4)]);
    return { low, median, high };
}

export const grouped = (number) => Math.round(number).toLocaleString('en');
export const fixed = (digits) => (number) => number.toFixed(digits);

/* "6.582 ms (6.565-6.609)"; the unit may be left out. */
export function withSpread({ low, median, high }, format, unit = '') {
    return `${format(median)}${unit && ' '}${unit} (${format(low)}-${format(high)})`;
}

/* What a page loads to classify one image, besides the WebAssembly module and the model. */
export const moduleFiles = ['contract', 'source', 'pixels', 'engine', 'picture', 'watched_worker', 'background',
    'camera', 'classifier'].map((name) => `web/${name}.js`);

/* Bytes of files together, each compressed on its own. */
export function compressedSizes(paths) {
    const files = paths.map((path) => readFileSync(join(root, path)));
    const sum = (sizeOf) => files.reduce((total, bytes) => total + sizeOf(bytes), 0);
    return {
        raw: sum((bytes) => bytes.length),
        gzip: sum((bytes) => gzipSync(bytes, { level: 9 }).length),
        brotli: sum((bytes) => brotliCompressSync(bytes).length),
    };
}

/* The lines of a table in Markdown. */
export function table(heads, rows) {
    return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/* Debian's Chromium, without a window; or why there is none. */
export async function launchChromium() {
    const executablePath = '/usr/bin/chromium';
    const playwright = await import('playwright-core').catch(() => null);
    if (!playwright)
        return 'playwright-core is not installed (make deps-test)';
    if (!existsSync(executablePath))
        return 'it is not installed';
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync'];
    return playwright.chromium.launch({ executablePath, args });
}

/* Puts the lines between `<!-- name -->` and `<!-- end of name -->` in RESULTS.md. */
export function writeResults(name, lines) {
    const path = join(root, 'tests/bench/RESULTS.md');
    const text = readFileSync(path, 'utf8');
    const [open, close] = [`<!-- ${name} -->\n`, `\n<!-- end of ${name} -->`];
    const start = text.indexOf(open) + open.length;
    const end = text.indexOf(close);
    if (start < open.length || end < 0)
        throw new Error(`RESULTS.md lacks the markers of ${name}`);
    writeFileSync(path, text.slice(0, start) + lines.join('\n') + text.slice(end));
}
