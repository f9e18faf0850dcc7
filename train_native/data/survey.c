#include "data/survey.h"

#include "data/content.h"
#include "data/dataset_open.h"
#include "data/duplicates.h"
#include "data/memory_budget.h"
#include "data/pixels.h"
#include "cli/errors.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

const char *const survey_parts[SURVEY_PARTS] = {"train", "validation", "test", "undivided"};
static const struct preprocess whole_image = {.resize_mode = RESIZE_STRETCH, .background = {255, 255, 255}};

/* ---- Gathering ---- */

static void allocate_lists(struct survey *survey, int count)
{
    survey->count = count;
    survey->files = allocate((size_t)count, sizeof *survey->files);
    survey->labels = allocate((size_t)count, sizeof *survey->labels);
    survey->parts = allocate((size_t)count, sizeof *survey->parts);
    survey->contents = allocate((size_t)count, sizeof *survey->contents);
}

/* Every image of every part; returns thumbnails of thumbnail_shape. */
static struct pixels *gather_photos(struct survey *survey, const struct data_options *options)
{
    const struct photo_list *list = survey->sets[0].photos;
    const struct photo_reading reading = {list,
                                          thumbnail_shape,
                                          &whole_image,
                                          options->threads ? options->threads : omp_get_max_threads(),
                                          memory_budget(options->memory),
                                          false};
    struct failure failure;
    allocate_lists(survey, list->count);
    struct pixels *thumbnails = pixels_new(list->count, shape_count(thumbnail_shape), reading.memory);
    survey->facts = photos_read(&reading, thumbnails, &failure);
    if (!survey->facts)
        die_of(&failure);
    for (int i = 0; i < list->count; i++) {
        survey->files[i] = text_copy(list->photos[i].path);
        survey->labels[i] = list->photos[i].label;
        survey->parts[i] = list->photos[i].part;
        survey->contents[i] = survey->facts[i].content;
    }
    return thumbnails;
}

static struct pixels *gather_records(struct survey *survey)
{
    static const uint8_t parts[] = {PHOTO_TRAIN, PHOTO_TEST};
    allocate_lists(survey, survey->sets[0].count + survey->sets[1].count);
    struct pixels *thumbnails = pixels_new(survey->count, shape_count(thumbnail_shape), UINT64_MAX);
    survey->median_size = (struct size){survey->sets[0].shape.w, survey->sets[0].shape.h};
    for (int k = 0, at = 0; k < survey->set_count; k++) {
        struct dataset *set = &survey->sets[k];
        for (int i = 0; i < set->count; i++) {
            const size_t image = shape_count(set->shape);
            survey->labels[at + i] = set->labels[i];
            survey->parts[at + i] = parts[k];
            survey->contents[at + i] = content_hash(dataset_pixels(set, i), image, 0);
            survey->files[at + i] = text_format("%s image %d", survey_parts[parts[k]], i);
        }
        dataset_fit(set, thumbnail_shape, &whole_image);
        for (int i = 0; i < set->count; i++)
            memcpy(pixels_at(thumbnails, at++), dataset_pixels(set, i), thumbnails->size);
    }
    return thumbnails;
}

static bool readable(const struct survey *survey, int i) { return !survey->facts || !survey->facts[i].reason[0]; }

/* ---- Counting ---- */

bool survey_misnamed(const struct survey *survey, int index)
{
    if (!survey->facts || !readable(survey, index))
        return false;
    const char *dot = strrchr(survey->files[index], '.');
    return dot && !strchr(dot, '/') && survey->facts[index].format < PICTURE_FORMAT_COUNT &&
           !format_has_extension((enum picture_format)survey->facts[index].format, survey->files[index]);
}

static int by_area(const void *a, const void *b)
{
    const struct size *x = a, *y = b;
    const int64_t p = (int64_t)x->width * x->height, q = (int64_t)y->width * y->height;
    return p != q ? (p < q ? -1 : 1) : x->width - y->width;
}

static void count_facts(struct survey *survey)
{
    struct size *sizes = allocate((size_t)survey->count + 1, sizeof *sizes);
    int sized = 0;
    for (int i = 0; survey->facts && i < survey->count; i++) {
        const struct photo_facts *facts = &survey->facts[i];
        const int w = facts->width, h = facts->height;
        if (!readable(survey, i)) {
            survey->unreadable++;
            continue;
        }
        survey->rotated += facts->orientation > 1;
        survey->by_another += facts->decoder != NULL;
        survey->transparent += facts->alpha;
        survey->misnamed += survey_misnamed(survey, i);
        survey->narrow += w >= NARROW * h || h >= NARROW * w;
        survey->small += w < SMALL || h < SMALL;
        sizes[sized++] = (struct size){w, h};
    }
    if (!survey->facts)
        sizes[sized++] = survey->median_size;
    if (sized) {
        qsort(sizes, (size_t)sized, sizeof *sizes, by_area);
        survey->min_size = sizes[0];
        survey->median_size = sizes[sized / 2];
        survey->max_size = sizes[sized - 1];
    }
    free(sizes);
    survey->counts = allocate((size_t)survey->classes * SURVEY_PARTS, sizeof *survey->counts);
    for (int i = 0; i < survey->count; i++) {
        survey->has_part[survey->parts[i]] = true;
        survey->counts[survey->labels[i] * SURVEY_PARTS + survey->parts[i]] += readable(survey, i);
    }
}

