#include "cli/options.h"

#include "cli/errors.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "cli/nearest.h"
#include "cli/text.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONG = 256 /* what getopt_long returns: this and the index in its table */ };
enum { HELP_COLUMN = 30, HELP_WIDTH = 110 };

void usage_error(const char *command, const char *format, ...)
{
    va_list arguments;
    char hint[80];
    snprintf(hint, sizeof hint, "See `eyelet %s%s--help`.", command, *command ? " " : "");
    va_start(arguments, format);
    vmessage(NULL, hint, format, arguments);
    va_end(arguments);
    exit(EXIT_USAGE);
}

static void print_default(FILE *out, const struct option_entry *option)
{
    const char *const *text = option->target;
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_TEXTS:
    case OPTION_GROUP: break;
    case OPTION_COUNT:
        if (*(const int *)option->target >= 0) /* below: the help tells */
            fprintf(out, " [%d]", *(const int *)option->target);
        break;
    case OPTION_NUMBER: fprintf(out, " [%g]", (double)*(const float *)option->target); break;
    case OPTION_TEXT:
        if (*text)
            fprintf(out, " [%s]", *text);
        break;
    case OPTION_CHOICE: fprintf(out, " [%s]", option->choices[*(const int *)option->target]); break;
    }
}

/* From the column on that has been reached, words up to the width, and the next lines below the first. */
static void print_wrapped(const char *text, int column)
{
    for (const char *word = text; *word; word += strspn(word, " ")) {
        const int length = (int)strcspn(word, " ");
        if (word != text && column + 1 + length > HELP_WIDTH)
            column = printf("\n%*s", HELP_COLUMN, "") - 1;
        else if (word != text)
            column += printf(" ");
        column += printf("%.*s", length, word);
        word += length;
    }
    putchar('\n');
}

