#include "commands/commands.h"

#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/or_die.h"
#include "commands/shared_options.h"
#include "model/averaging.h"
#include "model/layer_name.h"
#include "model/privacy.h"
#include "model/same_model.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet average MODEL... -o AVERAGE: make one model of several that were trained apart (federated averaging)\n"
    "\n"
    "  eyelet average a.eyelet b.eyelet c.eyelet -o round1.eyelet\n"
    "  eyelet average *.eyelet -o round1.eyelet --base round0.eyelet --head --clip 1 --noise 4 --rounds 20\n"
    "\n"
    "FedAvg (McMahan et al. 2017): each weight is the mean of the models', weighted by the number of images that each\n"
    "was trained on, as its notes say. All must have been trained from one model, and have its architecture, labels\n"
    "and preprocessing: models that began with random weights of their own have nothing in common to average. The\n"
    "average is where the next round starts. The order of the models does not matter. Temperature and thresholds are\n"
    "left out: eyelet calibrate fits them.\n"
    "\n"
    "--clip and --noise hide how much one client has changed, and --delta says how well: differential privacy of a\n"
    "whole client over all rounds, by Renyi accounting (train_native/model/privacy.h). They do not hide an update from\n"
    "whoever averages and sees each as it came, nor how many images there were; they protect nobody from wrong or\n"
    "hostile updates of others; and an average without them can tell of the pictures that went into it.";

struct average_options {
    const char *output, *base;
    struct averaging averaging;
    float clip, noise, step, sample, delta;
    int rounds, clients, seed;
    bool json;
};

/* ---- Options ---- */

static void check_options(const struct average_options *o, int count)
{
    if (count < 2)
        usage_error("average", "average takes two models or more, got %d", count);
    if (!o->output || !*o->output)
        usage_error("average", "average needs -o FILE, the output file");
    const bool needs_base = o->clip > 0 || o->averaging.head || o->step != 1;
    if (needs_base && !o->base)
        usage_error("average", "--clip, --head and --step need --base MODEL, from which the clients began");
    if (o->base && !needs_base)
        usage_error("average", "--base is for --clip, --head and --step");
    if (!(o->step > 0))
        usage_error("average", "--step takes a number above 0, like 3");
    if (o->noise > 0 && !(o->clip > 0))
        usage_error("average", "--noise needs --clip, the norm that it is in proportion to");
    if (!(o->noise > 0) && (o->rounds != 1 || o->clients || o->sample < 1 || o->seed))
        usage_error("average", "--rounds, --clients, --sample and --seed need --noise");
    if (o->rounds < 1)
        usage_error("average", "--rounds takes 1 or more");
    if (!(o->sample > 0 && o->sample <= 1) || !(o->delta > 0 && o->delta < 1))
        usage_error("average", "--sample takes a fraction above 0, --delta a number between 0 and 1, like 0.00001");
    if (o->sample < 1 && !o->clients)
        usage_error("average", "--sample needs --clients, of how many in all it is the fraction");
    if (o->clients && o->clients < count)
        usage_error("average", "--clients %d: there are %d models", o->clients, count);
}

/* ---- Reading ---- */

static void load_clients(struct averaging *averaging, char **paths)
{
    struct failure failure;
    for (int i = 0; i < averaging->count; i++) {
        if (!client_load(&averaging->clients[i], paths[i], &failure))
            die_of(&failure);
        const struct client *client = &averaging->clients[i], *first = averaging->clients;
        if (!same_model(&(struct named_model){client->path, client->model},
                        &(struct named_model){first->path, first->model}, &failure))
            die_of(&failure);
        for (int k = 0; k < i; k++)
            if (first[k].size == client->size && memcmp(first[k].bytes, client->bytes, client->size) == 0)
                warn(client->path, "It counts twice.", "it is the same as %s, to the byte", first[k].path);
    }
}

static bool same_values(const struct model *a, const struct model *b, int node)
{
    const size_t count = a->net.offset[node + 1] - a->net.offset[node];
    float *own = allocate(count + 1, sizeof(float)), *other = allocate(count + 1, sizeof(float));
    bool same = true;
    if (count) {
        model_parameters(own, a, node);
        model_parameters(other, b, node);
    }
    for (size_t i = 0; i < count && same; i++)
        same = own[i] == other[i];
    free(other);
    free(own);
    return same;
}

/* Nothing of an update is thrown away unsaid. */
static void check_head(const struct averaging *averaging, const char *base)
{
    const struct net *net = &averaging->base->net;
    for (int k = 0; k < averaging->count; k++)
        for (int node = 0; node < net->node_count; node++)
            if (node != net_head(net) && !same_values(averaging->clients[k].model, averaging->base, node))
                die(averaging->clients[k].path, "Leave out --head, or train with --freeze trunk.",
                    "its layer %d, %s, is not that of %s: with --head the last layer alone may differ", node + 1,
                    layer_name(net, node, "").text, base);
}

