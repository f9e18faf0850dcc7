/* What can go wrong with data that comes from outside, as values.
 *
 *     enum status status = decode_picture(&picture, bytes, size);
 *     if (status)
 *         fprintf(stderr, "%s\n", eyelet_status_text(status));
 *
 * Only functions that read outside data (a model, an image) return a status; everything below them gets
 * validated data and asserts its contract. The numbers are part of the WebAssembly interface: never reuse one. */
#ifndef STATUS_H
#define STATUS_H

enum status {
    STATUS_OK = 0,
    STATUS_NOT_A_MODEL = 1,    /* the first bytes are not those of a model file */
    STATUS_VERSION = 2,        /* a model file of another version of the format: 1 was an older Eyelet's */
    STATUS_TRUNCATED = 3,      /* the file ends before its contents do */
    STATUS_TOO_LONG = 4,       /* bytes follow the end of the contents */
    STATUS_CHECKSUM = 5,       /* the contents do not match the checksum */
    STATUS_HEADER = 6,         /* a header field has a value that no writer produces */
    STATUS_NODE = 7,           /* a layer of unknown kind, or one that does not fit its input */
    STATUS_LIMIT = 8,          /* larger than core/base/bounds.h allows */
    STATUS_NOT_FINITE = 9,     /* a NaN or infinite number among the weights or in the result */
    STATUS_TEXT = 10,          /* labels or notes are not valid UTF-8 text */
    STATUS_MEMORY = 11,        /* not enough memory */
    STATUS_IMAGE_FORMAT = 12,  /* neither JPEG nor PNG nor BMP */
    STATUS_IMAGE_SIZE = 13,    /* an image without pixels, or with too many */
    STATUS_IMAGE_CORRUPT = 14, /* a picture file that cannot be decoded, or is truncated */
    STATUS_IMAGE_CMYK = 15,    /* a CMYK JPEG */
    STATUS_SCALE = 16          /* quantization scales with which int8 cannot be computed */
};

/* One plain sentence without a full stop, in static storage. */
const char *eyelet_status_text(enum status status);

#endif
