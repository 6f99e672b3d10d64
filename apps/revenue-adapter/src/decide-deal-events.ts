import { createHash } from 'node:crypto';
import {
  compareSourceVersion,
  dealName,
  mergeHistory,
  modifiedAt,
  occurrences,
  opportunityIdOf,
  sourceVersion,
  toOpportunityAmended,
  toOpportunityAmendmentRejected,
  toOpportunityClosedWon,
  toOpportunityRejected,
  toOpportunityReopened,
  validateOpportunity,
  type Closing,
  type DealSnapshot,
  type Issue,
} from '@throughline/connectors/hubspot';
import { opportunityCorrelationId, type OpportunityClosedWon } from '@throughline/contracts';
import type { OutgoingMessage } from '@throughline/messaging';
import type { ClosingState, DealState } from './deal-state.js';

export interface DecideOptions {
  closedWonStages: readonly string[];
  /** Closings before this are history we do not act on. ISO 8601. */
  closedSince?: string | undefined;
  now: string;
}

export interface Decision {
  state: DealState;
  events: OutgoingMessage[];
}

/**
 * What a snapshot of a deal means, given what we knew. The same snapshot again, a snapshot that is older, and our own write-back coming
 * back as a webhook all give no event: what is emitted depends on the closings in the stage history, each decided once, and on what of
 * the sale differs from what was emitted last.
 *
 * A rejected closing stays open to correction: while the deal stands in closed-won it is validated anew at each read, and becomes the
 * OpportunityClosedWon of the same occurrence as soon as nothing is wrong (nothing was started for it, so nothing can double). A won
 * closing that was edited is amended, as long as it stands in closed-won: OpportunityAmended tells the whole sale as it is now. An edit that
 * cannot become an order amends nothing; OpportunityAmendmentRejected says why, and what was emitted before stands.
 */
export function decideDealEvents(
  previous: DealState | undefined,
  snapshot: DealSnapshot,
  options: DecideOptions,
): Decision {
  const version = sourceVersion(snapshot);
  if (previous && compareSourceVersion(version, previous.sourceVersion) < 0) return { state: previous, events: [] };

  const stageHistory = mergeHistory(previous?.stageHistory ?? [], snapshot.stageHistory);
  const known = new Map(previous?.closings.map((closing) => [closing.occurrence, closing]));
  const decisions = occurrences(stageHistory, options.closedWonStages).map((closing) =>
    decideClosing(known.get(closing.occurrence), closing, snapshot, options),
  );
  const closings = decisions.flatMap(({ state }) => (state ? [state] : []));
  const last = closings.at(-1);
  return {
    state: {
      dealId: snapshot.deal.id,
      opportunityId: opportunityIdOf(snapshot.portalId, snapshot.deal.id),
      name: dealName(snapshot.deal),
      stage: snapshot.deal.properties['dealstage'] ?? null,
      sourceVersion: version,
      modifiedAt: modifiedAt(snapshot.deal),
      stageHistory,
      closings,
      isEditedAfterClose: last?.status === 'won' && last.amendmentRejection !== undefined,
      deletedAt: null,
    },
    events: decisions.flatMap(({ events }) => events),
  };
}

interface ClosingDecision {
  closing: Closing;
  state?: ClosingState | undefined;
  events: OutgoingMessage[];
}

function decideClosing(
  known: ClosingState | undefined,
  closing: Closing,
  snapshot: DealSnapshot,
  options: DecideOptions,
): ClosingDecision {
  const base = { occurrence: closing.occurrence, closedAt: closing.closedAt };
  const { reopened } = closing;
  if (known?.status === 'reopened' || known?.status === 'passed') return { closing, state: known, events: [] };
  if (reopened) {
    if (!known) return { closing, state: { ...base, status: 'passed', reopenedAt: reopened.at }, events: [] };
    const state: ClosingState = { ...known, reopenedAt: reopened.at };
    if (known.status === 'rejected') return { closing, state, events: [] };
    const payload = toOpportunityReopened(snapshot, { ...closing, reopened });
    return {
      closing,
      state: { ...state, status: 'reopened' },
      events: [message({ type: 'OpportunityReopened', payload })],
    };
  }
  if (!known && options.closedSince && closing.closedAt < options.closedSince) {
    return { closing, state: { ...base, status: 'passed' }, events: [] };
  }
  // The stage history says won, the stage itself does not: HubSpot is between two writes, and another read follows.
  if (!snapshot.sale) return { closing, state: known, events: [] };
  if (known?.status === 'won') return decideAmendment(known, closing, snapshot, options.now);
  return decideOpenClosing(known, closing, snapshot, options.now);
}

