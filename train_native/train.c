#include "commands.h"

#include "calibrate.h"
#include "checkpoint.h"
#include "dataset.h"
#include "fetch.h"
#include "model_file.h"
#include "network.h"
#include "options.h"
#include "recipes.h"
#include "support.h"
#include "trainer.h"
#include "vec.h"
#include "whiten.h"

#include <errno.h>
#include <omp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "eyelet train -o MODEL.eyelet: trains a network on CIFAR-10\n\n"
    "  eyelet train -o mine.eyelet                       the tutorial's network, as well as it can be trained\n"
    "  eyelet train -o best.eyelet --recipe airbench95   94 % in an hour\n\n"
    "A recipe sets every other option; what the help shows as defaults are those of the recipe named before --help.\n"
    "Writes MODEL.eyelet (the best by validation accuracy; without validation the last), MODEL.last.eyelet and\n"
    "MODEL.csv after each epoch. At the end the models' scores are fitted to the validation images (`eyelet calibrate`).\n"
    "Ctrl-C finishes the batch and saves; --resume goes on, also after a crash, and ends in the same weights as a run that was never stopped.";

struct train_options {
    const char *output, *network, *data;
    struct settings settings;
    float validation;
    enum initializer initializer;
    int recipe, size, seed, threads, limit, shard;
    bool json, fetch, resume;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
    signal(number, SIG_DFL); /* a second one ends the program at once */
}

/* ---- What is seen while it runs ---- */

struct report {
    const struct train_options *options;
    bool live; /* a terminal: one line, redrawn */
    int epoch, first; /* the images of the epoch that were learnt before this call */
    double epoch_start, drawn;
    const char *log_path;
    FILE *log;
};

static bool on_progress(void *context, const struct epoch_result *so_far, int images)
{
    struct report *report = context;
    const double now = seconds_now(), elapsed = now - report->epoch_start;
    if (report->live && (now - report->drawn > 0.1 || so_far->count == images)) {
        enum { BAR = 24 };
        report->drawn = now;
        const double rate = (so_far->count - report->first) / (elapsed > 0 ? elapsed : 1), left = (images - so_far->count) / rate;
        const int filled = (int)((int64_t)BAR * so_far->count / images);
        printf("\r\033[Kepoch %*d/%d [%.*s%*s] %3d %%  %s images/s  %d:%02d left  loss %.4f  accuracy %.2f %%",
               report->options->settings.epochs > 9 ? 2 : 1, report->epoch + 1, report->options->settings.epochs, filled,
               "========================", BAR - filled, "", (int)((int64_t)100 * so_far->count / images),
               grouped((uint64_t)rate), (int)left / 60, (int)left % 60, epoch_loss(so_far), 100 * epoch_accuracy(so_far));
        fflush(stdout);
    }
    return !interrupted;
}

static void print_epoch(struct report *report, const struct epoch_result *train, const struct epoch_result *validation,
                        bool best)
{
    const double seconds = seconds_now() - report->epoch_start;
    const int epoch = report->epoch + 1, epochs = report->options->settings.epochs;
    if (report->options->json) {
        printf("{\"epoch\": %d, \"epochs\": %d, \"loss\": %.6f, \"accuracy\": %.6f, ", epoch, epochs, epoch_loss(train), epoch_accuracy(train));
        if (validation->count)
            printf("\"validation_loss\": %.6f, \"validation_accuracy\": %.6f, ", epoch_loss(validation), epoch_accuracy(validation));
        printf("\"seconds\": %.2f}\n", seconds);
    } else {
        printf("%sepoch %*d/%d  %.1f s  %s images/s  loss %.4f  accuracy %.2f %%", report->live ? "\r\033[K" : "",
               epochs > 9 ? 2 : 1, epoch, epochs, seconds, grouped((uint64_t)((train->count - report->first) / seconds)), epoch_loss(train),
               100 * epoch_accuracy(train));
        if (validation->count)
            printf("  validation loss %.4f  accuracy %.2f %%%s", epoch_loss(validation), 100 * epoch_accuracy(validation), best ? "  best" : "");
        printf("\n");
    }
    fflush(stdout);
    char measured[64] = ","; /* empty fields where nothing was measured */
    if (validation->count)
        snprintf(measured, sizeof measured, "%.6f,%.6f", epoch_loss(validation), epoch_accuracy(validation));
    const long start = ftell(report->log);
    if (fprintf(report->log, "%d,%.6f,%.6f,%s,%.2f\n", epoch, epoch_loss(train), epoch_accuracy(train), measured, seconds) < 0) {
        const int reason = errno;
        if (ftruncate(fileno(report->log), start)) {} /* half a line would make the file unreadable for others */
        fail(report->log_path, "The models saved so far are kept.", "the log cannot be written: %s", strerror(reason));
    }
}

