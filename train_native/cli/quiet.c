#include "cli/quiet.h"

#include "cli/errors.h"
#include "cli/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static FILE *stream; /* of messages */
static char *text;
static size_t size;
static int errors = -1; /* what was standard error */

void quiet_begin(void)
{
    stream = text_open(&text, &size);
    messages_to(stream);
    fflush(stdout);
    errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || errors < 0)
        return;
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
}

const char *quiet_message(void)
{
    if (!stream || fflush(stream))
        return "";
    text[size] = 0; /* behind it may be more, of a longer one before */
    return text;
}

void quiet_say(const char *speaker)
{
    static const char start[] = "eyelet: ";
    const char *message = quiet_message();
    if (strncmp(message, start, sizeof start - 1) == 0)
        dprintf(errors, "%s%s: %s", start, speaker, message + sizeof start - 1);
}
