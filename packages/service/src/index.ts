export { commaSeparated, ConfigError, httpConfigShape, parseConfig, serviceConfigShape } from './config.js';
export { Loop } from './loop.js';
export { openApiSchema } from './open-api-schema.js';
export { startService } from './start-service.js';
export { CONFIG, DATABASE, MESSAGING, ROUTES } from './tokens.js';
export { actorOf, byOf, who } from './who.js';
export { ZodPipe } from './zod-pipe.js';
