#include "teacher.h"

#include "teacher_parts.h"
#include "training/calibration.h"
#include "training/cross_validation.h"
#include "training/similarity.h"
#include "training/standardize.h"

#include <assert.h>
#include <string.h>

/* From the strongest regularization to the weakest (train_native/commands/regression_choice.c has the same scale). */
static const float strengths[] = {1, 0.3f, 0.1f, 0.03f, 0.01f, 0.003f, 0.001f};
enum { STRENGTHS = sizeof strengths / sizeof *strengths, USUAL_STRENGTH = 2 };

/* Of more pictures than these the strength stays: every one tried takes another cross-validation. */
enum { MAX_COUNT_TO_CHOOSE = 1000 };

#define PRECISION 0.95 /* of the answers above the threshold */

/* ---- Opening ---- */

static struct eyelet_teacher *plan(struct arena *arena)
{
    struct eyelet_teacher *teacher = arena_alloc(arena, 1, sizeof *teacher);
    struct model *model = arena_alloc(arena, 1, sizeof *model), *taught = arena_alloc(arena, 1, sizeof *taught);
    if (teacher)
        *teacher = (struct eyelet_teacher){.model = model, .taught = taught};
    return teacher;
}

static enum status check(struct model *model, int *head, float *factor, const void *bytes, size_t size)
{
    enum status status = model_read(model, bytes, size);
    if (!status)
        status = tail_find(head, factor, &model->net);
    const bool fresh = status == STATUS_NO_HEAD && !model->examples.count; /* which go on with the head they had */
    return fresh ? tail_replace(head, factor, &model->net) : status;
}

enum status eyelet_teacher_bytes(size_t *bytes, const void *model_bytes, size_t size)
{
    struct model model;
    int head;
    float factor;
    struct arena arena = {0};
    plan(&arena);
    const enum status status = check(&model, &head, &factor, model_bytes, size);
    *bytes = status ? 0 : (size_t)arena.used;
    return status;
}

enum status eyelet_teacher_open(struct eyelet_teacher **opened, void *memory, const void *model_bytes, size_t size)
{
    assert((uintptr_t)memory % ARENA_ALIGNMENT == 0);
    struct arena measure = {0};
    plan(&measure);
    struct arena arena = {.base = memory, .size = measure.used};
    struct eyelet_teacher *teacher = plan(&arena);
    struct model *model = teacher->model;
    const enum status status = check(model, &teacher->head, &teacher->factor, model_bytes, size);
    if (status)
        return status;
    if (model->type == WEIGHTS_QUANTIZED) {
        float scale[LIMIT_NODES + 1];
        int8_scales(scale, &model->net, model->scale, &model->preprocess);
        teacher->embedding_scale = scale[model->net.embedding];
    }
    teacher->temperature = 1;
    teacher->limit = -1;
    teacher->l2 = strengths[USUAL_STRENGTH];
    *opened = teacher;
    return STATUS_OK;
}

int eyelet_teacher_embedding_count(const struct eyelet_teacher *teacher) { return teacher_features(teacher); }

int eyelet_teacher_model_classes(const struct eyelet_teacher *teacher) { return net_classes(&teacher->model->net); }

/* ---- Classes ---- */

static void plan_head(struct tail *tail, float **weights, const struct eyelet_teacher *teacher, int classes,
                      struct arena *arena)
{
    const uint64_t features = (uint64_t)teacher_features(teacher);
    *weights = arena_alloc(arena, (features + 1) * (uint64_t)classes, sizeof(float));
    tail_plan(tail, teacher->model, classes, arena);
}

size_t eyelet_teacher_head_bytes(const struct eyelet_teacher *teacher, int classes)
{
    struct tail tail;
    float *weights;
    struct arena measure = {0};
    plan_head(&tail, &weights, teacher, classes, &measure);
    return (size_t)measure.used;
}

/* Rounds the weights into the tail. */
static enum status set_head(struct eyelet_teacher *teacher, float range)
{
    teacher->tail.embedding_scale = teacher->embedding_scale;
    teacher->tail.model->temperature = teacher->temperature;
    return tail_set(&teacher->tail, teacher->weights, range) ? STATUS_OK : STATUS_NOT_FINITE;
}

void eyelet_teacher_set_classes(struct eyelet_teacher *teacher, void *memory, int classes, const int *from)
{
    assert((uintptr_t)memory % ARENA_ALIGNMENT == 0);
    const float *old = teacher->weights;
    const int rows = teacher_features(teacher) + 1, before = teacher->classes;
    struct arena arena = {.base = memory, .size = eyelet_teacher_head_bytes(teacher, classes)};
    plan_head(&teacher->tail, &teacher->weights, teacher, classes, &arena);
    for (int k = 0; k < rows; k++)
        for (int c = 0; c < classes; c++) {
            assert(!from || from[c] < before);
            teacher->weights[k * classes + c] = from && from[c] >= 0 ? old[k * before + from[c]] : 0;
        }
    teacher->classes = classes;
    struct model *taught = teacher->taught;
    *taught = *teacher->model;
    taught->net.nodes[teacher->head].channels = classes;
    taught->net.nodes[teacher->head].bias = true;
    net_check(&taught->net, NULL);
    set_head(teacher, 0);
}

