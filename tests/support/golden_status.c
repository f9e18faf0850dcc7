/* What every reader of a model file must say of the same bytes. */
#include "classifier.h"
#include "support/golden_model.h"
#include "support/test.h"

enum status golden_status(const uint8_t *bytes, size_t size)
{
    struct model model;
    const enum status status = model_read(&model, bytes, size);
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
