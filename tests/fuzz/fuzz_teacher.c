/* libFuzzer target: a model, opened to be taught: the examples that it brings along and its head are taken as the page
 * takes them, it is taught and taught a class more, and what is written each time can be read. */
#include "fuzz/model_parts.h"
#include "net/model.h"
#include "teacher.h"
#include "teacher_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

FUZZ_MODELS

/* Softmax regression takes up to 200 steps of so many products; a fuzzer wants many small models. */
enum { MAX_PRODUCTS = 1 << 12, MAX_FEATURES = 64, OWN_PICTURES = 7 };

struct lesson {
    const uint8_t *bytes;
    size_t size;
    struct model model;
    struct eyelet_teacher *teacher;
    int classes, features;
    bool was_taught;
    struct eyelet_pictures pictures;
    float *embeddings;
    int *picture_classes;
};

static void *room(size_t bytes)
{
    void *memory = aligned_alloc(ARENA_ALIGNMENT, bytes);
    fuzz_require(memory != NULL);
    return memory;
}

/* Those of the file, or else some of each class. */
static void take_pictures(struct lesson *lesson)
{
    int count, side;
    bool has_embeddings;
    eyelet_teacher_examples(lesson->teacher, &count, &side, &has_embeddings);
    for (int i = 0; i < count; i++) {
        const uint8_t *thumbnail = eyelet_teacher_example_thumbnail(lesson->teacher, i);
        const size_t bytes = 3 * (size_t)side * (size_t)side;
        fuzz_require(!thumbnail == !side);
        fuzz_require(!side || (thumbnail >= lesson->bytes && thumbnail + bytes <= lesson->bytes + lesson->size));
    }
    const bool own = !has_embeddings;
    lesson->was_taught = !own;
    count = own ? OWN_PICTURES : count;
    const size_t features = (size_t)lesson->features, values = (size_t)count * features;
    lesson->embeddings = malloc(values * sizeof *lesson->embeddings);
    lesson->picture_classes = malloc((size_t)count * sizeof *lesson->picture_classes);
    for (int i = 0; i < count; i++) {
        float *embedding = lesson->embeddings + (size_t)i * features;
        lesson->picture_classes[i] = own ? i % lesson->classes : eyelet_teacher_example_class(lesson->teacher, i);
        fuzz_require(lesson->picture_classes[i] < lesson->classes);
        for (size_t k = 0; k < features && own; k++)
            embedding[k] = (float)((i * 5 + (int)k * 3) % 11) - 4;
        if (!own)
            eyelet_teacher_example_embedding(embedding, lesson->teacher, i);
    }
    lesson->pictures = (struct eyelet_pictures){lesson->embeddings, lesson->picture_classes, count};
}

/* A picture as eyelet_classifier_embedding gives it. */
static void answer(struct lesson *lesson, int classes)
{
    float *query = malloc((size_t)lesson->features * sizeof *query);
    float *similarities = malloc((size_t)lesson->pictures.count * sizeof *similarities);
    const float unit = lesson->model.type == WEIGHTS_QUANTIZED ? lesson->teacher->embedding_scale : 0.125f;
    for (int k = 0; k < lesson->features; k++)
        query[k] = unit * (float)(k * 7 % 100);
    eyelet_teacher_run(lesson->teacher, query);
    eyelet_teacher_similarities(similarities, lesson->teacher, query, &lesson->pictures);
    const float *logits = eyelet_teacher_logits(lesson->teacher);
    const float *probabilities = eyelet_teacher_probabilities(lesson->teacher);
    bool finite = true;
    double sum = 0;
    for (int c = 0; c < classes; c++) {
        finite = finite && isfinite(logits[c]);
        sum += (double)probabilities[c];
    }
    fuzz_require(!finite || (sum > 0.99 && sum < 1.01));
    free(similarities);
    free(query);
}

/* Labels of the file, and one more. */
static char *labels_of(const struct model *model)
{
    size_t size = 0;
    for (int i = 0; i < net_classes(&model->net); i++)
        size += 1 + (size_t)model->labels[size];
    char *labels = malloc(size + 4);
    memcpy(labels, model->labels, size);
    memcpy(labels + size, "\3new", 4);
    return labels;
}

