/* Temperature scaling, which makes a classifier's scores probabilities, and a rejection threshold: the score below
 * which it is "not sure". Arrays in, values out; calibrated_model.h writes them into a model file.
 *
 *     double temperature = calibration_temperature(logits, labels, count, classes);
 *     if (calibration_gain(logits, labels, count, classes) <= 0)
 *         temperature = 1;
 *     struct answer answers[count];
 *     calibration_answers(answers, logits, labels, count, classes, temperature);
 *     struct threshold threshold = calibration_threshold(answers, count, 0.95);
 *
 * The images are ones that the network was not trained on, and not the ones that its accuracy is measured on. */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include <stdbool.h>

/* The T of the minimal cross-entropy of softmax(logits / T) (Guo et al. 2017), with Platt's
 * (1999) targets, (count + 1) / (count + 2) for the label, so that a few images that are all right do not make it
 * certain. logits (count, classes), classes at least 2. Between 0.05 and 20, rounded to a thousandth: the same on
 * every machine. */
double calibration_temperature(const float *logits, const int *labels, int count, int classes);

/* By how much a temperature fitted to four fifths of the images lowers the mean cross-entropy of the last fifth, below that
 * at temperature 1: the mean over the five ways (cross-fitting). Where it is 0 or less, fitting one does not pay. For
 * two images or more. */
double calibration_gain(const float *logits, const int *labels, int count, int classes);

/* From so few answers neither a temperature nor a threshold is fitted: 50 that are all right may be of a model that is
 * right in 93 %. */
enum { CALIBRATION_MIN_ANSWERS = 50 };

/* low, high: the temperatures that fit nearly as well, of the images' cross-entropy no more than 1.92 above that with
 * `temperature`: the 95 % interval of the profile likelihood (Wilks 1938), within the same bounds and as rounded. */
void calibration_temperature_interval(double interval[2], const float *logits, const int *labels, int count,
                                      int classes, double temperature);

/* The answer to one image. */
struct answer {
    int label, best;           /* the true class, and the likeliest one: the first among equals */
    double score, label_score; /* the likeliest one's probability, softmax(logits / temperature), and the true one's */
    double loss;               /* -log(label_score) */
    bool among_five;           /* the true class is one of the five likeliest */
};
void calibration_answers(struct answer *answers, const float *logits, const int *labels, int count, int classes,
                         double temperature);

/* The answers cut into bins of equal width by their scores. */
enum { CALIBRATION_BINS = 15 };
struct bin {
    int count, right;
    double score_sum;
};
void calibration_bins(struct bin bins[CALIBRATION_BINS], const struct answer *answers, int count);

/* Expected calibration error: the mean distance of a bin's score from the fraction that was right (Guo et al. 2017). */
double calibration_error(const struct bin bins[CALIBRATION_BINS]);

/* The lowest score, in thousandths, at which answers with that score or more were right in `precision` of the cases or
 * more; the answers at and above it. answered is 0, and score 1, where there is no such score. */
struct threshold {
    double score;
    int answered, right;
};
struct threshold calibration_threshold(const struct answer *answers, int count, double precision);

#endif
