import { loadClassifier } from 'eyelet';
import { answersOf } from './answers.js';

async function text() {
    try {
        const classifier = await loadClassifier({ model: 'objects160.eyelet' });
        return JSON.stringify(await answersOf(classifier, 'espresso.jpg'));
    } catch (error) {
        return `${error.name} ${error.code}: ${error.message}`;
    }
}

document.body.append(Object.assign(document.createElement('pre'), { id: 'answer', textContent: await text() }));
