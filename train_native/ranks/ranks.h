/* The processes that `mpirun` has started to do one piece of work. Rank 0 alone speaks, writes and resumes; the others
 * have their share of the lanes of a step of training, and all have the same weights after it.
 *
 *     ranks_start("1.0");                                      // in main
 *     const struct parallel parallel = ranks_parallel(2);      // for a trainer
 *     ranks_compare("--epochs=10\n");                          // before the first step: named, where they differ
 *     ranks_begin();
 *     ... train ...
 *     ranks_compare_weights(weights, count, "after epoch 1");
 *     if (ranks_first())
 *         save_file(path, weights, sizeof weights, "the model");
 *     exit(EXIT_SUCCESS);                                      // when all have come to it
 *
 * A rank that ends in an error ends all: it is named, with its host, unless all end in the same one, which is then told
 * once. In a program without MPI, or that no launcher has started, there is one rank. */
#ifndef RANKS_H
#define RANKS_H

#include "training/parallel.h"

#include <stdbool.h>

void ranks_start(const char *version);

int ranks_own(void);
int ranks_count(void);
bool ranks_first(void);

/* Whether a launcher hands on what is printed: then standard output is a terminal only by its looks. */
bool ranks_launched(void);

/* Ends the program where there are several: `command` knows one alone. */
void ranks_refuse(const char *command);

/* Lanes of this rank; all it has without ranks. */
struct parallel ranks_parallel(int threads);

/* How many threads a rank takes that was not told how many: its part of those that its host has for all of its ranks. */
int ranks_threads(void);

/* Of all ranks, lines "key=value" that are to be alike: where they are not, the program ends, and rank 0 names who has
 * which other line. Whoever has ended in an error meanwhile is known then, too. */
void ranks_compare(const char *text);

/* The parts of ranks_compare, for texts of which there is more to say. Whether all ranks have the same; if not, *first is
 * rank 0's, which the caller frees, else NULL. Then all tell what is different of them, "" where nothing is: rank 0 names
 * them, and the program ends. */
bool ranks_agree(const char *text, char **first);
void ranks_tell(const char *difference);

/* Whether it is so on all ranks. Who waits for others sleeps; where one has failed, all end. */
bool ranks_all(bool so);

/* Warns of ranks with other vectors than rank 0, where that is not known to be without consequences (no --exact). */
void ranks_compare_vectors(void);

/* Before what is written or computed depends on other ranks: from here on one that ends in an error does not wait. */
void ranks_begin(void);

/* Of weights (count) that are to be alike; when: "after epoch 3". */
void ranks_compare_weights(const float *weights, size_t count, const char *when);

/* Of so many items of this size, each rank's own (parallel_start) come to all. */
void ranks_gather(uint8_t *all, const uint8_t *own, int count, size_t bytes);

/* Rank 0's bytes come to all. */
void ranks_broadcast(void *bytes, size_t size);

#endif
