/* The tensors of a safetensors file (huggingface.co/docs/safetensors), as the modules of a network in PyTorch: those
 * whose names differ in their last part alone, `layer1.0.conv1.weight` and `.bias`.
 *
 *     struct torch_modules modules;
 *     struct failure failure;
 *     if (!torch_modules_read(&modules, bytes, size, "weights.safetensors", &failure))
 *         die_of(&failure);
 *     for (int i = 0; i < modules.count; i++)
 *         printf("%s\n", modules.items[i].name);
 *     torch_modules_free(&modules); */
#ifndef SAFETENSORS_TENSORS_H
#define SAFETENSORS_TENSORS_H

#include "exchange/graph.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum torch_part { TORCH_WEIGHT, TORCH_BIAS, TORCH_MEAN, TORCH_VARIANCE, TORCH_PARTS };

struct torch_module {
    char *name;
    struct graph_constant parts[TORCH_PARTS]; /* rank -1: there is none */
    float *values[TORCH_PARTS];               /* the constants', owned */
    bool is_taken;
};

struct torch_modules {
    struct torch_module
        *items; /* in the order of their names, in which numbers count as numbers: "a.2" before "a.10" */
    int count;
};

/* Tensors of float32, float16, bfloat16 and float64; integers, as num_batches_tracked, are left out. False, with the
 * failure and nothing to free, for what is no such file, or is damaged. */
bool torch_modules_read(struct torch_modules *modules, const uint8_t *bytes, size_t size, const char *path,
                        struct failure *failure);
void torch_modules_free(struct torch_modules *modules);

static inline bool torch_module_has(const struct torch_module *module, enum torch_part part)
{
    return module->parts[part].rank >= 0;
}

#endif
