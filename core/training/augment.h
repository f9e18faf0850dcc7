/* Changes of a training image, drawn anew for every epoch from (seed, epoch, index of the image in its data set), so
 * that neither the number of threads nor a stop and --resume change them. Bytes go in and bytes come out.
 *
 *     const struct augment augment = {.flip = FLIP_RANDOM, .resized_crop = 0.5f, .mixup = 0.2f};
 *     const struct augmentation how = {.augment = &augment, .shape = images.shape, .mean = {0.5f, 0.5f, 0.5f},
 *                                      .seed = 1, .epoch = 0};
 *     const struct mix mix = augment_mixed(out, scratch, &how, &batch, i);
 *     // the target is the label of image i, but for the fraction mix.fraction that of image mix.index
 *
 * In this order: one change of geometry (moved, cropped and resized, mirrored, rotated: one interpolation), the
 * colours, what is blotted out, and last the mixing with another image. The same bytes on every machine. */
#ifndef AUGMENT_H
#define AUGMENT_H

#include "base/random.h"
#include "base/shape.h"
#include "training/images.h"

#include <stdbool.h>
#include <stdint.h>

enum flip {
    FLIP_NONE,
    FLIP_RANDOM,    /* left and right with probability 1/2 */
    FLIP_ALTERNATE, /* random in the first epoch, then every epoch the mirror of the last (Keller Jordan 2024) */
};

struct augment { /* 0: without */
    enum flip flip;
    int crop;   /* move the image by up to this many pixels each way, its border filled by reflection */
    int cutout; /* fill a square with sides of this many pixels, somewhere within the image (DeVries and Taylor 2017) */
    float resized_crop; /* enlarge a part of the image, of this fraction of its area or more and an aspect of 3/4 to 4/3
                           (Szegedy et al. 2015; torchvision's RandomResizedCrop) */
    float rotate;       /* turn by up to this many degrees each way, the corners filled by reflection */
    float jitter; /* brightness, contrast and saturation, in an order drawn too, each times 1 - jitter to 1 + jitter
                           (torchvision's ColorJitter) */
    float grey;   /* the probability of an image without colours (torchvision's RandomGrayscale) */
    float erase;  /* the probability of a rectangle of noise over 2 to 40 % of the image (Zhong et al. 2017) */
    float mixup; /* mean with another image of the batch: alpha of the weight's Beta distribution (Zhang et al. 2018) */
    float cutmix; /* paste a rectangle of another image of the batch; alpha likewise (Yun et al. 2019). Beside mixup
                           either has every other image */
};

/* What all images of an epoch have in common. */
struct augmentation {
    const struct augment *augment;
    struct shape shape; /* of the images */
    struct shape seen;  /* of what is made of them, smaller or larger; 0: the same */
    float mean[3];      /* the colour of a cutout, 0 to 1 */
    uint64_t seed;
    int epoch; /* from 0 */
};

/* Whether an image is seen in a mirror in this epoch. */
bool augment_mirrored(const struct augmentation *how, int index);

/* The shape of what comes out. */
static inline struct shape augment_seen(const struct augmentation *how) { return how->seen.h ? how->seen : how->shape; }

/* out, of the shape that is seen, from in (h, w, 3), without mixing. */
void augment_image(uint8_t *out, const uint8_t *in, const struct augmentation *how, int index);

struct mix {
    int index;      /* of the other image */
    float fraction; /* its weight in the result, 0 to 1 */
};

/* Image i of the batch, augmented and mixed with another one of the batch, which is augmented as it is by itself.
 * scratch: of the shape of out. */
struct mix augment_mixed(uint8_t *out, uint8_t *scratch, const struct augmentation *how, const struct subset *batch,
                         int i);

/* ---- The parts ---- */

/* The image seen `down` and `right` pixels further on, mirrored or not; what lies outside is reflected. */
void augment_view(uint8_t *out, const uint8_t *in, struct shape shape, bool mirrored, int down, int right);

/* The part of an image that is seen: a rectangle, in pixels from the image's corner, which is turned clockwise about
 * its centre. */
struct part {
    double top, left, h, w;
    bool mirrored;
    double degrees;
};

/* out, of the shape `seen`, is the part of in (h, w, 3), with bilinear interpolation; what lies outside is reflected. */
void augment_part(uint8_t *out, struct shape seen, const uint8_t *in, struct shape shape, const struct part *part);

/* Torchvision's adjust_brightness, adjust_contrast and adjust_saturation: blends with black, with the mean grey, and
 * with each pixel's grey; a factor of 1 changes nothing. */
enum colour { COLOUR_BRIGHTNESS, COLOUR_CONTRAST, COLOUR_SATURATION, COLOURS };
void augment_colour(uint8_t *pixels, struct shape shape, enum colour colour, float factor);

/* A number of the Beta(alpha, alpha) distribution, alpha from AUGMENT_MIN_ALPHA to AUGMENT_MAX_ALPHA. */
#define AUGMENT_MIN_ALPHA 0.05f
#define AUGMENT_MAX_ALPHA 2.0f
double augment_beta(struct random *random, double alpha);

#endif
