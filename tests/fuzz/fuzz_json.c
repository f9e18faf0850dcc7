/* libFuzzer target: the JSON of the importer in the page (wasm/importer/json.c). It takes what the program takes by a
 * library (exchange/json_tree.h), makes the same tree of it, and refuses what that refuses. */
#include "exchange/json_tree.h"
#include "fuzz/fuzz.h"
#include "fuzz/json_parts.h"

#include <stdlib.h>
#include <string.h>

/* As tests/fuzz/importer_json.h calls them. */
cJSON *importer_parse(const char *text, size_t size, const char **end, cJSON_bool whole);
cJSON *importer_member(const cJSON *object, const char *name);
int importer_array_size(const cJSON *array);
cJSON_bool importer_is_true(const cJSON *item);
cJSON_bool importer_is_bool(const cJSON *item);
cJSON_bool importer_is_null(const cJSON *item);
cJSON_bool importer_is_number(const cJSON *item);
cJSON_bool importer_is_string(const cJSON *item);
cJSON_bool importer_is_array(const cJSON *item);
cJSON_bool importer_is_object(const cJSON *item);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return json_mutate(data, size, max_size, seed);
}

/* Where the two may differ: the library takes an escape of four digits that are none, or zeros, for the end of the
 * text, and skips no byte order mark in front of a single byte. */
static bool only_library_takes(const uint8_t *text, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        if (text[i] == '\\' && text[i + 1] == 'u') {
            char digits[5] = {0}, *end;
            memcpy(digits, text + i + 2, size - i - 2 < 4 ? size - i - 2 : 4);
            if (strlen(digits) < 4 || strspn(digits, "0123456789abcdefABCDEF") < 4 || !strtol(digits, &end, 16))
                return true;
        }
    return false;
}

static bool only_importer_takes(const uint8_t *text, size_t size)
{
    return size <= 4 && size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3);
}

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static void same_value(const cJSON *ours, const cJSON *theirs)
{
    const int type = theirs->type;
    fuzz_require(ours->type == type && same_text(ours->string, theirs->string) &&
                 same_text(ours->valuestring, theirs->valuestring) &&
                 !memcmp(&ours->valuedouble, &theirs->valuedouble, sizeof ours->valuedouble));
    fuzz_require(
        importer_is_true(ours) == (type == cJSON_True) && importer_is_null(ours) == (type == cJSON_NULL) &&
        importer_is_bool(ours) == (type == cJSON_True || type == cJSON_False) &&
        importer_is_number(ours) == (type == cJSON_Number) && importer_is_string(ours) == (type == cJSON_String) &&
        importer_is_array(ours) == (type == cJSON_Array) && importer_is_object(ours) == (type == cJSON_Object) &&
        importer_array_size(ours) == cJSON_GetArraySize(theirs));
}

/* Of two members with one name both find the first. No deeper than both take it. */
static void same_tree(const cJSON *ours, const cJSON *theirs)
{
    const cJSON *a = ours->child, *b = theirs->child;
    same_value(ours, theirs);
    for (; a && b; a = a->next, b = b->next) {
        same_tree(a, b);
        fuzz_require(theirs->type != cJSON_Object || (importer_member(ours, a->string) == a) ==
                                                         (cJSON_GetObjectItemCaseSensitive(theirs, b->string) == b));
    }
    fuzz_require(!a && !b);
}

static bool is_white_space(const char *text, const char *end)
{
    while (text < end && memchr(" \t\n\r", *text, 4))
        text++;
    return text == end;
}

/* The importer frees nothing: the end of the program does. */
static void parse(void *context)
{
    const struct fuzz_part *text = context;
    uint8_t *bytes = fuzz_copy(text->bytes, text->size);
    const char *end = NULL, *behind = (const char *)bytes + text->size;
    struct failure failure = {.reason = ""};
    cJSON *theirs = json_tree_parse(bytes, text->size, "model.json", &failure);
    cJSON *ours = importer_parse((const char *)bytes, text->size, &end, false);
    fuzz_require(end >= (const char *)bytes && end <= behind && (theirs || *failure.reason));
    const bool taken = ours && is_white_space(end, behind);
    if (taken && theirs)
        same_tree(ours, theirs);
    fuzz_require(!taken || theirs || only_importer_takes(bytes, text->size));
    fuzz_require(taken || !theirs || only_library_takes(bytes, text->size));
    exit(EXIT_SUCCESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part text = {data, size};
    fuzz_require(!fuzz_command(parse, &text));
    return 0;
}