enum status eyelet_teacher_take_head(struct eyelet_teacher *teacher)
{
    struct model *model = teacher->model;
    assert(teacher->classes == net_classes(&model->net));
    if (!model->net.nodes[teacher->head].bias)
        memset(teacher->weights + (size_t)teacher_features(teacher) * (size_t)teacher->classes, 0,
               (size_t)teacher->classes * sizeof(float));
    if (!model_parameters(teacher->weights, model, teacher->head))
        return STATUS_NOT_FINITE;
    teacher->temperature = model->temperature;
    const float scale = model->scale[teacher->head];
    const enum status status = set_head(teacher, scale * (float)ACTIVATION_MAX);
    if (status || !model->net.nodes[teacher->head].bias)
        return status;
    tail_take(&teacher->tail, model->weights + teacher_bytes_before_head(teacher), scale);
    return STATUS_OK;
}

/* ---- Training ---- */

struct work {
    float *x, *moments, *w; /* (count, features + 1), (2, features + 1), (folds, features + 1, classes) */
    struct target *targets;
    float *logits;
    int *labels; /* (count), as logits: of the pictures that are held out, one behind the other */
    struct answer *answers;
    uint8_t *folds;
    struct arena rest;
    struct regression data;
};

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

static struct work plan_work(const struct eyelet_teacher *teacher, int classes, int count, struct arena *arena)
{
    struct work work;
    const uint64_t n = (uint64_t)count, columns = (uint64_t)teacher_features(teacher) + 1;
    work.x = arena_alloc(arena, n * columns, sizeof(float));
    work.moments = arena_alloc(arena, 2 * columns, sizeof(float));
    work.w = arena_alloc(arena, CROSS_VALIDATION_FOLDS * columns * (uint64_t)classes, sizeof(float));
    work.targets = arena_alloc(arena, n, sizeof *work.targets);
    work.logits = arena_alloc(arena, n * (uint64_t)classes, sizeof(float));
    work.labels = arena_alloc(arena, n, sizeof *work.labels);
    work.answers = arena_alloc(arena, n, sizeof *work.answers);
    work.folds = arena_alloc(arena, n, 1);
    work.data = (struct regression){work.x, work.targets, count, (int)columns, classes, gemm_exact, NULL};
    work.rest.size = larger(cross_validation_bytes(&work.data), similarity_limit_bytes(count));
    work.rest.base = arena_alloc(arena, work.rest.size, 1);
    work.rest.used = 0;
    return work;
}

size_t eyelet_teacher_work_bytes(const struct eyelet_teacher *teacher, int classes, int count)
{
    struct arena measure = {0};
    plan_work(teacher, classes, count, &measure);
    return (size_t)measure.used;
}

/* In this thread: programs that embed core bring no OpenMP. */
static void run_here(const struct parallel *parallel, int count, parallel_task *task, void *context)
{
    (void)parallel;
    for (int item = 0; item < count; item++)
        task(context, item, 0);
}

static const struct parallel here = {.threads = 1, .run = run_here};

/* Binds the work and fills in what both calls need of the pictures: standardised, with their folds. */
static struct work begin(struct standardizer *standardizer, const struct eyelet_teacher *teacher,
                         const struct eyelet_pictures *pictures, void *memory)
{
    struct arena arena = {.base = memory,
                          .size = eyelet_teacher_work_bytes(teacher, teacher->classes, pictures->count)};
    assert((uintptr_t)memory % ARENA_ALIGNMENT == 0 && pictures->count > 0 && teacher->classes > 0);
    struct work work = plan_work(teacher, teacher->classes, pictures->count, &arena);
    const int features = teacher_features(teacher);
    for (int i = 0; i < pictures->count; i++) {
        float *row = work.x + (size_t)i * (size_t)(features + 1);
        memcpy(row, pictures->embeddings + (size_t)i * (size_t)features, (size_t)features * sizeof *row);
        row[features] = 1;
        assert(pictures->classes[i] >= 0 && pictures->classes[i] < teacher->classes);
        work.targets[i] = target_of(pictures->classes[i]);
    }
    work.data.parallel = &here;
    cross_validation_deal(work.folds, &work.data);
    *standardizer = standardizer_of(work.x, pictures->count, features + 1, work.moments);
    standardize(work.x, pictures->count, standardizer);
    return work;
}

static float largest_of(const float *numbers, size_t count)
{
    float largest = 0;
    for (size_t k = 0; k < count; k++) {
        const float size = numbers[k] < 0 ? -numbers[k] : numbers[k];
        largest = size > largest ? size : largest;
    }
    return largest;
}

static enum status fit(struct eyelet_teacher *teacher, struct work *work, const struct standardizer *standardizer)
{
    const int classes = teacher->classes;
    standardizer_weights(work->w, teacher->weights, standardizer, classes, teacher->factor);
    softmax_regression(work->w, &work->data, teacher->l2, work->rest);
    softmax_regression_logits(work->logits, work->w, &work->data, work->rest);
    standardizer_head(teacher->weights, work->w, standardizer, classes, teacher->factor);
    return set_head(teacher, largest_of(work->logits, (size_t)work->data.count * (size_t)classes) / teacher->factor);
}

