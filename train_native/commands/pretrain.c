#include "commands/commands.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/epochs.h"
#include "commands/pretraining.h"
#include "commands/run_files.h"
#include "commands/shared_options.h"
#include "commands/training_job.h"
#include "data/dataset_open.h"
#include "data/memory_budget.h"
#include "data/split.h"
#include "ranks/ranks.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet pretrain DATA -o MODEL.eyelet: train a network on images without labels\n\n"
    "  eyelet pretrain unsorted/ -o trunk.eyelet\n"
    "  eyelet pretrain photos -o trunk.eyelet --epochs 200        those of a data set with labels, without its test set\n\n"
    "By Barlow Twins (Zbontar et al. 2021): of each image two views, which are cropped, mirrored and coloured at\n"
    "random, are to have the same outputs, and no two outputs are to say the same. It wants many images, thousands of\n"
    "them, and many epochs.\n\n"
    "DATA is a folder of images, however they lie in it, or what `eyelet train` reads: labels are not looked at. Where\n"
    "folders stand side by side and no image beside them, they are taken as train takes them, so that images of the\n"
    "test set and of a part val stay unseen; --parts none takes all images in all folders.\n\n"
    "Prints the loss of each epoch and the spread of the embeddings: 0 where all images have the same one, at most 1.\n"
    "Writes MODEL.eyelet, MODEL.last.eyelet and MODEL.csv (metrics) after each epoch. The model knows no classes:\n"
    "`eyelet train` starts from it, with a head for yours; `eyelet embed`, `eyelet index` and `eyelet search` take it\n"
    "as it is.\n"
    "Ctrl-C stops after the current batch and saves a checkpoint; --resume continues from it, also after a crash, to\n"
    "the same weights as an uninterrupted run.";

enum {
    MIN_IMAGES = 32, /* correlations over fewer are noise */
    MIN_BATCH = 16,
    MAX_BATCH = 65536,
    MAX_MICRO_BATCH = 4096,
    MIN_PROJECTOR = 2
};

struct pretrain_arguments {
    struct train_options options;
    int optimizer, schedule, flip;
};

/* What is usual for small photos of all kinds of things; they have not been tuned. */
static struct train_options usual(void)
{
    struct train_options o = {
        .network = "photos",
        .settings = {.optimizer = {.kind = OPTIMIZER_ADAMW,
                                   .learning_rate = 0.002f,
                                   .momentum = 0.9f,
                                   .beta1 = 0.9f,
                                   .beta2 = 0.999f,
                                   .epsilon = 1e-7f,
                                   .weight_decay = 1e-4f},
                     .schedule = SCHEDULE_COSINE,
                     .warmup = 2,
                     .epochs = 100,
                     .batch = 256,
                     .redundancy = 0.02f,
                     .augment = {.flip = FLIP_RANDOM, .resized_crop = 0.2f, .jitter = 0.4f, .grey = 0.2f}},
        .initializer = INITIALIZE_UNIFORM,
        .use = 1,
        .micro_batch = 50,
        .lanes = TRAINER_LANES,
        .projector = 512,
        .seed = 1,
        .layer_decay = 1,
        .precise_batchnorm = 300,
        .resize_mode = RESIZE_CROP,
        .background = {255, 255, 255},
        .data = usual_data};
    o.data.unlabelled = o.data.any_classes = o.data.skip_empty = true;
    return o;
}

