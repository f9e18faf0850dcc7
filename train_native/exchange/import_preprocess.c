#include "exchange/import_preprocess.h"

#include "base/bounds.h"
#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What each name stands for; the shorter side goes with the network's. */
static const struct {
    const char *name;
    struct preprocess preprocess;
} names[] = {
    {"imagenet", {.resize_mode = RESIZE_SHORTER_SIDE, .mean = {.485f, .456f, .406f}, .std = {.229f, .224f, .225f}}},
    {"tf", {.resize_mode = RESIZE_CROP, .mean = {.5f, .5f, .5f}, .std = {.5f, .5f, .5f}}},
    {"inception", {.resize_mode = RESIZE_CROP, .mean = {.5f, .5f, .5f}, .std = {.5f, .5f, .5f}}},
    {"unit", {.resize_mode = RESIZE_CROP, .std = {1, 1, 1}}},
    {"bytes", {.resize_mode = RESIZE_CROP, .std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f}}},
    {"caffe",
     {.resize_mode = RESIZE_SHORTER_SIDE,
      .order = ORDER_BGR,
      .mean = {123.68f / 255, 116.779f / 255, 103.939f / 255},
      .std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f}}},
};

static int larger(int a, int b) { return a > b ? a : b; }

/* 256 for 224, and as much more for others. */
static int usual_shorter_side(struct shape input)
{
    const int side = (larger(input.h, input.w) * 256 + 112) / 224;
    return side > LIMIT_SHORTER_SIDE ? LIMIT_SHORTER_SIDE : side;
}

static int choice_of(const char *text, const char *const *choices)
{
    for (int i = 0; choices[i]; i++)
        if (strcmp(text, choices[i]) == 0)
            return i;
    return -1;
}

/* "0.5", or "0.4/0.5/0.6" for red, green and blue. */
static bool read_numbers(float out[3], const char *text)
{
    for (int count = 0; count < 3; count++) {
        char *end;
        const float number = strtof(text, &end);
        if (end == text || !isfinite(number) || *end != (count < 2 && *end ? '/' : 0))
            return false;
        out[count] = number;
        if (!*end && count == 0)
            out[1] = out[2] = number;
        if (!*end)
            return count != 1;
        text = end + 1;
    }
    return false;
}

static bool read_resize(struct preprocess *preprocess, const char *text, struct shape input)
{
    static const char *const modes[] = {"stretch", "crop", "pad", NULL};
    const int mode = choice_of(text, modes);
    char *end;
    const long side = strtol(text, &end, 10);
    preprocess->resize_mode = mode >= 0 ? (enum resize_mode)mode : RESIZE_SHORTER_SIDE;
    preprocess->shorter_side = mode >= 0 ? 0 : (int)side;
    return mode >= 0 || (end != text && !*end && side >= larger(input.h, input.w) && side <= LIMIT_SHORTER_SIDE);
}

/* One key=value; false: it is none. */
static bool read_setting(struct preprocess *preprocess, const char *key, const char *value, struct shape input)
{
    static const char *const orders[] = {"rgb", "bgr", NULL}, *const filters[] = {"bilinear", "bicubic", "aliased",
                                                                                  NULL};
    const int order = choice_of(value, orders), filter = choice_of(value, filters);
    if (strcmp(key, "mean") == 0)
        return read_numbers(preprocess->mean, value);
    if (strcmp(key, "std") == 0)
        return read_numbers(preprocess->std, value) && preprocess->std[0] >= 1e-6f && preprocess->std[1] >= 1e-6f &&
               preprocess->std[2] >= 1e-6f;
    if (strcmp(key, "order") == 0 && order >= 0)
        preprocess->order = (enum channel_order)order;
    else if (strcmp(key, "filter") == 0 && filter >= 0)
        preprocess->filter = (enum resize_filter)filter;
    else
        return strcmp(key, "resize") == 0 && read_resize(preprocess, value, input);
    return true;
}

