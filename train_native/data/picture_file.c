#include "data/picture_file.h"

#include "base/bounds.h"
#include "cli/files.h"
#include "cli/text.h"
#include "image/decode_bytes.h"

#include <stdlib.h>

const char *picture_file_status_text(enum status status)
{
    return status == STATUS_MEMORY ? "there is not enough memory for it: close other programs, or lower --threads"
                                   : eyelet_status_text(status);
}

static void set_reason(struct picture_file *file, const char *reason)
{
    snprintf(file->reason, sizeof file->reason, "%s", reason);
}

static void decode(struct picture_file *file, struct sandbox_child *child, const uint8_t *bytes, size_t size)
{
    enum { MIB = 1 << 20 };
    int width, height;
    enum status status = decode_size(&width, &height, bytes, size);
    const uint64_t needed = status ? 0 : size + decode_bytes(width, height, bytes, size);
    if (!status && !sandbox_admit(child, needed)) {
        snprintf(file->reason, sizeof file->reason,
                 "needs %s MiB of memory and may take %s: see --memory, or scale it down",
                 format_thousands((needed + MIB - 1) / MIB), format_thousands(child->memory / MIB));
        return;
    }
    if (!status)
        status = decode_picture(&file->picture, bytes, size);
    if (status)
        set_reason(file, picture_file_status_text(status));
}

bool picture_file_read(struct picture_file *file, struct sandbox_child *child, const char *path)
{
    size_t size;
    const char *reason = NULL;
    *file = (struct picture_file){.reason = ""};
    uint8_t *bytes = read_file(&size, &reason, path, LIMIT_IMAGE_BYTES);
    if (!bytes)
        set_reason(file, reason);
    else if (!size)
        set_reason(file, "the file is empty");
    else
        decode(file, child, bytes, size);
    free(bytes);
    return !*file->reason;
}
