/* Teaching in the WebAssembly module: numbers and bytes over core/teacher.h. web/teacher_engine.js is its only caller.
 *
 *     model_buffer(size) -> address for the model      teacher_open() -> status
 *     teacher_example_count(), ..._side(), ..._has_embeddings(), ..._class(i), ..._thumbnail(i), ..._embedding(i):
 *                                                      what the model brings along
 *     teacher_embeddings(count), teacher_classes(count) -> addresses for the pictures' embeddings and classes (int32);
 *                                                      to be filled in whole
 *     teacher_from(classes) -> address for what each class was before, or -1 (int32)
 *     teacher_set_classes(classes) -> status           after teacher_from
 *     teacher_take_head(), teacher_train(), teacher_evaluate() -> status
 *     teacher_estimate() -> address of doubles, in the order of struct eyelet_estimate
 *     teacher_answers(), teacher_scores() -> addresses, a value a picture
 *     teacher_query() -> address for an embedding      teacher_run() -> status
 *     teacher_probabilities(), teacher_similarities() -> addresses; teacher_limit()
 *     teacher_text(labels, notes) -> address for labels and notes, one behind the other
 *     teacher_write(side) -> size of the file (side -1: with the weights only), 0: too large, -1: no memory;
 *     teacher_file(), teacher_thumbnails() -> addresses; teacher_seal() -> status
 *
 * An address is 0 when there is not enough memory. No pictures are decoded here: an instance that teaches reads
 * nothing but a model and numbers. */
#include "instance.h"
#include "base/bounds.h"
#include "teacher.h"

static struct {
    struct block memory, heads[2], work, embeddings, classes, from, example, query, similarities;
    struct block answers, scores, text, file;
    struct eyelet_teacher *teacher;
    struct eyelet_pictures pictures;
    struct eyelet_estimate estimate;
    struct eyelet_taught taught;
    int head, class_count; /* which of the two heads is the newer one */
    uint8_t *thumbnails;
    size_t size;
} state;

static size_t features(void) { return (size_t)eyelet_teacher_embedding_count(state.teacher); }

enum status EXPORT(teacher_open)(void)
{
    size_t bytes;
    const enum status status = eyelet_teacher_bytes(&bytes, instance.model.bytes, instance.model.size);
    if (status)
        return status;
    if (!reserve(&state.memory, bytes))
        return STATUS_MEMORY;
    return eyelet_teacher_open(&state.teacher, state.memory.bytes, instance.model.bytes, instance.model.size);
}

/* ---- What the model brings along ---- */

static int example_count, example_side;
static bool example_embeddings;

int EXPORT(teacher_example_count)(void)
{
    eyelet_teacher_examples(state.teacher, &example_count, &example_side, &example_embeddings);
    return example_count;
}

int EXPORT(teacher_example_side)(void) { return teacher_example_count() ? example_side : 0; }
int EXPORT(teacher_example_has_embeddings)(void) { return teacher_example_count() && example_embeddings; }
int EXPORT(teacher_example_class)(int index) { return eyelet_teacher_example_class(state.teacher, index); }

const uint8_t *EXPORT(teacher_example_thumbnail)(int index)
{
    return eyelet_teacher_example_thumbnail(state.teacher, index);
}

const float *EXPORT(teacher_example_embedding)(int index)
{
    if (!reserve(&state.example, features() * sizeof(float)))
        return NULL;
    float *embedding = (void *)state.example.bytes;
    eyelet_teacher_example_embedding(embedding, state.teacher, index);
    return embedding;
}

/* ---- Pictures and classes ---- */

float *EXPORT(teacher_embeddings)(int count)
{
    state.pictures.count = count;
    const bool enough = reserve(&state.embeddings, (size_t)count * features() * sizeof(float));
    return (void *)(enough ? state.embeddings.bytes : NULL);
}

int *EXPORT(teacher_classes)(int count)
{
    return (void *)(reserve(&state.classes, (size_t)count * sizeof(int)) ? state.classes.bytes : NULL);
}

static const struct eyelet_pictures *pictures(void)
{
    state.pictures.embeddings = (const void *)state.embeddings.bytes;
    state.pictures.classes = (const void *)state.classes.bytes;
    return &state.pictures;
}

int *EXPORT(teacher_from)(int classes)
{
    return (void *)(reserve(&state.from, (size_t)classes * sizeof(int)) ? state.from.bytes : NULL);
}

