import type { Tx } from '@throughline/postgres';
import { sumDecimals } from '../decimal.js';
import type { WebhookEvent, WebhookQueue } from '../webhooks/webhook-queue.js';
import { invalid, notFound } from './errors.js';
import { associationKind, type AssociationKind, defaultKind, type ObjectType } from './object-types.js';
import { changesOf, type ChangeSource, type Properties, validated, withHistory, withLineAmount } from './properties.js';
import {
  archiveObject,
  type CrmObject,
  deleteAssociations,
  findByProperty,
  insertAssociation,
  insertObject,
  lockObjects,
  readAssociations,
  readObjects,
  updateObject,
} from './store.js';

export interface CrmOptions {
  portalId: number;
  searchLagMs: number;
  webhooks: WebhookQueue;
}

export interface NewAssociation {
  to: { id: string };
  types: { associationTypeId: number; associationCategory?: string }[];
}

/** The app of this portal: what it wrote comes back to it with the source INTEGRATION. */
const appId = 2_900_001;
export const byApi: ChangeSource = { sourceType: 'INTEGRATION', sourceId: String(appId) };
export const byPerson: ChangeSource = { sourceType: 'CRM_UI', sourceId: 'userId:1001' };

/** The app is told of these properties of deals, each by a subscription of its own. */
const subscriptions: Record<string, number> = {
  'deal.creation': 3_100_001,
  'deal.deletion': 3_100_002,
  amount: 3_100_010,
  dealstage: 3_100_011,
  throughline_order_number: 3_100_012,
  throughline_invoice_number: 3_100_013,
};

/** One change to the CRM by one source, within one transaction; its webhook events are queued with it. */
export class Crm {
  constructor(
    readonly tx: Tx,
    readonly now: Date,
    private readonly options: CrmOptions,
    private readonly source: ChangeSource,
  ) {}

  get portalId(): number {
    return this.options.portalId;
  }

  async create(
    type: ObjectType,
    given: Record<string, unknown>,
    associations: NewAssociation[] = [],
  ): Promise<CrmObject> {
    const wanted = validated(type, given);
    if (type === 'deals') wanted.pipeline ??= 'default';
    if (type === 'deals') wanted.dealstage ??= 'appointmentscheduled';
    const changes = type === 'line_items' ? withLineAmount({}, wanted) : wanted;
    const at = this.now.toISOString();
    const object = await insertObject(
      this.tx,
      type,
      { ...changes, createdate: at, hs_lastmodifieddate: at },
      withHistory({}, changes, this.now, this.source),
      this.now,
    );
    for (const { to, types } of associations) {
      for (const { associationTypeId } of types)
        await this.associate(object.id, to.id, associationKind(associationTypeId));
    }
    if (type === 'deals') await this.tell(object.id, changes, true);
    return object;
  }

  /** @throws where the object does not exist. */
  async update(type: ObjectType, id: string, given: Record<string, unknown>): Promise<CrmObject> {
    const wanted = validated(type, given);
    const [current] = await lockObjects(this.tx, type, [id]);
    if (!current || current.archived) throw notFound();
    const differing = changesOf(current.properties, wanted);
    const changes = type === 'line_items' ? withLineAmount(current.properties, differing) : differing;
    if (Object.keys(changes).length === 0) return current;
    const changed = await this.write(current, changes);
    if (type === 'line_items') await this.rollUpDealsOf(id);
    if (type === 'deals') await this.tell(id, changes, false);
    return changed;
  }

  async archive(type: ObjectType, id: string): Promise<void> {
    const [current] = await lockObjects(this.tx, type, [id]);
    if (!current || current.archived) return;
    const deals = type === 'line_items' ? await this.dealsOf(id) : [];
    await archiveObject(this.tx, id, this.now);
    for (const deal of deals) await this.rollUp(deal);
    if (type === 'deals') await this.queue([{ subscription: 'deal.deletion', type: 'deal.deletion', objectId: id }]);
  }

  /** @throws where the object does not exist. */
  async find(type: ObjectType, id: string): Promise<CrmObject> {
    const [found] = await readObjects(this.tx, type, [id]);
    if (!found || found.archived) throw notFound();
    return found;
  }

  async findByProperty(type: ObjectType, property: string, value: string): Promise<string | undefined> {
    return property === 'hs_object_id' ? value : findByProperty(this.tx, type, property, value);
  }

