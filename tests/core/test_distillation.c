/* core/training/distillation.h: its loss by hand and against differences, and what the trainer makes of a teacher. */
#include "training/trainer.h"

#include "support/gradient_check.h"
#include "support/made_images.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* ---- The loss ---- */

/* The teacher gives 1/4 and 3/4 at the temperature 2, the student 1/2 and 1/2: 4 (ln(1/2) / 4 + 3 ln(3/2) / 4). */
TEST(loss_and_gradient_are_those_by_hand)
{
    const float logits[] = {0, 2 * 1.0986122887f}, student[] = {0.7f, 0.7f};
    const int rows[] = {-1, 0};
    const struct distillation distillation = {
        .logits = logits, .rows = rows, .views = 1, .temperature = 2, .weight = 0.25f};
    struct target target = target_of(0);
    target.weight = 3;
    float wanted[2], softened[2], probabilities[2], loss, gradient[2];
    const struct soft_targets soft = {wanted, softened, &target, 2, 0.25f, 1, 2};
    distillation_wanted(wanted, &distillation, 1, false, 2);
    CHECK_CLOSE(wanted[0], 0.25, 1e-6);
    CHECK_CLOSE(wanted[1], 0.75, 1e-6);
    cross_entropy_forward(&loss, probabilities, student, &target, 0, 1, 2);
    cross_entropy_backward(gradient, probabilities, &target, 0, 0.1f, 1, 2);
    distillation_forward(&loss, student, &soft);
    distillation_backward(gradient, &soft, 0.1f);
    CHECK_CLOSE(loss, 3 * (0.75 * 0.6931471806 + 0.25 * 4 * 0.1308120352), 1e-6);
    CHECK_CLOSE(gradient[0], 0.1 * 3 * (0.75 * -0.5 + 0.25 * 2 * (0.5 - 0.25)), 1e-7);
    CHECK_CLOSE(gradient[1], 0.1 * 3 * (0.75 * 0.5 + 0.25 * 2 * (0.5 - 0.75)), 1e-7);

    const float other[] = {1, 0};
    distillation_mix(wanted, other, 0.2f, 2);
    CHECK_CLOSE(wanted[0], 0.4, 1e-6);
    CHECK_CLOSE(wanted[1], 0.6, 1e-6);
}

struct loss {
    double *logits;
    const struct soft_targets *soft;
    float smoothing;
};

static double soft_loss(void *context)
{
    const struct loss *loss = context;
    const struct soft_targets *soft = loss->soft;
    const double temperature = (double)soft->temperature, weight = (double)soft->weight;
    double sum =
        (1 - weight) * oracle_cross_entropy(loss->logits, soft->targets, (double)loss->smoothing, soft->n, soft->c);
    for (int i = 0; i < soft->n; i++) {
        const double *z = loss->logits + i * soft->c;
        double total = 0, divergence = 0;
        for (int k = 0; k < soft->c; k++)
            total += exp(z[k] / temperature);
        for (int k = 0; k < soft->c; k++) {
            const double q = (double)soft->wanted[i * soft->c + k];
            divergence += q * log(q / (exp(z[k] / temperature) / total));
        }
        sum += weight * temperature * temperature * (double)soft->targets[i].weight * divergence;
    }
    return sum;
}

