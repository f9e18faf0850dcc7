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

#include <stdbool.h>

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
    STATUS_IMAGE_FORMAT = 12,  /* neither JPEG nor PNG nor BMP, nor known by name */
    STATUS_IMAGE_SIZE = 13,    /* an image without pixels */
    STATUS_IMAGE_CORRUPT = 14, /* a picture file that is damaged */
    STATUS_IMAGE_CMYK = 15,    /* a CMYK JPEG */
    STATUS_SCALE = 16,         /* quantization scales with which int8 cannot be computed */
    /* Images again. */
    STATUS_IMAGE_TRUNCATED = 17,  /* rows are missing */
    STATUS_IMAGE_SIDE = 18,       /* more than LIMIT_IMAGE_SIDE pixels a side */
    STATUS_IMAGE_PIXELS = 19,     /* more pixels than the format and the target allow */
    STATUS_IMAGE_BYTES = 20,      /* an encoded image of more than LIMIT_IMAGE_BYTES */
    STATUS_IMAGE_SCANS = 21,      /* a JPEG of more than LIMIT_IMAGE_SCANS scans */
    STATUS_IMAGE_12_BIT = 22,     /* a JPEG of other than 8 bits a sample */
    STATUS_IMAGE_LOSSLESS = 23,   /* a lossless or hierarchical JPEG */
    STATUS_IMAGE_ARITHMETIC = 24, /* a JPEG with arithmetic coding */
    STATUS_IMAGE_CGBI = 25,       /* Apple's variant of PNG, from an iPhone's application */
    STATUS_IMAGE_HEIC = 26,       /* formats that are known by name, and not read */
    STATUS_IMAGE_AVIF = 27,
    STATUS_IMAGE_WEBP = 28,
    STATUS_IMAGE_GIF = 29,
    STATUS_IMAGE_TIFF = 30,
    STATUS_IMAGE_RAW = 31,
    STATUS_IMAGE_JPEG_XL = 32,
    STATUS_IMAGE_JPEG_2000 = 33,
    STATUS_IMAGE_SVG = 34,
    STATUS_IMAGE_PDF = 35,
    STATUS_IMAGE_VIDEO = 36,       /* MP4, QuickTime, WebM */
    STATUS_IMAGE_HTML = 37,        /* a web page, as an error page that was saved as an image */
    STATUS_IMAGE_LFS_POINTER = 38, /* Git LFS's text in place of the file */
    STATUS_NO_FEATURE_MAP = 39,    /* a model without a layer that has more than one pixel: explain.h needs one */
    STATUS_NO_HEAD = 40,           /* a model without an embedding behind which a head could stand */
    STATUS_COUNT
};

/* Whether a status is about an image, rather than a model. */
static inline bool status_is_of_image(enum status status)
{
    return (status >= STATUS_IMAGE_FORMAT && status <= STATUS_IMAGE_CMYK) ||
           (status >= STATUS_IMAGE_TRUNCATED && status <= STATUS_IMAGE_LFS_POINTER);
}

/* One plain sentence without a full stop, in static storage. */
const char *eyelet_status_text(enum status status);

#endif
