/* libFuzzer target: a checkpoint of a small run, whose size and checksum the mutator makes right again, and the epoch
 * that goes on from it. */
#include "base/bytes.h"
#include "base/random.h"
#include "fuzz/fuzz.h"
#include "model/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 4, MAGIC = 8 };
static const char identity[] = "data=1\n--epochs=3\n--batch=2\n--patience=2\n";
static const uint8_t pixels[IMAGES * 2 * 2 * 3] = {1, 2, 3, 250, 251, 252};
static const uint16_t labels[IMAGES] = {0, 1, 1, 0};
static const int indices[IMAGES] = {0, 1, 2, 3};
static const struct images images = {
    .pixels = pixels, .labels = labels, .shape = {2, 2, 3}, .count = IMAGES, .classes = 2};

static const struct checkpoint_run of = {"run.eyelet", identity, IMAGES, 2, 3};
static const struct trainer_settings settings = {
    .optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 0.1f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f},
    .schedule = SCHEDULE_PLATEAU,
    .epochs = 3,
    .batch = 2,
    .plateau_epochs = 1};

static struct net net = {.input = {2, 2, 3},
                         .node_count = 3,
                         .nodes = {{.kind = NODE_FLATTEN},
                                   {.kind = NODE_DENSE, .input = {1}, .channels = 2, .bias = true},
                                   {.kind = NODE_SOFTMAX, .input = {2}}}};
static struct trainer *trainer;
static uint8_t *first; /* the checkpoint before anything is trained */
static size_t first_size;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_require(net_check(&net, NULL) == STATUS_OK);
    const struct trainer_options options = {.net = &net,
                                            .preprocess = {.std = {1, 1, 1}},
                                            .parallel = parallel_threads(1),
                                            .gemm = gemm_fast,
                                            .seed = 1,
                                            .shard = 2,
                                            .optimizer = OPTIMIZER_ADAM,
                                            .max_images = IMAGES};
    const uint64_t bytes = trainer_bytes(&options);
    fuzz_require(trainer_open(&trainer, aligned_alloc(64, bytes), bytes, &options) == STATUS_OK);
    const struct run_state state = {.so_far = {.finite = true}, .best = -1, .plateau = PLATEAU_START};
    first = checkpoint_bytes(&first_size, trainer, &state, identity);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static const double numbers[] = {0, 1, 2, 3, 4, 6, -1, 0.5, 1e9, 1e300, INFINITY, NAN};
    enum { STATE = MAGIC + sizeof identity, FIELDS = 10 };
    struct random random = random_seed(seed, 0);
    if (size < first_size || random_below(&random, 8) == 0) {
        size = first_size < max_size ? first_size : max_size;
        memcpy(data, first, size);
    }
    for (int change = (int)random_below(&random, 4); change >= 0 && size >= first_size; change--) {
        const double number = numbers[random_below(&random, sizeof numbers / sizeof *numbers)];
        if (random_below(&random, 4))
            memcpy(data + STATE + 8 * random_below(&random, FIELDS), &number, sizeof number);
        else
            data[random_below(&random, (uint32_t)size)] = (uint8_t)random_next(&random);
    }
    if (random_below(&random, 16) == 0)
        size = LLVMFuzzerMutate(data, size, max_size);
    if (size > 4 && random_below(&random, 16))
        bytes_put4(data + size - 4, bytes_crc32(data, size - 4));
    return size;
}

static void resume(void *context)
{
    const struct fuzz_part *file = context;
    struct failure failure = {.subject = ""};
    struct checkpoint checkpoint;
    if (!checkpoint_parse(&checkpoint, file->bytes, file->size, "run.checkpoint", &failure) ||
        !checkpoint_take(trainer, &checkpoint, &of, "run.checkpoint", &failure)) {
        fuzz_require(*failure.subject && *failure.reason);
        return;
    }
    if (checkpoint_complete(&checkpoint))
        return;
    struct run_state state = checkpoint.state;
    const struct epoch epoch = {
        .settings = &settings, .subset = {&images, indices, IMAGES}, .number = state.epoch, .so_far = &state.so_far};
    trainer->learning_rate_factor = state.plateau.factor;
    const struct epoch_result trained = trainer_epoch(trainer, &epoch);
    fuzz_require(!trained.finite || trained.count == IMAGES);
    plateau_step(&state.plateau, epoch_loss(&trained), settings.plateau_epochs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = fuzz_copy(data, size);
    struct fuzz_part file = {bytes, size};
    fuzz_require(fuzz_command(resume, &file));
    free(bytes);
    return 0;
}
