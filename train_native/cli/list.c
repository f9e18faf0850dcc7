#include "cli/list.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <limits.h>
#include <stdlib.h>

void *list_room(void *items, int count, size_t size)
{
    if (count & (count - 1)) /* full at 0 and at each power of two */
        return items;
    const size_t room = count ? 2 * (size_t)count : 1;
    size_t bytes;
    if (room > INT_MAX || __builtin_mul_overflow(room, size, &bytes))
        die_of_memory();
    return reallocate(items, bytes);
}

void text_list_add(struct text_list *list, const char *text) { LIST_ADD(list->texts, list->count, text_copy(text)); }

void text_list_free(struct text_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->texts[i]);
    free(list->texts);
    *list = (struct text_list){0};
}
