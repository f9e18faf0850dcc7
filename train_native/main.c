/* The eyelet program: finds the subcommand. */
#include "commands/commands.h"
#include "cli/nearest.h"
#include "cli/options.h"
#include "cli/processor.h"
#include "cli/errors.h"
#include "base/vec/vec.h"
#include "data/second_decoder.h"
#include "exchange/importer.h"
#include "ranks/ranks.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *purpose;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"train", "train an image classifier", command_train},
    {"pretrain", "train a network on images without labels, for train to start from", command_pretrain},
    {"evaluate", "measure a model on the test set", command_evaluate},
    {"compare", "say which of two models is better, and where they differ", command_compare},
    {"calibrate", "fit temperature, rejection threshold and outlier limit", command_calibrate},
    {"doctor", "check a data set for problems", command_doctor},
    {"classify", "classify images", command_classify},
    {"explain", "show where in a picture a model sees what speaks for a class", command_explain},
    {"embed", "write what a model makes of images before its last layer", command_embed},
    {"index", "make or update an index over images", command_index},
    {"search", "find images in an index that look alike", command_search},
    {"suggest", "say which unlabelled images to label next", command_suggest},
    {"convert", "convert the weights to float16 or int8", command_convert},
    {"prune", "remove channels: fewer multiply-adds", command_prune},
    {"quantize", "post-training int8 quantization", command_quantize},
    {"export", "export to ONNX, safetensors or a standalone page", command_export},
    {"import", "make a model of an ONNX, TFLite, Keras, TF.js or Teachable Machine file", command_import},
    {"average", "make one model of several that were trained apart: federated averaging", command_average},
    {"summary", "show the layers of a model or network", command_summary},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Whether ranks have something to do for it. */
static bool divides(const char *command)
{
    return strcmp(command, "train") == 0 || strcmp(command, "pretrain") == 0 || strcmp(command, "classify") == 0;
}

/* The program is compiled for one level of processor; on a lesser one it would die of an illegal instruction. */
static void check_processor(void)
{
#if defined(__AVX512F__)
    const bool able = processor_has_avx512();
#elif defined(__AVX2__)
    const bool able = processor_has_avx2();
#else
    const bool able = true;
#endif
    if (!able)
        die(NULL, "Build it here: make clean native", "this program was built for a processor with %s", VEC_NAME);
}

static int end(int status)
{
    flush_output();
    return status;
}

/* A file that grows too large and a closed pipe are told as what they are, not by a signal that ends the program; and no
 * file that is opened takes the number of a standard stream that was closed. */
static void prepare(void)
{
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != stream)
            exit(EXIT_ERROR);
}

_Noreturn static void refuse_command(const char *name)
{
    char hint[NEAREST_HINT];
    struct nearest nearest = {.text = name};
    for (int i = 0; i < COMMANDS; i++)
        nearest_add(&nearest, commands[i].name);
    usage_error("", "there is no command \"%s\"%s", name, nearest_hint(hint, &nearest, ""));
}

int main(int argc, char **argv)
{
    prepare();
    check_processor();
    ranks_start(VERSION);
    if (argc < 2)
        usage_error(
            "",
            "expected a command: train, pretrain, evaluate, compare, calibrate, doctor, classify, explain, embed, index, search, suggest, "
            "convert, prune, quantize, export, import, average or summary");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        printf("eyelet COMMAND ...: trains and runs image classifiers (%s)\n\n", VEC_NAME);
        for (int i = 0; i < COMMANDS; i++)
            printf("  %-10s%s\n", commands[i].name, commands[i].purpose);
        printf("\nSee `eyelet COMMAND --help`. `eyelet --version` also names the decoders that it was built with.\n");
        return end(EXIT_SUCCESS);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("eyelet %s (%s), other decoders of images:%s, of models:%s\n", VERSION, VEC_NAME,
               *second_decoder_names ? second_decoder_names : " none",
               *importer_libraries ? importer_libraries : " none");
        return end(EXIT_SUCCESS);
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            if (!divides(argv[1]))
                ranks_refuse(commands[i].name);
            return end(commands[i].run(argc - 1, argv + 1));
        }
    refuse_command(argv[1]);
}
