#include "model/recipes.h"

#include <string.h>

/* The network of the Keras image-classification tutorial. */
static const char tutorial[] = "input 32x32x3\n"
                               "conv2d 32 3x3 relu\n"
                               "maxpool 2\n"
                               "conv2d 64 3x3 relu\n"
                               "maxpool 2\n"
                               "conv2d 64 3x3 relu\n"
                               "flatten\n"
                               "dense 64 relu\n"
                               "dense classes softmax\n";

/* Keller Jordan's airbench94 and airbench95 (2024), whose convolutions start as the identity behind a whitening layer
 * that is frozen; they differ in the widths of the three groups. airbench95 has 352 channels where its author has 384,
 * so that its weights stay under 4 MB in int8. */
#define AIRBENCH(first, second, third) \
    "input 32x32x3\n" \
    "conv2d 24 2x2 whiten gelu\n" AIRBENCH_GROUP(first) AIRBENCH_GROUP(second) AIRBENCH_GROUP(third) \
        AIRBENCH_HEAD("maxpool 3")
#define AIRBENCH_GROUP(width) \
    "conv2d " #width " 3x3 same nobias identity\n" \
    "maxpool 2\n" \
    "batchnorm frozen gelu\n" \
    "conv2d " #width " 3x3 same nobias identity\n" \
    "batchnorm frozen gelu\n"
#define AIRBENCH_HEAD(pool) pool "\nflatten\ndense classes nobias\nscale 0.1111111\nsoftmax\n"
static const char airbench94[] = AIRBENCH(64, 256, 256), airbench95[] = AIRBENCH(128, 352, 352);

/* David Page's ResNet-9 (How to Train Your ResNet, 2018). */
static const char resnet9[] = "input 32x32x3\n"
                              "conv2d 64 3x3 same nobias batchnorm relu\n"
                              "conv2d 128 3x3 same nobias batchnorm relu\n"
                              "a: maxpool 2\n"
                              "conv2d 128 3x3 same nobias batchnorm relu\n"
                              "conv2d 128 3x3 same nobias batchnorm relu\n"
                              "add a\n"
                              "conv2d 256 3x3 same nobias batchnorm relu\n"
                              "maxpool 2\n"
                              "conv2d 512 3x3 same nobias batchnorm relu\n"
                              "b: maxpool 2\n"
                              "conv2d 512 3x3 same nobias batchnorm relu\n"
                              "conv2d 512 3x3 same nobias batchnorm relu\n"
                              "add b\n"
                              "maxpool 4\n"
                              "flatten\n"
                              "dense classes nobias\n"
                              "scale 0.125\n"
                              "softmax\n";

/* A small MobileNetV2 (Sandler et al. 2018): inverted residual blocks, which widen six times by a 1x1 convolution,
 * filter each channel and narrow again without an activation, and add their input where the shapes agree. The widths
 * are this project's: an image of 64x64 pixels takes 10 million multiply-adds. */
#define MOBILE_WIDEN(channels, stride) \
    "conv2d " #channels " 1x1 nobias batchnorm relu6\n" \
    "depthwise 3x3 stride " #stride " same nobias batchnorm relu6\n"
#define MOBILE_NARROW(channels) "conv2d " #channels " 1x1 nobias batchnorm\n"
#define MOBILE_BLOCK(name, wide, stride, narrow) MOBILE_WIDEN(wide, stride) #name ": " MOBILE_NARROW(narrow)
#define MOBILE_RESIDUAL(name, before, wide, narrow) \
    MOBILE_WIDEN(wide, 1) MOBILE_NARROW(narrow) #name ": add " #before "\n"
/* clang-format off */
static const char mobile[] =
    "input 64x64x3\n"
    "conv2d 16 3x3 stride 2 same nobias batchnorm relu6\n"
    "depthwise 3x3 same nobias batchnorm relu6\n"
    MOBILE_NARROW(8)
    MOBILE_BLOCK(a1, 48, 2, 16)
    MOBILE_RESIDUAL(a2, a1, 96, 16)
    MOBILE_BLOCK(b1, 96, 2, 32)
    MOBILE_RESIDUAL(b2, b1, 192, 32)
    MOBILE_RESIDUAL(b3, b2, 192, 32)
    MOBILE_BLOCK(c1, 192, 2, 56)
    MOBILE_RESIDUAL(c2, c1, 336, 56)
    MOBILE_RESIDUAL(c3, c2, 336, 56)
    MOBILE_BLOCK(d1, 336, 1, 96)
    MOBILE_RESIDUAL(d2, d1, 576, 96)
    "conv2d 320 1x1 nobias batchnorm relu6\n"
    "global_avgpool\n"
    "dense classes softmax\n";
/* clang-format on */

