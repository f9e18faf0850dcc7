/* <eyelet-classifier> for bundlers. */
import './bundled.js';

export * from './element.js';
