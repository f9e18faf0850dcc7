/* The order of a JPEG's scans. */
#include "image/jpeg.h"

#include "base/bounds.h"
#include "image/jpeg_idct.h"
#include "image/jpeg_rows.h"

/* The component by this name that the scan does not have yet: there are files that give all the same one. */
static struct jpeg_component *component_by_id(const struct jpeg_scan *scan, int id)
{
    for (int i = 0; i < scan->frame->count; i++) {
        struct jpeg_component *component = &scan->frame->components[i];
        bool taken = false;
        for (int k = 0; k < scan->count; k++)
            taken |= scan->components[k] == component;
        if (component->id == id && !taken)
            return component;
    }
    return NULL;
}

/* A component keeps the table that was there at its first scan. */
static bool keep_quantization(struct jpeg_component *component, const struct jpeg *jpeg)
{
    for (int k = 0; k < JPEG_BLOCK; k++)
        if (component->low_bit[k] != JPEG_NO_BITS)
            return true;
    if (component->table >= JPEG_TABLES || !jpeg->quantization_defined[component->table])
        return false;
    memcpy(component->quantization, jpeg->quantization[component->table], sizeof component->quantization);
    return true;
}

static const struct jpeg_huffman *table_of(const struct jpeg_huffman *tables, int index)
{
    return index < JPEG_TABLES && tables[index].defined ? &tables[index] : NULL;
}

/* Of a progressive frame: which coefficients and bits (T.81, G.1.1.1). Sequential ones have all, whatever they say. */
static bool bands_are_valid(const struct jpeg_scan *scan)
{
    if (scan->first == 0 ? scan->last != 0 : scan->count > 1)
        return false;
    return scan->first <= scan->last && scan->last < JPEG_BLOCK && scan->low_bit <= 13 &&
           (scan->high_bit == 0 || scan->low_bit == scan->high_bit - 1);
}

/* The Huffman tables that its blocks are coded with are there. */
static bool tables_are_defined(const struct jpeg_scan *scan)
{
    const bool progressive = scan->frame->progressive;
    for (int i = 0; i < scan->count; i++) {
        const bool dc = scan->dc[i] && scan->dc[i]->max_symbol <= 15;
        if (progressive ? scan->first > 0 ? !scan->ac[i] : !dc && !scan->high_bit : !dc || !scan->ac[i])
            return false;
    }
    return true;
}

static enum status scan_header(struct jpeg *jpeg)
{
    struct jpeg_scan *scan = &jpeg->scan;
    struct jpeg_segment segment;
    const enum status status = jpeg_next_segment(&segment, &jpeg->reader);
    if (status)
        return status;
    const uint8_t *p = segment.bytes;
    if (segment.size < 1 || p[0] < 1 || p[0] > jpeg->frame.count || segment.size != 4 + (size_t)p[0] * 2)
        return STATUS_IMAGE_CORRUPT;
    *scan = (struct jpeg_scan){.frame = &jpeg->frame, .restart_interval = jpeg->restart_interval};
    if (!jpeg->frame.progressive)
        jpeg_huffman_define_typical(jpeg->dc, jpeg->ac);
    int blocks = 0;
    for (const uint8_t *each = p + 1; scan->count < p[0]; each += 2) {
        struct jpeg_component *component = component_by_id(scan, each[0]);
        if (!component || !keep_quantization(component, jpeg))
            return STATUS_IMAGE_CORRUPT;
        scan->dc[scan->count] = table_of(jpeg->dc, each[1] >> 4);
        scan->ac[scan->count] = table_of(jpeg->ac, each[1] & 15);
        scan->components[scan->count++] = component;
        blocks += component->h * component->v;
    }
    if (scan->count > 1 && blocks > JPEG_MCU_BLOCKS)
        return STATUS_IMAGE_CORRUPT;
    p += segment.size - 3;
    if (jpeg->frame.progressive) {
        scan->first = p[0];
        scan->last = p[1];
        scan->high_bit = p[2] >> 4;
        scan->low_bit = p[2] & 15;
    } else {
        scan->last = JPEG_BLOCK - 1;
    }
    if ((jpeg->frame.progressive && !bands_are_valid(scan)) || !tables_are_defined(scan))
        return STATUS_IMAGE_CORRUPT;
    jpeg_scan_open(scan, jpeg->reader.at, jpeg->reader.end);
    return STATUS_OK;
}

enum status jpeg_open(struct jpeg *jpeg, const uint8_t *bytes, size_t size)
{
    memset(jpeg, 0, sizeof *jpeg);
    jpeg->reader = (struct jpeg_reader){bytes + 2, bytes + size}; /* behind the first marker */
    jpeg->orientation = 1;
    jpeg->adobe = -1;
    const enum status status = jpeg_next_scan(jpeg);
    return status ? status : scan_header(jpeg);
}

static int block_rows(const struct jpeg_frame *frame, int i) { return frame->mcu_rows * frame->components[i].v; }

static uint64_t blocks_of(const struct jpeg_frame *frame)
{
    uint64_t blocks = 0;
    for (int i = 0; i < frame->count; i++)
        blocks += (uint64_t)frame->components[i].columns * (uint64_t)block_rows(frame, i);
    return blocks;
}

