/* The files that cli.js is given: which of a folder are images, their bytes, and why they cannot be read.
 *
 *     const { images, files, links } = await imagesOf('photos');
 *     for (const path of images)
 *         await classifier.classify(await readImage(path)); */
import { open, readFile, readdir, stat } from 'node:fs/promises';
import { getSystemErrorMap } from 'node:util';

import { ClassifierError, imageFormats } from './contract.js';
import { checkFileSize } from './pixels.js';

const imageName = /\.(jpe?g|jpe|jfif|png|bmp|gif|webp|tiff?|hei[cf]|avif|jp2|jxl|p[pg]m|svg)$/i;

/* Of macOS, Windows, ext4, the disk stations of Synology and QNAP, and Python. */
const systemName = new RegExp('^(\\..*|__MACOSX|Icon\r|(eh)?Thumbs\\.db|desktop\\.ini|\\$RECYCLE\\.BIN|RECYCLER|' +
    'System Volume Information|lost\\+found|@eaDir|#recycle|@Recycle|__pycache__)$', 'i');

/* As the C library of Linux says it. */
export function reasonOf({ code, errno, message }) {
    if (code === 'EISDIR')
        return 'is a folder';
    const [, words] = getSystemErrorMap().get(errno) ?? [null, message];
    return words[0].toUpperCase() + words.slice(1);
}

const inByteOrder = (a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));

/* The file, or the images of the folder and of the folders within it, and what is passed over there: files that are no
 * images, and links to folders. A folder without images stays itself, and is then named as what cannot be read. */
export async function imagesOf(operand) {
    const found = { images: [], files: [], links: [] }, folders = [operand];
    while (folders.length) {
        const folder = folders.shift(), inside = [];
        const entries = await readdir(folder, { withFileTypes: true }).catch((error) => {
            if (error.code === 'ENOTDIR' || error.code === 'ENOENT')
                return []; /* a file, or nothing */
            throw error;
        });
        for (const entry of entries.sort(inByteOrder)) {
            const path = `${folder}${folder.endsWith('/') ? '' : '/'}${entry.name}`;
            if (systemName.test(entry.name))
                continue;
            if (entry.isDirectory())
                inside.push(path);
            else
                found[await kindOf(path, entry)].push(path);
        }
        folders.unshift(...inside);
    }
    return found.images.length ? found : { images: [operand], files: [], links: [] };
}

/* A file that cannot be opened may be an image, and is then named. */
async function kindOf(path, entry) {
    const about = await stat(path).catch(() => null);
    if (entry.isSymbolicLink() && about?.isDirectory())
        return 'links';
    return imageName.test(entry.name) || about?.isFile() && await beginsAsImage(path) ? 'images' : 'files';
}

async function beginsAsImage(path) {
    const file = await open(path).catch(() => null);
    if (!file)
        return true;
    try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(10), 0, 10, 0);
        const head = buffer.toString('latin1', 0, bytesRead);
        const [format] = Object.entries(imageFormats).find(([, magic]) => head.startsWith(magic)) ?? [null];
        /* A text may begin with BM, but not with the zeros that follow in a BMP. */
        return format === 'BMP' ? bytesRead === 10 && buffer.readUInt32LE(6) === 0 : format !== null;
    } finally {
        await file.close();
    }
}

/* The file's bytes; a ClassifierError says why not. */
export async function readImage(path) {
    try {
        checkFileSize((await stat(path)).size);
        const bytes = await readFile(path);
        if (bytes.length === 0)
            throw new ClassifierError('IMAGE_FORMAT', 'the file is empty');
        return bytes;
    } catch (cause) {
        throw cause instanceof ClassifierError ? cause : new ClassifierError('FETCH', reasonOf(cause), { cause });
    }
}
