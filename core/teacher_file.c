/* What a teacher reads from a model file that was taught before, and what it writes. */
#include "teacher.h"
#include "teacher_parts.h"

#include "base/bytes.h"
#include "net/model_fields.h"

#include <string.h>

size_t teacher_bytes_before_head(const struct eyelet_teacher *teacher)
{
    uint64_t bytes = 0;
    for (int i = 0; i < teacher->head; i++)
        bytes += model_parameter_bytes(teacher->model, i);
    return (size_t)bytes;
}

/* ---- What the model brings along ---- */

void eyelet_teacher_examples(const struct eyelet_teacher *teacher, int *count, int *thumbnail_side,
                             bool *has_embeddings)
{
    const struct examples *examples = &teacher->model->examples;
    *count = examples->count;
    *thumbnail_side = examples->thumbnail_side;
    *has_embeddings = examples->has_embeddings;
}

int eyelet_teacher_example_class(const struct eyelet_teacher *teacher, int index)
{
    return model_example_class(teacher->model, index);
}

const uint8_t *eyelet_teacher_example_thumbnail(const struct eyelet_teacher *teacher, int index)
{
    return model_example_thumbnail(teacher->model, index);
}

void eyelet_teacher_example_embedding(float *embedding, const struct eyelet_teacher *teacher, int index)
{
    model_example_embedding(embedding, teacher->model, index);
}

/* ---- Writing ---- */

/* Fills in what the file is written from, all but the weights and the examples' values. */
static struct model *describe(struct eyelet_teacher *teacher, const struct eyelet_taught *taught)
{
    struct model *model = teacher->taught;
    const int count = taught->weights_only ? 0 : taught->pictures.count;
    model->temperature = taught->weights_only ? 1 : teacher->temperature;
    model->labels = (const uint8_t *)taught->labels;
    model->notes = taught->notes;
    model->notes_length = taught->notes_length;
    model->weights = NULL;
    memcpy(model->scale, teacher->model->scale, sizeof model->scale);
    model->scale[teacher->head] = teacher->tail.model->scale[teacher->tail.head];
    model->examples = (struct examples){
        .count = count,
        .thumbnail_side = count ? taught->thumbnail_side : 0,
        .has_embeddings = count > 0,
    };
    return model;
}

size_t eyelet_teacher_file_bytes(struct eyelet_teacher *teacher, const struct eyelet_taught *taught)
{
    const size_t bytes = model_size(describe(teacher, taught));
    return bytes <= LIMIT_MODEL_BYTES ? bytes : 0;
}

uint8_t *eyelet_teacher_write(uint8_t *bytes, struct eyelet_teacher *teacher, const struct eyelet_taught *taught)
{
    struct model *model = describe(teacher, taught);
    const struct eyelet_pictures *pictures = &taught->pictures;
    const size_t before = teacher_bytes_before_head(teacher), size = model_size(model);
    model_write(bytes, model, NULL);
    struct model *written = teacher->taught; /* what is in the file; it was described from the same */
    if (model_parse(written, bytes, size))
        return NULL; /* eyelet_teacher_seal says why */
    uint8_t *weights = bytes + (written->weights - bytes);
    memcpy(weights, teacher->model->weights, before);
    memcpy(weights + before, teacher->tail.stored, teacher->tail.stored_bytes);
    const struct examples *examples = &written->examples;
    for (int i = 0; i < examples->count; i++)
        bytes_put2(bytes + (examples->classes - bytes) + 2 * i, pictures->classes[i]);
    const size_t values = (size_t)examples->count * (size_t)teacher_features(teacher);
    for (size_t k = 0; k < values; k++)
        bytes_put_float(bytes + (examples->embeddings - bytes) + 4 * k, pictures->embeddings[k]);
    return examples->thumbnails ? bytes + (examples->thumbnails - bytes) : NULL;
}

enum status eyelet_teacher_seal(uint8_t *bytes, size_t size)
{
    struct model model;
    model_seal(bytes, size);
    return model_read(&model, bytes, size);
}
