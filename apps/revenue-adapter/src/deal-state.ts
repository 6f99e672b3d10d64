import type { HistoryEntry } from '@throughline/connectors/hubspot';

interface Rejection {
  reason: string;
  field: string | null;
  message: string;
  rejectedAt: string;
}

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
  rejection?: Rejection;
  reopenedAt?: string;
  /** Hash of what was sold, as last emitted: by OpportunityClosedWon, or by the OpportunityAmended since. */
  contentHash?: string;
  /** When the edit that was last emitted as OpportunityAmended was made. */
  amendedAt?: string;
  /** Why the deal as it stands cannot become an amendment: OpportunityAmendmentRejected was emitted. */
  amendmentRejection?: Rejection;
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
  /** The deal was edited after it was won, and stands in closed-won with other contents than were emitted: they cannot become an order. */
  isEditedAfterClose: boolean;
  deletedAt: string | null;
}
