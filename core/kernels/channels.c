#include "kernels/channels.h"

#include "base/contract.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Rows of `count` values, from rows that are from_c apart to rows that are to_c apart. */
static void copy_rows(float *to, ptrdiff_t to_c, const float *from, ptrdiff_t from_c, size_t rows, int count)
{
    for (size_t i = 0; i < rows; i++, to += to_c, from += from_c)
        memcpy(to, from, (size_t)count * sizeof *to);
}

#ifndef NDEBUG
static bool apart(const float *to, int to_c, const float *from, int from_c, size_t pixels)
{
    return to && from && to_c > 0 && from_c > 0 &&
           contract_apart(to, pixels * (size_t)to_c * sizeof *to, from, pixels * (size_t)from_c * sizeof *from);
}
#endif

void channels_concat_forward(float *out, const float *in, const float *second, size_t pixels, int c, int second_c)
{
    assert(apart(out, c + second_c, in, c, pixels) && apart(out, c + second_c, second, second_c, pixels));
    copy_rows(out, c + second_c, in, c, pixels, c);
    copy_rows(out + c, c + second_c, second, second_c, pixels, second_c);
}

void channels_concat_backward(float *din, const float *dout, size_t pixels, int first, int count, int c)
{
    channels_slice_forward(din, dout, pixels, first, count, c);
}

void channels_slice_forward(float *out, const float *in, size_t pixels, int first, int count, int c)
{
    assert(apart(out, count, in, c, pixels) && first >= 0 && first + count <= c);
    copy_rows(out, count, in + first, c, pixels, count);
}

void channels_slice_backward(float *din, const float *dout, size_t pixels, int first, int count, int c)
{
    assert(apart(din, c, dout, count, pixels) && first >= 0 && first + count <= c);
    memset(din, 0, pixels * (size_t)c * sizeof *din);
    copy_rows(din + first, c, dout, count, pixels, count);
}

/* to (columns, rows) from (rows, columns). Inlined for constant counts, for which compilers interleave vectors. */
static inline __attribute__((always_inline)) void transpose(float *restrict to, const float *restrict from, int rows,
                                                            int columns)
{
    for (int j = 0; j < columns; j++)
        for (int i = 0; i < rows; i++)
            to[j * rows + i] = from[i * columns + j];
}

void channels_shuffle_forward(float *out, const float *in, size_t pixels, int groups, int c)
{
    assert(apart(out, c, in, c, pixels) && groups > 0 && c % groups == 0);
    for (size_t i = 0; i < pixels; i++, out += c, in += c)
        if (groups == 2)
            transpose(out, in, 2, c / 2);
        else
            transpose(out, in, groups, c / groups);
}

/* What undoes a transposition is that of the transposed. */
void channels_shuffle_backward(float *din, const float *dout, size_t pixels, int groups, int c)
{
    channels_shuffle_forward(din, dout, pixels, c / groups, c);
}