/* ---- Saving ---- */

struct saver {
    const struct net *net;
    const struct dataset *dataset;
    const struct train_options *options;
    const char *command;
    int train_count, validation_count;
};

static void save(const struct saver *saver, const struct trainer *trainer, const char *path, int epoch,
                 const struct epoch_result *validation)
{
    char notes[LIMIT_NOTES + 1], accuracy[80] = "";
    if (validation->count)
        snprintf(accuracy, sizeof accuracy, "accuracy: %.2f %% of %s validation images\n", 100 * epoch_accuracy(validation),
                 grouped((uint64_t)validation->count));
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *split = saver->validation_count ? calibrate_split_note(saver->options->validation, saver->dataset->count, saver->options->seed) : "";
    snprintf(notes, sizeof notes, "name: %.*s\nnetwork: %s\ndata: %s, %s images\n%s%sepochs: %d\ncommand: %s\n",
             (int)strcspn(name, "."), name, saver->options->network, saver->dataset->name,
             grouped((uint64_t)saver->train_count), split, accuracy, epoch, saver->command);
    for (char *p = notes; *p; p++) /* a path may hold anything; notes are text */
        if ((unsigned char)*p >= 0x7f || ((unsigned char)*p < 0x20 && *p != '\n'))
            *p = '?';
    size_t size;
    uint8_t *bytes = model_file_bytes(&size, saver->net, trainer_weights(trainer), &trainer->preprocess,
                                      saver->dataset->class_names, notes);
    const char *reason;
    if (!write_file(path, bytes, size, &reason))
        fail(path, "What stood there before is unchanged.", "the model cannot be written: %s", reason);
    free(bytes);
}

/* ---- The run ---- */

static void check(const struct train_options *o)
{
    if (!o->output || !*o->output)
        usage_error("train", "train needs -o MODEL.eyelet, where the model goes");
    if (o->settings.epochs < 1 || o->settings.batch < 1 || o->settings.batch > 65536)
        usage_error("train", "--epochs takes 1 or more, --batch 1 to 65536");
    if (!(o->validation < 1))
        usage_error("train", "--validation takes a share below 1, like 0.1");
    if (!(o->settings.average < 1))
        usage_error("train", "--average takes a number below 1, like 0.99");
    if (!(o->settings.smoothing < 1) || !(o->settings.optimizer.momentum < 1))
        usage_error("train", "--smoothing and --momentum take numbers below 1");
    if (!(o->settings.warmup <= (float)o->settings.epochs))
        usage_error("train", "--warmup takes no more epochs than --epochs has");
    if (o->settings.optimizer.nesterov && (o->settings.optimizer.kind != OPTIMIZER_SGD || !(o->settings.optimizer.momentum > 0)))
        usage_error("train", "--nesterov needs --optimizer sgd and --momentum above 0");
    if (o->shard < 1 || o->shard > 4096)
        usage_error("train", "--shard takes 1 to 4096");
    if (o->size > LIMIT_SIDE)
        usage_error("train", "--size takes at most %d", LIMIT_SIDE);
    if (o->threads > MOST_THREADS)
        usage_error("train", "--threads takes at most %d", MOST_THREADS);
}

/* Finds out before the first epoch, and not after it, that nothing can be written there. */
static void check_place(const char *path)
{
    struct stat about;
    if (path[strlen(path) - 1] == '/' || (stat(path, &about) == 0 && !S_ISREG(about.st_mode)))
        fail(path, "Name a file with -o, like MODEL.eyelet.", "cannot be written: this is no regular file");
}

