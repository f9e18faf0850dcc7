#include "model/teacher.h"

#include "cli/clock.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/content.h"
#include "data/photos.h"
#include "data/resize.h"
#include "model/model_file.h"
#include "model/transfer.h"

#include <stdlib.h>
#include <string.h>

/* ---- The model ---- */

/* Which of the model's classes has this name; -1: none. */
static int class_named(const struct model *model, const char *name)
{
    for (int c = 0; c < net_classes(&model->net); c++) {
        int length;
        const char *label = model_label(&length, model, c);
        if ((size_t)length == strlen(name) && memcmp(label, name, (size_t)length) == 0)
            return c;
    }
    return -1;
}

/* Which of the model's classes each of the data's is; NULL: not all of them are among the model's. */
static int *match_classes(const struct model *model, const struct dataset *dataset)
{
    int *classes = allocate((size_t)dataset->classes + 1, sizeof *classes);
    for (int k = 0; k < dataset->classes; k++)
        if ((classes[k] = class_named(model, dataset->class_names[k])) < 0) {
            free(classes);
            return NULL;
        }
    return classes;
}

static void take_model(struct teacher *teacher, const struct model *model)
{
    *teacher->net = model->net;
    teacher->preprocess = model->preprocess;
    teacher->temperature = model->temperature;
    teacher->parameters = allocate(net_parameter_count(&model->net) + 1, sizeof(float));
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(teacher->parameters + model->net.offset[i], model, i);
    teacher->tensor = model->net.nodes[model->net.node_count - 1].input[0];
}

/* The net in front of a new head, as for a linear probe. */
static bool take_trunk(struct teacher *teacher, const struct dataset *dataset, struct failure *failure)
{
    struct transfer transfer;
    const struct transfer_start start = {
        .path = teacher->path, .classes = dataset->classes, .labels = dataset->class_names, .new_head = true};
    if (!transfer_open(&transfer, teacher->net, &start, failure))
        return false;
    teacher->preprocess = transfer.preprocess;
    teacher->temperature = 1;
    teacher->parameters = transfer.parameters;
    teacher->tensor = teacher->net->nodes[transfer.head].input[0];
    const enum node_kind kind = teacher->net->nodes[transfer.head].kind;
    if (kind == NODE_DENSE)
        return true;
    transfer_free(&transfer);
    return failure_set(
        failure, teacher->path, "Take a teacher with the data's classes, or one that ends in a dense layer.",
        "its classes are others than the data's, and it has no embedding: its last layer with weights is "
        "%s",
        kind_names[kind]);
}

static bool take(struct teacher *teacher, const struct model *model, const struct dataset *dataset, bool embedding,
                 struct failure *failure)
{
    const int count = net_classes(&model->net);
    if (count < 2)
        return failure_set(failure, teacher->path, "A teacher tells two classes apart, or more.", "it has %d class",
                           count);
    teacher->classes = embedding ? NULL : match_classes(model, dataset);
    if (teacher->classes)
        take_model(teacher, model);
    else if (!take_trunk(teacher, dataset, failure))
        return false;
    teacher->features = (int)shape_count(teacher->net->shapes[teacher->tensor]);
    return true;
}

bool teacher_open(struct teacher *teacher, const char *path, const struct dataset *dataset, bool embedding,
                  struct failure *failure)
{
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, path, failure), digest[SHA256_BYTES];
    *teacher = (struct teacher){.path = path, .net = allocate(1, sizeof *teacher->net)};
    const bool taken = bytes && take(teacher, model, dataset, embedding, failure);
    if (taken) {
        struct sha256 state = sha256_begin();
        sha256_add(&state, bytes, size);
        sha256_end(digest, &state);
        sha256_text(teacher->sha256, digest);
    } else {
        free(teacher->net);
    }
    free(bytes);
    free(model);
    return taken;
}

