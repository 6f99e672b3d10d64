import type { HistoryEntry } from '@throughline/connectors/hubspot';

/** What we made of one closing of a deal. */
export interface ClosingState {
  /** From 1. */
  occurrence: number;
  closedAt: string;
  /**
   * - `won`: OpportunityClosedWon was emitted.
   * - `rejected`: OpportunityRejected was emitted; may still become `won` when the deal is corrected.
   * - `reopened`: OpportunityReopened was emitted.
   * - `passed`: nothing was emitted, because it was over before we saw it, or before HUBSPOT_CLOSED_SINCE.
   */
  status: 'won' | 'rejected' | 'reopened' | 'passed';
  rejection?: { reason: string; field: string | null; message: string; rejectedAt: string };
  reopenedAt?: string;
  /** Hash of what was sold, as emitted. */
  contentHash?: string;
}

/** What we know of one HubSpot deal. */
export interface DealState {
  dealId: string;
  opportunityId: string;
  name: string;
  stage: string | null;
  sourceVersion: string;
  /** When HubSpot last changed the deal itself. */
  modifiedAt: string;
  /** Oldest first; also what HubSpot has forgotten since. */
  stageHistory: HistoryEntry[];
  closings: ClosingState[];
  /** The deal was edited after it was won, and stands in closed-won with other contents than were emitted. */
  isEditedAfterClose: boolean;
  deletedAt: string | null;
}
