#include "commands/known_fetch.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/text.h"
#include "data/download.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void make_folder(const char *path)
{
    if (mkdir(path, 0777) && errno != EEXIST)
        die(path, "Name another folder in XDG_CACHE_HOME.", "the folder for fetched files cannot be made: %s",
            strerror(errno));
}

char *cache_path(const char *name)
{
    const char *given = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if ((!given || !*given) && (!home || !*home))
        die(NULL, "Name a folder in XDG_CACHE_HOME.", "there is no home folder to keep fetched files in");
    char *parent = given && *given ? text_copy(given) : path_join(home, ".cache");
    char *folder = path_join(parent, "eyelet"), *path = path_join(folder, name);
    make_folder(parent);
    make_folder(folder);
    free(parent);
    free(folder);
    return path;
}

static const char *or_environment(const char *usual, const char *variable)
{
    const char *given = getenv(variable);
    return given && *given ? given : usual;
}

char *known_fetch(const struct known_model *known)
{
    char *name = text_format("%s.onnx", known->name), *path = cache_path(name), sum[DOWNLOAD_SUM];
    const struct download download = {path, or_environment(known->url, "EYELET_IMPORT_URL"),
                                      or_environment(known->sha256, "EYELET_IMPORT_SHA256"), "the network"};
    struct stat about;
    if (lstat(path, &about))
        download_file(&download);
    else if (!download_is_right(sum, &download))
        die(path, "It is left as it is. Move it away, and the network is fetched.",
            "this is not the official file: its SHA-256 is %s, not %s", sum, download.sum);
    free(name);
    return path;
}
