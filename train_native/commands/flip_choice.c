#include "commands/flip_choice.h"

#include "cli/json.h"
#include "cli/text.h"

static void print_choice(const struct train_options *o)
{
    const struct mirroring *found = &o->mirroring;
    const char *flip = flip_names[o->settings.augment.flip];
    if (o->json) {
        struct json json = json_begin(stdout);
        json_object(&json, NULL);
        json_text(&json, "flip", flip);
        json_int(&json, "images", found->images);
        json_int(&json, "right", found->right);
        json_int(&json, "right_mirrored", found->mirrored);
        json_close(&json);
        json_end(&json);
        return;
    }
    printf("--flip %s: mirror images %s (a simple classifier knows %s of ", flip,
           found->changes_meaning ? "mean something else" : "mean the same", format_thousands((uint64_t)found->right));
    printf("%s training images, ", format_thousands((uint64_t)found->images));
    printf("%s in the mirror)\n", format_thousands((uint64_t)found->mirrored));
}

void flip_choose(struct train_options *o, const struct subset *train, gemm_function *gemm)
{
    const bool augmented = !o->linear_probe || o->views > 1;
    if (o->flip_named || o->settings.augment.flip == FLIP_NONE || !augmented)
        return;
    o->mirroring = mirroring_measure(train, (uint64_t)o->seed, gemm);
    if (!o->mirroring.images)
        return;
    if (o->mirroring.changes_meaning)
        o->settings.augment.flip = FLIP_NONE;
    print_choice(o);
}
