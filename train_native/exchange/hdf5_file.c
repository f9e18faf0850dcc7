#include "exchange/hdf5_file.h"

#ifdef WITH_HDF5

#include "base/bounds.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "exchange/hdf5_heap.h"

#include <hdf5.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_VALUES = 2 * LIMIT_PARAMETERS,
    MAX_TEXTS = 1 << 16,
    MAX_TEXT_BYTES = 64 << 20,
    MAX_NAME = 1000,
    FAULT = 160
};

struct hdf5_file {
    char *path;
    const uint8_t *bytes;
    hid_t id;
};

/* ---- The bytes, which the library would copy twice ---- */

static void *take_same(size_t size, H5FD_file_image_op_t operation, void *bytes)
{
    (void)size;
    (void)operation;
    return bytes;
}

static void *copy_nothing(void *to, const void *from, size_t size, H5FD_file_image_op_t operation, void *bytes)
{
    (void)from;
    (void)size;
    (void)operation;
    (void)bytes;
    return to;
}

static herr_t free_nothing(void *block, H5FD_file_image_op_t operation, void *bytes)
{
    (void)block;
    (void)operation;
    (void)bytes;
    return 0;
}

static void *same_bytes(void *bytes) { return bytes; }

static herr_t keep_bytes(void *bytes)
{
    (void)bytes;
    return 0;
}

/* ---- The file ---- */

/* A negative id where it cannot be opened. Read only, so that nothing is written into the bytes. */
static hid_t open_bytes(const uint8_t *bytes, size_t size)
{
    enum { BLOCK = 1 << 16 };
    void *image = (void *)(uintptr_t)bytes;
    H5FD_file_image_callbacks_t callbacks = {.image_malloc = take_same,
                                             .image_memcpy = copy_nothing,
                                             .image_free = free_nothing,
                                             .udata_copy = same_bytes,
                                             .udata_free = keep_bytes,
                                             .udata = image};
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t id = -1;
    if (H5Pset_fapl_core(access, BLOCK, 0) >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_file_image_callbacks(access, &callbacks) >= 0 && H5Pset_file_image(access, image, size) >= 0)
        id = H5Fopen("in memory", H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return id;
}

struct hdf5_file *hdf5_open(const uint8_t *bytes, size_t size, const char *path, struct failure *failure)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    const hid_t id = hdf5_heap_valid(bytes, size) ? open_bytes(bytes, size) : -1;
    if (id < 0) {
        failure_set(failure, path, "Get it again: perhaps it is cut short.", "the HDF5 file is damaged");
        return NULL;
    }
    struct hdf5_file *file = allocate(1, sizeof *file);
    *file = (struct hdf5_file){.path = text_copy(path), .bytes = bytes, .id = id};
    return file;
}

void hdf5_close(struct hdf5_file *file)
{
    if (!file)
        return;
    H5Fclose(file->id);
    free(file->path);
    free(file);
}

/* ---- Names ---- */

enum place { ABSENT, ELSEWHERE, HERE };

/* It is here where each part of its name is a hard link: no other leads to another file, or round in a circle. */
static enum place find(const struct hdf5_file *file, const char *name)
{
    char part[MAX_NAME + 1];
    H5L_info_t about;
    const size_t length = strlen(name);
    if (strcmp(name, "/") == 0)
        return HERE;
    if (!length || length > MAX_NAME)
        return ABSENT;
    for (size_t end = 0; end < length; end++) {
        end += strcspn(name + end, "/");
        memcpy(part, name, end);
        part[end] = 0;
        if (!end || H5Lget_info(file->id, part, &about, H5P_DEFAULT) < 0)
            return ABSENT;
        if (about.type != H5L_TYPE_HARD)
            return ELSEWHERE;
    }
    return HERE;
}

bool hdf5_has(const struct hdf5_file *file, const char *name) { return find(file, name) != ABSENT; }

bool hdf5_has_attribute(const struct hdf5_file *file, const char *object, const char *attribute)
{
    return find(file, object) == HERE && H5Aexists_by_name(file->id, object, attribute, H5P_DEFAULT) > 0;
}

/* ---- Texts ---- */

/* An open attribute. */
struct texts {
    hid_t id, type;
    size_t count, bytes; /* bytes: of one, where all are as long as that */
};

