/* Measures the search for near-duplicates (train_native/data/duplicates.h), and prints a table:
 *
 *     bench-duplicates DATA ...    recall of each change of a data set's test images, and what else it calls alike
 *
 * A change is found if the changed picture is in the group of its original, among all others of the set. */
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/dataset_open.h"
#include "data/duplicates.h"
#include "data/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, MAX_IMAGES = 1000, BLOCK = 8 };

struct bitmap {
    int w, h;
    uint8_t *rgb; /* (h, w, 3) */
};

static const struct preprocess whole = {.resize_mode = RESIZE_STRETCH}, smooth = {.filter = FILTER_BICUBIC};

/* ---- Changes ---- */

static struct bitmap new_bitmap(int w, int h) { return (struct bitmap){w, h, allocate((size_t)w * (size_t)h, 3)}; }

static uint8_t clipped(float value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)lrintf(value); }

static struct bitmap resized(const struct bitmap *in, int percent)
{
    struct bitmap out = new_bitmap(in->w * percent / 100, in->h * percent / 100);
    resize_pixels(out.rgb, in->rgb, (struct shape){in->h, in->w, 3}, (struct shape){out.h, out.w, 3}, &smooth);
    return out;
}

static struct bitmap brightened(const struct bitmap *in, int steps)
{
    struct bitmap out = new_bitmap(in->w, in->h);
    for (int i = 0; i < in->w * in->h * 3; i++)
        out.rgb[i] = clipped((float)(in->rgb[i] + steps));
    return out;
}

/* A fraction of both sides is cut off, at the left and the top or at the right and the bottom. */
static struct bitmap cropped(const struct bitmap *in, int percent)
{
    const int cut_w = in->w * abs(percent) / 100, cut_h = in->h * abs(percent) / 100;
    struct bitmap out = new_bitmap(in->w - cut_w, in->h - cut_h);
    const int left = percent > 0 ? cut_w : 0, top = percent > 0 ? cut_h : 0;
    for (int y = 0; y < out.h; y++)
        memcpy(out.rgb + (size_t)(y * out.w) * 3, in->rgb + (size_t)((y + top) * in->w + left) * 3, (size_t)out.w * 3);
    return out;
}

