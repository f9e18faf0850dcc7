#include "model/network.h"

#include "cli/memory.h"
#include "model/network_misfit.h"
#include "model/network_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LENGTH = 1000, NAME_SIZE = NETWORK_NAME };

/* Layers with weights step by 1 unless told otherwise, pools by their window. */
static int usual_stride(const struct node *node) { return node_has_weights(node->kind) ? 1 : node->kernel_h; }

void network_details(char *buffer, size_t size, const struct node *node)
{
    buffer[0] = 0;
    if (node_has_window(node->kind)) {
        snprintf(buffer, size, "%dx%d%s", node->kernel_h, node->kernel_w, node->same ? ", same" : "");
        if (node->stride != usual_stride(node))
            snprintf(buffer + strlen(buffer), size - strlen(buffer), ", stride %d", node->stride);
        const int *p = node->padding;
        if (node_has_padding(node) && p[0] == p[1] && p[0] == p[2] && p[0] == p[3])
            snprintf(buffer + strlen(buffer), size - strlen(buffer), ", padding %d", p[0]);
        else if (node_has_padding(node))
            snprintf(buffer + strlen(buffer), size - strlen(buffer), ", padding %d %d %d %d", p[0], p[1], p[2], p[3]);
        if (node->count_padding)
            snprintf(buffer + strlen(buffer), size - strlen(buffer), ", count_padding");
        if (node->dilation > 1)
            snprintf(buffer + strlen(buffer), size - strlen(buffer), ", dilation %d", node->dilation);
    }
    if (node->groups > 1)
        snprintf(buffer + strlen(buffer), size - strlen(buffer), "%sgroups %d", *buffer ? ", " : "", node->groups);
    if (kind_traits[node->kind].shape == SHAPE_PART)
        snprintf(buffer, size, "channels %d to %d", node->first, node->first + node->channels - 1);
    if (kind_traits[node->kind].setting != SETTING_NONE)
        snprintf(buffer, size, "%g", (double)node->rate);
}

/* ---- The reader ---- */

struct reader {
    struct net *net;
    struct words words; /* of the line at hand */
    int classes;
    struct { /* given to tensors */
        char name[NAME_SIZE];
        int tensor;
    } names[LIMIT_NODES];
    int name_count;
    int lines[LIMIT_NODES], columns[LIMIT_NODES]; /* where a node was described */
};

static int take_tensor(struct reader *reader)
{
    struct words *words = &reader->words;
    for (int i = 0; i < reader->name_count; i++)
        if (words_take(words, reader->names[i].name))
            return reader->names[i].tensor;
    words_expected(words, "the name of a layer above (given as `name: conv2d ...`)");
    return 0;
}

static void append(struct reader *reader, struct node node, int column)
{
    struct net *net = reader->net;
    if (net->node_count == LIMIT_NODES) {
        words_mistake(&reader->words, column, "more than %d layers (an activation counts as one)", LIMIT_NODES);
        return;
    }
    reader->lines[net->node_count] = reader->words.line;
    reader->columns[net->node_count] = column;
    net->nodes[net->node_count++] = node;
}

/* 0 if there is none, which is a mistake. */
static enum node_kind take_kind(struct reader *reader)
{
    char wanted[400] = "a layer: ";
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        if (words_take(&reader->words, kind_names[kind]))
            return kind;
        snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s%s", kind_names[kind],
                 kind + 2 < NODE_KINDS    ? ", "
                 : kind + 2 == NODE_KINDS ? " or "
                                          : "");
    }
    words_expected(&reader->words, wanted);
    return 0;
}

static void check_whiten(struct reader *reader, const struct node *node, int column)
{
    const int directions = node->kernel_h * node->kernel_w * reader->net->input.c;
    if (reader->net->node_count || node->channels != 2 * directions)
        words_mistake(&reader->words, column,
                      "whiten is for the first layer, with twice as many channels as a patch has numbers (here %d)",
                      2 * directions);
}

