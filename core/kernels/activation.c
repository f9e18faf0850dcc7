#include "kernels/activation.h"

#include "base/contract.h"
#include "base/random.h"
#include "base/vec/vec.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* What several layers share, once in the module. */
#define SHARED static __attribute__((noinline))

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, exp(r) by its Taylor polynomial of degree 7. ln 2 is
 * split in two so that n * ln 2 is exact; adding and subtracting 1.5 * 2^23 rounds. No branches: compilers vectorise
 * it. (With n from the bits of `shifted` gcc follows the choices of x through to the end, and is 2.5x slower.) */
static inline float exponential(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float shifted = x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
    const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const int32_t bits = ((int32_t)(n == n ? n : 0) + 127) << 23; /* a NaN goes on through p, not through an integer */
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* In vectors, because V8 makes branches of scalar choices, which signs at random mispredict. */
static inline void add_and_clip(float *out, const float *in, const float *second, float ceiling, size_t count)
{
    const vec zero = vec_zero(), max = vec_set1(ceiling);
    for (size_t i = 0; i < count; i += VEC_LANES) {
        const int lanes = count - i < VEC_LANES ? (int)(count - i) : VEC_LANES;
        vec x = vec_load_lanes(in + i, lanes);
        if (second)
            x = vec_add(x, vec_load_lanes(second + i, lanes));
        vec_store_lanes(out + i, ceiling > 0 ? vec_min(vec_max(x, zero), max) : x, lanes);
    }
}

void activation_add_forward(float *out, const float *in, const float *second, float ceiling, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)) &&
           contract_in_place_or_apart(out, second, count * sizeof(float)));
    assert(second && ceiling >= 0);
    add_and_clip(out, in, second, ceiling, count);
}

SHARED void multiply(float *out, const float *in, const float *second, size_t count)
{
    for (size_t i = 0; i < count; i += VEC_LANES) {
        const int lanes = count - i < VEC_LANES ? (int)(count - i) : VEC_LANES;
        vec_store_lanes(out + i, vec_mul(vec_load_lanes(in + i, lanes), vec_load_lanes(second + i, lanes)), lanes);
    }
}

void activation_multiply_forward(float *out, const float *in, const float *second, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)) &&
           contract_in_place_or_apart(out, second, count * sizeof(float)));
    multiply(out, in, second, count);
}

void activation_multiply_backward(float *din, const float *dout, const float *other, size_t count)
{
    activation_multiply_forward(din, dout, other, count);
}

void activation_add_backward_channels(float *dsecond, const float *dout, size_t pixels, int c)
{
    assert(c > 0 && contract_apart(dsecond, (size_t)c * sizeof(float), dout, pixels * (size_t)c * sizeof(float)));
    memset(dsecond, 0, (size_t)c * sizeof(float));
    for (size_t i = 0; i < pixels; i++, dout += c)
        for (int k = 0; k < c; k++)
            dsecond[k] += dout[k];
}

void activation_multiply_backward_channels(float *dsecond, const float *dout, const float *in, size_t pixels, int c)
{
    assert(c > 0 && contract_apart(dsecond, (size_t)c * sizeof(float), dout, pixels * (size_t)c * sizeof(float)) &&
           contract_apart(dsecond, (size_t)c * sizeof(float), in, pixels * (size_t)c * sizeof(float)));
    memset(dsecond, 0, (size_t)c * sizeof(float));
    for (size_t i = 0; i < pixels; i++, dout += c, in += c)
        for (int k = 0; k < c; k++)
            dsecond[k] += dout[k] * in[k];
}

void activation_relu_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    add_and_clip(out, in, NULL, INFINITY, count);
}

void activation_relu_backward(float *din, const float *dout, const float *out, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++)
        din[i] = out[i] > 0 ? dout[i] : 0;
}

void activation_relu6_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    add_and_clip(out, in, NULL, 6, count);
}

void activation_relu6_backward(float *din, const float *dout, const float *out, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++)
        din[i] = out[i] > 0 && out[i] < 6 ? dout[i] : 0;
}

SHARED void sigmoid(float *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = 1.0f / (1.0f + exponential(-in[i]));
}

void activation_sigmoid_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    sigmoid(out, in, count);
}

void activation_sigmoid_backward(float *din, const float *dout, const float *out, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++)
        din[i] = dout[i] * out[i] * (1.0f - out[i]);
}

