/* From a file that a user gives to what the classifier takes.
 *
 *     classifier.classify(await imageFrom(file));
 *
 * Formats that the module decodes stay encoded, for the same bits everywhere; others (WebP, GIF, AVIF, HEIC) are
 * decoded by the browser where it can. The first bytes decide what a file is: names and media types may be wrong. */
import { ClassifierError, imageFormats, limits } from './contract.js';

export async function imageFrom(file) {
    if (file.size > limits.imageBytes)
        throw new ClassifierError('IMAGE_BYTES', `the file is larger than ${limits.imageBytes / 2 ** 20} MB`);
    const bytes = await file.arrayBuffer().catch((cause) => {
        throw new ClassifierError('FETCH', 'the file cannot be read', { cause });
    });
    const head = String.fromCharCode(...new Uint8Array(bytes, 0, Math.min(bytes.byteLength, 256)));
    if (head === '')
        throw new ClassifierError('IMAGE_FORMAT', 'the file is empty');
    if (Object.values(imageFormats).some((magic) => head.startsWith(magic)))
        return bytes;
    if (file.type === 'image/svg+xml' || /^(\xef\xbb\xbf)?\s*</.test(head))
        throw new ClassifierError('IMAGE_FORMAT',
            'this is an SVG drawing or an HTML page, not an image: save it as PNG or JPEG first');
    return decodeByBrowser(file);
}

async function decodeByBrowser(file) {
    const bitmap = await createImageBitmap(file, { premultiplyAlpha: 'none' }).catch((cause) => {
        throw new ClassifierError('IMAGE_FORMAT', 'this browser cannot decode the file: try a JPEG or PNG image',
            { cause });
    });
    const { width, height } = bitmap;
    if (width * height > limits.imagePixels)
        throw new ClassifierError('IMAGE_PIXELS', `the image has more than ${limits.imagePixels / 1e6} million pixels`);
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return context.getImageData(0, 0, width, height);
}
