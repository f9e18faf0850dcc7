#include "data/second_decoder.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const struct second_decoder *const decoders[] = {
#ifdef WITH_JPEG
    &jpeg_decoder,
#endif
#ifdef WITH_WEBP
    &webp_decoder,
#endif
#ifdef WITH_HEIF
    &heif_decoder,
#endif
#ifdef WITH_GIF
    &gif_decoder,
#endif
    NULL,
};

const char second_decoder_names[] = ""
#ifdef WITH_JPEG
                                    " libjpeg"
#endif
#ifdef WITH_WEBP
                                    " libwebp"
#endif
#ifdef WITH_HEIF
                                    " libheif"
#endif
#ifdef WITH_GIF
                                    " stb_image"
#endif
    ;

/* What is known to be no picture, not all of one, or too large is not tried again. */
static bool is_final(enum status refused)
{
    static const enum status final[] = {STATUS_MEMORY,          STATUS_IMAGE_SIDE,   STATUS_IMAGE_SIZE,
                                        STATUS_IMAGE_TRUNCATED, STATUS_IMAGE_PIXELS, STATUS_IMAGE_BYTES,
                                        STATUS_IMAGE_SCANS};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++)
        if (refused == final[i])
            return true;
    return false;
}

const struct second_decoder *second_decoder_for(enum status refused, const uint8_t *bytes, size_t size)
{
    const struct second_decoder *const *decoder = decoders;
    while (*decoder && !(*decoder)->reads(bytes, size))
        decoder++;
    return is_final(refused) ? NULL : *decoder;
}

bool second_decoder_has_extension(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (int i = 0; dot && decoders[i]; i++)
        for (const char *word = decoders[i]->extensions; *word; word += strspn(word, " ")) {
            const size_t length = strcspn(word, " ");
            if (strncasecmp(dot + 1, word, length) == 0 && !dot[1 + length])
                return true;
            word += length;
        }
    return false;
}
