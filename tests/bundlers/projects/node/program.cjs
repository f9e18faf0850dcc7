const { loadClassifier } = require('eyelet');

async function main() {
    const { answersOf } = await import('./answers.js');
    const classifier = await loadClassifier({ model: 'public/objects160.eyelet' });
    console.log(JSON.stringify(await answersOf(classifier, 'public/espresso.jpg')));
}
main();
