/* What a TFLite file says beside its graph: how pictures come in, by the input's quantisation or by its metadata, and the
 * labels, which stand in a zip behind the graph. Fields are numbered as in tflite-support's metadata_schema.fbs. */
#include "exchange/tflite_parts.h"

#include "cli/list.h"
#include "exchange/import_labels.h"
#include "exchange/package.h"
#include "exchange/package_zip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NORMALIZATION_OPTIONS = 1, TENSOR_AXIS_LABELS = 2 };

/* The metadata, a FlatBuffer within the file's; false: it has none. */
static bool open_metadata(struct flatbuffer *metadata, struct tflite_model *model)
{
    struct flatbuffer *buffer = &model->buffer;
    const struct flatbuffer_vector entries = flatbuffer_vector(buffer, model->root, 6, FLATBUFFER_OFFSET);
    const struct flatbuffer_vector buffers = flatbuffer_vector(buffer, model->root, 4, FLATBUFFER_OFFSET);
    for (size_t i = 0; i < entries.count; i++) {
        char name[32];
        const flatbuffer_table entry = flatbuffer_item_table(buffer, &entries, i);
        const int64_t index = flatbuffer_int(buffer, entry, 1, FLATBUFFER_UINT32, 0);
        tflite_text(name, sizeof name, buffer, entry, 0);
        if (strcmp(name, "TFLITE_METADATA") || (uint64_t)index >= buffers.count)
            continue;
        const flatbuffer_table data = flatbuffer_item_table(buffer, &buffers, (size_t)index);
        const struct flatbuffer_vector bytes = flatbuffer_vector(buffer, data, 0, FLATBUFFER_UINT8);
        *metadata = flatbuffer_open(bytes.items, bytes.count, "M001");
        return true;
    }
    return false;
}

/* The first table of a list in a field; 0: there is none. */
static flatbuffer_table first_of(struct flatbuffer *buffer, flatbuffer_table table, int field)
{
    const struct flatbuffer_vector list = flatbuffer_vector(buffer, table, field, FLATBUFFER_OFFSET);
    return list.count ? flatbuffer_item_table(buffer, &list, 0) : 0;
}

/* ---- Preprocessing ---- */

/* The network reads (byte - mean) / std. */
static void set_preprocess(struct imported *imported, int channel, double mean, double std, const char *from)
{
    imported->has_preprocess = true;
    imported->preprocess.resize_mode = RESIZE_CROP;
    imported->preprocess.filter = FILTER_BILINEAR;
    imported->preprocess.mean[channel] = (float)(mean / 255);
    imported->preprocess.std[channel] = (float)(std / 255);
    snprintf(imported->preprocess_from, sizeof imported->preprocess_from, "%s", from);
}

/* (x - mean) / std of each channel, or of all. False: there is no such thing. */
static bool normalisation(struct imported *imported, struct flatbuffer *metadata, flatbuffer_table tensor)
{
    const struct flatbuffer_vector units = flatbuffer_vector(metadata, tensor, 4, FLATBUFFER_OFFSET);
    for (size_t i = 0; i < units.count; i++) {
        const flatbuffer_table unit = flatbuffer_item_table(metadata, &units, i);
        if (flatbuffer_int(metadata, unit, 0, FLATBUFFER_UINT8, 0) != NORMALIZATION_OPTIONS)
            continue;
        const flatbuffer_table options = flatbuffer_table_in(metadata, unit, 1);
        const struct flatbuffer_vector mean = flatbuffer_vector(metadata, options, 0, FLATBUFFER_FLOAT);
        const struct flatbuffer_vector std = flatbuffer_vector(metadata, options, 1, FLATBUFFER_FLOAT);
        for (size_t c = 0; c < 3 && mean.count && std.count; c++) {
            const float of_mean = flatbuffer_item_float(&mean, c < mean.count ? c : 0);
            const float of_std = flatbuffer_item_float(&std, c < std.count ? c : 0);
            if (!isfinite(of_mean) || !isfinite(of_std) || of_std <= 0)
                return false;
            set_preprocess(imported, (int)c, (double)of_mean, (double)of_std, "the file's metadata");
        }
        return imported->has_preprocess;
    }
    return false;
}

