#include "calibrate.h"

#include "commands.h"
#include "evaluation.h"
#include "model_file.h"
#include "options.h"
#include "support.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet calibrate MODEL: makes scores mean what they say, on the images that training set aside\n\n"
    "  eyelet calibrate mine.eyelet                       as `eyelet train` does at its end\n"
    "  eyelet calibrate mine.eyelet --precision 0.99      \"not sure\" more often, and right more often when not\n\n"
    "Fits the temperature of the softmax (Guo et al. 2017) and finds the score from which answers are right often\n"
    "enough; `eyelet classify` and the page say \"not sure\" below it. Writes both into MODEL. The weights stay as they\n"
    "are, and so does which class is the likeliest. Never looks at the test images, so that `eyelet evaluate` can tell\n"
    "how well it worked.";

static const char threshold_key[] = "not sure below", split_key[] = "validation";

double calibrate_threshold(const char *notes)
{
    const char *text = model_file_note(notes, threshold_key);
    const double score = text ? strtod(text, NULL) : 0;
    return score > 0 && score <= 1 ? score : 0; /* notes are text from whoever made the model */
}

const char *calibrate_split_note(float share, int images, int seed)
{
    static char text[96];
    char digits[32]; /* as few as give back the same float: 0.1 */
    for (int precision = 1; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)share);
        if (strtof(digits, NULL) == share)
            break;
    }
    snprintf(text, sizeof text, "%s: share %s of %d images, seed %d\n", split_key, digits, images, seed);
    return text;
}

static bool read_split_note(const char *text, float *share, int *images, int *seed)
{
    return sscanf(text, "share %f of %d images, seed %d", share, images, seed) == 3 && *share > 0 && *share < 1 && *images > 0 &&
           *seed >= 0;
}

/* The model's bytes with this temperature and what was found among the notes; the caller frees them. */
static uint8_t *calibrated(size_t *size, const struct model *model, const struct calibration *found, double precision)
{
    char about[160], threshold[160];
    snprintf(about, sizeof about, "temperature %.3f from %s validation images; error %.2f %% before, %.2f %% after",
             found->temperature, grouped((uint64_t)found->images), 100 * found->error_before, 100 * found->error_after);
    const struct threshold *t = &found->threshold;
    snprintf(threshold, sizeof threshold,
             "%.3f (%.1f %% of the %s surer validation answers were right, of %s; %g %% asked for)", t->score,
             100.0 * t->right / fmax(t->answered, 1), grouped((uint64_t)t->answered), grouped((uint64_t)found->images),
             100 * precision);
    char *old = model_file_notes(model), *half = model_file_set_note(old, "calibration", about);
    char *notes = model_file_set_note(half, threshold_key, t->answered ? threshold : NULL);
    struct model *changed = allocate(1, sizeof *changed);
    *changed = *model;
    changed->temperature = (float)found->temperature;
    uint8_t *bytes = model_file_again(size, changed, notes, model->type);
    free(changed);
    free(notes);
    free(half);
    free(old);
    return bytes;
}

struct calibration calibrate_file(const char *path, const struct dataset *dataset, const int *places, int count,
                                  double precision)
{
    struct model *model = allocate(1, sizeof *model);
    size_t size, new_size;
    uint8_t *bytes = model_file_load(model, &size, path);
    struct evaluation e = evaluation_run(bytes, size, dataset, places, count, 0);
    struct calibration found = {.images = count, .error_before = e.uncalibrated_error};
    struct bin bins[CALIBRATION_BINS];
    found.temperature = calibration_temperature(e.logits, e.labels, count, e.classes);
    calibration_answers(e.answers, e.logits, e.labels, count, e.classes, found.temperature);
    calibration_bins(bins, e.answers, count);
    found.error_after = calibration_error(bins);
    found.threshold = calibration_threshold(e.answers, count, precision);
    evaluation_free(&e);

    uint8_t *result = calibrated(&new_size, model, &found, precision);
    const char *reason;
    if (!write_file(path, result, new_size, &reason))
        fail(path, "The model is unchanged.", "the calibration cannot be written: %s", reason);
    free(result);
    free(bytes);
    free(model);
    return found;
}

void calibrate_print(const struct calibration *c, bool json)
{
    const struct threshold *t = &c->threshold;
    if (json) {
        printf("{\"validation_images\": %d, \"temperature\": %.3f, ", c->images, c->temperature);
        printf("\"calibration_error_before\": %.6f, \"calibration_error\": %.6f", c->error_before, c->error_after);
        if (t->answered)
            printf(", \"threshold\": {\"score\": %.3f, \"answered\": %d, \"right\": %d}", t->score, t->answered, t->right);
        printf("}\n");
        return;
    }
    printf("calibrated on %s validation images: temperature %.3f, error %.2f %% before, %.2f %% after; ",
           grouped((uint64_t)c->images), c->temperature, 100 * c->error_before, 100 * c->error_after);
    if (t->answered)
        printf("\"not sure\" below %.3f (above it %s of %s answers were right)\n", t->score, grouped((uint64_t)t->right),
               grouped((uint64_t)t->answered));
    else
        printf("never \"not sure\": at no score are answers right often enough\n");
}

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
    if (threads > MOST_THREADS)
        usage_error("calibrate", "--threads takes at most %d", MOST_THREADS);
    if (threads)
        omp_set_num_threads(threads);

    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, argv[first]);
    char *notes = model_file_notes(model);
    const char *split_text = model_file_note(notes, split_key);
    const bool named = share > 0 || (split_text && read_split_note(split_text, &share, &limit, &seed));
    if (!named)
        fail(argv[first], "Name images that it has not learnt from with --validation and --seed, or train it with --validation.",
             "the model does not say which images it was validated on");
    struct dataset dataset = dataset_open(&data, DATASET_TRAIN);
    char *mismatch = evaluation_mismatch(model, &dataset);
    if (mismatch)
        fail(argv[first], "Calibrate a model on the data that it was trained on.", "%s", mismatch);
    dataset_read(&dataset, model->net.input, &model->preprocess);
    if (limit > dataset.count)
        fail(dataset.path, "Name the data that the model was trained on with --data.",
             "has %d images, and the model was trained with %d", dataset.count, limit);
    if (limit)
        dataset_limit(&dataset, limit);
    dataset_fit(&dataset, model->net.input, &model->preprocess);
    struct split split = dataset_split(&dataset, share, (uint64_t)seed);
    if (dataset.classes < 2 || !split.validation_count)
        fail(argv[first], NULL, "there is nothing to calibrate on: %d classes, %d images", dataset.classes,
             split.validation_count);
    const struct calibration found =
        calibrate_file(argv[first], &dataset, split.validation, split.validation_count, (double)precision);
    calibrate_print(&found, json);
    split_free(&split);
    dataset_free(&dataset);
    free(notes);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