static void read_input(struct reader *reader)
{
    struct words *words = &reader->words;
    if (reader->net->node_count)
        words_mistake(words, words->words[0].column, "`input` stands before the first layer");
    const char *text = words_peek(words) ? words_peek(words) : "";
    struct shape *input = &reader->net->input;
    input->h = words_integer_at(&text, LIMIT_SIDE);
    if (*text == 'x')
        text++, input->w = words_integer_at(&text, LIMIT_SIDE);
    if (*text == 'x')
        text++, input->c = words_integer_at(&text, 3);
    if (*text || input->h < 1 || input->w < 1 || (input->c != 1 && input->c != 3))
        words_expected(words, "height x width x channels, like 32x32x3 (1 or 3 channels, at most 1024 a side)");
    words->next++;
    if (words_peek(words))
        words_expected(words, "nothing more");
}

static void take_setting(struct words *words, struct node *node)
{
    const char *text = words_peek(words);
    char *end = NULL;
    node->rate = text ? strtof(text, &end) : 0;
    if (text && !*end && end != text && kind_accepts_rate(node->kind, node->rate)) {
        words->next++;
        return;
    }
    switch (kind_traits[node->kind].setting) {
    case SETTING_NONE: break;
    case SETTING_PROBABILITY: words_expected(words, "the fraction to zero, 0 or more and below 1"); break;
    case SETTING_FACTOR: words_expected(words, "the factor, above 0 and at most 1e6"); break;
    case SETTING_SLOPE: words_expected(words, "the slope below 0, 0 to 1"); break;
    }
}

/* The kind is 0 if the next word is no activation. */
static struct node take_activation(struct reader *reader)
{
    struct node node = {0};
    for (enum node_kind kind = 1; kind < NODE_KINDS && !node.kind; kind++)
        if (kind_traits[kind].activation && words_take(&reader->words, kind_names[kind]))
            node.kind = kind;
    if (kind_traits[node.kind].setting != SETTING_NONE)
        take_setting(&reader->words, &node);
    return node;
}

/* What must stand behind the name of a layer. */
static void take_settings(struct reader *reader, struct node *node)
{
    struct words *words = &reader->words;
    const struct kind_traits *traits = &kind_traits[node->kind];
    const bool weights = node_has_weights(node->kind), window = node_has_window(node->kind);
    if (traits->channels && traits->shape == SHAPE_UNITS)
        node->channels = words_take(words, "classes")
                             ? reader->classes
                             : words_number(words, 1, LIMIT_CHANNELS, "the number of units, or `classes`");
    else if (traits->shape == SHAPE_PART) {
        node->first = words_number(words, 0, LIMIT_ACTIVATIONS, "the first channel, from 0 on");
        node->channels = words_number(words, 1, LIMIT_CHANNELS, "the number of channels");
    } else if (traits->channels)
        node->channels = words_number(words, 1, LIMIT_CHANNELS, "the number of channels");
    if (node->kind == NODE_CONV2D)
        node->dilation = node->groups = 1;
    else if (traits->groups)
        node->groups = words_number(words, 1, LIMIT_CHANNELS, "the number of groups");
    if (window) {
        words_kernel(words, &node->kernel_h, &node->kernel_w,
                     weights ? "the kernel's size, like 3x3 (1 to 11)" : "the window's size, like 2 or 3x3 (1 to 11)");
        node->stride = usual_stride(node);
    }
    if (traits->setting != SETTING_NONE)
        take_setting(words, node);
    for (int k = 1; k < traits->inputs; k++)
        node->input[k] = take_tensor(reader);
    node->bias = weights;
}

/* Of all four sides, or of top, left, bottom and right. */
static void take_padding(struct words *words, struct node *node)
{
    static const char what[] = "the padding of all sides, or of top, left, bottom and right";
    enum { MAX = LIMIT_KERNEL * LIMIT_DILATION };
    node->same = false;
    node->padding[0] = words_number(words, 0, MAX, what);
    const char *next = words_peek(words);
    const bool four = next && *next >= '0' && *next <= '9';
    for (int side = 1; side < 4; side++)
        node->padding[side] = four ? words_number(words, 0, MAX, what) : node->padding[0];
}

