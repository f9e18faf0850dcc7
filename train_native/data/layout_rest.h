/* What of a folder of data is in no class of its layout, so that it can be said.
 *
 *     struct layout layout = layout_find("photos", NULL);
 *     struct layout_rests rests = layout_rests(&layout, "photos");
 *     for (int i = 0; i < rests.count; i++)
 *         printf("%s: %s\n", rests.rests[i].folder, left_out_texts[rests.rests[i].reason]);
 *     layout_rests_free(&rests);
 *     layout_free(&layout); */
#ifndef LAYOUT_REST_H
#define LAYOUT_REST_H

#include "data/layout.h"

/* A folder whose images are in no class. */
struct layout_rest {
    char *folder;
    enum left_out reason;
    bool deep; /* with the folders in it */
};

struct layout_rests {
    struct layout_rest *rests;
    int count;
};

/* folder: that the layout was found for. */
struct layout_rests layout_rests(const struct layout *layout, const char *folder);
void layout_rests_free(struct layout_rests *rests);

#endif
