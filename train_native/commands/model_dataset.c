#include "commands/model_dataset.h"

#include "cli/errors.h"
#include "data/dataset_open.h"
#include "model/evaluation.h"

struct dataset model_dataset_open(const struct model *model, const char *path, const struct data_options *options,
                                  enum dataset_part part)
{
    struct dataset dataset = dataset_open(options, part);
    const char *mismatch = evaluation_mismatch(model, &dataset);
    if (mismatch)
        die(path, "Name the data that the model was trained on.", "%s", mismatch);
    dataset_read(&dataset, model->net.input, &model->preprocess);
    return dataset;
}

void model_dataset_fit(struct dataset *dataset, const struct model *model, int limit)
{
    if (limit)
        dataset_limit(dataset, limit);
    dataset_fit(dataset, model->net.input, &model->preprocess);
}
