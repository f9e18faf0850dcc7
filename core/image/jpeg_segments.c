#include "image/jpeg_segments.h"

#include "image/image.h"
#include "image/jpeg_scan.h"
#include "image/orientation.h"

int jpeg_next_marker(struct jpeg_reader *reader)
{
    const uint8_t *at = reader->at, *end = reader->end;
    while (end - at >= 2 && (at = memchr(at, 0xff, (size_t)(end - at - 1))) != NULL) {
        const int marker = *++at;
        if (marker != 0 && marker != 0xff) {
            reader->at = at + 1;
            return marker;
        }
    }
    reader->at = end;
    return JPEG_END;
}

bool jpeg_has_segment(int marker) { return marker != JPEG_TEMPORARY && (marker < JPEG_RST0 || marker > JPEG_EOI); }

enum status jpeg_next_segment(struct jpeg_segment *segment, struct jpeg_reader *reader)
{
    const size_t left = (size_t)(reader->end - reader->at);
    if (left < 2)
        return STATUS_IMAGE_TRUNCATED;
    const size_t length = bytes_get2_big(reader->at);
    if (length < 2)
        return STATUS_IMAGE_CORRUPT;
    if (length > left)
        return STATUS_IMAGE_TRUNCATED;
    *segment = (struct jpeg_segment){reader->at + 2, length - 2};
    reader->at += length;
    return STATUS_OK;
}

static enum status quantization_tables(struct jpeg *jpeg, struct jpeg_segment segment)
{
    while (segment.size > 0) {
        const int table = segment.bytes[0] & 15, wide = segment.bytes[0] >> 4; /* numbers of 16 bits */
        const size_t size = 1 + (size_t)JPEG_BLOCK * (wide ? 2 : 1);
        if (table >= JPEG_TABLES || wide > 1 || size > segment.size)
            return STATUS_IMAGE_CORRUPT;
        for (int k = 0; k < JPEG_BLOCK; k++)
            jpeg->quantization[table][jpeg_zigzag[k]] =
                (uint16_t)(wide ? bytes_get2_big(segment.bytes + 1 + k * 2) : segment.bytes[1 + k]);
        jpeg->quantization_defined[table] = true;
        segment.bytes += size;
        segment.size -= size;
    }
    return STATUS_OK;
}

static enum status huffman_tables(struct jpeg *jpeg, struct jpeg_segment segment)
{
    enum { HEAD = 1 + JPEG_CODE_BITS };
    while (segment.size > 0) {
        const uint8_t *p = segment.bytes;
        size_t size = HEAD;
        for (int i = 1; i < HEAD && segment.size >= HEAD; i++)
            size += p[i];
        if (segment.size < size || (p[0] & 15) >= JPEG_TABLES || p[0] >> 4 > 1 ||
            !jpeg_huffman_define(&(p[0] >> 4 ? jpeg->ac : jpeg->dc)[p[0] & 15], p + 1, p + HEAD))
            return STATUS_IMAGE_CORRUPT;
        segment.bytes += size;
        segment.size -= size;
    }
    return STATUS_OK;
}

static int rounded_up(int a, int b) { return (a + b - 1) / b; }

/* Sizes in samples and blocks, from the sampling factors. */
static enum status place_components(struct jpeg_frame *frame)
{
    if (frame->count == 1) /* alone in its scans, whatever its factors are */
        frame->components[0].h = frame->components[0].v = 1;
    for (int i = 0; i < frame->count; i++) {
        frame->h = frame->components[i].h > frame->h ? frame->components[i].h : frame->h;
        frame->v = frame->components[i].v > frame->v ? frame->components[i].v : frame->v;
    }
    frame->mcu_columns = rounded_up(frame->width, frame->h * 8);
    frame->mcu_rows = rounded_up(frame->height, frame->v * 8);
    for (int i = 0; i < frame->count; i++) {
        struct jpeg_component *component = &frame->components[i];
        if (frame->h % component->h || frame->v % component->v) /* nor does libjpeg read these */
            return STATUS_IMAGE_CORRUPT;
        component->width = rounded_up(frame->width * component->h, frame->h);
        component->height = rounded_up(frame->height * component->v, frame->v);
        component->columns = frame->mcu_columns * component->h;
        component->stride = component->columns * 8;
        component->ring = component->v * 8 * 3; /* three rows of MCUs: a row's neighbours may be in the next */
    }
    return STATUS_OK;
}

