/* Fetches the official CIFAR-10 archive with the usual tools: curl and tar. */
#ifndef FETCH_H
#define FETCH_H

#include <stdbool.h>

/* Whether fetch_cifar downloads at once (--fetch); else it asks first, or, without a terminal to ask on, does not. */
extern bool fetch_without_asking;

/* Fetches into `folder`, made if it is missing: goes on where the connection broke, three times; checks the MD5;
 * unpacks. It downloads into a file of a new name, so that nothing that is there is written over, and removes that
 * file unless it came whole. An archive that is there already is taken if its MD5 is right, and left alone if not.
 * False if the user declines; any failure ends the program. $EYELET_CIFAR10_URL replaces the address,
 * $EYELET_CIFAR10_MD5 the MD5. */
bool fetch_cifar(const char *folder);

#endif
