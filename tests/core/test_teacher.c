/* core/teacher.h: what is taught is what is written, to the last bit; estimates against naive ones. */
#include "teacher.h"

#include "base/bytes.h"
#include "classifier.h"
#include "support/golden_model.h"
#include "support/int8_oracle.h"
#include "support/nets.h"
#include "support/test.h"
#include "training/cross_validation.h"
#include "training/similarity.h"

#include <math.h>
#include <string.h>

enum { SIDE = 8, FEATURES = 6, CLASSES = 3, EACH = 12, COUNT = CLASSES * EACH };

/* What a head looks like; the last three cannot be kept. */
enum ending {
    ENDING_DENSE,
    ENDING_SCALED,
    ENDING_CONVOLUTION,
    ENDING_UNBIASED,
    ENDING_LAYERS,
    ENDING_ADDED,
    ENDING_ACTIVATED,
    ENDINGS
};

static int add_ending(struct net *net, int x, enum ending ending)
{
    if (ending == ENDING_LAYERS)
        x = nets_simple(net, nets_dense(net, x, 4, true), NODE_RELU);
    else if (ending == ENDING_ADDED)
        x = nets_add(net, nets_dense(net, x, FEATURES, true), x);
    x = nets_dense(net, x, 5, ending != ENDING_UNBIASED);
    return ending == ENDING_ACTIVATED ? nets_simple(net, x, NODE_RELU) : x;
}

static void backbone_net(struct net *net, enum ending ending)
{
    *net = (struct net){.input = {SIDE, SIDE, 3}};
    int x = nets_simple(net, nets_conv(net, 0, FEATURES, 3, 3, 2, true, true), NODE_RELU);
    x = nets_simple(net, x, NODE_GLOBAL_AVGPOOL);
    net->embedding = x;
    if (ending == ENDING_CONVOLUTION) {
        x = nets_simple(net, nets_conv(net, x, 5, 1, 1, 1, false, true), NODE_FLATTEN);
    } else {
        x = ending == ENDING_SCALED ? nets_dropout(net, nets_simple(net, x, NODE_FLATTEN), 0.2f) : x;
        x = add_ending(net, x, ending);
        x = ending == ENDING_SCALED ? nets_scale(net, x, 0.125f) : x;
    }
    nets_finish(net, x);
}

/* A file of the net with weights of this type. */
static uint8_t *backbone_file(size_t *size, const struct net *net, enum weights type, struct random *random)
{
    if (type == WEIGHTS_QUANTIZED)
        return int8_model_of(size, net, random);
    struct model model;
    uint8_t *bytes = golden_model_of(size, net, random);
    CHECK_EQUAL(model_read(&model, bytes, *size), STATUS_OK);
    float *parameters = test_floats(net_parameter_count(net));
    for (int i = 0; i < net->node_count; i++)
        CHECK(model_parameters(parameters + model.net.offset[i], &model, i));
    model.type = type;
    *size = model_size(&model);
    uint8_t *out = test_bytes(*size);
    model_write(out, &model, parameters);
    return out;
}

static struct eyelet_teacher *open_teacher(const uint8_t *model, size_t size)
{
    size_t bytes;
    struct eyelet_teacher *teacher = NULL;
    CHECK_EQUAL(eyelet_teacher_bytes(&bytes, model, size), STATUS_OK);
    CHECK_EQUAL(eyelet_teacher_open(&teacher, test_bytes(bytes), model, size), STATUS_OK);
    return teacher;
}

static struct eyelet_classifier *open_classifier(const uint8_t *model, size_t size)
{
    size_t bytes;
    struct eyelet_classifier *classifier = NULL;
    CHECK_EQUAL(eyelet_classifier_bytes(&bytes, model, size), STATUS_OK);
    CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(bytes), model, size), STATUS_OK);
    return classifier;
}

