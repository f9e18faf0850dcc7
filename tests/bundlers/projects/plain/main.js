/* Where it runs is the address's hash. */
import { answersOf } from './answers.js';
import { loadClassifier } from './node_modules/eyelet/web/classifier.js';

const reply = (port) => new Promise((resolve) => {
    port.addEventListener('message', ({ data }) => resolve(data));
    port.start();
});

const ways = {
    '#page': async () => answersOf(await loadClassifier({ model: 'objects160.eyelet' }), 'espresso.jpg'),
    '#script': async () => answersOf(await window.eyelet.loadClassifier({ model: 'objects160.eyelet' }), 'espresso.jpg'),
    async '#service-worker'() {
        await navigator.serviceWorker.register('worker.js', { type: 'module' });
        const { active } = await navigator.serviceWorker.ready, { port1, port2 } = new MessageChannel();
        active.postMessage('', [port2]);
        return reply(port1);
    },
    '#shared-worker': () => reply(new SharedWorker('worker.js', { type: 'module' }).port),
};

const answer = await ways[location.hash]().catch(String);
const textContent = typeof answer === 'string' ? answer : JSON.stringify(answer);
document.body.append(Object.assign(document.createElement('pre'), { id: 'answer', textContent }));
