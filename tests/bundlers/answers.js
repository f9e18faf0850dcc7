/* What is compared: the classes of an image, from classify and three times from classifyMany. */
export async function answersOf(classifier, image) {
    const one = await classifier.classify(image, { topK: 3 }), many = [];
    for await (const result of classifier.classifyMany([image, image, image], { topK: 3 })) {
        if (result instanceof Error)
            throw result;
        many.push(result);
    }
    classifier.close();
    return { one, many };
}
