#include "commands/teaching.h"

#include "base/argmax.h"
#include "base/vec/vec.h"
#include "cli/clock.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/regression_choice.h"
#include "data/memory_budget.h"
#include "ranks/ranks.h"
#include "training/standardize.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The model ---- */

static bool same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    return strcmp(a, b) == 0 ||
           (stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino);
}

void teaching_open(struct teaching *teaching, const struct dataset *dataset, const struct train_options *options)
{
    struct failure failure;
    *teaching = (struct teaching){.options = options};
    if (options->output && same_file(options->teacher, options->output))
        die(options->teacher, "Give the student another name with -o.",
            "the teacher would be overwritten by the model that is trained");
    if (!teacher_open(&teaching->teacher, options->teacher, dataset, options->embedding_weight > 0, &failure))
        die_of(&failure);
    char *matched = options->embedding_weight > 0
                        ? text_format(", of its embedding %g", (double)options->embedding_weight)
                        : text_copy("");
    teaching->note =
        text_format("teacher: %s, temperature %g, weight %g%s, sha256 %s\n", options->teacher,
                    (double)options->temperature, (double)options->teacher_weight, matched, teaching->teacher.sha256);
    free(matched);
}

void teaching_free(struct teaching *teaching)
{
    teacher_free(&teaching->teacher);
    free(teaching->logits);
    free(teaching->embeddings[0]);
    free(teaching->embeddings[1]);
    free(teaching->rows);
    free(teaching->note);
}

char *teaching_identity(const struct teaching *teaching)
{
    const struct train_options *o = teaching->options;
    return text_format("--teacher=%s\n--temperature=%.9g\n--teacher-weight=%.9g\n--embedding-weight=%.9g\n",
                       teaching->teacher.sha256, (double)o->temperature, (double)o->teacher_weight,
                       (double)o->embedding_weight);
}

/* ---- Files that keep outputs ---- */

/* NULL: nothing is kept, of records, and where no model is written. */
static char *outputs_file(const struct train_options *o, const struct dataset *dataset)
{
    if (!dataset->files || !o->output)
        return NULL;
    return o->embeddings ? text_copy(o->embeddings) : with_suffix(o->output, ".embeddings");
}

static char *scores_file(const struct train_options *o, const struct dataset *dataset)
{
    return dataset->files && o->output ? with_suffix(o->output, ".teacher") : NULL;
}

void teaching_remove(const struct train_options *options)
{
    char *path = with_suffix(options->output, ".teacher");
    embedding_cache_remove(path);
    free(path);
}

/* ---- The work ---- */

struct work {
    struct teaching *teaching;
    const struct teaching_input *input;
    struct teacher_images train, validation;
    int stride;       /* numbers of an output, and a 1 behind them for regression */
    float *x[2];      /* (training images, stride) of each view */
    float *validated; /* (validation images, stride) */
    int classes;
    uint64_t memory;
};

static struct teacher_images images_of(const struct work *work, const struct subset *subset, int views)
{
    const struct dataset *dataset = work->input->dataset;
    uint64_t *contents = allocate((size_t)subset->count + 1, sizeof *contents);
    teacher_contents(contents, dataset, subset);
    return (struct teacher_images){subset, dataset->files, contents, views};
}

static void check_memory(const struct work *work, uint64_t regression_bytes)
{
    const uint64_t rows =
        (uint64_t)work->train.subset->count * (uint64_t)work->train.views + (uint64_t)work->validation.subset->count;
    const uint64_t copies = work->input->dataset->files ? 2 : 1; /* of outputs, while they are written to their file */
    const uint64_t numbers = copies * (uint64_t)work->stride + (uint64_t)work->classes;
    const uint64_t need = rows * numbers * sizeof(float) + regression_bytes;
    if (need > work->memory)
        die(NULL, "Give it more with --memory, or fewer images with --limit.",
            "%s outputs of the teacher of %s numbers take %s MiB of memory; %s MiB are left for them",
            format_thousands(rows), format_thousands((uint64_t)work->stride), format_thousands((need >> 20) + 1),
            format_thousands(work->memory >> 20));
}

static float *outputs_new(const struct work *work, int count)
{
    float *x = allocate((size_t)count * (size_t)work->stride + 1, sizeof(float));
    for (int i = 0; i < count; i++)
        x[(size_t)(i + 1) * (size_t)work->stride - 1] = 1;
    return x;
}

