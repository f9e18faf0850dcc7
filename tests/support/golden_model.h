/* A small model and picture that are the same bytes on every machine: integers, and float operations that round one way
 * only. make_golden.c writes them to golden/; the tests make them again, so that they need no files. */
#ifndef GOLDEN_MODEL_H
#define GOLDEN_MODEL_H

#include "net/model.h"
#include "base/random.h"

enum { GOLDEN_CLASSES = 5, GOLDEN_WIDTH = 23, GOLDEN_HEIGHT = 17 };

/* The model file, in memory that goes with the test. */
uint8_t *golden_model(size_t *size);

/* The same with another net, whose weights are drawn from `random`. */
uint8_t *golden_model_of(size_t *size, const struct net *net, struct random *random);

/* Small ones, so that all of their bytes can be tried. Nodes of the first: 0 conv2d, 1 batchnorm, 2 relu, 3 add, 4
 * flatten, 5 dropout, 6 dense, 7 softmax; of the second: 0 depthwise, 1 relu6, 2 add, 3 global_avgpool, 4 softmax; of
 * the third, which has a value in every field and three examples: 0 conv2d, 1 conv2d, 2 maxpool, 3 global_avgpool, 4
 * dense, 5 softmax. */
uint8_t *golden_small_model(size_t *size);
uint8_t *golden_mobile_model(size_t *size);
uint8_t *golden_full_model(size_t *size);

/* What every reader of a model must say of these bytes: model_read, and opening. A model that opens is also run, so
 * that no number in it can crash. */
enum status golden_status(const uint8_t *bytes, size_t size);

/* Seals a changed model file again: the checksum, in its last four bytes, fits the rest. */
void golden_seal(uint8_t *model, size_t size);
uint32_t golden_crc32(const void *bytes, size_t size);

/* rgba (GOLDEN_HEIGHT, GOLDEN_WIDTH, 4): gradients, edges and half-transparent parts. */
void golden_picture(uint8_t *rgba);

#endif
