export * from './canonical-id.js';
export * from './codec.js';
export * from './envelope.js';
export * from './errors.js';
export * from './generated/messages.js';
export * from './money.js';
export * from './publish-schemas.js';
export * from './schema-ids.js';
