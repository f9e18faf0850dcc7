#include "base/status.h"

const char *eyelet_status_text(enum status status)
{
    switch (status) {
    case STATUS_OK: return "no error";
    case STATUS_NOT_A_MODEL: return "this is not an Eyelet model";
    case STATUS_VERSION:
        return "the model file is not of format version 2; those of version 1, by an older Eyelet, must be trained or "
               "converted again";
    case STATUS_TRUNCATED: return "the model file is cut short";
    case STATUS_TOO_LONG: return "the model file has bytes after its end";
    case STATUS_CHECKSUM: return "the model file is damaged (checksum mismatch)";
    case STATUS_HEADER: return "the model file has an impossible header";
    case STATUS_NODE: return "the model has a layer that is unknown or does not fit its input";
    case STATUS_LIMIT: return "the model is larger than this program allows";
    case STATUS_NOT_FINITE: return "the model has a NaN or infinite number in it";
    case STATUS_TEXT: return "the model's labels or notes are not valid text";
    case STATUS_MEMORY: return "there is not enough memory";
    case STATUS_SCALE: return "the model's scales do not fit its layers";
    case STATUS_IMAGE_FORMAT: return "the image is neither JPEG nor PNG nor BMP";
    case STATUS_IMAGE_SIZE: return "the image has no pixels";
    case STATUS_IMAGE_CORRUPT: return "the image is damaged";
    case STATUS_IMAGE_CMYK: return "the image is a CMYK JPEG, for printing: save it as RGB";
    case STATUS_IMAGE_TRUNCATED: return "the image is cut short: get the whole file again";
    case STATUS_IMAGE_SIDE: return "the image has more than 16,384 pixels a side: scale it down";
    case STATUS_IMAGE_PIXELS: return "the image has too many pixels: scale it down";
    case STATUS_IMAGE_BYTES: return "the image file is too large: scale the image down, or save it with less quality";
    case STATUS_IMAGE_SCANS: return "the image is a JPEG of more scans than any camera or program writes: save it anew";
    case STATUS_IMAGE_12_BIT: return "the image is a JPEG of 12 bits a sample: save it with 8";
    case STATUS_IMAGE_LOSSLESS: return "the image is a lossless or hierarchical JPEG: save it as an ordinary one";
    case STATUS_IMAGE_ARITHMETIC: return "the image is a JPEG with arithmetic coding: save it as an ordinary one";
    case STATUS_IMAGE_CGBI: return "the image is Apple's own variant of PNG, of an application: save it as PNG";
    case STATUS_IMAGE_HEIC: return "the image is HEIC: save it as JPEG or PNG";
    case STATUS_IMAGE_AVIF: return "the image is AVIF: save it as JPEG or PNG";
    case STATUS_IMAGE_WEBP: return "the image is WebP: save it as JPEG or PNG";
    case STATUS_IMAGE_GIF: return "the image is GIF: save it as PNG";
    case STATUS_IMAGE_TIFF: return "the image is TIFF: save it as JPEG or PNG";
    case STATUS_IMAGE_RAW: return "the image is a camera's raw file: save it as JPEG";
    case STATUS_IMAGE_JPEG_XL: return "the image is JPEG XL: save it as JPEG or PNG";
    case STATUS_IMAGE_JPEG_2000: return "the image is JPEG 2000: save it as JPEG or PNG";
    case STATUS_IMAGE_SVG: return "this is SVG, a drawing without pixels: save it as PNG";
    case STATUS_IMAGE_PDF: return "this is a PDF document: save its picture as JPEG or PNG";
    case STATUS_IMAGE_VIDEO: return "this is a video: save one of its pictures as JPEG or PNG";
    case STATUS_IMAGE_HTML: return "this is a web page, not an image: is the address right?";
    case STATUS_IMAGE_LFS_POINTER: return "this is Git LFS's pointer to a file, not the file: run git lfs pull";
    case STATUS_NO_FEATURE_MAP: return "the model has no feature map: no layer of it makes more than one pixel";
    case STATUS_NO_HEAD: return "the model cannot be taught: it has no embedding";
    case STATUS_COUNT: break;
    }
    return "unknown error";
}
