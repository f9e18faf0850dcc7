#include "cli/options.h"

#include "cli/errors.h"
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

enum { MOST_OPTIONS = 64, LONG = 256 /* what getopt_long returns: this and the place in its table */ };

void usage_error(const char *command, const char *format, ...)
{
    va_list arguments;
    char hint[80];
    snprintf(hint, sizeof hint, "`eyelet %s%s--help` says more.", command, *command ? " " : "");
    va_start(arguments, format);
    vmessage(NULL, hint, format, arguments);
    va_end(arguments);
    exit(EXIT_USAGE);
}

static void print_default(const struct option_entry *option)
{
    const char *const *text = option->target;
    switch (option->kind) {
    case OPTION_FLAG: break;
    case OPTION_COUNT: printf(" (%d)", *(const int *)option->target); break;
    case OPTION_NUMBER: printf(" (%g)", (double)*(const float *)option->target); break;
    case OPTION_TEXT:
        if (*text)
            printf(" (%s)", *text);
        break;
    case OPTION_CHOICE: printf(" (%s)", option->choices[*(const int *)option->target]); break;
    }
}

static void print_help(const struct option_entry *options, const char *usage)
{
    printf("%s\n\nOptions, with their defaults:\n", usage);
    for (; options->name; options++) {
        const int width = printf("  --%s%s%s", options->name, options->value ? " " : "", options->value ? options->value : "");
        printf("%*s", width < 26 ? 26 - width : 1, "");
        for (const char *p = options->help; *p; p++) { /* a line feed in the help continues under itself */
            putchar(*p);
            if (*p == '\n')
                printf("%26s", "");
        }
        if (options->kind == OPTION_CHOICE) {
            for (int i = 0; options->choices[i]; i++)
                printf("%s%s", i ? ", " : ": ", options->choices[i]);
        }
        print_default(options);
        putchar('\n');
    }
    printf("  --help                  this text\n");
}

static void set(const struct option_entry *option, const char *text, const char *command)
{
    char *end;
    errno = 0;
    if (option->kind == OPTION_FLAG) {
        *(bool *)option->target = true;
    } else if (option->kind == OPTION_TEXT) {
        *(const char **)option->target = text;
    } else if (option->kind == OPTION_COUNT) {
        const long number = strtol(text, &end, 10);
        if (end == text || *end || errno || number < 0 || number > INT_MAX)
            usage_error(command, "--%s takes a whole number of 0 or more, not \"%s\"", option->name, text);
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
        if (!option->choices[i]) {
            char list[256] = "";
            for (i = 0; option->choices[i]; i++)
                snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", option->choices[i]);
            usage_error(command, "--%s takes one of %s, not \"%s\"", option->name, list, text);
        }
        *(int *)option->target = i;
    }
}

int options_parse(const struct option_entry *options, const char *usage, int argc, char **argv)
{
    struct option table[MOST_OPTIONS + 2] = {{"help", no_argument, NULL, LONG}};
    int count = 1;
    for (; options[count - 1].name && count <= MOST_OPTIONS; count++)
        table[count] = (struct option){options[count - 1].name,
                                       options[count - 1].kind == OPTION_FLAG ? no_argument : required_argument, NULL,
                                       LONG + count}; /* all different, or an ambiguous beginning would pass for the first */
    int index = -1, code;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, ":ho:", table, &index)) != -1) {
        if (code == 'h' || code == LONG) {
            print_help(options, usage);
            if (fflush(stdout))
                die("standard output", NULL, "not everything could be written");
            exit(EXIT_SUCCESS);
        }
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
        if (code == '?' && optopt > 0 && optopt < 0x80 && isalpha(optopt)) /* a letter; argv may not have moved on yet */
            usage_error(argv[0], "there is no option \"-%c\"", optopt);
        if (code == '?')
            usage_error(argv[0], "there is no option \"%s\"", argv[optind - 1]);
        set(&options[index - 1], optarg, argv[0]);
    }
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

char *options_command(int argc, char **argv, const char *left_out)
{
    char *text = NULL;
    size_t size;
    FILE *out = text_open(&text, &size);
    fputs("eyelet", out);
    for (int i = 0; i < argc; i++)
        if (!left_out || strcmp(argv[i], left_out) != 0) {
            fputc(' ', out);
            print_argument(out, argv[i]);
        }
    text_close(out);
    return text;
}