/* ---- Duplicates ---- */

struct group_member {
    int group, index;
};

static int by_group(const void *a, const void *b)
{
    const struct group_member *x = a, *y = b;
    return x->group != y->group ? x->group - y->group : x->index - y->index;
}

/* Adds the groups of two images and more. Of alike ones those whose images are not all equal: the others are
 * known. */
static void add_groups(struct survey *survey, const struct duplicates *duplicates, const int *indices, int count,
                       bool equal)
{
    struct group_member *members = allocate((size_t)count, sizeof *members);
    for (int k = 0; k < count; k++)
        members[k] = (struct group_member){(equal ? duplicates->same : duplicates->alike)[k], k};
    qsort(members, (size_t)count, sizeof *members, by_group);
    for (int start = 0, end; start < count; start = end) {
        bool all_equal = true;
        struct survey_group group = {.equal = equal};
        const int first = indices[members[start].index];
        for (end = start; end < count && members[end].group == members[start].group; end++) {
            const int index = indices[members[end].index];
            all_equal &= duplicates->same[members[end].index] == duplicates->same[members[start].index];
            group.across_classes |= survey->labels[index] != survey->labels[first];
            group.across_parts |= survey->parts[index] != survey->parts[first];
        }
        group.count = end - start;
        if (group.count < 2 || (!equal && all_equal))
            continue;
        survey->repeated += equal ? group.count - 1 : 0;
        group.indices = allocate((size_t)group.count, sizeof *group.indices);
        for (int k = start; k < end; k++)
            group.indices[k - start] = indices[members[k].index];
        LIST_ADD(survey->groups, survey->group_count, group);
    }
    free(members);
}

static void find_duplicates(struct survey *survey, uint8_t *thumbnails)
{
    const size_t bytes = shape_count(thumbnail_shape);
    int *indices = allocate((size_t)survey->count, sizeof *indices), count = 0; /* of what could be read */
    uint64_t *contents = allocate((size_t)survey->count, sizeof *contents);
    for (int i = 0; i < survey->count; i++)
        if (readable(survey, i)) {
            memmove(thumbnails + (size_t)count * bytes, thumbnails + (size_t)i * bytes, bytes);
            contents[count] = survey->contents[i];
            indices[count++] = i;
        }
    struct duplicates duplicates = duplicates_find(contents, thumbnails, count);
    add_groups(survey, &duplicates, indices, count, true);
    add_groups(survey, &duplicates, indices, count, false);
    duplicates_free(&duplicates);
    free(contents);
    free(indices);
}

/* ---- All of it ---- */

struct survey survey_of(const struct data_options *options)
{
    struct survey survey = {.sets = allocate(2, sizeof *survey.sets), .set_count = 1};
    survey.sets[0] = dataset_open(options, DATASET_TEST);
    struct pixels *thumbnails;
    if (survey.sets[0].photos) {
        thumbnails = gather_photos(&survey, options);
    } else {
        survey.sets[survey.set_count++] = survey.sets[0];
        survey.sets[0] = dataset_open(options, DATASET_TRAIN);
        thumbnails = gather_records(&survey);
    }
    survey.classes = survey.sets[0].classes;
    survey.class_names = survey.sets[0].class_names;
    count_facts(&survey);
    find_duplicates(&survey, thumbnails->bytes);
    pixels_free(thumbnails);
    return survey;
}

void survey_free(struct survey *survey)
{
    for (int i = 0; i < survey->count; i++)
        free(survey->files[i]);
    for (int i = 0; i < survey->group_count; i++)
        free(survey->groups[i].indices);
    for (int i = 0; i < survey->problem_count; i++)
        free(survey->problems[i]);
    for (int i = 0; i < survey->note_count; i++)
        free(survey->notes[i]);
    if (survey->facts)
        photos_facts_free(survey->facts, survey->sets[0].photos);
    for (int i = 0; i < survey->set_count; i++)
        dataset_free(&survey->sets[i]);
    free(survey->sets);
    free(survey->files);
    free(survey->labels);
    free(survey->parts);
    free(survey->contents);
    free(survey->counts);
    free(survey->groups);
}
