#include "commands/or_die.h"

uint8_t *load_or_die(struct model *model, size_t *size, const char *path)
{
    struct failure failure;
    uint8_t *bytes = model_file_load(model, size, path, &failure);
    if (!bytes)
        die_of(&failure);
    return bytes;
}

uint8_t *write_again_or_die(size_t *size, const struct model *model, const char *notes, enum weights type)
{
    struct failure failure;
    uint8_t *bytes = model_file_again(size, model, notes, type, &failure);
    if (!bytes)
        die_of(&failure);
    return bytes;
}

void read_network_or_die(struct net *net, const char *name_or_path, int size, int classes)
{
    struct failure failure;
    if (!network_read(net, name_or_path, size, classes, &failure))
        die_of(&failure);
}

struct evaluation evaluate_or_die(const struct evaluation_input *input)
{
    struct evaluation evaluation;
    const enum status status = evaluation_run(&evaluation, input);
    if (status)
        die(NULL, NULL, "%s", eyelet_status_text(status));
    return evaluation;
}
