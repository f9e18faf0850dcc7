/* How often opening a model reads its weights: that decides how long a model of a hundred megabytes takes. The file
 * lies in memory that may not be read; each page is opened when it is touched, and closed again when another is. */
#if !defined(__wasm__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* mmap's anonymous memory */
#endif

#include "classifier.h"

#include "net/model.h"
#include "support/golden_model.h"
#include "support/nets.h"
#include "support/test.h"

#include <string.h>

#ifdef __wasm__

TEST(weights_are_read_twice_at_most) { test_skip("WebAssembly has no pages that may not be read"); }

#else

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

/* One page for the weights and one for the scales before them, which are read in turn. */
enum { OPEN_AT_ONCE = 2 };

static struct {
    uint8_t *bytes;
    size_t size, page;
    uint8_t *open[OPEN_AT_ONCE];
    unsigned next;
    int touched; /* how often a closed page was */
} watched;

static void touch(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    uint8_t *const at = info->si_addr;
    if (at < watched.bytes || at >= watched.bytes + watched.size) { /* not ours */
        signal(signal_number, SIG_DFL);
        return;
    }
    uint8_t **open = &watched.open[watched.next++ % OPEN_AT_ONCE];
    if (*open)
        mprotect(*open, watched.page, PROT_NONE);
    *open = watched.bytes + (size_t)(at - watched.bytes) / watched.page * watched.page;
    mprotect(*open, watched.page, PROT_READ);
    watched.touched++;
}

/* How often opening the model touches each page of it, on average. */
static double touches(const uint8_t *model, size_t size)
{
    const struct sigaction ours = {.sa_sigaction = touch, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    memset(&watched, 0, sizeof watched);
    watched.page = (size_t)sysconf(_SC_PAGESIZE);
    watched.size = (size + watched.page - 1) / watched.page * watched.page;
    watched.bytes = mmap(NULL, watched.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(watched.bytes != MAP_FAILED);
    memcpy(watched.bytes, model, size);
    size_t workspace;
    CHECK_EQUAL(eyelet_classifier_bytes(&workspace, model, size), STATUS_OK);
    void *memory = test_bytes(workspace);

    mprotect(watched.bytes, watched.size, PROT_NONE);
    sigaction(SIGSEGV, &ours, &before);
    struct eyelet_classifier *classifier = NULL;
    const enum status measured = eyelet_classifier_bytes(&workspace, watched.bytes, size);
    CHECK_EQUAL(measured, STATUS_OK);
    CHECK(watched.touched <= 4); /* the header and, behind it, the labels */
    const enum status status = eyelet_classifier_open(&classifier, memory, watched.bytes, size);
    sigaction(SIGSEGV, &before, NULL);
    CHECK_EQUAL(status, STATUS_OK);
    const int touched = watched.touched;
    munmap(watched.bytes, watched.size);
    return touched / (double)(watched.size / watched.page);
}

/* Once for the checksum and once to unpack them. */
TEST(weights_are_read_twice_at_most)
{
    struct random random = random_seed(71, 0);
    struct net net = {.input = {16, 16, 3}};
    const int features = nets_conv(&net, 0, 64, 3, 3, 2, true, true);
    const int pooled = nets_simple(&net, nets_conv(&net, features, 64, 3, 3, 1, true, true), NODE_FLATTEN);
    nets_finish(&net, nets_dense(&net, pooled, 40, true));
    size_t size;
    const uint8_t *model = golden_model_of(&size, &net, &random);
    CHECK(size > 300000);
    const double read = touches(model, size);
    test_context("%.2f times", read);
    CHECK(read > 1.5 && read < 2.2);
}

#endif

static const struct test tests[] = {ENTRY(weights_are_read_twice_at_most)};
const struct suite open_cost_suite = SUITE("open_cost", tests);
