#include "report/standalone.h"

#include "report/html.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char hint[] = "Build it with `make wasm`, or name the file with --wasm.";

/* The program is build/VARIANT/eyelet; the caller frees the path. */
static char *usual_place(void)
{
    static const char from_program[] = "/../../web/classifier.wasm";
    enum { LONGEST = 4096 };
    char *path = allocate(LONGEST + sizeof from_program, 1);
    const ssize_t length = readlink("/proc/self/exe", path, LONGEST);
    char *slash = length > 0 ? strrchr(path, '/') : NULL;
    if (!slash)
        die("classifier.wasm", hint, "this system does not say where the program is");
    strcpy(slash, from_program);
    return path;
}

static char *read_module(const char *wasm)
{
    enum { MOST = 16 << 20 }; /* bytes */
    char *usual = wasm ? NULL : usual_place();
    const char *path = wasm ? wasm : usual, *reason;
    size_t size;
    uint8_t *bytes = read_file(&size, &reason, path, MOST);
    if (!bytes)
        die(path, hint, "the WebAssembly module cannot be read: %s", reason);
    if (size < 4 || memcmp(bytes, "\0asm", 4) != 0)
        die(path, hint, "this is not a WebAssembly module");
    char *base64 = html_base64(bytes, size);
    free(bytes);
    free(usual);
    return base64;
}

uint8_t *standalone_bytes(size_t *size, const uint8_t *model, size_t model_size, const char *wasm)
{
    char *module = read_module(wasm), *base64 = html_base64(model, model_size);
    char *modules = html_script((const unsigned char *[]){contract_js, source_js, engine_js, picture_js, view_js, standalone_js, NULL});
    static const char *const names[] = {"opening", "picture", "result", "facts"};
    enum { SHARED = sizeof names / sizeof *names };
    struct html_part parts[SHARED + 5] = {{"style.css", (const char *)style_css}, {"wasm", module}, {"model", base64},
                                          {"modules", modules}};
    char *shared[SHARED];
    for (int i = 0; i < SHARED; i++) {
        shared[i] = html_shared(index_html, names[i]);
        parts[4 + i] = (struct html_part){names[i], shared[i]};
    }
    char *page = html_page(size, standalone_html, parts);
    for (int i = 0; i < SHARED; i++)
        free(shared[i]);
    free(modules);
    free(base64);
    free(module);
    return (uint8_t *)page;
}
