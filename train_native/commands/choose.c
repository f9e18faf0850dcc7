#include "commands/choose.h"

#include "image/decode.h"
#include "base/bounds.h"
#include "data/photo_list.h"
#include "data/sandbox.h"
#include "cli/files.h"
#include "model/transfer.h"

#include <math.h>
#include <stdlib.h>

enum { LOOKED_AT = 101, USUAL_SIDE = 64, MIN_STEPS = 9 /* in an epoch */, MIN_BATCH = 100 };

/* A network that reads images of so many pixels has been trained on photos of all kinds of things: it keeps its size, and
 * a head on its features is trained in seconds, all of it in hours. */
enum { PHOTO_SIDE = 96, FINE_TUNE_EPOCHS = 8 };

/* ---- The images' size ---- */

struct sizes {
    const struct photo_list *list;
    int *sides; /* shared with the child */
};

static int looked_at(const struct photo_list *list) { return list->count < LOOKED_AT ? list->count : LOOKED_AT; }

/* The shorter side of one of the images, which are spread over the list; in a child, because they come from outside
 * (decode.h). */
static void look(void *context, int i, struct sandbox_child *child)
{
    (void)child;
    const struct sizes *sizes = context;
    const int index = (int)((int64_t)sizes->list->count * i / looked_at(sizes->list));
    size_t size;
    const char *reason;
    int width, height;
    uint8_t *bytes = read_file(&size, &reason, sizes->list->photos[index].path, LIMIT_IMAGE_BYTES);
    if (bytes && decode_size(&width, &height, bytes, size) == STATUS_OK)
        sizes->sides[i] = width < height ? width : height;
    free(bytes);
}

static int ascending(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The middle of the sides that could be read. */
static int usual_side(const struct photo_list *list)
{
    const int count = looked_at(list);
    struct sizes sizes = {list, shared_memory((size_t)count, sizeof(int))};
    sandbox_run(&(struct sandbox){.count = count, .children = 1, .context = &sizes, .work = look});
    qsort(sizes.sides, (size_t)count, sizeof(int), ascending);
    int unread = 0;
    while (unread < count && !sizes.sides[unread])
        unread++;
    const int side = unread < count ? sizes.sides[unread + (count - unread) / 2] : USUAL_SIDE;
    shared_memory_free(sizes.sides, (size_t)count, sizeof(int));
    return side;
}

/* ---- The choice ---- */

static int clamp(int value, int min, int max) { return value < min ? min : value > max ? max : value; }

/* How much slower head and biases learn with few classes. The curvature of a softmax's cross-entropy is 1 / classes where
 * it starts, from like scores: with two classes twenty times that of forty, so that steps as long as theirs overshoot
 * further each time. At twenty classes half of the rates is as good as all (78.4 and 78.1 % of 2,000 photos that were set
 * aside of photos-20's, 150 a class trained on). */
static float few_classes(int classes)
{
    const int many = 40;
    return classes < many ? (float)classes / (float)many : 1;
}

/* From a trained model: what is trained of it, and at which size it reads images. */
static void start_from(struct choice *choice, const struct transfer_kind *kind, int fine_tune)
{
    struct recipe *recipe = &choice->recipe;
    *recipe = *recipe_named(kind->muon && !fine_tune ? "finetune-muon" : "finetune");
    if (recipe->settings.optimizer.kind == OPTIMIZER_MUON) {
        recipe->settings.optimizer.dense_learning_rate *= few_classes(choice->classes);
        recipe->settings.optimizer.bias_learning_rate *= few_classes(choice->classes);
    }
    choice->probe = !kind->muon && !fine_tune && kind->side >= PHOTO_SIDE;
    if (fine_tune)
        recipe->settings.epochs = FINE_TUNE_EPOCHS; /* its head has been trained */
    if (kind->any_size && kind->side < PHOTO_SIDE && 2 * choice->side >= 3 * kind->side)
        recipe->size = kind->side * 3 / 2; /* more details, at a size of things that the model still knows */
}

struct choice choose_recipe(const struct dataset *dataset, const char *from, int fine_tune, float use)
{
    const struct photo_list *list = dataset->photos;
    int images = list ? 0 : dataset->count;
    for (int i = 0; list && i < list->count; i++)
        images += list->photos[i].part == PHOTO_TRAIN || list->photos[i].part == PHOTO_OPEN;
    const bool measured = images >= 20 * dataset->classes; /* else too few, and all are needed to train with */
    images = (int)lround((double)use * images);
    const int side = list                                  ? usual_side(list)
                     : dataset->shape.h < dataset->shape.w ? dataset->shape.h
                                                           : dataset->shape.w;

    struct transfer_kind kind = {0};
    struct failure failure;
    if (from && !transfer_kind(&kind, from, &failure))
        die_of(&failure);
    struct choice choice = {*recipe_named("photos"), images, dataset->classes, side, false};
    struct recipe *recipe = &choice.recipe;
    if (from)
        start_from(&choice, &kind, fine_tune);
    else
        recipe->size = side <= 80 ? 64 : 96; /* small ones are enlarged, for the network halves them at once */
    /* The recipes' epochs are for 5,000 images; few are seen more often, but not as often as would make up for their
     * number. */
    const int own = recipe->settings.epochs, batch = recipe->settings.batch;
    recipe->settings.epochs = clamp((int)lround(own * sqrt(5000.0 / (images > 0 ? images : 1))), own / 4, own * 5);
    recipe->settings.batch = clamp(images / MIN_STEPS, batch < MIN_BATCH ? batch : MIN_BATCH, batch);
    if (!measured)
        recipe->validation = 0;
    return choice;
}
