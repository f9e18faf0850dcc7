#include "commands/commands.h"

#include "commands/shared_options.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "model/calibrated_model.h"
#include "model/evaluation.h"
#include "model/model_file.h"
#include "data/dataset_open.h"
#include "data/split.h"

#include <omp.h>
#include <stdlib.h>

static const char usage[] =
    "eyelet calibrate MODEL: fit temperature scaling and a rejection threshold on the validation set\n"
    "\n"
    "  eyelet calibrate mine.eyelet                       as `eyelet train` does at its end\n"
    "  eyelet calibrate mine.eyelet --precision 0.99      higher precision, more rejected images\n"
    "\n"
    "Fits the softmax temperature (Guo et al. 2017) and the threshold on the score above which answers reach the\n"
    "precision; below it `eyelet classify` and the page say \"not sure\". Both are written into MODEL; the weights and\n"
    "the predicted classes stay the same. The test set is not used, so `eyelet evaluate` can measure the result.";

int command_calibrate(int argc, char **argv)
{
    struct data_options data = usual_data;
    float fraction = 0, precision = (float)CALIBRATE_PRECISION;
    int seed = 1, limit = 0, threads = 0;
    bool json = false;
    const struct option_entry options[] = {
        MODEL_DATA_OPTION(&data.path),
        TEST_OPTION(&data.test),
        SPLIT_SEED_OPTION(&data.split_seed),
        {"precision", "FRACTION", OPTION_NUMBER, &precision, "min precision of the answers above the threshold", NULL},
        {"validation", "FRACTION", OPTION_NUMBER, &fraction,
         "fraction of the training set that training held out (0: with seed and limit from the model's notes)", NULL},
        {"seed", "N", OPTION_COUNT, &seed, "with --validation: random seed of that training", NULL},
        {"limit", "N", OPTION_COUNT, &limit, "with --validation: number of images of that training (0: all)", NULL},
        THREADS_OPTION(&threads),
        JSON_OPTION(&json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("calibrate", "calibrate takes one model, got %d", argc - first);
    if (!(fraction < 1) || precision > 1)
        usage_error("calibrate", "--validation takes a fraction below 1, --precision one of at most 1, like 0.95");
    if (threads > MAX_THREADS)
        usage_error("calibrate", "--threads takes at most %d", MAX_THREADS);
    if (threads)
        omp_set_num_threads(threads);

    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, argv[first]);
    char *notes = model_file_notes(model);
    const bool named = fraction > 0 || calibrated_model_read_split(notes, &fraction, &limit, &seed);
    if (!named)
        die(argv[first], "Name its validation set with --validation and --seed, or train it with --validation.",
             "the model's notes do not say which images it was validated on");
    struct dataset dataset = dataset_open(&data, DATASET_TRAIN);
    char *mismatch = evaluation_mismatch(model, &dataset);
    if (mismatch)
        die(argv[first], "Calibrate a model on the data that it was trained on.", "%s", mismatch);
    dataset_read(&dataset, model->net.input, &model->preprocess);
    if (limit > dataset.count)
        die(dataset.path, "Name the data that the model was trained on with --data.",
             "has %d images, and the model was trained with %d", dataset.count, limit);
    if (limit)
        dataset_limit(&dataset, limit);
    dataset_fit(&dataset, model->net.input, &model->preprocess);
    struct split split = split_dataset(&dataset, fraction, (uint64_t)seed);
    if (dataset.classes < 2 || !split.validation_count)
        die(argv[first], NULL, "there is nothing to calibrate on: %d classes, %d images", dataset.classes,
             split.validation_count);
    const struct calibration found =
        calibrated_model_file(argv[first], &dataset, split.validation, split.validation_count, (double)precision);
    calibrated_model_print(&found, json);
    split_free(&split);
    dataset_free(&dataset);
    free(notes);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
