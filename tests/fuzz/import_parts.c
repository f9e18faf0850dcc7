#include "fuzz/import_parts.h"

#include "exchange/import_labels.h"
#include "exchange/import_preprocess.h"
#include "model/model_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARAMETERS = 1 << 16, MAX_FILES = 16 }; /* of what is written; files in a folder */

/* ---- What was read ---- */

static bool are_finite(const float *values, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite = finite && isfinite(values[i]);
    return finite;
}

/* The labels as a model has them, which the caller frees: a byte of length, then the text. */
static uint8_t *packed(char **labels, int classes)
{
    uint8_t *bytes = malloc((size_t)classes * 256), *p = bytes;
    import_labels_clean(labels, classes);
    for (int i = 0; i < classes; i++) {
        const size_t length = strlen(labels[i]);
        fuzz_require(length <= LIMIT_LABEL);
        *p++ = (uint8_t)length;
        memcpy(p, labels[i], length);
        p += length;
    }
    return bytes;
}

/* As import_model.c chooses it, but for what depends on options. */
static bool choose_preprocess(struct preprocess *preprocess, const struct imported *imported)
{
    const struct graph_result *network = &imported->network;
    struct failure failure;
    char text[IMPORT_PREPROCESS_TEXT];
    *preprocess = imported->preprocess;
    if (!imported->has_preprocess)
        fuzz_require(import_preprocess_parse(preprocess, "unit", network->net.input, &failure));
    if (network->has_front &&
        !import_preprocess_front(preprocess, network->front_scale, network->front_shift, network->net.input.c))
        return false;
    import_preprocess_text(text, preprocess, network->net.input);
    return !import_preprocess_fault(preprocess, network->net.input);
}

/* Whatever a reader takes can be written and read back; weights that are not finite cannot, which is said there. */
static void write_model(struct imported *imported)
{
    static struct model model, again;
    const struct net *net = &imported->network.net;
    const int classes = net_classes(net);
    const uint64_t count = net_parameter_count(net);
    struct failure failure;
    size_t size;
    model = (struct model){.net = *net, .temperature = imported->network.temperature, .notes = ""};
    fuzz_require(net_check(&model.net, NULL) == STATUS_OK);
    if (count > MAX_PARAMETERS || !choose_preprocess(&model.preprocess, imported))
        return;
    char **numbered = imported->labels ? NULL : import_labels_numbered(classes);
    uint8_t *labels = packed(numbered ? numbered : imported->labels, classes);
    model.labels = labels;
    uint8_t *bytes = model_file_written(&size, &model, imported->network.parameters, &failure);
    fuzz_require(bytes || !are_finite(imported->network.parameters, (size_t)count));
    if (bytes)
        fuzz_require(model_read(&again, bytes, size) == STATUS_OK && net_classes(&again.net) == classes);
    free(bytes);
    free(labels);
    import_labels_free(numbered, classes);
}

/* ---- Reading ---- */

struct work {
    const struct importer *importer;
    const char *path, *network_text; /* a file, or NULL */
};

static void read_model(void *context)
{
    static struct imported imported;
    const struct work *work = context;
    struct failure failure = {.reason = ""};
    struct package *package = package_open(work->path, &failure);
    imported = (struct imported){.network_text = work->network_text, .epsilon = 1e-5f};
    if (package && work->importer->recognises(package)) {
        if (work->importer->read(&imported, package, &failure)) {
            fuzz_require(*imported.format && imported.network.parameters);
            write_model(&imported);
        } else {
            fuzz_require(*failure.reason);
        }
    }
    imported_free(&imported);
    package_close(package);
}

void import_file(const struct importer *importer, const char *name, const uint8_t *data, size_t size)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    struct work work = {importer, path, NULL};
    fuzz_require(fuzz_write(name, data, size) && fuzz_command(read_model, &work));
}

void import_described(const struct importer *importer, const char *name, const struct fuzz_part *file,
                      const struct fuzz_part *text)
{
    char path[300], text_path[300];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    snprintf(text_path, sizeof text_path, "%s/network.txt", fuzz_folder());
    struct work work = {importer, path, text_path};
    fuzz_require(fuzz_write(name, file->bytes, file->size) && fuzz_write("network.txt", text->bytes, text->size) &&
                 fuzz_command(read_model, &work));
}

void import_folder(const struct importer *importer, const uint8_t *data, size_t size)
{
    struct fuzz_part rest = {data, size}, part;
    fuzz_clear();
    for (int files = 0; files < MAX_FILES && fuzz_next(&part, &rest); files++) {
        char name[100];
        const uint8_t *line = memchr(part.bytes, '\n', part.size);
        const size_t length = line ? (size_t)(line - part.bytes) : part.size, taken = length + (line != NULL);
        if (length >= sizeof name || memchr(part.bytes, 0, length))
            continue;
        memcpy(name, part.bytes, length);
        name[length] = 0;
        fuzz_write(name, part.bytes + taken, part.size - taken);
    }
    struct work work = {importer, fuzz_folder(), NULL};
    fuzz_require(fuzz_command(read_model, &work));
}
