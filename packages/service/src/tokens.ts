/** Provided to every module of a service: its {@link Database}. */
export const DATABASE = Symbol('DATABASE');
/** Provided to every module: the parsed configuration. */
export const CONFIG = Symbol('CONFIG');
/** Provided to every module: the {@link Messaging} of this process. */
export const MESSAGING = Symbol('MESSAGING');
/** Provided by the service's own module: its routes, see `defineRoutes`. */
export const ROUTES = Symbol('ROUTES');
