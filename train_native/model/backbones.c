#include "model/backbones.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "model/model_file.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For one image; 0 of what is no model. */
static uint64_t multiply_adds(const char *path)
{
    struct model *model = allocate(1, sizeof *model);
    struct failure failure;
    size_t size;
    uint64_t sum = 0;
    uint8_t *bytes = model_file_load(model, &size, path, &failure);
    for (int i = 0; bytes && i < model->net.node_count; i++)
        sum += net_multiply_adds(&model->net, i);
    if (!bytes)
        warn(failure.subject, NULL, "no start for training: %s", failure.reason);
    free(bytes);
    free(model);
    return sum;
}

static bool is_model(const char *name)
{
    const char *ending = strrchr(name, '.');
    return name[0] != '.' && ending && strcmp(ending, ".eyelet") == 0;
}

/* Takes the folder's name over. The first by name, of equal ones. */
static char *strongest(char *folder)
{
    DIR *listing = folder ? opendir(folder) : NULL;
    char *best = NULL;
    uint64_t most = 0;
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        if (!is_model(entry->d_name))
            continue;
        char *path = path_join(folder, entry->d_name);
        const uint64_t sum = multiply_adds(path);
        if (sum > most || (sum == most && best && strcmp(path, best) < 0)) {
            free(best);
            best = path;
            most = sum;
        } else {
            free(path);
        }
    }
    if (listing)
        closedir(listing);
    free(folder);
    return best;
}

static char *cache_folder(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    return cache && *cache == '/' ? path_join(cache, "eyelet") /* others are not to be used, says its specification */
           : home && *home        ? path_join(home, ".cache/eyelet")
                                  : NULL;
}

/* Beside the program: `up` folders above it, then down again. */
static char *shipped_folder(int up, const char *down)
{
    char program[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return NULL;
    program[length] = 0;
    for (int i = 0; i <= up; i++) {
        char *slash = strrchr(program, '/');
        if (!slash)
            return NULL;
        *slash = 0;
    }
    return path_join(program, down);
}

char *backbones_find(void)
{
    const char *named = getenv("EYELET_BACKBONES");
    if (named)
        return *named ? strongest(text_copy(named)) : NULL;
    char *found = strongest(cache_folder());
    if (!found)
        found = strongest(shipped_folder(1, "share/eyelet"));
    for (int up = 1; !found && up <= 2; up++) /* build/eyelet, build/x86-64-v3/eyelet */
        found = strongest(shipped_folder(up, "web/models"));
    return found;
}
