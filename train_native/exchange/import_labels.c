#include "exchange/import_labels.h"

#include "base/bounds.h"
#include "base/text.h"
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

char **import_labels_read(const char *path, int classes, struct failure *failure)
{
    size_t size;
    const char *reason;
    const bool imagenet = strcmp(path, "imagenet") == 0;
    uint8_t *bytes = imagenet ? NULL : read_file(&size, &reason, path, MAX_BYTES);
    if (!bytes && !imagenet) {
        failure_set(failure, path, "--labels takes a file with a label on each line, or imagenet.", "%s", reason);
        return NULL;
    }
    struct text_list lines = lines_of(imagenet ? (const char *)imagenet_labels_txt : (const char *)bytes);
    free(bytes);
    take_numbers_off(&lines);
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
