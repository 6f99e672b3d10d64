import { associationKind, type ObjectType } from './object-types.js';
import { shownProperties } from './properties.js';
import type { Association, CrmObject } from './store.js';

export interface Asked {
  properties: string[];
  propertiesWithHistory: string[];
}

/** An object as HubSpot's API shows it. */
export function viewObject(object: CrmObject, asked: Asked) {
  const withHistory = asked.propertiesWithHistory.map((name) => [
    name,
    (object.history[name] ?? []).map((entry) => ({ ...entry })),
  ]);
  return {
    id: object.id,
    properties: shownProperties(object.type, object.properties, [...asked.properties, ...asked.propertiesWithHistory]),
    ...(withHistory.length > 0 ? { propertiesWithHistory: Object.fromEntries(withHistory) as object } : {}),
    createdAt: object.created_at.toISOString(),
    updatedAt: object.updated_at.toISOString(),
    archived: object.archived,
    ...(object.archived_at ? { archivedAt: object.archived_at.toISOString() } : {}),
  };
}

/** How many associations of one type a read shows; the v4 API pages through the rest. */
const inlineAssociations = 100;

/** `associations` of a read, by type: `line_items` is called `line items` there. */
export function viewAssociations(associations: Association[], types: ObjectType[]) {
  const shown = types.flatMap((type) => {
    const results = associations
      .filter(({ to_type }) => to_type === type)
      .map(({ to_id, type_id }) => ({ id: to_id, type: associationKind(type_id).name }));
    if (results.length === 0) return [];
    const page = results.slice(0, inlineAssociations);
    const paging = results.length > page.length ? { paging: { next: { after: page.at(-1)!.id, link: '' } } } : {};
    return [[type === 'line_items' ? 'line items' : type, { results: page, ...paging }] as const];
  });
  return shown.length > 0 ? { associations: Object.fromEntries(shown) } : {};
}

/** v4: one entry per object, its kinds of link together. */
export function viewLinks(associations: Association[]) {
  return [...Map.groupBy(associations, ({ to_id }) => to_id)].map(([toObjectId, kinds]) => ({
    toObjectId,
    associationTypes: kinds.map(({ type_id, category }) => ({
      category,
      typeId: type_id,
      label: associationKind(type_id).label,
    })),
  }));
}
