#include "commands/train_options.h"

#include "base/bytes.h"
#include "data/fetch.h"
#include "commands/train_arguments.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "base/vec/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VIEWS = 64 };

/* The value of `--name value` or `--name=value`, the last one if there are several; NULL without. */
static const char *argument_named(const char *name, int argc, char **argv)
{
    const size_t length = strlen(name);
    const char *value = NULL;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, length) == 0 && argv[i][length] == '=')
            value = argv[i] + length + 1;
        else if (strcmp(argv[i], name) == 0 && i + 1 < argc)
            value = argv[i + 1];
    return value;
}

/* The name of no model. */
static const char from_nothing[] = "none";

/* By getopt's rules, after it has refused what is ambiguous: it takes an abbreviation. */
bool train_argument(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const size_t length = strcspn(argv[i], "=");
        if (length > strlen("--") && strncmp(argv[i], name, length) == 0)
            return true;
    }
    return false;
}

const struct recipe *train_recipe(bool *named, int argc, char **argv)
{
    const char *name = argument_named("--recipe", argc, argv);
    *named = name != NULL;
    const char *from = argument_named("--from", argc, argv);
    if (!name && from && strcmp(from, from_nothing) != 0)
        name = "finetune";
    const struct recipe *recipe = name ? recipe_named(name) : NULL;
    return recipe ? recipe : &recipes[0]; /* an unknown name is refused with the other options */
}

static void check_training(const struct trainer_settings *settings)
{
    const struct optimizer *optimizer = &settings->optimizer;
    if (settings->epochs < 1 || settings->batch < 1 || settings->batch > 65536)
        usage_error("train", "--epochs takes 1 or more, --batch 1 to 65536");
    if (!(settings->ema_decay < 1))
        usage_error("train", "--ema takes a decay below 1, like 0.99");
    if (!(settings->label_smoothing < 1) || !(optimizer->momentum < 1))
        usage_error("train", "--label-smoothing and --momentum take numbers below 1");
    if (!(settings->warmup <= (float)settings->epochs))
        usage_error("train", "--warmup takes at most --epochs");
    if (optimizer->nesterov && (optimizer->kind != OPTIMIZER_SGD || !(optimizer->momentum > 0)))
        usage_error("train", "--nesterov needs --optimizer sgd and --momentum above 0");
    if (optimizer->kind == OPTIMIZER_MUON && !(optimizer->bias_learning_rate > 0 && optimizer->dense_learning_rate > 0))
        usage_error("train", "--optimizer muon needs --bias-learning-rate and --dense-learning-rate above 0 "
                             "(--recipe airbench94 sets them)");
    if (settings->schedule == SCHEDULE_PLATEAU && settings->plateau_epochs < 1)
        usage_error("train", "--plateau takes 1 or more epochs");
}

static void check_augment(const struct augment *augment)
{
    if (!(augment->resized_crop <= 1) || !(augment->erase <= 1))
        usage_error("train", "--resized-crop and --erase take a fraction of at most 1");
    if (!(augment->rotate <= 180))
        usage_error("train", "--rotate takes at most 180 degrees");
    const float alphas[] = {augment->mixup, augment->cutmix};
    for (int i = 0; i < 2; i++)
        if (alphas[i] != 0 && !(alphas[i] >= AUGMENT_MIN_ALPHA && alphas[i] <= AUGMENT_MAX_ALPHA))
            usage_error("train", "--mixup and --cutmix take 0 or an alpha from %g to %g, like 0.2 or 1",
                        (double)AUGMENT_MIN_ALPHA, (double)AUGMENT_MAX_ALPHA);
}

static void check_transfer(const struct train_options *o, const struct recipe *recipe)
{
    if (!o->from && (o->linear_probe || o->freeze || o->unfreeze || o->layer_decay != 1))
        usage_error("train", "--linear-probe, --freeze, --unfreeze and --layer-decay need --from MODEL");
    if (!o->from && o->fine_tune)
        usage_error("train", "--fine-tune needs --from MODEL");
    if (o->fine_tune && (o->linear_probe || o->freeze || o->unfreeze))
        usage_error("train", "--fine-tune says which layers are trained: leave out --linear-probe, --freeze and "
                             "--unfreeze");
    if (o->fine_tune && o->settings.optimizer.kind == OPTIMIZER_MUON)
        usage_error("train", "--fine-tune takes --optimizer sgd, adam or adamw");
    if (!o->from && !o->network)
        usage_error("train", "the recipe %s has no network: it needs --from MODEL or --network", recipe->name);
    if (o->from && o->network != (recipe->network ? recipe->name : NULL))
        usage_error("train", "--from MODEL has its own network: leave out --network");
    if (o->views < 1 || o->views > MAX_VIEWS)
        usage_error("train", "--views takes 1 to %d", MAX_VIEWS);
    if (o->unfreeze && !o->freeze)
        usage_error("train", "--unfreeze needs --freeze, which names the frozen layers");
    if (!(o->layer_decay > 0 && o->layer_decay <= 1))
        usage_error("train", "--layer-decay takes a number above 0 and at most 1, like 0.5");
    if (o->standardize && !o->linear_probe)
        usage_error("train", "--standardize needs --linear-probe");
    if (o->linear_probe && (o->resume || o->find_learning_rate))
        usage_error("train", "--linear-probe cannot be combined with --resume or --find-learning-rate");
}

