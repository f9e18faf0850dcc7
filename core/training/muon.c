#include "training/muon.h"

#include <assert.h>
#include <math.h> /* sqrt, which is rounded correctly everywhere */
#include <string.h>

enum { STEPS = 3 };

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* x and its successor, the square matrices A, AA and bA + cAA of the smaller side, and a packed operand. */
size_t muon_scratch_count(int rows, int columns)
{
    const int small = rows < columns ? rows : columns;
    const size_t square = (size_t)small * (size_t)small, full = (size_t)rows * (size_t)columns;
    return 2 * full + 3 * square +
           larger(gemm_packed_count(rows < columns ? columns : rows, small),
                  gemm_packed_count(small, rows < columns ? columns : small));
}

static float norm(const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return (float)sqrt(sum);
}

/* x (rows, columns) becomes its nearly orthogonal neighbour. */
static void orthogonalise(float *x, float *scratch, int rows, int columns, gemm_function *gemm)
{
    static const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    const int small = rows < columns ? rows : columns, large = rows < columns ? columns : rows;
    const size_t full = (size_t)rows * (size_t)columns, square = (size_t)small * (size_t)small;
    float *next = scratch, *gram = next + full, *gram2 = gram + square, *mix = gram2 + square, *packed = mix + square;
    /* Item i along the small side and k along the large one stand at i * across + k * along. */
    const ptrdiff_t across = rows < columns ? columns : 1, along = rows < columns ? 1 : columns;
    const struct axis small_axis = axis_line(small, across), large_axis = axis_line(large, along);

    const float scale = 1 / (norm(x, full) + 1e-7f);
    for (size_t i = 0; i < full; i++)
        x[i] *= scale;
    for (int step = 0; step < STEPS; step++) {
        gemm_pack(packed, x, large_axis, across, small);
        gemm(&(struct gemm){.a = x,
                            .rows = small_axis,
                            .depth = large_axis,
                            .b = packed,
                            .columns = small,
                            .c = gram,
                            .c_stride = small});
        gemm_pack(packed, gram, axis_line(small, small), 1, small);
        gemm(&(struct gemm){.a = gram,
                            .rows = axis_line(small, small),
                            .depth = axis_line(small, 1),
                            .b = packed,
                            .columns = small,
                            .c = gram2,
                            .c_stride = small});
        for (size_t i = 0; i < square; i++)
            mix[i] = b * gram[i] + c * gram2[i];
        /* mix is symmetric: (mix x) for a wide x, (x mix) for a tall one. */
        if (rows < columns) {
            gemm_pack(packed, x, axis_line(rows, columns), 1, columns);
            gemm(&(struct gemm){.a = mix,
                                .rows = axis_line(rows, rows),
                                .depth = axis_line(rows, 1),
                                .b = packed,
                                .columns = columns,
                                .c = next,
                                .c_stride = columns});
        } else {
            gemm_pack(packed, mix, axis_line(columns, columns), 1, columns);
            gemm(&(struct gemm){.a = x,
                                .rows = axis_line(rows, columns),
                                .depth = axis_line(columns, 1),
                                .b = packed,
                                .columns = columns,
                                .c = next,
                                .c_stride = columns});
        }
        for (size_t i = 0; i < full; i++)
            x[i] = a * x[i] + next[i];
    }
}

float muon_scale(const float *w, size_t count, int columns) { return sqrtf((float)columns) / norm(w, count); }

void muon_step(float *w, const float *gradient, float *velocity, float *scratch, const struct muon *muon)
{
    assert(muon->rows > 0 && muon->columns > 0 && scratch && muon->gemm);
    const size_t count = (size_t)muon->rows * (size_t)muon->columns;
    const float momentum = muon->momentum;
    float *direction = scratch;
    for (size_t i = 0; i < count; i++) {
        velocity[i] = momentum * velocity[i] + gradient[i];
        direction[i] = gradient[i] + momentum * velocity[i];
    }
    orthogonalise(direction, scratch + count, muon->rows, muon->columns, muon->gemm);
    const float scale = muon_scale(w, count, muon->columns);
    for (size_t i = 0; i < count; i++)
        w[i] = w[i] * scale - muon->learning_rate * direction[i];
}
