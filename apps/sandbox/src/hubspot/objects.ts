import { z } from 'zod';
import type { VendorResponse } from '../http/vendor.js';
import type { HubspotContext } from './context.js';
import { hubspotError, invalid, notFound } from './errors.js';
import { toObjectType } from './object-types.js';
import { type CrmObject, listObjects, readAssociations, readObjects } from './store.js';
import { type Asked, viewAssociations, viewObject } from './view.js';

const propertyMap = z.record(z.string(), z.unknown());
const associationInput = z.object({
  to: z.object({ id: z.coerce.string() }),
  types: z.array(z.object({ associationCategory: z.string().optional(), associationTypeId: z.coerce.number() })),
});
const createInput = z.object({ properties: propertyMap, associations: z.array(associationInput).optional() });

export async function createObject(hubspot: HubspotContext): Promise<VendorResponse> {
  const input = hubspot.body(createInput);
  const object = await hubspot.crm.create(hubspot.type, input.properties, input.associations);
  return {
    status: 201,
    body: viewObject(object, { properties: Object.keys(input.properties), propertiesWithHistory: [] }),
  };
}

export async function getObject(hubspot: HubspotContext): Promise<VendorResponse> {
  const id = await idOf(hubspot);
  const [object] = id === undefined ? [] : await readObjects(hubspot.tx, hubspot.type, [id]);
  if (!object || object.archived !== (hubspot.queryValue('archived') === 'true')) throw notFound();
  return { status: 200, body: await shown(hubspot, [object], askedIn(hubspot)).then(([view]) => view) };
}

export async function updateObject(hubspot: HubspotContext): Promise<VendorResponse> {
  const { properties } = hubspot.body(z.object({ properties: propertyMap }));
  const id = await idOf(hubspot);
  if (id === undefined) throw notFound();
  const object = await hubspot.crm.update(hubspot.type, id, properties);
  return { status: 200, body: viewObject(object, { properties: Object.keys(properties), propertiesWithHistory: [] }) };
}

export async function archiveObject(hubspot: HubspotContext): Promise<VendorResponse> {
  await hubspot.crm.archive(hubspot.type, hubspot.path.id!);
  return { status: 204 };
}

export async function listPage(hubspot: HubspotContext): Promise<VendorResponse> {
  const limit = hubspot.limit(10, 100);
  const after = hubspot.queryValue('after') ?? '0';
  if (!/^\d{1,18}$/.test(after)) throw invalid(`Invalid after: ${after}`);
  const found = await listObjects(
    hubspot.tx,
    hubspot.type,
    after,
    hubspot.queryValue('archived') === 'true',
    limit + 1,
  );
  const results = await shown(hubspot, found.slice(0, limit), askedIn(hubspot));
  const next = found.length > limit ? { paging: { next: { after: results.at(-1)!.id, link: '' } } } : {};
  return { status: 200, body: { results, ...next } };
}

const maxInputs = 100;
const asked = { properties: z.array(z.string()).default([]), propertiesWithHistory: z.array(z.string()).default([]) };
const batch = <T extends z.ZodType>(input: T) =>
  z.array(input).max(maxInputs, `Batch input size exceeded the maximum allowed of ${maxInputs}`);

export async function batchRead(hubspot: HubspotContext): Promise<VendorResponse> {
  const body = hubspot.body(
    z.object({ inputs: batch(z.object({ id: z.coerce.string() })), idProperty: z.string().optional(), ...asked }),
  );
  const wanted = body.inputs.map(({ id }) => id);
  const ids: string[] = [];
  const missing: string[] = [];
  for (const value of wanted) {
    const id = await hubspot.crm.findByProperty(hubspot.type, body.idProperty ?? 'hs_object_id', value);
    if (id === undefined) missing.push(value);
    else ids.push(id);
  }
  const found = (await readObjects(hubspot.tx, hubspot.type, ids)).filter(({ archived }) => !archived);
  const present = new Set(found.map(({ id }) => id));
  missing.push(...ids.filter((id) => !present.has(id)));
  const results = found.map((object) => viewObject(object, body));
  const errors =
    missing.length > 0
      ? [
          {
            status: 'error',
            category: 'OBJECT_NOT_FOUND',
            message: `Could not get some ${hubspot.type} objects, they may be deleted or not exist. Check that ids are valid.`,
            context: { ids: missing },
            errors: [],
            links: {},
          },
        ]
      : [];
  return batchResponse(hubspot, 200, results, errors);
}

