#include "commands/train_options.h"

#include "base/bytes.h"
#include "data/fetch.h"
#include "cli/options.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "base/vec/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_PLATEAU = 5 };

static const char usage[] =
    "eyelet train [DATA] -o MODEL.eyelet: trains a network on labelled images\n\n"
    "  eyelet train -o mine.eyelet                       the tutorial's network, as well as it can be trained\n"
    "  eyelet train -o best.eyelet --recipe airbench95   94 % in an hour\n"
    "  eyelet train photos -o mine.eyelet                on pictures of your own, a folder for each class\n"
    "  eyelet train -o mine.eyelet --from best.eyelet    goes on from a trained model, with a new head for other labels\n"
    "  eyelet train -o mine.eyelet --from best.eyelet --linear-probe    learns the head alone, on what the layers before it say\n"
    "  eyelet train --find-rate                          says which learning rate to take, and writes nothing\n\n"
    "DATA is CIFAR-10 (also --data or $EYELET_DATA; without any: in data/, ../shared/data/), or a folder of CIFAR-100 or\n"
    "MNIST files, or a folder with a folder of pictures (JPEG, PNG, BMP) for each class, or such ones in folders train, test\n"
    "and val, or a CSV file with a line `path,label` for each picture. Without a folder test, a share of every class is set apart for\n"
    "`eyelet evaluate`, chosen by what the pictures show. Pictures that cannot be read are named and left out.\n\n"
    "A recipe sets every other option; what the help shows as defaults are those of the recipe named before --help. Data other than\n"
    "CIFAR-10 starts from the recipe photos, with --from MODEL from finetune or finetune-muon, at a size and length that suit it.\n"
    "Writes MODEL.eyelet (the best by validation accuracy; without validation the last), MODEL.last.eyelet and\n"
    "MODEL.csv after each epoch; -o runs/first/ writes runs/first/first.eyelet and so on, first.txt, which says what the run\n"
    "was made of, and in the end first.html, a report on the validation images. Ctrl-C finishes the batch and saves; --resume\n"
    "goes on, also after a crash, and ends in the same weights as a run that was never stopped.";

/* In the order of their enumerations. */
static const char *const optimizers[] = {"sgd", "adam", "adamw", "muon", NULL};
static const char *const schedules[] = {"constant", "cosine", "linear", "onecycle", "plateau", NULL};
static const char *const initializers[] = {"glorot", "he", "uniform", NULL};
static const char *const flips[] = {"none", "random", "alternate", NULL};
static const char *const fits[] = {"stretch", "crop", "pad", NULL};
static const char *const weightings[] = {"none", "balanced", NULL};

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

const struct recipe *train_recipe(bool *named, int argc, char **argv)
{
    const char *name = argument_named("--recipe", argc, argv);
    *named = name != NULL;
    if (!name && argument_named("--from", argc, argv))
        name = "finetune";
    const struct recipe *recipe = name ? recipe_named(name) : NULL;
    return recipe ? recipe : &recipes[0]; /* an unknown name is refused with the other options */
}

static void check_training(const struct settings *settings)
{
    const struct optimizer *optimizer = &settings->optimizer;
    if (settings->epochs < 1 || settings->batch < 1 || settings->batch > 65536)
        usage_error("train", "--epochs takes 1 or more, --batch 1 to 65536");
    if (!(settings->average < 1))
        usage_error("train", "--average takes a number below 1, like 0.99");
    if (!(settings->smoothing < 1) || !(optimizer->momentum < 1))
        usage_error("train", "--smoothing and --momentum take numbers below 1");
    if (!(settings->warmup <= (float)settings->epochs))
        usage_error("train", "--warmup takes no more epochs than --epochs has");
    if (optimizer->nesterov && (optimizer->kind != OPTIMIZER_SGD || !(optimizer->momentum > 0)))
        usage_error("train", "--nesterov needs --optimizer sgd and --momentum above 0");
    if (optimizer->kind == OPTIMIZER_MUON && !(optimizer->bias_rate > 0 && optimizer->dense_rate > 0))
        usage_error("train", "--optimizer muon needs --bias-rate and --dense-rate above 0 (--recipe airbench94 sets them)");
    if (settings->schedule == SCHEDULE_PLATEAU && settings->plateau < 1)
        usage_error("train", "--plateau takes 1 or more epochs");
}

