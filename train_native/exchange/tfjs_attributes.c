#include "exchange/tfjs_operator.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool tfjs_int_of(int *x, const cJSON *value)
{
    const char *text = json_tree_text(value);
    if (!text)
        return json_tree_int(x, value);
    char *end;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (end == text || *end)
        return false;
    *x = errno || number > INT_MAX ? INT_MAX : number < -INT_MAX ? -INT_MAX : (int)number;
    return true;
}

bool tfjs_number(double *x, const struct tfjs_operator *operator, const char * key)
{
    const cJSON *attribute = json_tree_member(operator->attributes, key), *integer = json_tree_member(attribute, "i");
    int number;
    if (json_tree_number(x, json_tree_member(attribute, "f")))
        return true;
    if (!integer || !tfjs_int_of(&number, integer))
        return false;
    *x = number;
    return true;
}

bool tfjs_bool(const struct tfjs_operator *operator, const char * key)
{
    bool set = false;
    return json_tree_bool(&set, json_tree_path(operator->attributes, key, "b")) && set;
}

int tfjs_ints(int *x, int max_count, const struct tfjs_operator *operator, const char * key)
{
    const cJSON *list = json_tree_array(json_tree_member(json_tree_path(operator->attributes, key, "list"), "i"));
    int count = 0;
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next)
        if (count == max_count || !tfjs_int_of(&x[count++], item))
            return 0;
    return count;
}

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Bytes are in base64 (RFC 4648), or, of early converters, a list of their numbers. */
static void text_of(char text[TFJS_TEXT], const cJSON *value)
{
    const char *encoded = json_tree_text(value);
    int length = 0, bits = 0, code;
    unsigned pool = 0;
    if (json_tree_array(value))
        for (const cJSON *item = value->child; item && length < TFJS_TEXT - 1; item = item->next)
            text[length++] = (char)(json_tree_int(&code, item) && code > 0 && code < 128 ? code : '?');
    for (; encoded && length < TFJS_TEXT - 1 && (code = digit_of(*encoded)) >= 0; encoded++) {
        pool = (pool << 6 | (unsigned)code) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            text[length++] = (char)(pool >> bits & 0xff);
        }
    }
    text[length] = 0;
}

void tfjs_text(char text[TFJS_TEXT], const struct tfjs_operator *operator, const char * key)
{
    text_of(text, json_tree_path(operator->attributes, key, "s"));
}

bool tfjs_listed_text(char text[TFJS_TEXT], const struct tfjs_operator *operator, const char * key, int i)
{
    const cJSON *list = json_tree_array(json_tree_member(json_tree_path(operator->attributes, key, "list"), "s"));
    const cJSON *item = list ? list->child : NULL;
    for (; item && i > 0; i--)
        item = item->next;
    text_of(text, item);
    return item != NULL;
}

/* ---- Inputs ---- */

bool tfjs_value(int *x, const struct tfjs_operator *operator, int i)
{
    if (i >= operator->count || operator->inputs[i].is_constant)
        return graph_refuse(operator->graph, i < operator->count ? "its input %d is a constant" : "it has no input %d",
                            i) != GRAPH_FAILED;
    *x = operator->inputs[i].value;
    return *x != GRAPH_FAILED;
}

const struct graph_constant *tfjs_constant(const struct tfjs_operator *operator, int i)
{
    if (i < operator->count && operator->inputs[i].is_constant)
        return &operator->inputs[i].constant;
    graph_refuse(operator->graph, i < operator->count ? "its input %d is no constant" : "it has no input %d", i);
    return NULL;
}

int tfjs_constant_ints(int *x, int max_count, const struct tfjs_operator *operator, int i)
{
    const struct graph_constant *constant = tfjs_constant(operator, i);
    if (!constant)
        return -1;
    const int count = constant->rank == 0 ? 1 : constant->dims[0];
    if (constant->rank > 1 || count > max_count) {
        graph_refuse(operator->graph, "its input %d is no list of up to %d integers", i, max_count);
        return -1;
    }
    for (int k = 0; k < count; k++) {
        const float value = constant->values[k];
        x[k] = value >= 2147483648.0f ? INT_MAX : value <= -2147483648.0f ? -INT_MAX : isnan(value) ? 0 : (int)value;
    }
    return count;
}

int tfjs_axis(int axis, int rank) { return axis < 0 ? axis + rank : axis; }
