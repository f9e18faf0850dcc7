/* Lists that grow: an array and its count, which double together.
 *
 *     struct photo *photos = NULL;
 *     int count = 0;
 *     LIST_ADD(photos, count, (struct photo){.path = path});
 *     free(photos); */
#ifndef LIST_H
#define LIST_H

#include <stddef.h>

/* items, which holds count of them, with room for one more; the program ends where there is no memory. */
void *list_room(void *items, int count, size_t size);

#define LIST_ADD(items, count, ...) \
    do { \
        (items) = list_room((items), (count), sizeof *(items)); \
        (items)[(count)++] = (__VA_ARGS__); \
    } while (0)

/* A list of strings that it owns. */
struct text_list {
    char **texts;
    int count;
};

/* Adds a copy. */
void text_list_add(struct text_list *list, const char *text);
void text_list_free(struct text_list *list);

#endif
