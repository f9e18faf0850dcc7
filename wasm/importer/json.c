/* The part of cJSON that reading a model takes: the program has the library (train_native/exchange/json_tree.h), and what
 * is compiled to WebAssembly this.
 *
 *     const char *end;
 *     cJSON *tree = cJSON_ParseWithLengthOpts("[1, {\"a\": null}]", 16, &end, false);
 *     printf("%d\n", cJSON_GetArraySize(tree)); // 2
 *
 * JSON of RFC 8259. json_tree_parse has counted how deep and how much it is before. An instance imports one model and is
 * discarded then, so nothing here is freed. */
#include "exchange/json_tree.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

enum { USUAL_NUMBER = 64 /* characters, with the zero behind them: longer ones take memory */ };

/* What is read: text up to end; NULL as `at` where it is no JSON. */
struct reader {
    const char *at, *end;
    cJSON *spare; /* nodes to be used, of a block of them */
    int spare_count;
};

void cJSON_InitHooks(cJSON_Hooks *hooks) { (void)hooks; }
void cJSON_Delete(cJSON *item) { (void)item; }

cJSON_bool cJSON_IsTrue(const cJSON *const item) { return item && item->type == cJSON_True; }
cJSON_bool cJSON_IsBool(const cJSON *const item) { return item && (item->type & (cJSON_True | cJSON_False)) != 0; }
cJSON_bool cJSON_IsNull(const cJSON *const item) { return item && item->type == cJSON_NULL; }
cJSON_bool cJSON_IsNumber(const cJSON *const item) { return item && item->type == cJSON_Number; }
cJSON_bool cJSON_IsString(const cJSON *const item) { return item && item->type == cJSON_String; }
cJSON_bool cJSON_IsArray(const cJSON *const item) { return item && item->type == cJSON_Array; }
cJSON_bool cJSON_IsObject(const cJSON *const item) { return item && item->type == cJSON_Object; }

int cJSON_GetArraySize(const cJSON *array)
{
    int count = 0;
    for (const cJSON *item = array ? array->child : NULL; item; item = item->next)
        count++;
    return count;
}

cJSON *cJSON_GetObjectItemCaseSensitive(const cJSON *const object, const char *const string)
{
    cJSON *item = object ? object->child : NULL;
    while (item && (!item->string || strcmp(item->string, string) != 0))
        item = item->next;
    return item;
}

/* ---- Texts ---- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four digits in base 16; -1: they are none. */
static int32_t unit_at(const char *at, const char *end)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = at + i < end ? digit_of(at[i]) : -1;
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static char *put_utf8(char *to, uint32_t code)
{
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(first[more] | code >> (6 * more));
    for (int i = more - 1; i >= 0; i--)
        *to++ = (char)(0x80 | (code >> (6 * i) & 0x3f));
    return to;
}

/* Behind "\u": one character, of two such units where it is beyond the first 65,536. NULL: it is none, or a zero, which
 * would end the text. */
static const char *take_unicode(char **to, const char *at, const char *end)
{
    const int32_t unit = unit_at(at, end);
    at += 4;
    if (unit <= 0 || (unit >= 0xdc00 && unit < 0xe000))
        return NULL;
    if (unit < 0xd800 || unit >= 0xe000) {
        *to = put_utf8(*to, (uint32_t)unit);
        return at;
    }
    const int32_t low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? unit_at(at + 2, end) : -1;
    if (low < 0xdc00 || low >= 0xe000)
        return NULL;
    *to = put_utf8(*to, 0x10000 + ((uint32_t)(unit - 0xd800) << 10 | (uint32_t)(low - 0xdc00)));
    return at + 6;
}

/* The text that begins at a quotation mark. */
static char *read_text(struct reader *reader)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *at = reader->at + 1, *close = at;
    reader->at = NULL;
    while (close < reader->end && *close != '"')
        close += *close == '\\' ? 2 : 1;
    if (close >= reader->end)
        return NULL;
    char *const text = reallocate(NULL, (size_t)(close - at) + 1),
                *to = text; /* an escape is longer than what it means */
    while (at < close) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        const char *const escape = at[1] ? strchr(escapes, at[1]) : NULL;
        if (escape) {
            *to++ = meant[escape - escapes];
            at += 2;
        } else if (at[1] != 'u' || !(at = take_unicode(&to, at + 2, close))) {
            return NULL;
        }
    }
    *to = 0;
    reader->at = close + 1;
    return text;
}

