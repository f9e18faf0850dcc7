#include "commands/commands.h"

#include "cli/options.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "model/calibrated_model.h"
#include "model/evaluation.h"
#include "model/model_file.h"

#include <omp.h>
#include <stdlib.h>

static const char usage[] =
    "eyelet calibrate MODEL: makes scores mean what they say, on the images that training set aside\n\n"
    "  eyelet calibrate mine.eyelet                       as `eyelet train` does at its end\n"
    "  eyelet calibrate mine.eyelet --precision 0.99      \"not sure\" more often, and right more often when not\n\n"
    "Fits the temperature of the softmax (Guo et al. 2017) and finds the score from which answers are right often\n"
    "enough; `eyelet classify` and the page say \"not sure\" below it. Writes both into MODEL. The weights stay as they\n"
    "are, and so does which class is the likeliest. Never looks at the test images, so that `eyelet evaluate` can tell\n"
    "how well it worked.";

int command_calibrate(int argc, char **argv)
{
    struct data_options data = usual_data;
    float share = 0, precision = (float)CALIBRATE_PRECISION;
    int seed = 1, limit = 0, threads = 0;
    bool json = false;
    const struct option_entry options[] = {
        {"data", "PATH", OPTION_TEXT, &data.path, "what it was trained on (else $EYELET_DATA, data/, ../shared/data/)", NULL},
        {"test", "SHARE", OPTION_NUMBER, &data.test, "of pictures without a folder test, as in that training", NULL},
        {"split-seed", "N", OPTION_COUNT, &data.split_seed, "of that choice", NULL},
        {"precision", "SHARE", OPTION_NUMBER, &precision, "of the answers that are sure, how many are to be right", NULL},
        {"validation", "SHARE", OPTION_NUMBER, &share,
         "of the training images, as training set it aside\n(0: as the model's notes say, with its seed and limit)", NULL},
        {"seed", "N", OPTION_COUNT, &seed, "with --validation: of that training", NULL},
        {"limit", "N", OPTION_COUNT, &limit, "with --validation: of that training (0: all)", NULL},
        {"threads", "N", OPTION_COUNT, &threads, "0: as many as there are cores", NULL},
        {"json", NULL, OPTION_FLAG, &json, "print JSON", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("calibrate", "calibrate takes one model, got %d", argc - first);
    if (!(share < 1) || precision > 1)
        usage_error("calibrate", "--validation takes a share below 1, --precision one of at most 1, like 0.95");
    if (threads > MAX_THREADS)
        usage_error("calibrate", "--threads takes at most %d", MAX_THREADS);
    if (threads)
        omp_set_num_threads(threads);

    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, argv[first]);
    char *notes = model_file_notes(model);
    const bool named = share > 0 || calibrated_model_read_split(notes, &share, &limit, &seed);
    if (!named)
        die(argv[first], "Name images that it has not trained from with --validation and --seed, or train it with --validation.",
             "the model does not say which images it was validated on");
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
    struct split split = dataset_split(&dataset, share, (uint64_t)seed);
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