TEST(gradient_is_the_derivative_of_the_loss)
{
    enum { N = 4, C = 7 };
    static const float temperatures[] = {0.5f, 1, 4, 20}, weights[] = {0.1f, 0.5f, 1};
    struct random random = random_seed(320, 0);
    for (size_t t = 0; t < 4; t++)
        for (size_t w = 0; w < 3; w++) {
            test_context("temperature %g, weight %g", (double)temperatures[t], (double)weights[w]);
            float *logits = test_random_floats(N * C, &random), *teacher = test_random_floats(N * C, &random);
            float *wanted = test_floats(N * C), *softened = test_floats(N * C), *p = test_floats(N * C);
            float *gradient = test_floats(N * C), losses[N], other[C];
            const int rows[] = {2, 0, 3, 1};
            const struct distillation distillation = {
                .logits = teacher, .rows = rows, .views = 1, .temperature = temperatures[t], .weight = weights[w]};
            struct target targets[N];
            for (int i = 0; i < N; i++) {
                targets[i] = (struct target){i, (i + 2) % C, 0.25f * (float)i, 1 + 0.5f * (float)i};
                distillation_wanted(wanted + i * C, &distillation, i, true, C);
                distillation_wanted(other, &distillation, (i + 1) % N, false, C);
                distillation_mix(wanted + i * C, other, targets[i].fraction, C);
            }
            const struct soft_targets soft = {wanted, softened, targets, temperatures[t], weights[w], N, C};
            cross_entropy_forward(losses, p, logits, targets, 0.1f, N, C);
            cross_entropy_backward(gradient, p, targets, 0.1f, 1, N, C);
            distillation_forward(losses, logits, &soft);
            distillation_backward(gradient, &soft, 1);
            struct loss loss = {test_widened(logits, N * C), &soft, 0.1f};
            double sum = 0;
            for (int i = 0; i < N; i++)
                sum += (double)losses[i];
            CHECK_CLOSE(sum, soft_loss(&loss), 1e-5 * (1 + sum));
            gradient_check("logits", gradient, &(struct function){soft_loss, &loss, loss.logits, N * C}, N * C);
            test_release();
        }
}

/* ---- The trainer ---- */

static struct net student(void)
{
    struct net net = {.input = {MADE_SIDE, MADE_SIDE, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 8, 3, 3, 2, true, false), NODE_BATCHNORM);
    x = nets_simple(&net, nets_simple(&net, x, NODE_RELU), NODE_GLOBAL_AVGPOOL);
    nets_finish(&net, nets_dense(&net, x, MADE_CLASSES, true));
    return net;
}

static struct trainer *opened(const struct net *net, int threads)
{
    return made_trainer(
        (struct trainer_options){.net = net, .parallel = parallel_threads(threads), .shard = 5, .distilled = true});
}

static struct trainer_settings settings_of(int epochs, struct augment augment)
{
    return (struct trainer_settings){.optimizer = {.kind = OPTIMIZER_SGD, .learning_rate = 0.1f, .momentum = 0.9f},
                                     .epochs = epochs,
                                     .batch = 20,
                                     .augment = augment};
}

static void train(struct trainer *trainer, const struct trainer_settings *settings, const struct subset *subset)
{
    for (int number = 0; number < settings->epochs; number++) {
        const struct epoch epoch = {.settings = settings, .subset = *subset, .number = number};
        CHECK(trainer_epoch(trainer, &epoch).finite);
    }
}

/* A teacher that is sure of this class. */
static void be_sure(float *logits, int class)
{
    for (int k = 0; k < MADE_CLASSES; k++)
        logits[k] = k == class ? 1000 : -1000;
}

/* For each image its index in the subset, from the last to the first. */
static int *rows_of(const struct subset *subset)
{
    int *rows = test_bytes(MADE_IMAGES * sizeof *rows);
    for (int i = 0; i < MADE_IMAGES; i++)
        rows[i] = -1;
    for (int i = 0; i < subset->count; i++)
        rows[subset->indices[i]] = i;
    return rows;
}

TEST(augment_mirrored_tells_what_augment_image_does)
{
    const struct images images = made_images();
    const size_t bytes = shape_count(images.shape);
    uint8_t *seen = test_bytes(bytes), *expected = test_bytes(bytes);
    int mirrored = 0;
    for (int flip = FLIP_NONE; flip <= FLIP_ALTERNATE; flip++)
        for (int i = 0; i < MADE_IMAGES; i++) {
            const struct augment augment = {.flip = (enum flip)flip};
            const struct augmentation how = {.augment = &augment, .shape = images.shape, .seed = 3, .epoch = i % 4};
            augment_image(seen, images_pixels(&images, i), &how, i);
            augment_view(expected, images_pixels(&images, i), images.shape, augment_mirrored(&how, i), 0, 0);
            CHECK(memcmp(seen, expected, bytes) == 0);
            mirrored += augment_mirrored(&how, i);
        }
    CHECK(mirrored > MADE_IMAGES / 2 && mirrored < 3 * MADE_IMAGES / 2);
}