  /** Links two objects, in both directions. The first company of a deal becomes its primary one. */
  async associate(fromId: string, toId: string, kind: AssociationKind): Promise<AssociationKind[]> {
    await this.requireExists(kind.from, fromId);
    await this.requireExists(kind.to, toId);
    const kinds = [kind];
    const isCompany = kind.from === 'deals' && kind.to === 'companies';
    if (isCompany && kind.label === null && (await readAssociations(this.tx, [fromId], ['companies'])).length === 0)
      kinds.push(associationKind(5));
    if (isCompany && kind.label !== null) kinds.push(defaultKind('deals', 'companies'));
    for (const { from, to, typeId, reverse } of kinds) {
      const category = 'HUBSPOT_DEFINED';
      await insertAssociation(this.tx, {
        from_type: from,
        from_id: fromId,
        to_type: to,
        to_id: toId,
        type_id: typeId,
        category,
      });
      await insertAssociation(this.tx, {
        from_type: to,
        from_id: toId,
        to_type: from,
        to_id: fromId,
        type_id: reverse,
        category,
      });
    }
    if (kind.from === 'line_items') await this.rollUp(toId);
    if (kind.to === 'line_items') await this.rollUp(fromId);
    return kinds;
  }

  async dissociate(
    from: ObjectType,
    fromId: string,
    to: ObjectType,
    toId: string,
    typeIds: number[] | null,
  ): Promise<void> {
    const both = typeIds === null ? null : typeIds.flatMap((typeId) => [typeId, associationKind(typeId).reverse]);
    await deleteAssociations(this.tx, fromId, toId, both);
    if (from === 'deals' && to === 'line_items') await this.rollUp(fromId);
    if (from === 'line_items' && to === 'deals') await this.rollUp(toId);
  }

  private async requireExists(type: ObjectType, id: string): Promise<void> {
    const [found] = await readObjects(this.tx, type, [id]);
    if (!found || found.archived)
      throw invalid(`One or more associations are not valid: no ${type} object with id ${id}`);
  }

  private async dealsOf(lineItem: string): Promise<string[]> {
    return (await readAssociations(this.tx, [lineItem], ['deals'])).map(({ to_id }) => to_id);
  }

  private async rollUpDealsOf(lineItem: string): Promise<void> {
    for (const deal of await this.dealsOf(lineItem)) await this.rollUp(deal);
  }

  /** HubSpot's calculated deal properties follow the line items, and hs_lastmodifieddate follows them. */
  private async rollUp(dealId: string): Promise<void> {
    const [deal] = await lockObjects(this.tx, 'deals', [dealId]);
    if (!deal || deal.archived) return;
    const ids = (await readAssociations(this.tx, [dealId], ['line_items'])).map(({ to_id }) => to_id);
    const amounts = (await readObjects(this.tx, 'line_items', ids)).map(({ properties }) => properties.amount ?? '0');
    await this.write(deal, { hs_tcv: sumDecimals(amounts) });
  }

  private async write(current: CrmObject, changes: Properties): Promise<CrmObject> {
    const changed: CrmObject = {
      ...current,
      properties: { ...current.properties, ...changes, hs_lastmodifieddate: this.now.toISOString() },
      history: withHistory(current.history, changes, this.now, this.source),
      updated_at: this.now,
    };
    await updateObject(this.tx, changed, this.options.searchLagMs);
    return changed;
  }

  private async tell(objectId: string, changes: Properties, isNew: boolean): Promise<void> {
    const changed = Object.entries(changes)
      .filter(([name]) => name in subscriptions)
      .map(([name, value]) => ({
        subscription: name,
        type: 'deal.propertyChange',
        objectId,
        propertyName: name,
        propertyValue: value ?? '',
      }));
    await this.queue(
      isNew ? [{ subscription: 'deal.creation', type: 'deal.creation', objectId }, ...changed] : changed,
    );
  }

  /** Events of one change share their event id: HubSpot does not promise that ids are unique. */
  private async queue(
    events: { subscription: string; type: string; objectId: string; propertyName?: string; propertyValue?: string }[],
  ): Promise<void> {
    const eventId = 1 + Math.floor(Math.random() * 2 ** 31);
    const queued = events.map(({ subscription, type, objectId, ...rest }): WebhookEvent => ({
      type,
      payload: {
        eventId,
        subscriptionId: subscriptions[subscription],
        portalId: this.options.portalId,
        appId,
        occurredAt: this.now.getTime(),
        subscriptionType: type,
        attemptNumber: 0,
        objectId: Number(objectId),
        ...rest,
        ...(type === 'deal.creation' ? { changeFlag: 'CREATED' } : {}),
        changeSource: this.source.sourceType,
        sourceId: this.source.sourceId,
      },
    }));
    await this.options.webhooks.add(this.tx, 'hubspot', queued, this.now);
  }
}
