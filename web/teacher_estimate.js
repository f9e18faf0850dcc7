/* What cross-validation found, for people and for a file's notes.
 *
 *     const evaluation = evaluationOf(found, labels, set);    // found: teacher_engine.js's evaluate
 *     const notes = notesOf(found); */

const z = 1.959963984540054; /* 97.5th percentile of the normal distribution */

/* Wilson's 95 % interval (1927) of a fraction. */
export function wilson(right, count) {
    if (count === 0)
        return [0, 1];
    const p = right / count, width = z * Math.sqrt(p * (1 - p) / count + z * z / (4 * count * count));
    const middle = p + z * z / (2 * count), scale = 1 + z * z / count;
    return [Math.max(0, (middle - width) / scale), Math.min(1, (middle + width) / scale)];
}

/* labels: of the classes; ids, indices: of each picture, its id and its class. */
export function evaluationOf(found, labels, { ids, indices }) {
    const { answers, scores, heldOut, right } = found;
    const confusion = labels.map(() => labels.map(() => 0)), mistakes = [];
    answers.forEach((answer, position) => {
        if (answer < 0)
            return;
        const index = indices[position];
        confusion[index][answer]++;
        if (answer !== index) {
            const id = ids[position], score = scores[position];
            mistakes.push({ id, label: labels[index], answered: labels[answer], score });
        }
    });
    return {
        accuracy: right / heldOut,
        interval: wilson(right, heldOut),
        count: heldOut,
        labels,
        confusion,
        mistakes: mistakes.sort((a, b) => b.score - a.score || a.id - b.id),
        threshold: thresholdOf(found),
        temperature: found.temperature,
        milliseconds: found.milliseconds,
    };
}

export function thresholdOf({ answered, threshold }) {
    return answered > 0 ? threshold : undefined;
}

const percent = (fraction) => `${(100 * fraction).toFixed(2)} %`;

function interval(right, count) {
    const [low, high] = wilson(right, count).map((end) => (100 * end).toFixed(1));
    return `${low}-${high} %`;
}

/* In the words of `eyelet calibrate` where it has some. */
export function notesOf(found) {
    const { heldOut, right, temperature, temperatureInterval: [low, high], answered, answeredRight, threshold } = found;
    const pictures = `${heldOut} taught pictures, held out in turn`;
    return {
        accuracy: heldOut ? `${percent(right / heldOut)} of ${pictures} (${interval(right, heldOut)})` : undefined,
        calibration: temperature === 1 ? undefined
            : `temperature ${temperature.toFixed(3)} (${low.toFixed(3)}-${high.toFixed(3)}) from ${pictures}`,
        'rejection threshold': answered ? `${threshold.toFixed(3)} (${percent(answeredRight / answered)} of the ` +
            `${answered} surer answers were right, of ${pictures}; 95 % asked for)` : undefined,
    };
}
