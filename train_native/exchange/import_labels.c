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

/* The labels in a file's bytes, of either kind. */
static bool parse_labels(struct text_list *labels, const uint8_t *bytes, size_t size, const char *path,
                         struct failure *failure)
{
    const char *text = (const char *)bytes;
    size_t end = size;
    while (end && strchr(" \t\r\n", text[end - 1]))
        end--;
    const char first = text[strspn(text, " \t\r\n")], last = end ? text[end - 1] : 0;
    if (!(first == '[' && last == ']') && !(first == '{' && last == '}')) {
        *labels = lines_of(text);
        take_numbers_off(labels);
        return true;
    }
    cJSON *tree = json_tree_parse(bytes, size, path, failure);
    if (tree)
        *labels = labels_of(tree);
    cJSON_Delete(tree);
    return tree != NULL;
}

char **import_labels_of(const uint8_t *bytes, size_t size, const char *path, int classes, struct failure *failure)
{
    struct text_list lines = {0};
    if (!parse_labels(&lines, bytes, size, path, failure))
        return NULL;
    if (lines.count == classes - 1) {
        LIST_ADD(lines.texts, lines.count, NULL);
        memmove(lines.texts + 1, lines.texts, (size_t)(lines.count - 1) * sizeof *lines.texts);
        lines.texts[0] = text_copy("background");
    }
    for (int i = 0; i < lines.count; i++)
        if (!*lines.texts[i]) {
            free(lines.texts[i]);
            lines.texts[i] = text_format("class %d", i);
        }
    import_labels_clean(lines.texts, lines.count);
    if (lines.count == classes)
        return lines.texts;
    failure_set(failure, path, "It takes a label for each class, in the network's order.",
                "there are %d labels, and the network has %d classes", lines.count, classes);
    text_list_free(&lines);
    return NULL;
}

char **import_labels_read(const char *path, int classes, struct failure *failure)
{
    if (strcmp(path, "imagenet") == 0)
        return import_labels_of(imagenet_labels_txt, strlen((const char *)imagenet_labels_txt), path, classes, failure);
    size_t size;
    const char *reason;
    uint8_t *bytes = read_file(&size, &reason, path, MAX_BYTES);
    if (!bytes) {
        failure_set(failure, path, "--labels takes a file with a label on each line, or imagenet.", "%s", reason);
        return NULL;
    }
    char **labels = import_labels_of(bytes, size, path, classes, failure);
    free(bytes);
    return labels;
}
