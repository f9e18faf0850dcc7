#include "support/jpeg_files.h"

#include "image/decode.h"
#include "support/golden_model.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

struct jpeg_file jpeg_file(int i)
{
    const struct jpeg_file file = {test_bytes(golden_jpegs[i].size), golden_jpegs[i].size};
    memcpy(file.bytes, golden_jpegs[i].bytes, file.size);
    return file;
}

struct jpeg_file jpeg_spliced(struct jpeg_file file, size_t at, size_t removed, const void *bytes, size_t count)
{
    const struct jpeg_file changed = {test_bytes(file.size - removed + count), file.size - removed + count};
    memcpy(changed.bytes, file.bytes, at);
    memcpy(changed.bytes + at, bytes, count);
    memcpy(changed.bytes + at + count, file.bytes + at + removed, file.size - at - removed);
    return changed;
}

void jpeg_append(struct jpeg_file *file, const void *bytes, size_t count)
{
    memcpy(file->bytes + file->size, bytes, count);
    file->size += count;
}

size_t jpeg_segment_size(struct jpeg_file file, size_t at)
{
    return 2 + (size_t)(file.bytes[at + 2] << 8 | file.bytes[at + 3]);
}

size_t jpeg_segment_of(struct jpeg_file file, int marker)
{
    size_t at = 2;
    while (file.bytes[at + 1] != marker && file.bytes[at + 1] != SOS)
        at += jpeg_segment_size(file, at);
    CHECK_EQUAL(file.bytes[at + 1], marker);
    return at;
}

struct jpeg_file jpeg_without(struct jpeg_file file, int marker)
{
    for (size_t at = 2; file.bytes[at + 1] != SOS;)
        if (file.bytes[at + 1] == marker)
            file = jpeg_spliced(file, at, jpeg_segment_size(file, at), "", 0);
        else
            at += jpeg_segment_size(file, at);
    return file;
}

uint32_t jpeg_pixels(struct jpeg_file file, enum status expected)
{
    struct picture picture = {0};
    CHECK_EQUAL(decode_picture(&picture, file.bytes, file.size), expected);
    const size_t size = (size_t)picture.width * (size_t)picture.height * 4;
    const uint32_t crc = picture.rgba ? golden_crc32(picture.rgba, size) : 0;
    free(picture.rgba);
    return crc;
}