static void check_teacher(const struct train_options *o)
{
    const float min_temperature = 0.1f, max_temperature = 100;
    if (!o->teacher &&
        (o->temperature != USUAL_TEMPERATURE || o->teacher_weight != USUAL_TEACHER_WEIGHT || o->embedding_weight > 0))
        usage_error("train", "--temperature, --teacher-weight and --embedding-weight need --teacher MODEL");
    if (o->teacher && (o->linear_probe || o->fine_tune))
        usage_error("train", "--teacher is for layers that are trained on images: leave out --linear-probe and "
                             "--fine-tune");
    if (!(o->temperature >= min_temperature && o->temperature <= max_temperature))
        usage_error("train", "--temperature takes %g to %g, like 4", (double)min_temperature, (double)max_temperature);
    if (!(o->teacher_weight > 0 && o->teacher_weight <= 1))
        usage_error("train", "--teacher-weight takes a number above 0 and at most 1, like 0.9");
}

static void check(const struct train_options *o, const struct recipe *recipe)
{
    if ((!o->output || !*o->output) && !o->find_learning_rate)
        usage_error("train", "train needs -o MODEL.eyelet, the output file");
    if (o->resume && o->restart)
        usage_error("train", "--resume goes on with a run, --restart starts anew: give one of them");
    if (o->find_learning_rate && o->resume)
        usage_error("train", "--find-learning-rate cannot be combined with --resume");
    if (!(o->validation < 1))
        usage_error("train", "--validation takes a fraction below 1, like 0.1");
    if (!(o->use > 0 && o->use <= 1))
        usage_error("train", "--use takes a fraction above 0 and at most 1, like 0.5");
    if (o->curve && (o->resume || o->find_learning_rate || !(o->validation > 0)))
        usage_error("train", "--curve takes a new run with validation images: leave out --resume, "
                             "--find-learning-rate and --validation 0");
    if (!(o->data.test <= 1) || !(o->data.allow_bad <= 1))
        usage_error("train", "--test and --allow-bad take fractions of at most 1, like 0.1");
    if (!(o->validation > 0) && (o->settings.early_stopping || o->settings.schedule == SCHEDULE_PLATEAU))
        usage_error("train", "--patience and --schedule plateau need a validation set: --validation above 0");
    if (o->lanes < 1 || o->lanes > TRAINER_MAX_LANES)
        usage_error("train", "--lanes takes 1 to %d", TRAINER_MAX_LANES);
    if (o->micro_batch < 1 || o->micro_batch > 4096)
        usage_error("train", "--micro-batch takes 1 to 4096");
    if (o->size > LIMIT_SIDE)
        usage_error("train", "--size takes at most %d", LIMIT_SIDE);
    if (!(o->settings.small_part < 1))
        usage_error("train", "--small-part takes a fraction below 1, like 0.6");
    if (o->small_size && (o->linear_probe || !(o->settings.small_part > 0)))
        usage_error("train", "--small-size is for layers that are trained on images, with a --small-part above 0");
    if (o->threads > MAX_THREADS)
        usage_error("train", "--threads takes at most %d", MAX_THREADS);
    check_training(&o->settings);
    check_augment(&o->settings.augment);
    check_transfer(o, recipe);
    check_teacher(o);
}

/* Red, green and blue, two hexadecimal digits each. */
static void read_colour(uint8_t colour[3], const char *text)
{
    const unsigned long value = strtoul(text, NULL, 16);
    for (int c = 0; c < 3; c++)
        colour[c] = (uint8_t)(value >> (16 - 8 * c));
    if (strlen(text) != 6 || strspn(text, "0123456789abcdefABCDEF") != 6)
        usage_error("train", "--background takes a colour like ffffff, not \"%s\"", text);
}

