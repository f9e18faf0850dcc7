import { json } from '@sveltejs/kit';
import { loadClassifier } from 'eyelet';
import { answersOf } from '../../../answers.js';

export async function GET() {
    const classifier = await loadClassifier({ model: 'public/objects160.eyelet' });
    return json(await answersOf(classifier, 'public/espresso.jpg'));
}
