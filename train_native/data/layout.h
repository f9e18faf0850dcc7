/* How a folder is laid out as a data set: which folders in it hold the images of which class, for which part.
 *
 *     struct layout layout = layout_find("photos", NULL);
 *     for (int i = 0; i < layout.class_count; i++)
 *         printf("%s: %s\n", layout.classes[i].name, layout.classes[i].folder);
 *     layout_free(&layout);
 *
 * By structure, whatever the folders are called:
 *     photos/CLASS                 classes, to be divided
 *     photos/PART/CLASS            parts: folders that hold folders of the same names, like training_set, test_set; also
 *                                  photos/CLASS/PART, and fold1 to foldN, which all are for training
 *     photos/images/...            where one folder alone holds images, in it, at any depth; so also in a part
 *
 * Which part is which is said by the folders' names (part_names.h), or by the user, with --parts. Where the structure
 * can be read in two ways, or a name says nothing, the program ends and asks for --parts. */
#ifndef LAYOUT_H
#define LAYOUT_H

#include "data/photo_list.h"

/* A folder that holds the images of a class. */
struct layout_class {
    char *name, *folder;
    enum photo_part part; /* PHOTO_OPEN: the data has no parts */
};

struct layout {
    char *root; /* the folder itself, or the one in it where the parts or classes stand */
    struct layout_class *classes;
    int class_count;
    struct photo_source *sources; /* what was taken for which part */
    int source_count;
    bool inside; /* the parts stand in the classes' folders */
};

/* parts: as the user names them (part_names.h); NULL: they are found. */
struct layout layout_find(const char *folder, const char *parts);
void layout_free(struct layout *layout);

#endif
