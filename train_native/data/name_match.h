/* Which of a model's labels the classes of some data mean.
 *
 *     struct name_match *found = name_match(names, count, labels, label_count);
 *     if (found[0].index >= 0 && found[0].other < 0)
 *         printf("%s is the model's %s\n", names[0], labels[found[0].index]);
 *     free(found);
 *
 * A name means the labels of the first of these steps that has any:
 *
 *     1. the same text
 *     2. what stands in front of the other's first comma: "tench" for "tench, Tinca tinca", as in ImageNet's lists of
 *        synonyms, or the other way round; not where both have a comma
 *     3. the same as 1 or 2 but for capitals, spaces and the encoding of accents (name_key.h); between lists 1 alone,
 *        first
 *     4. any of the other's synonyms: "Tinca tinca" */
#ifndef NAME_MATCH_H
#define NAME_MATCH_H

struct name_match {
    int index; /* of a label; -1: none is meant */
    int other; /* of a second one that is meant as well as the first; -1: it is one alone */
};

/* (name_count), the caller's to free. All are valid UTF-8. */
struct name_match *name_match(char *const *names, int name_count, char *const *labels, int label_count);

#endif