static FILE *open_log(const char *path)
{
    FILE *log = fopen(path, "w");
    if (!log || setvbuf(log, NULL, _IONBF, 0) || /* after a failure nothing is left that exit would write */
        fprintf(log, "epoch,loss,accuracy,validation_loss,validation_accuracy,seconds\n") < 0)
        fail(path, "Name a place that you may write to with -o.", "cannot be written: %m");
    return log;
}

/* Everything that decides the course of a run, for its checkpoint; what may change on the way (--threads, --json, names of files)
 * is left out. */
static char *identity_of(const struct train_options *o, const struct net *net, const struct dataset *dataset,
                         const struct split *split)
{
    const struct settings *s = &o->settings;
    const struct optimizer *p = &s->optimizer;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    const size_t pixels = (size_t)dataset->count * shape_count(dataset->shape);
    fprintf(out, "data=%08x-%08x of %d images\n", model_checksum(dataset->pixels, pixels),
            model_checksum(dataset->labels, (size_t)dataset->count), dataset->count);
    fprintf(out, "network=%s, input %dx%dx%d\n", o->network, net->input.h, net->input.w, net->input.c);
    for (int i = 0; i < net->node_count; i++) {
        const struct node *n = &net->nodes[i];
        fprintf(out, "layer %d=%s of %d and %d, %d channels, %dx%d, stride %d, %d %d %d %d %.9g\n", i + 1, network_kind(n->kind),
                n->input[0], n->input[1], n->channels, n->kernel_h, n->kernel_w, n->stride, n->same, n->bias, n->initial, n->frozen,
                (double)n->rate);
    }
    fprintf(out, "--epochs=%d\n--batch=%d\n--shard=%d\n--seed=%d\n", s->epochs, s->batch, o->shard, o->seed);
    fprintf(out, "--validation=%.9g (%d images)\n", (double)o->validation, split->validation_count);
    fprintf(out, "--optimizer=%d\n--rate=%.9g\n--momentum=%.9g\n--nesterov=%d\n--weight-decay=%.9g\n", p->kind, (double)p->rate,
            (double)p->momentum, p->nesterov, (double)p->weight_decay);
    fprintf(out, "--dense-rate=%.9g\n--bias-rate=%.9g\n", (double)p->dense_rate, (double)p->bias_rate);
    fprintf(out, "--schedule=%d\n--warmup=%.9g\n--smoothing=%.9g\n", s->schedule, (double)s->warmup, (double)s->smoothing);
    fprintf(out, "--average=%.9g\n", (double)s->average);
    fprintf(out, "--flip=%d\n--crop=%d\n--cutout=%d\n--initializer=%d\n", s->augment.flip, s->augment.crop, s->augment.cutout,
            o->initializer);
    fprintf(out, "multiply-add=%s\n", VEC_FUSED ? "fused" : "unfused"); /* the last bits differ */
    fclose(out);
    return text;
}

/* The log of a run that goes on: its header and the rows of the epochs that are complete. */
static FILE *reopen_log(const char *path, int epochs)
{
    FILE *log = fopen(path, "r+");
    char line[512];
    for (int row = 0; log && row <= epochs; row++)
        if (!fgets(line, sizeof line, log))
            break;
    if (!log)
        return open_log(path);
    fflush(log);
    if (ftruncate(fileno(log), ftell(log)) || fseek(log, 0, SEEK_END) || setvbuf(log, NULL, _IONBF, 0))
        fail(path, NULL, "cannot be written: %m");
    return log;
}

/* Ends the program, naming the step and the layer that overflowed first. */
_Noreturn static void fail_overflown(const struct train_options *o, const struct trainer *trainer, int epoch, int count)
{
    char layer[80] = "in the loss itself";
    if (trainer->overflown >= 0)
        snprintf(layer, sizeof layer, "first in layer %d (%s)", trainer->overflown + 1,
                 network_kind(trainer->net->nodes[trainer->overflown].kind));
    fail(o->output, "Lower --rate. The models of the epochs before are kept.",
         "the loss is no longer a finite number in epoch %d, step %d, after %d images: %s", epoch + 1,
         (count + o->settings.batch - 1) / o->settings.batch, count, layer);
}

