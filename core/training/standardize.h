/* Features with a mean of 0 and a standard deviation of 1, for softmax regression; behind those of an image stands a 1,
 * which stays.
 *
 *     float memory[2 * features];
 *     struct standardizer standardizer = standardizer_of(x, count, features, memory);
 *     standardize(x, count, &standardizer);
 *     ... softmax_regression(w, ...) on x ...
 *     standardizer_head(head, w, &standardizer, classes, 1);        // for features as they were
 *     standardizer_weights(w, head, &standardizer, classes, 1);     // back again */
#ifndef STANDARDIZE_H
#define STANDARDIZE_H

struct standardizer {
    int features;      /* with the 1 */
    float *mean, *std; /* (features - 1); a feature that never changes has a std of 1 */
};

/* Of x (count, features); memory (2 * features) holds what the result points to. */
struct standardizer standardizer_of(const float *x, int count, int features, float *memory);

/* x (count, features), in place. */
void standardize(float *x, int count, const struct standardizer *standardizer);

/* A dense layer's weights (features - 1, classes) and biases (classes) for features as they are, before a factor
 * `scale`; w (features, classes) is for standardised ones. And the reverse. */
void standardizer_head(float *head, const float *w, const struct standardizer *standardizer, int classes, float scale);
void standardizer_weights(float *w, const float *head, const struct standardizer *standardizer, int classes,
                          float scale);

#endif
