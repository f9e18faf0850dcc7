/* libFuzzer target: the text of a network, and what describes the net that it makes. */
#include "fuzz/fuzz.h"
#include "model/layer_name.h"
#include "model/network.h"

#include <stdlib.h>
#include <string.h>

static void parse(void *context)
{
    static struct net net;
    struct failure failure = {.subject = ""};
    const char *text = context;
    if (!network_parse(&net, text, "fuzzed.txt", 0, 10, &failure)) {
        fuzz_require(*failure.subject && *failure.reason);
        return;
    }
    fuzz_require(net_check(&net, NULL) == STATUS_OK && net_classes(&net) == 10);
    for (int i = 0; i < net.node_count; i++) {
        char details[200];
        network_details(details, sizeof details, &net.nodes[i]);
        fuzz_require(strlen(details) < sizeof details && *layer_name(&net, i, "").text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    fuzz_require(fuzz_command(parse, text));
    free(text);
    return 0;
}