bool import_preprocess_parse(struct preprocess *preprocess, const char *text, struct shape input,
                             struct failure *failure)
{
    static const char hint[] = "`eyelet import --help` lists names and settings.";
    char *copy = text_copy(text), *rest = copy, *name = strsep(&rest, ",");
    bool done = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !done; i++) {
        done = strcmp(name, names[i].name) == 0;
        *preprocess = names[i].preprocess;
    }
    if (!done)
        failure_set(failure, NULL, hint, "there is no preprocessing called \"%s\"", name);
    if (preprocess->resize_mode == RESIZE_SHORTER_SIDE)
        preprocess->shorter_side = usual_shorter_side(input);
    while (done && rest) {
        char *value = strsep(&rest, ","), *key = strsep(&value, "=");
        done = value && read_setting(preprocess, key, value, input);
        if (!done)
            failure_set(failure, NULL, hint, "--preprocess cannot have \"%s%s%s\"", key, value ? "=" : "",
                        value ? value : "");
    }
    free(copy);
    return done;
}

/* ((v - mean) / std) * scale + shift = (v - (mean - shift * std / scale)) / (std / scale) */
bool import_preprocess_front(struct preprocess *preprocess, const float scale[3], const float shift[3], int channels)
{
    bool possible = true;
    for (int k = 0; k < 3; k++) {
        const int from = channels == 1 ? 0 : preprocess->order == ORDER_BGR ? 2 - k : k;
        const double std = (double)preprocess->std[k] / (double)scale[from];
        const double mean = (double)preprocess->mean[k] - (double)shift[from] * std;
        preprocess->std[k] = (float)std;
        preprocess->mean[k] = (float)mean;
        possible = possible && scale[from] > 0 && preprocess->std[k] >= 1e-6f && isfinite(preprocess->std[k]) &&
                   isfinite(preprocess->mean[k]);
    }
    return possible;
}

/* The bounds of core/net/model_fields.h, and what its reader asks of the fields together. */
const char *import_preprocess_fault(const struct preprocess *preprocess, struct shape input)
{
    const int side = preprocess->shorter_side;
    if (preprocess->order != ORDER_RGB && input.c != 3)
        return "grey pictures have no order of colours, as BGR";
    for (int k = 0; k < 3; k++)
        if (!isfinite(preprocess->mean[k]) || !isfinite(preprocess->std[k]) || preprocess->std[k] < 1e-6f)
            return "a mean is infinite, or a std below 0.000001";
    const bool possible = preprocess->resize_mode == RESIZE_SHORTER_SIDE
                              ? side >= larger(input.h, input.w) && side <= LIMIT_SHORTER_SIDE
                              : side == 0;
    return possible ? NULL : "the shorter side is less than the network's, or more than 2048";
}

/* " mean 0.5", or three numbers where they differ. */
static int put_numbers(char *text, size_t size, const char *name, const float numbers[3])
{
    if (numbers[0] == numbers[1] && numbers[0] == numbers[2])
        return snprintf(text, size, ", %s %.5g", name, (double)numbers[0]);
    return snprintf(text, size, ", %s %.5g %.5g %.5g", name, (double)numbers[0], (double)numbers[1],
                    (double)numbers[2]);
}

void import_preprocess_text(char text[IMPORT_PREPROCESS_TEXT], const struct preprocess *preprocess, struct shape input)
{
    static const char *const modes[] = {"stretched to", "the largest centre, to", "padded to"};
    static const char *const filters[] = {"", ", bicubic", ", aliased"};
    const char *order = input.c == 1 ? "grey" : preprocess->order == ORDER_BGR ? "BGR" : "RGB";
    size_t length = (size_t)snprintf(text, IMPORT_PREPROCESS_TEXT, "%s", order);
    length += (size_t)put_numbers(text + length, IMPORT_PREPROCESS_TEXT - length, "mean", preprocess->mean);
    length += (size_t)put_numbers(text + length, IMPORT_PREPROCESS_TEXT - length, "std", preprocess->std);
    if (preprocess->resize_mode == RESIZE_SHORTER_SIDE)
        length += (size_t)snprintf(text + length, IMPORT_PREPROCESS_TEXT - length, ", the shorter side to %d, centre",
                                   preprocess->shorter_side);
    else
        length +=
            (size_t)snprintf(text + length, IMPORT_PREPROCESS_TEXT - length, ", %s", modes[preprocess->resize_mode]);
    snprintf(text + length, IMPORT_PREPROCESS_TEXT - length, " %dx%d%s", input.h, input.w, filters[preprocess->filter]);
}
