#include "commands/commands.h"

#include "commands/model_dataset.h"
#include "commands/or_die.h"
#include "commands/shared_options.h"
#include "cli/json.h"
#include "model/evaluation.h"
#include "model/model_file.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/dataset_open.h"

#include <math.h>
#include <stdlib.h>

static const char usage[] =
    "eyelet convert MODEL -o SMALL: convert the weights to another type\n"
    "\n"
    "  eyelet convert large.eyelet -o small.eyelet --weights f16     half the file size, float32 in memory\n"
    "  eyelet convert large.eyelet -o small.eyelet --weights int8    a quarter: int8 with a scale for each channel\n"
    "\n"
    "Reports the accuracy before and after, if the data is there.";

static const char *const types[] = {"f32", "f16", "int8", NULL};

/* Max error of a weight, relative to the largest weight of its node. */
static float max_error(const struct model *before, const struct model *after)
{
    float max = 0;
    for (int node = 0; node < before->net.node_count; node++) {
        const size_t count = before->net.offset[node + 1] - before->net.offset[node];
        float *a = allocate(count, sizeof(float)), *b = allocate(count, sizeof(float)), largest = 0, error = 0;
        model_parameters(a, before, node);
        model_parameters(b, after, node);
        for (size_t i = 0; i < count; i++) {
            largest = fmaxf(largest, fabsf(a[i]));
            error = fmaxf(error, fabsf(a[i] - b[i]));
        }
        max = largest > 0 ? fmaxf(max, error / largest) : max;
        free(a);
        free(b);
    }
    return max;
}

/* What storing the weights in fewer bits did to the answers, on the test images. */
struct cost {
    double before, after, agreement; /* accuracies, and the fraction of equal answers */
    int images;                      /* 0: no data was at hand */
};

/* The same model with its weights in two types: files of so many bytes. */
struct conversion {
    const uint8_t *before, *after;
    size_t before_size, after_size;
};

static struct cost compare(const struct conversion *files, const struct model *model, const struct data_options *data)
{
    struct dataset dataset;
    struct failure failure;
    if (!model_dataset_try(&dataset, model, data, DATASET_TEST, &failure)) {
        if (data->path)
            warn(data->path, NULL, "the accuracy is not measured on it: %s", failure.reason);
        return (struct cost){.images = 0};
    }
    model_dataset_fit(&dataset, model);
    struct evaluation_input input = {files->before, files->before_size, &dataset, NULL, dataset.count, 0};
    struct evaluation a = evaluate_or_die(&input);
    input.model = files->after;
    input.size = files->after_size;
    struct evaluation b = evaluate_or_die(&input);
    const struct cost cost = {evaluation_accuracy(&a), evaluation_accuracy(&b), evaluation_agreement(&a, &b),
                              dataset.count};
    evaluation_free(&a);
    evaluation_free(&b);
    dataset_free(&dataset);
    return cost;
}

static void print_table(size_t before, size_t after, float error, const struct cost *cost)
{
    printf("size       %s bytes before, %s after\nweights    max error %.2g of the largest weight of the layer\n",
           format_thousands(before), format_thousands(after), (double)error);
    if (cost->images)
        printf("accuracy   %.2f %% before, %.2f %% after; the two agree on %.2f %% of %s images\n", 100 * cost->before,
               100 * cost->after, 100 * cost->agreement, format_thousands((uint64_t)cost->images));
    else
        printf("accuracy   not measured: no data for it found (--data)\n");
}

static void print_json(size_t before, size_t after, float error, const struct cost *cost)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_int(&json, "bytes_before", (int64_t)before);
    json_int(&json, "bytes_after", (int64_t)after);
    json_number(&json, "max_error", "%.9g", (double)error);
    if (cost->images) {
        json_int(&json, "images", cost->images);
        json_number(&json, "accuracy_before", "%.6f", cost->before);
        json_number(&json, "accuracy_after", "%.6f", cost->after);
        json_number(&json, "agreement", "%.6f", cost->agreement);
    }
    json_close(&json);
    json_end(&json);
}

int command_convert(int argc, char **argv)
{
    const char *output = NULL;
    struct data_options data = usual_data;
    int type = WEIGHTS_FLOAT16;
    bool json = false;
    const struct option_entry options[] = {
        OUTPUT_OPTION(&output),
        {"weights", "TYPE", OPTION_CHOICE, &type, "type of the weights, one of", types},
        MODEL_DATA_OPTION(&data.path),
        COLUMNS_OPTION(&data.columns),
        MEMORY_OPTION(&data.memory),
        FOLDER_OPTIONS(&data),
        JSON_OPTION(&json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("convert", "convert takes one model, got %d", argc - first);
    if (!output || !*output)
        usage_error("convert", "convert needs -o FILE, the output file");

    struct model before, exact, after;
    size_t before_size, exact_size, after_size;
    uint8_t *bytes = load_or_die(&before, &before_size, argv[first]);
    char *notes = model_file_notes(&before);
    /* Layers may be folded on the way, so the weights are compared with those of the same network. */
    uint8_t *unrounded = write_again_or_die(&exact_size, &before, notes, WEIGHTS_FLOAT32);
    uint8_t *result = write_again_or_die(&after_size, &before, notes, (enum weights)type);
    save_file(output, result, after_size, "the model");
    model_read(&exact, unrounded, exact_size);
    model_read(&after, result, after_size);
    struct cost cost = {0};
    if (dataset_is_there(data.path))
        cost = compare(&(struct conversion){bytes, result, before_size, after_size}, &before, &data);
    (json ? print_json : print_table)(before_size, after_size, max_error(&exact, &after), &cost);
    free(result);
    free(unrounded);
    free(notes);
    free(bytes);
    return EXIT_SUCCESS;
}
