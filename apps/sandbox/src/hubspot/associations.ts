import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import type { HubspotContext } from './context.js';
import { associationKind, type AssociationKind, defaultKind, objectTypes, toObjectType } from './object-types.js';
import { batchResponse } from './objects.js';
import { readAssociations } from './store.js';
import { viewLinks } from './view.js';

const spec = z.object({ associationCategory: z.string().optional(), associationTypeId: z.coerce.number() });
const pair = z.object({ from: z.object({ id: z.coerce.string() }), to: z.object({ id: z.coerce.string() }) });

const ends = (hubspot: HubspotContext) => ({
  from: toObjectType(hubspot.path.type!),
  to: toObjectType(hubspot.path.toType!),
});

/** Pages by object, as the v4 API does. */
export async function listLinks(hubspot: HubspotContext): Promise<VendorResponse> {
  const limit = hubspot.limit(500, 500);
  const after = BigInt(hubspot.queryValue('after') ?? 0);
  const links = viewLinks(await readAssociations(hubspot.tx, [hubspot.path.id!], [ends(hubspot).to])).filter(
    ({ toObjectId }) => BigInt(toObjectId) > after,
  );
  const results = links.slice(0, limit);
  const next = links.length > limit ? { paging: { next: { after: results.at(-1)!.toObjectId, link: '' } } } : {};
  return { status: 200, body: { results, ...next } };
}

export async function putDefault(hubspot: HubspotContext): Promise<VendorResponse> {
  const { from, to } = ends(hubspot);
  const kinds = await hubspot.crm.associate(hubspot.path.id!, hubspot.path.toId!, defaultKind(from, to));
  return batchResponse(
    hubspot,
    200,
    kinds.flatMap((kind) => bothWays(kind, hubspot.path.id!, hubspot.path.toId!)),
    [],
  );
}

export async function putLabelled(hubspot: HubspotContext): Promise<VendorResponse> {
  const specs = hubspot.body(z.array(spec));
  const { from, to } = ends(hubspot);
  const kinds = specs.map(({ associationTypeId }) => associationKind(associationTypeId));
  for (const kind of kinds) await hubspot.crm.associate(hubspot.path.id!, hubspot.path.toId!, kind);
  return {
    status: 201,
    body: {
      fromObjectTypeId: objectTypes[from].typeId,
      fromObjectId: hubspot.path.id,
      toObjectTypeId: objectTypes[to].typeId,
      toObjectId: hubspot.path.toId,
      labels: kinds.flatMap(({ label }) => (label === null ? [] : [label])),
    },
  };
}

export async function removeLinks(hubspot: HubspotContext): Promise<VendorResponse> {
  const { from, to } = ends(hubspot);
  await hubspot.crm.dissociate(from, hubspot.path.id!, to, hubspot.path.toId!, null);
  return { status: 204 };
}

export async function batchReadLinks(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(z.object({ inputs: z.array(z.object({ id: z.coerce.string() })).max(1000) }));
  const links = await readAssociations(
    hubspot.tx,
    inputs.map(({ id }) => id),
    [ends(hubspot).to],
  );
  const results = [...Map.groupBy(links, ({ from_id }) => from_id)].map(([id, found]) => ({
    from: { id },
    to: viewLinks(found),
  }));
  return batchResponse(hubspot, 200, results, []);
}

export async function batchCreateLinks(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(z.object({ inputs: z.array(pair.extend({ types: z.array(spec) })).max(2000) }));
  const { from, to } = ends(hubspot);
  const results = [];
  for (const input of inputs) {
    const kinds = input.types.map(({ associationTypeId }) => associationKind(associationTypeId));
    for (const kind of kinds) await hubspot.crm.associate(input.from.id, input.to.id, kind);
    results.push({
      fromObjectTypeId: objectTypes[from].typeId,
      fromObjectId: input.from.id,
      toObjectTypeId: objectTypes[to].typeId,
      toObjectId: input.to.id,
      labels: kinds.flatMap(({ label }) => (label === null ? [] : [label])),
    });
  }
  return batchResponse(hubspot, 201, results, []);
}

export async function batchCreateDefaults(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(z.object({ inputs: z.array(pair).max(2000) }));
  const { from, to } = ends(hubspot);
  const results = [];
  for (const input of inputs) {
    const kinds = await hubspot.crm.associate(input.from.id, input.to.id, defaultKind(from, to));
    results.push(...kinds.flatMap((kind) => bothWays(kind, input.from.id, input.to.id)));
  }
  return batchResponse(hubspot, 200, results, []);
}

export async function batchRemoveLinks(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(
    z.object({
      inputs: z
        .array(
          z.object({ from: z.object({ id: z.coerce.string() }), to: z.array(z.object({ id: z.coerce.string() })) }),
        )
        .max(2000),
    }),
  );
  const { from, to } = ends(hubspot);
  for (const input of inputs)
    for (const { id } of input.to) await hubspot.crm.dissociate(from, input.from.id, to, id, null);
  return { status: 204 };
}

function bothWays(kind: AssociationKind, from: string, to: string) {
  const associationSpec = (associationTypeId: number) => ({
    associationCategory: 'HUBSPOT_DEFINED',
    associationTypeId,
  });
  return [
    { from: { id: from }, to: { id: to }, associationSpec: associationSpec(kind.typeId) },
    { from: { id: to }, to: { id: from }, associationSpec: associationSpec(kind.reverse) },
  ];
}
