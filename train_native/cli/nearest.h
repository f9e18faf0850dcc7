/* Which of the names that there are one meant that there is not.
 *
 *     struct nearest nearest = {.text = "clasify"};
 *     nearest_add(&nearest, "train");
 *     nearest_add(&nearest, "classify");
 *     char hint[NEAREST_HINT];
 *     nearest_hint(hint, &nearest, "");            // ; did you mean "classify"?
 */
#ifndef NEAREST_H
#define NEAREST_H

enum { MAX_NEAREST = 64, NEAREST_HINT = MAX_NEAREST + 32 };

struct nearest {
    const char *text; /* what was typed */
    const char *name; /* the nearest so far, the first of equally near ones; NULL: none is near enough */
    int distance;
};

/* Near enough is a name at a distance of a third of its length at most, in letters that are too many, missing, wrong or
 * swapped with the next. Upper and lower case are the same. */
void nearest_add(struct nearest *nearest, const char *name);

/* `; did you mean "classify"?`, with `before` in front of the name; "" if none is near enough. */
const char *nearest_hint(char hint[NEAREST_HINT], const struct nearest *nearest, const char *before);

#endif
