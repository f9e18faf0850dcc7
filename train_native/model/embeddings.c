#include "model/embeddings.h"

#include "cli/clock.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Images at a time in one thread; beyond so many bytes for them nothing is gained (their tensors leave the caches). */
enum { MAX_IMAGES = 16, USEFUL_BYTES = 48 << 20 };
enum { AHEAD = 256 /* images that are fetched ahead of those that are read */ };

void embeddings_key(uint8_t key[SHA256_BYTES], const struct embedder *embedder)
{
    const struct net *net = embedder->net;
    const struct preprocess *p = embedder->preprocess;
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    fprintf(out, "input %d %d %d, tensor %d\n", net->input.h, net->input.w, net->input.c, embedder->tensor);
    fprintf(out, "resize %d %d %d, order %d, background %d %d %d\n", (int)p->resize_mode, (int)p->filter,
            p->shorter_side, (int)p->order, p->background[0], p->background[1], p->background[2]);
    for (int c = 0; c < 3; c++)
        fprintf(out, "mean %.9g std %.9g\n", (double)p->mean[c], (double)p->std[c]);
    for (int i = 0; i < embedder->tensor; i++) {
        const struct node *n = &net->nodes[i];
        fprintf(out, "%d: %d %d, %d %d, %d %d %d, %d %d %d, %d %d %d %d, %d %d, %.9g\n", (int)n->kind, n->input[0],
                n->input[1], n->channels, n->first, n->kernel_h, n->kernel_w, n->stride, n->same, n->bias,
                n->count_padding, n->padding[0], n->padding[1], n->padding[2], n->padding[3], n->dilation, n->groups,
                (double)n->rate);
    }
    text_close(out);
    struct sha256 state = sha256_begin();
    sha256_add(&state, text, size);
    sha256_add(&state, embedder->parameters, net->offset[embedder->tensor] * sizeof(float));
    sha256_end(key, &state);
    free(text);
}

/* ---- The work ---- */

struct work {
    const struct embedder *embedder;
    const struct views *views;
    struct net_packed packed;
    struct net_run *runs; /* of each thread */
    uint8_t *pixels;      /* (threads, h, w, 3) */
    uint64_t *contents;   /* (rows), content_hash of the pixels */
    int *missing;         /* rows to compute */
    int missing_count, start, images, stride;
    float *x;
};

static size_t pixel_count(const struct work *work) { return shape_count(work->views->subset->images->shape); }

static const uint8_t *view_pixels(const struct work *work, int row, int thread)
{
    const struct views *views = work->views;
    const struct subset *subset = views->subset;
    const int image = row / views->count, view = row % views->count;
    const uint8_t *pixels = subset_pixels(subset, image);
    if (!view)
        return pixels;
    uint8_t *out = work->pixels + (size_t)thread * pixel_count(work);
    if (!views->augment) {
        augment_view(out, pixels, subset->images->shape, true, 0, 0);
        return out;
    }
    const float *mean = work->embedder->preprocess->mean;
    const struct augmentation how = {.augment = views->augment,
                                     .shape = subset->images->shape,
                                     .mean = {mean[0], mean[1], mean[2]},
                                     .seed = views->seed,
                                     .epoch = view};
    augment_image(out, pixels, &how, subset->indices[image]);
    return out;
}

static void hash_row(void *context, int row, int thread)
{
    struct work *work = context;
    if (row % work->views->count == 0)
        subset_expect(work->views->subset, row / work->views->count + AHEAD, 1);
    work->contents[row] = content_hash(view_pixels(work, row, thread), pixel_count(work), 0);
}

/* The images of these missing rows are read soon. */
static void expect_missing(const struct work *work, int from, int count)
{
    for (int k = from; k < from + count && k < work->missing_count; k++)
        subset_expect(work->views->subset, work->missing[k] / work->views->count, 1);
}

static void embed_chunk(void *context, int chunk, int thread)
{
    const struct work *work = context;
    const struct embedder *embedder = work->embedder;
    const struct net *net = embedder->net;
    struct net_run *run = &work->runs[thread];
    const int first = work->start + chunk * work->images, left = work->missing_count - first;
    const int n = left < work->images ? left : work->images;
    const size_t features = shape_count(net->shapes[embedder->tensor]), values = shape_count(net->input);
    expect_missing(work, first + AHEAD, work->images);
    for (int i = 0; i < n; i++)
        image_normalise(run->tensor[0] + (size_t)i * values, view_pixels(work, work->missing[first + i], thread),
                        net->input, embedder->preprocess);
    for (int i = 0; i < embedder->tensor; i++)
        net_forward_node(run, i, n);
    for (int i = 0; i < n; i++)
        memcpy(work->x + (size_t)work->missing[first + i] * (size_t)work->stride,
               run->tensor[embedder->tensor] + (size_t)i * features, features * sizeof(float));
}

