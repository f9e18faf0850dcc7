/* Calibrates model files: the temperature of the softmax, the score below which a model is not sure (calibration.h), and
 * the max logit below which an image is none of what it knows (outlier.h). The notes "calibration", "rejection threshold"
 * and "outlier limit" tell of it. */
#ifndef CALIBRATED_MODEL_H
#define CALIBRATED_MODEL_H

#include "training/calibration.h"
#include "cli/errors.h"
#include "data/dataset.h"

#define CALIBRATE_PRECISION 0.95 /* of the answers that are sure, unless one asks for another */

struct calibration {
    int images;
    double temperature, interval[2];  /* 1 where none that is fitted pays, else with its 95 % interval */
    double fitted, gain;              /* the one that fits best, and by how much it pays (calibration_gain) */
    double error_before, error_after; /* calibration_error with temperature 1, and with this one */
    struct threshold threshold;       /* answered is 0 where no score reaches the precision with enough answers */
    double outlier_limit;
};

/* What a model is calibrated on: the images at indices[0..count), which it has not trained from. The data has the
 * model's size and classes, of which there are two or more. */
struct calibration_input {
    const struct dataset *dataset;
    const int *indices;
    int count;
    double precision; /* of the answers that are sure */
};

/* Writes the model at path again with what fits. False leaves the file as it is; so it is with fewer than
 * CALIBRATION_MIN_ANSWERS images. */
bool calibrated_model_file(struct calibration *found, const char *path, const struct calibration_input *input,
                           struct failure *failure);

/* One line to standard output: with fewer than CALIBRATION_MIN_ANSWERS images, that these are too few. */
void calibrated_model_print(const struct calibration *calibration, bool json);

/* What these notes tell of a calibration; NULL if the model has had none. */
const char *calibrated_model_note(const char *notes);

/* The score below which these notes call a model not sure; 0 if they name none. */
double calibrated_model_threshold(const char *notes);

/* The max logit below which an image is an outlier to a model with these notes; -INFINITY if they name none. */
double calibrated_model_outlier_limit(const char *notes);

/* For the notes: which images of its data a model has not trained from. The text is good for one call. */
const char *calibrated_model_split_note(float fraction, int images, int seed);

/* The same from the notes; false if they hold none. */
bool calibrated_model_read_split(const char *notes, float *fraction, int *images, int *seed);

#endif
