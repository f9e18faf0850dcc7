/* Pictures that a model file brings along (core/net/model.h, examples): what somebody has taught it, in a page for
 * instance, and what training that starts from it goes on with.
 *
 *     struct taught *taught = taught_open("mine.eyelet");      // NULL: none, or no model
 *     for (int i = 0; taught && i < taught->count; i++)
 *         printf("%s: %s\n", taught->names[i], taught->labels[taught->classes[i]]);
 *     taught_free(taught); */
#ifndef TAUGHT_H
#define TAUGHT_H

#include <stdint.h>

struct taught {
    char *path;
    int count, side;
    const uint8_t *pixels; /* (count, side, side, 3) */
    int *classes;          /* (count), of 0 .. label_count-1 */
    char **names;          /* (count), "mine.eyelet: picture 1" */
    char **labels;         /* (label_count), of the classes with pictures, in the model's order */
    int label_count;
    uint8_t *bytes; /* of the file */
};

/* Whoever needs the model itself says what is wrong with a file that is none. */
struct taught *taught_open(const char *path);
void taught_free(struct taught *taught);

#endif
