/* From what people hold - elements, files, addresses, frames, promises of them - to what the engine takes.
 *
 *     const picture = await pictureFrom(document.querySelector('img'));    // { image, decoder }
 *     const best = await withBrowserDecoder(picture, (image) => engine.classify(image));
 *     best.decoder;    // 'browser' where the browser decoded the image
 *
 * Files stay encoded, for the same bits everywhere. Where the module's own decoder refuses one (WebP, AVIF, GIF, a CMYK
 * JPEG), the browser's is asked, which turns a picture as the browser shows it; its pixels differ between browsers.
 * Values are judged by their shape: those of a frame or a test runner's sandbox are no instances of this realm's
 * classes. */
import { ClassifierError, imageFormats } from './contract.js';
import { checkedFile, checkedPixels, checkFileSize, checkSize, looksLikePixels } from './pixels.js';
import { bytesOf, describe, isAddress, readSource, tagOf } from './source.js';

const advice = [
    [/^(null|undefined)$/, 'is there such an element when this runs?'],
    [/ (FileList|NodeList|HTMLCollection|Array|Set)$/, 'pass one of them, or all of them to classifyMany'],
    [/ HTMLInputElement$/, 'pass input.files[0]'],
    [/ ReadableStream$/, 'pass new Response(stream)'],
    [/MediaStream$/, 'show it in a <video> and pass that, or use openCamera(video)'],
    [/./, 'pass an <img>, a canvas, a video, an ImageBitmap, ImageData, a File, a Response, a URL, bytes, or ' +
        '{ data, width, height }'],
];

/* The picture of pixels or bytes, which need no waiting; undefined for anything else. Not copied. */
export function pictureAtOnce(given) {
    try {
        if (looksLikePixels(given))
            return { image: checkedPixels(isForeignImageData(given) ? convertedByCanvas(given) : given) };
        return bytesOf(given) && { image: checkedFile(given) };
    } catch (cause) {
        throw asOwnError(cause, given);
    }
}

/* { image, decoder }: the image as the engine takes it, and 'browser' if the browser has decoded it. `signal` stops a
 * fetch. */
export async function pictureFrom(given, signal) {
    try {
        if (typeof given?.then === 'function')
            return await pictureFrom(await Promise.resolve(given).catch(throwUnreadable), signal);
        return pictureAtOnce(given) ?? await pictureOf(given, signal);
    } catch (cause) {
        throw asOwnError(cause, given);
    }
}

/* A getter's error, for instance, is of what was given. */
function asOwnError(cause, given) {
    return cause instanceof ClassifierError ? cause
        : new ClassifierError('ARGUMENT', `${describe(given)} cannot be read (${cause?.message})`, { cause });
}

function throwUnreadable(cause) {
    throw cause instanceof ClassifierError ? cause : new ClassifierError('FETCH',
        `the image cannot be read: its promise was rejected (${cause?.message ?? cause})`, { cause });
}

async function pictureOf(given, signal) {
    if (isAddress(given) || typeof given?.arrayBuffer === 'function')
        return { image: await fileFrom(given, { signal }) };
    if (typeof given === 'object' && given) {
        if ('naturalWidth' in given)
            return pictureOfImage(given, signal);
        if (typeof given.href?.baseVal === 'string' && typeof given.width?.baseVal === 'object')
            return pictureOfSvgImage(given, signal);
        if (typeof given.getContext === 'function')
            return { image: pixelsOfCanvas(given) };
        if ('videoWidth' in given)
            return { image: pixelsOfVideo(given), decoder: 'browser' };
        const [width, height] = sizeOfFrame(given);
        if (width !== undefined)
            return { image: pixelsOf(given, width, height), decoder: 'browser' };
    }
    const what = describe(given), [, words] = advice.find(([pattern]) => pattern.test(what));
    throw new ClassifierError('ARGUMENT', `${what} is no image: ${words}`);
}

async function fileFrom(source, fetchOptions) {
    checkFileSize(source.size);
    return checkedFile((await readSource(source, 'the image', fetchOptions)).bytes);
}

/* --- Elements and frames --- */

/* The file's bytes where scripts may read them and the module may know the format, else what the browser shows. */
async function pictureOfImage(element, signal) {
    const source = element.currentSrc || element.src;
    if (!element.complete || !source)
        throw new ClassifierError('NOT_READY', `the ${tagOf(element)} has no picture yet: ` +
            `${source ? '' : 'set its src, then '}await image.decode() first`);
    const image = await ownFormat(source, signal);
    if (image)
        return { image };
    if (!element.naturalWidth)
        throw new ClassifierError('NOT_READY', `the ${tagOf(element)} shows no picture: is its address right? ` +
            '(await image.decode() would have been rejected)');
    return { image: pixelsOf(element, element.naturalWidth, element.naturalHeight), decoder: 'browser' };
}

async function pictureOfSvgImage(element, signal) {
    const { href: { baseVal: address }, width, height, baseURI } = element;
    const image = address && await ownFormat(new URL(address, baseURI), signal);
    if (image)
        return { image };
    await element.decode?.().catch((cause) => {
        throw new ClassifierError('NOT_READY', 'the SVG image shows no picture: is its href right?', { cause });
    });
    return { image: pixelsOf(element, Math.round(width.baseVal.value), Math.round(height.baseVal.value)),
        decoder: 'browser' };
}

