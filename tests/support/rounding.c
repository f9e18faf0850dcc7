#include "support/rounding.h"

#include "support/test.h"

#include <math.h>

double rounding_of_sum(double terms, double sum_of_squares)
{
    return ROUNDING_LAMBDA * ROUNDING_UNIT * sqrt((terms + 1) * sum_of_squares);
}

double *rounding_squares(const float *numbers, size_t count)
{
    if (!numbers)
        return NULL;
    double *squares = test_widened(numbers, count);
    for (size_t i = 0; i < count; i++)
        squares[i] *= squares[i];
    return squares;
}

/* ---- Winograd ---- */

enum { POINTS = 6, FINITE = POINTS - 1 };
static const double points[FINITE] = {0, 0.625, -0.625, 1.5, -1.5}; /* the last one is infinity */

/* Cook-Toom: the rows at a finite point a are  A_i = (1, a, a^2, a^3),  G_i = (1, a, a^2) / product of (a - b)  and,
 * for B_i, the coefficients of the product of (x - b), over the other finite points b; at infinity the last
 * coefficients and the product over all. */
static void matrices(double a[POINTS][4], double g[POINTS][3], double b[POINTS][6])
{
    for (int i = 0; i < POINTS; i++) {
        double scale = 1, product[POINTS] = {1};
        for (int k = 0, degree = 0; k < FINITE; k++) {
            if (k == i)
                continue;
            if (i < FINITE)
                scale *= points[i] - points[k];
            degree++;
            for (int d = degree; d >= 0; d--)
                product[d] = (d ? product[d - 1] : 0) - points[k] * product[d];
        }
        for (int d = 0; d < POINTS; d++)
            b[i][d] = product[d];
        for (int d = 0; d < 4; d++)
            a[i][d] = i < FINITE ? pow(points[i], d) : d == 3;
        for (int d = 0; d < 3; d++)
            g[i][d] = i < FINITE ? pow(points[i], d) / scale : d == 2;
    }
}

static double square_sum(const double *numbers, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += numbers[i] * numbers[i];
    return sum;
}

double rounding_winograd_growth(enum winograd_pass pass, int position)
{
    double a[POINTS][4], g[POINTS][3], b[POINTS][6], growth = 0;
    matrices(a, g, b);
    for (int i = 0; i < POINTS; i++) {
        const double norm_a = square_sum(a[i], 4), norm_g = square_sum(g[i], 3), norm_b = square_sum(b[i], 6);
        switch (pass) {
        case WINOGRAD_FORWARD: growth += a[i][position] * a[i][position] * norm_g * norm_b; break;
        case WINOGRAD_INPUT_GRADIENT: growth += b[i][position] * b[i][position] * norm_g * norm_a; break;
        case WINOGRAD_FILTER_GRADIENT: growth += g[i][position] * g[i][position] * norm_b * norm_a; break;
        }
    }
    return growth;
}

/* A transform along one axis rounds 6 times on the way to a number (two products and a sum for each of an even and
 * an odd part, whose sum it is), its own constants included; there are three transforms. */
double rounding_of_winograd(double growth, int axes, double depth)
{
    const double transforms = 3 * 6 * axes;
    return ROUNDING_LAMBDA * ROUNDING_UNIT * sqrt(growth / 9 * depth * (depth + transforms));
}
