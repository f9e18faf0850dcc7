/* What `eyelet train -o runs/first/` leaves in its folder beside models and log. What goes wrong ends the program. */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include "data/dataset.h"
#include "data/split.h"
#include "commands/train_options.h"

/* first.txt: what the run is made of. */
void run_folder_configuration(const struct train_options *o, const char *command, const char *identity);

/* first.html: a report of the model on the validation images, if there are any. The test images stay unseen, for
 * `eyelet evaluate`. */
void run_folder_report(const struct train_options *o, const char *command, const struct dataset *dataset,
                       const struct split *split);

/* Whether one of these files is not there. */
enum run_folder_file { RUN_CONFIGURATION, RUN_REPORT };
bool run_folder_lacks(const struct train_options *o, enum run_folder_file file);

#endif
