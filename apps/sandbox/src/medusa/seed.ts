import type { Database } from '@throughline/postgres';
import { type Entity, insertEntity, type Kind } from './store.js';

/** One region per currency sold in; a real shop would have been set up by hand. */
const currencies =
  `usd eur gbp jpy kwd chf sek nok dkk pln czk huf ron bgn isk try cad aud nzd sgd hkd cny inr krw thb idr myr brl mxn clp zar
  aed sar ils bhd jod omr tnd`.split(/\s+/);

/** Sets the shop up as its owner would before the first order: store, sales channel, stock location, shipping option, regions. */
export async function seedStore(database: Database): Promise<void> {
  const at = '2026-01-01T00:00:00.000Z';
  const stamps = { metadata: null, created_at: at, updated_at: at, deleted_at: null };
  const id = (prefix: string, name: string) => `${prefix}_01SANDBOX${name.toUpperCase().padStart(17, '0')}`;
  const entities: [Kind, Entity][] = [
    [
      'store',
      {
        id: id('store', '1'),
        name: 'Sandbox store',
        supported_currencies: currencies.map((currency_code) => ({
          currency_code,
          is_default: currency_code === 'usd',
        })),
        default_sales_channel_id: id('sc', '1'),
        ...stamps,
      },
    ],
    [
      'sales_channel',
      { id: id('sc', '1'), name: 'Default Sales Channel', description: null, is_disabled: false, ...stamps },
    ],
    ['stock_location', { id: id('sloc', '1'), name: 'Provisioning', address: null, ...stamps }],
    [
      'shipping_option',
      {
        id: id('so', '1'),
        name: 'Provisioning',
        price_type: 'flat',
        service_zone_id: id('serzo', '1'),
        shipping_profile_id: id('sp', '1'),
        provider_id: 'manual_manual',
        data: null,
        ...stamps,
      },
    ],
    ...currencies.map((currency): [Kind, Entity] => [
      'region',
      {
        id: id('reg', currency),
        name: currency.toUpperCase(),
        currency_code: currency,
        automatic_taxes: false,
        countries: [],
        ...stamps,
      },
    ]),
  ];
  await database.transaction(async (tx) => {
    for (const [kind, entity] of entities) await insertEntity(tx, kind, entity, null);
  });
}
