/* What more training images would give: a power law through the errors with fewer of them (Cortes et al. 1993; Hestness
 * et al. 2017).
 *
 *     const struct curve_point points[] = {{100, 50, 200}, {250, 64, 200}, {500, 78, 200}, {1000, 96, 200}};
 *     struct curve_forecast twice = learning_curve_forecast(points, 4, 2000);   // 0.51 (0.44 to 0.57) */
#ifndef LEARNING_CURVE_H
#define LEARNING_CURVE_H

struct curve_point {
    int images;       /* that it was trained on */
    int right, count; /* of the held-out ones */
};

struct curve_forecast {
    double accuracy, low, high; /* low, high: 95 % of the band */
};

/* log(error) = a - b log(images), b at least 0, by weighted least squares: the weights are the inverse variances of the
 * logarithms of binomial errors, with half an image added to right and wrong. The band: the law fitted again to errors
 * drawn from their distributions, which are widened by how far the points lie off the law (chi-squared over its
 * degrees of freedom, if above 1). The same for the same points, on every machine to some digits. At least two points,
 * of increasing numbers of images. */
struct curve_forecast learning_curve_forecast(const struct curve_point *points, int count, int images);

#endif