/* ---- Values ---- */

static void skip_white_space(struct reader *reader)
{
    while (reader->at < reader->end && (unsigned char)*reader->at <= ' ')
        reader->at++;
}

static bool take(struct reader *reader, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static void read_number(struct reader *reader, cJSON *item)
{
    size_t length = 0;
    while (reader->at + length < reader->end &&
           (digit_of(reader->at[length]) >= 0 || strchr("+-.", reader->at[length])))
        length++;
    char brief[USUAL_NUMBER], *const number = length < USUAL_NUMBER ? brief : reallocate(NULL, length + 1),
                                     *end = number;
    memcpy(number, reader->at, length);
    number[length] = 0;
    /* strtod reads more than JSON has: infinities, numbers in base 16. */
    if (length && (number[0] == '-' || (number[0] >= '0' && number[0] <= '9')) && !strpbrk(number, "aAbBcCdDfFxX"))
        item->valuedouble = strtod(number, &end);
    item->type = cJSON_Number;
    reader->at = end == number ? NULL : reader->at + (end - number);
}

static cJSON *new_item(struct reader *reader)
{
    enum { BLOCK = 512 };
    if (!reader->spare_count) {
        reader->spare = allocate(BLOCK, sizeof *reader->spare);
        reader->spare_count = BLOCK;
    }
    reader->spare_count--;
    return reader->spare++;
}

/* A value, or of an array or object its beginning. */
static void read_value(struct reader *reader, cJSON *item)
{
    skip_white_space(reader);
    if (reader->at == reader->end)
        reader->at = NULL;
    else if (*reader->at == '"')
        item->type = cJSON_String, item->valuestring = read_text(reader);
    else if (take(reader, "["))
        item->type = cJSON_Array;
    else if (take(reader, "{"))
        item->type = cJSON_Object;
    else if (take(reader, "true"))
        item->type = cJSON_True;
    else if (take(reader, "false"))
        item->type = cJSON_False;
    else if (take(reader, "null"))
        item->type = cJSON_NULL;
    else
        read_number(reader, item);
}

/* The next element of an array or member of an object; NULL, and `at` behind its end: there is none. */
static cJSON *read_member(struct reader *reader, cJSON *container, cJSON *last)
{
    const bool is_object = container->type == cJSON_Object;
    skip_white_space(reader);
    if (take(reader, is_object ? "}" : "]"))
        return NULL;
    if (last && !take(reader, ",")) {
        reader->at = NULL;
        return NULL;
    }
    cJSON *const item = new_item(reader);
    skip_white_space(reader);
    if (is_object) {
        if (reader->at < reader->end && *reader->at == '"')
            item->string = read_text(reader);
        else
            reader->at = NULL;
        if (reader->at)
            skip_white_space(reader);
        if (!reader->at || !take(reader, ":")) {
            reader->at = NULL;
            return NULL;
        }
    }
    read_value(reader, item);
    *(last ? &last->next : &container->child) = item;
    return item;
}

/* The containers that are open stand in a list, each with its last member: no depth of them costs stack. */
cJSON *cJSON_ParseWithLengthOpts(const char *value, size_t buffer_length, const char **return_parse_end,
                                 cJSON_bool require_null_terminated)
{
    struct {
        cJSON *container, *last;
    } open[JSON_TREE_MAX_DEPTH + 1];
    struct reader reader = {.at = value, .end = value + buffer_length};
    cJSON *const tree = new_item(&reader);
    int depth = 0;
    (void)require_null_terminated;
    if (buffer_length >= 3 && memcmp(value, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        reader.at += 3;
    const char *reached = reader.at;
    read_value(&reader, tree);
    for (cJSON *item = tree; reader.at;) {
        reached = reader.at;
        if (item && (item->type == cJSON_Array || item->type == cJSON_Object))
            open[depth].container = item, open[depth++].last = NULL;
        else if (!item)
            depth--;
        if (depth == 0 || depth > JSON_TREE_MAX_DEPTH)
            break;
        item = read_member(&reader, open[depth - 1].container, open[depth - 1].last);
        if (item)
            open[depth - 1].last = item;
    }
    *return_parse_end = reached;
    return reader.at && depth == 0 ? tree : NULL;
}