/* Noise that is brighter in the channel of its class. */
static void draw(uint8_t *pixels, int label, struct random *random)
{
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        pixels[i] = (uint8_t)(random_below(random, 120) + (i % 3 == label ? 110u : 0));
}

/* Of drawn pictures, which pixels (COUNT, SIDE, SIDE, 3) holds: class by class in turn. */
static struct eyelet_pictures look_at(struct eyelet_classifier *classifier, uint8_t *pixels, struct random *random)
{
    const int features = eyelet_classifier_embedding_count(classifier);
    float *embeddings = test_floats((size_t)COUNT * (size_t)features);
    int *classes = test_bytes(COUNT * sizeof *classes);
    for (int i = 0; i < COUNT; i++) {
        classes[i] = i % CLASSES;
        draw(pixels + i * SIDE * SIDE * 3, classes[i], random);
        CHECK_EQUAL(eyelet_classifier_run_pixels(classifier, pixels + i * SIDE * SIDE * 3), STATUS_OK);
        eyelet_classifier_embedding(embeddings + i * features, classifier);
    }
    return (struct eyelet_pictures){embeddings, classes, COUNT};
}

static void set_classes(struct eyelet_teacher *teacher, int classes, const int *from)
{
    eyelet_teacher_set_classes(teacher, test_bytes(eyelet_teacher_head_bytes(teacher, classes)), classes, from);
}

static uint8_t *write_file(size_t *size, struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures,
                           const uint8_t *pixels)
{
    const struct eyelet_taught taught = {.labels = "\3red\5green\4blue",
                                         .notes = "name: hues\n",
                                         .notes_length = 11,
                                         .thumbnail_side = SIDE,
                                         .pictures = *pictures};
    *size = eyelet_teacher_file_bytes(teacher, &taught);
    uint8_t *file = test_bytes(*size), *thumbnails = eyelet_teacher_write(file, teacher, &taught);
    CHECK(thumbnails != NULL);
    memcpy(thumbnails, pixels, (size_t)pictures->count * SIDE * SIDE * 3);
    CHECK_EQUAL(eyelet_teacher_seal(file, *size), STATUS_OK);
    return file;
}

/* Whether the teacher answers what a classifier of the file does. */
static void check_same(struct eyelet_teacher *teacher, const uint8_t *file, size_t size, struct random *random)
{
    struct eyelet_classifier *classifier = open_classifier(file, size);
    CHECK_EQUAL(eyelet_classifier_classes(classifier), CLASSES);
    uint8_t pixels[SIDE * SIDE * 3];
    float *embedding = test_floats((size_t)eyelet_teacher_embedding_count(teacher));
    for (int i = 0; i < 5; i++) {
        draw(pixels, i % 4, random);
        CHECK_EQUAL(eyelet_classifier_run_pixels(classifier, pixels), STATUS_OK);
        eyelet_classifier_embedding(embedding, classifier);
        eyelet_teacher_run(teacher, embedding);
        CHECK_SAME_BITS(eyelet_teacher_logits(teacher), eyelet_classifier_logits(classifier), CLASSES);
        CHECK_SAME_BITS(eyelet_teacher_probabilities(teacher), eyelet_classifier_probabilities(classifier), CLASSES);
    }
}

/* Reopened, it brings its examples along and answers the same before it is trained again. */
static void check_reopened(const uint8_t *file, size_t size, const struct eyelet_pictures *pictures,
                           const uint8_t *pixels, struct random *random)
{
    struct eyelet_teacher *again = open_teacher(file, size);
    int count, side;
    bool has_embeddings;
    eyelet_teacher_examples(again, &count, &side, &has_embeddings);
    CHECK(count == COUNT && side == SIDE && has_embeddings && eyelet_teacher_model_classes(again) == CLASSES);
    const int features = eyelet_teacher_embedding_count(again);
    float *embedding = test_floats((size_t)features);
    for (int i = 0; i < count; i++) {
        CHECK_EQUAL(eyelet_teacher_example_class(again, i), pictures->classes[i]);
        CHECK(!memcmp(eyelet_teacher_example_thumbnail(again, i), pixels + i * SIDE * SIDE * 3, SIDE * SIDE * 3));
        eyelet_teacher_example_embedding(embedding, again, i);
        CHECK_SAME_BITS(embedding, pictures->embeddings + i * features, (size_t)features);
    }
    set_classes(again, CLASSES, NULL);
    CHECK_EQUAL(eyelet_teacher_take_head(again), STATUS_OK);
    check_same(again, file, size, random);
}

