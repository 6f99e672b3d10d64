export * from './database.js';
export * from './kafka.js';
export * from './messaging-harness.js';
export * from './otlp-receiver.js';
export * from './sandbox.js';
export * from './stack.js';
export * from './until.js';