/* One who is sure of the labels gives their very gradient, whatever is mirrored and mixed, and however classes are
 * weighted; so does one who is right of the view that is seen, and wrong of the other. */
TEST(a_teacher_that_knows_the_labels_is_as_good_as_they_are_to_the_bit)
{
    static const float class_weights[MADE_CLASSES] = {1, 0.5f, 2};
    const struct augment augment = {.flip = FLIP_RANDOM, .crop = 2, .mixup = 0.4f, .cutmix = 1};
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct trainer_settings settings = settings_of(1, augment);
    const struct augmentation how = {.augment = &augment, .shape = images.shape, .seed = 5};
    const struct net net = student();
    struct trainer *plain = opened(&net, 2);
    plain->class_weights = class_weights;
    train(plain, &settings, &subset);
    for (int views = 1; views <= 2; views++) {
        float *logits = test_floats((size_t)subset.count * 2 * MADE_CLASSES);
        for (int i = 0; i < subset.count; i++) {
            const int label = subset_label(&subset, i), seen = augment_mirrored(&how, subset.indices[i]);
            for (int view = 0; view < views; view++)
                be_sure(logits + (i * views + view) * MADE_CLASSES,
                        views == 1 || view == seen ? label : (label + 1) % MADE_CLASSES);
        }
        const struct distillation distillation = {
            .logits = logits, .rows = rows_of(&subset), .views = views, .temperature = 1, .weight = 1};
        struct trainer *taught = opened(&net, 3);
        taught->class_weights = class_weights;
        taught->distillation = &distillation;
        train(taught, &settings, &subset);
        test_context("%d views", views);
        CHECK_SAME_BITS(taught->parameters, plain->parameters, net_parameter_count(&net));
    }
}

/* Half of the labels are wrong, and the teacher knows better. */
TEST(a_student_learns_more_of_a_teacher_than_of_bad_labels)
{
    const struct images images = made_images();
    uint16_t *bad = test_bytes(MADE_IMAGES * sizeof *bad);
    for (int i = 0; i < MADE_IMAGES; i++)
        bad[i] = (uint16_t)((images.labels[i] + (i % 2 ? 1 + i / 2 % 2 : 0)) % MADE_CLASSES);
    struct images mislabelled = images;
    mislabelled.labels = bad;
    const struct subset subset = made_subset(&mislabelled), right = {&images, subset.indices, subset.count};
    float *logits = test_floats((size_t)subset.count * MADE_CLASSES);
    for (int i = 0; i < subset.count; i++)
        for (int k = 0; k < MADE_CLASSES; k++)
            logits[i * MADE_CLASSES + k] = k == subset_label(&right, i) ? 4 : 0;
    const struct distillation distillation = {
        .logits = logits, .rows = rows_of(&subset), .views = 1, .temperature = 2, .weight = 0.9f};
    const struct trainer_settings settings = settings_of(15, (struct augment){.flip = FLIP_RANDOM});
    const struct net net = student();
    struct trainer *alone = opened(&net, 1), *taught = opened(&net, 1), *again = opened(&net, 4);
    taught->distillation = again->distillation = &distillation;
    train(alone, &settings, &subset);
    train(taught, &settings, &subset);
    train(again, &settings, &subset);
    CHECK_SAME_BITS(again->parameters, taught->parameters, net_parameter_count(&net));
    const struct epoch_result a = trainer_measure(alone, &right), b = trainer_measure(taught, &right);
    test_context("%d of %d by labels, %d with a teacher", a.correct, a.count, b.correct);
    CHECK(b.correct > a.correct + 5 && b.correct > 0.8 * b.count);
}

/* ---- The teacher's embedding ---- */

struct matched {
    double *projections; /* (n, stride) */
    const struct embedding_matching *matching;
};

static double matching_loss(void *context)
{
    const struct matched *matched = context;
    const struct embedding_matching *m = matched->matching;
    double sum = 0;
    for (int i = 0; i < m->n; i++) {
        double squares = 0;
        for (int k = 0; k < m->e; k++) {
            const double error = matched->projections[i * m->stride + k] - (double)m->wanted[i * m->e + k];
            squares += error * error;
        }
        sum += (double)m->weight * (double)m->targets[i].weight * squares / (2 * sqrt((double)m->e));
    }
    return sum;
}

