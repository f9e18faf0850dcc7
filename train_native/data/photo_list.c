#include "data/photo_list.h"

#include "base/bounds.h"
#include "net/model.h"
#include "base/text.h"
#include "cli/errors.h"
#include "cli/list.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

const char *const left_out_texts[LEFT_OUT_REASONS] = {
    [LEFT_UNLABELLED] = "images without labels",
    [LEFT_BESIDE_CLASSES] = "images beside the folders of classes",
    [LEFT_BESIDE_PARTS] = "images beside the parts of the data",
    [LEFT_SKIPPED_CLASS] = "classes without an image",
    [LEFT_LINK] = "links to folders, which are not followed",
    [LEFT_NOT_IMAGE] = "files that are not images",
    [LEFT_SYSTEM] = "system files",
};

int natural_order(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    const char *x = a, *y = b;
    while (*x && *y) {
        if (strchr(digits, *x) && strchr(digits, *y)) {
            x += strspn(x, "0");
            y += strspn(y, "0");
            const size_t n = strspn(x, digits), m = strspn(y, digits);
            const int order = n == m ? memcmp(x, y, n) : n < m ? -1 : 1;
            if (order)
                return order;
            x += n;
            y += m;
        } else if (*x != *y) {
            return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
        } else {
            x++;
            y++;
        }
    }
    return *x ? 1 : *y ? -1 : strcmp(a, b); /* 1 and 01 are equal so far */
}

static int by_name(const void *a, const void *b) { return natural_order(*(char *const *)a, *(char *const *)b); }

void photo_list_name_classes(struct photo_list *list, char **names, int count, const char *source)
{
    qsort(names, (size_t)count, sizeof *names, by_name);
    list->class_names = names;
    for (int i = 0; i < count; i++)
        if (i && strcmp(names[i], names[list->classes - 1]) == 0)
            free(names[i]);
        else
            names[list->classes++] = names[i];
    if (list->classes > LIMIT_CHANNELS)
        die(source, NULL, "there are %d classes, the max is %d", list->classes, LIMIT_CHANNELS);
    for (int i = 0; i < list->classes; i++) {
        const size_t length = strlen(names[i]);
        if (!length || length > LIMIT_LABEL || !text_valid(names[i], (int)length, false))
            die(source, "Rename it: a model stores this name as text.",
                "the class \"%s\" has a name that is not 1 to %d bytes of UTF-8 without control characters", names[i],
                LIMIT_LABEL);
    }
}

static int name_against_name(const void *key, const void *element)
{
    return natural_order(key, *(char *const *)element);
}

int photo_list_class(const struct photo_list *list, const char *name)
{
    char **found =
        bsearch(name, list->class_names, (size_t)list->classes, sizeof *list->class_names, name_against_name);
    return found ? (int)(found - list->class_names) : -1;
}

void photo_list_add(struct photo_list *list, const struct photo *photo) { LIST_ADD(list->photos, list->count, *photo); }

void photo_list_leave_out(struct photo_list *list, char *path, enum left_out reason)
{
    LIST_ADD(list->left_out, list->left_out_count, (struct left_out_file){path, (uint8_t)reason});
}

int photo_list_left_out(const struct photo_list *list, enum left_out reason)
{
    int count = 0;
    for (int i = 0; i < list->left_out_count; i++)
        count += list->left_out[i].reason == reason;
    return count;
}

struct ranked_photo {
    int rank; /* among those of its class */
    struct photo photo;
};

static int by_class_then_path(const void *a, const void *b)
{
    const struct photo *x = &((const struct ranked_photo *)a)->photo, *y = &((const struct ranked_photo *)b)->photo;
    return x->label != y->label ? x->label - y->label : strcmp(x->path, y->path);
}

static int by_rank_then_class(const void *a, const void *b)
{
    const struct ranked_photo *x = a, *y = b;
    return x->rank != y->rank ? x->rank - y->rank : x->photo.label - y->photo.label;
}

static int by_reason_then_path(const void *a, const void *b)
{
    const struct left_out_file *x = a, *y = b;
    return x->reason != y->reason ? x->reason - y->reason : strcmp(x->path, y->path);
}

void photo_list_arrange(struct photo_list *list)
{
    struct ranked_photo *ranks = allocate((size_t)list->count, sizeof *ranks);
    for (int i = 0; i < list->count; i++)
        ranks[i].photo = list->photos[i];
    qsort(ranks, (size_t)list->count, sizeof *ranks, by_class_then_path);
    for (int i = 1; i < list->count; i++)
        ranks[i].rank = ranks[i].photo.label == ranks[i - 1].photo.label ? ranks[i - 1].rank + 1 : 0;
    qsort(ranks, (size_t)list->count, sizeof *ranks, by_rank_then_class);
    for (int i = 0; i < list->count; i++)
        list->photos[i] = ranks[i].photo;
    free(ranks);
    if (list->left_out_count)
        qsort(list->left_out, (size_t)list->left_out_count, sizeof *list->left_out, by_reason_then_path);
}

void photo_list_free(struct photo_list *list)
{
    if (!list)
        return;
    for (int i = 0; i < list->count; i++)
        free(list->photos[i].path);
    for (int i = 0; i < list->classes; i++)
        free(list->class_names[i]);
    for (int i = 0; i < list->left_out_count; i++)
        free(list->left_out[i].path);
    for (int i = 0; i < list->source_count; i++)
        free(list->sources[i].folder);
    free(list->left_out);
    free(list->sources);
    free(list->class_names);
    free(list->photos);
    free(list);
}
