/* Imports an ONNX file and computes the network of one picture of any numbers, for bench_operators.js:
 *
 *     bench-operators MODEL.onnx PICTURE.f32 > logits.f32
 *
 * PICTURE: float32 (h, w, c), as many as the model's input has. Prints the logits as bytes of float32. Where the model cannot be
 * imported: why, on standard error, and 1. */
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "exchange/importer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *memory_of(struct arena *arena)
{
    *arena = (struct arena){.base = allocate(arena->used + 1, 1)};
    return arena->base;
}

/* What net_run computes, in floating point. */
static void classify(const struct graph_result *network, const float *picture)
{
    const struct net *net = &network->net;
    struct net_packed *packed = allocate(1, sizeof *packed);
    struct net_run *run = allocate(1, sizeof *run);
    struct arena arena = {0};
    net_packed_plan(packed, net, NET_INFER, &arena);
    void *weights = memory_of(&arena);
    net_packed_plan(packed, net, NET_INFER, &arena);
    for (int i = 0; i < net->node_count; i++)
        net_pack(packed, net, i, network->parameters + net->offset[i]);
    struct arena scratch = {0};
    net_run_plan(run, net, packed, 1, NET_INFER, &scratch);
    void *tensors = memory_of(&scratch);
    net_run_plan(run, net, packed, 1, NET_INFER, &scratch);
    run->temperature = network->temperature;
    const int pixels = net->input.h * net->input.w;
    for (int i = 0; i < pixels * net->input.c; i++) {
        const int c = i % net->input.c;
        run->tensor[0][i] =
            network->has_front ? picture[i] * network->front_scale[c] + network->front_shift[c] : picture[i];
    }
    net_forward(run, 1);
    fwrite(net_logits(run), sizeof(float), (size_t)net_classes(net), stdout);
    free(tensors);
    free(weights);
    free(run);
    free(packed);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die(NULL, NULL, "bench-operators MODEL.onnx PICTURE.f32");
    struct failure failure = {0};
    struct imported *imported = allocate(1, sizeof *imported);
    struct package *package = package_open(argv[1], &failure);
    if (!package || !onnx_importer.read(imported, package, &failure))
        die_of(&failure);
    const struct shape input = imported->network.net.input;
    const char *reason;
    size_t size;
    uint8_t *bytes = read_file(&size, &reason, argv[2], (size_t)1 << 30);
    if (!bytes)
        die(argv[2], NULL, "%s", reason);
    if (size != sizeof(float) * (size_t)(input.h * input.w * input.c))
        die(argv[2], NULL, "the network reads %dx%dx%d numbers", input.h, input.w, input.c);
    float *picture = allocate(size, 1);
    memcpy(picture, bytes, size);
    classify(&imported->network, picture);
    free(picture);
    free(bytes);
    imported_free(imported);
    free(imported);
    package_close(package);
    flush_output();
}
