#include "commands/commands.h"

#include "commands/known_fetch.h"
#include "commands/shared_options.h"
#include "exchange/import_model.h"
#include "exchange/import_preprocess.h"
#include "model/model_file.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "eyelet import FILE|FOLDER|NAME -o MODEL: make a model of another program's\n"
    "\n"
    "  eyelet import mobilenet_v2.onnx -o mobilenet.eyelet --labels imagenet_labels.txt\n"
    "  eyelet import my_model/ -o mine.eyelet                         an export of Teachable Machine, or its .zip\n"
    "  eyelet import mine.keras -o mine.eyelet                        of Keras: .keras, or a whole model as .h5\n"
    "\n"
    "It says what it found: format, network, classes, preprocessing, and where it has each from, classifies a grey\n"
    "picture with the result and writes a model like any other. What it cannot import it names: operator, node and what it\n"
    "would take; then nothing is written.\n"
    "\n"
    "A published network by its name is fetched from its makers (curl), checked, and kept in ~/.cache/eyelet; without -o\n"
    "the model is written there too, where `eyelet train` looks for a network to start from:\n"
    "\n"
    "  squeezenet_1_1, shufflenet_v2, mobilenet_v2, resnet18, resnet50: 5, 9, 14, 47 and 103 MB\n"
    "\n"
    "A PyTorch network as safetensors needs --network, its layers as for `eyelet train`: a layer takes the weights that it\n"
    "is called after (layer1.0.conv1: conv2d 64 3x3 same nobias), one without a name the next that fit.\n"
    "\n"
    "--labels takes a file with a label on each line, a list or object of them in JSON, or `imagenet`. Where there is one\n"
    "label fewer than classes, class 0 is the background, as in TensorFlow's networks. Without it labels come from the\n"
    "file, or from a file beside it in the model's folder: labels, class_names or classes, .txt or .json, or\n"
    "class_indices.json.\n"
    "\n"
    "--preprocess says how pictures come in, where the file does not, or says it wrongly:\n"
    "\n"
    "  imagenet    torchvision's: 0 to 1, mean 0.485 0.456 0.406, std 0.229 0.224 0.225; the shorter side to\n"
    "              256 for a network of 224, then the centre\n"
    "  tf          -1 to 1 of the largest centred square, as TensorFlow's MobileNets; also called inception\n"
    "  unit        0 to 1 of the largest centred square\n"
    "  bytes       0 to 255 of it\n"
    "  caffe       0 to 255, blue first, minus the means 123.68 116.779 103.939; shorter side as imagenet's\n"
    "\n"
    "Behind a name, settings may follow, as in imagenet,mean=0.5/0.4/0.3,std=0.25 or unit,order=bgr,filter=bicubic.\n"
    "resize= takes stretch, crop, pad or the pixels of the shorter side; filter= bilinear, bicubic or aliased.";

/* "key            text", escaped; nothing where there is no text. */
static void print_line(const char *key, const char *text)
{
    if (!*text)
        return;
    printf("  %-15s", key);
    print_escaped(stdout, text);
    printf("\n");
}

/* The first labels, as many as fit on a line. */
static char *some_labels(const struct model *model)
{
    enum { WIDTH = 60 };
    char *text = text_copy("");
    const int classes = net_classes(&model->net);
    for (int i = 0; i < classes && strlen(text) < WIDTH; i++) {
        char *label = model_file_label(model, i), *longer = text_format("%s%s%s", text, i ? ", " : "", label);
        free(label);
        free(text);
        text = longer;
        if (strlen(text) >= WIDTH && i + 1 < classes) {
            longer = text_format("%s, ...", text);
            free(text);
            text = longer;
        }
    }
    return text;
}

static void print_table(const struct import_report *report, const struct model *model, const char *path)
{
    char *labels = some_labels(model);
    char *network = text_format("%s%s%s layers, %s parameters, %s multiply-adds", report->name,
                                *report->name ? ": " : "", format_thousands((uint64_t)report->layers),
                                format_thousands(report->parameters), format_thousands(report->multiply_adds));
    char *format = text_format("%s%s%s", report->format, *report->exporter ? ", by " : "", report->exporter);
    char *input = text_format("%dx%dx%d", report->input.h, report->input.w, report->input.c);
    char *classes = report->features_only
                        ? text_copy("none, only features: for `eyelet train --from` and `eyelet embed`")
                        : text_format("%s: %s", format_thousands((uint64_t)report->classes), labels);
    char *preprocess = text_format("%s", report->preprocess);
    char *embedding = text_format("%s values", format_thousands((uint64_t)report->embedding));
    print_escaped(stdout, path);
    printf("\n");
    print_line("format", format);
    print_line("network", network);
    print_line("licence", report->licence);
    print_line("input", input);
    print_line("classes", classes);
    if (!report->features_only)
        print_line("", report->labels_from);
    print_line("preprocessing", preprocess);
    print_line("", report->preprocess_from);
    print_line("embedding", report->embedding ? embedding : "none: no vector comes before the scores");
    char *const texts[] = {labels, network, format, input, classes, preprocess, embedding};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
}

