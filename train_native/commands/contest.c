#include "commands/contest.h"

#include "model/interval.h"

#include <math.h>

int contest_epoch(int epochs) { return (epochs + 3) / 4; }

bool contest_decided(double best, const struct epoch_result *measured)
{
    const int right = (int)lround(best * measured->count);
    const double worst = interval_of(right, measured->count).low;
    const double hoped = interval_of(measured->correct, measured->count).high;
    return measured->count && worst > 1 - (1 - hoped) / 2;
}