/* Fills in x and validated. */
static void ask(struct work *work)
{
    const struct train_options *o = work->teaching->options;
    const struct teacher *teacher = &work->teaching->teacher;
    const double start = seconds_now();
    const int rows = work->train.subset->count * work->train.views + work->validation.subset->count;
    char *path = outputs_file(o, work->input->dataset);
    uint8_t key[SHA256_BYTES];
    struct embedding_cache cache;
    struct failure failure;
    teacher_key(key, teacher);
    embedding_cache_open(&cache, path, key, teacher->features, rows);
    const struct teacher_work with = {work->input->parallel, work->memory,
                                      !o->json && isatty(STDOUT_FILENO) && !ranks_launched(), &cache};
    for (int view = 0; view < work->train.views; view++)
        work->x[view] = outputs_new(work, work->train.subset->count);
    work->validated = outputs_new(work, work->validation.subset->count);
    if (!teacher_outputs(work->x, work->stride, teacher, &work->train, &with, &failure) ||
        !teacher_outputs(&work->validated, work->stride, teacher, &work->validation, &with, &failure))
        die_of(&failure);
    embedding_cache_save(&cache);
    if (!o->json && cache.found)
        printf("%s of ", format_thousands((uint64_t)cache.found));
    if (!o->json)
        printf("%s outputs of the teacher of %s numbers %s %.1f s\n", format_thousands((uint64_t)rows),
               format_thousands((uint64_t)teacher->features), cache.found ? "were kept from before;" : "in",
               seconds_now() - start);
    fflush(stdout);
    embedding_cache_free(&cache);
    free(path);
}

static float *logits_at(const struct work *work, int image, int view)
{
    return work->teaching->logits + ((size_t)image * (size_t)work->train.views + (size_t)view) * (size_t)work->classes;
}

/* ---- A teacher of the data's classes ---- */

static void take_logits(const struct work *work)
{
    const struct teacher *teacher = &work->teaching->teacher;
    for (int i = 0; i < work->train.subset->count; i++)
        for (int view = 0; view < work->train.views; view++)
            for (int k = 0; k < work->classes; k++)
                logits_at(work, i, view)[k] =
                    work->x[view][(size_t)i * (size_t)work->stride + (size_t)teacher->classes[k]] /
                    teacher->temperature;
}

/* ---- A head for a teacher of other classes ---- */

static struct regression regression_of(const struct work *work, const float *x, const struct subset *subset,
                                       const float *class_weights)
{
    struct target *targets = allocate((size_t)subset->count + 1, sizeof *targets);
    for (int i = 0; i < subset->count; i++) {
        targets[i] = target_of(subset_label(subset, i));
        targets[i].weight = class_weights ? class_weights[targets[i].label] : 1;
    }
    return (struct regression){
        x, targets, subset->count, work->stride, work->classes, work->input->gemm, work->input->parallel};
}

/* The embeddings, as the training images have them. */
static void standardize_all(struct work *work)
{
    const int count = work->train.subset->count;
    float *moments = allocate(2 * (size_t)work->stride, sizeof *moments);
    const struct standardizer standardizer = standardizer_of(work->x[0], count, work->stride, moments);
    for (int view = 0; view < work->train.views; view++)
        standardize(work->x[view], count, &standardizer);
    standardize(work->validated, work->validation.subset->count, &standardizer);
    free(moments);
}

static void fit_head(struct work *work)
{
    struct train_options o = *work->teaching->options;
    o.views = 1;
    struct regression train = regression_of(work, work->x[0], work->train.subset, work->input->class_weights);
    struct regression validation = regression_of(work, work->validated, work->validation.subset, NULL);
    float *w = allocate((size_t)work->stride * (size_t)work->classes, sizeof(float));
    float *logits = allocate((size_t)train.count * (size_t)work->classes, sizeof(float));
    regression_choose(w, &o, &train, &validation);
    struct arena memory = {.size = softmax_regression_bytes(&train)};
    memory.base = allocate((size_t)memory.size, 1);
    for (int view = 0; view < work->train.views; view++) {
        train.x = work->x[view];
        softmax_regression_logits(logits, w, &train, memory);
        for (int i = 0; i < train.count; i++)
            memcpy(logits_at(work, i, view), logits + (size_t)i * (size_t)work->classes,
                   (size_t)work->classes * sizeof(float));
    }
    free(memory.base);
    free(logits);
    free(w);
    free((void *)train.targets);
    free((void *)validation.targets);
}

/* Of all that the scores follow from but the image: the trunk, and what its head was fitted to. */
static void scores_key(uint8_t key[SHA256_BYTES], const struct work *work)
{
    const struct teaching_input *input = work->input;
    const struct teacher_images *const parts[] = {&work->train, &work->validation};
    const bool fused = input->gemm != gemm_exact && VEC_FUSED;
    struct sha256 state = sha256_begin();
    teacher_key(key, &work->teaching->teacher);
    sha256_add(&state, key, SHA256_BYTES);
    sha256_add(&state, &fused, sizeof fused);
    for (int part = 0; part < 2; part++) {
        const struct subset *subset = parts[part]->subset;
        sha256_add(&state, &subset->count, sizeof subset->count);
        sha256_add(&state, parts[part]->contents, (size_t)subset->count * sizeof *parts[part]->contents);
        for (int i = 0; i < subset->count; i++) {
            const int label = subset_label(subset, i);
            sha256_add(&state, &label, sizeof label);
        }
    }
    if (input->class_weights)
        sha256_add(&state, input->class_weights, (size_t)work->classes * sizeof(float));
    sha256_end(key, &state);
}

