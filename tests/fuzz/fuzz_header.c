/* libFuzzer target: what is read of a picture before it is decoded: format, size, orientation. */
#include "base/bounds.h"
#include "fuzz/fuzz.h"
#include "image/decode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = fuzz_copy(data, size);
    int width = 0, height = 0;
    const enum status status = decode_size(&width, &height, bytes, size);
    fuzz_require(status ? status_is_of_image(status) : width > 0 && height > 0);
    fuzz_require(status || (width <= LIMIT_IMAGE_SIDE && height <= LIMIT_IMAGE_SIDE));
    fuzz_require(*eyelet_status_text(status));
    free(bytes);
    return 0;
}
