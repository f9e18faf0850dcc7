/* A taught model as one page that opens from disk, to mail or to put anywhere: what `eyelet export --html` makes, with
 * pictures to try. Neither the other pictures nor the embeddings are in it.
 *
 *     const file = await sharedPage(session);        // a File, "Fruit.html"
 *     if (canShare(file))
 *         await navigator.share({ files: [file] });  // on a click
 */
import { ClassifierError } from '../contract.js';
import { fileName } from './download.js';
import { fetchFile } from './files.js';
import { withoutExamples } from './model_file.js';
import { base64Of, standalonePage } from './share_page.js';
import { text } from './texts.js';

const mostExamples = 12;

export async function sharedPage(session) {
    if (!window.isSecureContext)
        throw new ClassifierError('SHARE', text('share.insecure'));
    const { teacher } = session, examples = await examplesOf(teacher);
    const model = withoutExamples(await session.save(), teacher.info.embedding);
    const wasm = new Uint8Array(await (await fetchFile('classifier.wasm')).arrayBuffer());
    const page = await standalonePage({
        read: async (path) => (await fetchFile(path === 'index.html' ? './' : path)).text(),
        wasm: await gzipped(wasm), model: await gzipped(model), examples,
    });
    return new File([page], fileName(session.name, 'html'), { type: 'text/html' });
}

export function canShare(file) {
    return Boolean(navigator.canShare?.({ files: [file] }));
}

/* Browsers without it: as they are. */
async function gzipped(bytes) {
    if (typeof CompressionStream === 'undefined')
        return bytes;
    const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* The first of each class, then the second of each, ... */
async function examplesOf(teacher) {
    const queues = teacher.classes.map(({ label }) => teacher.examples.filter((example) => example.label === label));
    const chosen = [];
    for (let turn = 0; turn < mostExamples; turn++)
        chosen.push(...queues.map((queue) => queue[turn]).filter(Boolean));
    return Promise.all(chosen.slice(0, mostExamples).map(async ({ id, label }) =>
        ({ label, picture: base64Of(await jpegOf(await teacher.thumbnail(id))) })));
}

async function jpegOf({ data, width, height }) {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, 'image/jpeg', 0.92); });
    return new Uint8Array(await blob.arrayBuffer());
}
