#include "commands/commands.h"

#include "commands/model_dataset.h"
#include "commands/or_die.h"
#include "commands/shared_options.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "model/calibrated_model.h"
#include "model/model_file.h"
#include "data/split.h"

#include <omp.h>
#include <stdlib.h>

static const char usage[] =
    "eyelet calibrate MODEL: fit temperature, rejection threshold and outlier limit on the validation set\n"
    "\n"
    "  eyelet calibrate mine.eyelet                       as `eyelet train` does at its end\n"
    "  eyelet calibrate mine.eyelet --precision 0.99      higher precision, more rejected images\n"
    "\n"
    "Fits the softmax temperature (Guo et al. 2017) and the threshold on the score above which answers reach the\n"
    "precision; below it `eyelet classify` and the page say \"not sure\". Images with a max logit below the limit, which\n"
    "95 % of the validation images reach, are \"none of these\" (Hendrycks et al. 2022; `eyelet evaluate`\n"
    "measures it). All are written into MODEL; the weights and the predicted classes stay the same. It takes 50 images,\n"
    "and as many answers above the threshold; the 95 % intervals are those of the profile likelihood (temperature) and\n"
    "Wilson's (accuracy). The temperature stays 1 where one fitted to four fifths of the images does not lower the loss\n"
    "of the last fifth (five-fold cross-fitting). The test set is not used, so `eyelet evaluate` can measure the result.";

struct calibrate_options {
    struct data_options data;
    float fraction, precision; /* fraction 0: that in the model's notes */
    int seed, limit;
    bool json;
};

/* Parses the options; the result is the path of the model. */
static const char *parse(struct calibrate_options *o, int argc, char **argv)
{
    const struct option_entry options[] = {
        MODEL_DATA_OPTION(&o->data.path),
        TEST_OPTION(&o->data.test),
        SPLIT_SEED_OPTION(&o->data.split_seed),
        FOLDER_OPTIONS(&o->data),
        {"precision", "FRACTION", OPTION_NUMBER, &o->precision, "min precision of the answers above the threshold",
         NULL},
        {"validation", "FRACTION", OPTION_NUMBER, &o->fraction,
         "fraction of the training set that training held out (0: with seed and limit from the model's notes)", NULL},
        {"seed", "N", OPTION_COUNT, &o->seed, "with --validation: random seed of that training", NULL},
        {"limit", "N", OPTION_COUNT, &o->limit, "with --validation: number of images of that training (0: all)", NULL},
        COLUMNS_OPTION(&o->data.columns),
        MEMORY_OPTION(&o->data.memory),
        THREADS_OPTION(&o->data.threads),
        JSON_OPTION(&o->json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("calibrate", "calibrate takes one model, got %d", argc - first);
    if (!(o->fraction < 1) || o->precision > 1)
        usage_error("calibrate", "--validation takes a fraction below 1, --precision one of at most 1, like 0.95");
    check_threads("calibrate", o->data.threads);
    return argv[first];
}

/* The images that training held out for validation are calibrated on. */
static struct dataset open_data(const struct calibrate_options *o, const struct model *model)
{
    struct data_options data = o->data;
    data.limit = o->limit;
    struct dataset dataset = model_dataset_open(model, &data, DATASET_TRAIN);
    const int classes = model_dataset_measured(&dataset);
    if (classes < dataset.classes)
        die(dataset.path, "Name the data that the model was trained on with --data.",
            "has images of %d of the model's %d classes", classes, dataset.classes);
    if (o->limit > dataset.count)
        die(dataset.path, "Name the data that the model was trained on with --data.",
            "has %d images, and the model was trained with %d", dataset.count, o->limit);
    model_dataset_fit(&dataset, model);
    return dataset;
}

int command_calibrate(int argc, char **argv)
{
    struct calibrate_options o = {.data = usual_data, .precision = (float)CALIBRATE_PRECISION, .seed = 1};
    const char *path = parse(&o, argc, argv);
    if (o.data.threads)
        omp_set_num_threads(o.data.threads);
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = load_or_die(model, &size, path);
    char *notes = model_file_notes(model);
    if (!(o.fraction > 0) && !calibrated_model_read_split(notes, &o.fraction, &o.limit, &o.seed))
        die(path, "Name its validation set with --validation and --seed, or train it with --validation.",
            "the model's notes do not record which images it was validated on");
    struct dataset dataset = open_data(&o, model);
    struct split split = split_dataset(&dataset, o.fraction, (uint64_t)o.seed);
    if (dataset.classes < 2 || !split.validation_count)
        die(path, NULL, "there is nothing to calibrate on: %d classes, %d images", dataset.classes,
            split.validation_count);
    struct calibration found;
    struct failure failure;
    if (!calibrated_model_file(
            &found, path,
            &(struct calibration_input){&dataset, split.validation, split.validation_count, (double)o.precision},
            &failure))
        die_of(&failure);
    calibrated_model_print(&found, o.json);
    split_free(&split);
    dataset_free(&dataset);
    free(notes);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
