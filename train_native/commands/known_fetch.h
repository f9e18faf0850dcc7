/* Published networks (known_models.h), fetched into a cache that lasts from one run to the next.
 *
 *     const struct known_model *known = known_model_named("mobilenet_v2");
 *     char *path = known_fetch(known);
 *     printf("%s\n", path);
 *     free(path); */
#ifndef KNOWN_FETCH_H
#define KNOWN_FETCH_H

#include "exchange/known_models.h"

/* Where files are kept from one run to the next: $XDG_CACHE_HOME/eyelet or ~/.cache/eyelet, with a name in it; made if
 * it is missing. The caller frees it. Ends the program if there is no such folder and none can be made. */
char *cache_path(const char *name);

/* The file, in the cache: fetched unless it is there and right. The caller frees the path. Any failure ends the
 * program. $EYELET_IMPORT_URL replaces the address, $EYELET_IMPORT_SHA256 the digest. */
char *known_fetch(const struct known_model *known);

#endif