/* Before anything is decoded: a small file can hold thousands of scans, each of which goes through all blocks. */
static uint64_t count_scans(const struct jpeg *jpeg)
{
    struct jpeg_reader rest = jpeg->reader;
    struct jpeg_segment segment;
    uint64_t scans = 1;
    for (int marker; (marker = jpeg_next_marker(&rest)) != JPEG_END && marker != JPEG_EOI; scans += marker == JPEG_SOS)
        if (jpeg_has_segment(marker) && jpeg_next_segment(&segment, &rest))
            break;
    return scans;
}

/* All that can be refused for its size. */
static enum status check_effort(const struct jpeg *jpeg, bool at_once)
{
    const uint64_t blocks = blocks_of(&jpeg->frame), left = (uint64_t)(jpeg->reader.end - jpeg->reader.at);
    if (left * 8 < blocks) /* a bit a block at least: a small file that claims to be a giant takes no memory */
        return STATUS_IMAGE_TRUNCATED;
    const uint64_t scans = at_once ? 1 : count_scans(jpeg);
    return scans > LIMIT_IMAGE_SCANS || scans * blocks > LIMIT_IMAGE_SCAN_BLOCKS ? STATUS_IMAGE_SCANS : STATUS_OK;
}

/* The rows that are complete once those of MCUs before `end` have their samples: all but the last one, or all. */
static void convert_rows(struct jpeg_rows *rows, int end)
{
    const struct jpeg_frame *frame = rows->frame;
    const int last = (end - 1) * frame->v * 8;
    if (end >= 2)
        jpeg_rows_convert(rows, last - frame->v * 8, last);
    if (end == frame->mcu_rows)
        jpeg_rows_convert(rows, last, frame->height);
}

/* All in one scan: a row of MCUs becomes samples as it is read. */
static enum status decode_at_once(struct jpeg_rows *rows, struct jpeg_scan *scan)
{
    for (int row = 0; row < scan->mcu_rows; row++) {
        const enum status status = jpeg_scan_row(scan, row);
        if (status)
            return status;
        convert_rows(rows, row + 1);
    }
    return STATUS_OK;
}

/* Notes the bits that a scan has brought; whether none is left to come. */
static bool is_complete(const struct jpeg_scan *scan)
{
    int missing = 0;
    for (int i = 0; i < scan->count; i++)
        memset(scan->components[i]->low_bit + scan->first, scan->low_bit, (size_t)(scan->last - scan->first + 1));
    for (int i = 0; i < scan->frame->count; i++)
        for (int k = 0; k < JPEG_BLOCK; k++)
            missing |= scan->frame->components[i].low_bit[k];
    return missing == 0;
}

/* Several scans, each of some components, coefficients or bits, until there are all. */
static enum status decode_scans(struct jpeg *jpeg)
{
    struct jpeg_scan *scan = &jpeg->scan;
    for (;;) {
        enum status status = STATUS_OK;
        for (int row = 0; row < scan->mcu_rows && !status; row++)
            status = jpeg_scan_row(scan, row);
        if (status || is_complete(scan))
            return status;
        jpeg->reader.at = scan->bits.at;
        status = jpeg_next_scan(jpeg);
        if (!status)
            status = scan_header(jpeg);
        if (status)
            return status;
    }
}

static void transform_rows(struct jpeg_rows *rows)
{
    const struct jpeg_frame *frame = rows->frame;
    for (int row = 0; row < frame->mcu_rows; row++) {
        for (int i = 0; i < frame->count; i++) {
            const struct jpeg_component *component = &frame->components[i];
            for (int y = row * component->v; y < (row + 1) * component->v; y++)
                for (int x = 0; x < component->columns; x++)
                    jpeg_idct(jpeg_samples(component, y, x), component->stride,
                              component->coefficients + jpeg_block_index(component, y, x) * JPEG_BLOCK,
                              component->quantization);
        }
        convert_rows(rows, row + 1);
    }
}

static void plan(struct jpeg_rows *rows, struct jpeg_frame *frame, bool at_once, struct arena *arena)
{
    jpeg_rows_plan(rows, arena);
    for (int i = 0; i < frame->count; i++) {
        struct jpeg_component *component = &frame->components[i];
        component->samples = arena_alloc(arena, (uint64_t)component->ring * (uint64_t)component->stride, 1);
        if (at_once)
            continue;
        const size_t blocks = (size_t)component->columns * (size_t)block_rows(frame, i);
        component->coefficients = arena_alloc(arena, blocks * JPEG_BLOCK, sizeof *component->coefficients);
        component->nonzero = arena_alloc(arena, blocks, sizeof *component->nonzero);
        if (!arena->base)
            continue;
        memset(component->coefficients, 0, blocks * JPEG_BLOCK * sizeof *component->coefficients);
        memset(component->nonzero, 0, blocks * sizeof *component->nonzero);
    }
}

enum status jpeg_decode(const struct picture_rows *taker, struct jpeg *jpeg, struct arena *arena)
{
    struct jpeg_rows rows = {.frame = &jpeg->frame, .rgb = jpeg->rgb, .taker = taker};
    const bool at_once = !jpeg->frame.progressive && jpeg->scan.count == jpeg->frame.count;
    plan(&rows, &jpeg->frame, at_once, arena);
    if (!arena->base)
        return check_effort(jpeg, at_once);
    if (at_once)
        return decode_at_once(&rows, &jpeg->scan);
    const enum status status = decode_scans(jpeg);
    if (!status)
        transform_rows(&rows);
    return status;
}
