#include "commands/train_arguments.h"

#include "cli/list.h"
#include "commands/shared_options.h"

#include <stdlib.h>
#include <string.h>

enum { USUAL_PLATEAU = 5, USUAL_STATISTICS = 300 };

static const char usage[] =
    "eyelet train [DATA] -o MODEL.eyelet: train an image classifier\n\n"
    "  eyelet train -o mine.eyelet                              default: small CNN of the Keras tutorial, tuned\n"
    "  eyelet train -o best.eyelet --recipe airbench95          94 % on CIFAR-10 in an hour\n"
    "  eyelet train photos -o mine.eyelet                       your own images, a folder for each class\n"
    "  eyelet train photos -o mine.eyelet --from best.eyelet    fine-tune a trained model, new head for other labels\n"
    "  eyelet train photos -o mine.eyelet --from best.eyelet --linear-probe\n"
    "                                                           train the head only, on cached features\n"
    "  eyelet train photos -o small.eyelet --recipe mobile --teacher best.eyelet\n"
    "                                                           train a small network to answer as a large one does\n"
    "  eyelet train --find-learning-rate                        learning-rate range test: suggests one\n\n"
    "DATA is CIFAR-10 (default: $EYELET_DATA, data/, ../shared/data/), a folder of CIFAR-100 or MNIST files, a\n"
    "folder with a folder of images (JPEG, PNG, BMP) for each class, or such folders in train, test and val (or\n"
    "however these parts are called: --parts), or a CSV file with a file and a class in each row. Without a\n"
    "test folder, a fraction of every class is held out for `eyelet evaluate`; the split depends on the images'\n"
    "pixels alone, and duplicates stay on one side. Unreadable images are named and left out. Decoded images that\n"
    "need more than half of --memory lie in MODEL.pixels, for this run and the next ones on the same images.\n\n"
    "Images in files are given to a model that is at hand (--from, or one in $XDG_CACHE_HOME/eyelet or\n"
    "~/.cache/eyelet, or what comes with the program: the one with the most multiply-adds among those that have at\n"
    "least half as many classes as any). Of one for less than 96 pixels all layers are trained on. A head on the\n"
    "features of a larger one is trained in seconds; training from nothing follows, and ends after a quarter of its\n"
    "epochs if it has no prospect of coming up to that; the better one on the validation images is kept. With less\n"
    "than 20 images a class the head is taken, untried. --from none trains from nothing only. A model that was\n"
    "taught in a page brings the pictures and classes along that it was taught.\n\n"
    "A recipe sets the defaults of all other options; `--recipe NAME --help` shows those of that recipe. Data\n"
    "other than CIFAR-10 starts from the recipe photos, with --from from finetune or finetune-muon, with size,\n"
    "epochs and batch size adapted to it.\n\n"
    "Writes MODEL.eyelet (the best epoch by validation accuracy; without validation the last), MODEL.last.eyelet\n"
    "and MODEL.csv (metrics) after each epoch. With -o runs/first/ they are runs/first/first.eyelet and so on,\n"
    "with the run's configuration in first.txt and a report on the validation set in first.html. Ctrl-C stops\n"
    "after the current batch and saves a checkpoint; --resume continues from it, also after a crash, to the same\n"
    "weights as an uninterrupted run. It finishes what a killed run has left undone, and with a greater --epochs\n"
    "trains a complete run further, from MODEL.checkpoint. In the place of an interrupted run a new one starts\n"
    "only with --restart; a second process on one run is refused.\n\n"
    "Validation holds an image of every class of two or more. Accuracies of fewer than 1000 images have their 95 %\n"
    "interval in brackets (Wilson's), always in --json. From 50 validation images on the softmax temperature and a\n"
    "rejection threshold are fitted (eyelet calibrate). A run whose loss is no number, or ten times that of its\n"
    "first step, ends there.";

