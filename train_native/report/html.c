#include "report/html.h"

#include "cli/sha256.h"
#include "cli/text.h"
#include "cli/errors.h"
#include "cli/memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_LENGTH = 44 }; /* of a SHA-256 in base64 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(char *out, const uint8_t *bytes, size_t size)
{
    for (; size; out += 4) {
        const size_t n = size < 3 ? size : 3;
        const uint32_t group =
            (uint32_t)bytes[0] << 16 | (n > 1 ? (uint32_t)bytes[1] << 8 : 0) | (n > 2 ? bytes[2] : 0u);
        for (size_t i = 0; i < 4; i++)
            out[i] = i <= n ? digits[group >> (18 - 6 * i) & 63] : '=';
        bytes += n;
        size -= n;
    }
    *out = 0;
}

char *html_base64(const void *bytes, size_t size)
{
    char *text = allocate((size + 2) / 3 * 4 + 1, 1);
    encode(text, bytes, size);
    return text;
}

/* What stands between this tag and its end, which every template has. */
static char *content(char *page, const char *tag, const char *end, size_t *length)
{
    char *start = strstr(page, tag);
    assert(start);
    start += strlen(tag);
    *length = (size_t)(strstr(start, end) - start);
    return start;
}

static void put_hash(char *out, char *page, const char *tag, const char *end)
{
    char text[HASH_LENGTH + 1];
    uint8_t digest[SHA256_BYTES];
    size_t length;
    const char *start = content(page, tag, end, &length);
    struct sha256 state = sha256_begin();
    sha256_add(&state, start, length);
    sha256_end(digest, &state);
    encode(text, digest, SHA256_BYTES);
    memcpy(out, text, HASH_LENGTH);
}

char *html_page(size_t *size, const unsigned char *template, const struct html_part *parts)
{
    char *page = NULL;
    size_t script = 0, style = 0; /* the indices of their hashes */
    FILE *out = text_open(&page, size);
    const char *rest = (const char *)template;
    for (const char *open; (open = strstr(rest, "{{")); rest = strstr(open, "}}") + 2) {
        fwrite(rest, 1, (size_t)(open - rest), out);
        const char *const name = open + 2;
        const size_t length = (size_t)(strstr(open, "}}") - name);
        const bool of_script = strncmp(name, "script-sha256}}", 15) == 0,
                   of_style = strncmp(name, "style-sha256}}", 14) == 0;
        if (of_script || of_style) {
            fflush(out);
            *(of_script ? &script : &style) = *size;
            fprintf(out, "%*s", HASH_LENGTH, "");
            continue;
        }
        const struct html_part *part = parts;
        while (part->name && (strlen(part->name) != length || strncmp(part->name, name, length) != 0))
            part++;
        assert(part->name);
        fputs(part->text, out);
    }
    fputs(rest, out);
    text_close(out);
    put_hash(page + script, page, "<script type=\"module\">", "</script>");
    put_hash(page + style, page, "<style>", "</style>");
    return page;
}

char *html_shared(const unsigned char *page, const char *name)
{
    static const char before[] = "<!-- shared: ", after[] = " -->\n", end[] = "<!-- /shared -->";
    for (const char *open = (const char *)page; (open = strstr(open, before));) {
        open += sizeof before - 1;
        const size_t length = strcspn(open, " ");
        if (strlen(name) != length || memcmp(open, name, length) != 0)
            continue;
        open += length + sizeof after - 1;
        size_t size = (size_t)(strstr(open, end) - open);
        while (open[size - 1] == ' ' || open[size - 1] == '\n') /* the template has its own line feed */
            size--;
        char *text = allocate(size + 1, 1);
        return memcpy(text, open, size);
    }
    assert(false);
    return NULL;
}

char *html_script(const unsigned char *const *modules)
{
    char *text = NULL;
    size_t size;
    FILE *out = text_open(&text, &size);
    for (; *modules; modules++) {
        for (const char *line = (const char *)*modules; *line;) {
            const size_t length = strcspn(line, "\n") + 1;
            const size_t word = strncmp(line, "export ", 7) == 0 ? 7 : 0;
            if (strncmp(line, "import ", 7) != 0)
                fprintf(out, "%.*s", (int)(length - word), line + word);
            line += line[length - 1] ? length : length - 1;
        }
    }
    text_close(out);
    return text;
}

char *html_json(char *json)
{
    char *text = NULL;
    size_t size;
    FILE *out = text_open(&text, &size);
    for (const char *p = json; *p;) {
        const size_t length = strcspn(p, "<");
        fwrite(p, 1, length, out);
        p += length;
        if (*p) {
            fputs("\\u003c", out);
            p++;
        }
    }
    text_close(out);
    free(json);
    return text;
}