void teacher_free(struct teacher *teacher)
{
    free(teacher->net);
    free(teacher->parameters);
    free(teacher->classes);
}

static struct embedder embedder_of(const struct teacher *teacher, const struct teacher_work *work)
{
    return (struct embedder){.net = teacher->net,
                             .parameters = teacher->parameters,
                             .preprocess = &teacher->preprocess,
                             .tensor = teacher->tensor,
                             .parallel = work->parallel,
                             .memory = work->memory};
}

void teacher_key(uint8_t key[SHA256_BYTES], const struct teacher *teacher)
{
    const struct embedder embedder = embedder_of(teacher, &(struct teacher_work){0});
    embeddings_key(key, &embedder);
}

/* ---- What outputs are kept by ---- */

void teacher_contents(uint64_t *contents, const struct dataset *dataset, const struct subset *subset)
{
    enum { AHEAD = 256 };
    for (int i = 0; i < subset->count; i++) {
        subset_expect(subset, i + AHEAD, 1);
        contents[i] = dataset->files ? dataset->contents[subset->indices[i]]
                                     : content_hash(subset_pixels(subset, i), shape_count(subset->images->shape), 0);
    }
}

uint64_t teacher_view_content(uint64_t content, int view)
{
    return view ? content_hash((const uint8_t *)&content, sizeof content, (uint64_t)view) : content;
}

/* ---- The work ---- */

struct asking {
    const struct teacher *teacher;
    const struct teacher_images *images;
    const struct teacher_work *work;
    int *missing; /* images, by their number in the subset, of which the cache has not all views */
    int missing_count;
    float *const *x;
    int stride;
};

static struct shape pixel_shape(const struct asking *asking)
{
    const struct shape input = asking->teacher->net->input;
    return (struct shape){input.h, input.w, 3};
}

static bool read_files(struct pixels *pixels, const struct asking *asking, int from, struct failure *failure)
{
    const struct teacher_images *images = asking->images;
    const int *missing = asking->missing + from;
    struct photo *photos = allocate((size_t)pixels->count, sizeof *photos);
    for (int i = 0; i < pixels->count; i++)
        photos[i].path = images->files[images->subset->indices[missing[i]]];
    const struct photo_list list = {.photos = photos, .count = pixels->count};
    const struct photo_reading reading = {&list,
                                          asking->teacher->net->input,
                                          &asking->teacher->preprocess,
                                          asking->work->parallel->threads,
                                          asking->work->memory,
                                          false};
    struct photo_facts *facts = photos_read(&reading, pixels, failure);
    bool same = facts;
    for (int i = 0; i < pixels->count && same; i++)
        if (facts[i].reason[0])
            same = failure_set(failure, photos[i].path, NULL, "can no longer be read: %s", facts[i].reason);
        else if (facts[i].content != images->contents[missing[i]])
            same = failure_set(failure, photos[i].path, NULL, "has changed since the run has read it");
    if (facts)
        photos_facts_free(facts, &list);
    free(photos);
    return same;
}

static void resize_images(const struct pixels *pixels, const struct asking *asking, int from)
{
    const struct subset *subset = asking->images->subset;
    for (int i = 0; i < pixels->count; i++)
        resize_pixels(pixels_at(pixels, i), subset_pixels(subset, asking->missing[from + i]), subset->images->shape,
                      pixel_shape(asking), &asking->teacher->preprocess);
}

