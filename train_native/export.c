#include "commands.h"

#include "model_file.h"
#include "onnx.h"
#include "options.h"
#include "support.h"

#include <stdlib.h>
#include <sys/stat.h>

static const char usage[] =
    "eyelet export MODEL --onnx -o FILE: the same model for other programs\n\n"
    "  eyelet export mine.eyelet --onnx -o mine.onnx     for ONNX Runtime, and whatever else reads ONNX\n\n"
    "The file takes red, green, blue from 0 to 1 as float32 (batch, 3, height, width) and gives logits and probabilities.\n"
    "Labels and how to fit a picture to the input stand in its metadata.";

static bool same_file(const char *a, const char *b)
{
    struct stat about_a, about_b;
    return stat(a, &about_a) == 0 && stat(b, &about_b) == 0 && about_a.st_dev == about_b.st_dev &&
           about_a.st_ino == about_b.st_ino;
}

static void print_table(const struct net *net, size_t size)
{
    printf("input      image: float32 (batch, %d, %d, %d), %s from 0 to 1\n", net->input.c, net->input.h, net->input.w,
           net->input.c == 1 ? "luminance" : "red, green, blue");
    printf("outputs    logits, probabilities: float32 (batch, %d)\n", net_classes(net));
    printf("size       %s bytes, ONNX with opset %d\n", grouped(size), ONNX_OPSET);
}

static void print_json(const struct net *net, size_t size)
{
    printf("{\"format\": \"onnx\", \"opset\": %d, \"input\": [%d, %d, %d], \"classes\": %d, \"bytes\": %zu}\n", ONNX_OPSET,
           net->input.c, net->input.h, net->input.w, net_classes(net), size);
}

int command_export(int argc, char **argv)
{
    const char *output = NULL;
    bool onnx = false, json = false;
    const struct option_entry options[] = {
        {"onnx", NULL, OPTION_FLAG, &onnx, "write ONNX, the only format so far", NULL},
        {"output", "FILE", OPTION_TEXT, &output, "(or -o) where the result goes", NULL},
        {"json", NULL, OPTION_FLAG, &json, "print JSON", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("export", "export takes one model, got %d", argc - first);
    if (!onnx)
        usage_error("export", "export needs a format: --onnx");
    if (!output || !*output)
        usage_error("export", "export needs -o FILE, where the result goes");

    struct model model;
    size_t model_bytes, size;
    uint8_t *bytes = model_file_load(&model, &model_bytes, argv[first]);
    if (model.type == WEIGHTS_WHOLE)
        fail(argv[first], "Export the model that it was made from.", "a quantized model cannot be exported");
    if (same_file(argv[first], output))
        fail(output, "Name another file with -o.", "this is the model itself");
    uint8_t *result = onnx_bytes(&size, &model);
    const char *reason;
    if (!write_file(output, result, size, &reason))
        fail(output, "What stood there before is unchanged.", "the model cannot be written: %s", reason);
    (json ? print_json : print_table)(&model.net, size);
    free(result);
    free(bytes);
    return EXIT_SUCCESS;
}