/* Padded by zeros or spaces. */
static bool read_fixed(struct text_list *list, const struct texts *texts)
{
    size_t total;
    if (!texts->bytes || __builtin_mul_overflow(texts->count, texts->bytes, &total) || total > MAX_TEXT_BYTES)
        return false;
    char *all = allocate(total + 1, 1);
    const bool read = H5Aread(texts->id, texts->type, all) >= 0;
    for (size_t i = 0; read && i < texts->count; i++) {
        size_t length = strnlen(all + i * texts->bytes, texts->bytes);
        while (H5Tget_strpad(texts->type) == H5T_STR_SPACEPAD && length && all[i * texts->bytes + length - 1] == ' ')
            length--;
        char *text = text_copy_bytes(all + i * texts->bytes, length);
        LIST_ADD(list->texts, list->count, text);
    }
    free(all);
    return read;
}

static bool read_of_any_length(struct text_list *list, const struct texts *texts)
{
    char **all = allocate(texts->count + 1, sizeof *all);
    const hid_t type = H5Tcopy(H5T_C_S1);
    bool read = H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5Tget_cset(texts->type)) >= 0 &&
                H5Aread(texts->id, type, all) >= 0;
    for (size_t i = 0; i < texts->count; i++) {
        if (read)
            text_list_add(list, all[i] ? all[i] : "");
        H5free_memory(all[i]);
    }
    H5Tclose(type);
    free(all);
    return read;
}

/* An empty list may be of any type: a program that wrote none had none to tell it by. */
static bool read_texts(struct text_list *list, struct texts *texts)
{
    const hid_t space = H5Aget_space(texts->id);
    const int rank = H5Sget_simple_extent_ndims(space);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    if (rank < 0 || rank > 1 || count < 0 || count > MAX_TEXTS)
        return false;
    if (count == 0)
        return true;
    texts->count = (size_t)count;
    texts->bytes = H5Tget_size(texts->type);
    return H5Tget_class(texts->type) == H5T_STRING &&
           (H5Tis_variable_str(texts->type) > 0 ? read_of_any_length : read_fixed)(list, texts);
}

bool hdf5_texts(struct text_list *list, const struct hdf5_file *file, const char *object, const char *attribute,
                struct failure *failure)
{
    struct texts texts = {.id = -1};
    bool read = false;
    if (hdf5_has_attribute(file, object, attribute))
        texts.id = H5Aopen_by_name(file->id, object, attribute, H5P_DEFAULT, H5P_DEFAULT);
    if (texts.id >= 0) {
        texts.type = H5Aget_type(texts.id);
        read = texts.type >= 0 && read_texts(list, &texts);
        H5Tclose(texts.type);
        H5Aclose(texts.id);
    }
    return read || failure_set(failure, file->path, "Get it again.",
                               "the attribute `%.100s` of %.200s is damaged, or no text", attribute, object);
}

/* ---- Arrays ---- */

static const char unwritten[] = "its values were never written, or not all of them";

static bool refuse(char fault[FAULT], const char *reason)
{
    snprintf(fault, FAULT, "%s", reason);
    return false;
}

/* IEEE 754's of 16 bits, as HDF5 has no name for it. */
static bool is_float16(hid_t type)
{
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    const bool is = H5Tset_fields(half, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(half, 2) >= 0 &&
                    H5Tset_ebias(half, 15) >= 0 &&
                    (H5Tequal(type, half) > 0 || (H5Tset_order(half, H5T_ORDER_BE) >= 0 && H5Tequal(type, half) > 0));
    H5Tclose(half);
    return is;
}

static bool check_type(char fault[FAULT], hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset);
    const bool is_float = H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0 ||
                          H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0 || is_float16(type);
    H5Tclose(type);
    return is_float || refuse(fault, "its numbers are none of float16, float32 and float64");
}

/* Sets the rank and the dimensions, and the number of values. */
static bool check_shape(char fault[FAULT], struct graph_constant *shape, size_t *count, hid_t dataset)
{
    const hid_t space = H5Dget_space(dataset);
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    const int rank = H5Sget_simple_extent_ndims(space);
    hsize_t dims[GRAPH_RANK] = {0};
    bool within = (kind == H5S_SCALAR || kind == H5S_SIMPLE) && rank >= 0 && rank <= GRAPH_RANK &&
                  H5Sget_simple_extent_dims(space, dims, NULL) >= 0;
    *shape = (struct graph_constant){.rank = rank};
    *count = 1;
    for (int i = 0; within && i < rank; i++) {
        within =
            dims[i] <= MAX_VALUES && !__builtin_mul_overflow(*count, (size_t)dims[i], count) && *count <= MAX_VALUES;
        shape->dims[i] = within ? (int)dims[i] : 0;
    }
    H5Sclose(space);
    return within || refuse(fault, "its shape is no list of up to 8 sizes, or one of more values than a model has");
}

