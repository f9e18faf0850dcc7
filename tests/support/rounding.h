/* Tolerances that follow from the arithmetic: how far a float kernel may lie from the same formula in double.
 *
 *     oracle_conv(squares, squares_of(in), squares_of(weights), squares_of(bias), n, &window);
 *     tolerance[i] = rounding_of_sum(taps + 1, squares[i]);
 *
 * A sum of n products p_i in float rounds every product and every partial sum s_k once, so that to first order its
 * error is
 *
 *     sum of delta_k s_k + sum of epsilon_k p_k,    |delta|, |epsilon| <= u = 2^-24   (Higham 2002, 3.1 and 4.2)
 *
 * The worst case, (n + 1) u sum |p_i|, is hardly ever met: roundings behave like independent variables of mean zero,
 * and then the error exceeds lambda u sqrt(sum s_k^2 + sum p_k^2) with a probability of at most 2 exp(-lambda^2 / 2)
 * (Higham and Mary 2019). With terms of random signs E s_k^2 <= Q = sum p_i^2 for every k and in every order (Higham
 * and Mary 2020), which leaves
 *
 *     tolerance = lambda u sqrt((n + 1) Q)
 *
 * A fused multiply-add only drops the epsilons. A bias or a C that the sum starts from is one more term. */
#ifndef ROUNDING_H
#define ROUNDING_H

#include <stddef.h>

#define ROUNDING_UNIT 0x1p-24 /* u */
#define ROUNDING_LAMBDA 6     /* exceeded once in 30 million numbers, were the roundings random */

/* The tolerance of a sum of so many terms with these squares in total. */
double rounding_of_sum(double terms, double sum_of_squares);

/* The squares of numbers that tests hold, to be summed by an oracle; NULL stays NULL. */
double *rounding_squares(const float *numbers, size_t count);

/* ---- Winograd ----
 *
 * A number leaves F(4, 3) as  sum over points of a_i M_i,  M_i = sum over D of U_i V_i,  with U_i = |G_i| and V_i =
 * |B_i| times as large in the root mean square as weights and inputs are. Errors of the products are therefore
 * multiplied by
 *
 *     h(position) = sum over points of a_i(position)^2 |G_i|^2 |B_i|^2
 *
 * in the mean square, an axis at a time; the 2-D growth is the product of both axes' (Barabasz, Anderson, Soodhalter
 * and Gregg 2020, section 5, have the same product of norms as a worst case). With the roundings k of the
 * transforms, which are those of one number each,
 *
 *     tolerance = lambda u sqrt(h(y) h(x) / 9 * D (D + k)),     weights and inputs uniform in [-1, 1): mean square 1/3
 *
 * The gradients are adjoint: the matrices swap roles. */
enum winograd_pass { WINOGRAD_FORWARD, WINOGRAD_INPUT_GRADIENT, WINOGRAD_FILTER_GRADIENT };

/* h of output pixel 0 .. 3 of a tile, of pixel 0 .. 5 of an input tile, or of tap 0 .. 2. */
double rounding_winograd_growth(enum winograd_pass pass, int position);

/* growth: h, or the product of two axes'. axes: 1 or 2. depth: D. */
double rounding_of_winograd(double growth, int axes, double depth);

#endif