static int parse(struct pretrain_arguments *a, int argc, char **argv)
{
    static const char *const schedules[] = {"constant", "cosine", "linear", "onecycle", NULL};
    static const char *const optimizers[] = {"sgd", "adam", "adamw", NULL};
    struct train_options *o = &a->options;
    struct trainer_settings *settings = &o->settings;
    struct augment *augment = &settings->augment;
    const struct option_entry options[] = {
        OUTPUT_OPTION(&o->output),
        DATA_OPTION(&o->data.path),
        {"network", "NAME|FILE", OPTION_TEXT, &o->network,
         "network: a preset or a text file (train_native/model/network.h)", NULL},
        {"size", "N", OPTION_COUNT, &o->size, "input height and width (0: the network's)", NULL},
        {"epochs", "N", OPTION_COUNT, &settings->epochs, "passes over the images", NULL},
        {"seed", "N", OPTION_COUNT, &o->seed, "random seed: same seed, same weights", NULL},
        {"threads", "N", OPTION_COUNT, &o->threads,
         "number of threads (0: one per core); any number gives the same weights", NULL},
        {"resume", NULL, OPTION_FLAG, &o->resume,
         "continue an interrupted run from its checkpoint, bit for bit, or a complete one to more --epochs", NULL},
        {"restart", NULL, OPTION_FLAG, &o->restart, "start anew in the place of an interrupted run", NULL},
        {"Data", NULL, OPTION_GROUP, NULL, NULL, NULL},
        TEST_OPTION(&o->data.test),
        SPLIT_SEED_OPTION(&o->data.split_seed),
        LIMIT_OPTION(&o->data.limit),
        FOLDER_OPTIONS(&o->data),
        COLUMNS_OPTION(&o->data.columns),
        MEMORY_OPTION(&o->data.memory),
        {"Views", NULL, OPTION_GROUP, NULL, NULL, NULL},
        {"resized-crop", "FRACTION", OPTION_NUMBER, &augment->resized_crop,
         "random resized crop: min fraction of the area (0: off)", NULL},
        {"flip", "NAME", OPTION_CHOICE, &a->flip, "horizontal flip; none for letters and the like, one of", flip_names},
        {"jitter", "X", OPTION_NUMBER, &augment->jitter,
         "colour jitter: max change of brightness, contrast and saturation", NULL},
        {"grey", "PROBABILITY", OPTION_NUMBER, &augment->grey, "of a view without colours", NULL},
        {"rotate", "DEGREES", OPTION_NUMBER, &augment->rotate, "random rotation: max angle", NULL},
        {"Optimisation", NULL, OPTION_GROUP, NULL, NULL, NULL},
        {"batch", "N", OPTION_COUNT, &settings->batch,
         "batch size, of which the loss is one; adapted so that the last batch is no smaller", NULL},
        LANES_OPTION(&o->lanes),
        {"micro-batch", "N", OPTION_COUNT, &o->micro_batch,
         "views at a time in one thread; also the (ghost) batch of batch norm", NULL},
        {"projector", "N", OPTION_COUNT, &o->projector,
         "width of the layers between the embedding and the loss, which are left out of the model", NULL},
        {"redundancy", "X", OPTION_NUMBER, &settings->redundancy,
         "weight of the part of the loss that keeps outputs from saying the same", NULL},
        {"optimizer", "NAME", OPTION_CHOICE, &a->optimizer, "one of", optimizers},
        {"learning-rate", "X", OPTION_NUMBER, &settings->optimizer.learning_rate, "max learning rate", NULL},
        {"momentum", "X", OPTION_NUMBER, &settings->optimizer.momentum, "momentum of sgd", NULL},
        {"weight-decay", "X", OPTION_NUMBER, &settings->optimizer.weight_decay, "weight decay, not on biases", NULL},
        {"schedule", "NAME", OPTION_CHOICE, &a->schedule, "learning-rate schedule, one of", schedules},
        {"warmup", "EPOCHS", OPTION_NUMBER, &settings->warmup, "linear warmup (onecycle has its own)", NULL},
        {"exact", NULL, OPTION_FLAG, &o->exact,
         "unfused multiply-adds: the same weights on every machine, and in WebAssembly; slower", NULL},
        {"Output", NULL, OPTION_GROUP, NULL, NULL, NULL},
        {"json", NULL, OPTION_FLAG, &o->json, "print a JSON object for each epoch", NULL},
        {0}};
    return options_parse(options, usage, argc, argv);
}

static void check(const struct train_options *o)
{
    const struct trainer_settings *settings = &o->settings;
    const struct augment *augment = &settings->augment;
    if (!o->output || !*o->output)
        usage_error("pretrain", "pretrain needs -o MODEL.eyelet, the output file");
    if (o->resume && o->restart)
        usage_error("pretrain", "--resume goes on with a run, --restart starts anew: give one of them");
    if (settings->epochs < 1 || settings->batch < MIN_BATCH || settings->batch > MAX_BATCH)
        usage_error("pretrain", "--epochs takes 1 or more, --batch %d to %d", MIN_BATCH, MAX_BATCH);
    if (o->lanes < 1 || o->lanes > TRAINER_MAX_LANES)
        usage_error("pretrain", "--lanes takes 1 to %d", TRAINER_MAX_LANES);
    if (o->micro_batch < 1 || o->micro_batch > MAX_MICRO_BATCH)
        usage_error("pretrain", "--micro-batch takes 1 to %d", MAX_MICRO_BATCH);
    if (o->projector < MIN_PROJECTOR || o->projector > LIMIT_CHANNELS)
        usage_error("pretrain", "--projector takes %d to %d", MIN_PROJECTOR, LIMIT_CHANNELS);
    if (o->size > LIMIT_SIDE)
        usage_error("pretrain", "--size takes at most %d", LIMIT_SIDE);
    if (!(settings->warmup <= (float)settings->epochs))
        usage_error("pretrain", "--warmup takes at most --epochs");
    if (!(settings->optimizer.momentum < 1))
        usage_error("pretrain", "--momentum takes a number below 1");
    if (!(augment->resized_crop <= 1) || !(augment->grey <= 1) || !(augment->rotate <= 180))
        usage_error("pretrain", "--resized-crop and --grey take a fraction of at most 1, --rotate at most 180 degrees");
    if (!(o->data.test <= 1) || !(o->data.allow_bad <= 1))
        usage_error("pretrain", "--test and --allow-bad take fractions of at most 1, like 0.1");
    check_threads("pretrain", o->threads);
}