/* The epochs from progress on. Returns the exit status. */
static int run(const struct train_options *o, const struct saver *saver, struct trainer *trainer, const struct split *split,
               struct report *report, struct progress progress, const char *identity, const char *last_path)
{
    const struct dataset *dataset = saver->dataset;
    for (; progress.epoch < o->settings.epochs; progress.epoch++, progress.so_far = (struct epoch_result){0}) {
        const int epoch = report->epoch = progress.epoch;
        report->epoch_start = seconds_now();
        report->first = progress.so_far.count;
        progress.so_far = trainer_epoch(trainer, &o->settings, dataset, split->train, split->train_count, epoch,
                                        &progress.so_far, on_progress, report);
        const struct epoch_result *learnt = &progress.so_far;
        if (!learnt->finite)
            fail_overflown(o, trainer, epoch, learnt->count);
        if (interrupted && learnt->count < split->train_count) {
            checkpoint_save(o->output, identity, trainer, &progress);
            save(saver, trainer, last_path, epoch + 1, &(struct epoch_result){0});
            if (access(o->output, F_OK))
                save(saver, trainer, o->output, epoch + 1, &(struct epoch_result){0});
            complain(NULL, "Go on with the same command and --resume.",
                     "stopped by a signal in epoch %d; saved %s and a checkpoint", epoch + 1, last_path);
            return EXIT_INTERRUPTED;
        }
        const struct epoch_result measured = trainer_measure(trainer, dataset, split->validation, split->validation_count);
        if (!measured.finite)
            fail(o->output, "Lower --rate. The models of the epochs before are kept.",
                 "the loss on the validation images is no longer a finite number after epoch %d", epoch + 1);
        const bool better = !split->validation_count || epoch_accuracy(&measured) > progress.best;
        print_epoch(report, learnt, &measured, better);
        save(saver, trainer, last_path, epoch + 1, &measured);
        if (better) {
            save(saver, trainer, o->output, epoch + 1, &measured);
            progress.best = epoch_accuracy(&measured);
        }
        if (epoch + 1 < o->settings.epochs)
            checkpoint_save(o->output, identity, trainer,
                            &(struct progress){.epoch = epoch + 1, .best = progress.best});
    }
    if (split->validation_count && dataset->classes > 1) {
        omp_set_num_threads(trainer->threads);
        calibrate_file(last_path, dataset, split->validation, split->validation_count, CALIBRATE_PRECISION);
        const struct calibration best =
            calibrate_file(o->output, dataset, split->validation, split->validation_count, CALIBRATE_PRECISION);
        calibrate_print(&best, o->json);
    }
    checkpoint_remove(o->output);
    return EXIT_SUCCESS;
}