static void print_json(const struct import_report *report, const char *path, const char *output, size_t size)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_text(&json, "file", path);
    json_text(&json, "format", report->format);
    json_text(&json, "exporter", report->exporter);
    json_text(&json, "name", report->name);
    json_text(&json, "licence", report->licence);
    json_text(&json, "sha256", report->sha256);
    json_ints(&json, "input", (int[]){report->input.h, report->input.w, report->input.c}, 3);
    json_int(&json, "layers", report->layers);
    json_int(&json, "parameters", (int64_t)report->parameters);
    json_int(&json, "multiply_adds", (int64_t)report->multiply_adds);
    json_int(&json, "classes", report->features_only ? 0 : report->classes);
    json_text(&json, "labels_from", report->features_only ? "" : report->labels_from);
    json_text(&json, "preprocessing", report->preprocess);
    json_text(&json, "preprocessing_from", report->preprocess_from);
    json_int(&json, "embedding", report->embedding);
    json_text(&json, "output", output);
    json_int(&json, "bytes", (int64_t)size);
    json_close(&json);
    json_end(&json);
}

static _Noreturn void die_of_unknown(const char *operand)
{
    char *names = text_copy("");
    for (const struct known_model *known = known_models; known->name; known++) {
        char *longer = text_format("%s%s%s", names, *names ? ", " : "", known->name);
        free(names);
        names = longer;
    }
    char *hint = text_format("Names that are known: %s.", names);
    die(operand, hint, "no such file or folder, nor a published network of this name");
}

/* What is to be imported: a file or folder, or else a published network of this name, which is fetched. The caller frees
 * both paths. */
static void find(struct import_options *import, char **path, char **output, const char *operand)
{
    struct stat about;
    const bool there = lstat(operand, &about) == 0;
    import->known = there ? NULL : known_model_named(operand);
    if (!there && !import->known && !strpbrk(operand, "/."))
        die_of_unknown(operand);
    *path = import->known ? known_fetch(import->known) : text_copy(operand);
    import->path = *path;
    if (!*output && import->known) {
        char *name = text_format("%s.eyelet", import->known->name);
        *output = cache_path(name);
        free(name);
    }
}

int command_import(int argc, char **argv)
{
    const char *given = NULL;
    struct import_options import = {.epsilon = 1e-5f};
    bool json = false;
    const struct option_entry options[] = {
        OUTPUT_OPTION(&given),
        {"labels", "FILE", OPTION_TEXT, &import.labels, "the names of the classes, one a line; imagenet: its 1,000",
         NULL},
        {"preprocess", "NAME", OPTION_TEXT, &import.preprocess, "how pictures come in: a name from above", NULL},
        {"network", "FILE", OPTION_TEXT, &import.network, "of safetensors: the network, as for `eyelet train`", NULL},
        {"epsilon", "X", OPTION_NUMBER, &import.epsilon, "of safetensors: what batchnorms add to a variance", NULL},
        JSON_OPTION(&json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("import", "import takes one file or folder, got %d", argc - first);
    char *path, *output = given && *given ? text_copy(given) : NULL;
    find(&import, &path, &output, argv[first]);
    if (!output)
        usage_error("import", "import needs -o FILE, the output file");

    struct import_report *report = allocate(1, sizeof *report);
    struct model *model = allocate(1, sizeof *model);
    struct failure failure;
    size_t size;
    uint8_t *bytes = import_model(&size, report, &import, &failure);
    if (!bytes)
        die_of(&failure);
    save_file(output, bytes, size, "the model");
    if (json) {
        print_json(report, import.path, output, size);
    } else {
        model_read(model, bytes, size);
        print_table(report, model, import.path);
        printf("  %-15s%s bytes to ", "written", format_thousands(size));
        print_escaped(stdout, output);
        printf("\n");
    }
    free(bytes);
    free(model);
    free(report);
    free(path);
    free(output);
    return EXIT_SUCCESS;
}
