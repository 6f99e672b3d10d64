export * from './counter.js';
export * from './describe-error.js';
export * from './logger.js';
export * from './span.js';
export * from './trace-url.js';
