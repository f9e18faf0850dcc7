#include "commands/commands.h"
#include "commands/or_die.h"

#include "commands/shared_options.h"
#include "exchange/onnx.h"
#include "exchange/safetensors.h"
#include "report/standalone.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <sys/stat.h>

static const char usage[] =
    "eyelet export MODEL --FORMAT -o FILE: export to other formats\n"
    "\n"
    "  eyelet export mine.eyelet --html -o mine.html                  a standalone page, to open from disk or to send\n"
    "  eyelet export mine.eyelet --onnx -o mine.onnx                  for ONNX Runtime and whatever else reads ONNX\n"
    "  eyelet export mine.eyelet --safetensors -o mine.safetensors    weights with PyTorch's names and layout\n"
    "\n"
    "html: one file with page, WebAssembly, model and labels; works offline, its policy forbids all connections.\n"
    "onnx: input red, green, blue from 0 to 1, float32 (batch, 3, height, width); outputs logits and probabilities.\n"
    "safetensors: `safetensors.torch.load_file(\"mine.safetensors\")` reads it, and so does plain Python:\n"
    "\n"
    "    import array, json, struct\n"
    "    with open(\"mine.safetensors\", \"rb\") as file:\n"
    "        header = json.loads(file.read(struct.unpack(\"<Q\", file.read(8))[0]))\n"
    "        data = file.read()\n"
    "    about = header.pop(\"__metadata__\")\n"
    "    labels, layers = json.loads(about[\"labels\"]), json.loads(about[\"network\"])\n"
    "    weights = {}\n"
    "    for name, tensor in header.items():\n"
    "        start, end = tensor[\"data_offsets\"]\n"
    "        weights[name] = tensor[\"shape\"], array.array(\"f\", data[start:end])\n"
    "\n"
    "The metadata of both have the labels and the preprocessing.";

/* The model to export. */
struct source {
    const struct model *model;
    const uint8_t *bytes; /* (size), the model's file */
    size_t size;
    const char *path, *wasm; /* of the model; the option */
    struct failure *failure;
};

static uint8_t *to_html(size_t *size, const struct source *source)
{
    return standalone_bytes(size, source->bytes, source->size, source->wasm, source->failure);
}

static uint8_t *to_onnx(size_t *size, const struct source *source) { return onnx_bytes(size, source->model); }

static uint8_t *to_safetensors(size_t *size, const struct source *source)
{
    return safetensors_bytes(size, source->model, source->path, source->failure);
}

static const struct format {
    const char *name, *about;
    uint8_t *(*bytes)(size_t *size, const struct source *source); /* the caller frees them; NULL: failed */
} formats[] = {
    {"html", "a page for any browser of the last years, without a network", to_html},
    {"onnx", "ONNX with opset 13: image to logits and probabilities", to_onnx},
    {"safetensors", "safetensors, float32, in PyTorch's layout", to_safetensors},
};
enum { FORMATS = sizeof formats / sizeof *formats };
_Static_assert(ONNX_OPSET == 13, "as in the table");

static bool same_file(const char *a, const char *b)
{
    struct stat about_a, about_b;
    return stat(a, &about_a) == 0 && stat(b, &about_b) == 0 && about_a.st_dev == about_b.st_dev &&
           about_a.st_ino == about_b.st_ino;
}

static void print_table(const struct format *format, const struct net *net, size_t size)
{
    printf("format     %s\n", format->about);
    printf("input      %d x %d pixels, %s\n", net->input.w, net->input.h,
           net->input.c == 1 ? "luminance" : "red, green, blue");
    printf("classes    %d\nsize       %s bytes\n", net_classes(net), format_thousands(size));
}

static void print_json(const struct format *format, const struct net *net, size_t size)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_text(&json, "format", format->name);
    json_ints(&json, "input", (int[]){net->input.c, net->input.h, net->input.w}, 3);
    json_int(&json, "classes", net_classes(net));
    json_int(&json, "bytes", (int64_t)size);
    json_close(&json);
    json_end(&json);
}

int command_export(int argc, char **argv)
{
    const char *output = NULL, *wasm = NULL;
    bool wanted[FORMATS] = {false}, json = false;
    const struct option_entry options[] = {
        {"html", NULL, OPTION_FLAG, &wanted[0], "a standalone page", NULL},
        {"onnx", NULL, OPTION_FLAG, &wanted[1], "ONNX, opset 13", NULL},
        {"safetensors", NULL, OPTION_FLAG, &wanted[2], "safetensors, float32", NULL},
        OUTPUT_OPTION(&output),
        {"wasm", "FILE", OPTION_TEXT, &wasm,
         "with --html: the WebAssembly module (default: web/classifier.wasm, where this program was built)", NULL},
        JSON_OPTION(&json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    const struct format *format = NULL;
    int asked = 0;
    for (int i = 0; i < FORMATS; i++)
        if (wanted[i]) {
            format = &formats[i];
            asked++;
        }
    if (argc - first != 1)
        usage_error("export", "export takes one model, got %d", argc - first);
    if (asked != 1)
        usage_error("export", "export needs one format: --html, --onnx or --safetensors");
    if (wasm && !wanted[0])
        usage_error("export", "--wasm is for --html");
    if (!output || !*output)
        usage_error("export", "export needs -o FILE, the output file");

    struct model *model = allocate(1, sizeof *model);
    size_t model_bytes, size;
    uint8_t *bytes = load_or_die(model, &model_bytes, argv[first]);
    if (model->type == WEIGHTS_QUANTIZED && !wanted[0])
        die(argv[first], "Export the model that it was made from.", "a quantized model cannot be exported");
    if (same_file(argv[first], output))
        die(output, "Name another file with -o.", "this is the model itself");
    struct failure failure;
    uint8_t *result = format->bytes(&size, &(struct source){model, bytes, model_bytes, argv[first], wasm, &failure});
    if (!result)
        die_of(&failure);
    save_file(output, result, size, "the export");
    (json ? print_json : print_table)(format, &model->net, size);
    free(result);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
