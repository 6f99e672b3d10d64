export * from './database.js';
export * from './sandbox.js';
export * from './stack.js';