/* airbench94's network for photos of one's own: the whitening takes every pixel once instead of twice, so that an
 * image of 64x64 pixels costs hardly more than one of 32x32 there, 146 million multiply-adds; the last pool makes do
 * with any size of input. */
/* clang-format off */
static const char photos[] =
    "input 64x64x3\n"
    "conv2d 24 2x2 stride 2 whiten gelu\n"
    AIRBENCH_GROUP(64)
    AIRBENCH_GROUP(256)
    AIRBENCH_GROUP(256)
    AIRBENCH_HEAD("maxpool 4 same");
/* clang-format on */

/* The network of web/models/objects160.eyelet: that for photos with a third convolution in each group, behind a shortcut
 * as in Keller Jordan's airbench96 (2024), and as wide as 4 MB in int8 allow; 180 million multiply-adds. */
/* clang-format off */
#define OBJECTS_GROUP(name, width) \
    "conv2d " #width " 3x3 same nobias identity\n" \
    "maxpool 2\n" \
    #name ": batchnorm frozen gelu\n" \
    "conv2d " #width " 3x3 same nobias identity\n" \
    "batchnorm frozen gelu\n" \
    "conv2d " #width " 3x3 same nobias identity\n" \
    "batchnorm frozen\n" \
    "add " #name " gelu\n"
static const char objects160[] =
    "input 64x64x3\n"
    "conv2d 24 2x2 stride 2 whiten gelu\n"
    OBJECTS_GROUP(a, 64)
    OBJECTS_GROUP(b, 192)
    OBJECTS_GROUP(c, 352)
    AIRBENCH_HEAD("maxpool 4 same");
/* clang-format on */

/* What Kingma and Ba (2015) propose, but for Keras's epsilon. */
#define ADAM_DEFAULTS .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f

/* airbench94_muon's learning rates, for a mean instead of a sum over the batch of 2,000. */
#define AIRBENCH_MUON \
    { \
        .kind = OPTIMIZER_MUON, .learning_rate = 0.24f, .momentum = 0.6f, .other_momentum = 0.85f, \
        .dense_learning_rate = 1.65f, .bias_learning_rate = 106, .weight_decay = 0.004f, ADAM_DEFAULTS \
    }

