/* The module web/importer.wasm: from the files of a TensorFlow.js model, as Teachable Machine exports it, to the bytes of
 * a model file, the same that `eyelet import` writes. web/page/foreign_import.js is its only caller.
 *
 *     file_buffer(name_length, size) -> address for a file: its name, a zero, its bytes. The first is what was named: a
 *                                       folder (without bytes), a zip, or a file; the others follow in the order of
 *                                       their names, those of a zip unpacked
 *     import_files(form) -> address of the model, or 0; form: 0 a folder, 1 a zip, 2 a file
 *     imported_size()
 *     failure_subject(), failure_reason(), failure_hint() -> addresses of zero-terminated UTF-8: why there is no model
 *     reason_key(), reason_words() -> the same, for other languages (struct failure, cli/errors.h)
 *
 * An instance imports one model and is discarded; it traps where there is not enough memory. */
#include "exchange/import_model.h"
#include "exchange/importer.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/sha256.h"

#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

enum form { FORM_FOLDER, FORM_ZIP, FORM_FILE };

struct file {
    const char *name;
    const uint8_t *bytes; /* and a zero behind them */
    size_t size;
};

/* A model's files at hand: what train_native/exchange/package.c finds on a disk or in a zip. */
struct package {
    enum form form;
    struct file *files; /* the first: what was named */
    int count;
};

static struct package given;
static struct import_report report;
static struct failure failure;
static size_t written;

const struct importer *const importers[] = {&tfjs_importer, NULL};

const char *package_path(const struct package *package) { return package->files[0].name; }

const uint8_t *package_bytes(size_t *size, const struct package *package)
{
    *size = package->form == FORM_FILE ? package->files[0].size : 0;
    return package->form == FORM_FILE ? package->files[0].bytes : NULL;
}

const char *package_name(const struct package *package, int i)
{
    if (package->form == FORM_FILE)
        return i == 0 ? package->files[0].name : NULL;
    return i + 1 < package->count ? package->files[i + 1].name : NULL;
}

static const struct file *find(const struct package *package, const char *name)
{
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    for (int i = package->form == FORM_FILE ? 0 : 1; i < package->count; i++)
        if (strcmp(package->files[i].name, name) == 0)
            return &package->files[i];
    return NULL;
}

bool package_has(const struct package *package, const char *name) { return find(package, name) != NULL; }

const uint8_t *package_file(size_t *size, const struct package *package, const char *name, struct failure *why)
{
    const struct file *file = find(package, name);
    *size = file ? file->size : 0;
    if (!file) {
        failure_set(why, package_path(package), "The model needs it.", "there is no %.200s %s", name,
                    package->form == FORM_ZIP      ? "in the zip"
                    : package->form == FORM_FOLDER ? "in the folder"
                                                   : "beside it");
        failure_key(why, "NO_FILE", "%s", name);
    }
    return file ? file->bytes : NULL;
}

void *EXPORT(file_buffer)(size_t name_length, size_t size)
{
    char *room = allocate(name_length + 1 + size + 1, 1);
    const struct file file = {room, (uint8_t *)room + name_length + 1, size};
    LIST_ADD(given.files, given.count, file);
    return room;
}

static void hash_named(void)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 state = sha256_begin();
    sha256_add(&state, given.files[0].bytes, given.files[0].size);
    sha256_end(digest, &state);
    sha256_text(report.sha256, digest);
}

uint8_t *EXPORT(import_files)(enum form form)
{
    const struct import_options options = {.path = package_path(&given), .epsilon = 1e-5f};
    struct text_list labels = {0};
    given.form = form;
    if (form != FORM_FOLDER)
        hash_named();
    return import_bytes(&written, &report, &options, &given, &labels, &failure);
}

size_t EXPORT(imported_size)(void) { return written; }

const char *EXPORT(failure_subject)(void) { return failure.subject; }
const char *EXPORT(failure_reason)(void) { return failure.reason; }
const char *EXPORT(failure_hint)(void) { return failure.hint; }
const char *EXPORT(reason_key)(void) { return failure.key; }
const char *EXPORT(reason_words)(void) { return failure.words; }