static void check_augment(const struct augment *augment)
{
    if (!(augment->resized_crop <= 1) || !(augment->erase <= 1))
        usage_error("train", "--resized-crop and --erase take a share of at most 1");
    if (!(augment->rotate <= 180))
        usage_error("train", "--rotate takes at most 180 degrees");
    const float alphas[] = {augment->mixup, augment->cutmix};
    for (int i = 0; i < 2; i++)
        if (alphas[i] != 0 && !(alphas[i] >= AUGMENT_LEAST_ALPHA && alphas[i] <= AUGMENT_MOST_ALPHA))
            usage_error("train", "--mixup and --cutmix take 0 or an alpha from %g to %g, like 0.2 or 1", (double)AUGMENT_LEAST_ALPHA,
                        (double)AUGMENT_MOST_ALPHA);
}

/* The preset that a recipe names with its own name. */
static const char *network_of(const struct recipe *recipe)
{
    return recipe->network ? recipe->name : NULL;
}

static void check_transfer(const struct train_options *o, const struct recipe *recipe)
{
    if (!o->from && (o->linear_probe || o->freeze || o->thaw || o->rate_decay != 1))
        usage_error("train", "--linear-probe, --freeze, --thaw and --rate-decay need --from MODEL");
    if (!o->from && !o->network)
        usage_error("train", "the recipe %s has no network of its own: it needs --from MODEL or --network", recipe->name);
    if (o->from && o->network != network_of(recipe))
        usage_error("train", "--from MODEL brings its own network: leave --network away");
    if (o->thaw && !o->freeze)
        usage_error("train", "--thaw needs --freeze, which says what is to learn from then on");
    if (!(o->rate_decay > 0 && o->rate_decay <= 1))
        usage_error("train", "--rate-decay takes a number above 0 and at most 1, like 0.5");
    if (o->linear_probe && (o->resume || o->find_rate))
        usage_error("train", "--linear-probe does not go with --resume or --find-rate");
}

