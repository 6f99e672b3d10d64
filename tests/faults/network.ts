import { choosePort, type KafkaListener } from '@throughline/local-stack';
import type { Detour } from '../../apps/cli/src/services.js';
import { TcpProxy } from './tcp-proxy.js';
import { INSTANCES, idOf, type Link } from './victims.js';

/** Which variables name what an instance talks to. Lists are separated by commas. */
const LINK_OF: Record<string, Link> = {
  DATABASE_URL: 'postgres',
  KAFKA_BROKERS: 'kafka',
  SCHEMA_REGISTRY_URL: 'registry',
  HUBSPOT_BASE_URL: 'vendor',
  MEDUSA_BASE_URL: 'vendor',
  STRIPE_BASE_URL: 'vendor',
  HUBSPOT_WEBHOOK_URLS: 'webhooks',
  STRIPE_WEBHOOK_URLS: 'webhooks',
};

/**
 * The loopback as a network that can be cut: every instance reaches everything through proxies of its own, so that one can be cut
 * off while its twin goes on. The broker is told to advertise each instance's own proxy, or its clients would go round it.
 */
export class Network {
  /** For the broker. */
  readonly listeners: KafkaListener[] = [];
  /** By instance and link; a list of addresses has a proxy for each. */
  private readonly proxies = new Map<string, { address: string; proxy: TcpProxy }[]>();

  static async plan(): Promise<Network> {
    const network = new Network();
    for (const instance of INSTANCES) {
      const listener = {
        name: idOf(instance).toUpperCase().replaceAll('-', '_'),
        port: await choosePort(),
        advertisedPort: await choosePort(),
      };
      network.listeners.push(listener);
      const address = `127.0.0.1:${listener.port}`;
      const proxy = await TcpProxy.start(listener.advertisedPort, { host: '127.0.0.1', port: listener.port });
      network.proxies.set(`${idOf(instance)} kafka`, [{ address, proxy }]);
    }
    return network;
  }

  /** Leads an instance through its proxies; made at its first start, the same at every other. */
  readonly detour: Detour = async (instance, environment) => {
    const changed = { ...environment };
    for (const [variable, value] of Object.entries(environment)) {
      const link = LINK_OF[variable];
      if (!link) continue;
      const addresses = await Promise.all(
        value.split(',').map((address) => this.through(idOf(instance), link, address)),
      );
      changed[variable] = addresses.join(',');
    }
    return changed;
  };

  /** The proxies on the way from an instance, or from every instance of a service. */
  of(from: string, link: Link): TcpProxy[] {
    const instances = INSTANCES.filter(({ service }) => service === from).map(idOf);
    const found = (instances.length > 0 ? instances : [from]).map((id) => this.proxies.get(`${id} ${link}`));
    if (found.includes(undefined)) throw new Error(`${from} has no connection "${link}"`);
    return found.flatMap((proxies) => proxies!.map(({ proxy }) => proxy));
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].flat().map(({ proxy }) => proxy.close()));
  }

  private async through(instance: string, link: Link, address: string): Promise<string> {
    const known = this.proxies.get(`${instance} ${link}`) ?? [];
    this.proxies.set(`${instance} ${link}`, known);
    // There is one broker, and whatever way in was given: this instance has its own.
    if (link === 'kafka') return `127.0.0.1:${known[0]!.proxy.port}`;
    const url = new URL(address);
    const found = known.find((one) => one.address === url.host);
    if (!found) {
      const target = { host: url.hostname, port: Number(url.port) };
      known.push({ address: url.host, proxy: await TcpProxy.start(await choosePort(), target) });
    }
    url.port = String((found ?? known.at(-1)!).proxy.port);
    return url.href.replace(/\/$/, '');
  }
}
