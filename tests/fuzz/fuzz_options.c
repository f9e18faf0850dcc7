/* libFuzzer target: the arguments of `eyelet train`, one a line, over the recipe that they name. */
#include "cli/options.h"
#include "commands/train_options.h"
#include "fuzz/fuzz.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGUMENTS = 60 };

struct arguments {
    int count;
    char *text[MAX_ARGUMENTS + 1];
    const char *first, *last; /* the bytes that they are in */
};

static void parse(void *context)
{
    struct arguments *arguments = context;
    char *command = options_command(arguments->count, arguments->text, (const char *const[]){"--resume", NULL});
    fuzz_require(strncmp(command, "eyelet train", 12) == 0);
    free(command);
    bool named;
    const struct recipe *recipe = train_recipe(&named, arguments->count, arguments->text);
    struct train_options options = train_options_parse(recipe, arguments->count, arguments->text);
    const struct trainer_settings *settings = &options.settings;
    fuzz_require(settings->epochs > 0 && settings->batch > 0 && options.micro_batch > 0 && options.threads >= 0);
    fuzz_require(isfinite(settings->optimizer.learning_rate) && settings->optimizer.learning_rate >= 0);
    fuzz_require(options.validation >= 0 && options.validation < 1 && options.data.test >= 0);
    fuzz_require(options.recipe >= 0 && options.recipe < recipe_count);
    text_list_free(&options.sweep);
    if (options.run_folder)
        free((char *)(uintptr_t)options.output);
    const char *pixels = options.data.pixels; /* derived from the output's name, or given */
    if (pixels && (pixels < arguments->first || pixels > arguments->last))
        free((char *)(uintptr_t)pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *rest = text, train[] = "train";
    memcpy(text, data, size);
    text[size] = 0;
    struct arguments arguments = {1, {train}, text, text + size};
    optind = 0; /* getopt forgets the argument at which it was left */
    getopt(1, arguments.text, "");
    while (rest && arguments.count < MAX_ARGUMENTS)
        arguments.text[arguments.count++] = strsep(&rest, "\n");
    fuzz_command(parse, &arguments);
    free(text);
    return 0;
}
