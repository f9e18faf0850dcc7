/* How far a fraction that was measured on some answers can be trusted: Wilson's (1927) interval, in which the fraction
 * of all answers of this kind is with 95 % confidence.
 *
 *     struct interval interval = interval_of(9, 10);                    // 0.596 to 0.982
 *     printf("accuracy %s\n", interval_percent(9, 10));                 // accuracy 90.00 % (59.6-98.2) */
#ifndef INTERVAL_H
#define INTERVAL_H

#include "cli/json.h"

struct interval {
    double low, high;
};

/* 0 to 1 without answers. */
struct interval interval_of(int right, int count);

/* "90.00 % (59.6-98.2)"; from INTERVAL_SURE answers on, where it is a few points at most, "90.00 %". In a buffer that
 * lasts for four calls. */
enum { INTERVAL_SURE = 1000 };
const char *interval_percent(int right, int count);

/* An array of both. */
void interval_json(struct json *json, const char *key, int right, int count);

#endif
