#include "commands/commands.h"

#include "cli/csv_field.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/picture_run.h"
#include "commands/shared_options.h"
#include "data/memory_budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet embed MODEL FILE|FOLDER... -o features.safetensors: what a model makes of images before its last layer\n"
    "\n"
    "  eyelet embed mine.eyelet photos/ -o features.safetensors\n"
    "  eyelet embed mine.eyelet photos/ -o features.csv\n"
    "\n"
    "A vector for each image, near for images that look alike to the model. Of a folder, the images in it and in all\n"
    "folders within it. The ending of the output chooses the format:\n"
    "\n"
    "  .safetensors  \"embeddings\" (images, dimensions), float32; __metadata__ has \"paths\", a JSON list\n"
    "  .npy          the same matrix for numpy.load; the paths, a line each, go to standard output\n"
    "  .csv          a row an image: its path, then a column for each dimension\n"
    "\n"
    "Unreadable files are named and left out; the exit status is then 1.";

struct embed_options {
    const char *output;
    int threads, memory;
};

struct embeddings {
    const struct text_list *all; /* the files that were given */
    struct text_list paths;      /* those with an embedding */
    float *values;               /* (paths.count, dimensions) */
    int dimensions, failures;
};

static void add_embedding(void *context, int i, const struct picture_result *result)
{
    struct embeddings *embeddings = context;
    const char *path = embeddings->all->texts[i];
    if (result->reason) {
        embeddings->failures++;
        warn(path, NULL, "%s", result->reason);
        return;
    }
    memcpy(embeddings->values + (ptrdiff_t)embeddings->paths.count * embeddings->dimensions, result->embedding,
           (size_t)embeddings->dimensions * sizeof(float));
    text_list_add(&embeddings->paths, path);
}

/* ---- Formats: each writes a whole file to memory ---- */

static size_t value_bytes(const struct embeddings *embeddings)
{
    return (size_t)embeddings->paths.count * (size_t)embeddings->dimensions * sizeof(float);
}

/* huggingface.co/docs/safetensors */
static void write_safetensors(FILE *out, const struct embeddings *embeddings)
{
    char *paths, *header;
    size_t size;
    FILE *memory = text_open(&paths, &size);
    struct json json = json_begin(memory);
    json_array(&json, NULL);
    for (int i = 0; i < embeddings->paths.count; i++)
        json_text(&json, NULL, embeddings->paths.texts[i]);
    json_close(&json);
    text_close(memory);

    memory = text_open(&header, &size);
    json = json_begin(memory);
    json_object(&json, NULL);
    json_object(&json, "__metadata__");
    json_text(&json, "paths", paths);
    json_close(&json);
    json_object(&json, "embeddings");
    json_text(&json, "dtype", "F32");
    json_ints(&json, "shape", (int[]){embeddings->paths.count, embeddings->dimensions}, 2);
    json_array(&json, "data_offsets");
    json_int(&json, NULL, 0);
    json_int(&json, NULL, (int64_t)value_bytes(embeddings));
    json_close(&json);
    json_close(&json);
    json_close(&json);
    text_close(memory);
    const uint64_t padded = (size + 7) / 8 * 8;
    for (int i = 0; i < 8; i++)
        fputc((int)(padded >> (8 * i) & 0xff), out);
    fprintf(out, "%s%*s", header, (int)(padded - size), "");
    fwrite(embeddings->values, 1, value_bytes(embeddings), out);
    free(paths);
    free(header);
}

/* numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0: the header ends on a multiple of 64. */
static void write_npy(FILE *out, const struct embeddings *embeddings)
{
    enum { PREFIX = 10, ALIGNMENT = 64 };
    char *header = text_format("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", embeddings->paths.count,
                               embeddings->dimensions);
    const size_t length = strlen(header) + 1, end = (PREFIX + length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const int spaces = (int)(end - PREFIX - length), all = (int)(end - PREFIX);
    fwrite("\x93NUMPY\x01\x00", 1, 8, out);
    fprintf(out, "%c%c%s%*s\n", all & 0xff, all >> 8, header, spaces, "");
    fwrite(embeddings->values, 1, value_bytes(embeddings), out);
    free(header);
}

static void write_csv(FILE *out, const struct embeddings *embeddings)
{
    fprintf(out, "path");
    for (int k = 0; k < embeddings->dimensions; k++)
        fprintf(out, ",e%d", k);
    fprintf(out, "\n");
    for (int i = 0; i < embeddings->paths.count; i++) {
        print_csv_field(out, embeddings->paths.texts[i]);
        for (int k = 0; k < embeddings->dimensions; k++)
            fprintf(out, ",%.9g", (double)embeddings->values[(ptrdiff_t)i * embeddings->dimensions + k]);
        fprintf(out, "\n");
    }
}

static const struct format {
    const char *ending;
    void (*write)(FILE *out, const struct embeddings *embeddings);
    bool prints_paths;
} formats[] = {{".safetensors", write_safetensors, false}, {".npy", write_npy, true}, {".csv", write_csv, false}};
enum { FORMATS = sizeof formats / sizeof *formats };

static const struct format *format_of(const char *path)
{
    for (int i = 0; i < FORMATS; i++) {
        const size_t length = strlen(path), ending = strlen(formats[i].ending);
        if (length > ending && strcmp(path + length - ending, formats[i].ending) == 0)
            return &formats[i];
    }
    usage_error("embed", "%s: the output must end in .safetensors, .npy or .csv", path);
}

static void save(const struct embeddings *embeddings, const struct format *format, const char *path)
{
    char *bytes;
    size_t size;
    FILE *out = text_open(&bytes, &size);
    format->write(out, embeddings);
    text_close(out);
    save_file(path, bytes, size, "the file of embeddings");
    for (int i = 0; i < embeddings->paths.count && format->prints_paths; i++)
        printf("%s\n", embeddings->paths.texts[i]);
    free(bytes);
}

int command_embed(int argc, char **argv)
{
    struct embed_options o = {.memory = MEMORY_UNSET};
    const struct option_entry options[] = {
        OUTPUT_OPTION(&o.output), THREADS_OPTION(&o.threads), MEMORY_OPTION(&o.memory), {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 2 || !o.output)
        usage_error("embed", "embed takes a model, at least one image and -o FILE");
    check_threads("embed", o.threads);
    const struct format *format = format_of(o.output);
    struct opened_classifier opened = open_classifier_or_die(argv[first]);
    struct text_list paths = {0};
    for (int i = first + 1; i < argc; i++)
        picture_paths_add(&paths, argv[i], NULL);
    struct embeddings embeddings = {.all = &paths, .dimensions = embedding_count_or_die(&opened, argv[first])};
    embeddings.values = allocate((size_t)paths.count * (size_t)embeddings.dimensions, sizeof(float));
    picture_run(&(struct picture_run){.classifier = opened.classifier,
                                      .paths = &paths,
                                      .threads = o.threads,
                                      .memory = o.memory,
                                      .context = &embeddings,
                                      .finished = add_embedding});
    if (!embeddings.paths.count)
        die(o.output, NULL, "not written: none of the %d files is an image that can be read", paths.count);
    save(&embeddings, format, o.output);
    free(embeddings.values);
    text_list_free(&embeddings.paths);
    text_list_free(&paths);
    opened_classifier_free(&opened);
    return embeddings.failures ? EXIT_ERROR : EXIT_SUCCESS;
}
