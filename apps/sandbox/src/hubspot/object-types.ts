import { hubspotError } from './errors.js';

export type ObjectType = 'deals' | 'companies' | 'line_items' | 'products';

interface TypeFacts {
  typeId: string;
  aliases: string[];
  /** Shown where a reader asks for no properties. */
  defaults: string[];
  /** What may be written, besides `throughline_*`. */
  writable: string[];
  numbers: string[];
  dates: string[];
}

const computed = { numbers: ['hs_object_id'], dates: ['createdate', 'hs_lastmodifieddate'] };

export const objectTypes: Record<ObjectType, TypeFacts> = {
  deals: {
    typeId: '0-3',
    aliases: ['deal'],
    defaults: ['amount', 'closedate', 'dealname', 'dealstage', 'pipeline'],
    writable: [
      'amount',
      'closedate',
      'contract_end_date',
      'contract_start_date',
      'deal_currency_code',
      'dealname',
      'dealstage',
      'dealtype',
      'description',
      'hubspot_owner_id',
      'throughline_invoice_number',
      'throughline_order_number',
      'pipeline',
    ],
    numbers: ['amount', 'hs_tcv', ...computed.numbers],
    dates: ['closedate', 'contract_end_date', 'contract_start_date', ...computed.dates],
  },
  companies: {
    typeId: '0-2',
    aliases: ['company'],
    defaults: ['domain', 'name'],
    writable: [
      'address',
      'billing_email',
      'city',
      'country',
      'description',
      'domain',
      'industry',
      'name',
      'phone',
      'zip',
    ],
    numbers: computed.numbers,
    dates: computed.dates,
  },
  line_items: {
    typeId: '0-8',
    aliases: ['line_item', 'line items'],
    defaults: ['amount', 'hs_product_id', 'name', 'price', 'quantity'],
    writable: [
      'amount',
      'description',
      'hs_product_id',
      'hs_sku',
      'hs_line_item_currency_code',
      'name',
      'price',
      'quantity',
    ],
    numbers: ['amount', 'price', 'quantity', ...computed.numbers],
    dates: computed.dates,
  },
  products: {
    typeId: '0-7',
    aliases: ['product'],
    defaults: ['description', 'name', 'price'],
    writable: ['description', 'hs_sku', 'name', 'price'],
    numbers: ['price', ...computed.numbers],
    dates: computed.dates,
  },
};

/** Accepts `deals`, `deal` and `0-3`, as HubSpot does. */
export function toObjectType(name: string): ObjectType {
  for (const [type, { typeId, aliases }] of Object.entries(objectTypes) as [ObjectType, TypeFacts][]) {
    if (name === type || name === typeId || aliases.includes(name)) return type;
  }
  throw hubspotError(400, 'VALIDATION_ERROR', `Unable to infer object type from: ${name}`);
}

export interface AssociationKind {
  from: ObjectType;
  to: ObjectType;
  typeId: number;
  /** As the v3 API calls it. */
  name: string;
  label: string | null;
  /** The kind that stands for the same link seen from the other side. */
  reverse: number;
}

// https://developers.hubspot.com/docs/api/crm/associations#association-type-id-values
const associationKinds: AssociationKind[] = [
  { from: 'deals', to: 'companies', typeId: 5, name: 'deal_to_company', label: 'Primary', reverse: 6 },
  { from: 'companies', to: 'deals', typeId: 6, name: 'company_to_deal', label: 'Primary', reverse: 5 },
  { from: 'deals', to: 'companies', typeId: 341, name: 'deal_to_company_unlabeled', label: null, reverse: 342 },
  { from: 'companies', to: 'deals', typeId: 342, name: 'company_to_deal_unlabeled', label: null, reverse: 341 },
  { from: 'deals', to: 'line_items', typeId: 19, name: 'deal_to_line_item', label: null, reverse: 20 },
  { from: 'line_items', to: 'deals', typeId: 20, name: 'line_item_to_deal', label: null, reverse: 19 },
];

export function associationKind(typeId: number): AssociationKind {
  const kind = associationKinds.find((candidate) => candidate.typeId === typeId);
  if (!kind) throw hubspotError(400, 'VALIDATION_ERROR', `No such association type: ${typeId}`);
  return kind;
}

/** The kind used where the caller names none. */
export function defaultKind(from: ObjectType, to: ObjectType): AssociationKind {
  const kind = associationKinds.find(
    (candidate) => candidate.from === from && candidate.to === to && candidate.label === null,
  );
  if (!kind) throw hubspotError(400, 'VALIDATION_ERROR', `No association between ${from} and ${to} in this portal`);
  return kind;
}
