/* A service worker or a shared one: whoever sends or connects a port is told the answers. */
import { answersOf } from './answers.js';
import { loadClassifier } from './node_modules/eyelet/web/classifier.js';

const answers = async () => answersOf(await loadClassifier({ model: 'objects160.eyelet' }), 'espresso.jpg');
const tell = async ([port]) => port.postMessage(await answers().catch(String));

self.addEventListener('message', (event) => event.waitUntil(tell(event.ports)));
self.addEventListener('connect', ({ ports }) => tell(ports));