static void take_no_padding(struct node *node, bool same)
{
    node->same = same;
    memset(node->padding, 0, sizeof node->padding);
}

/* One of the words that may follow, into node or *batchnorm; false if the next one is none of them. */
static bool take_option(struct reader *reader, struct node *node, bool *batchnorm)
{
    struct words *words = &reader->words;
    const bool weights = node_has_weights(node->kind), window = node_has_window(node->kind);
    const int column = words_column(words);
    if (window && words_take(words, "stride"))
        node->stride = words_number(words, 1, LIMIT_KERNEL, "the stride");
    else if (window && words_take(words, "same"))
        take_no_padding(node, true);
    else if (window && words_take(words, "valid"))
        take_no_padding(node, false);
    else if (window && words_take(words, "padding"))
        take_padding(words, node);
    else if (node->kind == NODE_AVGPOOL && words_take(words, "count_padding"))
        node->count_padding = true;
    else if (node->kind == NODE_CONV2D && words_take(words, "dilation"))
        node->dilation = words_number(words, 1, LIMIT_DILATION, "the dilation");
    else if (node->kind == NODE_CONV2D && words_take(words, "groups"))
        node->groups = words_number(words, 1, LIMIT_CHANNELS, "the number of groups");
    else if (weights && words_take(words, "nobias"))
        node->bias = false;
    else if (weights && words_take(words, "batchnorm"))
        *batchnorm = true;
    else if (node->kind == NODE_CONV2D && words_take(words, "identity"))
        node->initial = INITIAL_IDENTITY;
    else if (node->kind == NODE_CONV2D && words_take(words, "whiten")) {
        check_whiten(reader, node, column);
        node->initial = INITIAL_WHITEN;
        node->frozen = true;
    } else if (node->kind == NODE_BATCHNORM && words_take(words, "frozen"))
        node->frozen = true;
    else if (words_take(words, "from"))
        node->input[0] = take_tensor(reader);
    else
        return false;
    return true;
}

static const char *what_may_follow(const struct node *node, enum node_kind activation)
{
    if (activation)
        return "nothing more after the activation";
    if (node->kind == NODE_CONV2D)
        return "stride N, same, valid, padding N, dilation N, groups N, nobias, batchnorm, from NAME, an activation, "
               "or nothing more";
    if (node->kind == NODE_AVGPOOL)
        return "stride N, same, valid, padding N, count_padding, from NAME, an activation, or nothing more";
    if (node_has_window(node->kind))
        return "stride N, same, valid, padding N, nobias, batchnorm, from NAME, an activation, or nothing more";
    if (node_has_weights(node->kind))
        return "nobias, batchnorm, from NAME, an activation, or nothing more";
    return "from NAME, an activation, or nothing more";
}

static void read_layer(struct reader *reader)
{
    struct words *words = &reader->words;
    const int start = words_column(words);
    struct node node = {.kind = take_kind(reader), .input = {reader->net->node_count, 0}};
    bool batchnorm = false;
    if (!node.kind)
        return;
    take_settings(reader, &node);
    while (take_option(reader, &node, &batchnorm))
        ;
    struct node activation = kind_traits[node.kind].activation ? (struct node){0} : take_activation(reader);
    if (words_peek(words))
        words_expected(words, what_may_follow(&node, activation.kind));
    if (words->failed)
        return;
    append(reader, node, start);
    if (batchnorm)
        append(reader, (struct node){.kind = NODE_BATCHNORM, .input = {reader->net->node_count, 0}}, start);
    if (activation.kind) {
        activation.input[0] = reader->net->node_count;
        append(reader, activation, start);
    }
}

