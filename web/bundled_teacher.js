/* teacher.js for bundlers. */
import './bundled.js';

export * from './teacher.js';
