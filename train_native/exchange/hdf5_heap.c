#include "exchange/hdf5_heap.h"

#include "base/bytes.h"
#include "cli/list.h"

#include <stdlib.h>
#include <string.h>

/* Of a collection, and of an object: index (2 bytes), count of references (2), reserved (4), length (8). */
enum { HEADER = 16, REFERENCE = 16, MIN_COLLECTION = 4096, MAX_COLLECTIONS = 4096 };

struct collection {
    size_t start, end;
};

struct heap {
    const uint8_t *bytes;
    size_t size;
    struct collection *collections; /* in the order of their addresses */
    int count;
};

static uint64_t get8(const uint8_t *p) { return bytes_get4(p) | (uint64_t)bytes_get4(p + 4) << 32; }

/* Addresses are distances from the file's first byte, and they and lengths have 8 bytes: else nothing below would be
 * found. */
static bool has_usual_sizes(const uint8_t *bytes, size_t size)
{
    enum { SUPERBLOCK = 44 };
    if (size < SUPERBLOCK)
        return false;
    const int version = bytes[8];
    const uint8_t *sizes = bytes + (version < 2 ? 13 : 9);
    const uint8_t *base = bytes + (version == 0 ? 24 : version == 1 ? 28 : 12);
    return version <= 3 && sizes[0] == 8 && sizes[1] == 8 && get8(base) == 0;
}

struct object {
    uint32_t index; /* 0: free space, which its length is all of */
    uint64_t length;
};

/* The object at *at, which moves behind it; false: it ends behind the collection. Less than a header is no object. */
static bool next_object(struct object *object, size_t *at, const struct heap *heap, size_t end)
{
    const uint64_t left = end - *at;
    object->index = bytes_get2(heap->bytes + *at);
    object->length = get8(heap->bytes + *at + 8);
    if (object->length > left)
        return false;
    const uint64_t needed = object->index ? HEADER + (object->length + 7) / 8 * 8 : object->length;
    *at += (size_t)needed;
    return needed >= HEADER && needed <= left;
}

static bool check_collection(const struct heap *heap, struct collection collection)
{
    struct object object;
    for (size_t at = collection.start + HEADER; collection.end - at >= HEADER;)
        if (!next_object(&object, &at, heap, collection.end))
            return false;
    return true;
}

static bool find_collections(struct heap *heap)
{
    static const char signature[] = "GCOL\1";
    const uint8_t *end = heap->bytes + heap->size, *at = heap->bytes;
    while ((at = memmem(at, (size_t)(end - at), signature, sizeof signature - 1))) {
        const size_t start = (size_t)(at - heap->bytes), left = heap->size - start;
        const uint64_t size = left < HEADER ? 0 : get8(at + 8);
        const struct collection collection = {start, start + (size_t)size};
        if (size < MIN_COLLECTION || size > left || heap->count == MAX_COLLECTIONS ||
            !check_collection(heap, collection))
            return false;
        LIST_ADD(heap->collections, heap->count, collection);
        at++;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct collection *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* One to what is not there is left from what was deleted, unless it is to what never can have been. */
static bool check_reference(const struct heap *heap, struct collection collection, const uint8_t *reference)
{
    const uint32_t length = bytes_get4(reference), index = bytes_get4(reference + 12);
    bool valid = index <= (collection.end - collection.start) / HEADER;
    struct object object;
    for (size_t at = collection.start + HEADER; valid && index && collection.end - at >= HEADER;)
        valid = next_object(&object, &at, heap, collection.end) && (object.index != index || object.length <= length);
    return valid;
}

/* Whatever has the address of a collection in it is one. */
static bool check_references(const struct heap *heap)
{
    const uint64_t first = heap->collections[0].start, last = heap->collections[heap->count - 1].start;
    for (size_t i = 0; i + REFERENCE <= heap->size; i++) {
        const uint64_t address = get8(heap->bytes + i + 4);
        if (address < first || address > last)
            continue;
        const struct collection wanted = {(size_t)address, 0};
        const struct collection *found =
            bsearch(&wanted, heap->collections, (size_t)heap->count, sizeof wanted, by_start);
        if (found && !check_reference(heap, *found, heap->bytes + i))
            return false;
    }
    return true;
}

bool hdf5_heap_valid(const uint8_t *bytes, size_t size)
{
    struct heap heap = {.bytes = bytes, .size = size};
    const bool valid =
        has_usual_sizes(bytes, size) && find_collections(&heap) && (!heap.count || check_references(&heap));
    free(heap.collections);
    return valid;
}
