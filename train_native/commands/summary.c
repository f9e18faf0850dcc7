#include "commands/commands.h"
#include "commands/or_die.h"

#include "commands/shared_options.h"
#include "base/bytes.h"
#include "model/model_file.h"
#include "model/recipes.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "training/trainer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] = "eyelet summary MODEL|NETWORK: layers with shapes, parameters and multiply-adds\n"
                            "\n"
                            "  eyelet summary web/models/tutorial.eyelet\n"
                            "  eyelet summary tutorial --size 64";

static uint64_t run_bytes(const struct net *net, bool quantized)
{
    struct arena arena = {0};
    if (quantized) {
        struct net_int8 run;
        net_int8_plan(&run, net, &arena);
        return arena.used;
    }
    struct net_packed packed;
    struct net_run run;
    net_packed_plan(&packed, net, NET_INFER, &arena);
    net_run_plan(&run, net, &packed, 1, NET_INFER, &arena);
    return arena.used;
}

/* The micro-batch of the recipe of this name, or the usual one. */
static int micro_batch_of(const char *name)
{
    const struct recipe *recipe = recipe_named(name);
    return recipe ? recipe->shard : TRAINER_USUAL_SHARD;
}

/* Memory of a trainer with two threads, without images. */
static uint64_t training_bytes(const struct net *net, const char *name)
{
    const struct recipe *recipe = recipe_named(name);
    const struct trainer_options options = {.net = net,
                                            .parallel = parallel_threads(2),
                                            .gemm = gemm_fast,
                                            .shard = micro_batch_of(name),
                                            .optimizer = recipe ? recipe->settings.optimizer.kind : OPTIMIZER_ADAM};
    return trainer_bytes(&options);
}

static void print_table(const struct net *net, const char *name, bool quantized)
{
    uint64_t multiply_adds = 0;
    print_escaped(stdout, name);
    printf("\n\n  %-3s %-15s %-22s %-16s %12s %14s\n", "", "layer", "", "output", "parameters", "multiply-adds");
    printf("  %-3d %-15s %-22s %dx%dx%d\n", 0, "input", "", net->input.h, net->input.w, net->input.c);
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        char details[64], shape[32];
        network_details(details, sizeof details, node);
        if (kind_traits[node->kind].inputs > 1)
            snprintf(details, sizeof details, "%d and %d", node->input[0], node->input[1]);
        else if (node->input[0] != i)
            snprintf(details + strlen(details), sizeof details - strlen(details), "%sfrom %d", *details ? ", " : "",
                     node->input[0]);
        const struct shape out = net->shapes[i + 1];
        snprintf(shape, sizeof shape, "%dx%dx%d", out.h, out.w, out.c);
        printf("  %-3d %-15s %-22s %-16s %12s %14s\n", i + 1, kind_names[node->kind], details, shape,
               format_thousands(net->offset[i + 1] - net->offset[i]), format_thousands(net_multiply_adds(net, i)));
        multiply_adds += net_multiply_adds(net, i);
    }
    printf("\n  parameters      %s (%s bytes)\n", format_thousands(net_parameter_count(net)),
           format_thousands(4 * net_parameter_count(net)));
    printf("  multiply-adds   %s for one image\n", format_thousands(multiply_adds));
    printf("  memory          %s bytes to classify, %s to train with two threads, a micro-batch of %d\n",
           format_thousands(run_bytes(net, quantized)), format_thousands(training_bytes(net, name)),
           micro_batch_of(name));
}

/* CRC-32 of the weights as the float32 values that they are when the model is opened. */
static uint32_t weights_checksum(const struct model *model)
{
    const size_t count = net_parameter_count(&model->net);
    float *parameters = allocate(count, sizeof(float));
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(parameters + model->net.offset[i], model, i);
    const uint32_t sum = bytes_crc32((const uint8_t *)parameters, count * sizeof(float));
    free(parameters);
    return sum;
}

