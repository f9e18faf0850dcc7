#include "model/network.h"

#include "model/recipes.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_TEXT = 1 << 20, LONGEST_LINE = 1000, WORDS = 32 };

static const char *const kinds[NODE_KINDS] = {
    [NODE_CONV2D] = "conv2d",   [NODE_MAXPOOL] = "maxpool",     [NODE_AVGPOOL] = "avgpool", [NODE_GLOBAL_AVGPOOL] = "global_avgpool",
    [NODE_FLATTEN] = "flatten", [NODE_DENSE] = "dense",         [NODE_BATCHNORM] = "batchnorm", [NODE_DROPOUT] = "dropout",
    [NODE_ADD] = "add",         [NODE_RELU] = "relu",           [NODE_SIGMOID] = "sigmoid", [NODE_TANH] = "tanh",
    [NODE_SOFTMAX] = "softmax",   [NODE_GELU] = "gelu",         [NODE_SCALE] = "scale",     [NODE_DEPTHWISE] = "depthwise",
    [NODE_RELU6] = "relu6"};

const char *network_kind(enum node_kind kind)
{
    return kinds[kind];
}

/* Convolutions step by 1 unless told otherwise, pools by their window. */
static int usual_stride(const struct node *node)
{
    return node->kind == NODE_CONV2D || node->kind == NODE_DEPTHWISE ? 1 : node->kernel_h;
}

const char *network_presets(void)
{
    static char list[256];
    list[0] = 0;
    for (int i = 0; i < recipe_count; i++)
        if (recipes[i].network)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", recipes[i].name);
    return list;
}

void network_details(char *buffer, size_t size, const struct node *node)
{
    buffer[0] = 0;
    if (node->kernel_h)
        snprintf(buffer, size, "%dx%d%s", node->kernel_h, node->kernel_w, node->same ? ", same" : "");
    if (node->kernel_h && node->stride != usual_stride(node))
        snprintf(buffer + strlen(buffer), size - strlen(buffer), ", stride %d", node->stride);
    if (node->kind == NODE_DROPOUT || node->kind == NODE_SCALE)
        snprintf(buffer, size, "%g", (double)node->rate);
}

/* ---- The reader ---- */

struct word {
    const char *text;
    int column; /* from 1 */
};

struct reader {
    struct net *net;
    const char *source;
    int line; /* from 1 */
    struct word words[WORDS + 1]; /* of the line; ends with text == NULL */
    int at;                       /* the next word */
    int end_column;
    int classes;
    struct { /* names given to tensors */
        char name[64];
        int tensor;
    } names[LIMIT_NODES];
    int name_count;
    int lines[LIMIT_NODES], columns[LIMIT_NODES]; /* where a node was described */
};

