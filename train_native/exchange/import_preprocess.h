/* How pictures come into an imported network: by name, by a rule, by hand.
 *
 *     struct preprocess preprocess;
 *     struct failure failure;
 *     if (!import_preprocess_parse(&preprocess, "imagenet,order=bgr,resize=stretch", (struct shape){224, 224, 3}, &failure))
 *         die_of(&failure);
 *     char text[IMPORT_PREPROCESS_TEXT];
 *     import_preprocess_text(text, &preprocess, (struct shape){224, 224, 3});
 *     printf("%s\n", text);
 *
 * After the name come `key=value`, separated by commas: mean=M and std=S on a scale of 0 to 1, one number or three as
 * in 0.485/0.456/0.406 (red, green, blue); order=rgb or bgr; resize=stretch, crop, pad or the shorter side's pixels;
 * filter=bilinear, bicubic or aliased. */
#ifndef IMPORT_PREPROCESS_H
#define IMPORT_PREPROCESS_H

#include "cli/errors.h"
#include "image/image.h"

enum { IMPORT_PREPROCESS_TEXT = 200 };

/* False with the failure, which says what is expected. */
bool import_preprocess_parse(struct preprocess *preprocess, const char *text, struct shape input,
                             struct failure *failure);

/* The network reads scale * v + shift of each channel in its order, where v is what `preprocess` gives it: joins both.
 * False: a factor is not above 0, or a result is out of bounds. */
bool import_preprocess_front(struct preprocess *preprocess, const float scale[3], const float shift[3], int channels);

/* Why no model for such pictures may have it, since what a file says of them may be anything; NULL: one may. */
const char *import_preprocess_fault(const struct preprocess *preprocess, struct shape input);

/* "RGB, mean 0.485 0.456 0.406, std 0.229 0.224 0.225, the shorter side to 256, centre 224x224" */
void import_preprocess_text(char text[IMPORT_PREPROCESS_TEXT], const struct preprocess *preprocess, struct shape input);

#endif
