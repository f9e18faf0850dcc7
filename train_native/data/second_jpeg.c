/* CMYK, YCCK and arithmetic coding, and what core's decoder takes for damaged and libjpeg does not. */
#include "data/second_decoder.h"

#ifdef WITH_JPEG

#include "base/bounds.h"
#include "cli/memory.h"
#include "image/orientation.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

struct reader {
    struct jpeg_decompress_struct file;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    enum status status;
    uint8_t *row;
};

static void fail(j_common_ptr file, enum status status)
{
    struct reader *reader = file->client_data;
    reader->status = status;
    longjmp(reader->failed, 1);
}

static void on_error(j_common_ptr file)
{
    const int code = file->err->msg_code;
    fail(file, code == JERR_OUT_OF_MEMORY     ? STATUS_MEMORY
               : code == JERR_BAD_PRECISION   ? STATUS_IMAGE_12_BIT
               : code == JERR_SOF_UNSUPPORTED ? STATUS_IMAGE_LOSSLESS
                                              : STATUS_IMAGE_CORRUPT);
}

/* After these libjpeg goes on with pixels that it makes up. */
static void on_message(j_common_ptr file, int level)
{
    const int code = file->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER))
        fail(file, STATUS_IMAGE_TRUNCATED);
    if (level < 0 && (code == JWRN_HUFF_BAD_CODE || code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC))
        fail(file, STATUS_IMAGE_CORRUPT);
}

static void on_progress(j_common_ptr file)
{
    if (((j_decompress_ptr)file)->input_scan_number > LIMIT_IMAGE_SCANS)
        fail(file, STATUS_IMAGE_SCANS);
}

static void read_header(struct reader *reader, const uint8_t *bytes, size_t size)
{
    jpeg_create_decompress(&reader->file);
    reader->file.progress = &reader->progress;
    jpeg_mem_src(&reader->file, bytes, (unsigned long)size);
    jpeg_save_markers(&reader->file, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&reader->file, TRUE);
}

/* Chromium and Pillow take every CMYK JPEG for inverted, as Adobe's are. */
static void rgba_of_cmyk(uint8_t *rgba, const uint8_t *cmyk, int count)
{
    for (int i = 0; i < count; i++, rgba += 4, cmyk += 4)
        for (int c = 0; c < 4; c++)
            rgba[c] = c == 3 ? 255 : (uint8_t)((cmyk[c] * cmyk[3] + 127) / 255);
}

static void rgba_of_rgb(uint8_t *rgba, const uint8_t *rgb, int count)
{
    for (int i = 0; i < count; i++, rgba += 4, rgb += 3) {
        memcpy(rgba, rgb, 3);
        rgba[3] = 255;
    }
}

static void read_rows(struct reader *reader, struct picture *picture)
{
    struct jpeg_decompress_struct *file = &reader->file;
    const bool is_cmyk = file->jpeg_color_space == JCS_CMYK || file->jpeg_color_space == JCS_YCCK;
    file->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    reader->row = allocate_or_null((size_t)picture->width, 4);
    picture->rgba = reader->row ? allocate_or_null((size_t)picture->width * (size_t)picture->height, 4) : NULL;
    if (!picture->rgba)
        fail((j_common_ptr)file, STATUS_MEMORY);
    jpeg_start_decompress(file);
    for (int y = 0; y < picture->height; y++) {
        jpeg_read_scanlines(file, &reader->row, 1);
        (is_cmyk ? rgba_of_cmyk : rgba_of_rgb)(picture->rgba + (size_t)y * (size_t)picture->width * 4, reader->row,
                                               picture->width);
    }
}

static enum status read_jpeg(struct picture *picture, const uint8_t *bytes, size_t size, bool whole)
{
    struct reader *reader = allocate_or_null(1, sizeof *reader);
    if (!reader)
        return STATUS_MEMORY;
    reader->file.err = jpeg_std_error(&reader->errors);
    reader->file.client_data = reader;
    reader->errors.error_exit = on_error;
    reader->errors.emit_message = on_message;
    reader->progress.progress_monitor = on_progress;
    if (setjmp(reader->failed) == 0) {
        read_header(reader, bytes, size);
        if (whole)
            read_rows(reader, picture);
        picture->format = PICTURE_JPEG;
        picture->width = (int)reader->file.image_width;
        picture->height = (int)reader->file.image_height;
        picture->orientation = 1;
        for (jpeg_saved_marker_ptr marker = reader->file.marker_list; marker; marker = marker->next)
            if (picture->orientation == 1)
                picture->orientation = orientation_of(marker->data, marker->data_length);
    }
    const enum status status = reader->status;
    jpeg_destroy_decompress(&reader->file);
    free(reader->row);
    free(reader);
    return status;
}

static enum status size_of(struct picture *picture, const uint8_t *bytes, size_t size)
{
    return read_jpeg(picture, bytes, size, false);
}

static enum status decode(struct picture *picture, const uint8_t *bytes, size_t size)
{
    return read_jpeg(picture, bytes, size, true);
}

static bool reads(const uint8_t *bytes, size_t size) { return size > 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0; }

/* RGBA, and of progressive files the coefficients of four components. */
const struct second_decoder jpeg_decoder = {"libjpeg", "", 16, reads, size_of, decode};

#endif