_Noreturn static void mistake(const struct reader *reader, int column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void mistake(const struct reader *reader, int column, const char *format, ...)
{
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    char place[600];
    snprintf(place, sizeof place, "%s:%d:%d", reader->source, reader->line, column);
    die(place, NULL, "%s", message);
}

static const char *peek(const struct reader *reader)
{
    return reader->words[reader->at].text;
}

static int column(const struct reader *reader)
{
    return peek(reader) ? reader->words[reader->at].column : reader->end_column;
}

_Noreturn static void expected(const struct reader *reader, const char *what)
{
    if (peek(reader))
        mistake(reader, column(reader), "expected %s, got \"%s\"", what, peek(reader));
    mistake(reader, column(reader), "expected %s at the end of the line", what);
}

static bool take(struct reader *reader, const char *word)
{
    if (!peek(reader) || strcmp(peek(reader), word) != 0)
        return false;
    reader->at++;
    return true;
}

/* A whole number at *text; moves *text behind it. -1 if there is none, or one above `most`. */
static int number_at(const char **text, int most)
{
    long value = 0;
    const char *p = *text;
    if (!isdigit((unsigned char)*p))
        return -1;
    for (; isdigit((unsigned char)*p); p++)
        if ((value = value * 10 + (*p - '0')) > most)
            return -1;
    *text = p;
    return (int)value;
}

static int take_number(struct reader *reader, int least, int most, const char *what)
{
    char wanted[120];
    snprintf(wanted, sizeof wanted, "%s, %d to %d", what, least, most);
    const char *text = peek(reader) ? peek(reader) : "";
    const int value = number_at(&text, most);
    if (value < least || *text)
        expected(reader, wanted);
    reader->at++;
    return value;
}

/* "3x3", or "3" for the same. */
static void take_kernel(struct reader *reader, struct node *node, const char *what)
{
    const char *text = peek(reader) ? peek(reader) : "";
    node->kernel_h = node->kernel_w = number_at(&text, LIMIT_KERNEL);
    if (*text == 'x') {
        text++;
        node->kernel_w = number_at(&text, LIMIT_KERNEL);
    }
    if (*text || node->kernel_h < 1 || node->kernel_w < 1)
        expected(reader, what);
    reader->at++;
}

static int take_tensor(struct reader *reader)
{
    for (int i = 0; peek(reader) && i < reader->name_count; i++)
        if (strcmp(reader->names[i].name, peek(reader)) == 0) {
            reader->at++;
            return reader->names[i].tensor;
        }
    expected(reader, "the name of a layer above (given as `name: conv2d ...`)");
}

static void append(struct reader *reader, struct node node, int at_column)
{
    struct net *net = reader->net;
    if (net->node_count == LIMIT_NODES)
        mistake(reader, at_column, "more than %d layers (an activation counts as one)", LIMIT_NODES);
    reader->lines[net->node_count] = reader->line;
    reader->columns[net->node_count] = at_column;
    net->nodes[net->node_count++] = node;
}

static enum node_kind take_kind(struct reader *reader)
{
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++)
        if (take(reader, kinds[kind]))
            return kind;
    expected(reader, "a layer: conv2d, depthwise, maxpool, avgpool, global_avgpool, flatten, dense, batchnorm, dropout, add, "
                     "scale, relu, relu6, gelu, sigmoid, tanh or softmax");
}

static bool is_activation(enum node_kind kind)
{
    return kind == NODE_RELU || kind == NODE_RELU6 || kind == NODE_GELU || kind == NODE_SIGMOID || kind == NODE_TANH ||
           kind == NODE_SOFTMAX;
}

/* 0 if the next word is no activation. */
static enum node_kind take_activation(struct reader *reader)
{
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++)
        if (is_activation(kind) && take(reader, kinds[kind]))
            return kind;
    return 0;
}

static void take_whiten(struct reader *reader, struct node *node)
{
    const int directions = node->kernel_h * node->kernel_w * reader->net->input.c;
    if (reader->net->node_count || node->channels != 2 * directions)
        mistake(reader, column(reader), "whiten is for the first layer, with twice as many channels as a patch has numbers (here %d)",
                2 * directions);
    reader->at++;
    node->initial = INITIAL_WHITEN;
    node->frozen = true;
}

static void read_input(struct reader *reader)
{
    if (reader->net->node_count)
        mistake(reader, reader->words[0].column, "`input` stands before the first layer");
    const char *text = peek(reader) ? peek(reader) : "";
    struct shape *input = &reader->net->input;
    input->h = number_at(&text, LIMIT_SIDE);
    if (*text == 'x')
        text++, input->w = number_at(&text, LIMIT_SIDE);
    if (*text == 'x')
        text++, input->c = number_at(&text, 3);
    if (*text || input->h < 1 || input->w < 1 || (input->c != 1 && input->c != 3))
        expected(reader, "height x width x channels, like 32x32x3 (1 or 3 channels, at most 1024 a side)");
    reader->at++;
}

