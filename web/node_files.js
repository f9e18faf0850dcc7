/* Paths and file: URLs are read from disk, in Node. Imported for that effect. */
import { readFile } from 'node:fs/promises';

import { disk } from './source.js';

disk.readFile = (location) => readFile(/^file:/i.test(location) ? new URL(location) : location);
