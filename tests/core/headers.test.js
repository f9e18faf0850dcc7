/* Every usage in a header compiles, and what needs no files runs: the indented code of the comment that opens each header in core/ and
 * train_native/, with the names that it presumes. Needs the objects that `make native` leaves.
 *
 * A block of indented lines is code if one of them ends in `;` (unless it is a table that begins with `offset`), or a static function.
 * In it `... text ...` on a line of its own stands for whatever comes there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const build = join(root, 'build', dirname(readlinkSync(join(root, 'build/eyelet'))));
const scratch = mkdtempSync(join(tmpdir(), 'eyelet-headers-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/* Names that usages presume, as declarations. Those of headers come after the header. */
const declarations = {
    bitmap: `static const uint8_t bytes[58] = {'B', 'M', [10] = 54, [14] = 40, [18] = 1, [22] = 1, [26] = 1, [28] = 24, [54] = 1, 2, 3};
        static const size_t size = sizeof bytes;`,
    bytes: 'static const uint8_t bytes[3] = {1, 2, 3}; static const size_t size = sizeof bytes;',
    kernel: `enum { n = 1, rows = 2, c = 4 };
        static float out[1 << 16], in[1 << 16] = {1, 2}, din[1 << 16], dout[1 << 16] = {1}, packed[1 << 16], packed_backward[1 << 16], scratch[1 << 16], weights[1 << 16] = {1};
        static float dweights[1 << 16], mean[c], std[c], scale[c] = {1, 1, 1, 1}, shift[c], dscale[c], dshift[c], factor[c], offset[c], running_mean[c], running_variance[c], bias[1024];`,
    window: `static const struct window window = {.in = {8, 8, 64}, .out = {8, 8, 64}, .kernel_h = 3, .kernel_w = 3, .stride = 1, .pad_top = 1, .pad_left = 1,
        .dilation = 1, .groups = 1};`,
    small_window: 'static const struct window window = {.in = {4, 4, 4}, .out = {4, 4, 4}, .kernel_h = 1, .kernel_w = 1, .stride = 1, .dilation = 1, .groups = 1};',
    count: 'enum { count = 2 };',
    classes: 'enum { classes = 3 };',
    indices: 'static int indices[] = {0, 1};',
    labels: 'static int labels[] = {0, 2};',
    logits: 'static float logits[] = {1, 0, 0, 0, 0, 1};',
    memory: 'static const size_t memory = 1000;',
    mean: 'static float mean[3], std[3];',
    shard: 'static const int shard = 16; static const enum initializer initializer = INITIALIZE_HE;',
    seed: 'static const uint64_t seed = 42;',
    shape: 'static const struct shape shape = {1, 1, 3};',
    threads: 'static const int threads = 1;',
    arguments: 'static char *argv[] = {"train", "-o", "m.eyelet", NULL}; static int argc = 3;',
    parameters: 'static float parameters[3072 * 10 + 10], gradients[3072 * 10 + 10], first[3072 * 10 + 10], second[3072 * 10 + 10], scratch[1];',
    net: 'static struct net net;',
    preprocess: 'static struct preprocess preprocess;',
    dataset: 'static struct dataset dataset;',
    trainer: 'static struct trainer *trainer;',
    settings: 'static struct trainer_settings settings;',
    subset: 'static struct subset subset, validation;',
    memory_block: 'static void *memory; static uint64_t size;',
    model: 'static struct model model; static const char *reason;',
    options: 'static struct train_options options; static struct epoch_result so_far, trained, measured, validation; static int epoch, epochs, images;',
};

/* A header's usages in turn. names: of the declarations; file: code at file scope; before, after: in the function around the usage;
 * head, call: of a function of its own, and a call of it; with: what stands for something that is no C; includes: further headers;
 * runs: false if it only compiles. */
