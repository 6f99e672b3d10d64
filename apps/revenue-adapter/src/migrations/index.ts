import { Revenue1763800000000 } from './1763800000000-revenue.js';
import { RejectedDeals1763900000000 } from './1763900000000-rejected-deals.js';
import { WriteBackRepairs1764000000000 } from './1764000000000-write-back-repairs.js';
import { RejectedAmendments1764100000000 } from './1764100000000-rejected-amendments.js';

/** In the order in which they are applied. */
export const revenueMigrations = [
  Revenue1763800000000,
  RejectedDeals1763900000000,
  WriteBackRepairs1764000000000,
  RejectedAmendments1764100000000,
];
