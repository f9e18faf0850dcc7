#include "commands/model_writer.h"

#include "model/calibrated_model.h"
#include "model/interval.h"
#include "model/model_file.h"
#include "model/projection.h"
#include "model/projector.h"
#include "ranks/ranks.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

/* Without the projector, and with one class that stands for none; returns the weights, which the caller frees. */
static float *take_untaught(struct model_parts *parts, const struct model_writer *writer)
{
    static char none[] = "unlabelled", *const labels[] = {none};
    float *detached = allocate(net_parameter_count(writer->untaught), sizeof(float));
    projector_detach(detached, writer->untaught, parts->parameters);
    parts->net = writer->untaught;
    parts->parameters = detached;
    parts->labels = labels;
    return detached;
}

/* Without the projections; returns the weights, which the caller frees. */
static float *take_classes(struct model_parts *parts, const struct model_writer *writer)
{
    float *detached = allocate(net_parameter_count(writer->net), sizeof(float));
    projection_detach(detached, writer->net, parts->parameters, writer->projected);
    parts->parameters = detached;
    return detached;
}

void model_writer_save(const struct model_writer *writer, const float *weights, const char *path, int epochs,
                       const struct epoch_result *validation)
{
    if (!ranks_first())
        return;
    char notes[LIMIT_NOTES + 1], accuracy[120] = "", count[40] = "", flip[120] = "";
    const char *from = writer->options->from;
    if (validation->count)
        snprintf(accuracy, sizeof accuracy, "accuracy: %s of %s validation images\n",
                 interval_percent(validation->correct, validation->count),
                 format_thousands((uint64_t)validation->count));
    if (epochs)
        snprintf(count, sizeof count, "epochs: %d\n", epochs);
    const struct mirroring *mirroring = &writer->options->mirroring;
    if (mirroring->changes_meaning)
        snprintf(flip, sizeof flip, "flip: none; of %d training images a simple classifier knew %d, in the mirror %d\n",
                 mirroring->images, mirroring->right, mirroring->mirrored);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *division = dataset_division(writer->dataset);
    snprintf(notes, sizeof notes, "name: %.*s\nnetwork: %s%s\ndata: %s, %s images\n%s%s%s%s%s%s%s%scommand: %s\n",
             (int)strcspn(name, "."), name, from ? "of " : "", from ? from : writer->options->network,
             writer->dataset->name, format_thousands((uint64_t)writer->train_count), division ? "split: " : "",
             division ? division : "", division ? "\n" : "",
             validation->count ? calibrated_model_split_note(writer->options->validation, writer->dataset->count,
                                                             writer->options->seed)
                               : "",
             accuracy, count, flip, writer->more ? writer->more : "", writer->command);
    free(division);
    for (char *p = notes; *p; p++) /* a path may hold anything; notes are text */
        if ((unsigned char)*p >= 0x7f || ((unsigned char)*p < 0x20 && *p != '\n'))
            *p = '?';
    size_t size;
    struct failure failure;
    struct model_parts parts = {writer->net, weights, writer->preprocess, writer->dataset->class_names, notes};
    float *detached = writer->untaught    ? take_untaught(&parts, writer)
                      : writer->projected ? take_classes(&parts, writer)
                                          : NULL;
    uint8_t *bytes = model_file_bytes(&size, &parts, &failure);
    if (!bytes)
        die_of(&failure);
    save_file(path, bytes, size, "the model");
    free(bytes);
    free(detached);
}
