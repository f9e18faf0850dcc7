#include "commands/commands.h"

#include "commands/comparison.h"
#include "commands/model_dataset.h"
#include "commands/or_die.h"
#include "commands/shared_options.h"
#include "model/model_file.h"
#include "model/quantizer.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>

static const char usage[] =
    "eyelet quantize MODEL -o SMALL: post-training int8 quantization: a quarter of the size, faster\n"
    "\n"
    "  eyelet quantize mine.eyelet -o small.eyelet\n"
    "  eyelet quantize mine.eyelet -o small.eyelet --drop 1      accept one percentage point of accuracy less\n"
    "\n"
    "int8 weights with a scale for each channel, rounded by how their inputs vary over training images, 12-bit\n"
    "activations with ranges from the same images, integer arithmetic throughout. Reports the accuracy on the test\n"
    "set, and writes nothing if it drops by more than --drop. The data may have some of the model's classes only.";

/* The notes of the model before, but for accuracies, which it no longer has. */
static char *notes_of(const struct model *model, int images, int seed)
{
    char *kept = comparison_notes(model), value[64];
    snprintf(value, sizeof value, "%s training images, seed %d", format_thousands((uint64_t)images), seed);
    char *notes = model_file_set_note(kept, "quantized", value);
    free(kept);
    return notes;
}

static void print_json(const struct comparison *comparison, const struct dataset *dataset)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    comparison_json(&json, comparison, dataset);
    json_close(&json);
    json_end(&json);
}

struct quantize_options {
    const char *output;
    struct data_options data;
    float drop;
    int images, seed, limit;
    bool json;
};

/* Parses the options; the result is the path of the model. */
static const char *parse(struct quantize_options *o, int argc, char **argv)
{
    const struct option_entry options[] = {
        OUTPUT_OPTION(&o->output),
        {"drop", "POINTS", OPTION_NUMBER, &o->drop, "max accuracy drop, in percentage points", NULL},
        {"images", "N", OPTION_COUNT, &o->images, "number of training images to look at", NULL},
        {"seed", "N", OPTION_COUNT, &o->seed, "random seed of that choice", NULL},
        {"limit", "N", OPTION_COUNT, &o->limit, "measure on the first N test images only (0: all)", NULL},
        MODEL_DATA_OPTION(&o->data.path),
        TEST_SET_OPTIONS(&o->data),
        JSON_OPTION(&o->json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("quantize", "quantize takes one model, got %d", argc - first);
    if (!o->output || !*o->output)
        usage_error("quantize", "quantize needs -o FILE, the output file");
    if (!o->images)
        usage_error("quantize", "--images takes 1 or more");
    if (!(o->data.test > 0 && o->data.test < 1))
        usage_error("quantize", "--test takes a fraction between 0 and 1, like 0.1");
    return argv[first];
}

/* The bytes of the quantized model, which the caller frees. */
static uint8_t *quantize(size_t *size, const struct model *model, const struct quantize_options *o)
{
    struct dataset seen = model_dataset_open(model, &o->data, DATASET_TRAIN);
    dataset_draw(&seen, o->images, (uint64_t)o->seed);
    model_dataset_fit(&seen, model);
    char *notes = notes_of(model, seen.count, o->seed);
    struct failure failure;
    uint8_t *result = quantized_bytes(size, model, notes, &seen, &failure);
    if (!result)
        die_of(&failure);
    free(notes);
    dataset_free(&seen);
    return result;
}

int command_quantize(int argc, char **argv)
{
    struct quantize_options o = {.data = usual_data, .drop = 0.5f, .images = 512, .seed = 1};
    const char *path = parse(&o, argc, argv);
    struct model *model = allocate(1, sizeof *model);
    struct comparison comparison;
    uint8_t *bytes = load_or_die(model, &comparison.bytes_before, path);
    if (model->type == WEIGHTS_QUANTIZED)
        die(path, "Quantize the model that it was made from.", "the model is quantized already");
    uint8_t *result = quantize(&comparison.bytes_after, model, &o);

    o.data.limit = o.limit;
    struct dataset test = model_dataset_open(model, &o.data, DATASET_TEST);
    model_dataset_fit(&test, model);
    comparison.before =
        evaluate_or_die(&(struct evaluation_input){bytes, comparison.bytes_before, &test, NULL, test.count, 0});
    comparison.after =
        evaluate_or_die(&(struct evaluation_input){result, comparison.bytes_after, &test, NULL, test.count, 0});
    (o.json ? print_json : comparison_print)(&comparison, &test);
    const double lost = comparison_loss(&comparison);
    fflush(stdout);
    if (lost > (double)o.drop)
        die(path, "Nothing was written. Allow a larger --drop, or use more --images.",
            "quantization costs %.2f percentage points of accuracy, more than %g", lost, (double)o.drop);
    save_file(o.output, result, comparison.bytes_after, "the model");
    comparison_free(&comparison);
    dataset_free(&test);
    free(result);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