TEST(what_is_taught_is_what_is_written)
{
    struct random random = random_seed(77, 0);
    for (int type = WEIGHTS_FLOAT32; type <= WEIGHTS_QUANTIZED; type++)
        for (int ending = 0; ending < ENDINGS; ending++) {
            test_context("weights %d, ending %d", type, ending);
            struct net net;
            size_t size, written;
            backbone_net(&net, (enum ending)ending);
            const uint8_t *model = backbone_file(&size, &net, (enum weights)type, &random);
            uint8_t *pixels = test_bytes(COUNT * SIDE * SIDE * 3);
            const struct eyelet_pictures pictures = look_at(open_classifier(model, size), pixels, &random);
            struct eyelet_teacher *teacher = open_teacher(model, size);
            CHECK_EQUAL(eyelet_teacher_embedding_count(teacher), FEATURES);
            set_classes(teacher, CLASSES, NULL);
            void *work = test_bytes(eyelet_teacher_work_bytes(teacher, CLASSES, COUNT));
            CHECK_EQUAL(eyelet_teacher_train(teacher, &pictures, work), STATUS_OK);
            const uint8_t *file = write_file(&written, teacher, &pictures, pixels);
            check_same(teacher, file, written, &random);

            struct eyelet_estimate estimate;
            int answers[COUNT];
            float scores[COUNT];
            CHECK_EQUAL(eyelet_teacher_evaluate(&estimate, answers, scores, teacher, &pictures, work), STATUS_OK);
            CHECK(estimate.held_out == COUNT && estimate.right > COUNT * 3 / 4); /* noise, but the hues are plain */
            file = write_file(&written, teacher, &pictures, pixels);
            check_same(teacher, file, written, &random);
            check_reopened(file, written, &pictures, pixels, &random);
            test_release();
        }
}

/* Two classes more, one less: what is known is kept, in another order. */
TEST(classes_come_and_go)
{
    struct random random = random_seed(78, 0);
    struct net net;
    size_t size;
    backbone_net(&net, ENDING_DENSE);
    const uint8_t *model = backbone_file(&size, &net, WEIGHTS_FLOAT32, &random);
    uint8_t *pixels = test_bytes(COUNT * SIDE * SIDE * 3);
    const struct eyelet_pictures pictures = look_at(open_classifier(model, size), pixels, &random);
    struct eyelet_teacher *teacher = open_teacher(model, size);
    set_classes(teacher, CLASSES, NULL);
    CHECK_EQUAL(
        eyelet_teacher_train(teacher, &pictures, test_bytes(eyelet_teacher_work_bytes(teacher, CLASSES, COUNT))),
        STATUS_OK);
    eyelet_teacher_run(teacher, pictures.embeddings);
    float before[CLASSES];
    memcpy(before, eyelet_teacher_logits(teacher), sizeof before);
    const int from[] = {2, -1, 0, 1, -1};
    set_classes(teacher, 5, from);
    int classes[COUNT];
    for (int i = 0; i < COUNT; i++)
        classes[i] = pictures.classes[i] == 2 ? 0 : pictures.classes[i] + 2;
    const struct eyelet_pictures moved = {pictures.embeddings, classes, COUNT};
    CHECK_EQUAL(eyelet_teacher_train(teacher, &moved, test_bytes(eyelet_teacher_work_bytes(teacher, 5, COUNT))),
                STATUS_OK);
    int right = 0;
    for (int i = 0; i < COUNT; i++) {
        eyelet_teacher_run(teacher, pictures.embeddings + i * FEATURES);
        const float *logits = eyelet_teacher_logits(teacher);
        int best = 0;
        for (int k = 1; k < 5; k++)
            best = logits[k] > logits[best] ? k : best;
        right += best == classes[i];
    }
    CHECK(right > COUNT * 3 / 4);
    for (int k = 0; k < CLASSES; k++)
        CHECK(before[k] - before[k] == 0);
}