/* Quantised inputs take the bytes of a picture, int8 ones less 128, for (q - zero point) * scale. */
static void quantisation(struct imported *imported, const struct tflite_tensor *input)
{
    struct tflite_range range;
    if (input->type != TFLITE_UINT8 && input->type != TFLITE_INT8)
        return;
    const bool scaled = tflite_range(&range, input);
    const double offset = input->type == TFLITE_INT8 ? 128 : 0;
    for (int c = 0; c < 3; c++)
        set_preprocess(imported, c, offset + (scaled ? range.zero_point : 0), scaled ? 1 / (double)range.scale : 1,
                       scaled ? "the input's quantization" : "the input's type, bytes");
}

/* ---- Labels ---- */

/* The name of the file with labels of the output, "" where there is none. */
static void label_file(char *name, size_t size, struct flatbuffer *metadata, flatbuffer_table subgraph)
{
    const flatbuffer_table tensor = first_of(metadata, subgraph, 3);
    const struct flatbuffer_vector files = flatbuffer_vector(metadata, tensor, 6, FLATBUFFER_OFFSET);
    name[0] = 0;
    for (size_t i = 0; i < files.count && !name[0]; i++) {
        const flatbuffer_table file = flatbuffer_item_table(metadata, &files, i);
        if (flatbuffer_int(metadata, file, 2, FLATBUFFER_INT8, 0) == TENSOR_AXIS_LABELS)
            tflite_text(name, size, metadata, file, 0);
    }
}

static bool labels_of_zip(struct imported *imported, const struct package *package, const uint8_t *bytes, size_t size,
                          const char *name, struct failure *failure)
{
    struct package_zip *zip = package_zip_open(bytes, size, package_path(package), failure);
    size_t length;
    uint8_t *text = zip ? package_zip_file(&length, zip, name, failure) : NULL;
    struct text_list list = {0};
    const bool read = text && import_labels_parse(&list, text, length, name, failure);
    const int classes = net_classes(&imported->network.net), count = list.count;
    imported->labels = read ? import_labels_fitted(&list, classes) : NULL;
    if (imported->labels)
        snprintf(imported->labels_from, sizeof imported->labels_from, "%.80s", name);
    else
        snprintf(imported->labels_from, sizeof imported->labels_from, "%.40s has %d labels for %d classes", name, count,
                 classes);
    text_list_free(&list);
    free(text);
    package_zip_close(zip);
    return read;
}

bool tflite_read_metadata(struct imported *imported, struct tflite_model *model, const struct package *package,
                          struct failure *failure)
{
    const struct flatbuffer_vector inputs = flatbuffer_vector(&model->buffer, model->subgraph, 1, FLATBUFFER_INT32);
    const struct tflite_tensor *input = &model->tensors[flatbuffer_item_int(&inputs, FLATBUFFER_INT32, 0)];
    struct flatbuffer metadata;
    char labels[TFLITE_NAME] = "";
    if (open_metadata(&metadata, model)) {
        const flatbuffer_table root = flatbuffer_root(&metadata), subgraph = first_of(&metadata, root, 3);
        tflite_text(imported->name, sizeof imported->name, &metadata, root, 0);
        normalisation(imported, &metadata, first_of(&metadata, subgraph, 2));
        label_file(labels, sizeof labels, &metadata, subgraph);
        if (metadata.broken)
            return failure_set(failure, package_path(package), NULL, "its metadata, byte %zu: %s", metadata.broken_at,
                               metadata.broken);
    }
    quantisation(imported, input); /* more exact than metadata, which say the same for all kinds of weights */
    return !labels[0] || labels_of_zip(imported, package, model->buffer.bytes, model->buffer.size, labels, failure);
}
