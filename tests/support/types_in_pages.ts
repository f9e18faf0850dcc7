import { CameraClassifier, loadClassifier, openCamera } from 'eyelet';
import type { Classifier } from 'eyelet';
import 'eyelet/element';
import { loadTeacher } from 'eyelet/teacher';
import type { Teacher } from 'eyelet/teacher';
import { EyeletClassifier, useClassifier } from 'eyelet/react';
import { createElement } from 'react';

export async function show(image: HTMLImageElement, video: HTMLVideoElement, canvas: HTMLCanvasElement, input: HTMLInputElement) {
    const module: WebAssembly.Module = await WebAssembly.compileStreaming(fetch('classifier.wasm'));
    const classifier: Classifier = await loadClassifier({ model: fetch('model.eyelet'), wasm: module });
    const { signal } = new AbortController();
    const given = [image, video, canvas, new OffscreenCanvas(1, 1), new ImageData(1, 1), new Blob([]), new URL('http://localhost/'),
        await createImageBitmap(image), fetch('photo.jpg'), new VideoFrame(canvas)];
    for (const one of given)
        image.alt = (await classifier.classify(one, { signal }))[0].label;
    for await (const result of classifier.classifyMany(input.files ?? [], { signal }))
        image.alt = 'code' in result ? result.code : result[0].label;
    const camera = await openCamera(video, { facingMode: 'user' });
    for await (const frame of camera.frames(classifier.info, { signal }))
        image.alt = (await classifier.classify(frame))[0].label;
    const live = new CameraClassifier(video, { model: 'm.eyelet', topK: 1, facingMode: 'user', onError: ({ code }) => console.log(code),
        onResult: ([best], { framesPerSecond, frame }) => console.log(best?.label, framesPerSecond, frame.width) });
    await live.start();
    live.use(classifier);
    await live.switchCamera();
    live.close();
}

export async function teach(video: HTMLVideoElement, file: File, canvas: HTMLCanvasElement) {
    const teacher: Teacher = await loadTeacher({ model: fetch('model.eyelet') }), { signal } = new AbortController();
    const id: number = await teacher.add('apple', file, { signal });
    teacher.move(id, 'pear');
    const { best: [best], nearest: [near], isOutlier } = await teacher.classify(video, { topK: 1, nearest: 1 });
    const { data, width, height } = await teacher.thumbnail(near?.id ?? id);
    canvas.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0);
    const { mistakes, interval: [low, high] } = await teacher.evaluate();
    canvas.title = isOutlier ? 'new' : `${best?.label} ${low}-${high} ${mistakes.length} ${teacher.classes[0]?.count}`;
    return new Blob([await teacher.save({ name: 'fruit', notes: { author: 'me' } })]);
}

export function useElement(file: File) {
    const element = document.createElement('eyelet-classifier');
    Object.assign(element, { src: 'photo.jpg', topK: 3 });
    element.model = new Uint8Array(3);
    element.image = file;
    element.addEventListener('classify', ({ detail }) => console.log(detail[0].label, element.result?.[0].score));
    element.addEventListener('error', ({ error }) => console.log(error.message));
    element.addEventListener('click', () => element.remove());
}

export function Labelled({ file }: { file: File | null }) {
    const { classifier, error } = useClassifier('m.eyelet');
    const words = classifier ? classifier.labels[0] : error?.code;
    return createElement(EyeletClassifier, { model: 'm.eyelet', image: file, topK: 3, className: 'big', title: words,
        onClassify: (best) => console.log(best[0].label), onError: ({ code }) => console.log(code) }, 'Choose');
}
