/* Damages JSON among other bytes so that it stays JSON, most of the time: a text, a number or a list takes the place of
 * another, goes, or comes twice. For targets that read it:
 *
 *     size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
 *     {
 *         return json_mutate(data, size, max_size, seed);
 *     }
 */
#ifndef JSON_PARTS_H
#define JSON_PARTS_H

#include "fuzz/fuzz.h"

size_t json_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
