#include "exchange/tfjs_metadata.h"

#include "base/bounds.h"
#include "exchange/json_tree.h"

#include <string.h>

static const char file_name[] = "metadata.json";

/* The projects of sounds and poses that Teachable Machine has, too. */
static bool is_of_images(const struct tfjs_metadata *metadata, const char *path, struct failure *failure)
{
    static const char hint[] = "Eyelet classifies images: export an image project.";
    if (json_tree_member(metadata->tree, "wordLabels"))
        return failure_set(failure, path, hint, "is Teachable Machine's model of sounds") ||
               failure_key(failure, "SOUNDS", "%s", path);
    if (metadata->package && strstr(metadata->package, "/pose"))
        return failure_set(failure, path, hint, "is Teachable Machine's model of poses, which begins with PoseNet") ||
               failure_key(failure, "POSES", "%s", path);
    return true;
}

bool tfjs_metadata_read(struct tfjs_metadata *metadata, const struct package *package, struct failure *failure)
{
    size_t size;
    *metadata = (struct tfjs_metadata){0};
    if (!package_has(package, file_name))
        return true;
    const uint8_t *bytes = package_file(&size, package, file_name, failure);
    if (!bytes || !(metadata->tree = json_tree_parse(bytes, size, file_name, failure)))
        return false;
    const cJSON *labels = json_tree_array(json_tree_member(metadata->tree, "labels"));
    metadata->label = labels ? labels->child : NULL;
    metadata->label_count = json_tree_count(labels);
    if (!json_tree_int(&metadata->side, json_tree_member(metadata->tree, "imageSize")) || metadata->side < 1 ||
        metadata->side > LIMIT_SIDE)
        metadata->side = 0;
    metadata->name = json_tree_text(json_tree_member(metadata->tree, "modelName"));
    metadata->package = json_tree_text(json_tree_member(metadata->tree, "packageName"));
    metadata->package_version = json_tree_text(json_tree_member(metadata->tree, "packageVersion"));
    metadata->tfjs_version = json_tree_text(json_tree_member(metadata->tree, "tfjsVersion"));
    metadata->is_teachable_machine = (metadata->package && strstr(metadata->package, "teachablemachine")) ||
                                     json_tree_member(metadata->tree, "tmVersion");
    if (is_of_images(metadata, package_path(package), failure))
        return true;
    tfjs_metadata_free(metadata);
    return false;
}

void tfjs_metadata_free(struct tfjs_metadata *metadata)
{
    cJSON_Delete(metadata->tree);
    *metadata = (struct tfjs_metadata){0};
}
