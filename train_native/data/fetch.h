/* Fetches the official CIFAR-10 archive with the usual tools: curl, md5sum and tar. */
#ifndef FETCH_H
#define FETCH_H

#include <stdbool.h>

/* Whether fetch_cifar downloads at once (--fetch); else it asks first, or, without a terminal to ask on, does not. */
extern bool fetch_without_asking;

/* Fetches into `folder`, made if it is missing: resumes a broken download, checks the sum, unpacks. False if the user
 * declines; any failure ends the program and keeps what is worth resuming. $EYELET_CIFAR10_URL replaces the address. */
bool fetch_cifar(const char *folder);

#endif
