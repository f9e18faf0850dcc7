#include "data/pixels.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/text.h"
#include "data/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t *pixels_new(size_t *mapped, size_t bytes, size_t budget)
{
    *mapped = bytes + 1;
    if (bytes <= budget)
        return shared_memory(bytes, 1);
    const char *folder = getenv("TMPDIR"); /* not /tmp, which is often memory */
    char *name = path_join(folder && *folder ? folder : "/var/tmp", "eyelet-XXXXXX");
    const int file = mkstemp(name);
    if (file >= 0)
        unlink(name);
    *strrchr(name, '/') = 0; /* from here on the folder, for messages */
    if (file < 0)
        die(name, "Name another folder in TMPDIR, or let more memory be used with --memory.",
            "no file can be made here: %s", strerror(errno));
    const int error =
        posix_fallocate(file, 0, (off_t)*mapped); /* or a full disk would be noticed when a page is written */
    uint8_t *pixels = error ? MAP_FAILED : mmap(NULL, *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (pixels == MAP_FAILED)
        die(name, "Name another folder in TMPDIR, or let more memory be used with --memory.",
            "no room for %s bytes of pixels: %s", format_thousands(bytes), strerror(error ? error : errno));
    close(file);
    free(name);
    return pixels;
}

void pixels_free(uint8_t *pixels, size_t mapped)
{
    if (pixels)
        munmap(pixels, mapped);
}
