#include "commands/regression_choice.h"

#include "base/argmax.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "commands/progress.h"
#include "data/content.h"
#include "model/interval.h"

#include <stdlib.h>
#include <string.h>

static const float strengths[] = {3, 1, 0.3f, 0.1f, 0.03f, 0.01f, 0.003f, 0.001f, 0.0003f};
enum { STRENGTHS = sizeof strengths / sizeof *strengths, USUAL_STRENGTH = 3 };

/* Images of a class are dealt to so many parts; of fewer images in all nothing is learnt about the strength. */
enum { FOLDS = 3, MIN_IMAGES = 12 };

/* fold: of each row, only those of this number count; NULL: all rows do. */
static struct epoch_result score(const float *w, const struct regression *data, const int8_t *folds, int fold,
                                 struct arena memory)
{
    const size_t scores = (size_t)data->count * (size_t)data->classes;
    float *logits = allocate(2 * scores + (size_t)data->count, sizeof(float));
    float *probabilities = logits + scores, *losses = probabilities + scores;
    struct target *targets = allocate((size_t)data->count + 1, sizeof *targets);
    struct epoch_result result = {.finite = true};
    for (int i = 0; i < data->count; i++)
        targets[i] = folds ? target_of(data->targets[i].label) : data->targets[i]; /* what is held out has no weight */
    softmax_regression_logits(logits, w, data, memory);
    cross_entropy_forward(losses, probabilities, logits, targets, 0, data->count, data->classes);
    for (int i = 0; i < data->count; i++) {
        if (folds && folds[i] != fold)
            continue;
        result.count++;
        result.correct += argmax(logits + i * data->classes, data->classes) == targets[i].label;
        result.loss_sum += (double)losses[i];
    }
    free(targets);
    free(logits);
    return result;
}

static void print_strength(const struct train_options *o, float l2, int iterations, const struct epoch_result *train,
                           const struct epoch_result *validation)
{
    if (o->json) {
        struct json json = json_begin(stdout);
        json_object(&json, NULL);
        json_number(&json, "l2", "%g", (double)l2);
        json_int(&json, "iterations", iterations);
        json_epoch(&json, train, validation);
        json_close(&json);
        json_end(&json);
    } else {
        printf("L2 %-7g %3d iterations  loss %.4f  accuracy %.2f %%", (double)l2, iterations, epoch_loss(train),
               100 * epoch_accuracy(train));
        if (validation->count)
            printf("  validation loss %.4f  accuracy %s", epoch_loss(validation),
                   interval_percent(validation->correct, validation->count));
        printf("\n");
    }
}

/* Of all strengths, from the strongest to the weakest, the one with the lowest loss on the validation images. */
static struct epoch_result choose(float *best, const struct train_options *o, const struct regression *train,
                                  const struct regression *validation, struct arena memory)
{
    const size_t size = (size_t)train->features * (size_t)train->classes;
    float *w = allocate(size, sizeof(float));
    struct epoch_result chosen = {0};
    for (int s = 0; s < STRENGTHS; s++) {
        const int iterations = softmax_regression(w, train, strengths[s], memory);
        const struct epoch_result trained = score(w, train, NULL, 0, memory),
                                  measured = score(w, validation, NULL, 0, memory);
        print_strength(o, strengths[s], iterations, &trained, &measured);
        if (!chosen.count || measured.loss_sum < chosen.loss_sum) {
            memcpy(best, w, size * sizeof(float));
            chosen = measured;
        }
    }
    free(w);
    return chosen;
}

/* ---- Cross-validation ---- */

struct dealt {
    int label, image;
    uint64_t content;
};

static int by_label_and_content(const void *a, const void *b)
{
    const struct dealt *x = a, *y = b;
    if (x->label != y->label)
        return x->label - y->label;
    if (x->content != y->content)
        return x->content < y->content ? -1 : 1;
    return x->image - y->image;
}

