#include "model/quantizer.h"

#include "cli/memory.h"
#include "model/input_moments.h"
#include "model/model_file.h"
#include "model/net_memory.h"
#include "model/weight_rounding.h"
#include "training/quantize.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 };

static bool quantize(struct net *net, float *to_parameters, const struct net *folded, const float *parameters,
                     struct failure *failure)
{
    int failed;
    const enum status status = quantize_net(net, to_parameters, folded, parameters, &failed);
    if (!status)
        return true;
    if (failed < 0)
        return failure_set(failure, NULL, NULL, "the network cannot be quantized: %s", eyelet_status_text(status));
    const struct node *node = &net->nodes[failed];
    return failure_set(failure, NULL, NULL, "layer %d (%s%s) cannot be computed in int8", failed + 1,
                       kind_names[node->kind],
                       node->groups > 1     ? " in groups"
                       : node->dilation > 1 ? ", dilated"
                                            : "");
}

/* Ranges of all tensors, and moments of all layers' inputs, over all images. */
static void observe(float ranges[LIMIT_NODES + 1], struct input_moments *moments, const struct net *net,
                    const float *parameters, const struct dataset *seen, const struct preprocess *preprocess)
{
    struct net_memory *net_memory = net_memory_new(net, BATCH, NET_TRAIN);
    struct net_run *run = &net_memory->run;
    for (int i = 0; i < net->node_count; i++)
        net_pack(&net_memory->packed, net, i, parameters + net->offset[i]);

    const size_t image = shape_count(net->input);
    for (int first = 0, n; first < seen->count; first += n) {
        n = seen->count - first < BATCH ? seen->count - first : BATCH;
        for (int i = 0; i < BATCH; i++)
            dataset_expect(seen, first + BATCH + i);
        for (int i = 0; i < n; i++)
            image_normalise(run->tensor[0] + (size_t)i * image, dataset_pixels(seen, first + i), net->input,
                            preprocess);
        quantize_observe(ranges, run, n);
        input_moments_observe(moments, run, n);
    }
    net_memory_free(net_memory);
}

uint8_t *quantized_bytes(size_t *size, const struct model *model, const char *notes, const struct dataset *seen,
                         struct failure *failure)
{
    struct model *quantized = allocate(1, sizeof *quantized);
    *quantized = *model;
    const size_t count = net_parameter_count(&model->net) + 1;
    float *loaded = allocate(count, sizeof(float)), *parameters = allocate(count, sizeof(float));
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(loaded + model->net.offset[i], model, i);
    struct net folded_net;
    float *folded = model_file_folded(&folded_net, &model->net, loaded, failure);
    uint8_t *bytes = NULL;
    if (folded && quantize(&quantized->net, parameters, &folded_net, folded, failure)) {
        float ranges[LIMIT_NODES + 1] = {0}, scale[LIMIT_NODES + 1];
        struct input_moments *moments = input_moments_new(&quantized->net);
        observe(ranges, moments, &quantized->net, parameters, seen, &model->preprocess);
        quantize_scales(quantized->scale, ranges, &quantized->net, parameters, &model->preprocess);
        if (int8_scales(scale, &quantized->net, quantized->scale, &model->preprocess))
            weight_rounding(parameters, &quantized->net, scale, moments);
        input_moments_free(moments);
        quantized->type = WEIGHTS_QUANTIZED;
        quantized->notes = notes;
        quantized->notes_length = (int)strlen(notes);
        bytes = model_file_written(size, quantized, parameters, failure);
    }
    free(parameters);
    free(folded);
    free(loaded);
    free(quantized);
    return bytes;
}
