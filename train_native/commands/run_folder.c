#include "commands/run_folder.h"
#include "commands/or_die.h"

#include "model/evaluation.h"
#include "model/model_file.h"
#include "report/report.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const endings[] = {[RUN_CONFIGURATION] = ".txt", [RUN_REPORT] = ".html"};

bool run_folder_lacks(const struct train_options *o, enum run_folder_file file)
{
    char *path = with_suffix(o->output, endings[file]);
    const bool lacks = access(path, F_OK) != 0;
    free(path);
    return lacks;
}

void run_folder_configuration(const struct train_options *o, const char *command, const char *identity)
{
    char *path = with_suffix(o->output, endings[RUN_CONFIGURATION]), *text = NULL;
    size_t size;
    FILE *out = text_open(&text, &size);
    fprintf(out, "command=%s\n%s", command, identity);
    text_close(out);
    save_file(path, text, size, "the run's configuration");
    free(text);
    free(path);
}

/* The validation images as a data set of their own, which borrows all but the members that run_folder_report frees. */
static struct dataset validation_images(const struct dataset *dataset, const struct split *split)
{
    struct dataset part = *dataset;
    const size_t count = (size_t)split->validation_count;
    part.count = split->validation_count;
    part.files = NULL; /* as contents and validates, of images in another order */
    part.contents = NULL;
    part.checksums = NULL;
    part.validates = NULL;
    part.rows = allocate(count, sizeof *part.rows);
    part.labels = allocate(count, sizeof *part.labels);
    for (size_t i = 0; i < count; i++) {
        const int index = split->validation[i];
        part.rows[i] = dataset_row(dataset, index);
        part.labels[i] = dataset->labels[index];
    }
    const size_t length = strlen(dataset->name) + sizeof " (validation)";
    part.name = allocate(length, 1);
    snprintf(part.name, length, "%s (validation)", dataset->name);
    return part;
}

void run_folder_report(const struct train_options *o, const char *command, const struct dataset *dataset,
                       const struct split *split)
{
    if (!split->validation_count)
        return;
    struct dataset images = validation_images(dataset, split);
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = load_or_die(model, &size, o->output);
    char *notes = model_file_notes(model), *path = with_suffix(o->output, endings[RUN_REPORT]);
    struct evaluation evaluation =
        evaluate_or_die(&(struct evaluation_input){bytes, size, &images, NULL, images.count, 0});
    const struct report report = {.path = o->output,
                                  .command = command,
                                  .model = model,
                                  .notes = notes,
                                  .bytes = bytes,
                                  .size = size,
                                  .dataset = &images,
                                  .evaluation = &evaluation,
                                  .views = evaluation_views[0]};
    report_write(path, &report);
    evaluation_free(&evaluation);
    free(path);
    free(notes);
    free(bytes);
    free(model);
    free(images.name);
    free(images.labels);
    free(images.rows);
}
