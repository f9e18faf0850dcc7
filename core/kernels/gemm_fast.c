/* gemm_fast: gemm.c once more, with fused multiply-add. */
#define GEMM_FAST
#include "kernels/gemm.c"
