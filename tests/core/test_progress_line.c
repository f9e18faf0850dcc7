/* The line of a training on a terminal (train_native/commands/progress_line.h), at many widths. */
#include "support/test.h"

#include "commands/progress_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct progress_facts usual = {.epoch = 3,
                                            .epochs = 40,
                                            .images = 50000,
                                            .done = 20500,
                                            .per_second = 1234.5,
                                            .seconds_left = 3723.9,
                                            .loss = 0.43214,
                                            .accuracy = 0.85214};

static bool is(const struct progress_facts *facts, int columns, const char *expected)
{
    char *line = progress_line(facts, columns);
    const bool same = strcmp(line, expected) == 0;
    if (!same)
        printf("at %d columns: \"%s\"\n", columns, line);
    free(line);
    return same;
}

TEST(what_fits)
{
    CHECK(is(
        &usual, 200,
        "epoch  3/40 [=========               ]   41 %  1,234 images/s  1:02:03 left  loss 0.4321  accuracy 85.21 %"));
    CHECK(is(&usual, 95,
             "epoch  3/40 [=====        ]   41 %  1,234 images/s  1:02:03 left  loss 0.4321  accuracy 85.21 %"));
    CHECK(is(&usual, 79, "epoch  3/40 [=====        ]   41 %  1:02:03 left  loss 0.4321  accuracy 85.21 %"));
    CHECK(is(&usual, 66, "epoch  3/40   41 %  1:02:03 left  loss 0.4321  accuracy 85.21 %"));
    CHECK(is(&usual, 20, "epoch  3/40   41 %  "));
}

TEST(every_width)
{
    for (int columns = 0; columns < 130; columns++) {
        char *line = progress_line(&usual, columns);
        CHECK((int)strlen(line) <= columns);
        free(line);
    }
}

TEST(no_labels_and_short_runs)
{
    const struct progress_facts facts = {.epoch = 1,
                                         .epochs = 2,
                                         .images = 10,
                                         .done = 10,
                                         .per_second = 5,
                                         .seconds_left = 62,
                                         .loss = 1,
                                         .accuracy = -1};
    CHECK(is(&facts, 79, "epoch 1/2 [========================]  100 %  5 images/s  1:02 left  loss 1.0000"));
}

static const struct test tests[] = {ENTRY(what_fits), ENTRY(every_width), ENTRY(no_labels_and_short_runs)};
const struct suite progress_line_suite = SUITE("progress_line", tests);