const usages = {
    'core/base/arena.h': [{ file: 'static int *numbers; static void plan(struct arena *arena) { numbers = arena_alloc(arena, 3, sizeof *numbers); }',
        after: 'numbers[2] = 7; assert(arena.used == measure.used); free(arena.base);' }],
    'core/base/bytes.h': [{ before: 'uint8_t p[4];', after: 'assert(x == 0x01020304 && p[0] == 4);' }],
    'core/base/contract.h': [{ with: [['out[8], in[8]', 'out[8] = {0}, in[8] = {0}']] }],
    'core/base/memory_planner.h': [{ before: 'enum { COUNT = 2 };', after: 'assert(size == 1536);' }],
    'core/base/random.h': [{ names: 'seed', before: 'const uint64_t stream = 1, index = 2;', after: 'assert(a >= 0 && a < 1 && b == random_at(seed, stream, index));' }],
    'core/base/status.h': [{ includes: ['image/decode.h'], names: 'bitmap', before: 'struct picture picture;', after: 'assert(!status); free(picture.rgba);' }],
    'core/base/text.h': [{ includes: ['base/status.h'], head: 'static enum status check(const char *label, int length)', after: 'return STATUS_OK;',
        call: 'assert(check("\\303\\244", 2) == STATUS_OK && check("\\303", 1) == STATUS_TEXT);' }],
    'core/base/vec/vec.h': [
        { before: 'float a = 2, b[VEC_LANES] = {3}, out[VEC_LANES];', with: [['for (...)', 'for (int i = 0; i < 4; i++)']], after: 'vec_store(out, sum); assert(out[0] == 24);' },
        { before: 'int16_t a[2] = {2, 3}, b[2 * VEC_LANES] = {4, 5}; int32_t out[VEC_LANES]; ivec sum = ivec_set1(1);', after: 'ivec_store(out, sum); assert(out[0] == 24);' },
    ],
    'core/teacher.h': [{ names: 'bytes', after: 'assert(teach(NULL, bytes, size, NULL) == 0);' }], 'core/teacher_parts.h': [{ runs: false, before: 'const struct eyelet_teacher *teacher = NULL;', after: '(void)before;' }], 'core/training/tail.h': [{ runs: false, names: 'model classes', before: 'const float *weights = NULL, *embedding = NULL, range = 1;', after: '(void)status;' }],
    'core/classifier.h': [{ names: 'bytes', after: 'assert(classify(bytes, size, bytes, 1, 1) == -1);' }],
    'core/explain.h': [{ names: 'bytes', before: 'float heat[224 * 224];', after: 'assert(explain(heat, bytes, size, bytes, 0) == STATUS_TRUNCATED || explain(heat, bytes, size, bytes, 0) == STATUS_NOT_A_MODEL);' }],
    'core/image/bmp.h': [{ names: 'bitmap', before: 'uint8_t rgba[4];', after: 'assert(!status && rgba[0] == 3 && rgba[2] == 1);' }],
    'core/image/decode.h': [{ names: 'bitmap', after: 'assert(!status);' }],
    'core/image/formats.h': [{ names: 'bitmap' }],
    'core/image/image.h': [{ runs: false, names: 'bytes', before: `const uint8_t *rgba = bytes; const int width = 1, height = 1; const struct shape input = {1, 1, 3}; uint8_t pixels[3];
        float values[3];` }],
    'core/image/jpeg.h': [{ runs: false, names: 'bytes', before: 'uint8_t *rgba = NULL;' }],
    'core/image/jpeg_frame.h': [{ before: `static uint8_t samples[24 * 16]; struct jpeg_frame frame = {.components = {{.samples = samples, .stride = 16, .ring = 24}}}; const int row = 4, column = 1;`,
        after: 'assert(samples[9 * 16 + 10] == 128);' }],
    'core/image/jpeg_huffman.h': [{ before: 'const uint8_t counts[16] = {1}, symbols[] = {0x23}, data[] = {0x60}; const size_t size = 1;',
        after: 'assert(jpeg_code_run(code) == 2 && jpeg_value_of(&bits, code) == 6 && !made_up);' }],
    'core/image/jpeg_idct.h': [{ before: 'uint8_t samples[64]; const ptrdiff_t stride = 8; const int16_t coefficients[64] = {8}; const uint16_t quantization[64] = {10};', after: 'assert(samples[63] == 138);' }],
    'core/image/jpeg_rows.h': [{ runs: false, before: 'struct jpeg_frame frame = {.count = 1}; struct arena arena = {0}; uint8_t *rgba = NULL;' }],
    'core/image/jpeg_scan.h': [{ runs: false, before: 'struct jpeg_frame frame = {.count = 1}; const uint8_t *data = NULL, *end = NULL; enum status status = STATUS_OK;', with: [[', ...}', '}']] }],
    'core/image/jpeg_segments.h': [{ runs: false, before: 'struct jpeg jpeg;' }],
    'core/image/orientation.h': [{ runs: false, before: 'struct { int orientation; } picture; const uint8_t block[14] = {0}; const size_t block_size = 14;' }],
    'core/image/inflate.h': [{ runs: false, file: `static struct inflate inflate; static uint8_t header[2], trailer[4]; static const uint8_t *next_piece(void *context, size_t *size) { *size = 0; return context; }
        static void take(const uint8_t *bytes, size_t count) { assert(bytes || !count); } static void check(const uint8_t *bytes) { assert(bytes); }`, before: 'int pieces;' }],
    'core/image/png_rows.h': [{ runs: false, before: 'struct png png = {0}; enum status status;' }],
    'core/image/png.h': [{ includes: ['image/png_rows.h'], names: 'bytes', before: 'uint8_t rgba[4], workspace[1 << 17];', after: 'assert(status == STATUS_IMAGE_TRUNCATED);' }],
    'core/image/tiff.h': [{ names: 'bytes', before: 'int orientation = 1;', after: 'assert(orientation == 1);' }],
    'core/int8/int8_kernels.h': [{ runs: false, before: 'struct int8_layer layer = {0}; const int8_t *weights = NULL; const struct window window = {0}; int16_t *out = NULL; const int16_t *in = NULL; void *scratch = NULL; const size_t count = 1;' }],
    'core/int8/int8_dot.h': [{ before: 'static const int8_t vectors[128] = {2}; static const int16_t query[64] = {3};', after: 'assert(products[0] == 6 && !products[1]);' }],
    'core/int8/int8_layer.h': [{ runs: false, includes: ['int8/int8_kernels.h'], before: `void *memory = NULL; int32_t *bias = NULL, *factor = NULL; const int32_t *bias_of = NULL, *factor_of = NULL; const int8_t *weights = NULL;
        const struct window window = {0};` }],
    'core/int8/int8_winograd.h': [{ runs: false, names: 'window', before: 'struct int8_layer layer = {0}; const int8_t *weights = NULL; int16_t *out = NULL; const int16_t *in = NULL; void *scratch = NULL;' }],
    'core/kernels/activation.h': [{ names: 'kernel count classes logits', before: 'float probabilities[n * classes];', after: 'assert(out[1] == 2 && din[0] == 1);' }],
    'core/kernels/batchnorm.h': [{ names: 'kernel', includes: ['base/shape.h'] }],
    'core/kernels/channels.h': [{ before: `enum { pixels = 1, c = 2, second_c = 2, groups = 2, first = 1, count = 1 }; const float in[c] = {1, 2}, second[second_c] = {3, 4}, dout[c + second_c] = {5, 6};
        float joined[c + second_c], part[count], shuffled[c], din[c];`,
        with: [['forward(out, in, second', 'forward(joined, in, second'], ['slice_forward(out', 'slice_forward(part'], ['shuffle_forward(out', 'shuffle_forward(shuffled']],
        after: 'assert(joined[3] == 4 && din[1] == 6 && part[0] == 2 && shuffled[1] == 2);' }],
    'core/kernels/conv.h': [{ names: 'kernel small_window', after: 'assert(out[0] == 1 && din[0] == 1);' }],
    'core/kernels/depthwise.h': [{ names: 'kernel small_window', after: 'assert(out[0] == 1 && dweights[0] == 1);' }],
    'core/kernels/gemm.h': [{ before: 'enum { rows = 2, depth = 3, columns = 2 }; float a[rows * depth] = {1, 2, 3}, b[depth * columns] = {1, 0, 1, 0, 1}, c[rows * columns];',
        after: 'assert(c[0] == 6); free(packed);' }],
    'core/kernels/math.h': [{}],
    'core/kernels/pool.h': [{ names: 'kernel', after: 'assert(out[0] == 1 && din[0] == 1);' }],
    'core/kernels/winograd.h': [{ names: 'kernel window', before: 'float *packed = calloc(winograd_packed_count(&window), 4), *scratch = calloc(winograd_forward_scratch(n, &window), 4);', after: 'free(packed); free(scratch);' }],
    'core/kernels/winograd_transform.h': [{ with: [['pixels[WINOGRAD_PATCH]', 'pixels[WINOGRAD_PATCH] = {0}']] }],
    'core/net/int8_factors.h': [{ before: 'const float in = 1, out = 2;', after: 'assert(factor == 1 << (INT8_ADD_FRACTION - 1));' }],
    'core/net/kinds.h': [{ includes: ['net/net.h'] }],
    'core/net/model.h': [{ names: 'bytes', after: 'assert(status == STATUS_TRUNCATED || status == STATUS_NOT_A_MODEL);' }],
    'core/net/model_fields.h': [{ runs: false, before: 'struct model model; enum status status; uint8_t *bytes = NULL;' }],
    'core/net/net.h': [{ names: 'parameters', before: 'const float image[3072] = {1};', after: 'assert(!status); free(arena.base);' }],
    'core/net/net_gradient.h': [{ runs: false, names: 'net parameters', before: 'struct net_packed packed; struct net_run run; struct arena arena = {0}; const int class = 0;' }],
    'core/net/net_int8.h': [{ runs: false, names: 'net preprocess', before: 'const float own[LIMIT_NODES] = {0}, temperature = 1; const struct int8_weights weights[LIMIT_NODES] = {0}; const uint8_t *pixels = NULL;' }],
    'core/training/augment.h': [{ includes: ['training/images.h'], before: `const uint8_t pixels[2][3] = {{1, 2, 3}, {4, 5, 6}}; const uint16_t labels[2] = {0, 1}; const int indices[2] = {0, 1}, i = 0;
        const struct images images = {.pixels = &pixels[0][0], .labels = labels, .shape = {1, 1, 3}, .count = 2, .classes = 2}; const struct subset batch = {&images, indices, 2}; uint8_t out[3], scratch[3];`,
    after: 'assert(mix.fraction >= 0 && mix.fraction <= 1);' }],
    'core/training/barlow_twins.h': [{ before: 'enum { n = 4, d = 2 }; const float first[n * d] = {1, 1, -1, 1, 1, -1, -1, -1}, second[n * d] = {1, 1, 1, 1, -1, -1, -1, -1}; float dfirst[n * d], dsecond[n * d];',
        after: 'assert(loss > 0.5 && loss < 0.51 && dfirst[0] < 0 && dfirst[2] < 0); free(scratch);' }],
    'core/training/calibration.h': [{ names: 'count classes labels logits', after: 'assert(temperature > 0 && threshold.score <= 1);' }],
    'core/training/distillation.h': [{ before: `enum { n = 2, c = 2 }; const float logits[n * c] = {0, 4, 4, 0}, student[n * c] = {1, 0, 0, 1}; const int rows[] = {0, 1}, images[n] = {1, 0};
        const struct target targets[n] = {target_of(0), target_of(1)}; float wanted[n * c], softened[n * c], losses[n], probabilities[n * c], dstudent[n * c];`,
        after: 'assert(wanted[0] > 0.7f && losses[0] == losses[1] && dstudent[0] < 0);' }],
    'core/training/embedding_matching.h': [{ before: 'enum { n = 1, e = 4, stride = 4 }; const float projections[n * stride] = {1, 1, 1, 1}, wanted[n * e] = {0}; const struct target targets[n] = {target_of(0)}; float losses[n] = {0}, dprojections[n * stride];',
        after: 'assert(losses[0] == 1 && dprojections[0] == 0.5f);' }],
    'core/training/fold_batchnorm.h': [{ runs: false, names: 'net parameters', before: 'float *out = NULL;' }],
    'core/training/images.h': [{}],
    'core/training/initialize.h': [{ runs: false, names: 'net parameters seed', before: '' }],
    'core/training/loss.h': [{ before: 'enum { n = 1, c = 2 }; const float logits[n * c] = {1, 1}; float losses[n], probabilities[n * c], dlogits[n * c]; const int i = 0, label = 1;',
        after: 'assert(probabilities[0] == 0.5f && dlogits[label] < 0);' }],
    'core/training/muon.h': [{ before: 'static float w[27 * 16] = {1}, gradient[27 * 16] = {1}, velocity[27 * 16]; float *scratch = malloc(muon_scratch_count(27, 16) * sizeof *scratch);', after: 'assert(velocity[0] == 1); free(scratch);' }],
    'core/training/optimizer.h': [{ runs: false, names: 'net parameters', before: 'const int64_t step = 1;' }],
    'core/training/parallel.h': [{ after: 'assert(a[0] == 4 && a[1] == 8);' }, { before: 'float a[2] = {1, 2}; parallel_part_of *part_of = NULL; const struct parallel parallel = parallel_threads(1);', after: 'assert(a[1] == 4);' }],
    'train_native/ranks/ranks.h': [{ runs: false, before: 'enum { count = 1 }; const float weights[count] = {0}; const char *path = "";', includes: ['cli/files.h'] }], 'train_native/ranks/transport.h': [{ runs: false, before: 'float weights[2]; const size_t bytes = sizeof weights;' }], 'train_native/ranks/exchange.h': [{ runs: false, before: 'const int threads = 1, rank = 0, ranks = 2;' }], 'train_native/cli/quiet.h': [{ runs: false, includes: ['cli/errors.h'] }],
    'core/training/precise_batchnorm.h': [{ runs: false, names: 'trainer subset', before: 'void save(const float *weights); const struct subset train = subset;' }],
    'core/training/quantize.h': [{ runs: false, names: 'preprocess', before: 'const struct net folded = {0}; const float *folded_parameters = NULL; float *parameters = NULL; struct net_run *run = NULL; const int n = 1;' }],
    'core/training/schedule.h': [
        { before: 'const struct optimizer optimizer = {.learning_rate = 1}; const double epochs_done = 1, warmup = 2, epochs = 10;', after: 'assert(now.learning_rate > 0 && now.learning_rate < 1);' },
        { before: 'const double validation_loss = 1;', after: 'assert(plateau.factor == 1);' },
    ],
    'core/training/similarity.h': [{ includes: ['training/cross_validation.h'], before: `enum { count = 11, features = 2 }; float embeddings[count * features] = {0, 1}; const float embedding[features] = {2, 0}; uint8_t folds[count] = {0}; for (int i = 1; i < count; i++) { embeddings[2 * i] = (float)i; folds[i] = (uint8_t)(i % 5); } const struct arena memory = {.base = aligned_alloc(ARENA_ALIGNMENT, similarity_limit_bytes(count)), .size = similarity_limit_bytes(count)};`, with: [['if (largest of similarities < limit)', 'if (similarities[1] < limit)']], after: 'assert(similarities[0] == 0 && similarities[1] == 1 && limit == 0); free(memory.base);' }], 'core/training/cross_validation.h': [{ before: `enum { count = 4, features = 2, classes = 2 }; const float x[count * features] = {1, 1, 2, 1, -1, 1, -2, 1}; const struct target targets[count] = {target_of(0), target_of(0), target_of(1), target_of(1)}; const struct parallel parallel = parallel_threads(1); const struct regression data = {x, targets, count, features, classes, gemm_exact, &parallel}; float logits[count * classes], w[CROSS_VALIDATION_FOLDS * features * classes]; void *block = aligned_alloc(ARENA_ALIGNMENT, 1 << 20);`, after: 'assert(folds[0] != folds[1] && loss > 0 && logits[0] > logits[1] && logits[6] < logits[7]); free(block);' }],
    'core/training/softmax_regression.h': [{ names: 'count classes',
        before: `enum { features = 2 }; const float x[count * features] = {1, 1, -1, 1}; const struct target targets[count] = {target_of(0), target_of(2)};
        float logits[count * classes], w[features * classes]; void *block = aligned_alloc(ARENA_ALIGNMENT, 1 << 20);`,
        after: 'assert(iterations > 0 && logits[0] > logits[2]); free(block);' }],
    'core/training/trainer.h': [{ runs: false, names: 'net preprocess memory_block subset settings', before: 'void save(const float *weights);' }],
    'core/training/trainer_step.h': [{ runs: false, names: 'settings subset trainer', before: 'const struct subset batch = subset; const int epoch = 0;' }],
    'core/training/twin_step.h': [{ runs: false, names: 'net settings subset trainer memory_block', with: [['..., .twins', '.twins']], before: 'const struct subset batch = subset; const int epoch = 0;' }],
    'core/training/unfold_batchnorm.h': [{ runs: false, names: 'net preprocess subset', before: 'const int head = 1; const float *folded = NULL; float *parameters = NULL; const struct arena memory = {0};' }],
    'core/training/whiten.h': [{ runs: false, names: 'net preprocess subset', before: 'float *parameters = NULL; void *memory = NULL;' }],
    'train_native/cli/errors.h': [{ runs: false }, { runs: false }],
    'train_native/cli/csv_field.h': [{ before: 'char *text; size_t size; FILE *out = text_open(&text, &size);', includes: ['cli/text.h'],
        after: 'text_close(out); assert(strcmp(text, "\\"a \\"\\"b\\"\\".png\\"") == 0);' }],
    'train_native/cli/escape.h': [{ file: 'static const char label[] = "cat";' }],
    'train_native/cli/json.h': [{ names: 'count', before: 'const char *path = "a.png"; const double scores[count] = {0.5, 0.25};' }],
    'train_native/cli/large_file.h': [{ runs: false, includes: ['stdio.h'], before: 'const size_t size = 4;' }],
    'train_native/cli/list.h': [{ file: 'struct photo { const char *path; };', before: 'const char *path = "a.png";', with: [['free(photos);', 'assert(count == 1 && photos[0].path == path); free(photos);']] }],
    'train_native/cli/md5.h': [{ names: 'bytes', after: 'assert(digest[0] == 0x52 && digest[1] == 0x89);' }],
    'train_native/cli/new_file.h': [{ runs: false, includes: ['stdio.h'] }],
    'train_native/cli/options.h': [{ names: 'arguments', before: 'const char *usage = "train";', with: [['int first', 'argc = 1; int first']], after: 'assert(first == 1);' }],
    'train_native/cli/sha256.h': [{ names: 'bytes', after: 'assert(digest[0] == 0x03 && digest[1] == 0x90);' }],
    'train_native/cli/text.h': [{ after: 'assert(size == 3 && strcmp(json, "...") == 0); free(json);' }],
    'train_native/commands/curve.h': [{ runs: false, before: 'train_run *run = NULL; struct train_options options = {0}; int argc = 0; char **argv = NULL;' }],
    'train_native/commands/outliers.h': [{ runs: false, includes: ['stdlib.h'] }],
    'train_native/commands/choose.h': [{ runs: false, includes: ['commands/train_options.h'], names: 'dataset arguments', before: 'struct train_options o;' }],
    'train_native/commands/class_notes.h': [{ runs: false, names: 'dataset', before: 'const struct split split = {0};' }],
    'train_native/commands/comparison.h': [{ runs: false, includes: ['commands/or_die.h'], names: 'bytes', before: 'const uint8_t *small = NULL; const size_t small_size = 0; const struct dataset test = {0};' }],
    'train_native/commands/contest.h': [{ before: 'const int epoch = 2, epochs = 8; const double best = 0.9; const struct epoch_result measured = {.count = 100, .correct = 40};', with: [['stop();', 'return;']], after: 'assert(!"the head has won");' }],
    'train_native/commands/epochs.h': [{ runs: false, names: 'trainer options', before: 'const struct model_writer writer = {0}; const struct subset train = {0}, validation = {0}; char *identity = NULL;' }],
    'train_native/commands/class_weights.h': [{ includes: ['math.h'], with: [['free(weights);', 'assert(fabsf(weights[0] - 0.5556f) < 1e-3f && weights[1] == 5); free(weights);']] }],
    'train_native/commands/flip_choice.h': [{ runs: false, names: 'options', before: 'const struct subset train = {0};' }],
    'train_native/commands/find_learning_rate.h': [{ runs: false, names: 'trainer settings subset' }],
    'train_native/commands/known_fetch.h': [{ runs: false, includes: ['stdio.h', 'stdlib.h'] }],
    'train_native/commands/label_list.h': [{ runs: false }], 'train_native/commands/model_dataset.h': [{ runs: false, names: 'model', before: 'const struct data_options options = {0}; const int limit = 0;' }],
    'train_native/commands/model_writer.h': [{ runs: false, names: 'net preprocess dataset options', before: 'const char *command = ""; const int train_count = 1; const float *weights = NULL;' }],
    'train_native/commands/or_die.h': [{ runs: false, includes: ['cli/memory.h'], names: 'dataset arguments' }],
    'train_native/commands/pretraining.h': [{ runs: false, includes: ['commands/epochs.h'], names: 'trainer options', before: 'const struct subset train = {0};' }],
    'train_native/commands/probe.h': [{ runs: false, before: 'const struct model_writer writer = {0}; struct transfer transfer = {0}; const struct subset train = {0}, validation = {0}; const struct parallel parallel = {0};' }],
    'train_native/commands/picture_run.h': [{ runs: false, includes: ['data/memory_budget.h'], file: 'static float sum; static void add_to_sum(void *context, int i, const struct picture_result *result) { *(float *)context += result->embedding[i]; }' }],
    'train_native/commands/progress.h': [{ runs: false, names: 'options', before: 'const bool better = true;' }],
    'train_native/commands/regression_choice.h': [{ runs: false, includes: ['cli/memory.h'], names: 'options', before: 'const struct regression train = {0}, validation = {0};', with: [['measured =', 'chosen =']] }],
    'train_native/commands/retrain.h': [{ runs: false, includes: ['net/model.h'], before: 'struct net net = {0}; const struct model *model = NULL; const float *weights = NULL; const struct subset train = {0};' }],
    'train_native/commands/run_files.h': [{ runs: false, names: 'options' }],
    'train_native/commands/shared_options.h': [{ includes: ['data/dataset.h'], before: 'struct data_options data; int threads; bool json;' }],
    'train_native/commands/train_arguments.h': [{ names: 'arguments', with: [['arguments;', 'o;'], ['&arguments', '&o']], before: 'const struct recipe *recipe = recipes;', after: 'assert(first == 3);' }],
    'train_native/commands/train_options.h': [{ names: 'arguments', after: 'assert(!named);' }],
    'train_native/commands/teaching.h': [{ runs: false, names: 'dataset options trainer', before: `const struct subset train = {0}, validation = {0}; const float *class_weights = NULL; gemm_function *gemm = NULL;
        const struct parallel parallel = parallel_threads(1);`, includes: ['training/trainer.h'] }],
    'train_native/commands/trainer_memory.h': [{ runs: false, includes: ['data/memory_budget.h'], names: 'net' }],
    'train_native/commands/training_job.h': [{ runs: false, names: 'options arguments', before: 'const char *command = "";' }],
    'train_native/data/column_facts.h': [{ runs: false, before: 'const struct table table = {0}; const struct file_finder *finder = NULL;' }],
    'train_native/data/columns.h': [{ runs: false, before: 'const struct table table = {0}; const struct file_finder *finder = NULL; struct failure failure;' }],
    'train_native/data/content.h': [{ before: 'const uint8_t rgba[4] = {0}; const size_t size = 4; const int width = 1;' }],
    'train_native/data/dataset.h': [{ runs: false, includes: ['net/net.h', 'data/dataset_open.h'], names: 'preprocess mean indices count', before: 'const struct net *net = NULL;' }],
    'train_native/data/dataset_taught.h': [{ runs: false, names: 'dataset', includes: ['data/taught.h'] }], 'train_native/data/taught.h': [{}],
    'train_native/data/dataset_open.h': [{ runs: false, includes: ['net/net.h', 'data/split.h'], names: 'preprocess seed', before: 'const struct net *net = NULL;' }],
    'train_native/data/duplicates.h': [{ runs: false, names: 'count', before: 'const uint64_t *contents = NULL; const uint8_t *thumbnails = NULL; const int i = 0, k = 1;' }],
    'train_native/data/file_finder.h': [{ runs: false, names: 'count', before: 'const char *names[count] = {0};' }],
    'train_native/data/folder_entries.h': [{ runs: false, includes: ['stdio.h', 'cli/errors.h'] }],
    'train_native/data/folder_files.h': [{ runs: false, before: 'struct photo_list *list = NULL;', after: 'assert(images);' }],
    'train_native/data/folder_level.h': [{ runs: false, includes: ['stdio.h'] }],
    'train_native/data/layout.h': [{ runs: false, includes: ['stdio.h'] }],
    'train_native/data/layout_rest.h': [{ runs: false, includes: ['stdio.h'] }],
    'train_native/data/name_key.h': [{ includes: ['stdbool.h'], after: 'assert(same); free(a); free(b);' }],
    'train_native/data/name_match.h': [{ includes: ['stdio.h', 'stdlib.h'], before: 'static char *names[] = {"tench"}, *labels[] = {"tench, Tinca tinca"}; const int count = 1, label_count = 1;' }],
    'train_native/data/part_names.h': [{ includes: ['data/photo_list.h'], with: [['named_parts_free', 'assert(part_named("training_set") == PHOTO_TRAIN && part_named("trained_test") == PHOTO_TEST && part_named("left") < 0 && parts.count == 3); named_parts_free']] }],
    'train_native/data/download.h': [{ runs: false, includes: ['cli/errors.h', 'unistd.h'], before: 'const char *md5 = "";' }],
    'train_native/data/gzip.h': [{ runs: false, includes: ['stdlib.h'], names: 'bytes', before: 'const char *path = "a.gz"; struct failure failure;' }],
    'train_native/data/memory_budget.h': [{ after: 'assert(bytes > 0 && memory_budget(3) == 3 << 20);' }],
    'train_native/data/photo_list.h': [{ runs: false, includes: ['data/folder.h'] }],
    'train_native/data/photo_shares.h': [{ runs: false, names: 'count', before: 'struct photo_facts *facts = NULL; struct pixels *pixels = NULL; int own_count; const char *reason;' }],
    'train_native/data/same_files.h': [{ runs: false }],
    'train_native/data/photos.h': [{ runs: false, names: 'preprocess threads memory', before: 'const struct photo_list *list = NULL; struct pixels *pixels = NULL; const struct shape input = {1, 1, 3}; struct failure failure;' }],
    'train_native/data/picture_file.h': [{ runs: false, includes: ['cli/errors.h'] }],
    'train_native/data/pixel_file.h': [{ runs: false, before: 'const struct photo_reading reading = {0};' }],
    'train_native/data/pixels.h': [{ includes: ['data/memory_budget.h'], names: 'count', before: 'const size_t size = 12; const uint8_t image[12] = {3};', with: [['pixels_free', 'assert(first[0] == 3); pixels_free']] }],
    'train_native/data/resize.h': [{ runs: false, includes: ['image/decode.h'], names: 'preprocess', before: 'const struct picture picture = {0};' }],
    'train_native/data/sandbox.h': [{ names: 'count threads', file: 'struct job { int done; }; static void work(void *context, int i, struct sandbox_child *child) { ((struct job *)context)[i].done = 1; }',
        with: [['shared_memory_free', 'assert(job[1].done); shared_memory_free']] }],
    'train_native/data/sandbox_child.h': [{ includes: ['data/sandbox.h'], after: `bool *fits = shared_memory(2, 1); sandbox_run(&(struct sandbox){2, 2, .context = fits, .work = work});
        assert(fits[0] && fits[1]);` }],
    'train_native/data/second_decoder.h': [{ runs: false, names: 'bitmap', before: 'struct picture picture; enum status status = STATUS_IMAGE_FORMAT;' }],
    'train_native/data/split.h': [{ runs: false, names: 'seed', before: 'const struct dataset train = {0};' }],
    'train_native/data/survey.h': [{ runs: false, includes: ['stdio.h'], before: 'const struct data_options options = usual_data;' }],
    'train_native/data/survey_judge.h': [{ runs: false, includes: ['stdio.h'], before: 'const struct data_options options = usual_data;' }],
    'train_native/data/table.h': [{ before: "static const uint8_t bytes[] = {'a', ';', 'b'}; const size_t size = sizeof bytes;", with: [['table_free', "assert(table.delimiter == ';' && table.columns == 2 && *first == 'a'); table_free"]] }],
    'train_native/exchange/safetensors_tensors.h': [{ runs: false, includes: ['stdio.h'], names: 'bytes' }],
    'train_native/exchange/known_models.h': [{ includes: ['stdio.h'] }],
    'train_native/exchange/flatbuffer.h': [{ names: 'bytes', includes: ['cli/errors.h'], after: 'assert(buffer.broken);' }],
    'train_native/exchange/graph.h': [{ runs: false, before: 'struct failure failure; struct graph_conv conv = {0}; struct graph_dense dense = {0};' }],
    'train_native/exchange/graph_parts.h': [{ runs: false, before: 'struct graph *graph = NULL; int x = 0;' }],
    'train_native/exchange/hdf5_file.h': [{ runs: false, names: 'bytes', includes: ['stdlib.h'] }],
    'train_native/exchange/hdf5_heap.h': [{ runs: false, names: 'bytes', includes: ['cli/errors.h'], before: 'struct failure failure;' }],
    'train_native/exchange/import_labels.h': [{ runs: false, includes: ['stdio.h'] }],
    'train_native/exchange/import_model.h': [{ runs: false, includes: ['stdio.h', 'stdlib.h', 'cli/memory.h'] }],
    'train_native/exchange/import_preprocess.h': [{ includes: ['stdio.h'],
        after: 'assert(strcmp(text, "BGR, mean 0.485 0.456 0.406, std 0.229 0.224 0.225, stretched to 224x224") == 0);',
    }],
    'train_native/exchange/importer.h': [{ runs: false }],
    'train_native/exchange/json_tree.h': [{ runs: false, names: 'bytes' }],
    'train_native/exchange/keras_functional.h': [{ runs: false, includes: ['stdio.h'], head: 'static int read_all(struct graph *graph, const cJSON *config, const cJSON *node)', after: 'return 0;' }],
    'train_native/exchange/keras_layer.h': [{ runs: false, before: 'struct graph *graph = NULL; const cJSON *config = NULL; const struct named_weights weights = {0}; int x = 0, y;' }],
    'train_native/exchange/keras_model.h': [{ runs: false, before: `const cJSON *tree = NULL; const struct named_weights weights = {0}; struct graph_result result;
        struct failure failure;` }],
    'train_native/exchange/keras_weights.h': [{ runs: false, before: 'const cJSON *model = NULL; struct hdf5_file *file = NULL; struct failure failure; const bool is_archive = true;', after: 'assert(read);' }],
    'train_native/exchange/named_weights.h': [{ includes: ['cli/memory.h'], names: 'count', with: [['named_weights_free', 'assert(!twice && !ambiguous && kernel); named_weights_free']] }],
    'train_native/exchange/onnx.h': [{ runs: false, names: 'model', includes: ['cli/files.h'] }],
    'train_native/exchange/onnx_decode.h': [{ runs: false, names: 'bytes' }],
    'train_native/exchange/onnx_ends.h': [{ runs: false, includes: ['stdio.h'], before: 'struct onnx_reader *reader = NULL; struct imported imported = {0};' }],
    'train_native/exchange/onnx_fold.h': [{ runs: false, file: 'static void read_operator(struct onnx_reader *reader) { (void)reader; }', before: 'struct onnx_reader *reader = NULL;' }],
    'train_native/exchange/onnx_gelu.h': [{ runs: false, includes: ['stdio.h'], before: 'struct onnx_reader *reader = NULL; const int node = 1; bool exact;' }],
    'train_native/exchange/onnx_metadata.h': [{ runs: false, includes: ['stdio.h'], before: 'const Onnx__Model *model = NULL;' }],
    'train_native/exchange/onnx_node.h': [{ runs: false }],
    'train_native/exchange/onnx_operators.h': [{ runs: false, before: 'struct onnx_reader *reader = NULL; const Onnx__Node *node = NULL;' }],
    'train_native/exchange/onnx_shapes.h': [{ runs: false, before: 'struct onnx_reader *reader = NULL; int x = 0;' }],
    'train_native/exchange/onnx_tensor.h': [{ runs: false, includes: ['stdio.h'], before: 'const Onnx__Tensor *tensor = NULL; const struct package *package = NULL;' }],
    'train_native/exchange/onnx_graph.h': [{ runs: false, before: 'struct onnx_graph *graph = NULL; const struct node *node = NULL; const int i = 0;' }],
    'train_native/exchange/onnx_messages.h': [{ file: 'static void use(const uint8_t *bytes, size_t size) { assert(size == 165 && bytes[0] == 8 && bytes[1] == 7); }',
    }],
    'train_native/exchange/package.h': [{ runs: false }],
    'train_native/exchange/package_zip.h': [{ runs: false, names: 'bytes' }],
    'train_native/exchange/protobuf.h': [{ file: 'static void use(const uint8_t *bytes, size_t size) { assert(size == 10 && bytes[0] == 8 && bytes[1] == 7); }' }],
    'train_native/exchange/safetensors.h': [{ runs: false, names: 'model', includes: ['cli/files.h', 'cli/errors.h'] }],
    'train_native/exchange/tfjs_graph.h': [{ runs: false, before: `const cJSON *model = NULL; const struct named_weights weights = {0}; struct graph_result result;
        struct failure failure;` }],
    'train_native/exchange/tfjs_metadata.h': [{ runs: false, includes: ['stdio.h'], before: 'struct package *package = NULL; struct failure failure;' }],
    'train_native/exchange/tfjs_operator.h': [{ runs: false, includes: ['stdlib.h'], before: 'struct graph *graph = NULL; const cJSON *attributes = NULL; const struct tfjs_tensor input = {0};' }],
    'train_native/exchange/tfjs_weights.h': [{ runs: false, before: 'const cJSON *model = NULL; struct package *package = NULL; struct failure failure;' }],
    'train_native/model/backbones.h': [{ runs: false }],
    'train_native/model/blocks.h': [{ runs: false, names: 'net', before: 'const int head = 0;' }],
    'train_native/model/averaging.h': [{ runs: false, includes: ['cli/memory.h'], before: 'static const char *const paths[] = {"a", "b"}; const int count = 2; size_t size;', after: 'free(bytes);' }], 'train_native/model/gaussian_noise.h': [{ runs: false, after: 'assert(x == x);' }], 'train_native/model/privacy.h': [{ runs: false }], 'train_native/model/same_model.h': [{ runs: false, before: 'static struct model first, second;' }], 'train_native/model/checkpoint.h': [{ runs: false, names: 'trainer', before: 'const char *identity = ""; const int images = 1, batch = 1, epochs = 1; struct run_state state = {0};' }],
    'train_native/model/checkpoint_files.h': [{ runs: false, names: 'trainer', before: 'const char *identity = ""; const int images = 1, batch = 1, epochs = 1; struct run_state state = {0}; struct failure failure;' }],
    'train_native/model/embedding_cache.h': [{ runs: false, before: 'uint8_t key[32] = {0}; const uint8_t pixels[3] = {0}; const size_t size = 3; const int features = 1, rows = 1;', includes: ['data/content.h'] }],
    'train_native/model/embeddings.h': [{ runs: false, includes: ['cli/memory.h'], names: 'net parameters preprocess subset', before: 'const int head = 0, stride = 1; const struct parallel parallel = parallel_threads(1); const uint64_t memory = 0; struct embedding_cache cache;' }],
    'train_native/model/channel_groups.h': [{ runs: false, includes: ['stdio.h'], names: 'net parameters' }],
    'train_native/model/channel_importance.h': [{ runs: false, includes: ['stdio.h', 'stdlib.h'], names: 'net parameters', before: 'const struct channel_groups groups = {0};' }],
    'train_native/model/head.h': [{ runs: false, names: 'net' }],
    'train_native/model/projection.h': [{ runs: false, names: 'net parameters', before: 'const float *trained = NULL; const struct { int features; } teacher = {4};', with: [['... train projected: its first outputs are the classes of net ...', 'assert(!status);']] }],
    'train_native/model/projector.h': [{ runs: false, names: 'net parameters', before: 'const float *trained = NULL;', with: [['... train the twins ...', 'assert(!status);']] }],
    'train_native/model/input_moments.h': [{ runs: false, names: 'net', before: 'struct net_run run; const int n = 1, node = 0;' }],
    'train_native/model/interval.h': [{ after: 'assert(interval.low > 0.59 && interval.high < 0.99);' }],
    'train_native/model/learning_curve.h': [{ after: 'assert(twice.accuracy > 0.508 && twice.accuracy < 0.518 && twice.low > 0.43 && twice.low < 0.45 && twice.high > 0.56 && twice.high < 0.58);' }],
    'train_native/model/net_memory.h': [{ runs: false, names: 'net parameters', before: 'const float images[16 * 3072] = {0};' }],
    'train_native/model/network_words.h': [{ includes: ['base/bounds.h'], before: 'int channels = 0;', with: [['die_of(&failure);', 'assert(strcmp(failure.reason, "expected nothing more, got \\"3x3\\"") == 0);']],
        after: 'assert(words.failed && strcmp(failure.subject, "net.txt:1:11") == 0 && channels == 32);' }],
    'train_native/model/mirroring.h': [{ runs: false, includes: ['training/augment.h'], names: 'subset seed', before: 'const struct subset train = subset; struct augment augment = {0};' }],
    'train_native/model/outlier.h': [{ includes: ['stdbool.h'], names: 'count classes logits', before: 'double known[] = {3, 2, 1}, others[] = {2, 0}; const int known_count = 3, other_count = 2;', after: 'assert(limit == 1 && !is_outlier && auroc == 4.5 / 6);' }],
    'train_native/model/paired.h': [{ with: [['paired_p(&pairs);', 'const double p = paired_p(&pairs);']], after: 'assert(p > 0.0134 && p < 0.0136 && by.low > 0.0046 && by.low < 0.0048 && by.high > 0.0351 && by.high < 0.0353);' }],
    'train_native/model/picture_index_file.h': [{ runs: false, head: 'static bool counted(struct picture_index *index, struct failure *failure)', after: 'return true;', call: '(void)counted;' }],
    'train_native/model/picture_index.h': [{ runs: false, before: 'const char *sha256 = ""; const struct index_entry entry = {0}; const float embedding[256] = {1};' }],
    'train_native/model/pruning.h': [{ runs: false, names: 'net parameters', with: [['... pruning.net, pruning.parameters ...', '']] }],
    'train_native/model/recipes.h': [{}],
    'core/training/standardize.h': [{ includes: ['training/softmax_regression.h'], before: `enum { count = 2, features = 2, classes = 3 }; float x[count * features] = {1, 1, 3, 1}, head[2 * classes]; float w[features * classes] = {2, 4, 6, 0};`, after: 'assert(x[0] == -1 && x[2] == 1 && head[0] == 2 && head[3] == -4);', with: [['... softmax_regression(w, ...) on x ...', '']] }],
    'train_native/model/suggestion.h': [{ before: 'const float margins[3] = {0.9f, 0.1f, 0.2f}; float embeddings[3 * 2] = {1, 0, 0, 2, 0, 1}; const int images = 3, dimensions = 2;',
        after: 'assert(count == 3 && chosen[0] == 1 && chosen[1] == 0);' }],
    'train_native/model/teacher.h': [{ runs: false, names: 'dataset subset', before: `float *plain = NULL, *mirrored = NULL; const int stride = 1; const uint64_t *contents = NULL, memory = 0; struct embedding_cache cache = {0};
        const struct parallel parallel = parallel_threads(1);` }],
    'train_native/model/transfer.h': [{ runs: false, includes: ['training/trainer.h'], names: 'net classes trainer', before: 'char **labels = NULL;' }],
    'train_native/model/weight_rounding.h': [{ runs: false, names: 'net parameters', before: 'const float scale[LIMIT_NODES + 1] = {0}; struct input_moments *moments = NULL;' }],
    'train_native/exchange/tflite_operators.h': [{ runs: false, before: 'struct tflite_operator *node = NULL;' }],
    'train_native/exchange/tflite_parts.h': [{ runs: false, before: 'const struct tflite_operator *node = NULL;' }],
    'train_native/report/heat_picture.h': [{ runs: false, includes: ['cli/memory.h'], before: 'const struct picture picture = {0}; const float *heat = NULL; const double part[4] = {0};' }],
    'train_native/report/html.h': [{ runs: false, before: 'const char *json = "{}", *modules = "";' }],
};

