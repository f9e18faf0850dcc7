/* Sizes where a kernel goes wrong: one, and around the lanes, GEMM panels and register tiles of every ISA
 * (core/base/vec), so that every build tests the same problems. test_vec.c fails where a build's own are not among
 * them. */
#ifndef SIZES_H
#define SIZES_H

#define SIZES_LANES 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17 /* 1, 4, 8, 16 */
#define SIZES_PANELS SIZES_LANES, 31, 32, 33           /* 4, 8, 16, 32 */
#define SIZES_ROWS 1, 2, 3, 4, 5, 6, 7, 8, 9           /* 2, 4, 6, 8 */
#define SIZES_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#endif