/* 1 - 2 / (exp(2x) + 1) loses its digits near 0; there x plus an odd polynomial of degree 11 takes over (Cephes,
 * tanhf). */
void activation_tanh_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    for (size_t i = 0; i < count; i++) {
        const float x = in[i], s = x * x;
        float p = -5.70498872745e-3f;
        p = p * s + 2.06390887954e-2f;
        p = p * s - 5.37397155531e-2f;
        p = p * s + 1.33314422036e-1f;
        p = p * s - 3.33332819422e-1f;
        const float near = x + x * s * p, far = 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f);
        out[i] = s < 0.390625f ? near : far;
    }
}

void activation_tanh_backward(float *din, const float *dout, const float *out, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++)
        din[i] = dout[i] * (1.0f - out[i] * out[i]);
}

static const float gelu_slope = 1.5957691216f, gelu_cube = 0.044715f;

void activation_gelu_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    for (size_t i = 0; i < count; i++) {
        const float x = in[i], u = gelu_slope * (x + gelu_cube * x * x * x);
        out[i] = x / (1.0f + exponential(-u));
    }
}

void activation_gelu_forward_cut(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    activation_gelu_forward(out, in, count);
    for (size_t i = 0; i < count; i++)
        out[i] = out[i] > -1e-24f && out[i] < 0 ? 0 : out[i];
}

/* With s = 1 / (1 + exp(-u)): d(x s) = s + x s (1 - s) u'. */
void activation_gelu_backward(float *din, const float *dout, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++) {
        const float x = in[i], u = gelu_slope * (x + gelu_cube * x * x * x), s = 1.0f / (1.0f + exponential(-u));
        din[i] = dout[i] * (s + x * s * (1.0f - s) * gelu_slope * (1.0f + 3.0f * gelu_cube * x * x));
    }
}

void activation_silu_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    enum { PART = 256 };
    float gate[PART];
    for (size_t i = 0; i < count; i += PART) {
        const size_t part = count - i < PART ? count - i : PART;
        sigmoid(gate, in + i, part);
        multiply(out + i, in + i, gate, part);
    }
}

/* As gelu's, with u = x. */
void activation_silu_backward(float *din, const float *dout, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++) {
        const float x = in[i], s = 1.0f / (1.0f + exponential(-x));
        din[i] = dout[i] * (s + x * s * (1.0f - s));
    }
}

/* relu6(x + 3) / 6, which is 1 from 3 on; times x, if wanted, at last: from 3 on x itself comes out. */
SHARED void hard_gate(float *out, const float *in, bool times, size_t count)
{
    const vec zero = vec_zero(), three = vec_set1(3), six = vec_set1(6), sixth = vec_set1(1.0f / 6);
    for (size_t i = 0; i < count; i += VEC_LANES) {
        const int lanes = count - i < VEC_LANES ? (int)(count - i) : VEC_LANES;
        const vec x = vec_load_lanes(in + i, lanes);
        const vec gate = vec_mul(vec_min(vec_max(vec_add(x, three), zero), six), sixth);
        vec_store_lanes(out + i, times ? vec_mul(x, gate) : gate, lanes);
    }
}

void activation_hardsigmoid_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    hard_gate(out, in, false, count);
}

void activation_hardsigmoid_backward(float *din, const float *dout, const float *out, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++)
        din[i] = out[i] > 0 && out[i] < 1 ? dout[i] * (1.0f / 6) : 0;
}

void activation_hardswish_forward(float *out, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(out, in, count * sizeof(float)));
    hard_gate(out, in, true, count);
}

void activation_hardswish_backward(float *din, const float *dout, const float *in, size_t count)
{
    assert(contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++) {
        const float x = in[i];
        din[i] = dout[i] * (x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) * (1.0f / 6));
    }
}

/* max(x, 0) + min(x, 0) * slope: one of the two terms is 0. Slopes go on by `step` a value: 1, or 0 for the first
 * VEC_LANES again and again. */
SHARED void leak(float *out, const float *in, const float *slopes, size_t step, size_t count)
{
    const vec zero = vec_zero();
    for (size_t i = 0; i < count; i += VEC_LANES) {
        const int lanes = count - i < VEC_LANES ? (int)(count - i) : VEC_LANES;
        const vec x = vec_load_lanes(in + i, lanes), slope = vec_load_lanes(slopes + i * step, lanes);
        vec_store_lanes(out + i, vec_add(vec_max(x, zero), vec_mul(vec_min(x, zero), slope)), lanes);
    }
}

