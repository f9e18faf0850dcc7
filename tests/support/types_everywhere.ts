import { ClassifierError, loadClassifier } from 'eyelet';
import type { Classification, Classifier, ClassifierErrorCode, Decoded, ImageSource } from 'eyelet';
import { loadTeacher, type Teacher } from 'eyelet/teacher';

declare const images: AsyncIterable<ImageSource>;

export async function labels(model: Uint8Array): Promise<string[]> {
    const classifier: Classifier = await loadClassifier({ model });
    const best: Decoded<Classification[]> = await classifier.classify('photo.jpg', { topK: 3, threshold: 0.5 });
    const found = [best[0]?.label ?? 'none', classifier.classifySync({ data: new Uint8Array(4), width: 1, height: 1 })[0].label];
    for await (const result of classifier.classifyMany(images, { workers: 2 }))
        found.push(result instanceof ClassifierError ? result.message : result[0].label);
    const code: ClassifierErrorCode = 'FETCH';
    // @ts-expect-error: a number is no image
    await classifier.embed(5);
    return [...found, code];
}

export async function taught(model: Uint8Array, image: ImageSource): Promise<string> {
    const teacher: Teacher = await loadTeacher({ model });
    await teacher.add('apple', image);
    // @ts-expect-error: a label is a text
    await teacher.add(5, image).catch((error: ClassifierError) => error.code);
    return (await teacher.classify(image)).best[0]?.label ?? teacher.info.labels.join();
}
