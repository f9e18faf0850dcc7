/* What JavaScript and the C core agree on: status codes, limits, defaults, and the error that every call throws.
 * tests/web/contract.test.js compares them with core/base/status.h and core/base/bounds.h. */

/* The names of enum status, by value. */
export const statusCodes = Object.freeze([
    'OK', 'NOT_A_MODEL', 'VERSION', 'TRUNCATED', 'TOO_LONG', 'CHECKSUM', 'HEADER', 'NODE', 'LIMIT', 'NOT_FINITE',
    'TEXT', 'MEMORY', 'IMAGE_FORMAT', 'IMAGE_SIZE', 'IMAGE_CORRUPT', 'IMAGE_CMYK', 'SCALE',
    'IMAGE_TRUNCATED', 'IMAGE_SIDE', 'IMAGE_PIXELS', 'IMAGE_BYTES', 'IMAGE_SCANS', 'IMAGE_12_BIT', 'IMAGE_LOSSLESS',
    'IMAGE_ARITHMETIC', 'IMAGE_CGBI', 'IMAGE_HEIC', 'IMAGE_AVIF', 'IMAGE_WEBP', 'IMAGE_GIF', 'IMAGE_TIFF', 'IMAGE_RAW',
    'IMAGE_JPEG_XL', 'IMAGE_JPEG_2000', 'IMAGE_SVG', 'IMAGE_PDF', 'IMAGE_VIDEO', 'IMAGE_HTML', 'IMAGE_LFS_POINTER',
    'NO_FEATURE_MAP', 'NO_HEAD',
]);

/* Checked here first, before anything is allocated or narrowed to 32 bits. */
export const limits = Object.freeze({
    modelBytes: 160 * 2 ** 20,
    imageBytes: 64 * 2 ** 20, /* an encoded image */
    imageSide: 16384,
    imagePixels: 64e6,
});

/* The image formats that the module decodes, with the first bytes of their files. */
export const imageFormats = Object.freeze({ JPEG: '\xff\xd8', PNG: '\x89PNG', BMP: 'BM' });

export const defaultTopK = 5;

export class ClassifierError extends Error {
    constructor(code, message, options) {
        super(message, options);
        this.name = 'ClassifierError';
        this.code = code;
    }
}
