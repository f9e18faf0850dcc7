/* What build/dist/eyelet.js is made of, for pages without modules: window.eyelet and <eyelet-classifier>. */
import './element.js';

export * from './bundled.js';
