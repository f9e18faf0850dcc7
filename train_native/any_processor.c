/* The program for any processor (make VARIANT=any): it holds all of the program once for each of LEVELS, the best first,
 * and runs the first of them that this processor has, or the one that EYELET_ISA names. The Makefile defines LEVELS as
 * LEVEL(x86_64_v4, "x86-64-v4") and so on. */
#include "cli/errors.h" /* EXIT_USAGE */
#include "cli/processor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL(name, text) int eyelet_##name(int argc, char **argv);
LEVELS
#undef LEVEL

#define LEVEL(name, text) {text, eyelet_##name},
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} levels[] = {LEVELS};
#undef LEVEL
enum { LEVEL_COUNT = sizeof levels / sizeof *levels };

static bool runs(const char *name)
{
    return strcmp(name, "x86-64-v4") == 0   ? processor_has_avx512()
           : strcmp(name, "x86-64-v3") == 0 ? processor_has_avx2()
                                            : true;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("EYELET_ISA");
    for (int i = 0; i < LEVEL_COUNT; i++)
        if (wanted && *wanted ? strcmp(wanted, levels[i].name) == 0 && runs(wanted) : runs(levels[i].name))
            return levels[i].run(argc, argv);
    fputs("eyelet: EYELET_ISA names none of what this program has for this processor:", stderr);
    for (int i = 0; i < LEVEL_COUNT; i++)
        if (runs(levels[i].name))
            fprintf(stderr, " %s", levels[i].name);
    fputs("\n", stderr);
    return EXIT_USAGE;
}
