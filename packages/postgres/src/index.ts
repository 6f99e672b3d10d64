export { asserting } from './assertion.js';
export * from './database.js';
export * from './errors.js';
export * from './migrate.js';
export * from './server-clock.js';
export type { MigrationInterface, QueryRunner } from 'typeorm';