static int train(const struct train_options *o, const char *command)
{
    char *log_path = beside(o->output, ".csv"), *last_path = beside(o->output, ".last.eyelet");
    check_place(o->output);
    check_place(last_path);
    check_place(log_path);
    struct net *net = allocate(1, sizeof *net);
    struct dataset dataset = dataset_open(o->data, DATASET_TRAIN, true);
    network_read(net, o->network, o->size, o->size, dataset.classes);
    if (o->limit)
        dataset_limit(&dataset, o->limit);
    struct split split = dataset_split(&dataset, o->validation, (uint64_t)o->seed);
    if (!split.train_count)
        fail(dataset.path, "Lower --validation.", "no images are left to train on");
    struct preprocess preprocess = {.fit = FIT_CROP, .background = {255, 255, 255}};
    dataset_statistics(preprocess.mean, preprocess.deviation, &dataset, split.train, split.train_count);
    dataset_fit(&dataset, net->input, &preprocess);

    const struct saver saver = {net, &dataset, o, command, split.train_count, split.validation_count};
    const int threads = o->threads ? o->threads : omp_get_max_threads();
    struct trainer *trainer =
        trainer_new(net, &preprocess, threads, o->shard, (uint64_t)o->seed, o->initializer, o->settings.average > 0);
    if (net->nodes[0].initial == INITIAL_WHITEN)
        whiten_weights(trainer->parameters, net, &preprocess, &dataset, split.train, split.train_count);

    char *identity = identity_of(o, net, &dataset, &split);
    struct progress progress = {.best = -1};
    if (o->resume && !checkpoint_load(o->output, identity, trainer, &progress))
        fail(o->output, "Leave --resume away to start.", "there is no checkpoint of this model to resume from");
    if (!o->resume && checkpoint_exists(o->output)) {
        complain(o->output, NULL, "starting anew; the checkpoint of an earlier run is removed (--resume would have gone on with it)");
        checkpoint_remove(o->output);
    }
    struct report report = {.options = o, .live = isatty(STDOUT_FILENO) && !o->json, .log_path = log_path,
                            .log = o->resume ? reopen_log(log_path, progress.epoch) : open_log(log_path)};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!o->json)
        printf("%s: %s parameters, %s training and %s validation images, seed %d, %d thread%s, %s\n", o->network,
               grouped(net_parameter_count(net)), grouped((uint64_t)split.train_count),
               grouped((uint64_t)split.validation_count), o->seed, threads, threads == 1 ? "" : "s", VEC_NAME);
    fflush(stdout);

    const int status = run(o, &saver, trainer, &split, &report, progress, identity, last_path);
    if (fclose(report.log))
        fail(log_path, NULL, "the log cannot be written: %m");
    free(identity);
    trainer_free(trainer);
    split_free(&split);
    dataset_free(&dataset);
    free(net);
    free(log_path);
    free(last_path);
    return status;
}

/* The recipe that the arguments name: its options are what the other arguments change. */
static int recipe_of(int argc, char **argv)
{
    const char *name = recipes[0].name;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--recipe=", 9) == 0)
            name = argv[i] + 9;
        else if (strcmp(argv[i], "--recipe") == 0 && i + 1 < argc)
            name = argv[i + 1];
    const struct recipe *recipe = recipe_named(name);
    return recipe ? (int)(recipe - recipes) : 0; /* an unknown name is refused with the other options */
}