/* Asks the teacher about images from .. from + pixels->count - 1 of those that are missing. */
static bool ask(struct pixels *pixels, const struct asking *asking, int from, struct failure *failure)
{
    const int n = pixels->count, count = asking->images->views, features = asking->teacher->features;
    if (!asking->images->files)
        resize_images(pixels, asking, from);
    else if (!read_files(pixels, asking, from, failure))
        return false;
    const struct images images = {
        .pixels = pixels->bytes, .shape = pixel_shape(asking), .count = n, .expect = pixels_expect, .store = pixels};
    int *indices = allocate((size_t)n, sizeof *indices);
    for (int i = 0; i < n; i++)
        indices[i] = i;
    const struct subset subset = {&images, indices, n};
    const struct views views = {.subset = &subset, .count = count};
    const struct embedder embedder = embedder_of(asking->teacher, asking->work);
    struct embedding_cache none = {0};
    float *outputs = allocate((size_t)n * (size_t)count * (size_t)features, sizeof(float));
    const bool done = embeddings_compute(outputs, features, &embedder, &views, &none, failure);
    for (int row = 0; row < n * count && done; row++)
        memcpy(asking->x[row % count] + (size_t)asking->missing[from + row / count] * (size_t)asking->stride,
               outputs + (size_t)row * (size_t)features, (size_t)features * sizeof(float));
    embedding_cache_free(&none);
    free(outputs);
    free(indices);
    return done;
}

static float *output(const struct asking *asking, int view, int i)
{
    return asking->x[view] + (size_t)i * (size_t)asking->stride;
}

/* Adds all views of image i of the subset to the cache. */
static void keep(const struct asking *asking, int i)
{
    for (int view = 0; view < asking->images->views; view++)
        embedding_cache_add(asking->work->cache, teacher_view_content(asking->images->contents[i], view),
                            output(asking, view, i));
}

/* So many images at a time that their pixels take a quarter of the memory at most. What has been computed is kept now and
 * then, for a run that is stopped here. */
static bool ask_missing(const struct asking *asking, struct failure *failure)
{
    enum { MAX_IMAGES = 1024 };
    const double save_seconds = 120;
    const size_t size = shape_count(pixel_shape(asking));
    const uint64_t fitting = asking->work->memory / 4 / size;
    const int step = fitting < 1 ? 1 : fitting < MAX_IMAGES ? (int)fitting : MAX_IMAGES;
    double saved = seconds_now();
    bool done = true;
    for (int from = 0; from < asking->missing_count && done; from += step) {
        const int left = asking->missing_count - from, n = left < step ? left : step;
        struct pixels *pixels = pixels_new(n, size, asking->work->memory);
        done = ask(pixels, asking, from, failure);
        pixels_free(pixels);
        for (int i = from; i < from + n && done; i++)
            keep(asking, asking->missing[i]);
        if (done && from + n < asking->missing_count && seconds_now() - saved > save_seconds) {
            embedding_cache_save(asking->work->cache);
            saved = seconds_now();
        }
        if (asking->work->live && done) {
            printf("\rteacher: %s of %s images", format_thousands((uint64_t)(from + n)),
                   format_thousands((uint64_t)asking->missing_count));
            fflush(stdout);
        }
    }
    if (asking->work->live)
        fputs("\r\033[K", stdout);
    return done;
}

/* Takes what the cache has, and lists the rest. */
static void find_missing(struct asking *asking)
{
    const size_t bytes = (size_t)asking->teacher->features * sizeof(float);
    for (int i = 0; i < asking->images->subset->count; i++) {
        bool all = true;
        for (int view = 0; view < asking->images->views; view++) {
            const uint64_t content = teacher_view_content(asking->images->contents[i], view);
            const float *known = embedding_cache_find(asking->work->cache, content);
            if (known)
                memcpy(output(asking, view, i), known, bytes);
            all = all && known;
        }
        if (all)
            keep(asking, i);
        else
            asking->missing[asking->missing_count++] = i;
    }
}

bool teacher_outputs(float *const *x, int stride, const struct teacher *teacher, const struct teacher_images *images,
                     const struct teacher_work *work, struct failure *failure)
{
    struct asking asking = {.teacher = teacher, .images = images, .work = work, .x = x, .stride = stride};
    asking.missing = allocate((size_t)images->subset->count + 1, sizeof *asking.missing);
    find_missing(&asking);
    const bool done = ask_missing(&asking, failure);
    free(asking.missing);
    return done;
}
