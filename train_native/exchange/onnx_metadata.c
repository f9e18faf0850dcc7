#include "exchange/onnx_metadata.h"

#include "base/bounds.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Labels of LIMIT_CHANNELS classes, each character escaped, fit well; a longer text is no list of labels. */
#define MAX_TEXT ((size_t)4 << 20)

static void free_texts(char **texts, int count)
{
    for (int i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

static const char *value_of(const Onnx__Model *model, const char *key)
{
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const Onnx__Entry *entry = model->metadata_props[i];
        if (entry->key && entry->value && strcmp(entry->key, key) == 0)
            return strlen(entry->value) < MAX_TEXT ? entry->value : NULL;
    }
    return NULL;
}

/* ---- Lists of texts ---- */

/* Of JSON: an array of texts, or an object whose members are called 0, 1, 2 ... */
static char **texts_of_json(int *count, const cJSON *json)
{
    char **texts = NULL;
    *count = 0;
    for (const cJSON *item = json->child; item; item = item->next) {
        char *end = NULL;
        const bool in_order =
            cJSON_IsArray(json) || (item->string && strtol(item->string, &end, 10) == *count && !*end);
        if (!cJSON_IsString(item) || !in_order || *count == LIMIT_CHANNELS) {
            free_texts(texts, *count);
            *count = 0;
            return NULL;
        }
        LIST_ADD(texts, *count, text_copy(item->valuestring));
    }
    return texts;
}

static const char *skip_spaces(const char *p) { return p + strspn(p, " \t\r\n"); }

/* A Python string in either kind of quotes; NULL: there is none. A backslash is taken with what it stands before. */
static const char *read_quoted(char **text, const char *p)
{
    const char quote = *p;
    if (quote != '\'' && quote != '"')
        return NULL;
    char *to = *text = text_copy(p + 1);
    for (p++; *p && *p != quote; p++) {
        if (*p == '\\' && p[1])
            p++;
        *to++ = *p;
    }
    *to = '\0';
    if (*p == quote)
        return p + 1;
    free(*text);
    return NULL;
}

/* As Python prints a list or a dictionary: {0: 'tench', 1: "jack-o'-lantern"}. */
static char **texts_of_python(int *count, const char *p)
{
    const char close = *p == '[' ? ']' : *p == '(' ? ')' : '}';
    const bool numbered = *p == '{';
    char **texts = NULL;
    *count = 0;
    for (p = skip_spaces(p + 1); *p && *p != close;) {
        char *text, *end;
        if (numbered) {
            if (strtol(p, &end, 10) != *count || end == p)
                break;
            p = skip_spaces(end);
            if (*p != ':')
                break;
            p = skip_spaces(p + 1);
        }
        const char *behind = *count < LIMIT_CHANNELS ? read_quoted(&text, p) : NULL;
        if (!behind)
            break;
        LIST_ADD(texts, *count, text);
        p = skip_spaces(behind);
        if (*p == ',')
            p = skip_spaces(p + 1);
        else if (*p != close)
            break;
    }
    if (*p == close)
        return texts;
    free_texts(texts, *count);
    *count = 0;
    return NULL;
}

static char **texts_between(int *count, const char *text, const char *separators)
{
    char **texts = NULL;
    *count = 0;
    for (const char *p = text; *p && *count < LIMIT_CHANNELS;) {
        p += strspn(p, " \t\r\n,");
        size_t length = strcspn(p, separators);
        const char *next = p + length;
        while (length && (p[length - 1] == ' ' || p[length - 1] == '\r'))
            length--;
        if (length)
            LIST_ADD(texts, *count, text_copy_bytes(p, length));
        p = next;
    }
    return texts;
}

char **onnx_metadata_texts(int *count, const char *text)
{
    *count = 0;
    text = skip_spaces(text);
    cJSON *json = *text == '[' || *text == '{' ? cJSON_Parse(text) : NULL;
    if (json) {
        char **texts = texts_of_json(count, json);
        cJSON_Delete(json);
        return texts;
    }
    if (*text == '[' || *text == '{' || *text == '(')
        return texts_of_python(count, text);
    return texts_between(count, text, strchr(text, '\n') ? "\n" : ",");
}

static void read_labels(struct onnx_metadata *metadata, const Onnx__Model *model)
{
    static const char *const keys[] = {"labels", "names", "classes", "class_names", "id2label"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !metadata->label_count; i++) {
        const char *text = value_of(model, keys[i]);
        metadata->labels = text ? onnx_metadata_texts(&metadata->label_count, text) : NULL;
        metadata->labels_key = keys[i];
    }
}

/* ---- How pictures come in ---- */

/* `count` numbers of a JSON array. */
static bool read_numbers(float *out, int count, const Onnx__Model *model, const char *key)
{
    const char *text = value_of(model, key);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    bool fits = cJSON_IsArray(json) && cJSON_GetArraySize(json) == count;
    int i = 0;
    for (const cJSON *item = fits ? json->child : NULL; item; item = item->next) {
        fits = fits && cJSON_IsNumber(item);
        out[i++] = (float)item->valuedouble;
    }
    cJSON_Delete(json);
    return fits;
}

/* Which of the names a JSON text is; -1: none of them. */
static int read_choice(const Onnx__Model *model, const char *key, const char *const *names, int count)
{
    const char *text = value_of(model, key);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    int found = -1;
    for (int i = 0; cJSON_IsString(json) && i < count; i++)
        if (strcmp(names[i], json->valuestring) == 0)
            found = i;
    cJSON_Delete(json);
    return found;
}

/* As layer_metadata writes it. */
static bool read_ours(struct onnx_metadata *metadata, const Onnx__Model *model)
{
    static const char *const modes[] = {"stretch", "crop", "pad", "shorter_side"};
    static const char *const filters[] = {"bilinear", "bicubic", "bilinear_aliased"};
    static const char *const orders[] = {"rgb", "bgr"};
    struct preprocess *preprocess = &metadata->preprocess;
    float size[3], background[3], side = 0;
    const int mode = read_choice(model, "resize_mode", modes, 4), filter = read_choice(model, "filter", filters, 3),
              order = read_choice(model, "channel_order", orders, 2);
    if (mode < 0 || filter < 0 || order < 0 || !read_numbers(size, 3, model, "input_size") ||
        !read_numbers(background, 3, model, "background"))
        return false;
    const int channels = size[2] == 1 ? 1 : 3;
    if (!read_numbers(preprocess->mean, channels, model, "mean") ||
        !read_numbers(preprocess->std, channels, model, "std") ||
        (mode == RESIZE_SHORTER_SIDE && !read_numbers(&side, 1, model, "shorter_side")))
        return false;
    preprocess->resize_mode = (enum resize_mode)mode;
    preprocess->filter = (enum resize_filter)filter;
    preprocess->order = (enum channel_order)order;
    preprocess->shorter_side = side >= 0 && side <= LIMIT_SHORTER_SIDE ? (int)side : 0;
    for (int c = 0; c < channels; c++)
        if (!isfinite(preprocess->mean[c]) || !(preprocess->std[c] >= 1e-6f) || !isfinite(preprocess->std[c]))
            return false;
    for (int c = 0; c < 3; c++) {
        preprocess->background[c] = background[c] >= 0 && background[c] <= 255 ? (uint8_t)background[c] : 0;
        if (c >= channels) {
            preprocess->mean[c] = preprocess->mean[0];
            preprocess->std[c] = preprocess->std[0];
        }
    }
    return true;
}

/* Ultralytics' classifiers: the shorter side to the input's, the centre, bytes / 255. */
static void read_ultralytics(struct onnx_metadata *metadata, const Onnx__Model *model)
{
    const char *author = value_of(model, "author"), *task = value_of(model, "task");
    float sides[2];
    if (!author || !task || strcmp(author, "Ultralytics") != 0 || strcmp(task, "classify") != 0)
        return;
    if (read_numbers(sides, 2, model, "imgsz") && sides[0] == sides[1] && sides[0] >= 1 && sides[0] <= LIMIT_SIDE)
        metadata->side = (int)sides[0];
    metadata->has_preprocess = true;
    metadata->preprocess_from = "its metadata (Ultralytics)";
    metadata->preprocess = (struct preprocess){.resize_mode = RESIZE_CROP, .std = {1, 1, 1}};
}

void onnx_metadata_read(struct onnx_metadata *metadata, const Onnx__Model *model)
{
    *metadata = (struct onnx_metadata){0};
    read_labels(metadata, model);
    metadata->is_ours =
        model->producer_name && strcmp(model->producer_name, "eyelet") == 0 && read_ours(metadata, model);
    metadata->has_preprocess = metadata->is_ours;
    metadata->preprocess_from = "its metadata (Eyelet)";
    if (!metadata->is_ours)
        read_ultralytics(metadata, model);
}

void onnx_metadata_free(struct onnx_metadata *metadata)
{
    free_texts(metadata->labels, metadata->label_count);
    *metadata = (struct onnx_metadata){0};
}
