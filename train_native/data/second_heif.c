/* HEIC and AVIF. libheif itself turns the picture as the file says. */
#include "data/second_decoder.h"

#ifdef WITH_HEIF

#include "base/bounds.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

static bool reads(const uint8_t *bytes, size_t size)
{
    return heif_check_filetype(bytes, size < 64 ? (int)size : 64) == heif_filetype_yes_supported;
}

static enum status status_of(struct heif_error error)
{
    return error.code == heif_error_Ok                              ? STATUS_OK
           : error.code == heif_error_Memory_allocation_error       ? STATUS_MEMORY
           : error.subcode == heif_suberror_End_of_data             ? STATUS_IMAGE_TRUNCATED
           : error.subcode == heif_suberror_Security_limit_exceeded ? STATUS_IMAGE_PIXELS
                                                                    : STATUS_IMAGE_CORRUPT;
}

struct opened {
    struct heif_context *context;
    struct heif_image_handle *handle;
};

static enum status open_primary(struct opened *opened, const uint8_t *bytes, size_t size)
{
    *opened = (struct opened){.context = heif_context_alloc()};
    if (!opened->context)
        return STATUS_MEMORY;
    heif_context_set_maximum_image_size_limit(opened->context, LIMIT_IMAGE_SIDE);
    heif_context_set_max_decoding_threads(opened->context, 0);
    const enum status status =
        status_of(heif_context_read_from_memory_without_copy(opened->context, bytes, size, NULL));
    return status ? status : status_of(heif_context_get_primary_image_handle(opened->context, &opened->handle));
}

static void close_all(struct opened *opened)
{
    heif_image_handle_release(opened->handle);
    heif_context_free(opened->context);
}

static enum status size_of(struct picture *picture, const uint8_t *bytes, size_t size)
{
    struct opened opened;
    const enum status status = open_primary(&opened, bytes, size);
    if (!status)
        *picture = (struct picture){heif_image_handle_get_width(opened.handle),
                                    heif_image_handle_get_height(opened.handle), NULL, 1, PICTURE_FORMAT_COUNT};
    close_all(&opened);
    return status;
}

static enum status copy(struct picture *picture, const struct heif_image *image)
{
    int stride;
    const size_t row = (size_t)picture->width * 4;
    const uint8_t *plane = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    if (!plane || heif_image_get_width(image, heif_channel_interleaved) != picture->width ||
        heif_image_get_height(image, heif_channel_interleaved) != picture->height)
        return STATUS_IMAGE_CORRUPT;
    picture->rgba = allocate_or_null(row, (size_t)picture->height);
    for (int y = 0; picture->rgba && y < picture->height; y++)
        memcpy(picture->rgba + (size_t)y * row, plane + (size_t)y * (size_t)stride, row);
    return picture->rgba ? STATUS_OK : STATUS_MEMORY;
}

static enum status decode(struct picture *picture, const uint8_t *bytes, size_t size)
{
    struct opened opened;
    struct heif_image *image = NULL;
    enum status status = open_primary(&opened, bytes, size);
    if (!status)
        status = status_of(
            heif_decode_image(opened.handle, &image, heif_colorspace_RGB, heif_chroma_interleaved_RGBA, NULL));
    if (!status)
        status = copy(picture, image);
    heif_image_release(image);
    close_all(&opened);
    return status;
}

/* Planes of 16 bits for the decoder's own pictures, the file's and the turned one, and RGBA twice. */
const struct second_decoder heif_decoder = {"libheif", "heic heif avif", 40, reads, size_of, decode};

#endif