/* Returns the bytes that the base points into. */
static uint8_t *load_base(struct average_options *o, struct model *base)
{
    size_t size;
    struct averaging *averaging = &o->averaging;
    struct failure failure;
    uint8_t *bytes = load_or_die(base, &size, o->base);
    const struct client *first = averaging->clients;
    if (!same_model(&(struct named_model){first->path, first->model}, &(struct named_model){o->base, base}, &failure))
        die_of(&failure);
    averaging->base = base;
    averaging->clip = (double)o->clip;
    averaging->noise = (double)o->noise;
    averaging->step = (double)o->step;
    averaging->divisor = (double)o->sample * (o->clients ? o->clients : averaging->count);
    if (averaging->head)
        check_head(averaging, o->base);
    averaging_norms(averaging);
    return bytes;
}

/* ---- Notes ---- */

/* What is true of each client alone. */
static bool is_of_one(const char *line)
{
    static const char *const keys[] = {"name",    "data",        "validation",          "accuracy",
                                       "epochs",  "calibration", "rejection threshold", "outlier limit",
                                       "command", "averaged"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(line, keys[i], strlen(keys[i])) == 0)
            return true;
    return false;
}

static bool has_line(const char *notes, const char *line, size_t length)
{
    for (const char *p = notes; *p; p += strcspn(p, "\n"), p += *p == '\n')
        if (strcspn(p, "\n") == length && memcmp(p, line, length) == 0)
            return true;
    return false;
}

/* Those lines that all clients have. */
static void print_common(FILE *out, const struct averaging *averaging)
{
    char *first = model_file_notes(averaging->clients[0].model);
    for (const char *line = first; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        const size_t length = strcspn(line, "\n");
        bool common = !is_of_one(line);
        for (int k = 1; k < averaging->count && common; k++) {
            char *notes = model_file_notes(averaging->clients[k].model);
            common = has_line(notes, line, length);
            free(notes);
        }
        if (common)
            fprintf(out, "%.*s\n", (int)length, line);
    }
    free(first);
}

static uint64_t images_of(const struct averaging *averaging)
{
    uint64_t images = 0;
    for (int k = 0; k < averaging->count; k++)
        images += averaging->clients[k].images;
    return images;
}

static double epsilon_of(const struct average_options *o)
{
    const struct privacy privacy = {(double)o->noise, (double)o->sample, o->rounds, (double)o->delta};
    return privacy_epsilon(&privacy);
}

static char *notes_of(const struct average_options *o)
{
    char *notes;
    size_t size;
    FILE *out = text_open(&notes, &size);
    const struct averaging *averaging = &o->averaging;
    const char *slash = strrchr(o->output, '/'), *name = slash ? slash + 1 : o->output;
    fputs("name: ", out);
    for (; *name && *name != '.'; name++) /* a path may hold anything; notes are text */
        fputc((unsigned char)*name < 0x20 || (unsigned char)*name >= 0x7f ? '?' : *name, out);
    fprintf(out, "\ndata: average of %d models, %s images\n", averaging->count, format_thousands(images_of(averaging)));
    fprintf(out, "averaged: FedAvg%s%s", averaging->head ? " of the head" : "",
            o->noise > 0 ? ", every model alike" : ", weighted by images");
    if (o->clip > 0)
        fprintf(out, ", updates clipped to a norm of %g", (double)o->clip);
    if (o->noise > 0)
        fprintf(out, ", noise %g; epsilon %.3f at delta %g over %d round%s", (double)o->noise, epsilon_of(o),
                (double)o->delta, o->rounds, o->rounds == 1 ? "" : "s");
    if (o->step != 1)
        fprintf(out, ", step %g", (double)o->step);
    fputc('\n', out);
    print_common(out, averaging);
    text_close(out);
    return notes;
}

/* ---- What was done ---- */

static int changed_layers(const struct averaging *averaging, int *layers)
{
    const struct net *net = &averaging->clients[0].model->net;
    int changed = 0;
    *layers = 0;
    for (int node = 0; node < net->node_count; node++) {
        const bool has = net->offset[node + 1] > net->offset[node];
        *layers += has;
        changed += has && !averaging_same(averaging, node);
    }
    return changed;
}

