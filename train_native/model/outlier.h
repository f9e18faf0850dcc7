/* Images that are unlike those a model was trained on, by their max logit (Hendrycks et al. 2022, "Scaling
 * out-of-distribution detection for real-world settings"): scores sum to 1 whatever the image, logits need not be high.
 *
 *     const double limit = outlier_limit(logits, count, classes);
 *     const bool is_outlier = outlier_max_logit(logits, classes) < limit;
 *     double auroc = outlier_auroc(known, known_count, others, other_count);
 *
 * A model's limit is in its notes (calibrated_model.h). */
#ifndef OUTLIER_H
#define OUTLIER_H

/* The fraction of validation images that a limit takes for known. */
#define OUTLIER_ACCEPTED 0.95

double outlier_max_logit(const float *logits, int classes);

/* The highest limit, in thousandths, that OUTLIER_ACCEPTED of the images reach. logits (count, classes), count at least
 * 1, of images that the model was not trained on. */
double outlier_limit(const float *logits, int count, int classes);

/* The probability that an image of `known` has a higher max logit than one of `others`, equal ones counting half: the
 * area under the ROC curve. Sorts both, of which there are 1 or more. */
double outlier_auroc(double *known, int known_count, double *others, int other_count);

/* What a limit does, measured on images of other things. */
struct outlier_test {
    int count, unreadable; /* images of other things that could be read, and not */
    double limit;          /* -INFINITY: the model has none */
    double auroc;
    double refused, known_refused; /* the fractions of these and of the test images below the limit */
};

/* others (test->count): max logits, which are sorted; logits (count, classes): of the test images. Sets what stands
 * behind the limit. */
void outlier_compare(struct outlier_test *test, double *others, const float *logits, int count, int classes);

#endif