/* ---- Memory ---- */

/* Bytes of the packed weights and of one thread's run. */
static void measure(uint64_t *weights, uint64_t *run_bytes, const struct net *net, int images)
{
    struct net_packed *packed = allocate(1, sizeof *packed);
    struct net_run *run = allocate(1, sizeof *run);
    struct arena arena = {0};
    net_packed_plan(packed, net, NET_INFER, &arena);
    *weights = arena.used;
    arena = (struct arena){0};
    net_run_plan(run, net, packed, images, NET_INFER, &arena);
    *run_bytes = arena.used;
    free(run);
    free(packed);
}

/* How many images at a time, and threads, memory does for. */
static bool fit(int *images, int *threads, const struct embedder *embedder, struct failure *failure)
{
    uint64_t weights, of_run;
    for (*threads = embedder->parallel->threads, *images = MAX_IMAGES;;) {
        measure(&weights, &of_run, embedder->net, *images);
        if (weights + of_run * (uint64_t)*threads <= embedder->memory && (*images == 1 || of_run <= USEFUL_BYTES))
            return true;
        if (*images > 1)
            *images /= 2;
        else if (*threads > 1)
            --*threads;
        else
            return failure_set(failure, NULL, "Give it more with --memory.",
                               "the network takes %s MiB of memory for one image; %s MiB are left for it",
                               format_thousands(((weights + of_run) >> 20) + 1),
                               format_thousands(embedder->memory >> 20));
    }
}

static void compute_missing(struct work *work, const struct parallel *parallel)
{
    const struct embedder *embedder = work->embedder;
    const struct net *net = embedder->net;
    struct arena arena = {0};
    for (int pass = 0; pass < 2; pass++) {
        arena = (struct arena){.base = pass ? allocate((size_t)arena.used, 1) : NULL, .size = arena.used};
        net_packed_plan(&work->packed, net, NET_INFER, &arena);
        for (int i = 0; i < parallel->threads; i++)
            net_run_plan(&work->runs[i], net, &work->packed, work->images, NET_INFER, &arena);
    }
    for (int i = 0; i < embedder->tensor; i++)
        net_pack(&work->packed, net, i, embedder->parameters + net->offset[i]);
    const int at_once = (embedder->live ? 4 : 64) * parallel->threads * work->images;
    const double begun = seconds_now();
    for (work->start = 0; work->start < work->missing_count; work->start += at_once) {
        const int left = work->missing_count - work->start, n = left < at_once ? left : at_once;
        if (embedder->live && work->start) {
            printf("\r\033[Kembeddings: %s of %s images, %.0f s left", format_thousands((uint64_t)work->start),
                   format_thousands((uint64_t)work->missing_count), (seconds_now() - begun) * left / work->start);
            fflush(stdout);
        }
        parallel->run(parallel, (n + work->images - 1) / work->images, embed_chunk, work);
    }
    if (embedder->live)
        fputs("\r\033[K", stdout);
    free(arena.base);
}

bool embeddings_compute(float *x, int stride, const struct embedder *embedder, const struct views *views,
                        struct embedding_cache *cache, struct failure *failure)
{
    const int rows = views_rows(views);
    const size_t features = shape_count(embedder->net->shapes[embedder->tensor]);
    struct parallel parallel = *embedder->parallel;
    struct work work = {.embedder = embedder, .views = views, .x = x, .stride = stride};
    if (!fit(&work.images, &parallel.threads, embedder, failure))
        return false;
    work.runs = allocate((size_t)parallel.threads, sizeof *work.runs);
    work.pixels = allocate((size_t)parallel.threads, pixel_count(&work));
    work.contents = allocate((size_t)rows + 1, sizeof *work.contents);
    work.missing = allocate((size_t)rows + 1, sizeof *work.missing);
    parallel.run(&parallel, rows, hash_row, &work);
    for (int row = 0; row < rows; row++) {
        const float *known = embedding_cache_find(cache, work.contents[row]);
        if (known)
            memcpy(x + (size_t)row * (size_t)stride, known, features * sizeof(float));
        else
            work.missing[work.missing_count++] = row;
    }
    if (work.missing_count)
        compute_missing(&work, &parallel);
    for (int row = 0; row < rows; row++)
        embedding_cache_add(cache, work.contents[row], x + (size_t)row * (size_t)stride);
    free(work.missing);
    free(work.contents);
    free(work.pixels);
    free(work.runs);
    return true;
}