/* What opens a header, and the blocks of code in it. */
const openingOf = (text) => text.match(/^\/\*[^]*?\*\//)?.[0] ?? '';
const isFunction = (code) => /^static .*\)(\n| )\{/.test(code);
function blocksOf(text) {
    const blocks = [[]];
    for (const line of openingOf(text).split('\n')) {
        const code = line.match(/^ \* {5}(.*?)(?: \*\/)?$/)?.[1];
        if (code !== undefined) blocks.at(-1).push(code);
        else blocks.push([]);
    }
    const isStatement = (lines) => !/^offset /.test(lines[0]) && lines.some((line) => /;(\s*\/\/.*)?$/.test(line));
    return blocks.filter((lines) => lines.length > 0 && (isFunction(lines.join('\n')) || isStatement(lines))).map((lines) => lines.join('\n'));
}

/* Functions stand above the statements that use them; or alone. */
const functionsIn = (blocks) => blocks.filter(isFunction).join('\n');
const statementsIn = (blocks) => blocks.every(isFunction) ? [''] : blocks.filter((code) => !isFunction(code));

const headers = ['core', 'train_native'].flatMap((top) => readdirSync(join(root, top), { recursive: true }).map((name) => `${top}/${name}`))
    .filter((name) => name.endsWith('.h')).sort();
const codeOf = Object.fromEntries(headers.map((name) => [name, blocksOf(readFileSync(join(root, name), 'utf8'))]).filter(([, blocks]) => blocks.length > 0));

function sourceOf(name, functions, code, { names = '', file = '', before = '', after: behind = '', head, call: body = '', with: replaced = [], includes = [] }, call) {
    for (const [text, by] of replaced) {
        assert.ok(code.includes(text), `${name}: the usage does not have ${text}`);
        code = code.replace(text, by);
    }
    code = code.replace(/^\.\.\.(?:.*\.\.\.)?( *\/\/.*)?$/gm, '');
    const declared = names.split(' ').filter(Boolean).map((word) => declarations[word] ?? assert.fail(`${name}: ${word} is not declared`));
    const included = [name.replace(/^(core|train_native)\//, ''), ...includes].map((path) => `#include "${path}"`);
    const standard = ['assert', 'stdint', 'stdio', 'stdlib', 'string'].map((word) => `#include <${word}.h>`);
    const own = `void ${call}(void)`, wrapper = head ? `${own} { ${body} }` : '';
    return [...included, ...standard, ...declared, file, functions, `${own};`, head ?? own, '{', before, code, behind, '}', wrapper, ''].join('\n');
}

/* The command that compiled the objects, without what turns asserts off, and with warnings as errors; the names of an example may stay unused. */
const [compiler, ...flags] = readFileSync(join(build, 'command'), 'utf8').match(/: (\S+ -std=c11 .*)\n/)[1].split(/ +/)
    .filter((word) => word !== '-DNDEBUG').concat('-O0', '-Werror', '-Wno-unused', '-Wno-shadow', '-D_GNU_SOURCE');
/* What the program is linked with: what `required` names in the Makefile, and of -DWITH_WEBP what WEBP := HEADER -lwebp does. */
const makefile = readFileSync(join(root, 'Makefile'), 'utf8');
const libraries = flags.filter((word) => word.startsWith('-DWITH_'))
    .flatMap((word) => makefile.match(new RegExp(`^${word.slice('-DWITH_'.length)} := (.*)$`, 'm'))[1].match(/-l\w+/g) ?? []);
const required = makefile.match(/^required := (.*)$/m)[1].split(' ');
const run = (command, words, cwd = root) => spawnSync(command, words, { cwd, encoding: 'utf8', timeout: 120_000 });

test('every usage has its entry, and every entry its usage', () => {
    assert.ok(headers.length > 80);
    assert.deepEqual(Object.keys(codeOf).filter((name) => !usages[name]), [], 'headers with a usage that nothing compiles: add them to headers.test.js');
    assert.deepEqual(Object.keys(usages).filter((name) => !codeOf[name] || statementsIn(codeOf[name]).length !== usages[name].length), [], 'usages that are no more, or more of them');
});

const running = [];
for (const [name, entries] of Object.entries(usages))
    test(`the usage of ${name} compiles`, () => {
        entries.forEach((entry, i) => {
            const call = `usage_of_${name.replace(/\W/g, '_')}_${i}`, file = join(scratch, `${call}.c`), object = file.replace('.c', '.o');
            writeFileSync(file, sourceOf(name, functionsIn(codeOf[name]), statementsIn(codeOf[name])[i] ?? assert.fail('no such usage'), entry, call));
            const { status, stderr } = run(compiler, [...flags, '-c', file, '-o', object]);
            assert.equal(status, 0, stderr);
            if (entry.runs !== false) running.push({ name, call, object });
        });
    });

test('the usages that need no files run', () => {
    assert.ok(running.length > 15);
    const sources = ['core', 'train_native'].flatMap((top) => readdirSync(join(root, top), { recursive: true }).map((path) => `${top}/${path}`))
        .filter((path) => path.endsWith('.c') && !/main\.c$|transport_mpi\.c$/.test(path));
    const objects = sources.map((path) => join(build, path.replace(/\.c$/, '.o')));
    const embedded = readdirSync(join(build, 'web'), { recursive: true }).filter((path) => path.endsWith('.o')).map((path) => join(build, 'web', path))
        .concat(join(build, 'protobuf/onnx.pb-c.o'), join(build, 'train_native/exchange/imagenet_labels.txt.o'));
    assert.deepEqual(objects.filter((path) => !existsSync(path)), [], 'run `make native`');
    const main = join(scratch, 'main.c'), program = join(scratch, 'usages');
    const declared = running.map(({ call }) => `void ${call}(void);`);
    const calls = running.map(({ call }) => `    if (argc > 1 && strcmp(argv[1], "${call}") == 0) ${call}();`);
    writeFileSync(main, ['#include <string.h>', ...declared, 'int main(int argc, char **argv)', '{', ...calls, '}', ''].join('\n'));
    const { status, stderr } = run(compiler, [...flags, main, ...running.map(({ object }) => object), ...objects, ...embedded, ...libraries, ...required, '-lm', '-o', program]);
    assert.equal(status, 0, stderr);
    for (const { name, call } of running) {
        const result = run(program, [call], scratch);
        assert.equal(result.status, 0, `${name}: ${result.signal ?? ''} ${result.stdout}${result.stderr}`);
    }
});

test('a usage that does not compile is seen', () => {
    const file = join(scratch, 'wrong.c'), compiles = (code) => {
        writeFileSync(file, sourceOf('core/net/net.h', '', code, { names: 'net' }, 'wrong'));
        return run(compiler, [...flags, '-fsyntax-only', file]).status === 0;
    };
    assert.ok(compiles('node_has_weights(net.nodes[0].kind);'));
    assert.ok(!compiles('net_check(&net);'));
    assert.deepEqual(blocksOf('/* Purpose.\n *\n *     f(x);\n *     g(x);          // why\n *\n *     out = a formula\n *\n *     h(); */\n'), ['f(x);\ng(x);          // why', 'h();']);
});
