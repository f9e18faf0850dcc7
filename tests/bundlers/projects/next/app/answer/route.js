import { loadClassifier } from 'eyelet';
import { answersOf } from '../../answers.js';

export const dynamic = 'force-dynamic';

export async function GET() {
    const classifier = await loadClassifier({ model: 'public/objects160.eyelet' });
    return Response.json(await answersOf(classifier, 'public/espresso.jpg'));
}
