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
    case STATUS_IMAGE_FORMAT: return "the image is neither JPEG nor PNG nor BMP";
    case STATUS_IMAGE_SIZE: return "the image has no pixels, or more than 16,384 a side or 64 million in all";
    case STATUS_SCALE: return "the model's scales do not fit its layers";
    case STATUS_IMAGE_CORRUPT: return "the image is damaged or of an unsupported kind";
    case STATUS_IMAGE_CMYK: return "the image is a CMYK JPEG, for printing: save it as RGB";
    }
    return "unknown error";
}
