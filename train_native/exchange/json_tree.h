/* JSON from outside as a tree: cJSON's, within bounds that hold before it is built, and members read with their types
 * checked.
 *
 *     struct failure failure;
 *     cJSON *tree = json_tree_parse(bytes, size, "model.json", &failure);
 *     if (!tree)
 *         die_of(&failure);
 *     const char *name = json_tree_text(json_tree_member(tree, "name"));       // NULL: none, or no text
 *     int units;
 *     const bool has_units = json_tree_int(&units, json_tree_path(tree, "config", "units"));
 *     cJSON_Delete(tree);
 *
 * All functions take NULL for what is not there, so that they can be called one on the other. */
#ifndef JSON_TREE_H
#define JSON_TREE_H

#include "cli/errors.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_TREE_MAX_BYTES = 64 << 20,
    JSON_TREE_MAX_DEPTH = 100,     /* arrays and objects within one another */
    JSON_TREE_MAX_VALUES = 1 << 20 /* of which each takes some 80 bytes */
};

/* The tree of one value with nothing but white space around it; NULL with the failure, whose subject is `name`. The
 * caller frees it by cJSON_Delete. The program ends where there is no memory. */
cJSON *json_tree_parse(const uint8_t *bytes, size_t size, const char *name, struct failure *failure);

/* A member of an object by its exact name, and a member's member; NULL: there is none. */
const cJSON *json_tree_member(const cJSON *object, const char *key);
const cJSON *json_tree_path(const cJSON *object, const char *key, const char *inner_key);

/* NULL where it is no text, no array. */
const char *json_tree_text(const cJSON *value);
const cJSON *json_tree_array(const cJSON *value);
int json_tree_count(const cJSON *array); /* of an array's elements; 0 where it is none */

/* False where it is no such number or truth value: x is left. */
bool json_tree_int(int *x, const cJSON *value);
bool json_tree_number(double *x, const cJSON *value); /* finite */
bool json_tree_bool(bool *x, const cJSON *value);

/* The integers of an array of exactly, and of at most so many; false, -1: it is no such array. */
bool json_tree_ints(int *x, int count, const cJSON *array);
int json_tree_ints_up_to(int *x, int max_count, const cJSON *array);

#endif
