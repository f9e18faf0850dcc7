/* Why something was not done, for a caller to say or to end with (errors.h); it needs nothing of the program. */
#ifndef FAILURE_H
#define FAILURE_H

#include <stdbool.h>

/* The parts of a message; the caller owns it. Longer texts are cut. */
struct failure {
    char subject[4200]; /* "": none; a path and a position in the file fit */
    char reason[1600];
    char hint[400];  /* "": none */
    char key[24];    /* under which tables of other languages have the reason and the hint; "": none has them */
    char words[600]; /* what differs in that from one file to another, such as a name: a line each */
};

/* Fills it in; returns false, for the caller to return. */
bool failure_set(struct failure *failure, const char *subject, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Behind it: the key and the words. Returns false, too. */
bool failure_key(struct failure *failure, const char *key, const char *words, ...)
    __attribute__((format(printf, 3, 4)));

#endif
