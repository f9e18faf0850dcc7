#include "model/interval.h"

#include <math.h>
#include <stdio.h>

struct interval interval_of(int right, int count)
{
    if (!count)
        return (struct interval){0, 1};
    const double z = 1.96, n = count, p = right / n;
    const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (struct interval){fmax(0, centre - half), fmin(1, centre + half)};
}

const char *interval_percent(int right, int count)
{
    static _Thread_local char texts[4][48];
    static _Thread_local int turn;
    char *text = texts[turn = (turn + 1) % 4];
    const struct interval interval = interval_of(right, count);
    const int length = snprintf(text, sizeof texts[0], "%.2f %%", count ? 100.0 * right / count : 0);
    if (count < INTERVAL_SURE)
        snprintf(text + length, sizeof texts[0] - (size_t)length, " (%.1f-%.1f)", 100 * interval.low,
                 100 * interval.high);
    return text;
}

void interval_json(struct json *json, const char *key, int right, int count)
{
    const struct interval interval = interval_of(right, count);
    json_array(json, key);
    json_number(json, NULL, "%.6f", interval.low);
    json_number(json, NULL, "%.6f", interval.high);
    json_close(json);
}
