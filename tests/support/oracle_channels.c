/* The layers that move channels, one value of the output at a time. */
#include "support/oracle.h"

void oracle_concat(double *out, const double *in, const double *second, size_t pixels, int c, int out_c)
{
    for (size_t i = 0; i < pixels; i++)
        for (int k = 0; k < out_c; k++)
            *out++ = k < c ? in[i * (size_t)c + (size_t)k] : second[i * (size_t)(out_c - c) + (size_t)(k - c)];
}

void oracle_slice(double *out, const double *in, size_t pixels, int first, int count, int c)
{
    for (size_t i = 0; i < pixels; i++)
        for (int k = 0; k < count; k++)
            *out++ = in[i * (size_t)c + (size_t)(first + k)];
}

/* Output k is in place k / groups of group k % groups. */
void oracle_shuffle(double *out, const double *in, size_t pixels, int groups, int c)
{
    for (size_t i = 0; i < pixels; i++)
        for (int k = 0; k < c; k++)
            *out++ = in[i * (size_t)c + (size_t)(k % groups * (c / groups) + k / groups)];
}
