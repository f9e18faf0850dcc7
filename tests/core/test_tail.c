/* core/training/tail.h: weights that no file may hold are refused, of any type. What is right is test_teacher.c's. */
#include "support/golden_model.h"
#include "support/int8_oracle.h"
#include "support/nets.h"
#include "support/test.h"
#include "training/tail.h"

#include <math.h>

enum { FEATURES = 4, CLASSES = 3, WEIGHTS = (FEATURES + 1) * CLASSES };

/* Of a model with weights of this type: its tail, which can be set. */
static struct tail tail_of(enum weights type, struct model *model)
{
    struct random random = random_seed(91, 0);
    struct net net = {.input = {5, 5, 3}};
    struct tail tail;
    struct arena arena = {0};
    size_t size;
    net.embedding = nets_simple(&net, nets_conv(&net, 0, FEATURES, 3, 3, 2, true, true), NODE_GLOBAL_AVGPOOL);
    nets_finish(&net, nets_dense(&net, net.embedding, CLASSES, true));
    const uint8_t *bytes =
        type == WEIGHTS_QUANTIZED ? int8_model_of(&size, &net, &random) : golden_model_of(&size, &net, &random);
    CHECK_EQUAL(model_read(model, bytes, size), STATUS_OK);
    model->type = type;
    tail_plan(&tail, model, CLASSES, &arena);
    arena = (struct arena){.base = test_bytes((size_t)arena.used), .size = arena.used};
    tail_plan(&tail, model, CLASSES, &arena);
    tail.embedding_scale = 0.125f;
    return tail;
}

TEST(weights_that_are_not_finite_are_refused)
{
    static struct model model;
    for (int type = WEIGHTS_FLOAT32; type <= WEIGHTS_QUANTIZED; type++) {
        struct tail tail = tail_of((enum weights)type, &model);
        float weights[WEIGHTS];
        for (int k = 0; k < WEIGHTS; k++)
            weights[k] = (float)k / 8 - 1;
        test_context("type %d", type);
        CHECK(tail_set(&tail, weights, 4));
        CHECK(!tail_set(&tail, weights, INFINITY));
        CHECK(!tail_set(&tail, weights, NAN));
        for (int k = 0; k < WEIGHTS; k++) {
            const float kept = weights[k];
            weights[k] = k % 3 == 0 ? NAN : k % 3 == 1 ? INFINITY : -INFINITY;
            CHECK(!tail_set(&tail, weights, 4));
            weights[k] = kept;
        }
        CHECK(tail_set(&tail, weights, 4));
    }
}

static const struct test tests[] = {
    ENTRY(weights_that_are_not_finite_are_refused),
};
const struct suite tail_suite = SUITE("tail", tests);
