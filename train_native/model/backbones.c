#include "model/backbones.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "model/model_file.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of a folder. */
struct backbone {
    char *path;
    int classes;            /* 0: it is no model, and has been named */
    uint64_t multiply_adds; /* for one image */
};

static struct backbone measured(char *path)
{
    struct backbone backbone = {path, 0, 0};
    struct model *model = allocate(1, sizeof *model);
    struct failure failure;
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, path, &failure);
    if (bytes)
        backbone.classes = net_classes(&model->net);
    else
        warn(failure.subject, NULL, "no start for training: %s", failure.reason);
    for (int i = 0; bytes && i < model->net.node_count; i++)
        backbone.multiply_adds += net_multiply_adds(&model->net, i);
    free(bytes);
    free(model);
    return backbone;
}

static bool is_model(const char *name)
{
    const char *ending = strrchr(name, '.');
    return name[0] != '.' && ending && strcmp(ending, ".eyelet") == 0;
}

/* The first by name, of equal ones. */
static bool is_better(const struct backbone *one, const struct backbone *other)
{
    return one->multiply_adds != other->multiply_adds ? one->multiply_adds > other->multiply_adds
                                                      : strcmp(one->path, other->path) < 0;
}

/* Of several models; NULL: of none. */
static const struct backbone *best_of(const struct backbone *models, int count)
{
    const struct backbone *best = NULL;
    int max_classes = 0;
    for (int i = 0; i < count; i++)
        max_classes = models[i].classes > max_classes ? models[i].classes : max_classes;
    for (int i = 0; i < count; i++)
        if (models[i].classes && 2 * models[i].classes >= max_classes && (!best || is_better(&models[i], best)))
            best = &models[i];
    return best;
}

/* Takes the folder's name over. */
static char *strongest(char *folder)
{
    DIR *listing = folder ? opendir(folder) : NULL;
    struct backbone *models = NULL;
    int count = 0;
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        if (is_model(entry->d_name))
            LIST_ADD(models, count, measured(path_join(folder, entry->d_name)));
    const struct backbone *best = best_of(models, count);
    char *path = best ? text_copy(best->path) : NULL;
    for (int i = 0; i < count; i++)
        free(models[i].path);
    free(models);
    if (listing)
        closedir(listing);
    free(folder);
    return path;
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
