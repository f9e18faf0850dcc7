/* libFuzzer target: any bytes as a picture, through the part that is this project's own: the walk over the headers,
 * and BMP. stb_image behind it is known to fail and stands behind traps (core/image/decode.h);
 * tests/core/test_decode.c damages pictures for it.
 *
 *     make fuzz
 *     build/fuzz/fuzz-decode build/fuzz/corpus/decode */
#include "image/bmp.h"
#include "image/decode.h"
#include "base/bounds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A fuzzer takes long to find these by chance: the first byte chooses a beginning. */
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    static const uint8_t exif[] = {0xff, 0xd8, 0xff, 0xe1, 0, 60, 'E', 'x', 'i', 'f', 0, 0};
    static const uint8_t bmp[] = {'B', 'M', 0, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0};
    const uint8_t choice = size ? data[0] % 4 : 0;
    const uint8_t *beginning = choice == 1 ? png : choice == 2 ? bmp : exif;
    const size_t lengths[] = {0, sizeof png, sizeof bmp, sizeof exif}, length = lengths[choice],
                 rest = size ? size - 1 : 0;
    uint8_t *bytes = malloc(length + rest + !(length + rest)); /* of its own, so that AddressSanitizer sees its end */
    memcpy(bytes, beginning, length);
    if (rest)
        memcpy(bytes + length, data + 1, rest);

    int width = 0, height = 0;
    const enum status status = decode_size(&width, &height, bytes, length + rest);
    const bool sensible = status == STATUS_OK ? width > 0 && height > 0 && width <= LIMIT_IMAGE_SIDE &&
                                                    height <= LIMIT_IMAGE_SIDE && width * height <= LIMIT_IMAGE_PIXELS
                                              : status_is_of_image(status);
    if (!sensible)
        abort();
    struct bmp header; /* this decoder is ours, too; a picture of millions of pixels would only be slow */
    if (bmp_header(&header, bytes, length + rest) == STATUS_OK && header.width * header.height <= 1 << 16) {
        uint8_t *rgba = malloc((size_t)(header.width * header.height) * 4);
        (void)bmp_decode(rgba, &header);
        free(rgba);
    }
    free(bytes);
    return 0;
}
