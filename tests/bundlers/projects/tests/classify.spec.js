import { readFileSync, writeFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';

import { ClassifierError, loadClassifier } from 'eyelet';
import { answersOf } from './answers.js';

const minute = 60_000;
const opened = () => loadClassifier({ model: readFileSync('public/objects160.eyelet') });

test('a file', async () => {
    const answers = await answersOf(await opened(), readFileSync('public/espresso.jpg'));
    writeFileSync('answer.json', JSON.stringify(answers));
}, minute);

test('values of this realm and of others', async () => {
    const classifier = await opened(), pixels = { data: new Uint8ClampedArray(4), width: 1, height: 1 };
    const foreign = runInNewContext('({ data: new Uint8ClampedArray(4), width: 1, height: 1 })');
    expect(await classifier.classify(foreign)).toEqual(await classifier.classify(pixels));
    expect(await classifier.logits(pixels)).toBeInstanceOf(Float32Array);
    await expect(classifier.classify(7)).rejects.toBeInstanceOf(ClassifierError);
}, minute);
