/* exp, log, sin, cos and pow in double precision, of the same bits on every machine: libm's differ between systems,
 * and within one of them between processors. With sqrt, which IEEE 754 rounds correctly everywhere, they are all that
 * training needs.
 *
 *     const double decay = math_pow(0.999, 1000), angle = math_cos(0.25);
 *     assert(decay > 0.367 && decay < 0.369 && angle < 1 && math_log(math_exp(1)) == 1);
 *
 * Additions and multiplications only, each rounded once and none fused, so the compiler must not contract them
 * (-ffp-contract=off). Errors are in units in the last place of the result (ulp), measured by tests/core/test_math.c
 * against libm. A NaN gives a NaN. */
#ifndef MATH_H
#define MATH_H

/* Below 1 ulp. Overflows to infinity; below -745.2 it is 0. */
double math_exp(double x);

/* The natural logarithm, below 1 ulp. -infinity at 0, NaN below it. */
double math_log(double x);

/* Below 1 ulp for |x| up to MATH_MAX_ANGLE (radians), beyond which they are not defined. */
#define MATH_MAX_ANGLE 1e5
double math_sin(double x);
double math_cos(double x);

/* x to the power of y for x >= 0; below 1 + |y ln x| / 16 ulp. pow(x, 0) is 1, and pow(0, y) is 0 for y > 0. */
double math_pow(double x, double y);

#endif