static void check(const struct train_options *o, const struct recipe *recipe)
{
    if ((!o->output || !*o->output) && !o->find_rate)
        usage_error("train", "train needs -o MODEL.eyelet, where the model goes");
    if (o->find_rate && o->resume)
        usage_error("train", "--find-rate does not go with --resume");
    if (!(o->validation < 1))
        usage_error("train", "--validation takes a share below 1, like 0.1");
    if (!(o->data.test <= 1) || !(o->data.allow_bad <= 1))
        usage_error("train", "--test and --allow-bad take shares of at most 1, like 0.1");
    if (!(o->validation > 0) && (o->settings.patience || o->settings.schedule == SCHEDULE_PLATEAU))
        usage_error("train", "--patience and --schedule plateau need validation images: --validation above 0");
    if (o->shard < 1 || o->shard > 4096)
        usage_error("train", "--shard takes 1 to 4096");
    if (o->size > LIMIT_SIDE)
        usage_error("train", "--size takes at most %d", LIMIT_SIDE);
    if (o->threads > MAX_THREADS)
        usage_error("train", "--threads takes at most %d", MAX_THREADS);
    check_training(&o->settings);
    check_augment(&o->settings.augment);
    check_transfer(o, recipe);
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

/* runs/first/first.eyelet for runs/first/; the name lasts as long as the program. */
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

struct train_options train_options_parse(const struct recipe *recipe, int argc, char **argv)
{
    const char *names[MOST_RECIPES + 1] = {NULL};
    int number = 0;
    for (int i = 0; i < recipe_count; i++) {
        names[i] = recipes[i].name;
        number = strcmp(names[i], recipe->name) == 0 ? i : number;
    }
    struct train_options o = {.network = network_of(recipe), .settings = recipe->settings,
                              .initializer = recipe->initializer, .validation = recipe->validation, .shard = recipe->shard,
                              .size = recipe->size,
                              .recipe = number, .seed = 1, .rate_decay = 1, .data = usual_data};
    struct settings *settings = &o.settings;
    struct optimizer *optimizer = &settings->optimizer;
    struct augment *augment = &settings->augment;
    if (!settings->plateau)
        settings->plateau = USUAL_PLATEAU;
    int kind = (int)optimizer->kind, schedule = (int)settings->schedule, flip = (int)augment->flip,
        initializer = (int)o.initializer, fit = RESIZE_CROP;
    bool nesterov = false;
    const char *background = "ffffff";
    const struct option_entry options[] = {
        {"output", "FILE", OPTION_TEXT, &o.output, "(or -o) where the model goes; with a slash at the end, a folder", NULL},
        {"recipe", "NAME", OPTION_CHOICE, &o.recipe, "what the options below start from, one of", names},
        {"network", "NAME|FILE", OPTION_TEXT, &o.network, "a preset or a text file (train_native/model/network.h)", NULL},
        {"size", "N", OPTION_COUNT, &o.size, "height and width of the input (0: as the network says)", NULL},
        {"fit", "NAME", OPTION_CHOICE, &fit, "how pictures of another shape meet the input, one of", fits},
        {"background", "RRGGBB", OPTION_TEXT, &background, "the colour behind what is transparent, and around --fit pad", NULL},
        {"data", "PATH", OPTION_TEXT, &o.data.path, "the same as DATA", NULL},
        {"test", "SHARE", OPTION_NUMBER, &o.data.test, "of pictures without a folder test: set apart for evaluate", NULL},
        {"split-seed", "N", OPTION_COUNT, &o.data.split_seed, "of that choice", NULL},
        {"memory", "MIB", OPTION_COUNT, &o.data.memory, "for pictures; what is more lies in a file in $TMPDIR or /var/tmp", NULL},
        {"allow-bad", "SHARE", OPTION_NUMBER, &o.data.allow_bad, "of the pictures may be unreadable", NULL},
        {"resume", NULL, OPTION_FLAG, &o.resume, "go on from the checkpoint of an interrupted run, bit for bit", NULL},
        {"fetch", NULL, OPTION_FLAG, &o.fetch, "fetch CIFAR-10 into data/ without asking if it is missing", NULL},
        {"from", "MODEL", OPTION_TEXT, &o.from, "start from this trained model", NULL},
        {"freeze", "N|NAME|trunk", OPTION_TEXT, &o.freeze,
         "with --from: the first N layers (as `eyelet summary` counts), or those\nup to conv2d_3, or all but the last with weights, keep their weights\n(finetune-muon: 1)", NULL},
        {"thaw", "EPOCHS", OPTION_COUNT, &o.thaw, "after which frozen layers learn too (0: never)", NULL},
        {"rate-decay", "X", OPTION_NUMBER, &o.rate_decay, "with --from: the rates of a layer as a share of those of the next", NULL},
        {"linear-probe", NULL, OPTION_FLAG, &o.linear_probe,
         "with --from: learn the last layer alone, from what the others say of\neach image, until nothing changes", NULL},
        {"find-rate", NULL, OPTION_FLAG, &o.find_rate, "try rising learning rates, suggest one, and write nothing", NULL},
        {"epochs", "N", OPTION_COUNT, &settings->epochs, "passes over the training images", NULL},
        {"patience", "EPOCHS", OPTION_COUNT, &settings->patience, "without a better validation accuracy end the run (0: never)", NULL},
        {"batch", "N", OPTION_COUNT, &settings->batch, "images in a step", NULL},
        {"shard", "N", OPTION_COUNT, &o.shard, "images at a time in a thread, and in a sample of batch normalisation", NULL},
        {"optimizer", "NAME", OPTION_CHOICE, &kind, "one of", optimizers},
        {"rate", "X", OPTION_NUMBER, &optimizer->rate, "the highest learning rate", NULL},
        {"momentum", "X", OPTION_NUMBER, &optimizer->momentum, "of sgd and muon", NULL},
        {"nesterov", NULL, OPTION_FLAG, &nesterov, "Nesterov momentum, for sgd", NULL},
        {"dense-rate", "X", OPTION_NUMBER, &optimizer->dense_rate, "beside muon: of dense layers", NULL},
        {"bias-rate", "X", OPTION_NUMBER, &optimizer->bias_rate, "beside muon: of biases and shifts", NULL},
        {"weight-decay", "X", OPTION_NUMBER, &optimizer->weight_decay,
         "on weights, not on biases; muon: the share that dense\nlayers and biases lose in a step", NULL},
        {"schedule", "NAME", OPTION_CHOICE, &schedule, "of the rates, one of", schedules},
        {"warmup", "EPOCHS", OPTION_NUMBER, &settings->warmup, "over which the rates rise from 0 (onecycle has its own rise)", NULL},
        {"plateau", "EPOCHS", OPTION_COUNT, &settings->plateau,
         "without a lower validation loss, after which the schedule plateau\ngoes on with a tenth of the rates", NULL},
        {"class-weights", "NAME", OPTION_CHOICE, &o.class_weights,
         "balanced: rare classes count more, in inverse proportion;\none of", weightings},
        {"smoothing", "X", OPTION_NUMBER, &settings->smoothing, "of the labels", NULL},
        {"flip", "NAME", OPTION_CHOICE, &flip, "mirror images, one of", flips},
        {"crop", "PIXELS", OPTION_COUNT, &augment->crop, "move images by up to this much", NULL},
        {"resized-crop", "SHARE", OPTION_NUMBER, &augment->resized_crop,
         "enlarge a part of at least this share of the area (0: none)", NULL},
        {"rotate", "DEGREES", OPTION_NUMBER, &augment->rotate, "turn images by up to this much", NULL},
        {"jitter", "X", OPTION_NUMBER, &augment->jitter, "change brightness, contrast and saturation by up to this share", NULL},
        {"cutout", "PIXELS", OPTION_COUNT, &augment->cutout, "the side of a square that is blotted out (0: none)", NULL},
        {"erase", "SHARE", OPTION_NUMBER, &augment->erase, "of the images get a rectangle of noise", NULL},
        {"mixup", "ALPHA", OPTION_NUMBER, &augment->mixup, "average pairs of images, like 0.2 (0: none)", NULL},
        {"cutmix", "ALPHA", OPTION_NUMBER, &augment->cutmix, "paste a part of another image, like 1 (0: none)", NULL},
        {"average", "X", OPTION_NUMBER, &settings->average,
         "save and measure the weights' moving average, of which\nthis much stays in a step, like 0.99 (0: none)", NULL},
        {"initializer", "NAME", OPTION_CHOICE, &initializer, "one of", initializers},
        {"validation", "SHARE", OPTION_NUMBER, &o.validation, "of the training images, set aside", NULL},
        {"limit", "N", OPTION_COUNT, &o.limit, "only the first N images (0: all)", NULL},
        {"seed", "N", OPTION_COUNT, &o.seed, "of every random number; same seed, same weights", NULL},
        {"threads", "N", OPTION_COUNT, &o.threads, "0: as many as there are cores; any number gives the same weights", NULL},
        {"json", NULL, OPTION_FLAG, &o.json, "print a JSON object for each epoch", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (o.from && !o.freeze && !o.linear_probe)
        o.freeze = recipe->freeze;
    o.run_folder = !o.find_rate && o.output && *o.output && o.output[strlen(o.output) - 1] == '/';
    if (o.run_folder)
        o.output = in_folder(o.output);
    if (o.recipe != number) /* getopt takes an option's beginning for it, train_recipe does not */
        usage_error("train", "--recipe is not abbreviated");
    if (argc - first > 1 || (first < argc && o.data.path))
        usage_error("train", "train takes one place of data, got \"%s\" and \"%s\"", o.data.path ? o.data.path : argv[first],
                    argv[argc - 1]);
    o.data.path = first < argc ? argv[first] : o.data.path;
    o.data.threads = o.threads;
    o.data.may_fetch = true;
    o.fit = (enum resize_mode)fit;
    read_colour(o.background, background);
    if (kind != (int)optimizer->kind) /* a recipe's Nesterov momentum goes with its optimizer */
        optimizer->nesterov = false;
    optimizer->nesterov |= nesterov;
    optimizer->kind = (enum optimizer_kind)kind;
    settings->schedule = (enum schedule)schedule;
    augment->flip = (enum flip)flip;
    o.initializer = (enum initializer)initializer;
    check(&o, recipe);
    optimizer->frozen_bias_rate = optimizer->bias_rate;
    optimizer->bias_decay = optimizer->bias_rate > 0 ? optimizer->weight_decay / optimizer->bias_rate : 0;
    optimizer->dense_decay = optimizer->dense_rate > 0 ? optimizer->weight_decay / optimizer->dense_rate : 0;
    if (settings->frozen_bias_epochs == 0)
        settings->frozen_bias_epochs = (float)settings->epochs;
    return o;
}

char *train_identity(const struct train_options *o, const struct net *net, const struct dataset *dataset,
                     const struct split *split, const struct transfer *transfer)
{
    const struct settings *s = &o->settings;
    const struct optimizer *p = &s->optimizer;
    const struct augment *a = &s->augment;
    char *text = NULL;
    size_t size;
    FILE *out = text_open(&text, &size);
    const size_t pixels = (size_t)dataset->count * shape_count(dataset->shape);
    fprintf(out, "data=%08x-%08x of %d images\n", bytes_crc32(dataset->pixels, pixels),
            bytes_crc32((const uint8_t *)dataset->labels, (size_t)dataset->count * sizeof *dataset->labels), dataset->count);
    if (transfer)
        fprintf(out, "--from=%08x, mean %.9g\n--freeze=%s\n--thaw=%d\n--rate-decay=%.9g\n", transfer->checksum,
                (double)transfer->preprocess.mean[0], o->freeze ? o->freeze : "0", o->thaw, (double)o->rate_decay);
    fprintf(out, "network=%s, input %dx%dx%d\n", transfer ? "of --from" : o->network, net->input.h, net->input.w, net->input.c);
    for (int i = 0; i < net->node_count; i++) {
        const struct node *n = &net->nodes[i];
        fprintf(out, "layer %d=%s of %d and %d, %d channels, %dx%d, stride %d, %d %d %d %d %.9g\n", i + 1, kind_names[n->kind],
                n->input[0], n->input[1], n->channels, n->kernel_h, n->kernel_w, n->stride, n->same, n->bias, n->initial, n->frozen,
                (double)n->rate);
    }
    fprintf(out, "--epochs=%d\n--batch=%d\n--shard=%d\n--seed=%d\n", s->epochs, s->batch, o->shard, o->seed);
    fprintf(out, "--validation=%.9g (%d images)\n", (double)o->validation, split->validation_count);
    fprintf(out, "--optimizer=%s\n--rate=%.9g\n--momentum=%.9g\n--nesterov=%d\n--weight-decay=%.9g\n", optimizers[p->kind], (double)p->rate,
            (double)p->momentum, p->nesterov, (double)p->weight_decay);
    fprintf(out, "--dense-rate=%.9g\n--bias-rate=%.9g\n", (double)p->dense_rate, (double)p->bias_rate);
    fprintf(out, "--schedule=%s\n--warmup=%.9g\n--smoothing=%.9g\n", schedules[s->schedule], (double)s->warmup, (double)s->smoothing);
    fprintf(out, "--average=%.9g\n--patience=%d\n--plateau=%d\n--class-weights=%s\n", (double)s->average, s->patience, s->plateau,
            weightings[o->class_weights]);
    fprintf(out, "--flip=%s\n--crop=%d\n--cutout=%d\n--initializer=%s\n", flips[a->flip], a->crop, a->cutout, initializers[o->initializer]);
    fprintf(out, "--resized-crop=%.9g\n--rotate=%.9g\n--jitter=%.9g\n--erase=%.9g\n--mixup=%.9g\n--cutmix=%.9g\n",
            (double)a->resized_crop, (double)a->rotate, (double)a->jitter, (double)a->erase, (double)a->mixup, (double)a->cutmix);
    fprintf(out, "multiply-add=%s\n", VEC_FUSED ? "fused" : "unfused"); /* the last bits differ */
    text_close(out);
    return text;
}