/* Whether all of them were kept. */
static bool find_scores(const struct work *work, struct embedding_cache *cache)
{
    bool all = true;
    for (int i = 0; i < work->train.subset->count && all; i++)
        for (int view = 0; view < work->train.views && all; view++) {
            const float *known = embedding_cache_find(cache, teacher_view_content(work->train.contents[i], view));
            all = known;
            if (known)
                memcpy(logits_at(work, i, view), known, (size_t)work->classes * sizeof(float));
        }
    return all;
}

/* Fills in x and validated, standardised. */
static void ask_embeddings(struct work *work, bool regression)
{
    const struct regression like = {.count = work->train.subset->count,
                                    .features = work->stride,
                                    .classes = work->classes,
                                    .gemm = work->input->gemm,
                                    .parallel = work->input->parallel};
    check_memory(work, regression ? softmax_regression_bytes(&like) : 0);
    ask(work);
    standardize_all(work);
}

static void make_scores(struct work *work)
{
    const int rows = work->train.subset->count * work->train.views;
    char *path = scores_file(work->teaching->options, work->input->dataset);
    uint8_t key[SHA256_BYTES];
    struct embedding_cache cache;
    scores_key(key, work);
    embedding_cache_open(&cache, path, key, work->classes, rows);
    const bool found = find_scores(work, &cache);
    if (!found || work->teaching->options->embedding_weight > 0)
        ask_embeddings(work, !found);
    if (!found) {
        fit_head(work);
        for (int i = 0; i < work->train.subset->count; i++)
            for (int view = 0; view < work->train.views; view++)
                embedding_cache_add(&cache, teacher_view_content(work->train.contents[i], view),
                                    logits_at(work, i, view));
        embedding_cache_save(&cache);
    } else if (!work->teaching->options->json) {
        printf("%s scores of the teacher were kept from before\n", format_thousands((uint64_t)rows));
    }
    embedding_cache_free(&cache);
    free(path);
}

/* ---- All of it ---- */

/* How often the teacher's best class is the label. */
static void print_agreement(const struct work *work)
{
    const struct train_options *o = work->teaching->options;
    const struct subset *subset = work->train.subset;
    int right = 0;
    for (int i = 0; i < subset->count; i++)
        right += argmax(logits_at(work, i, 0), work->classes) == subset_label(subset, i);
    if (o->json)
        return;
    printf("teacher: ");
    print_escaped(stdout, o->teacher);
    printf("%s says the label of %.2f %% of the training images; temperature %g, weight %g\n",
           work->teaching->teacher.classes ? "" : ", with a head for these classes,", 100.0 * right / subset->count,
           (double)o->temperature, (double)o->teacher_weight);
}

void teaching_run(struct teaching *teaching, const struct teaching_input *input)
{
    const struct train_options *o = teaching->options;
    const int views = o->settings.augment.flip == FLIP_NONE ? 1 : 2, count = input->train->count;
    const struct subset none = {input->train->images, NULL, 0};
    struct work work = {.teaching = teaching,
                        .input = input,
                        .stride = teaching->teacher.features + 1,
                        .classes = input->dataset->classes,
                        .memory = memory_budget(o->data.memory)};
    work.train = images_of(&work, input->train, views);
    work.validation = images_of(&work, teaching->teacher.classes ? &none : input->validation, 1);
    teaching->logits = allocate((size_t)count * (size_t)views * (size_t)work.classes, sizeof(float));
    if (teaching->teacher.classes) {
        check_memory(&work, 0);
        ask(&work);
        take_logits(&work);
    } else {
        make_scores(&work);
    }
    print_agreement(&work);
    teaching->rows = allocate((size_t)input->dataset->count, sizeof *teaching->rows);
    for (int i = 0; i < count; i++)
        teaching->rows[input->train->indices[i]] = i;
    teaching->distillation = (struct distillation){.logits = teaching->logits,
                                                   .rows = teaching->rows,
                                                   .views = views,
                                                   .temperature = o->temperature,
                                                   .weight = o->teacher_weight,
                                                   .embedding_stride = work.stride,
                                                   .embedding_weight = o->embedding_weight};
    for (int view = 0; view < views; view++) {
        if (o->embedding_weight > 0)
            teaching->distillation.embeddings[view] = teaching->embeddings[view] = work.x[view];
        else
            free(work.x[view]);
    }
    free(work.validated);
    free((void *)work.train.contents);
    free((void *)work.validation.contents);
}
