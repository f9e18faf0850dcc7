#include "exchange/json_tree.h"

#include "cli/memory.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a tree would be, counted without building it. False, with the failure, where that is too much. */
static bool within_bounds(const uint8_t *bytes, size_t size, const char *name, struct failure *failure)
{
    int depth = 0, values = 0;
    bool in_text = false;
    if (size > JSON_TREE_MAX_BYTES)
        return failure_set(failure, name, NULL, "the JSON is longer than %d MB", JSON_TREE_MAX_BYTES >> 20);
    for (size_t i = 0; i < size; i++) {
        const uint8_t c = bytes[i];
        if (in_text) {
            i += c == '\\'; /* what stands behind it ends no text */
            in_text = c != '"';
        } else if (c == '"') {
            in_text = true;
        } else if (c == '[' || c == '{') {
            values++;
            if (++depth > JSON_TREE_MAX_DEPTH)
                return failure_set(failure, name, NULL, "the JSON is nested more than %d deep, at byte %zu",
                                   JSON_TREE_MAX_DEPTH, i);
        } else if (c == ']' || c == '}') {
            depth--;
        } else if (c == ',') {
            values++;
        }
        if (values > JSON_TREE_MAX_VALUES)
            return failure_set(failure, name, NULL, "the JSON has more than %d values", JSON_TREE_MAX_VALUES);
    }
    return true;
}

static void *take(size_t size) { return reallocate(NULL, size); }

static const char *skip_white_space(const char *text, const char *end)
{
    while (text < end && (*text == ' ' || *text == '\t' || *text == '\n' || *text == '\r'))
        text++;
    return text;
}

cJSON *json_tree_parse(const uint8_t *bytes, size_t size, const char *name, struct failure *failure)
{
    if (!within_bounds(bytes, size, name, failure))
        return NULL;
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = take, .free_fn = free});
    const char *text = (const char *)bytes, *end = NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(text, size, &end, false);
    if (tree && skip_white_space(end, text + size) == text + size)
        return tree;
    cJSON_Delete(tree);
    failure_set(failure, name, "Get it again: perhaps it is cut short.", "is no valid JSON, at byte %zu of %zu",
                end ? (size_t)(end - text) : 0, size);
    failure_key(failure, "JSON_DAMAGED", "%s", name);
    return NULL;
}

const cJSON *json_tree_member(const cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const cJSON *json_tree_path(const cJSON *object, const char *key, const char *inner_key)
{
    return json_tree_member(json_tree_member(object, key), inner_key);
}

const char *json_tree_text(const cJSON *value) { return cJSON_IsString(value) ? value->valuestring : NULL; }

const cJSON *json_tree_array(const cJSON *value) { return cJSON_IsArray(value) ? value : NULL; }

int json_tree_count(const cJSON *array) { return cJSON_IsArray(array) ? cJSON_GetArraySize(array) : 0; }

bool json_tree_number(double *x, const cJSON *value)
{
    if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble))
        return false;
    *x = value->valuedouble;
    return true;
}

bool json_tree_int(int *x, const cJSON *value)
{
    double number;
    if (!json_tree_number(&number, value) || number != floor(number) || fabs(number) > INT_MAX)
        return false;
    *x = (int)number;
    return true;
}

bool json_tree_bool(bool *x, const cJSON *value)
{
    if (!cJSON_IsBool(value))
        return false;
    *x = cJSON_IsTrue(value);
    return true;
}

int json_tree_ints_up_to(int *x, int max_count, const cJSON *array)
{
    int count = 0;
    if (!json_tree_array(array))
        return -1;
    for (const cJSON *value = array->child; value; value = value->next)
        if (count == max_count || !json_tree_int(&x[count++], value))
            return -1;
    return count;
}

bool json_tree_ints(int *x, int count, const cJSON *array)
{
    return json_tree_count(array) == count && json_tree_ints_up_to(x, count, array) == count;
}
