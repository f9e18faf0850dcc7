#include "picture_file.h"

#include "limits.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HEAD_BYTES = 64 }; /* before the pixels, which start aligned */

/* What the child tells its parent, in memory that both see, before the pixels. */
struct answer {
    int width, height;
    enum status status;
};

static size_t shared_bytes(int width, int height)
{
    return HEAD_BYTES + (size_t)width * (size_t)height * 4;
}

_Noreturn static void decode_child(struct answer *answer, const uint8_t *bytes, size_t size, int stored_pixels)
{
    const struct rlimit none = {0, 0}, time = {60, 60};
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_CPU, &time);
    struct picture picture;
    answer->status = decode_picture(&picture, bytes, size);
    if (!answer->status && picture.width * picture.height != stored_pixels)
        answer->status = STATUS_IMAGE_CORRUPT;
    if (!answer->status) {
        answer->width = picture.width;
        answer->height = picture.height;
        memcpy((uint8_t *)answer + HEAD_BYTES, picture.rgba, (size_t)stored_pixels * 4);
    }
    _exit(0);
}

bool picture_open(struct picture *picture, const char **reason, const char *path)
{
    size_t size;
    int width, height;
    memset(picture, 0, sizeof *picture);
    uint8_t *bytes = read_file(&size, reason, path, LIMIT_IMAGE_BYTES);
    if (!bytes)
        return false;
    enum status status = size ? decode_size(&width, &height, bytes, size) : STATUS_IMAGE_FORMAT;
    if (!status) {
        const size_t shared = shared_bytes(width, height);
        struct answer *answer = mmap(NULL, shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (answer == MAP_FAILED)
            fail(path, NULL, "%s", strerror(errno));
        answer->status = STATUS_IMAGE_CORRUPT; /* what stands if the child is stopped */
        fflush(NULL);
        const pid_t child = fork();
        if (child < 0)
            fail(path, NULL, "cannot start a process to decode it in: %s", strerror(errno));
        if (child == 0)
            decode_child(answer, bytes, size, width * height);
        int ended;
        while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
            ;
        status = answer->status;
        *picture = (struct picture){answer->width, answer->height, (uint8_t *)answer + HEAD_BYTES};
        if (status) {
            munmap(answer, shared);
            picture->rgba = NULL;
        }
    }
    free(bytes);
    *reason = size ? status_text(status) : "the file is empty";
    return status == STATUS_OK;
}

void picture_release(struct picture *picture)
{
    if (picture->rgba)
        munmap(picture->rgba - HEAD_BYTES, shared_bytes(picture->width, picture->height));
    picture->rgba = NULL;
}