const struct recipe recipes[] = {
    /* Chosen on the validation images among a few batch sizes, learning rates and crops. */
    {.name = "tutorial",
     .network = tutorial,
     .settings = {.optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 0.002f, .momentum = 0.9f, ADAM_DEFAULTS},
                  .schedule = SCHEDULE_COSINE,
                  .warmup = 1,
                  .epochs = 30,
                  .batch = 64,
                  .augment = {.flip = FLIP_RANDOM, .crop = 3}},
     .initializer = INITIALIZE_GLOROT,
     .validation = 0.1f,
     .shard = TRAINER_USUAL_SHARD},
    /* airbench94_muon. */
    {.name = "airbench94",
     .network = airbench94,
     .settings = {.optimizer = AIRBENCH_MUON,
                  .schedule = SCHEDULE_LINEAR,
                  .epochs = 8,
                  .batch = 2000,
                  .label_smoothing = 0.2f,
                  .frozen_bias_epochs = 3,
                  .augment = {.flip = FLIP_ALTERNATE, .crop = 2}},
     .initializer = INITIALIZE_UNIFORM,
     .shard = 50},
    /* The same for airbench95, and twice as long. */
    {.name = "airbench95",
     .network = airbench95,
     .settings = {.optimizer = AIRBENCH_MUON,
                  .schedule = SCHEDULE_LINEAR,
                  .epochs = 16,
                  .batch = 2000,
                  .label_smoothing = 0.2f,
                  .frozen_bias_epochs = 3,
                  .augment = {.flip = FLIP_ALTERNATE, .crop = 2}},
     .initializer = INITIALIZE_UNIFORM,
     .shard = 50},
    /* cifar10-fast's 24 epochs, for which its author gives 94.1 %; not trained to the end here. */
    {.name = "resnet9",
     .network = resnet9,
     .settings = {.optimizer = {.kind = OPTIMIZER_SGD,
                                .learning_rate = 0.4f,
                                .momentum = 0.9f,
                                .nesterov = true,
                                .weight_decay = 5e-4f,
                                ADAM_DEFAULTS},
                  .schedule = SCHEDULE_LINEAR,
                  .warmup = 5,
                  .epochs = 24,
                  .batch = 512,
                  .augment = {.flip = FLIP_RANDOM, .crop = 4, .cutout = 8}},
     .initializer = INITIALIZE_UNIFORM,
     .shard = 32},
    /* Usual choices for its kind, untuned and not trained to the end here. */
    {.name = "mobile",
     .network = mobile,
     .settings = {.optimizer = {.kind = OPTIMIZER_SGD,
                                .learning_rate = 0.1f,
                                .momentum = 0.9f,
                                .nesterov = true,
                                .weight_decay = 4e-5f,
                                ADAM_DEFAULTS},
                  .schedule = SCHEDULE_COSINE,
                  .warmup = 2,
                  .epochs = 60,
                  .batch = 128,
                  .label_smoothing = 0.1f,
                  .augment = {.flip = FLIP_RANDOM, .crop = 8}},
     .initializer = INITIALIZE_HE,
     .validation = 0.1f,
     .shard = 32},
    /* For images in folders, from some hundreds to some ten thousands. With an EMA of about an epoch's steps and precise
     * batch norm, validation's accuracy moves by 1.9 points from epoch to epoch (standard deviation over the second half
     * of 40) instead of 4.8, and is 25.0 % there instead of 15.6; at the end it is 31.2 % and 30.3 % (means of three
     * seeds; photos-20, 50 a class, 32x32, widths of 32 and 64). */
    {.name = "photos",
     .network = photos,
     .settings = {.optimizer = AIRBENCH_MUON,
                  .schedule = SCHEDULE_LINEAR,
                  .epochs = 45,
                  .batch = 500,
                  .label_smoothing = 0.2f,
                  .ema_decay = 0.9f,
                  .frozen_bias_epochs = 3,
                  .augment = {.flip = FLIP_ALTERNATE, .crop = 6, .cutout = 20}},
     .initializer = INITIALIZE_UNIFORM,
     .validation = 0.1f,
     .shard = 50},
    /* web/models/objects160.eyelet, with --teacher. Chosen on validation images by the first of three epochs: network and
     * pool (photos 18.0 %; this one 25.6 %, with a mean in place of the last pool 17.8 %), then the learning rate (0.12:
     * 30.4 %, 0.24: 25.6 %). */
    {.name = "objects160",
     .network = objects160,
     .settings = {.optimizer = {.kind = OPTIMIZER_MUON,
                                .learning_rate = 0.1f,
                                .momentum = 0.6f,
                                .other_momentum = 0.85f,
                                .dense_learning_rate = 1.65f,
                                .bias_learning_rate = 106,
                                .weight_decay = 0.004f,
                                ADAM_DEFAULTS},
                  .schedule = SCHEDULE_LINEAR,
                  .epochs = 50,
                  .batch = 500,
                  .label_smoothing = 0.1f,
                  .ema_decay = 0.9f,
                  .frozen_bias_epochs = 3,
                  .augment = {.flip = FLIP_ALTERNATE, .resized_crop = 0.5f}},
     .initializer = INITIALIZE_UNIFORM,
     .validation = 0.05f,
     .shard = 50},
    /* Going on from a trained model, whatever its layers: learning rates that do not undo at once what it knows. */
    {.name = "finetune",
     .settings = {.optimizer = {.kind = OPTIMIZER_ADAMW,
                                .learning_rate = 5e-4f,
                                .momentum = 0.9f,
                                .weight_decay = 0.01f,
                                ADAM_DEFAULTS},
                  .schedule = SCHEDULE_COSINE,
                  .warmup = 1,
                  .epochs = 20,
                  .batch = 64,
                  .label_smoothing = 0.1f,
                  .augment = {.flip = FLIP_RANDOM, .crop = 3}},
     .initializer = INITIALIZE_UNIFORM,
     .validation = 0.1f,
     .shard = 16},
    /* The same for networks like airbench95 and photos, which train better with it: above the patches of the first
     * layer, which is frozen, batch normalisation comes back (unfold_batchnorm.h), and Muon goes on at a twelfth of its
     * learning rate: from objects160 it gives 80.2 % of 501 validation images of photos-20, a third 74.1 %, a thirtieth
     * 79.2 % (one seed). */
    {.name = "finetune-muon",
     .settings = {.optimizer = {.kind = OPTIMIZER_MUON,
                                .learning_rate = 0.02f,
                                .momentum = 0.6f,
                                .other_momentum = 0.85f,
                                .dense_learning_rate = 0.8f,
                                .bias_learning_rate = 13,
                                .weight_decay = 0.004f,
                                ADAM_DEFAULTS},
                  .schedule = SCHEDULE_LINEAR,
                  .epochs = 9,
                  .batch = 250,
                  .label_smoothing = 0.2f,
                  .augment = {.flip = FLIP_ALTERNATE, .crop = 4, .cutout = 12}},
     .initializer = INITIALIZE_UNIFORM,
     .validation = 0.1f,
     .shard = 50,
     .freeze = "1"},
};
const int recipe_count = sizeof recipes / sizeof *recipes;
_Static_assert(sizeof recipes / sizeof *recipes <= MAX_RECIPES, "more recipes than the command line lists");

const struct recipe *recipe_named(const char *name)
{
    for (int i = 0; i < recipe_count; i++)
        if (strcmp(recipes[i].name, name) == 0)
            return &recipes[i];
    return NULL;
}