static enum status frame_header(struct jpeg *jpeg, int marker, struct jpeg_segment segment)
{
    enum { HEAD = 6, EACH = 3, CMYK = 4 };
    struct jpeg_frame *frame = &jpeg->frame;
    if (frame->count || segment.size < HEAD)
        return STATUS_IMAGE_CORRUPT;
    const uint8_t *p = segment.bytes;
    frame->height = (int)bytes_get2_big(p + 1);
    frame->width = (int)bytes_get2_big(p + 3);
    if (p[0] != 8)
        return STATUS_IMAGE_12_BIT;
    const enum status status = image_check(frame->width, frame->height);
    if (status)
        return status;
    if (p[5] == CMYK)
        return STATUS_IMAGE_CMYK;
    if ((p[5] != 1 && p[5] != JPEG_COMPONENTS) || segment.size != HEAD + (size_t)p[5] * EACH)
        return STATUS_IMAGE_CORRUPT;
    frame->count = p[5];
    frame->progressive = marker == JPEG_SOF2;
    p += HEAD;
    for (int i = 0; i < frame->count; i++, p += EACH) {
        struct jpeg_component *component = &frame->components[i];
        *component = (struct jpeg_component){.id = p[0], .h = p[1] >> 4, .v = p[1] & 15, .table = p[2]};
        memset(component->low_bit, JPEG_NO_BITS, sizeof component->low_bit);
        if (component->h < 1 || component->h > 4 || component->v < 1 || component->v > 4)
            return STATUS_IMAGE_CORRUPT;
    }
    return place_components(frame);
}

static void application_data(struct jpeg *jpeg, int marker, struct jpeg_segment segment)
{
    if (marker == JPEG_APP0 && segment.size >= 14 && memcmp(segment.bytes, "JFIF", 5) == 0)
        jpeg->jfif = true;
    else if (marker == JPEG_APP14 && segment.size >= 12 && memcmp(segment.bytes, "Adobe", 5) == 0)
        jpeg->adobe = segment.bytes[11];
    else if (marker == JPEG_APP1 && jpeg->orientation == 1 && segment.size > 6 &&
             memcmp(segment.bytes, "Exif\0", 6) == 0)
        jpeg->orientation = orientation_of(segment.bytes, segment.size);
}

static bool is_kind_of_frame(int marker)
{
    return (marker >= JPEG_SOF0 && marker <= JPEG_SOF15) || marker == JPEG_DHP || marker == JPEG_EXP ||
           marker == JPEG_SOF55;
}

static enum status read_segment(struct jpeg *jpeg, int marker, struct jpeg_segment segment)
{
    if (marker == JPEG_DQT)
        return quantization_tables(jpeg, segment);
    if (marker == JPEG_DHT)
        return huffman_tables(jpeg, segment);
    if (marker == JPEG_DRI && segment.size == 2)
        jpeg->restart_interval = (int)bytes_get2_big(segment.bytes);
    else if (marker == JPEG_DRI || marker == JPEG_JPG)
        return STATUS_IMAGE_CORRUPT;
    else if (marker >= JPEG_SOF0 && marker <= JPEG_SOF2)
        return frame_header(jpeg, marker, segment);
    else if (marker == JPEG_SOF9 || marker == JPEG_SOF10)
        return STATUS_IMAGE_ARITHMETIC;
    else if (is_kind_of_frame(marker) && marker != JPEG_DAC)
        return STATUS_IMAGE_LOSSLESS;
    else if (marker >= JPEG_APP0 && marker <= JPEG_APP15)
        application_data(jpeg, marker, segment);
    return STATUS_OK;
}

/* With an Adobe segment or JFIF's, that says which colours the components are; else their names do. */
static bool is_rgb(const struct jpeg *jpeg)
{
    const struct jpeg_component *components = jpeg->frame.components;
    if (jpeg->jfif || jpeg->adobe >= 0)
        return !jpeg->jfif && jpeg->adobe == 0;
    return components[0].id == 'R' && components[1].id == 'G' && components[2].id == 'B';
}

enum status jpeg_next_scan(struct jpeg *jpeg)
{
    for (;;) {
        const int marker = jpeg_next_marker(&jpeg->reader);
        if (marker == JPEG_END || marker == JPEG_EOI)
            return STATUS_IMAGE_TRUNCATED;
        if (marker == JPEG_SOI || (marker == JPEG_SOS && !jpeg->frame.count))
            return STATUS_IMAGE_CORRUPT;
        if (marker == JPEG_SOS) {
            jpeg->rgb = is_rgb(jpeg);
            return STATUS_OK;
        }
        if (!jpeg_has_segment(marker))
            continue;
        struct jpeg_segment segment;
        enum status status = jpeg_next_segment(&segment, &jpeg->reader);
        if (!status)
            status = read_segment(jpeg, marker, segment);
        if (status)
            return status;
    }
}
