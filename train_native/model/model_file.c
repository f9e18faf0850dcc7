#include "model/model_file.h"

#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "training/fold_batchnorm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *model_file_written(size_t *size, const struct model *model, const float *parameters, struct failure *failure)
{
    *size = model_size(model);
    uint8_t *bytes = allocate(*size, 1);
    model_write(bytes, model, parameters);
    struct model check;
    const enum status status = model_read(&check, bytes, *size);
    if (!status)
        return bytes;
    free(bytes);
    failure_set(failure, NULL, "Nothing was written.", "the model would not be valid: %s", eyelet_status_text(status));
    return NULL;
}

float *model_file_folded(struct net *folded, const struct net *net, const float *parameters, struct failure *failure)
{
    float *out = allocate(net_parameter_count(net) + 1, sizeof(float));
    const enum status status = fold_batchnorm(folded, out, net, parameters);
    if (!status)
        return out;
    free(out);
    failure_set(failure, NULL, NULL, "batch normalisation cannot be folded into the trained network: %s",
                eyelet_status_text(status));
    return NULL;
}

/* What comes to the last layer with weights, if that is a vector: the model's second output, unless it names another
 * one. */
static void name_embedding(struct net *net)
{
    const int head = net->nodes[net_head(net)].input[0];
    const struct shape shape = net->shapes[head];
    if (!net->embedding && head > 0 && shape.h == 1 && shape.w == 1)
        net->embedding = head;
    net_check(net, NULL);
}

uint8_t *model_file_bytes(size_t *size, const struct model_parts *parts, struct failure *failure)
{
    struct model *model = allocate(1, sizeof *model);
    float *folded = model_file_folded(&model->net, parts->net, parts->parameters, failure);
    if (!folded) {
        free(model);
        return NULL;
    }
    name_embedding(&model->net);
    model->preprocess = *parts->preprocess;
    model->temperature = 1;
    model->notes = parts->notes;
    model->notes_length = (int)strlen(parts->notes);
    const int classes = net_classes(parts->net);
    uint8_t *lengths = allocate((size_t)classes, 1 + LIMIT_LABEL), *p = lengths;
    for (int i = 0; i < classes; i++) {
        const size_t length = strlen(parts->labels[i]);
        *p++ = (uint8_t)length;
        memcpy(p, parts->labels[i], length);
        p += length;
    }
    model->labels = lengths;
    uint8_t *bytes = model_file_written(size, model, folded, failure);
    free(lengths);
    free(folded);
    free(model);
    return bytes;
}

uint8_t *model_file_again(size_t *size, const struct model *model, const char *notes, enum weights type,
                          struct failure *failure)
{
    struct model copy = *model;
    copy.notes = notes;
    copy.notes_length = (int)strlen(notes);
    copy.type = type;
    if (type == WEIGHTS_QUANTIZED) { /* rounded anew, its numbers could differ */
        copy.net = model->net;
        return model_file_written(size, &copy, NULL, failure);
    }
    float *parameters = allocate(net_parameter_count(&model->net), sizeof(float));
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(parameters + model->net.offset[i], model, i);
    /* Files may hold what can be folded today. */
    float *folded = model_file_folded(&copy.net, &model->net, parameters, failure);
    uint8_t *bytes = folded ? model_file_written(size, &copy, folded, failure) : NULL;
    free(folded);
    free(parameters);
    return bytes;
}

uint8_t *model_file_load(struct model *model, size_t *size, const char *path, struct failure *failure)
{
    static const char no_model[] = "A model is a file that `eyelet train` wrote, usually *.eyelet.";
    const char *reason;
    uint8_t *bytes = read_file(size, &reason, path, LIMIT_MODEL_BYTES);
    if (!bytes) {
        failure_set(failure, path, no_model, "%s", reason);
        return NULL;
    }
    const enum status status = model_read(model, bytes, *size);
    if (!status)
        return bytes;
    free(bytes);
    failure_set(failure, path,
                status == STATUS_NOT_A_MODEL ? no_model
                : status == STATUS_VERSION   ? "Use the Eyelet that wrote it, or train the model again."
                                             : "Take another copy of the file, or train the model again.",
                "%s", eyelet_status_text(status));
    return NULL;
}

char *model_file_notes(const struct model *model) { return text_copy_bytes(model->notes, (size_t)model->notes_length); }

char *model_file_label(const struct model *model, int index)
{
    int length;
    const char *label = model_label(&length, model, index);
    return text_copy_bytes(label, (size_t)length);
}

/* The value, if this line is of this key. */
static const char *value_in(const char *line, const char *key)
{
    const size_t length = strlen(key);
    if (strncmp(line, key, length) != 0 || line[length] != ':')
        return NULL;
    return line + length + 1 + strspn(line + length + 1, " ");
}

static const char *next_line(const char *line)
{
    const size_t length = strcspn(line, "\n");
    return line + length + (line[length] == '\n');
}

const char *model_file_note(const char *notes, const char *key)
{
    for (const char *line = notes; *line; line = next_line(line))
        if (value_in(line, key))
            return value_in(line, key);
    return NULL;
}

char *model_file_set_note(const char *notes, const char *key, const char *value)
{
    const size_t room = strlen(notes) + strlen(key) + (value ? strlen(value) : 0) + 5;
    char *out = allocate(room, 1), *p = out;
    bool set = !value;
    for (const char *line = notes; *line; line = next_line(line)) {
        if (!value_in(line, key)) {
            p += sprintf(p, "%.*s\n", (int)strcspn(line, "\n"), line);
        } else if (!set) {
            p += sprintf(p, "%s: %s\n", key, value);
            set = true;
        }
    }
    if (!set)
        sprintf(p, "%s: %s\n", key, value);
    return out;
}
