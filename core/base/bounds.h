/* Every limit on data from outside, in one place. A value at its limit is accepted, one above it refused. */
#ifndef BOUNDS_H
#define BOUNDS_H

#include <stdint.h>

#define LIMIT_NODES 512                   /* layers of a network */
#define LIMIT_SIDE 1024                   /* height and width of a network's input */
#define LIMIT_CHANNELS 4096               /* channels of any tensor but a flattened one; classes */
#define LIMIT_KERNEL 11                   /* height and width of a kernel or pooling window; strides */
#define LIMIT_DILATION 16                 /* pixels from one tap of a convolution to the next */
#define LIMIT_PADDING 160                 /* rows or columns on one side: fewer than a dilated kernel has */
#define LIMIT_SHORTER_SIDE 2048           /* to which a picture is resized before it is cropped */
#define LIMIT_ACTIVATIONS (1 << 24)       /* values in one layer's output for one image */
#define LIMIT_PADDED (1 << 26)            /* values in one layer's input for one image, with its padding */
#define LIMIT_PARAMETERS (1 << 25)        /* values in a network's weights */
#define LIMIT_LABEL 255                   /* bytes of one label */
#define LIMIT_NOTES 16384                 /* bytes of a model's notes */
#define LIMIT_EXAMPLES 65536              /* examples in a model file */
#define LIMIT_THUMBNAIL_SIDE 256          /* height and width of their thumbnails */
#define LIMIT_MODEL_BYTES (160 << 20)     /* a model file */
#define LIMIT_WORKSPACE_BYTES (512 << 20) /* memory of an opened classifier */
#define LIMIT_IMAGE_SIDE 16384            /* height and width of an image to classify */
#if UINTPTR_MAX > UINT32_MAX
#define LIMIT_IMAGE_PIXELS (200 * 1000 * 1000) /* telephones have so many */
#define LIMIT_IMAGE_BYTES (256 << 20)          /* an encoded image */
#else /* what fits beside all else that 32 bits can address, as in WebAssembly */
#define LIMIT_IMAGE_PIXELS (64 * 1000 * 1000)
#define LIMIT_IMAGE_BYTES (64 << 20)
#endif
#define LIMIT_IMAGE_SCANS 200             /* of a progressive JPEG: programs write 10 or so */
#define LIMIT_IMAGE_SCAN_BLOCKS (1 << 27) /* those times the blocks of all of its components */

#endif