static void find_limit(struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures, const struct work *work)
{
    teacher->limit =
        similarity_limit(pictures->embeddings, work->folds, pictures->count, teacher_features(teacher), work->rest);
}

void eyelet_teacher_find_limit(struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures, void *memory)
{
    struct standardizer standardizer;
    const struct work work = begin(&standardizer, teacher, pictures, memory);
    find_limit(teacher, pictures, &work);
}

enum status eyelet_teacher_train(struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures, void *memory)
{
    struct standardizer standardizer;
    struct work work = begin(&standardizer, teacher, pictures, memory);
    find_limit(teacher, pictures, &work);
    return fit(teacher, &work, &standardizer);
}

/* Leaves the scores of the best strength in work->logits. */
static void choose_strength(struct eyelet_teacher *teacher, struct work *work)
{
    const size_t weights = (size_t)work->data.features * (size_t)work->data.classes;
    memset(work->w, 0, CROSS_VALIDATION_FOLDS * weights * sizeof(float));
    if (work->data.count > MAX_COUNT_TO_CHOOSE) {
        cross_validation(work->logits, work->w, &work->data, work->folds, teacher->l2, work->rest);
        return;
    }
    double best = 0;
    for (int s = 0; s < STRENGTHS; s++) {
        const double loss = cross_validation(work->logits, work->w, &work->data, work->folds, strengths[s], work->rest);
        if (s > 0 && !(loss < best))
            break;
        best = loss;
        teacher->l2 = strengths[s];
    }
    cross_validation(work->logits, work->w, &work->data, work->folds, teacher->l2, work->rest);
}

/* Of the held out pictures, whose scores and classes are moved together. */
static void calibrate(struct eyelet_estimate *estimate, struct eyelet_teacher *teacher, struct work *work)
{
    const int classes = teacher->classes;
    int n = 0;
    for (int i = 0; i < work->data.count; i++) {
        if (work->folds[i] == CROSS_VALIDATION_KEPT)
            continue;
        memmove(work->logits + (size_t)n * (size_t)classes, work->logits + (size_t)i * (size_t)classes,
                (size_t)classes * sizeof(float));
        work->labels[n++] = work->data.targets[i].label;
    }
    *estimate =
        (struct eyelet_estimate){.held_out = n, .temperature = 1, .interval = {1, 1}, .l2 = (double)teacher->l2};
    if (n >= EYELET_TEACHER_MIN_ANSWERS && calibration_gain(work->logits, work->labels, n, classes) > 0) {
        estimate->temperature = calibration_temperature(work->logits, work->labels, n, classes);
        calibration_temperature_interval(estimate->interval, work->logits, work->labels, n, classes,
                                         estimate->temperature);
    }
    calibration_answers(work->answers, work->logits, work->labels, n, classes, estimate->temperature);
    for (int i = 0; i < n; i++)
        estimate->right += work->answers[i].best == work->answers[i].label;
    const struct threshold threshold = calibration_threshold(work->answers, n, PRECISION);
    if (threshold.answered >= EYELET_TEACHER_MIN_ANSWERS) {
        estimate->threshold = threshold.score;
        estimate->answered = threshold.answered;
        estimate->answered_right = threshold.right;
    }
}

enum status eyelet_teacher_evaluate(struct eyelet_estimate *estimate, int *answers, float *scores,
                                    struct eyelet_teacher *teacher, const struct eyelet_pictures *pictures,
                                    void *memory)
{
    assert(teacher->classes > 1);
    struct standardizer standardizer;
    struct work work = begin(&standardizer, teacher, pictures, memory);
    choose_strength(teacher, &work);
    calibrate(estimate, teacher, &work);
    for (int i = 0, n = 0; i < pictures->count; i++) {
        const bool held_out = work.folds[i] != CROSS_VALIDATION_KEPT;
        const struct answer *answer = held_out ? &work.answers[n++] : NULL;
        answers[i] = answer ? answer->best : -1;
        scores[i] = answer ? (float)answer->score : 0;
    }
    teacher->temperature = (float)estimate->temperature;
    find_limit(teacher, pictures, &work);
    return fit(teacher, &work, &standardizer);
}

/* ---- Answering ---- */

void eyelet_teacher_run(struct eyelet_teacher *teacher, const float *embedding) { tail_run(&teacher->tail, embedding); }

const float *eyelet_teacher_logits(const struct eyelet_teacher *teacher) { return tail_logits(&teacher->tail); }

const float *eyelet_teacher_probabilities(const struct eyelet_teacher *teacher)
{
    return tail_probabilities(&teacher->tail);
}

void eyelet_teacher_similarities(float *similarities, const struct eyelet_teacher *teacher, const float *embedding,
                                 const struct eyelet_pictures *pictures)
{
    similarity_find(similarities, embedding, pictures->embeddings, pictures->count, teacher_features(teacher));
}

float eyelet_teacher_limit(const struct eyelet_teacher *teacher) { return teacher->limit; }
