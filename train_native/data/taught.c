#include "data/taught.h"

#include "base/bounds.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "net/model.h"

#include <stdlib.h>

/* The classes that have pictures, in the model's order; of each picture its class among them. */
static void read_classes(struct taught *taught, const struct model *model)
{
    const int classes = net_classes(&model->net);
    int *index = allocate((size_t)classes, sizeof *index); /* 1 and more: of a class with pictures */
    for (int i = 0; i < taught->count; i++)
        index[model_example_class(model, i)] = 1;
    taught->labels = allocate((size_t)classes, sizeof *taught->labels);
    for (int k = 0; k < classes; k++) {
        if (!index[k])
            continue;
        int length;
        const char *label = model_label(&length, model, k);
        taught->labels[taught->label_count] = text_copy_bytes(label, (size_t)length);
        index[k] = ++taught->label_count;
    }
    taught->classes = allocate((size_t)taught->count, sizeof *taught->classes);
    for (int i = 0; i < taught->count; i++)
        taught->classes[i] = index[model_example_class(model, i)] - 1;
    free(index);
}

struct taught *taught_open(const char *path)
{
    const char *reason;
    size_t size;
    uint8_t *bytes = read_file(&size, &reason, path, LIMIT_MODEL_BYTES);
    struct model *model = allocate(1, sizeof *model);
    struct taught *taught = NULL;
    if (bytes && !model_read(model, bytes, size) && model->examples.count && model->examples.thumbnail_side) {
        taught = allocate(1, sizeof *taught);
        *taught = (struct taught){.path = text_copy(path),
                                  .count = model->examples.count,
                                  .side = model->examples.thumbnail_side,
                                  .pixels = model->examples.thumbnails,
                                  .bytes = bytes};
        read_classes(taught, model);
        taught->names = allocate((size_t)taught->count, sizeof *taught->names);
        for (int i = 0; i < taught->count; i++)
            taught->names[i] = text_format("%s: picture %d", path, i + 1);
    } else {
        free(bytes);
    }
    free(model);
    return taught;
}

void taught_free(struct taught *taught)
{
    if (!taught)
        return;
    for (int i = 0; i < taught->count; i++)
        free(taught->names[i]);
    for (int i = 0; i < taught->label_count; i++)
        free(taught->labels[i]);
    free(taught->names);
    free(taught->labels);
    free(taught->classes);
    free(taught->path);
    free(taught->bytes);
    free(taught);
}
