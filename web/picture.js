/* From a file that a user gives to what the classifier takes.
 *
 *     classifier.classify(await imageFrom(file));
 *
 * JPEG, PNG and BMP stay encoded, for the module to decode to the same bits everywhere; what it does not read (WebP, GIF,
 * AVIF, HEIC) the browser decodes where it can. What a file is, its first bytes say: names and types may be wrong. */
import { ClassifierError } from './classifier.js';

const largestFile = 64 * 2 ** 20, largestPixels = 64e6; /* as in core/base/bounds.h */

export async function imageFrom(file) {
    if (file.size > largestFile)
        throw new ClassifierError('IMAGE_SIZE', `the file is larger than ${largestFile / 2 ** 20} MB`);
    const bytes = await file.arrayBuffer().catch((cause) => {
        throw new ClassifierError('FETCH', 'the file could not be read', { cause });
    });
    const head = String.fromCharCode(...new Uint8Array(bytes, 0, Math.min(bytes.byteLength, 256)));
    if (head === '')
        throw new ClassifierError('IMAGE_FORMAT', 'the file is empty');
    if (head.startsWith('\xff\xd8') || head.startsWith('\x89PNG') || head.startsWith('BM'))
        return bytes;
    if (file.type === 'image/svg+xml' || /^(\xef\xbb\xbf)?\s*</.test(head))
        throw new ClassifierError('IMAGE_FORMAT', 'this is an SVG drawing or a page, not a photo: save it as PNG or JPEG first');
    return decodeByBrowser(file);
}

async function decodeByBrowser(file) {
    const bitmap = await createImageBitmap(file, { premultiplyAlpha: 'none' }).catch((cause) => {
        throw new ClassifierError('IMAGE_FORMAT', 'this is not a picture that this browser can read: try a JPEG or PNG file',
            { cause });
    });
    const { width, height } = bitmap;
    if (width * height > largestPixels)
        throw new ClassifierError('IMAGE_SIZE', 'the picture has more than 64 million pixels');
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, width, height);
}
