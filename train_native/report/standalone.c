#include "report/standalone.h"

#include "report/html.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char hint[] = "Build it with `make wasm`, or name the file with --wasm.";

/* Where the module lies, seen from the program: that is build/VARIANT/eyelet or O/VARIANT/eyelet, or bin/eyelet of an
 * installation. The caller frees the path: the first of these that is there, or else the first. */
static char *usual_path(struct failure *failure)
{
    static const char *const from_program[] = {"../../web/classifier.wasm", "../classifier.wasm",
                                               "../share/eyelet/classifier.wasm"};
    enum { PLACES = sizeof from_program / sizeof *from_program, MAX_PATH = 4096 };
    char folder[MAX_PATH] = "";
    const ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    char *slash = length > 0 ? strrchr(folder, '/') : NULL;
    if (!slash) {
        failure_set(failure, "classifier.wasm", hint, "the path of the program is unknown on this system");
        return NULL;
    }
    *slash = 0;
    for (int i = 0; i < PLACES; i++) {
        char *path = path_join(folder, from_program[i]);
        if (access(path, F_OK) == 0)
            return path;
        free(path);
    }
    return path_join(folder, from_program[0]);
}

/* The module in base64; the caller frees it. */
static char *read_module(const char *path, struct failure *failure)
{
    enum { MAX_BYTES = 16 << 20 }; /* bytes */
    const char *reason;
    size_t size;
    uint8_t *bytes = read_file(&size, &reason, path, MAX_BYTES);
    char *base64 = NULL;
    if (!bytes)
        failure_set(failure, path, hint, "the WebAssembly module cannot be read: %s", reason);
    else if (size < 4 || memcmp(bytes, "\0asm", 4) != 0)
        failure_set(failure, path, hint, "this is not a WebAssembly module");
    else
        base64 = html_base64(bytes, size);
    free(bytes);
    return base64;
}

uint8_t *standalone_bytes(size_t *size, const uint8_t *model, size_t model_size, const char *wasm,
                          struct failure *failure)
{
    char *path = wasm ? text_copy(wasm) : usual_path(failure), *module = path ? read_module(path, failure) : NULL;
    free(path);
    if (!module)
        return NULL;
    char *base64 = html_base64(model, model_size);
    char *modules = html_script((const unsigned char *[]){contract_js, source_js, pixels_js, engine_js, picture_js,
                                                          view_js, standalone_js, NULL});
    static const char *const names[] = {"opening", "picture", "result", "facts"};
    enum { SHARED = sizeof names / sizeof *names };
    struct html_part parts[SHARED + 6] = {{"style.css", (const char *)style_css},
                                          {"wasm", module},
                                          {"model", base64},
                                          {"modules", modules},
                                          {"examples", "[]"}};
    char *shared[SHARED];
    for (int i = 0; i < SHARED; i++) {
        shared[i] = html_shared(index_html, names[i]);
        parts[5 + i] = (struct html_part){names[i], shared[i]};
    }
    char *page = html_page(size, standalone_html, parts);
    for (int i = 0; i < SHARED; i++)
        free(shared[i]);
    free(modules);
    free(base64);
    free(module);
    return (uint8_t *)page;
}
