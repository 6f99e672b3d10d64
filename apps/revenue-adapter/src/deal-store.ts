import type { ClosingState, DealState } from './deal-state.js';
import type { HistoryEntry } from '@throughline/connectors/hubspot';
import type { Queryable, Tx } from '@throughline/postgres';

interface DealRow {
  deal_id: string;
  opportunity_id: string;
  name: string;
  stage: string | null;
  /** Null in the row that was only just created to be locked. */
  source_version: string | null;
  modified_at: Date;
  stage_history: HistoryEntry[];
  closings: ClosingState[];
  is_edited_after_close: boolean;
  deleted_at: Date | null;
  read_at: Date;
}

/** Named one by one: a prepared `*` fails on every connection once a migration adds a column. */
const DEAL_COLUMNS = `deal_id, opportunity_id, name, stage, source_version, modified_at, stage_history, closings,
  is_edited_after_close, deleted_at, read_at`;

/** Without a conflict target: an insert that waits on a unique index other than its target can deadlock with its rival. */
const createDeal = {
  name: 'deal-create',
  text: 'INSERT INTO deal (deal_id, opportunity_id) VALUES ($1, $2) ON CONFLICT DO NOTHING',
};
const lockDealRow = { name: 'deal-lock', text: `SELECT ${DEAL_COLUMNS} FROM deal WHERE deal_id = $1 FOR UPDATE` };
const updateDeal = {
  name: 'deal-save',
  text: `UPDATE deal SET name = $2, stage = $3, source_version = $4, modified_at = $5, stage_history = $6, closings = $7,
      is_edited_after_close = $8, deleted_at = $9, read_at = now()
    WHERE deal_id = $1`,
};
const markDeleted = {
  name: 'deal-deleted',
  text: 'UPDATE deal SET deleted_at = $2, read_at = now() WHERE deal_id = $1 AND deleted_at IS NULL',
};

/** What is known of a deal; its row is locked until the transaction ends, also where nothing is known yet. */
export async function lockDeal(tx: Tx, dealId: string, opportunityId: string): Promise<DealState | undefined> {
  void tx.query(createDeal, [dealId, opportunityId]);
  const [row] = await tx.query<DealRow>(lockDealRow, [dealId]);
  return row?.source_version == null ? undefined : toState(row);
}

export async function saveDeal(tx: Tx, state: DealState): Promise<void> {
  await tx.query(updateDeal, [
    state.dealId,
    state.name,
    state.stage,
    state.sourceVersion,
    state.modifiedAt,
    JSON.stringify(state.stageHistory),
    JSON.stringify(state.closings),
    state.isEditedAfterClose,
    state.deletedAt,
  ]);
}

/** Remembers that HubSpot no longer has the deal; a deal that was never read is not remembered. */
export async function saveDealDeleted(tx: Tx, dealId: string, now: Date): Promise<void> {
  await tx.query(markDeleted, [dealId, now]);
}

/** The HubSpot id of an opportunity we have read. */
export async function findDealId(db: Queryable, opportunityId: string): Promise<string | undefined> {
  const find = { name: 'deal-id-of-opportunity', text: 'SELECT deal_id FROM deal WHERE opportunity_id = $1' };
  const [row] = await db.query<{ deal_id: string }>(find, [opportunityId]);
  return row?.deal_id;
}

/** When HubSpot had last changed each of these deals, as far as we have read them. */
export async function findModifiedAt(db: Queryable, dealIds: string[]): Promise<Map<string, string>> {
  const find = {
    name: 'deal-modified-at',
    text: 'SELECT deal_id, modified_at FROM deal WHERE deal_id = ANY($1) AND modified_at IS NOT NULL',
  };
  const rows = await db.query<{ deal_id: string; modified_at: Date }>(find, [dealIds]);
  return new Map(rows.map((row) => [row.deal_id, row.modified_at.toISOString()]));
}

export interface WriteBack {
  occurrence: number;
  orderNumber: string;
  invoiceNumber: string;
  writtenAt: string;
}

