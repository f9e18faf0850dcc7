#include "model/averaging.h"

#include "cli/memory.h"
#include "model/gaussian_noise.h"
#include "model/model_file.h"
#include "net/model_fields.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Clients ---- */

/* The number that ends at `end`, with commas between thousands; -1: there is none. */
static int64_t number_before(const char *start, const char *end)
{
    const char *p = end;
    while (p > start && (isdigit((unsigned char)p[-1]) || p[-1] == ','))
        p--;
    int64_t number = -1;
    for (; p < end; p++)
        if (*p != ',' && number <= INT32_MAX)
            number = (number < 0 ? 0 : 10 * number) + (*p - '0');
    return number;
}

/* As train writes the note, "CIFAR-10, 45,000 images", and a teacher in a page, "24 pictures of 2 classes". */
static int64_t images_in(const char *note)
{
    static const char images[] = " images", pictures[] = " pictures of ";
    const char *end = note + strcspn(note, "\n"), *of = strstr(note, pictures);
    const ptrdiff_t length = (ptrdiff_t)(sizeof images - 1);
    if (end - note > length && memcmp(end - length, images, sizeof images - 1) == 0)
        return number_before(note, end - length);
    return of && of < end ? number_before(note, of) : -1;
}

static bool read_images(struct client *client, struct failure *failure)
{
    char *notes = model_file_notes(client->model);
    const char *note = model_file_note(notes, "data");
    const int64_t images = note ? images_in(note) : -1;
    client->images = images > 0 ? (uint64_t)images : 0;
    free(notes);
    if (images < 0)
        return failure_set(failure, client->path,
                           "`eyelet train`, and \"Export my update\" in the page, write it into the notes.",
                           "its notes do not say on how many images it was trained, which is its weight");
    return images > 0 || failure_set(failure, client->path, "Leave it out.",
                                     "its notes say that it was trained on no images: it has no weight");
}

bool client_load(struct client *client, const char *path, struct failure *failure)
{
    *client = (struct client){.path = path, .model = allocate(1, sizeof(struct model))};
    client->bytes = model_file_load(client->model, &client->size, path, failure);
    if (client->bytes && read_images(client, failure))
        return true;
    clients_free(client, 1);
    return false;
}

void clients_free(struct client *clients, int count)
{
    for (int i = 0; i < count; i++) {
        free(clients[i].bytes);
        free(clients[i].model);
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct client *one = a, *other = b;
    if (one->size != other->size)
        return one->size < other->size ? -1 : 1;
    return memcmp(one->bytes, other->bytes, one->size);
}

/* ---- Layers as they are stored ---- */

static const uint8_t *stored(const struct model *model, int node)
{
    const uint8_t *p = model->weights;
    for (int i = 0; i < node; i++)
        p += model_parameter_bytes(model, i);
    return p;
}

bool averaging_same(const struct averaging *averaging, int node)
{
    const struct model *first = averaging->clients[0].model;
    const size_t bytes = (size_t)model_parameter_bytes(first, node);
    for (int i = 1; i < averaging->count; i++) {
        const struct model *other = averaging->clients[i].model;
        if (other->type != first->type || memcmp(stored(other, node), stored(first, node), bytes) != 0)
            return false;
    }
    return true;
}

static enum weights type_of(const struct averaging *averaging)
{
    const enum weights type = averaging->clients[0].model->type;
    for (int i = 1; i < averaging->count; i++)
        if (averaging->clients[i].model->type != type)
            return WEIGHTS_FLOAT32;
    return type == WEIGHTS_QUANTIZED && averaging->noise > 0 ? WEIGHTS_FLOAT32 : type;
}

/* ---- Sums ---- */

static size_t count_of(const struct net *net, int node) { return net->offset[node + 1] - net->offset[node]; }

static bool is_averaged(const struct averaging *averaging, int node)
{
    return !averaging->head || node == net_head(&averaging->clients[0].model->net);
}

void averaging_norms(const struct averaging *averaging)
{
    const struct net *net = &averaging->base->net;
    for (int k = 0; k < averaging->count; k++) {
        struct client *client = &averaging->clients[k];
        double sum = 0;
        for (int node = 0; node < net->node_count; node++) {
            const size_t count = is_averaged(averaging, node) ? count_of(net, node) : 0;
            float *own = allocate(count + 1, sizeof(float)), *base = allocate(count + 1, sizeof(float));
            if (count) {
                model_parameters(own, client->model, node);
                model_parameters(base, averaging->base, node);
            }
            for (size_t i = 0; i < count; i++)
                sum += ((double)own[i] - (double)base[i]) * ((double)own[i] - (double)base[i]);
            free(own);
            free(base);
        }
        client->norm = sqrt(sum);
    }
}

/* What a client's update is multiplied with, before the division by divisor_of. */
static double factor_of(const struct averaging *averaging, const struct client *client)
{
    const double weight = averaging->noise > 0 ? 1 : (double)client->images;
    return averaging->clip > 0 && client->norm > averaging->clip ? weight * (averaging->clip / client->norm) : weight;
}

static double divisor_of(const struct averaging *averaging)
{
    double sum = 0;
    for (int k = 0; k < averaging->count; k++)
        sum += (double)averaging->clients[k].images;
    return averaging->noise > 0 ? averaging->divisor : sum;
}

static void average_node(float *out, const struct averaging *averaging, int node, struct gaussian_noise *noise)
{
    const size_t count = count_of(&averaging->clients[0].model->net, node);
    const double divisor = divisor_of(averaging);
    float *own = allocate(count + 1, sizeof(float)), *base = allocate(count + 1, sizeof(float));
    double *sum = allocate(count + 1, sizeof(double));
    if (averaging->base)
        model_parameters(base, averaging->base, node);
    for (int k = 0; k < averaging->count; k++) {
        const double factor = factor_of(averaging, &averaging->clients[k]);
        model_parameters(own, averaging->clients[k].model, node);
        for (size_t i = 0; i < count; i++)
            sum[i] += factor * ((double)own[i] - (double)base[i]);
    }
    for (size_t i = 0; i < count && averaging->noise > 0; i++)
        sum[i] += averaging->noise * averaging->clip * gaussian_noise_next(noise);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)((double)base[i] + averaging->step * (sum[i] / divisor));
    free(sum);
    free(base);
    free(own);
}