TEST(models_that_cannot_be_taught_are_refused)
{
    struct random random = random_seed(79, 0);
    for (int examples = 0; examples < 2; examples++) { /* which were taught to all that is behind the embedding */
        struct net net;
        struct model model;
        size_t size, bytes = 1;
        backbone_net(&net, examples ? ENDING_LAYERS : ENDING_DENSE);
        net.embedding = examples ? net.embedding : 0;
        const uint8_t *plain = backbone_file(&size, &net, WEIGHTS_FLOAT32, &random);
        CHECK_EQUAL(model_read(&model, plain, size), STATUS_OK);
        model.examples = (struct examples){.count = examples, .thumbnail_side = examples};
        uint8_t *file = test_bytes(size = model_size(&model));
        model_write(file, &model, NULL);
        test_context("examples %d", examples);
        CHECK_EQUAL(eyelet_teacher_bytes(&bytes, file, size), STATUS_NO_HEAD);
        CHECK_EQUAL(bytes, 0);
        CHECK_EQUAL(eyelet_teacher_bytes(&bytes, file, size - 1), STATUS_TRUNCATED);
    }
}

/* ---- Cross-validation ---- */

static struct regression made_data(float *x, struct target *targets, const struct parallel *parallel,
                                   struct random *random)
{
    for (int i = 0; i < COUNT; i++) {
        targets[i] = target_of(i % CLASSES);
        test_fill(x + i * FEATURES, FEATURES, random);
        x[i * FEATURES + i % CLASSES] += 0.5f;
        x[(i + 1) * FEATURES - 1] = 1;
    }
    return (struct regression){x, targets, COUNT, FEATURES, CLASSES, gemm_exact, parallel};
}

/* Each fold trained on a copy of the others alone, from nothing. */
TEST(cross_validation_is_training_without_what_is_held_out)
{
    struct random random = random_seed(80, 0);
    const struct parallel parallel = parallel_threads(1);
    float x[COUNT * FEATURES], logits[COUNT * CLASSES], w[CROSS_VALIDATION_FOLDS * FEATURES * CLASSES] = {0};
    struct target targets[COUNT];
    const struct regression data = made_data(x, targets, &parallel, &random);
    uint8_t folds[COUNT];
    cross_validation_deal(folds, &data);
    const uint64_t size = cross_validation_bytes(&data);
    const struct arena memory = {.base = test_bytes((size_t)size), .size = size};
    const double loss = cross_validation(logits, w, &data, folds, 0.05f, memory);
    double sum = 0;
    for (int fold = 0; fold < CROSS_VALIDATION_FOLDS; fold++) {
        float others[COUNT * FEATURES], own[FEATURES * CLASSES] = {0};
        struct target labels[COUNT];
        int n = 0;
        for (int i = 0; i < COUNT; i++)
            if (folds[i] != fold) {
                memcpy(others + n * FEATURES, x + i * FEATURES, FEATURES * sizeof *x);
                labels[n++] = targets[i];
            }
        const struct regression part = {others, labels, n, FEATURES, CLASSES, gemm_exact, &parallel};
        const uint64_t bytes = softmax_regression_bytes(&part);
        softmax_regression(own, &part, 0.05f, (struct arena){.base = test_bytes((size_t)bytes), .size = bytes});
        for (int i = 0; i < COUNT; i++) {
            double exponentials = 0, of_label = 0;
            for (int k = 0; k < CLASSES && folds[i] == fold; k++) {
                double logit = 0;
                for (int f = 0; f < FEATURES; f++)
                    logit += (double)x[i * FEATURES + f] * (double)own[f * CLASSES + k];
                CHECK_CLOSE(logits[i * CLASSES + k], logit, 2e-3);
                exponentials += exp(logit);
                of_label = k == targets[i].label ? logit : of_label;
            }
            sum += folds[i] == fold ? log(exponentials) - of_label : 0;
        }
    }
    CHECK_CLOSE(loss, sum, 2e-3 * (double)COUNT);
}