export async function saveWriteBack(tx: Tx, opportunityId: string, writeBack: WriteBack): Promise<void> {
  const upsert = {
    name: 'write-back-save',
    text: `INSERT INTO write_back (opportunity_id, occurrence, order_number, invoice_number, written_at) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (opportunity_id, occurrence) DO UPDATE
        SET order_number = excluded.order_number, invoice_number = excluded.invoice_number, written_at = excluded.written_at`,
  };
  await tx.query(upsert, [
    opportunityId,
    writeBack.occurrence,
    writeBack.orderNumber,
    writeBack.invoiceNumber,
    writeBack.writtenAt,
  ]);
}

const lastWriteBack = {
  name: 'write-back-last',
  text: `SELECT deal.deal_id, occurrence, order_number, invoice_number, repairs
    FROM write_back JOIN deal USING (opportunity_id) WHERE opportunity_id = $1 ORDER BY occurrence DESC LIMIT 1`,
};

/** What the last closing that came so far wrote into the deal. */
export async function findLastWriteBack(
  db: Queryable,
  opportunityId: string,
): Promise<(Omit<WriteBack, 'writtenAt'> & { dealId: string; repairs: number }) | undefined> {
  const [row] = await db.query<{
    deal_id: string;
    occurrence: number;
    order_number: string;
    invoice_number: string;
    repairs: number;
  }>(lastWriteBack, [opportunityId]);
  if (!row) return undefined;
  const { deal_id: dealId, order_number: orderNumber, invoice_number: invoiceNumber, occurrence, repairs } = row;
  return { dealId, occurrence, orderNumber, invoiceNumber, repairs };
}

/** The numbers of this closing were written again. */
export async function countRepair(
  tx: Tx,
  opportunityId: string,
  { occurrence, writtenAt }: Pick<WriteBack, 'occurrence' | 'writtenAt'>,
): Promise<void> {
  const count = {
    name: 'write-back-count-repair',
    text: 'UPDATE write_back SET repairs = repairs + 1, written_at = $3 WHERE opportunity_id = $1 AND occurrence = $2',
  };
  await tx.query(count, [opportunityId, occurrence, writtenAt]);
}

export interface KnownDeal {
  state: DealState;
  readAt: string;
  writeBacks: WriteBack[];
}

/** A deal by its HubSpot id or its canonical id. */
export async function findDeal(db: Queryable, id: string): Promise<KnownDeal | undefined> {
  const find = {
    name: 'deal-find',
    // Two index look-ups; an OR over two columns of different types would scan.
    text: `SELECT ${DEAL_COLUMNS} FROM deal WHERE source_version IS NOT NULL AND deal_id IN (
      SELECT $1 UNION ALL SELECT deal_id FROM deal WHERE opportunity_id = $2::uuid)`,
  };
  const [row] = await db.query<DealRow>(find, [id, isUuid(id) ? id : null]);
  if (!row) return undefined;
  const findWriteBacks = {
    name: 'write-back-find',
    text: `SELECT occurrence, order_number, invoice_number, written_at
      FROM write_back WHERE opportunity_id = $1 ORDER BY occurrence`,
  };
  const writeBacks = await db.query<{
    occurrence: number;
    order_number: string;
    invoice_number: string;
    written_at: Date;
  }>(findWriteBacks, [row.opportunity_id]);
  return {
    state: toState(row),
    readAt: row.read_at.toISOString(),
    writeBacks: writeBacks.map((each) => ({
      occurrence: each.occurrence,
      orderNumber: each.order_number,
      invoiceNumber: each.invoice_number,
      writtenAt: each.written_at.toISOString(),
    })),
  };
}

function toState(row: DealRow): DealState {
  return {
    dealId: row.deal_id,
    opportunityId: row.opportunity_id,
    name: row.name,
    stage: row.stage,
    sourceVersion: row.source_version!,
    modifiedAt: row.modified_at.toISOString(),
    stageHistory: row.stage_history,
    closings: row.closings,
    isEditedAfterClose: row.is_edited_after_close,
    deletedAt: row.deleted_at?.toISOString() ?? null,
  };
}

function isUuid(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}