static void read_layer(struct reader *reader)
{
    const int start = column(reader);
    struct node node = {.kind = take_kind(reader), .input = {reader->net->node_count, 0}};
    bool batchnorm = false;
    const bool weights = node_has_weights(node.kind);
    if (node.kind == NODE_CONV2D || node.kind == NODE_DEPTHWISE) {
        if (node.kind == NODE_CONV2D)
            node.channels = take_number(reader, 1, LIMIT_CHANNELS, "the number of channels");
        take_kernel(reader, &node, "the kernel's size, like 3x3 (1 to 11)");
    } else if (node.kind == NODE_DENSE) {
        node.channels = take(reader, "classes") ? reader->classes
                                                : take_number(reader, 1, LIMIT_CHANNELS, "the number of units, or `classes`");
    } else if (node.kind == NODE_MAXPOOL || node.kind == NODE_AVGPOOL) {
        take_kernel(reader, &node, "the window's size, like 2 or 3x3 (1 to 11)");
    } else if (node.kind == NODE_DROPOUT || node.kind == NODE_SCALE) {
        const bool dropout = node.kind == NODE_DROPOUT;
        char *end = NULL;
        node.rate = peek(reader) ? strtof(peek(reader), &end) : -1;
        if (!peek(reader) || *end || end == peek(reader) ||
            !(dropout ? node.rate >= 0 && node.rate < 1 : node.rate > 0 && node.rate <= 1e6f))
            expected(reader, dropout ? "the share that is zeroed, 0 or more and below 1" : "the factor, above 0 and at most 1e6");
        reader->at++;
    } else if (node.kind == NODE_ADD) {
        node.input[1] = take_tensor(reader);
    }
    const bool window = node.kernel_h > 0;
    if (window)
        node.stride = usual_stride(&node);
    node.bias = weights;

    enum node_kind activation = 0;
    while (peek(reader)) {
        if (activation)
            expected(reader, "nothing more after the activation");
        if (window && take(reader, "stride"))
            node.stride = take_number(reader, 1, LIMIT_KERNEL, "the stride");
        else if (window && take(reader, "same"))
            node.same = true;
        else if (window && take(reader, "valid"))
            node.same = false;
        else if (weights && take(reader, "nobias"))
            node.bias = false;
        else if (weights && take(reader, "batchnorm"))
            batchnorm = true;
        else if (node.kind == NODE_CONV2D && take(reader, "identity"))
            node.initial = INITIAL_IDENTITY;
        else if (node.kind == NODE_CONV2D && peek(reader) && strcmp(peek(reader), "whiten") == 0)
            take_whiten(reader, &node);
        else if (node.kind == NODE_BATCHNORM && take(reader, "frozen"))
            node.frozen = true;
        else if (take(reader, "from"))
            node.input[0] = take_tensor(reader);
        else if (!is_activation(node.kind) && (activation = take_activation(reader)))
            ;
        else
            expected(reader, window    ? "stride N, same, valid, nobias, batchnorm, from NAME, an activation, or nothing more"
                             : weights ? "nobias, batchnorm, from NAME, an activation, or nothing more"
                                       : "from NAME, an activation, or nothing more");
    }
    append(reader, node, start);
    if (batchnorm)
        append(reader, (struct node){.kind = NODE_BATCHNORM, .input = {reader->net->node_count, 0}}, start);
    if (activation)
        append(reader, (struct node){.kind = activation, .input = {reader->net->node_count, 0}}, start);
}

/* Splits a line into words, in place; `#` starts a comment. */
static void split(struct reader *reader, char *line)
{
    int count = 0;
    char *p = line;
    reader->at = 0;
    while (*p && *p != '#') {
        if (isspace((unsigned char)*p)) {
            *p++ = 0;
            continue;
        }
        if (count == WORDS)
            mistake(reader, (int)(p - line) + 1, "more than %d words in a line", WORDS);
        reader->words[count++] = (struct word){p, (int)(p - line) + 1};
        while (*p && *p != '#' && !isspace((unsigned char)*p))
            p++;
    }
    reader->end_column = (int)(p - line) + 1;
    *p = 0;
    reader->words[count].text = NULL;
}

static void read_line(struct reader *reader, char *line)
{
    split(reader, line);
    if (!peek(reader))
        return;
    if (take(reader, "input")) {
        read_input(reader);
        if (peek(reader))
            expected(reader, "nothing more");
        return;
    }
    char name[64] = "";
    const size_t length = strlen(peek(reader));
    if (peek(reader)[length - 1] == ':') {
        if (length < 2 || length > sizeof name)
            expected(reader, "a name of 1 to 63 letters before the colon");
        memcpy(name, peek(reader), length - 1);
        for (int i = 0; i < reader->name_count; i++)
            if (strcmp(reader->names[i].name, name) == 0)
                mistake(reader, column(reader), "the name \"%s\" is taken by a layer above", name);
        reader->at++;
    }
    read_layer(reader);
    if (*name) {
        memcpy(reader->names[reader->name_count].name, name, sizeof name);
        reader->names[reader->name_count++].tensor = reader->net->node_count;
    }
}

