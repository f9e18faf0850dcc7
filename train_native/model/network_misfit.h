/* Why a network that was read cannot be: what net_check refused, told in the terms of its description (network.c). */
#ifndef NETWORK_MISFIT_H
#define NETWORK_MISFIT_H

#include "model/network_words.h"
#include "net/net.h"

/* Makes it the mistake at the node's line, which is words->line, and column. failed, status: from net_check. */
void network_misfit(struct words *words, int column, const struct net *net, int failed, enum status status);

#endif
