'use client';
import { loadClassifier } from 'eyelet';
import { useEffect, useState } from 'react';
import { answersOf } from '../answers.js';

export default function Page() {
    const [answer, setAnswer] = useState();
    useEffect(() => {
        loadClassifier({ model: '/objects160.eyelet' })
            .then((classifier) => answersOf(classifier, '/espresso.jpg'))
            .then((answers) => setAnswer(JSON.stringify(answers)), (error) => setAnswer(String(error)));
    }, []);
    return answer && <pre id="answer">{answer}</pre>;
}