/* runs/first/first.eyelet for runs/first/; the name lives until the program ends. */
static const char *in_folder(const char *folder)
{
    size_t end = strlen(folder);
    while (end > 0 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    if (start == end || strspn(folder + start, ".") == end - start)
        usage_error("train", "-o %s: name a folder for the run, like runs/first/, or a file", folder);
    const size_t size = 2 * end + sizeof "/.eyelet";
    char *path = allocate(size, 1);
    snprintf(path, size, "%.*s/%.*s.eyelet", (int)end, folder, (int)(end - start), folder + start);
    return path;
}

/* ---- From the arguments to the settings ---- */

/* Fills in what follows from other options. */
static void derive_settings(struct train_arguments *a)
{
    struct train_options *o = &a->options;
    struct trainer_settings *settings = &o->settings;
    struct optimizer *optimizer = &settings->optimizer;
    if (a->optimizer != (int)optimizer->kind) /* a recipe's Nesterov momentum goes with its optimizer */
        optimizer->nesterov = false;
    optimizer->nesterov |= a->nesterov;
    optimizer->kind = (enum optimizer_kind)a->optimizer;
    settings->schedule = (enum schedule)a->schedule;
    settings->augment.flip = (enum flip)a->flip;
    o->initializer = (enum initializer)a->initializer;
    o->resize_mode = (enum resize_mode)a->resize_mode;
    read_colour(o->background, a->background);
}

static void derive_optimizer(struct trainer_settings *settings)
{
    struct optimizer *optimizer = &settings->optimizer;
    optimizer->frozen_bias_learning_rate = optimizer->bias_learning_rate;
    optimizer->bias_decay =
        optimizer->bias_learning_rate > 0 ? optimizer->weight_decay / optimizer->bias_learning_rate : 0;
    optimizer->dense_decay =
        optimizer->dense_learning_rate > 0 ? optimizer->weight_decay / optimizer->dense_learning_rate : 0;
    if (settings->frozen_bias_epochs == 0)
        settings->frozen_bias_epochs = (float)settings->epochs;
}

struct train_options train_options_parse(const struct recipe *recipe, int argc, char **argv)
{
    struct train_arguments a;
    const int first = train_arguments_parse(&a, recipe, argc, argv);
    struct train_options *o = &a.options;
    if (o->from && strcmp(o->from, from_nothing) == 0) {
        o->from = NULL;
        o->from_nothing = true;
    }
    if (o->teacher && !o->from) /* the student is the one that is asked for */
        o->from_nothing = true;
    if (o->from && !o->freeze && !o->linear_probe && !o->fine_tune)
        o->freeze = recipe->freeze;
    o->class_weights_named = train_argument("--class-weights", argc, argv);
    o->flip_named = train_argument("--flip", argc, argv);
    o->micro_batch_named = train_argument("--micro-batch", argc, argv);
    o->run_folder = !o->find_learning_rate && o->output && *o->output && o->output[strlen(o->output) - 1] == '/';
    if (o->run_folder)
        o->output = in_folder(o->output);
    if (strcmp(recipes[o->recipe].name, recipe->name) != 0) /* getopt takes an abbreviation, train_recipe does not */
        usage_error("train", "--recipe is not abbreviated");
    if (argc - first > 1 || (first < argc && o->data.path))
        usage_error("train", "train takes one data set, got \"%s\" and \"%s\"",
                    o->data.path ? o->data.path : argv[first], argv[argc - 1]);
    o->data.path = first < argc ? argv[first] : o->data.path;
    o->data.threads = o->threads;
    o->data.keep_pixels = o->data.pixels != NULL;
    if (!o->data.pixels && o->output && !o->find_learning_rate)
        o->data.pixels = with_suffix(o->output, ".pixels"); /* lives until the program ends */
    o->data.may_fetch = true;
    derive_settings(&a);
    check(o, recipe);
    derive_optimizer(&o->settings);
    return *o;
}

/* ---- The identity of a run ---- */

static void print_network(FILE *out, const char *name, const struct net *net)
{
    fprintf(out, "network=%s, input %dx%dx%d\n", name, net->input.h, net->input.w, net->input.c);
    for (int i = 0; i < net->node_count; i++) {
        const struct node *n = &net->nodes[i];
        fprintf(out, "layer %d=%s of %d and %d, %d channels, %dx%d, stride %d, ", i + 1, kind_names[n->kind],
                n->input[0], n->input[1], n->channels, n->kernel_h, n->kernel_w, n->stride);
        fprintf(out, "padding %d %d %d %d, dilation %d, groups %d, from %d, ", n->padding[PADDING_TOP],
                n->padding[PADDING_LEFT], n->padding[PADDING_BOTTOM], n->padding[PADDING_RIGHT], n->dilation, n->groups,
                n->first);
        fprintf(out, "%d %d %d %d %d %.9g\n", n->same, n->bias, n->count_padding, n->initial, n->frozen,
                (double)n->rate);
    }
}

static void print_optimizer(FILE *out, const struct optimizer *optimizer)
{
    fprintf(out, "--optimizer=%s\n--learning-rate=%.9g\n", optimizer_names[optimizer->kind],
            (double)optimizer->learning_rate);
    fprintf(out, "--momentum=%.9g\n--nesterov=%d\n", (double)optimizer->momentum, optimizer->nesterov);
    fprintf(out, "--weight-decay=%.9g\n--dense-learning-rate=%.9g\n--bias-learning-rate=%.9g\n",
            (double)optimizer->weight_decay, (double)optimizer->dense_learning_rate,
            (double)optimizer->bias_learning_rate);
}

static void print_augment(FILE *out, const struct augment *augment)
{
    fprintf(out, "--flip=%s\n--crop=%d\n--cutout=%d\n", flip_names[augment->flip], augment->crop, augment->cutout);
    fprintf(out, "--resized-crop=%.9g\n--rotate=%.9g\n--jitter=%.9g\n", (double)augment->resized_crop,
            (double)augment->rotate, (double)augment->jitter);
    fprintf(out, "--erase=%.9g\n--mixup=%.9g\n--cutmix=%.9g\n", (double)augment->erase, (double)augment->mixup,
            (double)augment->cutmix);
}

char *train_identity(const struct train_options *o, const struct net *net, const struct dataset *dataset,
                     const struct split *split, const struct transfer *transfer)
{
    const struct trainer_settings *s = &o->settings;
    char *text = NULL;
    size_t size;
    FILE *out = text_open(&text, &size);
    const size_t label_bytes = (size_t)dataset->count * sizeof *dataset->labels;
    fprintf(out, "data=%08x-%08x of %d images\n", dataset_checksum(dataset),
            bytes_crc32((const uint8_t *)dataset->labels, label_bytes), dataset->count);
    if (transfer)
        fprintf(out, "--from=%08x, mean %.9g\n--freeze=%s\n--unfreeze=%d\n--layer-decay=%.9g\n", transfer->checksum,
                (double)transfer->preprocess.mean[0], o->freeze ? o->freeze : "0", o->unfreeze, (double)o->layer_decay);
    if (o->fine_tune)
        fprintf(out, "--fine-tune=%d\n--views=%d\n", o->fine_tune, o->views);
    print_network(out, transfer ? "of --from" : o->network, net);
    fprintf(out, "--epochs=%d\n--batch=%d\n--micro-batch=%d\n--seed=%d\n", s->epochs, s->batch, o->micro_batch,
            o->seed);
    fprintf(out, "--validation=%.9g (%d images)\n", (double)o->validation, split->validation_count);
    if (o->lanes != TRAINER_LANES)
        fprintf(out, "--lanes=%d\n", o->lanes);
    if (o->use < 1)
        fprintf(out, "--use=%.9g\n", (double)o->use);
    if (o->small_size)
        fprintf(out, "--small-size=%d\n--small-part=%.9g\n", o->small_size, (double)s->small_part);
    print_optimizer(out, &s->optimizer);
    fprintf(out, "--schedule=%s\n--warmup=%.9g\n", schedule_names[s->schedule], (double)s->warmup);
    fprintf(out, "--label-smoothing=%.9g\n--ema=%.9g\n", (double)s->label_smoothing, (double)s->ema_decay);
    fprintf(out, "--precise-batchnorm=%d\n", split->validation_count ? o->precise_batchnorm : 0);
    fprintf(out, "--patience=%d\n--plateau=%d\n--class-weights=%s\n", s->early_stopping, s->plateau_epochs,
            class_weighting_names[o->class_weights]);
    print_augment(out, &s->augment);
    fprintf(out, "--initializer=%s\n", initializer_names[o->initializer]);
    fprintf(out, "multiply-add=%s\n", o->exact || !VEC_FUSED ? "exact" : "fused"); /* the last bits differ */
    text_close(out);
    return text;
}
