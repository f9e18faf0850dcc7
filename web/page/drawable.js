/* What people can draw in some seconds: outlines, few parts.
 *
 *     drawable(classifier.labels);    // those of the labels that can be; else all of a few, or short ones of many
 *
 * A label may have several names, "ship, boat": one of them is enough. */
const names = new Set(`
    airplane anchor apple arrow automobile axe banana banjo barn basketball bed bee bell bicycle bird book
    bow_tie boat bottle bowl bridge broom bucket bus butterfly cactus cake camel camera candle cannon car cat
    chair church circle clock cloud coffee_mug cup deer diamond dog door drum duck ear elephant envelope eye
    face fence fish flag flagpole flower fork frog frying_pan giraffe glasses goldfish goose guitar hammer hand
    hat heart horse house ice_cream ice_lolly key king_penguin knife ladder lamp lampshade leaf lemon lighthouse
    lion mailbox moon mountain mushroom nail octopus owl palm_tree pear pencil penguin piano pig pillow pizza
    plunger pretzel pyramid rabbit rainbow rocket ruler sailboat sandal saw scissors scorpion ship shoe
    skateboard slug snake snowman sock sombrero spider spoon square star stopwatch sun sulphur_butterfly sword
    syringe t-shirt table tarantula tent tooth toothbrush torch tractor traffic_light train tree triangle truck
    umbrella violin walking_stick water_tower wheel whale wok wooden_spoon 0 1 2 3 4 5 6 7 8 9`.trim().split(/\s+/));

const maxFew = 20;

const isDrawable = (label) => label.toLowerCase().split(/,\s*/).some((name) => names.has(name.replaceAll(' ', '_')));

export function drawable(labels) {
    const known = labels.filter(isDrawable);
    if (known.length >= 2)
        return known;
    return labels.length <= maxFew ? labels : labels.filter((label) => label.length <= 10);
}