int command_train(int argc, char **argv)
{
    static const char *const optimizers[] = {"sgd", "adam", "adamw", "muon", NULL};
    static const char *const schedules[] = {"constant", "cosine", "linear", NULL};
    static const char *const initializers[] = {"glorot", "he", "uniform", NULL};
    static const char *const flips[] = {"none", "random", "alternate", NULL};
    const char *names[MOST_RECIPES + 1] = {NULL};
    for (int i = 0; i < recipe_count; i++)
        names[i] = recipes[i].name;
    const int number = recipe_of(argc, argv);
    const struct recipe *recipe = &recipes[number];
    struct train_options o = {.network = recipe->name, .settings = recipe->settings, .initializer = recipe->initializer,
                              .validation = recipe->validation, .shard = recipe->shard, .recipe = number, .seed = 1};
    struct settings *settings = &o.settings;
    struct optimizer *optimizer = &settings->optimizer;
    int kind = (int)optimizer->kind, schedule = (int)settings->schedule, flip = (int)settings->augment.flip,
        initializer = (int)o.initializer;
    const struct option_entry options[] = {
        {"output", "FILE", OPTION_TEXT, &o.output, "(or -o) where the model goes", NULL},
        {"recipe", "NAME", OPTION_CHOICE, &o.recipe, "what the options below start from, one of", names},
        {"network", "NAME|FILE", OPTION_TEXT, &o.network, "a preset or a text file (train_native/network.h)", NULL},
        {"size", "N", OPTION_COUNT, &o.size, "height and width of the input (0: as the network says)", NULL},
        {"data", "DIR", OPTION_TEXT, &o.data, "folder of CIFAR-10 (else $EYELET_DATA, data/, ../shared/data/)", NULL},
        {"resume", NULL, OPTION_FLAG, &o.resume, "go on from the checkpoint of an interrupted run, bit for bit", NULL},
        {"fetch", NULL, OPTION_FLAG, &o.fetch, "fetch CIFAR-10 into data/ without asking if it is missing", NULL},
        {"epochs", "N", OPTION_COUNT, &settings->epochs, "passes over the training images", NULL},
        {"batch", "N", OPTION_COUNT, &settings->batch, "images in a step", NULL},
        {"shard", "N", OPTION_COUNT, &o.shard, "images at a time in a thread, and in a sample of batch normalisation", NULL},
        {"optimizer", "NAME", OPTION_CHOICE, &kind, "one of", optimizers},
        {"rate", "X", OPTION_NUMBER, &optimizer->rate, "the highest learning rate", NULL},
        {"momentum", "X", OPTION_NUMBER, &optimizer->momentum, "of sgd and muon", NULL},
        {"nesterov", NULL, OPTION_FLAG, &optimizer->nesterov, "Nesterov momentum, for sgd", NULL},
        {"dense-rate", "X", OPTION_NUMBER, &optimizer->dense_rate, "beside muon: of dense layers", NULL},
        {"bias-rate", "X", OPTION_NUMBER, &optimizer->bias_rate, "beside muon: of biases and shifts", NULL},
        {"weight-decay", "X", OPTION_NUMBER, &optimizer->weight_decay,
         "on weights, not on biases; muon: the share that dense\nlayers and biases lose in a step", NULL},
        {"schedule", "NAME", OPTION_CHOICE, &schedule, "of the rates, one of", schedules},
        {"warmup", "EPOCHS", OPTION_NUMBER, &settings->warmup, "over which the rates rise from 0", NULL},
        {"smoothing", "X", OPTION_NUMBER, &settings->smoothing, "of the labels", NULL},
        {"flip", "NAME", OPTION_CHOICE, &flip, "mirror images, one of", flips},
        {"crop", "PIXELS", OPTION_COUNT, &settings->augment.crop, "move images by up to this much", NULL},
        {"cutout", "PIXELS", OPTION_COUNT, &settings->augment.cutout, "the side of a square that is blotted out (0: none)", NULL},
        {"average", "X", OPTION_NUMBER, &settings->average,
         "save and measure the weights' moving average, of which\nthis much stays in a step, like 0.99 (0: none)", NULL},
        {"initializer", "NAME", OPTION_CHOICE, &initializer, "one of", initializers},
        {"validation", "SHARE", OPTION_NUMBER, &o.validation, "of the training images, set aside", NULL},
        {"limit", "N", OPTION_COUNT, &o.limit, "only the first N images (0: all)", NULL},
        {"seed", "N", OPTION_COUNT, &o.seed, "of every random number; same seed, same weights", NULL},
        {"threads", "N", OPTION_COUNT, &o.threads, "0: as many as there are cores; any number gives the same weights", NULL},
        {"json", NULL, OPTION_FLAG, &o.json, "print a JSON object for each epoch, and one of the calibration", NULL},
        {0}};
    char *command = options_command(argc, argv, "--resume"); /* without it: a resumed run ends in the identical file */
    const int first = options_parse(options, usage, argc, argv);
    if (o.recipe != number) /* getopt takes an option's beginning for it, recipe_of does not */
        usage_error("train", "--recipe is not abbreviated");
    if (first < argc)
        usage_error("train", "train takes no operands, got \"%s\"", argv[first]);
    optimizer->kind = (enum optimizer_kind)kind;
    settings->schedule = (enum schedule)schedule;
    settings->augment.flip = (enum flip)flip;
    o.initializer = (enum initializer)initializer;
    if (optimizer->kind == OPTIMIZER_MUON && !(optimizer->bias_rate > 0 && optimizer->dense_rate > 0))
        usage_error("train", "--optimizer muon needs --bias-rate and --dense-rate above 0 (--recipe airbench94 sets them)");
    optimizer->frozen_bias_rate = optimizer->bias_rate;
    optimizer->bias_decay = optimizer->bias_rate > 0 ? optimizer->weight_decay / optimizer->bias_rate : 0;
    optimizer->dense_decay = optimizer->dense_rate > 0 ? optimizer->weight_decay / optimizer->dense_rate : 0;
    if (settings->frozen_bias_epochs == 0)
        settings->frozen_bias_epochs = (float)settings->epochs;
    fetch_without_asking = o.fetch;
    check(&o);
    const int status = train(&o, command);
    free(command);
    return status;
}
