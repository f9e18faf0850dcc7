/* libFuzzer target: the fields of a table, in memory. fuzz_csv.c has what lists images and labels. */
#include "data/table.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void parse(void *context)
{
    struct fuzz_part *file = context;
    struct table table;
    struct failure failure = {.subject = ""};
    uint8_t *bytes = fuzz_copy(file->bytes, file->size);
    if (table_parse(&table, bytes, file->size, "fuzzed.csv", &failure)) {
        for (int i = 0; i < table.count; i++)
            for (int k = 0; k <= table.columns; k++)
                fuzz_require(strlen(table_field(&table, &table.rows[i], k)) <= 2 * file->size);
        table_free(&table);
    } else {
        fuzz_require(*failure.subject && *failure.reason);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_part file = {data, size};
    fuzz_require(fuzz_command(parse, &file));
    return 0;
}