/* The step of a frequency at a quality, of ITU-T T.81's example tables (K.1, K.2) as libjpeg scales them. */
static float step_of(int channel, int k, int quality)
{
    static const uint8_t luminance[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                          14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                          18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                          49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
    static const uint8_t chrominance[16] = {17, 18, 24, 47, 18, 21, 26, 66, 24, 26, 56, 99, 47, 66, 99, 99};
    const int x = k % BLOCK, y = k / BLOCK;
    const int base = channel == 0 ? luminance[k] : x < 4 && y < 4 ? chrominance[4 * y + x] : 99;
    const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality, step = (base * percent + 50) / 100;
    return (float)(step < 1 ? 1 : step > 255 ? 255 : step);
}

/* out = m a m' or, transposed, m' a m. */
static void transform(float *out, const float *a, const float *m, bool transposed)
{
    float half[BLOCK * BLOCK];
    for (int pass = 0; pass < 2; pass++) { /* each along the rows, and turns them into columns */
        const float *from = pass ? half : a;
        float *to = pass ? out : half;
        for (int y = 0; y < BLOCK; y++)
            for (int u = 0; u < BLOCK; u++) {
                float sum = 0;
                for (int x = 0; x < BLOCK; x++)
                    sum += m[transposed ? x * BLOCK + u : u * BLOCK + x] * from[y * BLOCK + x];
                to[u * BLOCK + y] = sum;
            }
    }
}

/* What a JPEG file of this quality keeps of a block: (8, 8) of each of Y, Cb and Cr. */
static void round_block(float block[3][BLOCK * BLOCK], int quality)
{
    float cosines[BLOCK * BLOCK], frequencies[BLOCK * BLOCK];
    for (int u = 0; u < BLOCK; u++)
        for (int x = 0; x < BLOCK; x++)
            cosines[u * BLOCK + x] =
                (u ? 0.5f : sqrtf(0.125f)) * cosf((float)((2 * x + 1) * u) * (float)M_PI / (2 * BLOCK));
    for (int c = 0; c < 3; c++) {
        transform(frequencies, block[c], cosines, false);
        for (int k = 0; k < BLOCK * BLOCK; k++)
            frequencies[k] = rintf(frequencies[k] / step_of(c, k, quality)) * step_of(c, k, quality);
        transform(block[c], frequencies, cosines, true);
    }
}

static struct bitmap encoded(const struct bitmap *in, int quality)
{
    struct bitmap out = new_bitmap(in->w, in->h);
    for (int top = 0; top < in->h; top += BLOCK)
        for (int left = 0; left < in->w; left += BLOCK) {
            float block[3][BLOCK * BLOCK];
            for (int k = 0; k < BLOCK * BLOCK; k++) {
                const int x = left + k % BLOCK, y = top + k / BLOCK;
                const uint8_t *p = in->rgb + 3 * ((y < in->h ? y : in->h - 1) * in->w + (x < in->w ? x : in->w - 1));
                const float r = p[0], g = p[1], b = p[2];
                block[0][k] = 0.299f * r + 0.587f * g + 0.114f * b - 128;
                block[1][k] = -0.168736f * r - 0.331264f * g + 0.5f * b;
                block[2][k] = 0.5f * r - 0.418688f * g - 0.081312f * b;
            }
            round_block(block, quality);
            for (int k = 0; k < BLOCK * BLOCK; k++) {
                const int x = left + k % BLOCK, y = top + k / BLOCK;
                if (x >= in->w || y >= in->h)
                    continue;
                const float luma = block[0][k] + 128, blue = block[1][k], red = block[2][k];
                uint8_t *p = out.rgb + 3 * (y * in->w + x);
                p[0] = clipped(luma + 1.402f * red);
                p[1] = clipped(luma - 0.344136f * blue - 0.714136f * red);
                p[2] = clipped(luma + 1.772f * blue);
            }
        }
    return out;
}

static const struct change {
    const char *name;
    struct bitmap (*make)(const struct bitmap *in, int amount);
    int amount;
} changes[] = {{"JPEG of quality 30", encoded, 30},
               {"JPEG of quality 50", encoded, 50},
               {"JPEG of quality 75", encoded, 75},
               {"JPEG of quality 95", encoded, 95},
               {"resized to 50 %", resized, 50},
               {"resized to 75 %", resized, 75},
               {"resized to 150 %", resized, 150},
               {"resized to 200 %", resized, 200},
               {"brighter by 10 of 255", brightened, 10},
               {"brighter by 20", brightened, 20},
               {"darker by 20", brightened, -20},
               {"cropped by 5 % at the left and top", cropped, 5},
               {"cropped by 5 % at the right and bottom", cropped, -5},
               {"cropped by 10 %", cropped, 10}};
enum { CHANGES = sizeof changes / sizeof *changes };

/* ---- Counting ---- */

static void add_thumbnail(uint8_t *thumbnails, int index, const struct bitmap *image)
{
    resize_pixels(thumbnails + (size_t)index * shape_count(thumbnail_shape), image->rgb,
                  (struct shape){image->h, image->w, 3}, thumbnail_shape, &whole);
}

/* Pairs of the first `count` pictures that are called alike. */
static long alike_pairs(const struct duplicates *duplicates, int count)
{
    long pairs = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            pairs += duplicates->alike[i] == duplicates->alike[k];
    return pairs;
}

static void measure(const char *path)
{
    struct data_options options = usual_data;
    options.path = path;
    struct dataset set = dataset_open(&options, DATASET_TEST);
    dataset_read(&set, (struct shape){SIDE, SIDE, 3}, &whole);
    const int n = set.count < MAX_IMAGES ? set.count : MAX_IMAGES;
    uint8_t *thumbnails = allocate(2 * (size_t)n, shape_count(thumbnail_shape));
    uint64_t *contents = allocate(2 * (size_t)n, sizeof *contents);
    struct bitmap *images = allocate((size_t)n, sizeof *images);
    for (int i = 0; i < 2 * n; i++)
        contents[i] = (uint64_t)i;
    for (int i = 0; i < n; i++) {
        images[i] = (struct bitmap){set.shape.w, set.shape.h, pixels_at(set.pixels, dataset_row(&set, i))};
        add_thumbnail(thumbnails, i, &images[i]);
    }
    printf("| %s, %d images | found |\n| --- | --- |\n", set.name, n);
    for (int c = 0; c < CHANGES; c++) {
        int found = 0;
        for (int i = 0; i < n; i++) {
            const struct bitmap changed = changes[c].make(&images[i], changes[c].amount);
            add_thumbnail(thumbnails, n + i, &changed);
            free(changed.rgb);
        }
        struct duplicates duplicates = duplicates_find(contents, thumbnails, 2 * n);
        for (int i = 0; i < n; i++)
            found += duplicates.alike[i] == duplicates.alike[n + i];
        printf("| %s | %.1f %% |\n", changes[c].name, 100.0 * found / n);
        duplicates_free(&duplicates);
    }
    struct duplicates duplicates = duplicates_find(contents, thumbnails, n);
    printf("| alike among the images themselves, of %s pairs | %ld |\n\n",
           format_thousands((uint64_t)n * (uint64_t)(n - 1) / 2), alike_pairs(&duplicates, n));
    duplicates_free(&duplicates);
    free(images);
    free(contents);
    free(thumbnails);
    dataset_free(&set);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench-duplicates DATA ...\n");
        return EXIT_USAGE;
    }
    for (int i = 1; i < argc; i++)
        measure(argv[i]);
    return 0;
}
