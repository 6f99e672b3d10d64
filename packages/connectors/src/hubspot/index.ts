export { HubspotClient, type HubspotClientOptions } from './client.js';
export {
  compareSourceVersion,
  isClosedWon,
  modifiedAt,
  sourceVersion,
  type DealSnapshot,
  type HistoryEntry,
  type HubspotObject,
} from './deal-snapshot.js';
export { classifyHubspotError, hubspotErrors } from './errors.js';
export {
  dealExternalIds,
  dealName,
  numbersIn,
  opportunityIdOf,
  toOpportunityAmended,
  toOpportunityAmendmentRejected,
  toOpportunityClosedWon,
  toOpportunityRejected,
  toOpportunityReopened,
} from './map.js';
export { mergeHistory, occurrences, type Closing } from './occurrences.js';
export { readDealSnapshot, type DealReader, type ReadDealOptions } from './read-deal-snapshot.js';
export { searchDealsModifiedSince, type DealSearch, type FoundDeal } from './search-modified-deals.js';
export { validateOpportunity, type Issue } from './validate-opportunity.js';
export { parseWebhook, verifySignature, type DealHint, type SignedRequest } from './webhook.js';
