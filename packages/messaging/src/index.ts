export type { EffectContext, OnceOptions } from './effect-context.js';
export type { EffectResult, Job, Message, MessagingTx, OutgoingMessage } from './message.js';
export {
  defineRoutes,
  effect,
  job,
  state,
  type EffectHandler,
  type EffectOptions,
  type JobHandler,
  type RetryPolicy,
  type Routes,
  type StateHandler,
} from './routes.js';
