/* The argument is reduced to where a Taylor series of few terms is exact to less than 2^-57; what the reduction and
 * the largest terms round off is carried along in a second number, as fdlibm (Sun Microsystems, 1993) does it. Exact
 * sums and products of two numbers are Knuth's (1969) and Dekker's (1971). */
#include "kernels/math.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 and pi / 2 in parts whose first ones end in so many zeros that their products with an integer of 20 bits are
 * exact. */
static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
static const double pio2_high = 0x1.921fb544p+0, pio2_middle = 0x1.0b4611a6p-34, pio2_low = 0x1.3198a2e037073p-69;
static const double sqrt2 = 1.41421356237309504880;

/* A number of twice the precision: the sum of both, low at most half an ulp of high. */
struct wide {
    double high, low;
};

static struct wide sum_of(double a, double b)
{
    const double high = a + b, from_b = high - a;
    return (struct wide){high, (a - (high - from_b)) + (b - from_b)};
}

/* a without its 27 last bits. */
static double upper_half(double a)
{
    const double scaled = a * 134217729.0; /* 2^27 + 1 */
    return scaled - (scaled - a);
}

static struct wide product_of(double a, double b)
{
    const double high = a * b, a1 = upper_half(a), b1 = upper_half(b), a2 = a - a1, b2 = b - b1;
    return (struct wide){high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
}

static double power_of_2(int exponent) /* -1022 .. 1023 */
{
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* The sum of coefficients[i] x^i. */
static double polynomial(double x, const double *coefficients, int count)
{
    double sum = coefficients[count - 1];
    for (int i = count - 2; i >= 0; i--)
        sum = sum * x + coefficients[i];
    return sum;
}

/* ---- Exponential ---- */

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; exp(r) = 1 + r + r^2 / 2 + r^3 p(r), to r^14 / 14!.
 * `more` is a small addition to x. */
static double exponential(double x, double more)
{
    static const double factorials[] = {1.0 / 6,        1.0 / 24,        1.0 / 120,        1.0 / 720,
                                        1.0 / 5040,     1.0 / 40320,     1.0 / 362880,     1.0 / 3628800,
                                        1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200};
    enum { TERMS = sizeof factorials / sizeof *factorials };
    if (x > 709.79)
        return INFINITY;
    if (x < -745.2)
        return 0;
    if (x != x)
        return x;
    const double n = floor(x * 1.44269504088896340736 + 0.5);
    const struct wide r = sum_of(x - n * ln2_high, more - n * ln2_low);
    const double square = r.high * r.high;
    const struct wide head = sum_of(1, r.high);
    const double rest = head.low + (r.low + (0.5 * square + r.high * square * polynomial(r.high, factorials, TERMS)));
    const double value = head.high + (rest + r.high * r.low);
    const int exponent = (int)n, half = exponent / 2; /* in two steps, for the powers reach further than one factor */
    return value * power_of_2(half) * power_of_2(exponent - half);
}

double math_exp(double x) { return exponential(x, 0); }

/* ---- Logarithm ---- */

/* x = 2^exponent * the result, which lies between sqrt(1/2) and sqrt(2). x is above 0 and finite. */
static double mantissa(double x, int *exponent)
{
    uint64_t bits;
    *exponent = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        *exponent = -54;
    }
    memcpy(&bits, &x, sizeof bits);
    *exponent += (int)(bits >> 52) - 1023;
    bits = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1023 << 52;
    memcpy(&x, &bits, sizeof x);
    if (x < sqrt2)
        return x;
    ++*exponent;
    return 0.5 * x;
}

/* log(m) = 2 atanh(s) = 2 s + 2 s^3 / 3 + 2 s^5 / 5 ..., s = (m - 1) / (m + 1), |s| < 0.172, to s^23. s is kept in
 * twice the precision, and all further terms are less than a hundredth of the first one. */
static struct wide logarithm(double x)
{
    static const double odd[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
    enum { TERMS = sizeof odd / sizeof *odd };
    int exponent;
    const double m = mantissa(x, &exponent), f = m - 1; /* exactly */
    const struct wide divisor = sum_of(1, m);
    const double s = f / divisor.high;
    const struct wide back = product_of(s, divisor.high);
    const double s_low = (((f - back.high) - back.low) - s * divisor.low) / divisor.high;
    const double square = s * s, tail = s * square * polynomial(square, odd, TERMS);
    const struct wide head = sum_of(exponent * ln2_high, 2 * s);
    return sum_of(head.high, head.low + (2 * s_low + (tail + exponent * ln2_low)));
}

double math_log(double x)
{
    if (!(x > 0))
        return x == 0 ? -INFINITY : NAN;
    if (x == INFINITY)
        return x;
    return logarithm(x).high;
}

/* ---- Powers ---- */

double math_pow(double x, double y)
{
    assert(!(x < 0));
    if (y == 0 || x == 1)
        return 1;
    if (x == 0 || x == INFINITY)
        return (x == 0) == (y > 0) ? 0 : INFINITY;
    if (x != x || y != y)
        return x + y;
    const struct wide log = logarithm(x);
    const double rough = y * log.high;
    if (!(rough < 710 && rough > -746)) /* where a product of parts may overflow */
        return rough > 0 ? INFINITY : 0;
    const struct wide product = product_of(y, log.high);
    return exponential(product.high, product.low + y * log.low);
}

/* ---- Sine and cosine ---- */

/* x less the multiple n of pi / 2 that is nearest: at most pi / 4. Returns n modulo 4. */
static int reduce(struct wide *r, double x)
{
    assert(!(fabs(x) > MATH_MAX_ANGLE));
    const double n = floor(x * 0.63661977236758134308 + 0.5);
    const struct wide near = sum_of(x - n * pio2_high, -n * pio2_middle);
    *r = sum_of(near.high, near.low - n * pio2_low);
    return (int)n & 3;
}

/* r - r^3 / 3! + ... to r^19, and the first two terms of the derivative for the low part. */
static double sine(struct wide r)
{
    static const double factorials[] = {-1.0 / 6,
                                        1.0 / 120,
                                        -1.0 / 5040,
                                        1.0 / 362880,
                                        -1.0 / 39916800,
                                        1.0 / 6227020800,
                                        -1.0 / 1307674368000,
                                        1.0 / 355687428096000,
                                        -1.0 / 121645100408832000};
    const double square = r.high * r.high;
    return r.high + (r.high * square * polynomial(square, factorials, sizeof factorials / sizeof *factorials) +
                     r.low * (1 - 0.5 * square));
}

/* 1 - r^2 / 2! + ... to r^18. */
static double cosine(struct wide r)
{
    static const double factorials[] = {
        1.0 / 24,        -1.0 / 720,         1.0 / 40320,          -1.0 / 3628800,
        1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000, -1.0 / 6402373705728000};
    const double square = r.high * r.high;
    const struct wide head = sum_of(1, -0.5 * square);
    return head.high +
           (head.low + (square * square * polynomial(square, factorials, sizeof factorials / sizeof *factorials) -
                        r.high * r.low));
}

double math_sin(double x)
{
    if (x != x)
        return x;
    struct wide r;
    const int quarter = reduce(&r, x);
    const double value = quarter & 1 ? cosine(r) : sine(r);
    return quarter & 2 ? -value : value;
}

double math_cos(double x)
{
    if (x != x)
        return x;
    struct wide r;
    const int quarter = reduce(&r, x);
    const double value = quarter & 1 ? sine(r) : cosine(r);
    return quarter == 1 || quarter == 2 ? -value : value;
}
