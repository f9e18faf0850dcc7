/* Networks that a preset or a file describes: the half of network.h that knows where texts come from. */
#include "model/network.h"

#include "cli/files.h"
#include "model/recipes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

const char *network_presets(void)
{
    static char list[256];
    list[0] = 0;
    for (int i = 0; i < recipe_count; i++)
        if (recipes[i].network)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", recipes[i].name);
    return list;
}

bool network_read(struct net *net, const char *name_or_path, int size, int classes, struct failure *failure)
{
    const struct recipe *recipe = recipe_named(name_or_path);
    if (recipe && recipe->network)
        return network_parse(net, recipe->network, name_or_path, size, classes, failure);
    size_t bytes;
    const char *reason;
    char hint[400];
    snprintf(hint, sizeof hint, "A network is a preset (%s) or the path of a text file.", network_presets());
    char *text = (char *)read_file(&bytes, &reason, name_or_path, TEXT_MAX);
    if (!text)
        return failure_set(failure, name_or_path, hint, "no such preset, and as a file: %s", reason);
    const bool read = strlen(text) == bytes ? network_parse(net, text, name_or_path, size, classes, failure)
                                            : failure_set(failure, name_or_path, hint, "this is not a text file");
    free(text);
    return read;
}
