#include "exchange/importer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct importer *importer_for(const struct package *package, struct failure *failure)
{
    char names[200] = "";
    for (int i = 0; importers[i]; i++) {
        if (importers[i]->recognises(package))
            return importers[i];
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", importers[i]->name);
    }
    failure_set(failure, package_path(package), "A folder needs its model.json, a zip the same.",
                "this is no model of a format that is known: %s", names);
    failure_key(failure, "NO_MODEL", "%s", package_path(package));
    return NULL;
}

void imported_free(struct imported *imported)
{
    const struct net *net = &imported->network.net;
    for (int i = 0; imported->labels && i < net_classes(net); i++)
        free(imported->labels[i]);
    free(imported->labels);
    free(imported->network.parameters);
    *imported = (struct imported){0};
}
