#include "model/calibrated_model.h"

#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "model/evaluation.h"
#include "model/interval.h"
#include "model/model_file.h"
#include "model/outlier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char calibration_key[] = "calibration", threshold_key[] = "rejection threshold",
                  outlier_key[] = "outlier limit", split_key[] = "validation";

const char *calibrated_model_note(const char *notes) { return model_file_note(notes, calibration_key); }

double calibrated_model_threshold(const char *notes)
{
    const char *text = model_file_note(notes, threshold_key);
    const double score = text ? strtod(text, NULL) : 0;
    return score > 0 && score <= 1 ? score : 0; /* notes are text from whoever made the model */
}

double calibrated_model_outlier_limit(const char *notes)
{
    const char *text = model_file_note(notes, outlier_key);
    char *end;
    const double limit = text ? strtod(text, &end) : 0;
    return text && end != text && isfinite(limit) ? limit : -INFINITY;
}

const char *calibrated_model_split_note(float fraction, int images, int seed)
{
    static char text[96];
    char digits[32]; /* as few as give back the same float: 0.1 */
    for (int precision = 1; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)fraction);
        if (strtof(digits, NULL) == fraction)
            break;
    }
    snprintf(text, sizeof text, "%s: fraction %s of %d images, seed %d\n", split_key, digits, images, seed);
    return text;
}

bool calibrated_model_read_split(const char *notes, float *fraction, int *images, int *seed)
{
    const char *text = model_file_note(notes, split_key);
    return text && sscanf(text, "fraction %f of %d images, seed %d", fraction, images, seed) == 3 && *fraction > 0 &&
           *fraction < 1 && *images > 0 && *seed >= 0;
}

/* Whether a temperature lowers the loss of images that it has not been fitted to. */
static bool fits(const struct calibration *found) { return found->gain > 0; }

/* The model's bytes with this temperature and what was found among the notes; the caller frees them. */
static uint8_t *calibrated(size_t *size, const struct model *model, const struct calibration *found, double precision,
                           struct failure *failure)
{
    char about[160], threshold[160], outlier[160];
    if (!fits(found))
        snprintf(
            about, sizeof about,
            "temperature 1: one fitted to %s validation images, %.3f, does not lower the loss of others; error %.2f %%",
            format_thousands((uint64_t)found->images), found->fitted, 100 * found->error_before);
    else
        snprintf(about, sizeof about,
                 "temperature %.3f (%.3f-%.3f) from %s validation images; error %.2f %% before, %.2f %% after",
                 found->temperature, found->interval[0], found->interval[1], format_thousands((uint64_t)found->images),
                 100 * found->error_before, 100 * found->error_after);
    const struct threshold *t = &found->threshold;
    snprintf(threshold, sizeof threshold,
             "%.3f (%s of the %s surer validation answers were right, of %s; %g %% asked for)", t->score,
             interval_percent(t->right, t->answered), format_thousands((uint64_t)t->answered),
             format_thousands((uint64_t)found->images), 100 * precision);
    snprintf(outlier, sizeof outlier, "%.3f (max logit, which %g %% of %s validation images reach)",
             found->outlier_limit, 100 * OUTLIER_ACCEPTED, format_thousands((uint64_t)found->images));
    char *old = model_file_notes(model), *half = model_file_set_note(old, calibration_key, about);
    char *most = model_file_set_note(half, threshold_key, t->answered ? threshold : NULL);
    char *notes = model_file_set_note(most, outlier_key, outlier);
    struct model *changed = allocate(1, sizeof *changed);
    *changed = *model;
    changed->temperature = (float)found->temperature;
    uint8_t *bytes = model_file_again(size, changed, notes, model->type, failure);
    free(changed);
    free(notes);
    free(most);
    free(half);
    free(old);
    return bytes;
}

static enum status measure(struct calibration *found, const uint8_t *model, size_t size,
                           const struct calibration_input *input)
{
    const int count = input->count;
    struct evaluation e;
    const enum status status = evaluation_run(
        &e, &(struct evaluation_input){
                .model = model, .size = size, .dataset = input->dataset, .indices = input->indices, .count = count});
    if (status)
        return status;
    struct bin bins[CALIBRATION_BINS];
    *found = (struct calibration){.images = count, .error_before = e.uncalibrated_error};
    found->fitted = calibration_temperature(e.logits, e.labels, count, e.classes);
    found->gain = calibration_gain(e.logits, e.labels, count, e.classes);
    found->temperature = fits(found) ? found->fitted : 1;
    calibration_answers(e.answers, e.logits, e.labels, count, e.classes, found->temperature);
    calibration_bins(bins, e.answers, count);
    found->error_after = calibration_error(bins);
    calibration_temperature_interval(found->interval, e.logits, e.labels, count, e.classes, found->fitted);
    found->threshold = calibration_threshold(e.answers, count, input->precision);
    if (found->threshold.answered < CALIBRATION_MIN_ANSWERS)
        found->threshold = (struct threshold){.score = 1};
    found->outlier_limit = outlier_limit(e.logits, count, e.classes);
    evaluation_free(&e);
    return STATUS_OK;
}

