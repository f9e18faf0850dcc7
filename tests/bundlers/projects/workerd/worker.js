import { loadClassifier } from 'eyelet';
import { answersOf } from './answers.js';

export default {
    async fetch(request, env) {
        const asset = async (name) => (await env.ASSETS.fetch(new URL(name, request.url))).arrayBuffer();
        const classifier = await loadClassifier({ model: asset('/objects160.eyelet') });
        return Response.json(await answersOf(classifier, await asset('/espresso.jpg')));
    },
};