static void print_table(const struct average_options *o)
{
    const struct averaging *averaging = &o->averaging;
    const uint64_t images = images_of(averaging);
    int layers;
    const int changed = changed_layers(averaging, &layers);
    for (int k = 0; k < averaging->count; k++) {
        const struct client *client = &averaging->clients[k];
        printf("%7s images  %6.2f %%  ", format_thousands(client->images),
               o->noise > 0 ? 100.0 / averaging->count : 100 * (double)client->images / (double)images);
        if (averaging->base)
            printf("update %-9.4g%s  ", client->norm, o->clip > 0 && client->norm > averaging->clip ? " clipped" : "");
        print_escaped(stdout, client->path);
        putchar('\n');
    }
    printf("averaged   %d models, %s images; they differ in %d of %d layers with weights\n", averaging->count,
           format_thousands(images), changed, layers);
    if (o->noise > 0)
        printf(
            "privacy    epsilon %.3f at delta %g for a client over %d round%s, noise %g x %g on the sum of updates\n",
            epsilon_of(o), (double)o->delta, o->rounds, o->rounds == 1 ? "" : "s", (double)o->noise, (double)o->clip);
}

static void print_json(const struct average_options *o)
{
    const struct averaging *averaging = &o->averaging;
    int layers;
    const int changed = changed_layers(averaging, &layers);
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_array(&json, "models");
    for (int k = 0; k < averaging->count; k++) {
        const struct client *client = &averaging->clients[k];
        json_object(&json, NULL);
        json_text(&json, "model", client->path);
        json_int(&json, "images", (int64_t)client->images);
        if (averaging->base)
            json_number(&json, "update_norm", "%.9g", client->norm);
        json_close(&json);
    }
    json_close(&json);
    json_int(&json, "images", (int64_t)images_of(averaging));
    json_int(&json, "layers", layers);
    json_int(&json, "layers_that_differ", changed);
    if (o->noise > 0) {
        json_number(&json, "epsilon", "%.6f", epsilon_of(o));
        json_number(&json, "delta", "%.9g", (double)o->delta);
        json_int(&json, "rounds", o->rounds);
    }
    json_close(&json);
    json_end(&json);
}

/* ---- The command ---- */

static int parse(struct average_options *o, int argc, char **argv)
{
    const struct option_entry options[] = {
        OUTPUT_OPTION(&o->output),
        {"base", "MODEL", OPTION_TEXT, &o->base, "the model that the clients began with, for --clip, --head and --step",
         NULL},
        {"head", NULL, OPTION_FLAG, &o->averaging.head,
         "average the last layer with weights; a model whose other layers are not the base's is refused", NULL},
        {"step", "X", OPTION_NUMBER, &o->step,
         "go X times as far from the base as the average is: 2 to 5 where each client has few of the classes", NULL},
        {"clip", "NORM", OPTION_NUMBER, &o->clip, "L2 norm that each model's update is clipped to (0: not)", NULL},
        {"noise", "Z", OPTION_NUMBER, &o->noise,
         "add Gaussian noise of Z times that norm to the sum of the updates; every model then counts alike (0: none)",
         NULL},
        {"rounds", "N", OPTION_COUNT, &o->rounds, "with noise, of how many rounds in all the epsilon is said", NULL},
        {"delta", "X", OPTION_NUMBER, &o->delta, "and for which delta: less than one divided by the clients", NULL},
        {"clients", "N", OPTION_COUNT, &o->clients,
         "with noise, how many clients there are in all (0: as many as models)", NULL},
        {"sample", "FRACTION", OPTION_NUMBER, &o->sample,
         "with noise, how probable it was that a client takes part in a round, each drawn for itself", NULL},
        {"seed", "N", OPTION_COUNT, &o->seed,
         "of the noise, for tests: who knows it can take the noise away (0: the system's random numbers)", NULL},
        JSON_OPTION(&o->json),
        {0}};
    return options_parse(options, usage, argc, argv);
}

int command_average(int argc, char **argv)
{
    struct average_options o = {.step = 1, .sample = 1, .delta = 1e-5f, .rounds = 1, .averaging.step = 1};
    const int first = parse(&o, argc, argv);
    struct averaging *averaging = &o.averaging;
    averaging->count = argc - first;
    check_options(&o, averaging->count);
    averaging->clients = allocate((size_t)averaging->count, sizeof *averaging->clients);
    load_clients(averaging, argv + first);
    struct model *base = allocate(1, sizeof *base);
    uint8_t *base_bytes = o.base ? load_base(&o, base) : NULL;
    const uint64_t seed = (uint64_t)o.seed;
    averaging->seed = seed ? &seed : NULL;
    char *notes = notes_of(&o);
    averaging->notes = notes;
    size_t size;
    struct failure failure;
    uint8_t *bytes = averaging_file(&size, averaging, &failure);
    if (!bytes)
        die_of(&failure);
    save_file(o.output, bytes, size, "the model");
    (o.json ? print_json : print_table)(&o);
    free(bytes);
    free(notes);
    free(base_bytes);
    free(base);
    clients_free(averaging->clients, averaging->count);
    free(averaging->clients);
    return EXIT_SUCCESS;
}