/* In the order of their enumerations. */
const char *const optimizer_names[] = {"sgd", "adam", "adamw", "muon", NULL};
const char *const schedule_names[] = {"constant", "cosine", "linear", "onecycle", "plateau", NULL};
const char *const initializer_names[] = {"glorot", "he", "uniform", NULL};
const char *const flip_names[] = {"none", "random", "alternate", NULL};
const char *const resize_mode_names[] = {"stretch", "crop", "pad", NULL};
const char *const class_weighting_names[] = {"none", "balanced", NULL};

static void set_defaults(struct train_arguments *a, const struct recipe *recipe)
{
    const struct trainer_settings *settings = &recipe->settings;
    *a = (struct train_arguments){.options = {.network = recipe->network ? recipe->name : NULL,
                                              .settings = *settings,
                                              .initializer = recipe->initializer,
                                              .validation = recipe->validation,
                                              .use = 1,
                                              .micro_batch = recipe->shard,
                                              .lanes = TRAINER_LANES,
                                              .size = recipe->size,
                                              .small_size = recipe->small_size,
                                              .seed = 1,
                                              .layer_decay = 1,
                                              .views = 1,
                                              .temperature = USUAL_TEMPERATURE,
                                              .teacher_weight = USUAL_TEACHER_WEIGHT,
                                              .precise_batchnorm = USUAL_STATISTICS,
                                              .data = usual_data},
                                  .optimizer = (int)settings->optimizer.kind,
                                  .schedule = (int)settings->schedule,
                                  .flip = (int)settings->augment.flip,
                                  .initializer = (int)recipe->initializer,
                                  .resize_mode = RESIZE_CROP,
                                  .background = "ffffff"};
    if (!settings->plateau_epochs)
        a->options.settings.plateau_epochs = USUAL_PLATEAU;
    for (int i = 0; i < recipe_count; i++) {
        a->recipe_names[i] = recipes[i].name;
        a->options.recipe = strcmp(recipes[i].name, recipe->name) == 0 ? i : a->options.recipe;
    }
    if (!(settings->small_part > 0))
        a->options.settings.small_part = USUAL_SMALL_PART;
}

/* ---- The options, group by group: each function appends its entries ---- */

struct table {
    struct option_entry *entries;
    int count;
};

static void append(struct table *table, const struct option_entry *entries)
{
    for (; entries->name; entries++)
        LIST_ADD(table->entries, table->count, *entries);
}

static void add_common(struct table *table, struct train_arguments *a)
{
    struct train_options *o = &a->options;
    append(
        table,
        (const struct option_entry[]){
            {"output", "FILE", OPTION_TEXT, &o->output, "(or -o) output model; a folder if it ends in a slash", NULL},
            DATA_OPTION(&o->data.path),
            {"recipe", "NAME", OPTION_CHOICE, &o->recipe, "where the other options' defaults come from, one of",
             a->recipe_names},
            {"network", "NAME|FILE", OPTION_TEXT, &o->network,
             "network: a preset or a text file (train_native/model/network.h)", NULL},
            {"from", "MODEL|none", OPTION_TEXT, &o->from,
             "start from this trained model (transfer learning); none: from nothing, whatever models are at hand",
             NULL},
            {"size", "N", OPTION_COUNT, &o->size, "input height and width (0: the network's)", NULL},
            {"epochs", "N", OPTION_COUNT, &o->settings.epochs, "passes over the training set", NULL},
            {"validation", "FRACTION", OPTION_NUMBER, &o->validation,
             "fraction of the training set held out for validation", NULL},
            {"seed", "N", OPTION_COUNT, &o->seed, "random seed: same seed, same weights", NULL},
            {"threads", "N", OPTION_COUNT, &o->threads,
             "number of threads (0: one per core); any number gives the same weights", NULL},
            {"resume", NULL, OPTION_FLAG, &o->resume,
             "continue an interrupted run from its checkpoint, bit for bit, or a complete one to more --epochs", NULL},
            {"restart", NULL, OPTION_FLAG, &o->restart, "start anew in the place of an interrupted run", NULL},
            {0}});
}