TEST(gradient_of_the_projections_is_the_derivative_of_their_loss)
{
    enum { N = 3, E = 5, STRIDE = 7 };
    struct random random = random_seed(321, 0);
    float *projections = test_random_floats(N * STRIDE, &random), *wanted = test_random_floats(N * E, &random);
    float *gradient = test_floats(N * STRIDE), losses[N] = {1, 2, 3};
    struct target targets[N];
    for (int i = 0; i < N; i++) {
        targets[i] = target_of(0);
        targets[i].weight = 1 + 0.5f * (float)i;
    }
    const struct embedding_matching matching = {wanted, targets, 0.7f, N, E, STRIDE};
    embedding_matching_forward(losses, projections, &matching);
    embedding_matching_backward(gradient, projections, &matching, 1);
    struct matched matched = {test_widened(projections, N * STRIDE), &matching};
    CHECK_CLOSE((double)losses[0] + (double)losses[1] + (double)losses[2], 6 + matching_loss(&matched), 1e-5);
    gradient_check("projections", gradient,
                   &(struct function){matching_loss, &matched, matched.projections, N * STRIDE}, N * STRIDE);
}

/* Two numbers of each image, in which the mirror image differs. */
static void embed(float *embedding, const struct images *images, int image, bool mirrored)
{
    embedding[0] = images->labels[image] == 0 ? 1 : -1;
    embedding[1] = mirrored ? 0.5f : -0.5f;
}

/* A net with two outputs behind the classes; it is trained by nothing but the embedding where the weight of the scores,
 * which say nothing, is 1. */
TEST(projections_come_to_the_embedding_and_leave_the_classes_alone)
{
    enum { E = 2, STRIDE = 3 };
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    struct net net = student();
    net.nodes[net_head(&net)].channels += E;
    CHECK(net_check(&net, NULL) == STATUS_OK);
    float *logits = test_floats((size_t)subset.count * MADE_CLASSES), *embeddings[2];
    for (int view = 0; view < 2; view++) {
        embeddings[view] = test_floats((size_t)subset.count * STRIDE);
        for (int i = 0; i < subset.count; i++)
            embed(embeddings[view] + i * STRIDE, &images, subset.indices[i], view == 1);
    }
    const struct distillation distillation = {.logits = logits,
                                              .rows = rows_of(&subset),
                                              .views = 1,
                                              .temperature = 1,
                                              .weight = 1,
                                              .embeddings = {embeddings[0], embeddings[1]},
                                              .embedding_stride = STRIDE,
                                              .embedding_weight = 1};
    const struct trainer_options options = {
        .net = &net, .parallel = parallel_threads(2), .shard = 5, .distilled = true, .projections = E};
    const struct trainer_settings settings = settings_of(30, (struct augment){0});
    struct trainer *trainer = made_trainer(options);
    trainer->distillation = &distillation;
    double first = 0, last = 0;
    for (int number = 0; number < settings.epochs; number++) {
        const struct epoch epoch = {.settings = &settings, .subset = subset, .number = number};
        last = epoch_loss(&(struct epoch_result[]){trainer_epoch(trainer, &epoch)}[0]);
        first = number ? first : last;
    }
    test_context("loss %g, and %g at the end", first, last);
    CHECK(last < 0.4 * first);
    /* Scores that are the same for all classes: what was learned is in the projections. */
    const struct epoch_result measured = trainer_measure(trainer, &subset);
    CHECK_CLOSE(epoch_loss(&measured), log(MADE_CLASSES), 0.1);
}

static const struct test tests[] = {
    ENTRY(gradient_of_the_projections_is_the_derivative_of_their_loss),
    ENTRY(projections_come_to_the_embedding_and_leave_the_classes_alone),
    ENTRY(loss_and_gradient_are_those_by_hand),
    ENTRY(gradient_is_the_derivative_of_the_loss),
    ENTRY(augment_mirrored_tells_what_augment_image_does),
    ENTRY(a_teacher_that_knows_the_labels_is_as_good_as_they_are_to_the_bit),
    ENTRY(a_student_learns_more_of_a_teacher_than_of_bad_labels),
};
const struct suite distillation_suite = SUITE("distillation", tests);