/* (all of the net); the caller frees it. NULL: no noise is to be had. */
static float *average(const struct averaging *averaging, struct failure *failure)
{
    const struct net *net = &averaging->clients[0].model->net;
    float *parameters = allocate(net_parameter_count(net) + 1, sizeof(float));
    struct gaussian_noise *noise = allocate(1, sizeof *noise);
    gaussian_noise_start(noise, averaging->seed);
    for (int node = 0; node < net->node_count; node++)
        if (count_of(net, node) && is_averaged(averaging, node))
            average_node(parameters + net->offset[node], averaging, node, noise);
        else if (count_of(net, node))
            model_parameters(parameters + net->offset[node], averaging->base, node);
    const int error = noise->error;
    free(noise);
    if (!error)
        return parameters;
    free(parameters);
    failure_set(failure, NULL, "Nothing was written.", "the system gives no random numbers for the noise: %s",
                strerror(error));
    return NULL;
}

/* ---- The file ---- */

/* Where what all have alike stays as it is stored. */
static void keep_same(uint8_t *bytes, size_t size, const struct averaging *averaging, enum weights type)
{
    const struct model *first = averaging->clients[0].model;
    struct model *written = allocate(1, sizeof *written);
    const bool added = averaging->noise > 0; /* to what is averaged */
    if (first->type == type && !model_parse(written, bytes, size))
        for (int node = 0; node < first->net.node_count; node++)
            if (averaging_same(averaging, node) && !(added && is_averaged(averaging, node)))
                memcpy(bytes + (stored(written, node) - bytes), stored(first, node),
                       (size_t)model_parameter_bytes(first, node));
    model_seal(bytes, size);
    free(written);
}

uint8_t *averaging_file(size_t *size, const struct averaging *averaging, struct failure *failure)
{
    qsort(averaging->clients, (size_t)averaging->count, sizeof *averaging->clients, by_bytes);
    struct model *model = allocate(1, sizeof *model);
    *model = *averaging->clients[0].model;
    model->type = type_of(averaging);
    model->temperature = 1;
    model->notes = averaging->notes;
    model->notes_length = (int)strlen(averaging->notes);
    model->examples = (struct examples){0};
    for (int node = 0; node < model->net.node_count; node++)
        for (int k = 1; k < averaging->count; k++)
            model->scale[node] = fmaxf(model->scale[node], averaging->clients[k].model->scale[node]);
    float *parameters = average(averaging, failure);
    uint8_t *bytes = parameters ? model_file_written(size, model, parameters, failure) : NULL;
    if (bytes) {
        keep_same(bytes, *size, averaging, model->type);
        const enum status status = model_read(model, bytes, *size);
        if (status) {
            failure_set(failure, NULL, "Nothing was written.", "the average would not be valid: %s",
                        eyelet_status_text(status));
            free(bytes);
            bytes = NULL;
        }
    }
    free(parameters);
    free(model);
    return bytes;
}