static void add_data(struct table *table, struct train_arguments *a)
{
    struct train_options *o = &a->options;
    append(table, (const struct option_entry[]){
                      {"Data", NULL, OPTION_GROUP, NULL, NULL, NULL},
                      TEST_OPTION(&o->data.test),
                      SPLIT_SEED_OPTION(&o->data.split_seed),
                      LIMIT_OPTION(&o->data.limit),
                      {"labels", "FILE", OPTION_TEXT, &o->labels,
                       "all labels of the model, where the data has images of some of them: a file with one a line, or "
                       "a model that has them, like that of --from",
                       NULL},
                      {"use", "FRACTION", OPTION_NUMBER, &o->use,
                       "train on this fraction of every class; validation stays as it is", NULL},
                      {"curve", NULL, OPTION_FLAG, &o->curve,
                       "train on 50, 25 and 10 % of the images, too, and say what twice as many would give", NULL},
                      {"sweep", "OPTION=A,B", OPTION_TEXTS, &o->sweep,
                       "a run with each of these values of an option, with several --sweep each combination; into "
                       "folders of the --output folder, with a table and a plot",
                       NULL},
                      {"class-weights", "NAME", OPTION_CHOICE, &o->class_weights,
                       "weights in the loss; balanced: inverse class frequencies, by themselves for a head alone "
                       "(--linear-probe) where one class has five times the images of another; one of",
                       class_weighting_names},
                      {"resize", "NAME", OPTION_CHOICE, &a->resize_mode,
                       "how images are fitted to the input's aspect ratio", resize_mode_names},
                      {"background", "RRGGBB", OPTION_TEXT, &a->background,
                       "colour behind transparent pixels, and of --resize pad", NULL},
                      FOLDER_OPTIONS(&o->data),
                      COLUMNS_OPTION(&o->data.columns),
                      {"memory", "MIB", OPTION_COUNT, &o->data.memory,
                       "memory for images; decoded ones that need more than half of it lie in a file; with --from also "
                       "for training [half of what is free]",
                       NULL},
                      {"pixels", "FILE", OPTION_TEXT, &o->data.pixels,
                       "keep decoded images in FILE, for this run and the next ones on them [MODEL.pixels, where "
                       "--memory does not hold them]",
                       NULL},
                      {"remove-pixels", NULL, OPTION_FLAG, &o->remove_pixels,
                       "remove that file when the run is complete", NULL},
                      {"fetch", NULL, OPTION_FLAG, &o->fetch,
                       "download CIFAR-10 into data/ without asking if it is missing", NULL},
                      {0}});
}

static void add_augmentation(struct table *table, struct train_arguments *a)
{
    struct augment *augment = &a->options.settings.augment;
    append(
        table,
        (const struct option_entry[]){
            {"Augmentation", NULL, OPTION_GROUP, NULL, NULL, NULL},
            {"flip", "NAME", OPTION_CHOICE, &a->flip,
             "horizontal flip; unless this is named, none where the images tell that mirroring changes their meaning",
             flip_names},
            {"crop", "PIXELS", OPTION_COUNT, &augment->crop, "random crop: shift by up to so many pixels", NULL},
            {"resized-crop", "FRACTION", OPTION_NUMBER, &augment->resized_crop,
             "random resized crop: min fraction of the area (0: off)", NULL},
            {"rotate", "DEGREES", OPTION_NUMBER, &augment->rotate, "random rotation: max angle", NULL},
            {"jitter", "X", OPTION_NUMBER, &augment->jitter,
             "colour jitter: max change of brightness, contrast and saturation", NULL},
            {"cutout", "PIXELS", OPTION_COUNT, &augment->cutout, "Cutout: side of the square (0: off)", NULL},
            {"erase", "PROBABILITY", OPTION_NUMBER, &augment->erase, "random erasing: probability for each image",
             NULL},
            {"mixup", "ALPHA", OPTION_NUMBER, &augment->mixup, "mixup: alpha, like 0.2 (0: off)", NULL},
            {"cutmix", "ALPHA", OPTION_NUMBER, &augment->cutmix, "CutMix: alpha, like 1 (0: off)", NULL},
            {0}});
}