/* The filters through which chunks went. */
static bool check_filters(char fault[FAULT], hid_t layout)
{
    for (int i = 0, count = H5Pget_nfilters(layout); i < count; i++) {
        char name[40] = "";
        unsigned int flags, settings;
        size_t no_values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(layout, (unsigned int)i, &flags, &no_values, NULL, sizeof name, name, &settings);
        if (filter == H5Z_FILTER_DEFLATE)
            continue;
        name[sizeof name - 1] = 0;
        snprintf(fault, FAULT, "it is compressed by the filter %d (%s): only gzip is read", filter, name);
        return false;
    }
    return true;
}

/* Chunks no larger than a model, as many as the array needs. */
static bool check_chunks(char fault[FAULT], hid_t dataset, hid_t layout, const struct graph_constant *shape)
{
    hsize_t dims[GRAPH_RANK] = {0}, values = 1, needed = 1, written;
    if (H5Pget_chunk(layout, GRAPH_RANK, dims) != shape->rank)
        return refuse(fault, "its chunks are of another shape");
    for (int i = 0; i < shape->rank; i++) {
        if (!dims[i] || __builtin_mul_overflow(values, dims[i], &values) || values > MAX_VALUES)
            return refuse(fault, "its chunks are larger than a model");
        needed *= ((hsize_t)shape->dims[i] + dims[i] - 1) / dims[i]; /* no more than there are values */
    }
    const hid_t space = H5Dget_space(dataset);
    const bool all = H5Dget_num_chunks(dataset, space, &written) >= 0 && written == needed;
    H5Sclose(space);
    return all || refuse(fault, unwritten);
}

/* Where the values are: in this file, all of them, in a form that is read. */
static bool check_layout(char fault[FAULT], hid_t dataset, const struct graph_constant *shape)
{
    H5D_space_status_t status;
    const hid_t layout = H5Dget_create_plist(dataset);
    const H5D_layout_t kind = H5Pget_layout(layout);
    bool possible =
        (kind == H5D_COMPACT || kind == H5D_CONTIGUOUS || kind == H5D_CHUNKED) && H5Pget_external_count(layout) == 0;
    if (!possible)
        refuse(fault, "its values stand in another file or array, and not in this file itself");
    else if (kind == H5D_CHUNKED)
        possible = check_filters(fault, layout) && check_chunks(fault, dataset, layout, shape);
    else
        possible = (H5Dget_space_status(dataset, &status) >= 0 && status == H5D_SPACE_STATUS_ALLOCATED) ||
                   refuse(fault, unwritten);
    H5Pclose(layout);
    return possible;
}

static float *read_values(char fault[FAULT], struct graph_constant *shape, hid_t dataset)
{
    size_t count;
    if (!check_type(fault, dataset) || !check_shape(fault, shape, &count, dataset) ||
        (count && !check_layout(fault, dataset, shape)))
        return NULL;
    float *values = allocate_or_null(count + 1, sizeof *values);
    if (!values)
        refuse(fault, "there is not enough memory for its values");
    if (values && H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        refuse(fault, "its values are damaged, or not all there");
        free(values);
        values = NULL;
    }
    shape->values = values;
    return values;
}

float *hdf5_values(struct graph_constant *shape, const struct hdf5_file *file, const char *name,
                   struct failure *failure)
{
    char fault[FAULT] = "it is no array, or a link to elsewhere";
    const hid_t dataset = find(file, name) == HERE ? H5Dopen2(file->id, name, H5P_DEFAULT) : -1;
    float *values = NULL;
    if (dataset >= 0) {
        values = read_values(fault, shape, dataset);
        H5Dclose(dataset);
    }
    if (!values)
        failure_set(failure, file->path, NULL, "weights %.200s: %s", name, fault);
    return values;
}

#endif
