/* What a command cannot go on without: done by the libraries in model/, or the program ends with what they tell.
 *
 *     struct model *model = allocate(1, sizeof *model);
 *     size_t size;
 *     uint8_t *bytes = load_or_die(model, &size, argv[1]);
 *     struct evaluation_input input = {.model = bytes, .size = size, .dataset = &dataset, .count = dataset.count};
 *     struct evaluation evaluation = evaluate_or_die(&input); */
#ifndef OR_DIE_H
#define OR_DIE_H

#include "model/evaluation.h"
#include "model/model_file.h"
#include "model/network.h"

/* model_file_load; the caller frees the bytes. */
uint8_t *load_or_die(struct model *model, size_t *size, const char *path);

/* model_file_again; the caller frees the bytes. */
uint8_t *write_again_or_die(size_t *size, const struct model *model, const char *notes, enum weights type);

/* network_read. */
void read_network_or_die(struct net *net, const char *name_or_path, int size, int classes);

/* evaluation_run; the caller frees it. */
struct evaluation evaluate_or_die(const struct evaluation_input *input);

#endif
