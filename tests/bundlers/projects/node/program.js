import { loadClassifier } from 'eyelet';
import { answersOf } from './answers.js';

const classifier = await loadClassifier({ model: 'public/objects160.eyelet' });
console.log(JSON.stringify(await answersOf(classifier, 'public/espresso.jpg')));
