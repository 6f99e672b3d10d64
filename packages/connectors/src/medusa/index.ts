export type { ShippingOption } from './answers.js';
export { MedusaClient, type MedusaClientOptions } from './client.js';
export * from './map.js';
export { compareSourceVersion, pollChanges, type Changed, type PageRequest, type PollOptions } from './poll.js';
