/* What is fetched, and what is dropped: files, and all files of folders.
 *
 *     const bytes = await (await fetchFile('models/tutorial.eyelet')).arrayBuffer();
 *     const files = await droppedFiles(event.dataTransfer);    // at once: the transfer is empty after the event
 *     pathOf(files[0]);                                        // "cats/1.jpg" */
import { ClassifierError } from '../contract.js';
import { text } from './texts.js';

export async function fetchFile(path) {
    const response = await fetch(path).catch((cause) => {
        throw new ClassifierError('FETCH', text('fetch.failed', { path }), { cause });
    });
    if (!response.ok)
        throw new ClassifierError('FETCH', text('fetch.refused', { path, status: String(response.status) }));
    return response;
}

const paths = new WeakMap(); /* of files in dropped folders */

/* From the folder that was chosen or dropped on; the name of a single file. */
export function pathOf(file) {
    return paths.get(file) ?? (file.webkitRelativePath || file.name);
}

export async function droppedFiles(transfer) {
    const files = [...transfer.files];
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.some((entry) => entry.isDirectory))
        return files;
    const found = [];
    while (entries.length > 0) {
        const entry = entries.shift();
        if (entry.isDirectory)
            entries.push(...await inFolder(entry));
        else
            found.push(await fileOf(entry));
    }
    return found.filter(Boolean);
}

/* A reader gives a folder's entries a hundred at a time; what cannot be read counts as empty. */
async function inFolder(folder) {
    const reader = folder.createReader(), all = [];
    for (;;) {
        const some = await new Promise((resolve) => { reader.readEntries(resolve, () => resolve([])); });
        if (some.length === 0)
            return all;
        all.push(...some);
    }
}

async function fileOf(entry) {
    const file = await new Promise((resolve) => { entry.file(resolve, () => resolve(null)); });
    if (file)
        paths.set(file, entry.fullPath.slice(1));
    return file;
}
