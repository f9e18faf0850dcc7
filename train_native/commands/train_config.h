/* `eyelet train --config first.txt`: the arguments that a run was started with, from what it wrote of itself
 * (run_folder.h).
 *
 *     char **own = train_config(&argc, argv);
 *
 * The file's first line is "command=eyelet train ...", as options_command writes it. Its arguments come first, so that
 * those of the command line override them. Nothing is freed: the options point into it. A file that cannot be read, or
 * does not begin so, ends the program. */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

char **train_config(int *argc, char **argv);

#endif