/* Why net_check refused the node. */
_Noreturn static void misfit(struct reader *reader, int failed, enum status status)
{
    const struct net *net = reader->net;
    const struct node *node = &net->nodes[failed];
    const struct shape in = net->shapes[node->input[0]];
    reader->line = reader->lines[failed];
    const int at = reader->columns[failed];
    const bool last = failed == net->node_count - 1;
    if (status == STATUS_LIMIT)
        mistake(reader, at, "the network grows too large here (at most %s parameters, %s numbers in a layer's output)",
                format_thousands(LIMIT_PARAMETERS), format_thousands(LIMIT_ACTIVATIONS));
    if (last && node->kind != NODE_SOFTMAX)
        mistake(reader, at, "expected the last layer to end in softmax, like `dense classes softmax`");
    if (!last && node->kind == NODE_SOFTMAX)
        mistake(reader, at, "expected softmax only at the end of the last layer");
    if ((node->kind == NODE_DENSE || node->kind == NODE_SOFTMAX) && (in.h > 1 || in.w > 1))
        mistake(reader, at, "%s needs a flat input, got %dx%dx%d: put `flatten` or `global_avgpool` before it",
                kinds[node->kind], in.h, in.w, in.c);
    if (node->kernel_h > in.h || node->kernel_w > in.w)
        mistake(reader, at, "the %dx%d window is larger than its input, %dx%d: use `same`, fewer layers or larger images",
                node->kernel_h, node->kernel_w, in.h, in.w);
    if (node->kind == NODE_ADD) {
        const struct shape second = net->shapes[node->input[1]];
        mistake(reader, at, "add needs two inputs of one shape, got %dx%dx%d and %dx%dx%d", in.h, in.w, in.c, second.h,
                second.w, second.c);
    }
    mistake(reader, at, "nothing reads the output of this layer");
}

void network_parse(struct net *net, const char *text, const char *source, int height, int width, int classes)
{
    memset(net, 0, sizeof *net);
    net->input = (struct shape){32, 32, 3};
    struct reader *reader = allocate(1, sizeof *reader);
    reader->net = net;
    reader->source = source;
    reader->classes = classes;
    char line[LONGEST_LINE + 1];
    for (const char *p = text; *p;) {
        const size_t length = strcspn(p, "\n");
        reader->line++;
        if (length > LONGEST_LINE)
            mistake(reader, LONGEST_LINE, "the line is longer than %d characters", LONGEST_LINE);
        memcpy(line, p, length);
        line[length] = 0;
        read_line(reader, line);
        p += length + (p[length] == '\n');
    }
    if (!net->node_count)
        mistake(reader, 1, "expected a layer, like `conv2d 32 3x3 relu`; the description is empty");
    if (height)
        net->input.h = height;
    if (width)
        net->input.w = width;
    int failed;
    const enum status status = net_check(net, &failed);
    if (status)
        misfit(reader, failed, status);
    if (net_classes(net) != classes)
        mistake(reader, reader->columns[net->node_count - 1], "the network ends in %d classes, the data has %d: write `dense classes softmax`",
                net_classes(net), classes);
    free(reader);
}

void network_read(struct net *net, const char *name_or_path, int height, int width, int classes)
{
    const struct recipe *recipe = recipe_named(name_or_path);
    if (recipe && recipe->network) {
        network_parse(net, recipe->network, name_or_path, height, width, classes);
        return;
    }
    size_t size;
    const char *reason;
    char hint[400];
    snprintf(hint, sizeof hint, "A network is a preset (%s) or the path of a text file.", network_presets());
    char *text = (char *)read_file(&size, &reason, name_or_path, LONGEST_TEXT);
    if (!text)
        die(name_or_path, hint, "no such preset, and as a file: %s", reason);
    if (strlen(text) != size)
        die(name_or_path, hint, "this is not a text file");
    network_parse(net, text, name_or_path, height, width, classes);
    free(text);
}