/* "name:" before a layer; empty if there is none. */
static void take_name(struct reader *reader, char name[NAME_SIZE])
{
    struct words *words = &reader->words;
    const size_t length = strlen(words_peek(words));
    name[0] = 0;
    if (words_peek(words)[length - 1] != ':')
        return;
    if (length < 2 || length > NAME_SIZE) {
        words_expected(words, "a name of 1 to 63 letters before the colon");
        return;
    }
    memcpy(name, words_peek(words), length - 1);
    name[length - 1] = 0;
    for (int i = 0; i < reader->name_count; i++)
        if (strcmp(reader->names[i].name, name) == 0)
            words_mistake(words, words_column(words), "the name \"%s\" is taken by a layer above", name);
    words->next++;
}

static void read_line(struct reader *reader, char *line)
{
    char name[NAME_SIZE];
    words_split(&reader->words, line);
    if (!words_peek(&reader->words))
        return;
    if (words_take(&reader->words, "input")) {
        read_input(reader);
        return;
    }
    take_name(reader, name);
    read_layer(reader);
    if (*name && !reader->words.failed) {
        memcpy(reader->names[reader->name_count].name, name, sizeof name);
        reader->names[reader->name_count++].tensor = reader->net->node_count;
    }
}

static void read_lines(struct reader *reader, const char *text)
{
    struct words *words = &reader->words;
    char line[LINE_MAX_LENGTH + 1];
    for (const char *p = text; *p && !words->failed;) {
        const size_t length = strcspn(p, "\n");
        words->line++;
        if (length > LINE_MAX_LENGTH) {
            words_mistake(words, LINE_MAX_LENGTH, "the line is longer than %d characters", LINE_MAX_LENGTH);
            return;
        }
        memcpy(line, p, length);
        line[length] = 0;
        read_line(reader, line);
        p += length + (p[length] == '\n');
    }
    if (!reader->net->node_count)
        words_mistake(words, 1, "expected a layer, like `conv2d 32 3x3 relu`; the description is empty");
}

static void check(struct reader *reader)
{
    const struct net *net = reader->net;
    int failed;
    const enum status status = net_check(reader->net, &failed);
    if (status) {
        reader->words.line = reader->lines[failed];
        network_misfit(&reader->words, reader->columns[failed], net, failed, status);
    } else if (net_classes(net) != reader->classes)
        words_mistake(&reader->words, reader->columns[net->node_count - 1],
                      "the network ends in %d classes, the data has %d: write `dense classes softmax`",
                      net_classes(net), reader->classes);
}

/* A name is given to the tensor behind the last node of its line. */
static void name_nodes(struct network_names *names, const struct reader *reader)
{
    memset(names, 0, sizeof *names);
    memcpy(names->line, reader->lines, sizeof names->line);
    for (int i = 0; i < reader->net->node_count; i++)
        for (int k = 0; k < reader->name_count; k++)
            if (reader->lines[reader->names[k].tensor - 1] == reader->lines[i])
                memcpy(names->of[i], reader->names[k].name, NETWORK_NAME);
}

static struct reader *begin(struct net *net, const char *source, int classes, struct failure *failure)
{
    memset(net, 0, sizeof *net);
    net->input = (struct shape){32, 32, 3};
    struct reader *reader = allocate(1, sizeof *reader);
    *reader = (struct reader){.net = net, .classes = classes, .words = {.source = source, .failure = failure}};
    return reader;
}

static bool parse(struct reader *reader, const char *text, int size)
{
    read_lines(reader, text);
    if (size)
        reader->net->input.h = reader->net->input.w = size;
    if (!reader->words.failed)
        check(reader);
    return !reader->words.failed;
}

bool network_parse(struct net *net, const char *text, const char *source, int size, int classes,
                   struct failure *failure)
{
    struct reader *reader = begin(net, source, classes, failure);
    const bool read = parse(reader, text, size);
    free(reader);
    return read;
}

bool network_parse_named(struct net *net, struct network_names *names, const char *text, const char *source,
                         int classes, struct failure *failure)
{
    struct reader *reader = begin(net, source, classes, failure);
    const bool read = parse(reader, text, 0);
    name_nodes(names, reader);
    free(reader);
    return read;
}