TEST(folds_are_blocks_and_equal_pictures_share_one)
{
    enum { N = 14, F = 2 };
    const int labels[N] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2};
    float x[N * F];
    struct target targets[N];
    for (int i = 0; i < N; i++) {
        targets[i] = target_of(labels[i]);
        x[i * F] = (float)(labels[i] == 2 ? 7
                           : i == 9       ? 0
                                          : i); /* the last of class 0 is its first; all of class 2 are equal */
        x[i * F + 1] = 1;
    }
    const struct regression data = {.x = x, .targets = targets, .count = N, .features = F, .classes = 4};
    const uint8_t expected[N] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 0, 255, 255, 255, 255};
    uint8_t folds[N];
    cross_validation_deal(folds, &data);
    for (int i = 0; i < N; i++)
        CHECK_EQUAL(folds[i], expected[i]);
}

/* ---- Similarity ---- */

static double cosine(const float *a, const float *b, int features)
{
    double both = 0, of_a = 0, of_b = 0;
    for (int k = 0; k < features; k++) {
        both += (double)a[k] * (double)b[k];
        of_a += (double)a[k] * (double)a[k];
        of_b += (double)b[k] * (double)b[k];
    }
    return of_a > 0 && of_b > 0 ? both / sqrt(of_a * of_b) : 0;
}

TEST(similarity_is_the_cosine_and_its_limit_what_95_percent_reach)
{
    enum { N = 40, MAX = 19 };
    struct random random = random_seed(81, 0);
    for (int features = 1; features <= MAX; features++) {
        float *x = test_random_floats((size_t)(N * features), &random), found[N];
        memset(x + 3 * features, 0, (size_t)features * sizeof *x);
        uint8_t folds[N];
        double nearest[N];
        for (int i = 0; i < N; i++)
            folds[i] = (uint8_t)(i * 5 / N);
        similarity_find(found, x, x, N, features);
        for (int i = 0; i < N; i++) {
            CHECK_CLOSE(found[i], cosine(x, x + i * features, features), 1e-5);
            nearest[i] = -1;
            for (int k = 0; k < N; k++)
                if (folds[k] != folds[i])
                    nearest[i] = fmax(nearest[i], cosine(x + i * features, x + k * features, features));
        }
        const uint64_t size = similarity_limit_bytes(N);
        const float limit =
            similarity_limit(x, folds, N, features, (struct arena){.base = test_bytes((size_t)size), .size = size});
        int below = 0, at = 0;
        for (int i = 0; i < N; i++) {
            below += nearest[i] < (double)limit - 1e-5;
            at += nearest[i] < (double)limit + 1e-5;
        }
        CHECK(below <= 2 && at >= 3);
        CHECK_EQUAL(similarity_limit(x, folds, SIMILARITY_MIN_COUNT - 1, features,
                                     (struct arena){.base = test_bytes((size_t)size), .size = size}),
                    -1);
    }
}

static const struct test tests[] = {
    ENTRY(what_is_taught_is_what_is_written),
    ENTRY(classes_come_and_go),
    ENTRY(models_that_cannot_be_taught_are_refused),
    ENTRY(cross_validation_is_training_without_what_is_held_out),
    ENTRY(folds_are_blocks_and_equal_pictures_share_one),
    ENTRY(similarity_is_the_cosine_and_its_limit_what_95_percent_reach),
};
const struct suite teacher_suite = SUITE("teacher", tests);
