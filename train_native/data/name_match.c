#include "data/name_match.h"

#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/name_key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A name with what stands between its commas, of which the first is the name itself where there are none. */
struct name {
    const char *text;
    char *key, *first;
    struct text_list keys; /* of the synonyms */
};

static const char separator[] = ", ";

static struct name *names_of(char *const *texts, int count)
{
    struct name *names = allocate((size_t)count, sizeof *names);
    for (int i = 0; i < count; i++) {
        names[i].text = texts[i];
        names[i].key = name_key(texts[i], NAME_KEY_ALL);
        for (const char *part = texts[i], *end; part; part = end ? end + strlen(separator) : NULL) {
            end = strstr(part, separator);
            char *synonym = text_copy_bytes(part, end ? (size_t)(end - part) : strlen(part));
            char *key = name_key(synonym, NAME_KEY_ALL);
            text_list_add(&names[i].keys, key);
            free(key);
            if (names[i].first)
                free(synonym);
            else
                names[i].first = synonym;
        }
    }
    return names;
}

static void free_names(struct name *names, int count)
{
    for (int i = 0; i < count; i++) {
        free(names[i].key);
        free(names[i].first);
        text_list_free(&names[i].keys);
    }
    free(names);
}

enum step { SAME_TEXT, SAME_FIRST, SAME_LIST, SAME_KEY, ANY_SYNONYM, STEPS };

static bool agree(const struct name *a, const struct name *b, enum step step)
{
    const bool one_is_list = (a->keys.count > 1) != (b->keys.count > 1);
    const struct name *list = a->keys.count > 1 ? a : b, *single = list == a ? b : a;
    switch (step) {
    case SAME_TEXT: return strcmp(a->text, b->text) == 0;
    case SAME_FIRST: return one_is_list && strcmp(a->first, b->first) == 0;
    case SAME_LIST: return !one_is_list && list == a && strcmp(a->key, b->key) == 0;
    case SAME_KEY:
        return strcmp(a->key, b->key) == 0 || (one_is_list && strcmp(a->keys.texts[0], b->keys.texts[0]) == 0);
    case ANY_SYNONYM:
        for (int i = 0; one_is_list && i < list->keys.count; i++)
            if (strcmp(list->keys.texts[i], single->key) == 0)
                return true;
        return false;
    case STEPS: break;
    }
    return false;
}

struct name_match *name_match(char *const *names, int name_count, char *const *labels, int label_count)
{
    struct name_match *found = allocate((size_t)name_count, sizeof *found);
    struct name *a = names_of(names, name_count), *b = names_of(labels, label_count);
    for (int i = 0; i < name_count; i++) {
        found[i] = (struct name_match){-1, -1};
        for (int step = 0; step < STEPS && found[i].index < 0; step++)
            for (int k = 0; k < label_count && found[i].other < 0; k++)
                if (agree(&a[i], &b[k], (enum step)step))
                    *(found[i].index < 0 ? &found[i].index : &found[i].other) = k;
    }
    free_names(a, name_count);
    free_names(b, label_count);
    return found;
}
