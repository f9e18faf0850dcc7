#include "commands/train_config.h"

#include "cli/errors.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char option[] = "--config", start[] = "command=eyelet train ";
static const char remedy[] = "Name the .txt that `eyelet train -o FOLDER/` wrote.";

/* Takes the next word off a command line, in place: quotes and backslashes as options_command puts them. False: there is
 * none. */
static bool next_word(char **word, char **rest, const char *path)
{
    char *from = *rest + strspn(*rest, " "), *to = from;
    bool quoted = false;
    *word = from;
    if (!*from)
        return false;
    for (; *from && (quoted || *from != ' '); from++) {
        if (*from == '\'')
            quoted = !quoted;
        else if (*from == '\\' && !quoted && from[1])
            *to++ = *++from;
        else
            *to++ = *from;
    }
    if (quoted)
        die(path, remedy, "a quote in its first line has no end");
    *rest = from + (*from != 0);
    *to = 0;
    return true;
}

static void add_file(char ***arguments, int *count, const char *path)
{
    enum { MAX_CONFIG = 1 << 20 };
    size_t size;
    const char *reason;
    char *text = (char *)read_file(&size, &reason, path, MAX_CONFIG), *word;
    if (!text)
        die(path, remedy, "%s", reason);
    text[strcspn(text, "\r\n")] = 0;
    if (strncmp(text, start, sizeof start - 1) != 0)
        die(path, remedy, "does not begin with \"%s\"", start);
    for (char *rest = text + sizeof start - 1; next_word(&word, &rest, path);)
        LIST_ADD(*arguments, *count, word);
}

char **train_config(int *argc, char **argv)
{
    char **arguments = NULL, **own = NULL;
    int count = 0, kept = 0;
    LIST_ADD(arguments, count, argv[0]);
    for (int i = 1; i < *argc; i++) {
        const size_t length = sizeof option - 1;
        if (strncmp(argv[i], option, length) == 0 && argv[i][length] == '=')
            add_file(&arguments, &count, argv[i] + length + 1);
        else if (strcmp(argv[i], option) == 0 && i + 1 < *argc)
            add_file(&arguments, &count, argv[++i]);
        else
            LIST_ADD(own, kept, argv[i]);
    }
    for (int i = 0; i < kept; i++)
        LIST_ADD(arguments, count, own[i]);
    free(own);
    *argc = count;
    LIST_ADD(arguments, count, NULL);
    return arguments;
}