void activation_leaky_relu_forward(float *out, const float *in, float slope, size_t count)
{
    assert(slope >= 0 && contract_in_place_or_apart(out, in, count * sizeof(float)));
    float slopes[VEC_LANES];
    vec_store(slopes, vec_set1(slope));
    leak(out, in, slopes, 0, count);
}

void activation_leaky_relu_backward(float *din, const float *dout, const float *out, float slope, size_t count)
{
    assert(slope >= 0 && contract_in_place_or_apart(din, dout, count * sizeof(float)));
    for (size_t i = 0; i < count; i++)
        din[i] = out[i] > 0 ? dout[i] : dout[i] * slope;
}

void activation_prelu_forward(float *out, const float *in, const float *slopes, size_t pixels, int c)
{
    assert(c > 0 && contract_in_place_or_apart(out, in, pixels * (size_t)c * sizeof(float)));
    for (size_t i = 0; i < pixels; i++, out += c, in += c)
        leak(out, in, slopes, 1, (size_t)c);
}

void activation_prelu_backward(float *din, const float *dout, const float *in, const float *slopes, size_t pixels,
                               int c)
{
    assert(c > 0 && contract_in_place_or_apart(din, dout, pixels * (size_t)c * sizeof(float)));
    for (size_t i = 0; i < pixels; i++, din += c, dout += c, in += c)
        for (int k = 0; k < c; k++)
            din[k] = in[k] > 0 ? dout[k] : dout[k] * slopes[k];
}

void activation_prelu_backward_slopes(float *dslopes, const float *dout, const float *in, size_t pixels, int c)
{
    assert(c > 0 && contract_apart(dslopes, (size_t)c * sizeof(float), dout, pixels * (size_t)c * sizeof(float)));
    for (size_t i = 0; i < pixels; i++, dout += c, in += c)
        for (int k = 0; k < c; k++)
            dslopes[k] += in[k] > 0 ? 0 : dout[k] * in[k];
}

void activation_softmax_forward(float *out, const float *in, float temperature, int n, int c)
{
    assert(n > 0 && c > 0 && temperature > 0 &&
           contract_in_place_or_apart(out, in, (size_t)n * (size_t)c * sizeof(float)));
    for (int i = 0; i < n; i++, in += c, out += c) {
        float max = in[0], sum = 0;
        for (int k = 1; k < c; k++)
            max = in[k] > max ? in[k] : max;
        for (int k = 0; k < c; k++) {
            out[k] = exponential((in[k] - max) / temperature);
            sum += out[k];
        }
        for (int k = 0; k < c; k++)
            out[k] /= sum;
    }
}

void activation_softmax_backward(float *din, const float *dout, const float *out, float temperature, int n, int c)
{
    assert(n > 0 && c > 0 && temperature > 0 &&
           contract_in_place_or_apart(din, dout, (size_t)n * (size_t)c * sizeof(float)));
    assert(contract_apart(din, (size_t)n * (size_t)c * sizeof(float), out, (size_t)n * (size_t)c * sizeof(float)));
    for (int i = 0; i < n; i++, din += c, dout += c, out += c) {
        float sum = 0;
        for (int k = 0; k < c; k++)
            sum += dout[k] * out[k];
        for (int k = 0; k < c; k++)
            din[k] = out[k] * (dout[k] - sum) / temperature;
    }
}

void activation_dropout_forward(float *out, const float *in, float rate, uint64_t seed, uint64_t stream, uint64_t first,
                                size_t count)
{
    assert(rate >= 0 && rate < 1 && contract_in_place_or_apart(out, in, count * sizeof(float)));
    const uint64_t threshold = (uint64_t)((double)rate * 0x1p32);
    const float scale = 1.0f / (1.0f - rate);
    for (size_t i = 0; i < count; i++)
        out[i] = (random_at(seed, stream, first + i) >> 32) >= threshold ? in[i] * scale : 0;
}

void activation_dropout_backward(float *din, const float *dout, float rate, uint64_t seed, uint64_t stream,
                                 uint64_t first, size_t count)
{
    activation_dropout_forward(din, dout, rate, seed, stream, first, count);
}
