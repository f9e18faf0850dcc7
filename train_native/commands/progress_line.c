#include "commands/progress_line.h"

#include "cli/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum { MIN_BAR = 8, MAX_BAR = 24, BRACKETS = 3, USUAL_COLUMNS = 80 };

int columns_of(int file)
{
    struct winsize size;
    return ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : USUAL_COLUMNS;
}

static char *time_left(double seconds)
{
    const int whole = seconds < 1e9 ? (int)seconds : 1000000000, hours = whole / 3600, minutes = whole / 60 % 60;
    return hours ? text_format("%d:%02d:%02d left", hours, minutes, whole % 60)
                 : text_format("%d:%02d left", minutes, whole % 60);
}

/* " [====    ]" of so many columns inside; nothing where they are too few. */
static char *bar_of(const struct progress_facts *facts, int columns)
{
    if (columns < MIN_BAR)
        return text_copy("");
    const int inside = columns < MAX_BAR ? columns : MAX_BAR;
    const int filled = (int)((int64_t)inside * facts->done / facts->images);
    return text_format(" [%.*s%*s]", filled, "========================", inside - filled, "");
}

char *progress_line(const struct progress_facts *facts, int columns)
{
    char *head = text_format("epoch %*d/%d", facts->epochs > 9 ? 2 : 1, facts->epoch, facts->epochs);
    char *left = time_left(facts->seconds_left);
    char *accuracy = facts->accuracy < 0 ? text_copy("") : text_format("  accuracy %.2f %%", 100 * facts->accuracy);
    char *tail = text_format("  %s  loss %.4f%s", left, facts->loss, accuracy);
    char *speed = text_format("  %s images/s", format_thousands((uint64_t)facts->per_second));
    const int percent = (int)((int64_t)100 * facts->done / facts->images), percent_columns = 7;
    int room = columns - (int)(strlen(head) + strlen(tail) + strlen(speed)) - percent_columns - BRACKETS;
    if (room < MIN_BAR) {
        room += (int)strlen(speed);
        *speed = 0;
    }
    char *bar = bar_of(facts, room);
    char *line = text_format("%s%s  %3d %%%s%s", head, bar, percent, speed, tail);
    if ((int)strlen(line) > columns)
        line[columns > 0 ? columns : 0] = 0;
    free(head);
    free(left);
    free(accuracy);
    free(tail);
    free(speed);
    free(bar);
    return line;
}
