#include "kernels/batchnorm.h"

#include "base/contract.h"

#include <assert.h>
#include <math.h> /* sqrtf is one correctly rounded instruction everywhere, unlike the rest of libm */
#include <stddef.h>
#include <string.h>

void batchnorm_forward(float *out, float *mean, float *std, const float *in, const float *scale, const float *shift,
                       int rows, int c)
{
    assert(rows > 0 && c > 0 && mean && std && scale && shift && mean != std);
    assert(contract_in_place_or_apart(out, in, (size_t)rows * (size_t)c * sizeof(float)));
    memset(mean, 0, (size_t)c * sizeof(float));
    memset(std, 0, (size_t)c * sizeof(float));
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < c; k++)
            mean[k] += in[(ptrdiff_t)i * c + k];
    for (int k = 0; k < c; k++)
        mean[k] /= (float)rows;
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < c; k++) {
            const float d = in[(ptrdiff_t)i * c + k] - mean[k];
            std[k] += d * d;
        }
    for (int k = 0; k < c; k++)
        std[k] = sqrtf(std[k] / (float)rows + BATCHNORM_EPSILON);
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < c; k++)
            out[(ptrdiff_t)i * c + k] = (in[(ptrdiff_t)i * c + k] - mean[k]) / std[k] * scale[k] + shift[k];
}

/* With x^ = (in - mean) / std: dscale = sum dout x^, dshift = sum dout,
 * din = scale / std * (dout - dshift / rows - x^ dscale / rows), the sums being those of this call. */
void batchnorm_backward(float *din, float *dscale, float *dshift, const float *dout, const float *in, const float *mean,
                        const float *std, const float *scale, int rows, int c)
{
    assert(rows > 0 && c > 0 && dscale && dshift && mean && std && scale && dscale != dshift);
    assert(contract_in_place_or_apart(din, dout, (size_t)rows * (size_t)c * sizeof(float)));
    assert(contract_apart(din, (size_t)rows * (size_t)c * sizeof(float), in, (size_t)rows * (size_t)c * sizeof(float)));
    enum { BLOCK = 64 };
    for (int start = 0; start < c; start += BLOCK) {
        const int count = c - start < BLOCK ? c - start : BLOCK;
        float sum[BLOCK] = {0}, product[BLOCK] = {0};
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < count; k++) {
                const ptrdiff_t at = (ptrdiff_t)i * c + start + k;
                sum[k] += dout[at];
                product[k] += dout[at] * (in[at] - mean[start + k]) / std[start + k];
            }
        for (int i = 0; i < rows; i++)
            for (int k = 0; k < count; k++) {
                const ptrdiff_t at = (ptrdiff_t)i * c + start + k;
                const float normal = (in[at] - mean[start + k]) / std[start + k];
                din[at] = scale[start + k] / std[start + k] * (dout[at] - (sum[k] + normal * product[k]) / (float)rows);
            }
        for (int k = 0; k < count; k++) {
            dscale[start + k] += product[k];
            dshift[start + k] += sum[k];
        }
    }
}

void batchnorm_fold(float *factor, float *offset, const float *scale, const float *shift, const float *mean,
                    const float *variance, int c)
{
    assert(c > 0 && factor && offset && scale && shift && mean && variance);
    for (int k = 0; k < c; k++) {
        factor[k] = scale[k] / sqrtf(variance[k] + BATCHNORM_EPSILON);
        offset[k] = shift[k] - mean[k] * factor[k];
    }
}

void batchnorm_apply(float *out, const float *in, const float *factor, const float *offset, int rows, int c)
{
    assert(rows > 0 && c > 0 && factor && offset);
    assert(contract_in_place_or_apart(out, in, (size_t)rows * (size_t)c * sizeof(float)));
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < c; k++)
            out[(ptrdiff_t)i * c + k] = in[(ptrdiff_t)i * c + k] * factor[k] + offset[k];
}