enum status EXPORT(teacher_set_classes)(int classes)
{
    struct block *head = &state.heads[!state.head];
    if (!reserve(head, eyelet_teacher_head_bytes(state.teacher, classes)))
        return STATUS_MEMORY;
    eyelet_teacher_set_classes(state.teacher, head->bytes, classes, (const void *)state.from.bytes);
    state.head = !state.head;
    state.class_count = classes;
    return STATUS_OK;
}

/* ---- Training ---- */

static bool reserve_work(void)
{
    return reserve(&state.work, eyelet_teacher_work_bytes(state.teacher, state.class_count, state.pictures.count));
}

/* The model's own, and the limit of its pictures. */
enum status EXPORT(teacher_take_head)(void)
{
    if (!reserve_work())
        return STATUS_MEMORY;
    eyelet_teacher_find_limit(state.teacher, pictures(), state.work.bytes);
    return eyelet_teacher_take_head(state.teacher);
}

enum status EXPORT(teacher_train)(void)
{
    return reserve_work() ? eyelet_teacher_train(state.teacher, pictures(), state.work.bytes) : STATUS_MEMORY;
}

enum status EXPORT(teacher_evaluate)(void)
{
    const size_t bytes = (size_t)state.pictures.count * sizeof(float);
    if (!reserve_work() || !reserve(&state.answers, bytes) || !reserve(&state.scores, bytes))
        return STATUS_MEMORY;
    return eyelet_teacher_evaluate(&state.estimate, (void *)state.answers.bytes, (void *)state.scores.bytes,
                                   state.teacher, pictures(), state.work.bytes);
}

const double *EXPORT(teacher_estimate)(void)
{
    static double numbers[9];
    const struct eyelet_estimate *e = &state.estimate;
    const double in_order[] = {e->held_out,  e->right,    e->temperature,    e->interval[0], e->interval[1],
                               e->threshold, e->answered, e->answered_right, e->l2};
    for (int i = 0; i < 9; i++)
        numbers[i] = in_order[i];
    return numbers;
}

const int *EXPORT(teacher_answers)(void) { return (const void *)state.answers.bytes; }
const float *EXPORT(teacher_scores)(void) { return (const void *)state.scores.bytes; }

/* ---- Answering ---- */

float *EXPORT(teacher_query)(void)
{
    return (void *)(reserve(&state.query, features() * sizeof(float)) ? state.query.bytes : NULL);
}

enum status EXPORT(teacher_run)(void)
{
    if (!reserve(&state.similarities, (size_t)state.pictures.count * sizeof(float)))
        return STATUS_MEMORY;
    const float *query = (const void *)state.query.bytes;
    eyelet_teacher_run(state.teacher, query);
    eyelet_teacher_similarities((void *)state.similarities.bytes, state.teacher, query, pictures());
    return STATUS_OK;
}

const float *EXPORT(teacher_logits)(void) { return eyelet_teacher_logits(state.teacher); }
const float *EXPORT(teacher_probabilities)(void) { return eyelet_teacher_probabilities(state.teacher); }
const float *EXPORT(teacher_similarities)(void) { return (const void *)state.similarities.bytes; }
float EXPORT(teacher_limit)(void) { return eyelet_teacher_limit(state.teacher); }

/* ---- Writing ---- */

char *EXPORT(teacher_text)(int labels, int notes)
{
    if (!reserve(&state.text, (size_t)labels + (size_t)notes + 1))
        return NULL;
    state.taught.labels = (const char *)state.text.bytes;
    state.taught.notes = state.taught.labels + labels;
    state.taught.notes_length = notes;
    return (char *)state.text.bytes;
}

int EXPORT(teacher_write)(int side)
{
    state.taught.weights_only = side < 0;
    state.taught.thumbnail_side = side < 0 ? 0 : side;
    state.taught.pictures = *pictures();
    state.size = eyelet_teacher_file_bytes(state.teacher, &state.taught);
    if (!state.size)
        return 0;
    if (!reserve(&state.file, state.size))
        return -1;
    state.thumbnails = eyelet_teacher_write(state.file.bytes, state.teacher, &state.taught);
    return (int)state.size;
}

const uint8_t *EXPORT(teacher_file)(void) { return state.file.bytes; }
uint8_t *EXPORT(teacher_thumbnails)(void) { return state.thumbnails; }
enum status EXPORT(teacher_seal)(void) { return eyelet_teacher_seal(state.file.bytes, state.size); }

/* ---- The picture as the model saw it ---- */

const uint8_t *EXPORT(input_pixels)(void) { return eyelet_classifier_pixels(instance.classifier); }