/* fold: of each row. All views of an image, and equal images of a class, have one. */
static void deal(int8_t *folds, const struct regression *train, int views)
{
    const int images = train->count / views;
    struct dealt *dealt = allocate((size_t)images, sizeof *dealt);
    for (int i = 0; i < images; i++) {
        const float *row = train->x + (size_t)i * (size_t)views * (size_t)train->features;
        dealt[i] = (struct dealt){train->targets[i * views].label, i,
                                  content_hash((const uint8_t *)row, (size_t)train->features * sizeof(float), 0)};
    }
    qsort(dealt, (size_t)images, sizeof *dealt, by_label_and_content);
    for (int i = 0, fold = 0; i < images; i++) {
        fold = (fold + (i > 0 && (dealt[i].label != dealt[i - 1].label || dealt[i].content != dealt[i - 1].content))) %
               FOLDS;
        for (int view = 0; view < views; view++)
            folds[dealt[i].image * views + view] = (int8_t)fold;
    }
    free(dealt);
}

/* Trains without one part, whose images have a weight of 0; the others have more, so that the regularization, whose
 * loss is a mean over all rows, stays as strong. */
static struct epoch_result train_without(int fold, float *w, const struct regression *train, const int8_t *folds,
                                         float l2, struct arena memory)
{
    struct target *targets = allocate((size_t)train->count, sizeof *targets);
    int others = 0;
    for (int i = 0; i < train->count; i++)
        others += folds[i] != fold;
    for (int i = 0; i < train->count; i++) {
        targets[i] = train->targets[i];
        targets[i].weight *= folds[i] == fold || !others ? 0 : (float)train->count / (float)others;
    }
    struct regression part = *train;
    part.targets = targets;
    softmax_regression(w, &part, l2, memory);
    free(targets);
    return score(w, train, folds, fold, memory);
}

/* Returns the strength with the lowest loss on what is held out, and how it does there; from the strongest on, until it
 * gets worse. */
static int cross_validate(struct epoch_result *held_out, const struct train_options *o, const struct regression *train,
                          struct arena memory)
{
    const size_t size = (size_t)train->features * (size_t)train->classes;
    int8_t *folds = allocate((size_t)train->count, sizeof *folds);
    float *w = allocate(FOLDS * size, sizeof(float));
    int best = USUAL_STRENGTH;
    deal(folds, train, o->views);
    for (int s = 0; s < STRENGTHS; s++) {
        struct epoch_result sum = {0};
        for (int fold = 0; fold < FOLDS; fold++) {
            const struct epoch_result part =
                train_without(fold, w + (size_t)fold * size, train, folds, strengths[s], memory);
            sum.count += part.count;
            sum.correct += part.correct;
            sum.loss_sum += part.loss_sum;
        }
        if (s > 0 && !(sum.loss_sum < held_out->loss_sum))
            break;
        *held_out = sum;
        best = s;
    }
    free(w);
    free(folds);
    return best;
}

struct epoch_result regression_choose(float *w, const struct train_options *o, const struct regression *train,
                                      const struct regression *validation)
{
    const uint64_t bytes = softmax_regression_bytes(train), measuring = softmax_regression_bytes(validation);
    struct arena memory = {.size = bytes > measuring ? bytes : measuring};
    memory.base = allocate((size_t)memory.size, 1);
    struct epoch_result measured = {0}, held_out = {0};
    if (validation->count) {
        measured = choose(w, o, train, validation, memory);
    } else {
        const bool enough = train->count >= MIN_IMAGES * o->views;
        const int s = enough ? cross_validate(&held_out, o, train, memory) : USUAL_STRENGTH;
        if (enough && !o->json)
            printf("cross-validation: L2 %g is best, with an accuracy of %s on what is held out in turn\n",
                   (double)strengths[s], interval_percent(held_out.correct, held_out.count));
        const int iterations = softmax_regression(w, train, strengths[s], memory);
        const struct epoch_result trained = score(w, train, NULL, 0, memory);
        print_strength(o, strengths[s], iterations, &trained, &measured);
    }
    free(memory.base);
    return measured;
}
