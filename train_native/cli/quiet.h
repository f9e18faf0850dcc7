/* A process that works for another one, which alone speaks: what it prints is lost, and its last message is kept for
 * whoever may want it after all.
 *
 *     quiet_begin();
 *     warn("mine.eyelet", NULL, "the model is cut short");
 *     quiet_say("rank 1 on north");       // eyelet: rank 1 on north: mine.eyelet: the model is cut short */
#ifndef QUIET_H
#define QUIET_H

void quiet_begin(void);

/* The last message, as it would have been printed; "" if there was none. Valid until the next message. */
const char *quiet_message(void);

/* Prints it to what was standard error, with the speaker in front; nothing where there was none. */
void quiet_say(const char *speaker);

#endif
