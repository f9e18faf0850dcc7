#include "data/part_names.h"

#include "data/photo_list.h"
#include "cli/errors.h"
#include "cli/list.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The part that a word of a name says, or -1. */
static int part_of_word(const char *word, size_t length)
{
    static const struct {
        const char *word;
        enum photo_part part;
    } words[] = {{"train", PHOTO_TRAIN},       {"training", PHOTO_TRAIN},        {"trainset", PHOTO_TRAIN},
                 {"fold", PHOTO_TRAIN},        {"val", PHOTO_VALIDATION},        {"valid", PHOTO_VALIDATION},
                 {"valset", PHOTO_VALIDATION}, {"validation", PHOTO_VALIDATION}, {"dev", PHOTO_VALIDATION},
                 {"test", PHOTO_TEST},         {"testing", PHOTO_TEST},          {"testset", PHOTO_TEST},
                 {"eval", PHOTO_TEST},         {"evaluation", PHOTO_TEST}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == length && strncasecmp(word, words[i].word, length) == 0)
            return (int)words[i].part;
    return -1;
}

int part_named(const char *name)
{
    int found = -1;
    for (const char *word = name; *word;) {
        size_t length = 0;
        while (is_letter(word[length]))
            length++;
        const int part = part_of_word(word, length);
        if (found >= 0 && part >= 0 && part != found)
            return -1;
        found = part >= 0 ? part : found;
        word += length ? length : 1;
    }
    return found;
}

bool is_fold(const char *name)
{
    for (const char *word = name; (word = strcasestr(word, "fold")); word += 4)
        if ((word == name || !is_letter(word[-1])) && !is_letter(word[4]))
            return true;
    return false;
}

_Noreturn static void die_of_text(const char *text)
{
    die("--parts", "Like train=A,test=B (also val=C, and several folders for one part), or none.",
        "names no parts: \"%s\"", text);
}

struct named_parts parts_parse(const char *text)
{
    struct named_parts parts = {NULL, 0};
    if (strcmp(text, "none") == 0)
        return parts;
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, ","), key = strcspn(at, "=");
        const int part = key < length ? part_of_word(at, key) : -1;
        size_t end = length;
        while (end > key + 1 && at[end - 1] == '/')
            end--;
        if (part < 0 || end <= key + 1)
            die_of_text(text);
        LIST_ADD(parts.parts, parts.count, (struct named_part){text_copy_bytes(at + key + 1, end - key - 1), part});
        at += length + (at[length] == ',');
    }
    if (!parts.count)
        die_of_text(text);
    return parts;
}

void named_parts_free(struct named_parts *parts)
{
    for (int i = 0; i < parts->count; i++)
        free(parts->parts[i].folder);
    free(parts->parts);
}
