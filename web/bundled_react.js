'use client';
/* React's component and hook for bundlers. */
import './bundled.js';

export * from './react.js';
