#include "data/folder_files.h"

#include "cli/files.h"
#include "cli/list.h"
#include "cli/text.h"
#include "data/folder_entries.h"

#include <stdlib.h>

static void leave_out_all(struct photo_list *list, const char *folder, const struct text_list *names,
                          enum left_out reason)
{
    for (int i = 0; i < names->count; i++)
        photo_list_leave_out(list, path_join(folder, names->texts[i]), reason);
}

static void add_folders(struct text_list *open, const char *folder, const struct text_list *names)
{
    for (int i = 0; i < names->count; i++) {
        char *path = path_join(folder, names->texts[i]);
        LIST_ADD(open->texts, open->count, path);
    }
}

void folder_files_add(struct photo_list *list, const char *folder, int label, enum photo_part part)
{
    struct text_list open = {0};
    text_list_add(&open, folder);
    for (int at = 0; at < open.count; at++) {
        struct folder_entries entries = folder_entries_of(open.texts[at], LINKS_APART);
        struct photo photo = {NULL, entries.fault, (uint16_t)label, (uint8_t)part};
        if (entries.fault) {
            photo.path = text_copy(open.texts[at]);
            photo_list_add(list, &photo);
        }
        for (int i = 0; i < entries.files.count; i++) {
            photo.path = path_join(open.texts[at], entries.files.texts[i]);
            if (is_image_file(photo.path, &photo.fault) || photo.fault) {
                photo_list_add(list, &photo);
            } else {
                photo_list_leave_out(list, photo.path, LEFT_NOT_IMAGE);
            }
        }
        leave_out_all(list, open.texts[at], &entries.links, LEFT_LINK);
        leave_out_all(list, open.texts[at], &entries.system, LEFT_SYSTEM);
        add_folders(&open, open.texts[at], &entries.folders);
        folder_entries_free(&entries);
    }
    text_list_free(&open);
}

int folder_files_leave_out(struct photo_list *list, const char *folder, enum left_out reason, bool deep)
{
    struct text_list open = {0};
    int images = 0;
    text_list_add(&open, folder);
    for (int at = 0; at < open.count; at++) {
        struct folder_entries entries = folder_entries_of(open.texts[at], LINKS_APART);
        for (int i = 0; i < entries.files.count; i++) {
            const char *fault;
            char *path = path_join(open.texts[at], entries.files.texts[i]);
            const bool is_image = is_image_file(path, &fault);
            images += is_image;
            photo_list_leave_out(list, path, is_image ? reason : LEFT_NOT_IMAGE);
        }
        leave_out_all(list, open.texts[at], &entries.system, LEFT_SYSTEM);
        if (deep) {
            leave_out_all(list, open.texts[at], &entries.links, LEFT_LINK);
            add_folders(&open, open.texts[at], &entries.folders);
        }
        folder_entries_free(&entries);
    }
    text_list_free(&open);
    return images;
}
