import type { Instance, ServiceName } from '../../apps/cli/src/topology.js';

/** The services on the bus, two instances of each; the sandbox, which stands for the vendors, is one. */
export const SERVICES = ['revenue-adapter', 'ops-adapter', 'finance-adapter', 'orchestrator'] as const;
export const INSTANCES = SERVICES.flatMap((service) => [1, 2].map((number) => ({ service, number })));

/** As the services are called in INSTANCE_ID. */
export function idOf({ service, number }: Pick<Instance, 'service' | 'number'>): string {
  return service === 'sandbox' ? service : `${service}-${number}`;
}

/** What can be killed and paused. */
export const VICTIMS = [...INSTANCES.map(idOf), 'sandbox', 'kafka', 'postgres', 'registry'] as const;

/** `ops-adapter-2` as service and number; `undefined` for a part of the stack. */
export function instanceOf(victim: string): { service: ServiceName; number: number } | undefined {
  if (victim === 'sandbox') return { service: 'sandbox', number: 1 };
  return INSTANCES.find((instance) => idOf(instance) === victim);
}

/** What an instance is connected to. */
export type Link = 'kafka' | 'postgres' | 'vendor' | 'registry' | 'webhooks';

/** Every connection that can be cut: of one instance, or of a whole service, which then works for nobody. */
export const CONNECTIONS: { from: string; link: Link }[] = [
  ...SERVICES.flatMap((service) => linksOf(service).map((link) => ({ from: service, link }))),
  ...INSTANCES.flatMap((instance) => linksOf(instance.service).map((link) => ({ from: idOf(instance), link }))),
  { from: 'sandbox', link: 'postgres' },
  { from: 'sandbox', link: 'webhooks' },
];

function linksOf(service: (typeof SERVICES)[number]): Link[] {
  return service === 'orchestrator' ? ['kafka', 'postgres', 'registry'] : ['kafka', 'postgres', 'registry', 'vendor'];
}
