#include "cli/json.h"

#include "cli/escape.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (int length; *text; text += length ? length : 1) {
        uint32_t code = 0;
        length = character_at(&code, text);
        if (!length)
            fputs("\\ufffd", out); /* JSON cannot hold a byte that is no text */
        else if (code == '"' || code == '\\')
            fprintf(out, "\\%c", *text);
        else if (!is_hidden(code))
            fwrite(text, 1, (size_t)length, out);
        else if (code > 0xffff)
            fprintf(out, "\\u%04x\\u%04x", 0xd7c0 + (unsigned)(code >> 10), 0xdc00 + (unsigned)(code & 0x3ff));
        else
            fprintf(out, "\\u%04x", (unsigned)code);
    }
    fputc('"', out);
}

struct json json_begin(FILE *out) { return (struct json){.out = out}; }

/* What stands before a value: a comma, a line feed, the key. */
static void before_value(struct json *json, const char *key)
{
    assert((key != NULL) == (json->depth && json->closing[json->depth] == '}'));
    if (json->counts[json->depth]++)
        fputs(json->line ? "," : ", ", json->out);
    if (json->line)
        fprintf(json->out, "\n%*s", json->depth, "");
    json->line = false;
    if (key)
        fprintf(json->out, "\"%s\": ", key);
}

static void open(struct json *json, const char *key, char opening, char closing)
{
    before_value(json, key);
    fputc(opening, json->out);
    json->depth++;
    assert(json->depth < JSON_MAX_DEPTH);
    json->counts[json->depth] = 0;
    json->closing[json->depth] = closing;
}

void json_object(struct json *json, const char *key) { open(json, key, '{', '}'); }

void json_array(struct json *json, const char *key) { open(json, key, '[', ']'); }

void json_close(struct json *json)
{
    assert(json->depth > 0);
    fputc(json->closing[json->depth--], json->out);
}

void json_end(struct json *json)
{
    assert(json->depth == 0);
    fputc('\n', json->out);
}

void json_text(struct json *json, const char *key, const char *text)
{
    before_value(json, key);
    print_string(json->out, text);
}

void json_int(struct json *json, const char *key, int64_t x)
{
    before_value(json, key);
    fprintf(json->out, "%" PRId64, x);
}

void json_bool(struct json *json, const char *key, bool x)
{
    before_value(json, key);
    fputs(x ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
    before_value(json, key);
    fputs("null", json->out);
}

void json_number(struct json *json, const char *key, const char *format, double x)
{
    if (!isfinite(x)) {
        json_null(json, key);
        return;
    }
    before_value(json, key);
    fprintf(json->out, format, x);
}

void json_ints(struct json *json, const char *key, const int *x, int count)
{
    json_array(json, key);
    for (int i = 0; i < count; i++)
        json_int(json, NULL, x[i]);
    json_close(json);
}

void json_line(struct json *json) { json->line = true; }
