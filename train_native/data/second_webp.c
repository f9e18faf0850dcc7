/* WebP: lossy, lossless, and of an animation the first picture. */
#include "data/second_decoder.h"

#ifdef WITH_WEBP

#include "base/bytes.h"
#include "cli/memory.h"
#include "image/orientation.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

static bool reads(const uint8_t *bytes, size_t size)
{
    return size > 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

/* Of the chunk EXIF, if there is one: four letters, the size, the content, filled up to an even size. */
static int stored_orientation(const uint8_t *bytes, size_t size)
{
    for (size_t at = 12; size - at >= 8;) {
        const size_t length = bytes_get4(bytes + at + 4), rest = size - at - 8;
        if (length > rest)
            break;
        if (memcmp(bytes + at, "EXIF", 4) == 0)
            return orientation_of(bytes + at + 8, length);
        at += 8 + (length < rest ? length + (length & 1) : length);
    }
    return 1;
}

static enum status status_of(VP8StatusCode code)
{
    return code == VP8_STATUS_OK                ? STATUS_OK
           : code == VP8_STATUS_OUT_OF_MEMORY   ? STATUS_MEMORY
           : code == VP8_STATUS_NOT_ENOUGH_DATA ? STATUS_IMAGE_TRUNCATED
                                                : STATUS_IMAGE_CORRUPT;
}

static enum status size_of(struct picture *picture, const uint8_t *bytes, size_t size)
{
    WebPBitstreamFeatures features;
    const enum status status = status_of(WebPGetFeatures(bytes, size, &features));
    if (!status)
        *picture = (struct picture){features.width, features.height, NULL, stored_orientation(bytes, size),
                                    PICTURE_FORMAT_COUNT};
    return status;
}

static enum status decode_first(struct picture *picture, const WebPData *data, size_t rgba_bytes)
{
    WebPAnimDecoder *animation = WebPAnimDecoderNew(data, NULL);
    uint8_t *frame;
    int time;
    const bool decoded = animation && WebPAnimDecoderGetNext(animation, &frame, &time);
    if (decoded)
        memcpy(picture->rgba, frame, rgba_bytes);
    WebPAnimDecoderDelete(animation);
    return decoded ? STATUS_OK : STATUS_IMAGE_CORRUPT;
}

static enum status decode(struct picture *picture, const uint8_t *bytes, size_t size)
{
    const size_t stride = (size_t)picture->width * 4, rgba_bytes = stride * (size_t)picture->height;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config) || WebPGetFeatures(bytes, size, &config.input) != VP8_STATUS_OK)
        return STATUS_IMAGE_CORRUPT;
    picture->rgba = allocate_or_null(rgba_bytes, 1);
    if (!picture->rgba)
        return STATUS_MEMORY;
    if (config.input.has_animation)
        return decode_first(picture, &(WebPData){bytes, size}, rgba_bytes);
    config.output.colorspace = MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){picture->rgba, (int)stride, rgba_bytes};
    return status_of(WebPDecode(bytes, size, &config));
}

/* RGBA, what it is made from, and of an animation both canvases. */
const struct second_decoder webp_decoder = {"libwebp", "webp", 16, reads, size_of, decode};

#endif