function decideOpenClosing(
  known: ClosingState | undefined,
  closing: Closing,
  snapshot: DealSnapshot,
  now: string,
): ClosingDecision {
  const base = { occurrence: closing.occurrence, closedAt: closing.closedAt };
  const [issue] = validateOpportunity(snapshot, closing);
  if (!issue) {
    const payload = toOpportunityClosedWon(snapshot, closing);
    const state: ClosingState = { ...base, status: 'won', contentHash: hashOf(payload) };
    return { closing, state, events: [message({ type: 'OpportunityClosedWon', payload })] };
  }
  if (isSame(known?.rejection, issue)) return { closing, state: known, events: [] };
  const payload = toOpportunityRejected(snapshot, closing, issue, now);
  const state: ClosingState = { ...base, status: 'rejected', rejection: { ...issue, rejectedAt: now } };
  return { closing, state, events: [message({ type: 'OpportunityRejected', payload })] };
}

function decideAmendment(known: ClosingState, closing: Closing, snapshot: DealSnapshot, now: string): ClosingDecision {
  const [issue] = validateOpportunity(snapshot, closing);
  if (issue) {
    if (isSame(known.amendmentRejection, issue)) return { closing, state: known, events: [] };
    const payload = toOpportunityAmendmentRejected(snapshot, closing, issue, now);
    const state: ClosingState = { ...known, amendmentRejection: { ...issue, rejectedAt: now } };
    return { closing, state, events: [message({ type: 'OpportunityAmendmentRejected', payload })] };
  }
  const { amendmentRejection: _, ...state } = known;
  const sale = toOpportunityClosedWon(snapshot, closing);
  const contentHash = hashOf(sale);
  // Also where a refused edit was taken back: what was emitted last is true again.
  if (known.contentHash === contentHash || known.contentHash === formerHashOf(sale)) {
    return { closing, state: { ...state, contentHash }, events: [] };
  }
  const payload = toOpportunityAmended(snapshot, closing);
  return {
    closing,
    state: { ...state, contentHash, amendedAt: payload.amendedAt },
    events: [message({ type: 'OpportunityAmended', payload })],
  };
}

function isSame(known: ClosingState['rejection'], issue: Issue): boolean {
  return known?.reason === issue.reason && known.field === issue.field && known.message === issue.message;
}

type DealEvent = Pick<
  OutgoingMessage<
    | 'OpportunityClosedWon'
    | 'OpportunityRejected'
    | 'OpportunityReopened'
    | 'OpportunityAmended'
    | 'OpportunityAmendmentRejected'
  >,
  'type' | 'payload'
>;

function message(event: DealEvent): OutgoingMessage {
  const { opportunityId, occurrence } = event.payload;
  return { ...event, correlationId: opportunityCorrelationId(opportunityId, occurrence) } as OutgoingMessage;
}

/**
 * Of what was sold to whom; whose deal it is, our own numbers in it and its modification times are no part of that, nor is what else is
 * known of the customer: a corrected address sells nothing anew. A field that is added to the event must be left out here, or every won deal
 * that is read again is amended by the upgrade.
 */
function hashOf({ account, ...sale }: OpportunityClosedWon): string {
  return digestOf({ ...sale, account: account.accountId });
}

/**
 * As it was made while it covered all of the account. A deal that still has one keeps being compared by it until that is replaced, so that
 * neither the upgrade amends it nor its next edit is missed.
 */
function formerHashOf(sale: OpportunityClosedWon): string {
  return digestOf(sale);
}

type Sale = Omit<OpportunityClosedWon, 'account'> & { account: unknown };

function digestOf({ sourceVersion: _version, closedBy: _owner, ...content }: Sale): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
}
