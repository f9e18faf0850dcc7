#include "support/golden_model.h"

#include "base/bytes.h"
#include "support/nets.h"
#include "support/test.h"

#include <string.h>

uint32_t golden_crc32(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

void golden_seal(uint8_t *model, size_t size)
{
    const uint32_t crc = golden_crc32(model, size - 4);
    for (int i = 0; i < 4; i++)
        model[size - 4 + (size_t)i] = (uint8_t)(crc >> (8 * i));
}

uint8_t *golden_model_of(size_t *size, const struct net *net, struct random *random)
{
    static const char *const names[] = {"cat", "na\xc3\xafve", "\xe2\x98\x83 snowman", "", "\xf0\x9f\x90\xb1"};
    static const char notes[] = "name: golden\ncommand: tests/make_golden\n";
    uint8_t *labels = test_bytes((size_t)net_classes(net) * 16), *label = labels;
    for (int i = 0; i < net_classes(net); i++) {
        const size_t length = strlen(names[i % 5]);
        *label++ = (uint8_t)length;
        memcpy(label, names[i % 5], length);
        label += length;
    }
    const struct model model = {.net = *net,
                                .preprocess = {.resize_mode = RESIZE_PAD,
                                               .background = {10, 200, 90},
                                               .mean = {0.5f, 0.4375f, 0.40625f},
                                               .std = {0.25f, 0.21875f, 0.3f}},
                                .temperature = 1.5f,
                                .labels = labels,
                                .notes = notes,
                                .notes_length = sizeof notes - 1};
    *size = model_size(&model);
    uint8_t *bytes = test_bytes(*size);
    model_write(bytes, &model, nets_parameters(net, random));
    return bytes;
}

/* Every kind of layer but depthwise and relu6, whose bits test_layers.c has; odd sizes, a kernel that is not square,
 * a residual sum and a tensor with two consumers. */
uint8_t *golden_model(size_t *size)
{
    struct net net = {.input = {9, 8, 3}};
    int x = nets_conv(&net, 0, 7, 3, 3, 1, true, true);
    x = nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_RELU);
    const int y = nets_simple(&net, nets_conv(&net, x, 7, 3, 1, 1, true, false), NODE_TANH);
    x = nets_simple(&net, nets_add(&net, y, x), NODE_RELU);
    x = nets_pool(&net, x, NODE_MAXPOOL, 3, 2, true);
    x = nets_simple(&net, nets_conv(&net, x, 19, 2, 3, 1, false, true), NODE_RELU);
    const int side = nets_simple(
        &net, nets_conv(&net, nets_pool(&net, x, NODE_AVGPOOL, 2, 1, true), 6, 1, 1, 2, true, true), NODE_SIGMOID);
    x = nets_simple(&net, nets_dropout(&net, x, 0.25f), NODE_FLATTEN);
    x = nets_dense(&net, x, 11, true);
    x = nets_simple(&net, nets_scale(&net, x, 0.3f), NODE_GELU);
    x = nets_add(&net, x, nets_dense(&net, nets_simple(&net, side, NODE_GLOBAL_AVGPOOL), 11, false));
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_RELU), GOLDEN_CLASSES, true));
    struct random random = random_seed(2024, 1);
    return golden_model_of(size, &net, &random);
}

uint8_t *golden_small_model(size_t *size)
{
    struct random random = random_seed(35, 0);
    struct net net = {.input = {3, 3, 1}};
    int x = nets_conv(&net, 0, 2, 2, 2, 1, true, true);
    x = nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_RELU);
    x = nets_dropout(&net, nets_simple(&net, nets_add(&net, x, x), NODE_FLATTEN), 0.5f);
    nets_finish(&net, nets_dense(&net, x, 3, true));
    return golden_model_of(size, &net, &random);
}

uint8_t *golden_mobile_model(size_t *size)
{
    struct random random = random_seed(95, 0);
    struct net net = {.input = {4, 4, 3}};
    const int x = nets_simple(&net, nets_depthwise(&net, 0, 4, 4, 1, true, true), NODE_RELU6);
    nets_finish(&net, nets_simple(&net, nets_add(&net, x, 0), NODE_GLOBAL_AVGPOOL));
    return golden_model_of(size, &net, &random);
}

uint8_t *golden_full_model(size_t *size)
{
    enum { EXAMPLES = 3, SIDE = 2, NUMBERS = 4 };
    struct random random = random_seed(98, 0);
    struct net net = {.input = {6, 5, 3}};
    int x = nets_node(&net, (struct node){.kind = NODE_CONV2D,
                                          .channels = 4,
                                          .kernel_h = 3,
                                          .kernel_w = 2,
                                          .stride = 2,
                                          .dilation = 2,
                                          .groups = 1,
                                          .padding = {1, 0, 2, 1},
                                          .bias = true});
    x = nets_node(&net, (struct node){.kind = NODE_CONV2D,
                                      .input = {x},
                                      .channels = NUMBERS,
                                      .kernel_h = 1,
                                      .kernel_w = 1,
                                      .stride = 1,
                                      .dilation = 1,
                                      .groups = 2});
    x = nets_node(
        &net,
        (struct node){
            .kind = NODE_MAXPOOL, .input = {x}, .kernel_h = 2, .kernel_w = 2, .stride = 2, .padding = {0, 1, 1, 0}});
    net.embedding = x = nets_simple(&net, x, NODE_GLOBAL_AVGPOOL);
    nets_finish(&net, nets_dense(&net, x, 3, true));
    static const uint8_t labels[] = {1, 'a', 0, 1, 'c'}, classes[2 * EXAMPLES] = {2, 0, 0, 0, 1, 0};
    uint8_t thumbnails[EXAMPLES * SIDE * SIDE * 3], embeddings[EXAMPLES * NUMBERS * 4];
    for (int i = 0; i < (int)sizeof thumbnails; i++)
        thumbnails[i] = (uint8_t)(i * 7);
    for (int i = 0; i < EXAMPLES * NUMBERS; i++)
        bytes_put_float(embeddings + 4 * i, (float)i * 0.375f - 2);
    const struct model model = {.net = net,
                                .type = WEIGHTS_FLOAT16,
                                .preprocess = {RESIZE_SHORTER_SIDE,
                                               FILTER_BICUBIC,
                                               7,
                                               ORDER_BGR,
                                               {1, 2, 3},
                                               {0.5f, 0.4375f, 0.40625f},
                                               {0.25f, 0.21875f, 0.3f}},
                                .temperature = 0.75f,
                                .labels = labels,
                                .notes = "name: full\n",
                                .notes_length = 11,
                                .examples = {EXAMPLES, SIDE, true, classes, thumbnails, embeddings}};
    *size = model_size(&model);
    uint8_t *bytes = test_bytes(*size);
    model_write(bytes, &model, nets_parameters(&net, &random));
    return bytes;
}

void golden_picture(uint8_t *rgba)
{
    for (int y = 0; y < GOLDEN_HEIGHT; y++)
        for (int x = 0; x < GOLDEN_WIDTH; x++, rgba += 4) {
            rgba[0] = (uint8_t)(x * 11);
            rgba[1] = (uint8_t)(y * 15);
            rgba[2] = (uint8_t)((x / 4 + y / 4) % 2 ? 230 : 20);
            rgba[3] = (uint8_t)(x + y > 30 ? 128 : 255);
        }
}