static void write_file(struct lesson *lesson, int classes, bool weights_only)
{
    static struct model again;
    char *labels = labels_of(&lesson->model);
    const struct eyelet_taught taught = {.labels = labels,
                                         .notes = lesson->model.notes,
                                         .notes_length = lesson->model.notes_length,
                                         .thumbnail_side = lesson->model.examples.thumbnail_side % 4,
                                         .weights_only = weights_only,
                                         .pictures = lesson->pictures};
    const size_t side = (size_t)taught.thumbnail_side, size = eyelet_teacher_file_bytes(lesson->teacher, &taught);
    uint8_t *bytes = malloc(size), *thumbnails = eyelet_teacher_write(bytes, lesson->teacher, &taught);
    fuzz_require(!thumbnails == (weights_only || !side));
    if (thumbnails)
        memset(thumbnails, 9, 3 * side * side * (size_t)lesson->pictures.count);
    const enum status status = eyelet_teacher_seal(bytes, size);
    fuzz_require(status == STATUS_OK);
    fuzz_require(model_read(&again, bytes, size) == STATUS_OK && net_classes(&again.net) == classes);
    fuzz_require(again.examples.count == (weights_only ? 0 : lesson->pictures.count));
    for (int i = 0; i < again.examples.count; i++)
        fuzz_require(model_example_class(&again, i) == lesson->picture_classes[i]);
    free(bytes);
    free(labels);
}

/* How good the head is takes two classes with pictures. */
static bool has_two_classes(const struct eyelet_pictures *pictures)
{
    bool two = false;
    for (int i = 1; i < pictures->count; i++)
        two = two || pictures->classes[i] != pictures->classes[0];
    return two;
}

/* A class between the first and the others, of which no picture is there. */
static void teach_one_more(struct lesson *lesson, void *head, void *work)
{
    const int classes = lesson->classes + 1, count = lesson->pictures.count;
    int *from = malloc((size_t)classes * sizeof *from), *answers = malloc((size_t)count * sizeof *answers);
    float *scores = malloc((size_t)count * sizeof *scores);
    struct eyelet_estimate estimate;
    for (int c = 0; c < classes; c++)
        from[c] = c == 1 ? -1 : c ? c - 1 : 0;
    eyelet_teacher_set_classes(lesson->teacher, head, classes, from);
    const enum status status =
        eyelet_teacher_evaluate(&estimate, answers, scores, lesson->teacher, &lesson->pictures, work);
    fuzz_require(status == STATUS_OK || status == STATUS_NOT_FINITE);
    fuzz_require(estimate.right <= estimate.held_out && estimate.held_out <= count);
    for (int i = 0; i < count; i++)
        fuzz_require(answers[i] >= -1 && answers[i] < classes);
    if (!status) {
        answer(lesson, classes);
        write_file(lesson, classes, false);
    }
    free(scores);
    free(answers);
    free(from);
}

/* A head that was taught before is taken, then one is fitted. */
static void teach(struct lesson *lesson)
{
    struct eyelet_teacher *const teacher = lesson->teacher;
    const int classes = lesson->classes, count = lesson->pictures.count;
    void *work = room(eyelet_teacher_work_bytes(teacher, classes, count));
    void *more_work = room(eyelet_teacher_work_bytes(teacher, classes + 1, count));
    void *head = room(eyelet_teacher_head_bytes(teacher, classes));
    void *more_head = room(eyelet_teacher_head_bytes(teacher, classes + 1));
    eyelet_teacher_set_classes(teacher, head, classes, NULL);
    eyelet_teacher_find_limit(teacher, &lesson->pictures, work);
    if (lesson->was_taught && !eyelet_teacher_take_head(teacher)) {
        answer(lesson, classes);
        write_file(lesson, classes, false);
    }
    const enum status status = eyelet_teacher_train(teacher, &lesson->pictures, work);
    fuzz_require(status == STATUS_OK || status == STATUS_NOT_FINITE);
    if (!status) {
        answer(lesson, classes);
        write_file(lesson, classes, true);
        if (has_two_classes(&lesson->pictures) && classes < LIMIT_CHANNELS)
            teach_one_more(lesson, more_head, more_work);
    }
    free(more_head);
    free(head);
    free(more_work);
    free(work);
}

static bool is_small(const struct model *model)
{
    const int64_t classes = net_classes(&model->net), features = model_embedding_count(model);
    const int64_t count = model->examples.count ? model->examples.count : OWN_PICTURES;
    return features <= MAX_FEATURES && (features + 1) * (classes + 1) * count <= MAX_PRODUCTS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lesson lesson;
    uint8_t *copy = fuzz_copy(data, size);
    lesson = (struct lesson){.bytes = copy, .size = size};
    size_t bytes;
    const enum status read = model_read(&lesson.model, lesson.bytes, size);
    const enum status status = eyelet_teacher_bytes(&bytes, lesson.bytes, size);
    fuzz_require(status == read || (!read && status == STATUS_NO_HEAD));
    if (!status && is_small(&lesson.model)) {
        void *memory = room(bytes);
        fuzz_require(!eyelet_teacher_open(&lesson.teacher, memory, lesson.bytes, size));
        lesson.classes = eyelet_teacher_model_classes(lesson.teacher);
        lesson.features = eyelet_teacher_embedding_count(lesson.teacher);
        take_pictures(&lesson);
        teach(&lesson);
        free(lesson.picture_classes);
        free(lesson.embeddings);
        free(memory);
    }
    free(copy);
    return 0;
}
