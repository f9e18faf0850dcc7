/* What the module takes: the bytes of a file, or pixels. Checked here, before anything is allocated or narrowed to 32
 * bits, by shape: values of another realm (a frame, a test runner's sandbox) are no instances of this one's classes.
 *
 *     const bytes = checkedFile(arrayBuffer);
 *     const { data } = checkedPixels({ data, width, height, channels: 3 });    // RGBA
 *
 * Throws ClassifierErrors. picture.js makes one of the two of everything else. */
import { ClassifierError, imageFormats, limits } from './contract.js';
import { bytesOf, describe, tagOf } from './source.js';

const channelNames = { 4: 'RGBA', 3: 'RGB', 1: 'grey' };

export function looksLikePixels(value) {
    return ArrayBuffer.isView(value?.data) || Array.isArray(value?.data) || tagOf(value?.data) === 'ArrayBuffer';
}

/* { data, width, height } in RGBA, not copied if it was, of { data, width, height[, channels] } or of what sharp gives,
 * { data, info }. Without `channels` the number of bytes says how many there are. */
export function checkedPixels(given) {
    const { data } = given, { width, height, channels } = given.info ?? given, samples = tagOf(data);
    if (!['Uint8ClampedArray', 'Uint8Array', 'ArrayBuffer'].includes(samples))
        throw new ClassifierError('ARGUMENT', 'image.data must have 8 bits a sample, in a Uint8ClampedArray or ' +
            `Uint8Array, but is ${describe(data)}`);
    if (given.colorSpace !== undefined && given.colorSpace !== 'srgb')
        throw new ClassifierError('ARGUMENT', `the pixels are in ${given.colorSpace}: ` +
            "get them in sRGB, context.getImageData(0, 0, width, height, { colorSpace: 'srgb' })");
    if (!Number.isInteger(width) || !Number.isInteger(height))
        throw new ClassifierError('ARGUMENT', 'image.width and image.height must be integers');
    checkSize(width, height);
    const bytes = bytesOf(data), pixels = width * height;
    const count = channels ?? [4, 3, 1].find((number) => bytes.length === pixels * number) ?? 4;
    if (![1, 3, 4].includes(count))
        throw new ClassifierError('ARGUMENT', `image.channels must be 4 (RGBA), 3 (RGB) or 1 (grey), not ${count}: ` +
            'in sharp, .ensureAlpha() or .removeAlpha() changes it');
    if (bytes.length !== pixels * count)
        throw new ClassifierError('ARGUMENT', `image.data has ${bytes.length} bytes, but ${width} x ${height} pixels ` +
            `of ${channelNames[count]} are ${pixels * count}`);
    return { data: count === 4 ? bytes : inRgba(bytes, count), width, height };
}

/* Of one or three channels. */
function inRgba(bytes, channels) {
    const [green, blue] = channels === 3 ? [1, 2] : [0, 0];
    const rgba = new Uint8Array(bytes.length / channels * 4);
    for (let from = 0, to = 0; from < bytes.length; from += channels, to += 4) {
        rgba[to] = bytes[from];
        rgba[to + 1] = bytes[from + green];
        rgba[to + 2] = bytes[from + blue];
        rgba[to + 3] = 255;
    }
    return rgba;
}

/* `what` came: "a canvas". */
export function checkSize(width, height, what = 'an image') {
    const { imageSide, imagePixels } = limits;
    const code = width < 1 || height < 1 ? 'IMAGE_SIZE' : width > imageSide || height > imageSide ? 'IMAGE_SIDE'
        : width * height > imagePixels ? 'IMAGE_PIXELS' : null;
    if (code)
        throw new ClassifierError(code, `${what} of ${width} x ${height} pixels is not accepted: ` +
            `sides must be 1 to ${imageSide.toLocaleString('en')}, and ${imagePixels / 1e6} million pixels at most`);
}

/* The bytes, not copied, if they can be an encoded image. */
export function checkedFile(image) {
    const bytes = bytesOf(image);
    if (!bytes)
        throw new ClassifierError('ARGUMENT', 'an image must be { data, width, height } or the bytes of a file ' +
            `(${Object.keys(imageFormats).join(', ')}), not ${describe(image)}`);
    if (bytes.length === 0)
        throw new ClassifierError('IMAGE_FORMAT', 'the image file is empty');
    checkFileSize(bytes.length);
    return bytes;
}

export function checkFileSize(bytes) {
    if (bytes > limits.imageBytes)
        throw new ClassifierError('IMAGE_BYTES', `the image file is larger than ${limits.imageBytes / 2 ** 20} MB`);
}
