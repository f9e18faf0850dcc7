#include "commands/label_list.h"

#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "exchange/import_labels.h"
#include "model/model_file.h"
#include "net/model_fields.h"

#include <stdlib.h>
#include <string.h>

struct label_list label_list_of(const struct model *model)
{
    struct label_list labels = {.count = net_classes(&model->net)};
    labels.texts = allocate((size_t)labels.count, sizeof *labels.texts);
    for (int i = 0; i < labels.count; i++)
        labels.texts[i] = model_file_label(model, i);
    return labels;
}

void label_list_free(struct label_list *labels)
{
    for (int i = 0; i < labels->count; i++)
        free(labels->texts[i]);
    free(labels->texts);
}

static bool is_model(const char *path)
{
    uint8_t start[MODEL_PREFIX_BYTES];
    const char *reason;
    const size_t magic = 8;
    return read_file_start(start, magic, path, &reason) == magic && memcmp(start, model_prefix, magic) == 0;
}

static bool read_model(struct label_list *labels, const char *path, struct failure *failure)
{
    size_t size;
    struct model *model = allocate(1, sizeof *model);
    uint8_t *bytes = model_file_load(model, &size, path, failure);
    if (bytes)
        *labels = label_list_of(model);
    free(bytes);
    free(model);
    return bytes;
}

static bool read_text(struct label_list *labels, const char *path, struct failure *failure)
{
    struct text_list list = {0};
    if (!import_labels_read(&list, path, failure))
        return false;
    const int count = list.count;
    *labels = (struct label_list){import_labels_fitted(&list, count), count};
    return true;
}

bool label_list_read(struct label_list *labels, const char *path, struct failure *failure)
{
    if (!(is_model(path) ? read_model : read_text)(labels, path, failure))
        return false;
    if (labels->count < 2 || labels->count > LIMIT_CHANNELS)
        return failure_set(failure, path, "A classifier has two classes or more.", "it has %d label%s", labels->count,
                           labels->count == 1 ? "" : "s");
    for (int i = 0; i < labels->count; i++)
        for (int k = 0; k < i; k++)
            if (strcmp(labels->texts[i], labels->texts[k]) == 0)
                return failure_set(failure, path, "Leave one out.", "it has the label \"%s\" twice", labels->texts[i]);
    return true;
}