static void print_json_layer(struct json *json, const struct net *net, int i)
{
    const struct node *node = &net->nodes[i];
    const struct shape out = net->shapes[i + 1];
    json_object(json, NULL);
    json_text(json, "kind", kind_names[node->kind]);
    json_ints(json, "inputs", node->input, kind_traits[node->kind].inputs);
    json_ints(json, "output", (int[]){out.h, out.w, out.c}, 3);
    json_int(json, "parameters", (int64_t)(net->offset[i + 1] - net->offset[i]));
    json_int(json, "multiply_adds", (int64_t)net_multiply_adds(net, i));
    json_close(json);
}

static void print_json(const struct net *net, const char *name, const struct model *model)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_text(&json, "name", name);
    json_ints(&json, "input", (int[]){net->input.h, net->input.w, net->input.c}, 3);
    json_array(&json, "layers");
    uint64_t multiply_adds = 0;
    for (int i = 0; i < net->node_count; i++) {
        print_json_layer(&json, net, i);
        multiply_adds += net_multiply_adds(net, i);
    }
    json_close(&json);
    if (model) {
        char *notes = model_file_notes(model), checksum[9];
        snprintf(checksum, sizeof checksum, "%08x", weights_checksum(model));
        json_text(&json, "weights_checksum", checksum);
        json_text(&json, "notes", notes);
        free(notes);
    }
    json_int(&json, "parameters", (int64_t)net_parameter_count(net));
    json_int(&json, "multiply_adds", (int64_t)multiply_adds);
    json_int(&json, "inference_bytes", (int64_t)run_bytes(net, model && model->type == WEIGHTS_QUANTIZED));
    json_int(&json, "training_bytes", (int64_t)training_bytes(net, name));
    json_close(&json);
    json_end(&json);
}

/* Whether the name is a model's: a file that starts like one. A network is a preset or a text. */
static bool is_model(const char *path)
{
    size_t size;
    const char *reason;
    uint8_t *bytes = read_file(&size, &reason, path, LIMIT_MODEL_BYTES);
    const bool model = bytes && size && bytes[0] == 0x89;
    free(bytes);
    struct stat about;
    if (!bytes && stat(path, &about) == 0 && S_ISREG(about.st_mode))
        die(path, NULL, "%s", reason);
    return model;
}

static void print_notes(char *notes)
{
    for (char *line; (line = strsep(&notes, "\n"));) {
        print_escaped(stdout, line);
        if (notes)
            printf("\n");
    }
}

int command_summary(int argc, char **argv)
{
    int size = 0, classes = 10;
    bool json = false;
    const struct option_entry options[] = {
        {"size", "N", OPTION_COUNT, &size, "of a network: input height and width (0: the text's)", NULL},
        {"classes", "N", OPTION_COUNT, &classes, "of a network: number of classes", NULL},
        JSON_OPTION(&json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("summary", "summary takes one model or network, got %d", argc - first);
    if (classes < 1 || classes > LIMIT_CHANNELS || size > LIMIT_SIDE)
        usage_error("summary", "--classes takes 1 to %d, --size up to %d", LIMIT_CHANNELS, LIMIT_SIDE);

    struct model *model = allocate(1, sizeof *model);
    uint8_t *bytes = NULL;
    size_t length;
    if (is_model(argv[first]))
        bytes = load_or_die(model, &length, argv[first]);
    else
        read_network_or_die(&model->net, argv[first], size, classes);
    if (json)
        print_json(&model->net, argv[first], bytes ? model : NULL);
    else
        print_table(&model->net, argv[first], bytes && model->type == WEIGHTS_QUANTIZED);
    if (bytes && !json) {
        static const char *const types[] = {"float32", "float16", "int8", "int8, quantized"};
        char *notes = model_file_notes(model);
        printf("  weights         %s, checksum %08x\n\n", types[model->type], weights_checksum(model));
        print_notes(notes);
        free(notes);
    }
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