static void add_optimisation(struct table *table, struct train_arguments *a)
{
    struct train_options *o = &a->options;
    struct trainer_settings *settings = &o->settings;
    struct optimizer *optimizer = &settings->optimizer;
    append(
        table,
        (const struct option_entry[]){
            {"Optimisation", NULL, OPTION_GROUP, NULL, NULL, NULL},
            {"batch", "N", OPTION_COUNT, &settings->batch, "batch size", NULL},
            LANES_OPTION(&o->lanes),
            {"micro-batch", "N", OPTION_COUNT, &o->micro_batch,
             "images at a time in one thread; also the (ghost) batch of batch norm; with --from fewer where two "
             "threads would take more than 1 GiB, unless this or --memory is named",
             NULL},
            {"optimizer", "NAME", OPTION_CHOICE, &a->optimizer, "one of", optimizer_names},
            {"learning-rate", "X", OPTION_NUMBER, &optimizer->learning_rate, "max learning rate", NULL},
            {"dense-learning-rate", "X", OPTION_NUMBER, &optimizer->dense_learning_rate,
             "muon: learning rate of dense layers", NULL},
            {"bias-learning-rate", "X", OPTION_NUMBER, &optimizer->bias_learning_rate,
             "muon: learning rate of biases and batch-norm shifts", NULL},
            {"find-learning-rate", NULL, OPTION_FLAG, &o->find_learning_rate,
             "learning-rate range test: suggest one, write nothing", NULL},
            {"momentum", "X", OPTION_NUMBER, &optimizer->momentum, "momentum of sgd and muon", NULL},
            {"nesterov", NULL, OPTION_FLAG, &a->nesterov, "Nesterov momentum, for sgd", NULL},
            {"weight-decay", "X", OPTION_NUMBER, &optimizer->weight_decay,
             "weight decay, not on biases; muon: of dense layers and biases, per step", NULL},
            {"schedule", "NAME", OPTION_CHOICE, &a->schedule, "learning-rate schedule, one of", schedule_names},
            {"warmup", "EPOCHS", OPTION_NUMBER, &settings->warmup, "linear warmup (onecycle has its own)", NULL},
            {"plateau", "EPOCHS", OPTION_COUNT, &settings->plateau_epochs,
             "schedule plateau: divide the learning rate by 10 after so many epochs without a lower "
             "validation loss",
             NULL},
            {"patience", "EPOCHS", OPTION_COUNT, &settings->early_stopping,
             "early stopping: stop after so many epochs without a better validation accuracy (0: off)", NULL},
            {"label-smoothing", "X", OPTION_NUMBER, &settings->label_smoothing, "label smoothing", NULL},
            {"ema", "DECAY", OPTION_NUMBER, &settings->ema_decay,
             "EMA of the weights: decay per step, like 0.99; saved and validated in place of them (0: off)", NULL},
            {"precise-batchnorm", "IMAGES", OPTION_COUNT, &o->precise_batchnorm,
             "measure the statistics of batch norm on so many training images before each validation, in a third of "
             "the time of training on them; 0: running means, as without validation",
             NULL},
            {"exact", NULL, OPTION_FLAG, &o->exact,
             "unfused multiply-adds: the same weights on every machine, and in WebAssembly; slower", NULL},
            {"initializer", "NAME", OPTION_CHOICE, &a->initializer, "weight initialisation, one of", initializer_names},
            {"small-size", "N", OPTION_COUNT, &o->small_size,
             "input height and width in the first epochs, which then take less time (0: no other)", NULL},
            {"small-part", "X", OPTION_NUMBER, &o->settings.small_part, "the fraction of the epochs that these are",
             NULL},
            {0}});
}