static void print_option(const struct option_entry *option)
{
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    fputs(option->help, out);
    for (int i = 0; option->kind == OPTION_CHOICE && option->choices[i]; i++)
        fprintf(out, "%s%s", i ? ", " : ": ", option->choices[i]);
    print_default(out, option);
    text_close(out);
    int column = printf("  --%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
    column += printf("%*s", column < HELP_COLUMN ? HELP_COLUMN - column : 1, "");
    print_wrapped(text, column);
    free(text);
}

static void print_help(const struct option_entry *options, const char *usage, const char *command, bool all)
{
    printf("%s\n\nOptions [and their defaults]:\n", usage);
    const struct option_entry *option = options;
    for (; option->name && (all || option->kind != OPTION_GROUP); option++)
        if (option->kind == OPTION_GROUP)
            printf("\n%s:\n", option->name);
        else
            print_option(option);
    printf("%s  %-*s%s\n", all ? "\n" : "", HELP_COLUMN - 2, "--help", "this text");
    if (option->name)
        printf("\n`eyelet %s --help all` shows the other options.\n", command);
}

_Noreturn static void refuse_choice(const struct option_entry *option, const char *text, const char *command)
{
    char list[256] = "", hint[NEAREST_HINT];
    struct nearest nearest = {.text = text};
    for (int i = 0; option->choices[i]; i++) {
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", option->choices[i]);
        nearest_add(&nearest, option->choices[i]);
    }
    usage_error(command, "--%s takes one of %s, not \"%s\"%s", option->name, list, text,
                nearest_hint(hint, &nearest, ""));
}

static void set(const struct option_entry *option, const char *text, const char *command)
{
    char *end;
    errno = 0;
    if (option->kind == OPTION_FLAG) {
        *(bool *)option->target = true;
    } else if (option->kind == OPTION_TEXT) {
        *(const char **)option->target = text;
    } else if (option->kind == OPTION_TEXTS) {
        text_list_add(option->target, text);
    } else if (option->kind == OPTION_COUNT) {
        const long number = strtol(text, &end, 10);
        if (end == text || *end || errno || number < 0 || number > INT_MAX)
            usage_error(command, "--%s takes an integer of 0 or more, not \"%s\"", option->name, text);
        *(int *)option->target = (int)number;
    } else if (option->kind == OPTION_NUMBER) {
        const float number = strtof(text, &end);
        if (end == text || *end || !isfinite(number) || number < 0)
            usage_error(command, "--%s takes a number of 0 or more, not \"%s\"", option->name, text);
        *(float *)option->target = number;
    } else {
        int i = 0;
        while (option->choices[i] && strcmp(option->choices[i], text) != 0)
            i++;
        if (!option->choices[i])
            refuse_choice(option, text, command);
        *(int *)option->target = i;
    }
}

_Noreturn static void help_and_exit(const struct option_entry *options, const char *usage, int argc, char **argv)
{
    print_help(options, usage, argv[0], optind < argc && strcmp(argv[optind], "all") == 0);
    flush_output();
    exit(EXIT_SUCCESS);
}

/* getopt_long's table, and beside it the entries; the caller frees both. */
static struct option *long_options(const struct option_entry ***entries, const struct option_entry *options)
{
    int all = 0, count = 1;
    while (options[all].name)
        all++;
    struct option *table = allocate((size_t)all + 2, sizeof *table);
    *entries = allocate((size_t)all + 1, sizeof **entries);
    table[0] = (struct option){"help", no_argument, NULL, LONG};
    for (const struct option_entry *entry = options; entry->name; entry++) {
        if (entry->kind == OPTION_GROUP)
            continue;
        table[count] =
            (struct option){entry->name, entry->kind == OPTION_FLAG ? no_argument : required_argument, NULL,
                            LONG + count}; /* all different, or an ambiguous beginning would pass for the first */
        (*entries)[count++] = entry;
    }
    return table;
}

/* text: with its dashes, perhaps with a value behind it. */
_Noreturn static void refuse_option(const struct option *table, const char *text, const char *command)
{
    char hint[NEAREST_HINT], *name = text_copy(text + strspn(text, "-"));
    name[strcspn(name, "=")] = 0;
    struct nearest nearest = {.text = name};
    for (; table->name; table++)
        nearest_add(&nearest, table->name);
    usage_error(command, "there is no option \"%s\"%s", text, nearest_hint(hint, &nearest, "--"));
}

int options_parse(const struct option_entry *options, const char *usage, int argc, char **argv)
{
    const struct option_entry **entries;
    struct option *table = long_options(&entries, options);
    int index = -1, code;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, ":ho:", table, &index)) != -1) {
        if (code == 'h' || code == LONG)
            help_and_exit(options, usage, argc, argv);
        if (code == ':')
            usage_error(argv[0], "%s needs a value", argv[optind - 1]);
        if (code == 'o') { /* the one short form, for what every compiler calls so */
            for (index = 1; table[index].name && strcmp(table[index].name, "output") != 0; index++)
                ;
            if (!table[index].name) {
                code = '?';
                optopt = 'o';
            }
        }
        if (code == '?' && optopt > 0 && optopt < 0x80 &&
            isalpha(optopt)) /* a letter; argv may not have moved on yet */
            usage_error(argv[0], "there is no option \"-%c\"", optopt);
        if (code == '?')
            refuse_option(table, argv[optind - 1], argv[0]);
        set(entries[index], optarg, argv[0]);
    }
    free(table);
    free(entries);
    return optind;
}

/* What a shell would take apart stands in quotes; a quote in it is '\\''. */
static void print_argument(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
    if (*text && !text[strspn(text, plain)]) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++)
        fputs(*text == '\'' ? "'\\''" : (char[]){*text, 0}, out);
    fputc('\'', out);
}

static bool is_among(const char *text, const char *const *list)
{
    while (*list && strcmp(*list, text) != 0)
        list++;
    return *list != NULL;
}

char *options_command(int argc, char **argv, const char *const *left_out)
{
    char *text = NULL;
    size_t size;
    FILE *out = text_open(&text, &size);
    fputs("eyelet", out);
    for (int i = 0; i < argc; i++)
        if (!is_among(argv[i], left_out)) {
            fputc(' ', out);
            print_argument(out, argv[i]);
        }
    text_close(out);
    return text;
}
