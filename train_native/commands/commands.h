/* The subcommands: each parses its own arguments (argv[0] is its name) and returns the program's exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

int command_train(int argc, char **argv);
int command_pretrain(int argc, char **argv);
int command_evaluate(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_calibrate(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_classify(int argc, char **argv);
int command_convert(int argc, char **argv);
int command_quantize(int argc, char **argv);
int command_prune(int argc, char **argv);
int command_export(int argc, char **argv);
int command_import(int argc, char **argv);
int command_summary(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_embed(int argc, char **argv);
int command_index(int argc, char **argv);
int command_search(int argc, char **argv);
int command_suggest(int argc, char **argv);
int command_average(int argc, char **argv);

#endif