/* What stands at the address, if it begins as a format that the module reads; null: not, or scripts may not read it. */
async function ownFormat(source, signal) {
    const bytes = await fileFrom(source, { signal, cache: 'force-cache' }).catch(() => null);
    const head = bytes && String.fromCharCode(...bytes.subarray(0, 4));
    return Object.values(imageFormats).some((magic) => head?.startsWith(magic)) ? bytes : null;
}

/* Drawn on another canvas, since asking this one for pixels could settle which kind of context it has. Those of
 * libraries for Node are read directly. */
function pixelsOfCanvas(canvas) {
    const { width, height } = canvas, isBrowsers = /^(HTML|Offscreen)Canvas/.test(tagOf(canvas));
    if (isBrowsers)
        return pixelsOf(canvas, width, height);
    checkSize(width, height, describe(canvas));
    return checkedPixels(canvas.getContext('2d').getImageData(0, 0, width, height));
}

function pixelsOfVideo(video) {
    const { videoWidth, videoHeight, readyState } = video;
    if (!videoWidth || readyState < 2) /* HAVE_CURRENT_DATA */
        throw new ClassifierError('NOT_READY', `the ${tagOf(video)} has no frame yet: wait for its loadeddata event`);
    return pixelsOf(video, videoWidth, videoHeight);
}

/* Of an ImageBitmap or a VideoFrame. */
function sizeOfFrame(frame) {
    const [width, height] = tagOf(frame) === 'ImageBitmap' ? [frame.width, frame.height]
        : 'displayWidth' in frame ? [frame.displayWidth, frame.displayHeight] : [];
    if (width === 0)
        throw new ClassifierError('DETACHED', `the ${tagOf(frame)} was closed or transferred: classify it before`);
    return [width, height];
}

/* --- The browser's canvas and decoder --- */

/* A canvas's context to draw on and read from; `what` is to be drawn. */
export function contextOf(width, height, what) {
    checkSize(width, height, what);
    const canvas = typeof OffscreenCanvas === 'function' ? new OffscreenCanvas(width, height)
        : globalThis.document && Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas?.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
    if (!context)
        throw new ClassifierError('ARGUMENT', `there is no canvas here on which ${what} could be drawn: ` +
            'pass the bytes of its file, or { data, width, height }');
    return context;
}

/* The pixels of what a canvas can draw, in sRGB. */
export function pixelsOf(source, width, height, context = contextOf(width, height, describe(source))) {
    try {
        context.drawImage(source, 0, 0, width, height);
        return checkedPixels(context.getImageData(0, 0, width, height));
    } catch (cause) {
        if (cause.name === 'SecurityError')
            throw new ClassifierError('TAINTED', `${describe(source)} holds pixels of another origin, which scripts ` +
                'may not read: load them with crossorigin="anonymous", from a server that allows it', { cause });
        throw new ClassifierError('NOT_READY', `${describe(source)} cannot be drawn (${cause.message}): ` +
            'is it loaded?', { cause });
    }
}

/* ImageData in another colour space (display-p3) or with samples of 16 or 32 bits. */
function isForeignImageData(given) {
    const isUsual = (given.colorSpace ?? 'srgb') === 'srgb' && /^Uint8/.test(tagOf(given.data));
    return !isUsual && tagOf(given) === 'ImageData' && typeof OffscreenCanvas === 'function';
}

function convertedByCanvas(imageData) {
    const { width, height } = imageData, context = contextOf(width, height, describe(imageData));
    context.putImageData(imageData, 0, 0);
    return context.getImageData(0, 0, width, height);
}

/* What another decoder may read; not what is too large, or no picture. */
const mayBeRead = /^IMAGE_(?!SIZE|SIDE|PIXELS|BYTES|SCANS|RAW|SVG|PDF|VIDEO|HTML|LFS_POINTER)/;

/* What `run` gives for the image, or else for the browser's pixels of it. Then, and if they were before, the result's
 * `decoder` is 'browser'. */
export async function withBrowserDecoder({ image, decoder }, run) {
    let result;
    try {
        result = run(image);
    } catch (refusal) {
        result = run(await pixelsByBrowser(image, refusal));
        decoder = 'browser';
    }
    return decoder ? Object.assign(result, { decoder }) : result;
}

async function pixelsByBrowser(image, refusal) {
    const bytes = mayBeRead.test(refusal.code) && typeof createImageBitmap === 'function' && bytesOf(image);
    if (!bytes?.length)
        throw refusal;
    const options = { premultiplyAlpha: 'none' };
    const bitmap = await createImageBitmap(new Blob([bytes.slice()]), options).catch((cause) => {
        throw new ClassifierError(refusal.code, `${refusal.message} (this browser cannot read it either)`, { cause });
    });
    try {
        return pixelsOf(bitmap, bitmap.width, bitmap.height);
    } finally {
        bitmap.close();
    }
}
