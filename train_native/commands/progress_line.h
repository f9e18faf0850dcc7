/* The line that a training redraws on a terminal, as wide as that is:
 *
 *     epoch  3/40 [==========              ]  41 %  1,234 images/s  1:02:03 left  loss 0.4321  accuracy 85.21 %
 *
 *     char *line = progress_line(&facts, columns_of(STDOUT_FILENO));      // the caller frees it */
#ifndef PROGRESS_LINE_H
#define PROGRESS_LINE_H

struct progress_facts {
    int epoch, epochs;   /* from 1 */
    int images, done;    /* of this epoch, and how many of them */
    double per_second;   /* images */
    double seconds_left; /* of the whole run */
    double loss;
    double accuracy; /* 0 to 1; negative: labels are not known */
};

/* At most so many columns: the bar takes what the rest leaves; where that is not enough, the speed goes, then the bar. */
char *progress_line(const struct progress_facts *facts, int columns);

/* Of the terminal behind a file descriptor; 80 where it does not say. */
int columns_of(int file);

#endif
