/* metadata.json, which Teachable Machine writes beside its models: labels, the side of the image, what wrote it.
 *
 *     struct tfjs_metadata metadata;
 *     if (!tfjs_metadata_read(&metadata, package, &failure))
 *         die_of(&failure);
 *     if (metadata.is_teachable_machine)
 *         printf("%d classes, images of %d pixels\n", metadata.label_count, metadata.side);
 *     tfjs_metadata_free(&metadata); */
#ifndef TFJS_METADATA_H
#define TFJS_METADATA_H

#include "exchange/package.h"

#include <cjson/cJSON.h>

struct tfjs_metadata {
    cJSON *tree;        /* NULL: there is no such file; owned, the texts below are in it */
    const cJSON *label; /* the first of `labels`, or NULL */
    int label_count, side /* 0: not said */;
    const char *name, *package, *package_version, *tfjs_version; /* NULL: not said */
    bool is_teachable_machine;
};

/* Without a file that is nothing. False with the failure: it cannot be read, or is that of no model of images. */
bool tfjs_metadata_read(struct tfjs_metadata *metadata, const struct package *package, struct failure *failure);
void tfjs_metadata_free(struct tfjs_metadata *metadata);

#endif