static void add_transfer_and_output(struct table *table, struct train_arguments *a)
{
    struct train_options *o = &a->options;
    append(table, (const struct option_entry[]){
                      {"Transfer (with --from)", NULL, OPTION_GROUP, NULL, NULL, NULL},
                      {"freeze", "N|NAME|trunk", OPTION_TEXT, &o->freeze,
                       "frozen layers: the first N (as `eyelet summary` counts), up to conv2d_3 for example, or all "
                       "below the head",
                       NULL},
                      {"unfreeze", "EPOCHS", OPTION_COUNT, &o->unfreeze,
                       "unfreeze all layers after so many epochs (0: never)", NULL},
                      {"layer-decay", "X", OPTION_NUMBER, &o->layer_decay,
                       "layer-wise learning-rate decay, from each layer to the one below", NULL},
                      {"linear-probe", NULL, OPTION_FLAG, &o->linear_probe,
                       "train the head only, to convergence, on cached features", NULL},
                      {"standardize", NULL, OPTION_FLAG, &o->standardize,
                       "put a layer in front of that head that brings the features to a mean of 0 and a standard "
                       "deviation of 1: steps from there go further (eyelet average)",
                       NULL},
                      {"fine-tune", "BLOCKS", OPTION_COUNT, &o->fine_tune,
                       "train the head so, then it and so many of the last blocks on images", NULL},
                      {"views", "N", OPTION_COUNT, &o->views,
                       "views of each image that the head is trained on so: as it is, and N - 1 augmented", NULL},
                      {"embeddings", "FILE", OPTION_TEXT, &o->embeddings,
                       "keep the features of images in files here, for the next run [MODEL.embeddings]", NULL},
                      {"remove-embeddings", NULL, OPTION_FLAG, &o->remove_embeddings,
                       "keep none, and remove those of an earlier run", NULL},
                      {"Distillation", NULL, OPTION_GROUP, NULL, NULL, NULL},
                      {"teacher", "MODEL", OPTION_TEXT, &o->teacher,
                       "train for the scores of this model on each image, too, kept in MODEL.embeddings and "
                       "MODEL.teacher; where its classes are others, of a head fitted on its embeddings",
                       NULL},
                      {"temperature", "T", OPTION_NUMBER, &o->temperature,
                       "temperature of both networks' scores in that part of the loss", NULL},
                      {"teacher-weight", "X", OPTION_NUMBER, &o->teacher_weight,
                       "weight of that part, up to 1; the labels have the rest", NULL},
                      {"embedding-weight", "X", OPTION_NUMBER, &o->embedding_weight,
                       "weight of coming to its embedding, through a learned projection, like 1 (0: not at all)", NULL},
                      {"Output", NULL, OPTION_GROUP, NULL, NULL, NULL},
                      {"json", NULL, OPTION_FLAG, &o->json, "print a JSON object for each epoch", NULL},
                      {"config", "FILE", OPTION_TEXT, &o->config,
                       "begin with the options of this run, as first.txt of -o runs/first/ has them; those of the "
                       "command line come after them",
                       NULL},
                      {0}});
}

int train_arguments_parse(struct train_arguments *arguments, const struct recipe *recipe, int argc, char **argv)
{
    struct table table = {0};
    set_defaults(arguments, recipe);
    add_common(&table, arguments);
    add_data(&table, arguments);
    add_augmentation(&table, arguments);
    add_optimisation(&table, arguments);
    add_transfer_and_output(&table, arguments);
    LIST_ADD(table.entries, table.count, (struct option_entry){0}); /* the end */
    const int first = options_parse(table.entries, usage, argc, argv);
    free(table.entries);
    return first;
}