static struct train_options options_of(int argc, char **argv)
{
    struct pretrain_arguments a = {.options = usual()};
    struct train_options *o = &a.options;
    a.optimizer = (int)o->settings.optimizer.kind;
    a.schedule = (int)o->settings.schedule;
    a.flip = (int)o->settings.augment.flip;
    const int first = parse(&a, argc, argv);
    if (argc - first + (o->data.path != NULL) != 1)
        usage_error("pretrain", "pretrain takes one data set");
    o->data.path = first < argc ? argv[first] : o->data.path;
    o->data.threads = o->threads;
    o->settings.optimizer.kind = (enum optimizer_kind)a.optimizer;
    o->settings.schedule = (enum schedule)a.schedule;
    o->settings.augment.flip = (enum flip)a.flip;
    const struct recipe *recipe = recipe_named(o->network);
    if (recipe)
        o->initializer = recipe->initializer;
    check(o);
    return *o;
}

/* ---- The run ---- */

/* Batches of even size, about as large as was asked for: a small last one would be a poor sample for the loss. */
static int even_batch(int images, int batch)
{
    const int steps = images > batch ? (images + batch / 2) / batch : 1;
    return (images + steps - 1) / steps;
}

static void read_images(struct training_job *job, const struct pretraining *pretraining)
{
    struct train_options *o = job->options;
    struct dataset *dataset = &job->dataset;
    job->preprocess = (struct preprocess){.resize_mode = o->resize_mode};
    memcpy(job->preprocess.background, o->background, sizeof job->preprocess.background);
    dataset_read(dataset, pretraining->twins->input, &job->preprocess);
    job->split = split_dataset(dataset, 0, (uint64_t)o->seed);
    if (job->split.train_count < MIN_IMAGES)
        die(dataset->path, "Give it as many as there are: without labels, thousands do what some hundreds cannot.",
            "there are too few images to pretrain on: %d, and %d are the fewest", job->split.train_count, MIN_IMAGES);
    dataset_statistics(job->preprocess.mean, job->preprocess.std, dataset, job->split.train, job->split.train_count);
    dataset_fit(dataset, pretraining->twins->input, &job->preprocess);
    job->images = dataset_images(dataset);
    job->images.classes = 1; /* whatever the labels say, nobody looks */
    job->train = (struct subset){&job->images, job->split.train, job->split.train_count};
    job->validation = (struct subset){&job->images, NULL, 0};
    o->settings.batch = even_batch(job->train.count, o->settings.batch);
}

static char *identity_of(const struct training_job *job)
{
    const struct train_options *o = job->options;
    char *own = train_identity(o, job->net, &job->dataset, &job->split, NULL);
    char *identity = text_format("%s--redundancy=%.9g\n--grey=%.9g\n", own, (double)o->settings.redundancy,
                                 (double)o->settings.augment.grey);
    free(own);
    return identity;
}

static void open_job(struct training_job *job, const struct pretraining *pretraining)
{
    static const char note[] = "pretrained: without labels, by Barlow Twins; it knows no classes\n";
    const struct train_options *o = job->options;
    struct data_options data = o->data;
    data.shared = ranks_count() > 1;
    job->dataset = dataset_open(&data, DATASET_TRAIN);
    job->net = pretraining->twins;
    read_images(job, pretraining);
    job->threads = o->threads ? o->threads : ranks_threads();
    job->writer = (struct model_writer){.net = job->net,
                                        .preprocess = &job->preprocess,
                                        .dataset = &job->dataset,
                                        .options = o,
                                        .command = job->command,
                                        .train_count = job->train.count,
                                        .more = note,
                                        .untaught = pretraining->net};
    job->identity = identity_of(job);
    training_job_compare(job);
}

static int train(struct training_job *job, const struct pretraining *pretraining, const struct run_files *files)
{
    void *memory;
    const struct train_options *o = job->options;
    struct run run = {.options = o,
                      .writer = &job->writer,
                      .pretraining = pretraining,
                      .best = -1,
                      .trainer = training_job_trainer(job, &memory),
                      .train = job->train,
                      .validation = job->validation,
                      .identity = job->identity,
                      .log_path = files->log,
                      .last_path = files->last};
    const bool more = epochs_begin(&run);
    const int status = more ? epochs_run(&run) : EXIT_SUCCESS;
    free(memory);
    if (!more)
        warn(o->output, "--resume with a greater --epochs trains it further.", "the run is complete");
    else if (status == EXIT_SUCCESS && !o->json)
        printf("for your classes: eyelet train PHOTOS -o MINE.eyelet --from %s\n", o->output);
    return status;
}

int command_pretrain(int argc, char **argv)
{
    char *command = options_command(argc, argv, (const char *const[]){"--resume", "--restart", NULL});
    struct train_options o = options_of(argc, argv);
    struct training_job job = {.options = &o, .command = command};
    struct run_files files = run_files_open(&o);
    struct pretraining pretraining = pretraining_open(&o);
    open_job(&job, &pretraining);
    const int status = train(&job, &pretraining, &files);
    job.net = NULL; /* the pretraining's */
    training_job_free(&job);
    pretraining_free(&pretraining);
    run_files_free(&files);
    free(command);
    return status;
}
