/* What every reader of a model file must say of the same bytes. */
#include "explain.h"
#include "support/golden_model.h"
#include "support/test.h"

/* The explainer says what the classifier does, unless there is no map, and its numbers are from 0 to 1. */
static void check_explainer(const uint8_t *bytes, size_t size, enum status expected)
{
    enum { SIDE = 9 };
    size_t workspace;
    struct eyelet_explainer *explainer = NULL;
    const enum status measured = eyelet_explainer_bytes(&workspace, bytes, size);
    CHECK(measured ? workspace == 0 : workspace > 0);
    if (measured == STATUS_NO_FEATURE_MAP || measured == STATUS_LIMIT || workspace > 64 << 20)
        return;
    const enum status opened = eyelet_explainer_open(&explainer, test_bytes(workspace), bytes, size);
    CHECK((explainer == NULL) == (opened != STATUS_OK));
    if (opened) {
        CHECK_EQUAL(opened, expected);
        return;
    }
    struct model model;
    model_parse(&model, bytes, size);
    const enum status run = eyelet_explainer_run(
        explainer, test_bytes((size_t)(model.net.input.h * model.net.input.w * 3)), net_classes(&model.net) - 1);
    CHECK(run == STATUS_OK || run == STATUS_NOT_FINITE);
    float heat[SIDE * SIDE];
    eyelet_explainer_heat(heat, explainer, SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE && !run; i++)
        CHECK(heat[i] >= 0 && heat[i] <= 1);
}

enum status golden_status(const uint8_t *bytes, size_t size)
{
    struct model model;
    const enum status status = model_read(&model, bytes, size);
    check_explainer(bytes, size, status);
    size_t workspace;
    const enum status measured = eyelet_classifier_bytes(&workspace, bytes, size);
    CHECK(measured == status || measured == STATUS_OK || (status == STATUS_OK && measured == STATUS_LIMIT));
    CHECK(measured ? workspace == 0 : workspace > 0);
    struct eyelet_classifier *classifier = NULL;
    if (measured) {
        CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(0), bytes, size), measured);
        CHECK(classifier == NULL);
        return measured;
    }
    if (workspace > 64 << 20)
        return status; /* too slow to run by the thousand */
    CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(workspace), bytes, size), status);
    CHECK((classifier == NULL) == (status != STATUS_OK));
    if (status)
        return status;
    uint8_t *rgba = test_bytes(5 * 4 * 4);
    const enum status run =
        eyelet_classifier_run(classifier, rgba, 5, 4, test_bytes(eyelet_classifier_scratch_bytes(classifier, 5, 4)));
    CHECK(run == STATUS_OK || run == STATUS_NOT_FINITE);
    return STATUS_OK;
}
