/* The bits of the results of model.eyelet for golden_picture, by tests/support/make_golden.c. */
static const uint32_t golden_crc = 0xe0ddc308; /* of model.eyelet but for its last four bytes, which hold it */
static const uint32_t golden_logits[] = {
    0x404dbc26, 0x4026f05e, 0x3eb910d0, 0xc07ba791, 0x4062bbff,
};
static const uint32_t golden_probabilities[] = {
    0x3ea6c87c, 0x3e5eacf9, 0x3d47252e, 0x3b360b5f, 0x3ecf904d,
};