export async function batchCreate(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(z.object({ inputs: batch(createInput) }));
  const results = [];
  for (const { properties, associations } of inputs) {
    results.push(
      viewObject(await hubspot.crm.create(hubspot.type, properties, associations), {
        properties: Object.keys(properties),
        propertiesWithHistory: [],
      }),
    );
  }
  return batchResponse(hubspot, 201, results, []);
}

const updateInput = z.object({ id: z.coerce.string(), idProperty: z.string().optional(), properties: propertyMap });

export async function batchUpdate(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(z.object({ inputs: batch(updateInput) }));
  const results = [];
  const errors = [];
  for (const input of inputs.toSorted((a, b) => Number(a.id) - Number(b.id))) {
    const id = await hubspot.crm.findByProperty(hubspot.type, input.idProperty ?? 'hs_object_id', input.id);
    const [exists] = id === undefined ? [] : await readObjects(hubspot.tx, hubspot.type, [id]);
    if (!exists || exists.archived)
      errors.push({
        status: 'error',
        category: 'OBJECT_NOT_FOUND',
        message: `Could not update ${hubspot.type} object ${input.id}`,
        context: { ids: [input.id] },
        errors: [],
        links: {},
      });
    else
      results.push(
        viewObject(await hubspot.crm.update(hubspot.type, id!, input.properties), {
          properties: Object.keys(input.properties),
          propertiesWithHistory: [],
        }),
      );
  }
  return batchResponse(hubspot, 200, results, errors);
}

/** Answers 207 where some inputs were refused and the others stand. */
export async function batchUpsert(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(z.object({ inputs: batch(updateInput) }));
  const results = [];
  const errors = [];
  for (const { id: value, idProperty, properties } of inputs) {
    if (idProperty === undefined) throw invalid('idProperty must be specified for upserts');
    const asked = { properties: Object.keys(properties), propertiesWithHistory: [] };
    try {
      const id = await hubspot.crm.findByProperty(hubspot.type, idProperty, value);
      const object =
        id === undefined
          ? await hubspot.crm.create(hubspot.type, { ...properties, [idProperty]: value })
          : await hubspot.crm.update(hubspot.type, id, properties);
      results.push({ ...viewObject(object, asked), new: id === undefined });
    } catch (error) {
      const refused = (error as { response?: { body?: { message?: string; category?: string } } }).response?.body;
      if (!refused) throw error;
      errors.push({
        status: 'error',
        category: refused.category,
        message: refused.message,
        context: { ids: [value] },
        errors: [],
        links: {},
      });
    }
  }
  return batchResponse(hubspot, 200, results, errors);
}

export async function batchArchive(hubspot: HubspotContext): Promise<VendorResponse> {
  const { inputs } = hubspot.body(z.object({ inputs: batch(z.object({ id: z.coerce.string() })) }));
  for (const { id } of inputs) await hubspot.crm.archive(hubspot.type, id);
  return { status: 204 };
}

export function batchResponse(
  hubspot: HubspotContext,
  status: number,
  results: unknown[],
  errors: unknown[],
): VendorResponse {
  const at = hubspot.now.toISOString();
  const head = { status: 'COMPLETE', results, requestedAt: at, startedAt: at, completedAt: at };
  return errors.length > 0
    ? { status: 207, body: { ...head, numErrors: errors.length, errors } }
    : { status, body: head };
}

function askedIn(hubspot: HubspotContext): Asked {
  return {
    properties: hubspot.queryList('properties'),
    propertiesWithHistory: hubspot.queryList('propertiesWithHistory'),
  };
}

async function shown(hubspot: HubspotContext, objects: CrmObject[], names: Asked) {
  const types = hubspot.queryList('associations').map(toObjectType);
  const links =
    types.length > 0
      ? await readAssociations(
          hubspot.tx,
          objects.map(({ id }) => id),
          types,
        )
      : [];
  return objects.map((object) => ({
    ...viewObject(object, names),
    ...viewAssociations(
      links.filter(({ from_id }) => from_id === object.id),
      types,
    ),
  }));
}

async function idOf(hubspot: HubspotContext): Promise<string | undefined> {
  const property = hubspot.queryValue('idProperty');
  if (property === '') throw hubspotError(400, 'VALIDATION_ERROR', 'idProperty must not be empty');
  return hubspot.crm.findByProperty(hubspot.type, property ?? 'hs_object_id', hubspot.path.id!);
}
