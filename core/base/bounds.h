/* Every limit on data from outside, in one place. A value at its limit is accepted, one above it refused. */
#ifndef BOUNDS_H
#define BOUNDS_H

#define LIMIT_NODES 128                      /* layers of a network */
#define LIMIT_SIDE 1024                      /* height and width of a network's input */
#define LIMIT_CHANNELS 4096                  /* channels of any tensor but a flattened one; classes */
#define LIMIT_KERNEL 11                      /* height and width of a kernel or pooling window; also strides */
#define LIMIT_ACTIVATIONS (1 << 24)          /* numbers in one layer's output for one image */
#define LIMIT_PARAMETERS (1 << 25)           /* numbers in a network's weights */
#define LIMIT_LABEL 255                      /* bytes of one label */
#define LIMIT_NOTES 16384                    /* bytes of a model's notes */
#define LIMIT_MODEL_BYTES (160 << 20)        /* a model file */
#define LIMIT_WORKSPACE_BYTES (512 << 20)    /* memory of an opened classifier */
#define LIMIT_IMAGE_SIDE 16384               /* height and width of an image to classify */
#define LIMIT_IMAGE_PIXELS (64 * 1000 * 1000)
#define LIMIT_IMAGE_BYTES (64 << 20)         /* an encoded image */

#endif