bool calibrated_model_file(struct calibration *found, const char *path, const struct calibration_input *input,
                           struct failure *failure)
{
    if (input->count < CALIBRATION_MIN_ANSWERS)
        return failure_set(failure, path, "Hold out more images with --validation.",
                           "%d validation images are too few for a temperature and a rejection threshold: it takes %d",
                           input->count, CALIBRATION_MIN_ANSWERS);
    struct model *model = allocate(1, sizeof *model);
    size_t size, new_size;
    uint8_t *bytes = model_file_load(model, &size, path, failure), *result = NULL;
    const enum status status = bytes ? measure(found, bytes, size, input) : STATUS_OK;
    if (status)
        failure_set(failure, NULL, NULL, "%s", eyelet_status_text(status));
    else if (bytes)
        result = calibrated(&new_size, model, found, input->precision, failure);
    const char *reason;
    const bool written = result && write_file(path, result, new_size, &reason);
    if (result && !written)
        failure_set(failure, path, "What stood there before is unchanged.", "the calibration cannot be written: %s",
                    reason);
    free(result);
    free(bytes);
    free(model);
    return written;
}

static void print_json(const struct calibration *c)
{
    const struct threshold *t = &c->threshold;
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_int(&json, "validation_images", c->images);
    if (c->images < CALIBRATION_MIN_ANSWERS) {
        json_int(&json, "min_validation_images", CALIBRATION_MIN_ANSWERS);
    } else {
        json_number(&json, "temperature", "%.3f", c->temperature);
        json_number(&json, "fitted_temperature", "%.3f", c->fitted);
        json_number(&json, "held_out_gain", "%.6f", c->gain);
        json_array(&json, "temperature_interval");
        json_number(&json, NULL, "%.3f", c->interval[0]);
        json_number(&json, NULL, "%.3f", c->interval[1]);
        json_close(&json);
        json_number(&json, "calibration_error_before", "%.6f", c->error_before);
        json_number(&json, "calibration_error", "%.6f", c->error_after);
    }
    if (c->images >= CALIBRATION_MIN_ANSWERS)
        json_number(&json, "outlier_limit", "%.3f", c->outlier_limit);
    if (t->answered) {
        json_object(&json, "threshold");
        json_number(&json, "score", "%.3f", t->score);
        json_int(&json, "answered", t->answered);
        json_int(&json, "right", t->right);
        interval_json(&json, "interval", t->right, t->answered);
        json_close(&json);
    }
    json_close(&json);
    json_end(&json);
}

void calibrated_model_print(const struct calibration *c, bool as_json)
{
    const struct threshold *t = &c->threshold;
    if (as_json) {
        print_json(c);
        return;
    }
    if (c->images < CALIBRATION_MIN_ANSWERS) {
        printf("not calibrated: %d validation images are too few for a temperature and a rejection threshold, which "
               "take %d\n",
               c->images, CALIBRATION_MIN_ANSWERS);
        return;
    }
    if (fits(c))
        printf(
            "calibrated on %s validation images: temperature %.3f (%.3f-%.3f), error %.2f %% before, %.2f %% after; ",
            format_thousands((uint64_t)c->images), c->temperature, c->interval[0], c->interval[1],
            100 * c->error_before, 100 * c->error_after);
    else
        printf("calibrated on %s validation images: temperature 1, because one fitted to four fifths of them does not "
               "lower the loss of the last fifth, error %.2f %%; ",
               format_thousands((uint64_t)c->images), 100 * c->error_before);
    if (t->answered)
        printf("\"not sure\" below %.3f (above it %s of %s answers were right, %s)\n", t->score,
               format_thousands((uint64_t)t->right), format_thousands((uint64_t)t->answered),
               interval_percent(t->right, t->answered));
    else
        printf("never \"not sure\": above no score are %d answers right often enough\n", CALIBRATION_MIN_ANSWERS);
}
