/* JSON, written as it comes: commas, quotes and escapes by themselves.
 *
 *     struct json json = json_begin(stdout);
 *     json_object(&json, NULL);
 *     json_text(&json, "file", path);
 *     json_array(&json, "scores");
 *     for (int i = 0; i < count; i++) json_number(&json, NULL, "%.6f", scores[i]);
 *     json_close(&json);
 *     json_close(&json);
 *     json_end(&json);                     // {"file": "a.png", "scores": [0.500000, 0.250000]} and a line feed
 *
 * key: that of a member of an object, plain ASCII; NULL for an element of an array and for the whole. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_MAX_DEPTH = 8 };

struct json {
    FILE *out;
    /* private: */
    int depth;
    bool line;                  /* the next value stands on a line of its own */
    int counts[JSON_MAX_DEPTH]; /* values so far, at each depth */
    char closing[JSON_MAX_DEPTH];
};

struct json json_begin(FILE *out);
void json_end(struct json *json); /* a line feed; everything has been closed */

void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_close(struct json *json); /* the innermost object or array */

void json_text(struct json *json, const char *key, const char *text);
void json_int(struct json *json, const char *key, int64_t x);
void json_bool(struct json *json, const char *key, bool x);
/* format: of printf for one double, like "%.6f"; null where x is not finite. */
void json_number(struct json *json, const char *key, const char *format, double x);
void json_null(struct json *json, const char *key);

/* Several integers as an array. */
void json_ints(struct json *json, const char *key, const int *x, int count);

/* The next value begins a line. */
void json_line(struct json *json);

#endif
