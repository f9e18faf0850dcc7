/* Whether a network trained on a data set would be misled: what its survey means.
 *
 *     struct survey survey = survey_of(&options);
 *     survey_judge(&survey, options.allow_bad);
 *     for (int i = 0; i < survey.problem_count; i++)
 *         puts(survey.problems[i]);
 *     survey_free(&survey); */
#ifndef SURVEY_JUDGE_H
#define SURVEY_JUDGE_H

#include "data/survey.h"

/* Fills in its problems and notes. allow_bad: fraction of the images that may be unreadable. */
void survey_judge(struct survey *survey, float allow_bad);

#endif
