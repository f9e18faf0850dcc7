#include "exchange/import_labels.h"

#include "base/bounds.h"
#include "base/text.h"
#include "exchange/json_tree.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 4 << 20 };

/* imagenet_labels.txt, in ImageNet's order; the Makefile makes it part of the program. */
extern const unsigned char imagenet_labels_txt[];

void import_labels_free(char **labels, int classes)
{
    for (int i = 0; labels && i < classes; i++)
        free(labels[i]);
    free(labels);
}

char **import_labels_numbered(int classes)
{
    char **labels = allocate((size_t)classes, sizeof *labels);
    for (int i = 0; i < classes; i++)
        labels[i] = text_format("class %d", i);
    return labels;
}

void import_labels_clean(char **labels, int classes)
{
    for (int i = 0; i < classes; i++) {
        char *to = labels[i];
        int length = (int)strnlen(labels[i], LIMIT_LABEL + 4);
        for (const char *from = labels[i]; length > 0;) {
            uint32_t code;
            const int bytes = text_character(&code, from, length), taken = bytes ? bytes : 1;
            if (to + taken - labels[i] > LIMIT_LABEL)
                break;
            if (bytes && text_valid(from, bytes, false))
                memmove(to, from, (size_t)bytes), to += bytes;
            else
                *to++ = '?';
            from += taken;
            length -= taken;
        }
        *to = 0;
    }
}

/* Lines without their ends; empty ones at the end of the file are none. */
static struct text_list lines_of(const char *text)
{
    struct text_list lines = {0};
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        text += 3;
    for (const char *line = text; *line;) {
        const size_t length = strcspn(line, "\n");
        char *copy = text_copy_bytes(line, length && line[length - 1] == '\r' ? length - 1 : length);
        LIST_ADD(lines.texts, lines.count, copy);
        line += length + (line[length] == '\n');
    }
    while (lines.count && !*lines.texts[lines.count - 1])
        free(lines.texts[--lines.count]);
    return lines;
}

/* "0 cat", "1 dog": takes the numbers off, if every line has its own. */
static void take_numbers_off(struct text_list *lines)
{
    char number[16];
    for (int i = 0; i < lines->count; i++) {
        const int length = snprintf(number, sizeof number, "%d ", i);
        if (strncmp(lines->texts[i], number, (size_t)length) != 0 || !lines->texts[i][length])
            return;
    }
    for (int i = 0; i < lines->count; i++) {
        char *text = lines->texts[i], *label = strchr(text, ' ') + 1;
        memmove(text, label, strlen(label) + 1);
    }
}

/* JSON: a list of texts; an object from the number of a class to its text, or to a list of which the last is that text,
 * as Keras's of ImageNet; or one from a text to its number. */
static void take_label(struct text_list *labels, long index, const char *text)
{
    if (!text || index < 0 || index >= LIMIT_CHANNELS)
        return;
    while (labels->count <= index)
        text_list_add(labels, "");
    free(labels->texts[index]);
    labels->texts[index] = text_copy(text);
}

static struct text_list labels_of(const cJSON *tree)
{
    struct text_list labels = {0};
    const cJSON *value;
    long index = 0;
    cJSON_ArrayForEach(value, tree)
    {
        int number;
        char *end = NULL;
        const long key = value->string ? strtol(value->string, &end, 10) : index++;
        const cJSON *last = json_tree_array(value);
        for (last = last ? last->child : value; last && last != value && last->next; last = last->next)
            ;
        if (value->string && json_tree_int(&number, value))
            take_label(&labels, number, value->string);
        else if (!end || (*value->string && !*end))
            take_label(&labels, key, json_tree_text(last));
    }
    return labels;
}

static bool parse_json(struct text_list *labels, const uint8_t *bytes, size_t size, const char *name,
                       struct failure *failure)
{
    cJSON *tree = json_tree_parse(bytes, size, name, failure);
    if (tree)
        *labels = labels_of(tree);
    cJSON_Delete(tree);
    return tree != NULL;
}

bool import_labels_parse(struct text_list *labels, const uint8_t *bytes, size_t size, const char *name,
                         struct failure *failure)
{
    const char *text = (const char *)bytes;
    size_t end = size;
    while (end && strchr(" \t\r\n", text[end - 1]))
        end--;
    const char first = text[strspn(text, " \t\r\n")], last = end ? text[end - 1] : 0;
    if ((first == '[' && last == ']') || (first == '{' && last == '}'))
        return parse_json(labels, bytes, size, name, failure);
    *labels = lines_of(text);
    take_numbers_off(labels);
    return true;
}

bool import_labels_read(struct text_list *labels, const char *path, struct failure *failure)
{
    size_t size;
    const char *reason;
    if (strcmp(path, "imagenet") == 0) {
        *labels = lines_of((const char *)imagenet_labels_txt);
        return true;
    }
    uint8_t *bytes = read_file(&size, &reason, path, MAX_BYTES);
    if (!bytes)
        return failure_set(failure, path, "--labels takes a file with a label on each line, or imagenet.", "%s",
                           reason);
    const bool parsed = import_labels_parse(labels, bytes, size, path, failure);
    free(bytes);
    return parsed;
}

const char *import_labels_beside(struct text_list *labels, const struct package *package)
{
    static const char *const names[] = {"labels.txt",   "class_names.txt",  "classes.txt",       "labels.json",
                                        "classes.json", "class_names.json", "class_indices.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct failure ignored;
        size_t size;
        const uint8_t *bytes = package_has(package, names[i]) ? package_file(&size, package, names[i], &ignored) : NULL;
        const bool is_json = strcmp(strrchr(names[i], '.'), ".json") == 0;
        if (bytes && (is_json ? parse_json : import_labels_parse)(labels, bytes, size, names[i], &ignored) &&
            labels->count)
            return names[i];
    }
    return NULL;
}

char **import_labels_fitted(struct text_list *labels, int classes)
{
    if (!labels->count || (labels->count != classes && labels->count != classes - 1))
        return NULL;
    if (labels->count == classes - 1) {
        LIST_ADD(labels->texts, labels->count, NULL);
        memmove(labels->texts + 1, labels->texts, (size_t)(classes - 1) * sizeof *labels->texts);
        labels->texts[0] = text_copy("background");
    }
    for (int i = 0; i < classes; i++)
        if (!*labels->texts[i]) {
            free(labels->texts[i]);
            labels->texts[i] = text_format("class %d", i);
        }
    import_labels_clean(labels->texts, classes);
    char **fitted = labels->texts;
    *labels = (struct text_list){0};
    return fitted;
}
