/**
 * Loaded before anything else: `node --import @throughline/telemetry/register dist/main.js`. It hooks module loading before any
 * other import, because a module that was imported before its instrumentation is never traced.
 */
import { register } from 'import-in-the-middle/register-hooks.mjs';

register({ include: ['http', 'https', 'node:http', 'node:https'] });

const { startTelemetry } = await import('./sdk.js');
startTelemetry(process.env);
