// Generated from schemas/ and infra/topics.yaml by `npm run generate`. Do not edit.

/** How one system names this entity. */
export interface ExternalId {
  /** The system, for example hubspot, medusa or stripe. */
  system: string;
  /** The account, portal or store within that system. */
  tenant: string;
  /** The kind of object in that system, for example deal or invoice. */
  type: string;
  /** The identifier in that system. */
  id: string;
}

/** The customer, as known when the message was written. */
export interface Account {
  /** Canonical id of the account. */
  accountId: string;
  /** Legal or trading name. */
  name: string;
  /** Internet domain, lower case. */
  domain: null | string;
  /** Where invoices are sent. */
  billingEmail: null | string;
  /** ISO 3166-1 alpha-2 code. */
  country: null | string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** One line of the deal. */
export interface LineItem {
  /** Id of the line in the source system. */
  lineItemId: string;
  /** Canonical id of the product. */
  productId: string;
  /** Stock-keeping unit, or the product id of the source system where it has none. */
  sku: string;
  /** What the customer reads on the invoice. */
  name: string;
  /** How many units, up to 4 decimals. */
  quantity: string;
  /** Price of one unit, in `currency`. */
  unitAmount: string;
  /** Total of the line as the source sent it, in `currency`. */
  amount: string;
}

/** One line of an order, as far as delivery needs it. */
export interface OrderLine {
  /** Id of the line in the source system. */
  lineItemId: string;
  /** Stock-keeping unit, or the product id of the source system where it has none. */
  sku: string;
  /** What the customer reads on the invoice. */
  name: string;
  /** How many units, up to 4 decimals. */
  quantity: string;
}

/** Command: cancel the order. */
export interface CancelOrder {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Why this is undone: the type of the message that caused it. */
  reason: string;
}

/** Command: create the order for a won deal. */
export interface CreateOrder {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** The customer. */
  account: Account;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** The lines sold, at least one. */
  lineItems: LineItem[];
  /** First day of the service period; null in messages from before it was carried. */
  serviceStart: null | string;
  /** Last day of the service period, inclusive; null in messages from before it was carried. */
  serviceEnd: null | string;
}

/** A part of the invoice was credited, by our command or by a person in the billing system; a whole invoice that is taken back is InvoiceCredited instead. */
export interface CreditNoteIssued {
  /** Canonical id of the credit note. */
  creditNoteId: string;
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the return it credits; null where a person credited in the billing system. */
  returnId: null | string;
  /** Number of the credit note. */
  creditNoteNumber: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Amount credited, in `currency`. */
  amount: string;
  /** When the billing system issued it. */
  issuedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The credit note cannot be issued; nothing was credited. */
export interface CreditNoteRejected {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the return it credits; null where a person credited in the billing system. */
  returnId: null | string;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** A credit note was voided by a person in the billing system: the customer owes again what it had credited. Nothing follows it by itself. */
export interface CreditNoteVoided {
  /** Canonical id of the credit note. */
  creditNoteId: string;
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the return it credits; null where a person credited in the billing system. */
  returnId: null | string;
  /** Number of the credit note. */
  creditNoteNumber: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Amount that was credited and is owed again, in `currency`. */
  amount: string;
  /** When the billing system voided it. */
  voidedAt: string;
  /** What happened and what to do, for a person. */
  message: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** Command: deliver one line of an order: what is in stock now, the rest as stock arrives. */
export interface FulfilOrderLine {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** The line of the order, by the id it has in the deal. */
  lineItemId: string;
  /** The quantity ordered, up to 4 decimals. */
  quantity: string;
}

/** The paid invoice was taken back: whatever had not been credited before was credited now. */
export interface InvoiceCredited {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Number of the credit note; of the last one where all had been credited before. */
  creditNoteNumber: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Amount credited now, in `currency`: the total less what had been credited before. */
  amount: string;
  /** When. */
  creditedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The invoice was finalised and has its number. */
export interface InvoiceIssued {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Number people know the invoice by. */
  invoiceNumber: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** When it was finalised. */
  issuedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The invoice was refused; nothing of it is open. */
export interface InvoiceRejected {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The invoice cannot be taken back. */
export interface InvoiceVoidRejected {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The unpaid invoice was voided. */
export interface InvoiceVoided {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** When. */
  voidedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** Command: credit a part of an invoice for goods that came back. */
export interface IssueCreditNote {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the return it credits. */
  returnId: string;
  /** Amount to credit, in `currency`; greater than 0. */
  amount: string;
  /** ISO 4217 code, upper case. */
  currency: string;
}

/** Command: invoice the order. */
export interface IssueInvoice {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Number people know the order by. */
  orderNumber: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** The customer. */
  account: Account;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** The lines sold, at least one. */
  lineItems: LineItem[];
}

/** A won deal was edited: the whole deal as it is now, in the same closing. */
export interface OpportunityAmended {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of this amendment; derived from the version of the deal. */
  amendmentId: string;
  /** Name of the deal. */
  name: string;
  /** The customer. */
  account: Account;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** When the deal was set to closed-won. */
  closedAt: string;
  /** Whose deal it is, as the source names them, for example hubspot:4711:owner:77; null where it names nobody, and in messages from before it was carried. */
  closedBy: null | string;
  /** When the deal, or the newest of its lines, was edited in the CRM. */
  amendedAt: string;
  /** First day of the service period. */
  serviceStart: string;
  /** Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once. */
  serviceEnd: string;
  /** The lines sold, at least one. */
  lineItems: LineItem[];
  /** How the systems name this entity. */
  externalIds: ExternalId[];
  /** Opaque version of the source snapshot; compared by the connector only. */
  sourceVersion: string;
}

/** A won deal was edited into what cannot become an order; what was started for it stays as it was. */
export interface OpportunityAmendmentRejected {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the amendment that was refused; derived from the version of the deal. */
  amendmentId: string;
  /** Name of the deal. */
  name: string;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
  /** When it was refused. */
  rejectedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
  /** Opaque version of the source snapshot. */
  sourceVersion: string;
}

/** A deal was won: the snapshot of the deal, its lines and its customer at one moment. */
export interface OpportunityClosedWon {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Name of the deal. */
  name: string;
  /** The customer. */
  account: Account;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** When the deal was set to closed-won. */
  closedAt: string;
  /** Whose deal it is, as the source names them, for example hubspot:4711:owner:77; null where it names nobody, and in messages from before it was carried. */
  closedBy: null | string;
  /** First day of the service period. */
  serviceStart: string;
  /** Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once. */
  serviceEnd: string;
  /** The lines sold, at least one. */
  lineItems: LineItem[];
  /** How the systems name this entity. */
  externalIds: ExternalId[];
  /** Opaque version of the source snapshot; compared by the connector only. */
  sourceVersion: string;
}

/** A won deal cannot become an order; nothing was started for it. */
export interface OpportunityRejected {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Name of the deal. */
  name: string;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
  /** When it was refused. */
  rejectedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
  /** Opaque version of the source snapshot. */
  sourceVersion: string;
}

/** A won deal left closed-won: what was done for this occurrence is to be undone. */
export interface OpportunityReopened {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** The stage the deal is in now, as the source names it. */
  stage: string;
  /** When it left closed-won. */
  reopenedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
  /** Opaque version of the source snapshot. */
  sourceVersion: string;
}

/** The CRM refused the write-back. */
export interface OpportunityUpdateRejected {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The order and invoice numbers stand in the CRM. */
export interface OpportunityUpdated {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** As written. */
  orderNumber: string;
  /** As written. */
  invoiceNumber: string;
  /** When the CRM confirmed it. */
  updatedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The order cannot be cancelled. */
export interface OrderCancellationRejected {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The order was cancelled, by command or by a person in the order system. */
export interface OrderCancelled {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** When. */
  cancelledAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The order stands in the order system. */
export interface OrderCreated {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Number people know the order by. */
  orderNumber: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** When the order system created it. */
  createdAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
  /** First day of the service period; null in messages from before it was carried. */
  serviceStart: null | string;
  /** Last day of the service period, inclusive; null in messages from before it was carried. */
  serviceEnd: null | string;
}

/** A part of an order line, or all of it, is not in stock; it ships when stock arrives. */
export interface OrderLineBackordered {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** The line of the order, by the id it has in the deal. */
  lineItemId: string;
  /** What of the line is still to be delivered. */
  outstandingQuantity: string;
  /** When stock is expected; null where the order system does not know. */
  expectedAt: null | string;
}

/** All of an order line was delivered. */
export interface OrderLineFulfilled {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** The line of the order, by the id it has in the deal. */
  lineItemId: string;
  /** The quantity ordered, all of which was delivered. */
  quantity: string;
  /** When the last of it was delivered. */
  fulfilledAt: string;
}

/** An order line cannot be delivered; what of it was delivered before stays delivered. */
export interface OrderLineFulfilmentRejected {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** The line of the order, by the id it has in the deal. */
  lineItemId: string;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** A part of an order line, or all of it, came back and was received: one event per return and line. */
export interface OrderLineReturned {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the part of this line in this return; no other line has it. */
  returnId: string;
  /** The line of the order, by the id it has in the deal. */
  lineItemId: string;
  /** What of the line came back with this return. */
  quantity: string;
  /** The exact share of what was paid for the line that came back, in `currency`: its amount less its share of the order's discounts, which are lines of a negative amount. The shares of all returns of a line add up to that. */
  amount: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** When the order system recorded the receipt. */
  returnedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** A part of an order line, or all of it, left the house: one event per shipment and line. */
export interface OrderLineShipped {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the part of this line in this shipment; no other line has it. */
  fulfilmentId: string;
  /** The line of the order, by the id it has in the deal. */
  lineItemId: string;
  /** What this shipment delivers of the line. */
  quantity: string;
  /** What of the line is still to be delivered after it; 0 with the last one. */
  outstandingQuantity: string;
  /** When the order system recorded the shipment; of what needs no shipping, when it was fulfilled. */
  shippedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The order is ready to be delivered: all of it that is in stock was fulfilled in the order system. */
export interface OrderProvisioned {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** When the order system recorded the fulfilment. */
  provisionedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
  /** What is to be delivered, line by line; empty in events from before lines were carried. */
  lines: OrderLine[];
}

/** The order cannot be provisioned. */
export interface OrderProvisioningRejected {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The order was refused; nothing of it stands. */
export interface OrderRejected {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The provisioning cannot be undone. */
export interface OrderReleaseRejected {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The provisioning was undone. */
export interface OrderReleased {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** When. */
  releasedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** Money arrived for an invoice. */
export interface PaymentReceived {
  /** Canonical id of the payment. */
  paymentId: string;
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Amount received, in `currency`. */
  amount: string;
  /** When the payment system recorded it. */
  receivedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** Command: make the order ready for use. */
export interface ProvisionOrder {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
}

/** Command: plan the recognition of the contract amount over the service period. */
export interface RecordRevenueSchedule {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** First day of the service period. */
  serviceStart: string;
  /** Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once. */
  serviceEnd: string;
}

/** Command: take the amount of a credit note off the schedule. */
export interface ReduceRevenueSchedule {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the credit note. */
  creditNoteId: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Amount credited, in `currency`; greater than 0. */
  amount: string;
  /** When the credit note was issued; its day in UTC counts. */
  issuedAt: string;
}

/** Command: undo the provisioning. */
export interface ReleaseOrder {
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Why this is undone: the type of the message that caused it. */
  reason: string;
}

/** The shipment cannot start the recognition of the schedule. */
export interface RevenueRecognitionStartRejected {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the fulfilment that was shipped. */
  fulfilmentId: string;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The shipment is on record with the schedule, and recognition runs from the day of the first shipment. */
export interface RevenueRecognitionStarted {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the fulfilment that was shipped. */
  fulfilmentId: string;
  /** First day of recognition: the planned start, or the day of the first shipment where that is later. */
  recognisedFrom: string;
  /** Version of the plan that stands after it; 1 is the plan as it was recorded. */
  planVersion: number;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The schedule stands in the subledger; its entries sum exactly to the total. */
export interface RevenueScheduleRecorded {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Total as the source sent it, in `currency`. */
  totalAmount: string;
  /** First day of the service period. */
  serviceStart: string;
  /** Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once. */
  serviceEnd: string;
  /** How many dated entries it has. */
  entryCount: number;
  /** When. */
  recordedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The amount of the credit note was taken off the schedule: off what was not yet recognised on its day, and what exceeds that on that day. */
export interface RevenueScheduleReduced {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the credit note. */
  creditNoteId: string;
  /** ISO 4217 code, upper case. */
  currency: string;
  /** Amount taken off, in `currency`. */
  amount: string;
  /** What the schedule comes to afterwards, in `currency`. */
  remainingAmount: string;
  /** Version of the plan that stands after it; 1 is the plan as it was recorded. */
  planVersion: number;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** The amount of the credit note cannot be taken off the schedule. */
export interface RevenueScheduleReductionRejected {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the credit note. */
  creditNoteId: string;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The schedule was refused; nothing of it stands. */
export interface RevenueScheduleRejected {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The schedule cannot be reversed. */
export interface RevenueScheduleReversalRejected {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Stable code of the refusal, kebab-case. */
  reason: string;
  /** The field that caused it, as a path. */
  field: null | string;
  /** What is wrong and what to do, for a person. */
  message: string;
}

/** The schedule was reversed by entries of equal and opposite amount. */
export interface RevenueScheduleReversed {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** When. */
  reversedAt: string;
  /** How the systems name this entity. */
  externalIds: ExternalId[];
}

/** Command: reverse the schedule. */
export interface ReverseRevenueSchedule {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Why this is undone: the type of the message that caused it. */
  reason: string;
}

/** Command: goods were shipped, so recognition starts; a first shipment after the planned start moves the start to its day. */
export interface StartRevenueRecognition {
  /** Canonical id of the revenue schedule. */
  scheduleId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the fulfilment that was shipped. */
  fulfilmentId: string;
  /** When the goods left the house; its day in UTC counts. */
  shippedAt: string;
}

/** Command: write the order and invoice numbers back to the CRM. */
export interface UpdateOpportunity {
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Canonical id of the order. */
  orderId: string;
  /** Number people know the order by. */
  orderNumber: string;
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Number people know the invoice by. */
  invoiceNumber: string;
}

/** Command: take the invoice back: void it, or credit it in full where it is paid. */
export interface VoidInvoice {
  /** Canonical id of the invoice. */
  invoiceId: string;
  /** Canonical id of the order. */
  orderId: string;
  /** Canonical id of the opportunity. */
  opportunityId: string;
  /** Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2. */
  occurrence: number;
  /** Why this is undone: the type of the message that caused it. */
  reason: string;
}

/** Every message type with its payload. */
export interface Messages {
  CancelOrder: CancelOrder;
  CreateOrder: CreateOrder;
  CreditNoteIssued: CreditNoteIssued;
  CreditNoteRejected: CreditNoteRejected;
  CreditNoteVoided: CreditNoteVoided;
  FulfilOrderLine: FulfilOrderLine;
  InvoiceCredited: InvoiceCredited;
  InvoiceIssued: InvoiceIssued;
  InvoiceRejected: InvoiceRejected;
  InvoiceVoidRejected: InvoiceVoidRejected;
  InvoiceVoided: InvoiceVoided;
  IssueCreditNote: IssueCreditNote;
  IssueInvoice: IssueInvoice;
  OpportunityAmended: OpportunityAmended;
  OpportunityAmendmentRejected: OpportunityAmendmentRejected;
  OpportunityClosedWon: OpportunityClosedWon;
  OpportunityRejected: OpportunityRejected;
  OpportunityReopened: OpportunityReopened;
  OpportunityUpdateRejected: OpportunityUpdateRejected;
  OpportunityUpdated: OpportunityUpdated;
  OrderCancellationRejected: OrderCancellationRejected;
  OrderCancelled: OrderCancelled;
  OrderCreated: OrderCreated;
  OrderLineBackordered: OrderLineBackordered;
  OrderLineFulfilled: OrderLineFulfilled;
  OrderLineFulfilmentRejected: OrderLineFulfilmentRejected;
  OrderLineReturned: OrderLineReturned;
  OrderLineShipped: OrderLineShipped;
  OrderProvisioned: OrderProvisioned;
  OrderProvisioningRejected: OrderProvisioningRejected;
  OrderRejected: OrderRejected;
  OrderReleaseRejected: OrderReleaseRejected;
  OrderReleased: OrderReleased;
  PaymentReceived: PaymentReceived;
  ProvisionOrder: ProvisionOrder;
  RecordRevenueSchedule: RecordRevenueSchedule;
  ReduceRevenueSchedule: ReduceRevenueSchedule;
  ReleaseOrder: ReleaseOrder;
  RevenueRecognitionStartRejected: RevenueRecognitionStartRejected;
  RevenueRecognitionStarted: RevenueRecognitionStarted;
  RevenueScheduleRecorded: RevenueScheduleRecorded;
  RevenueScheduleReduced: RevenueScheduleReduced;
  RevenueScheduleReductionRejected: RevenueScheduleReductionRejected;
  RevenueScheduleRejected: RevenueScheduleRejected;
  RevenueScheduleReversalRejected: RevenueScheduleReversalRejected;
  RevenueScheduleReversed: RevenueScheduleReversed;
  ReverseRevenueSchedule: ReverseRevenueSchedule;
  StartRevenueRecognition: StartRevenueRecognition;
  UpdateOpportunity: UpdateOpportunity;
  VoidInvoice: VoidInvoice;
}

export type MessageType = keyof Messages;

/** What is known of a message type beside its fields. */
export interface CatalogEntry {
  readonly type: MessageType;
  readonly kind: 'event' | 'command';
  readonly domain: string;
  /** Full record name; also the registry subject. */
  readonly subject: string;
  readonly topic: string;
  /** The field whose value is the Kafka key. */
  readonly keyField: string;
  readonly owner: string;
  readonly fields: readonly string[];
  readonly schema: object;
}

/** A topic as `throughline deploy` creates it. */
export interface Topic {
  readonly name: string;
  readonly owner: string;
  readonly key: string;
  readonly kind: 'event' | 'command';
  readonly partitions: number;
  readonly minInSyncReplicas: number;
  /** -1 keeps records for ever. */
  readonly retentionMs: number;
  readonly description: string;
  readonly types: readonly MessageType[];
}

export const catalog: Readonly<Record<MessageType, CatalogEntry>> = {
  CancelOrder: {"type":"CancelOrder","kind":"command","domain":"operations","subject":"throughline.operations.v1.CancelOrder","topic":"throughline.operations.order-commands","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","reason"],"schema":{"type":"record","name":"CancelOrder","namespace":"throughline.operations.v1","doc":"Command: cancel the order.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Why this is undone: the type of the message that caused it.","type":"string"}]}},
  CreateOrder: {"type":"CreateOrder","kind":"command","domain":"operations","subject":"throughline.operations.v1.CreateOrder","topic":"throughline.operations.order-commands","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","account","currency","totalAmount","lineItems","serviceStart","serviceEnd"],"schema":{"type":"record","name":"CreateOrder","namespace":"throughline.operations.v1","doc":"Command: create the order for a won deal.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"account","doc":"The customer.","type":{"type":"record","name":"Account","doc":"The customer, as known when the message was written.","fields":[{"name":"accountId","doc":"Canonical id of the account.","type":{"type":"string","logicalType":"uuid"}},{"name":"name","doc":"Legal or trading name.","type":"string"},{"name":"domain","doc":"Internet domain, lower case.","type":["null","string"],"default":null},{"name":"billingEmail","doc":"Where invoices are sent.","type":["null","string"],"default":null},{"name":"country","doc":"ISO 3166-1 alpha-2 code.","type":["null","string"],"default":null},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"lineItems","doc":"The lines sold, at least one.","type":{"type":"array","items":{"type":"record","name":"LineItem","doc":"One line of the deal.","fields":[{"name":"lineItemId","doc":"Id of the line in the source system.","type":"string"},{"name":"productId","doc":"Canonical id of the product.","type":{"type":"string","logicalType":"uuid"}},{"name":"sku","doc":"Stock-keeping unit, or the product id of the source system where it has none.","type":"string"},{"name":"name","doc":"What the customer reads on the invoice.","type":"string"},{"name":"quantity","doc":"How many units, up to 4 decimals.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"unitAmount","doc":"Price of one unit, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"amount","doc":"Total of the line as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}}]}}},{"name":"serviceStart","doc":"First day of the service period; null in messages from before it was carried.","type":["null",{"type":"int","logicalType":"date"}],"default":null},{"name":"serviceEnd","doc":"Last day of the service period, inclusive; null in messages from before it was carried.","type":["null",{"type":"int","logicalType":"date"}],"default":null}]}},
  CreditNoteIssued: {"type":"CreditNoteIssued","kind":"event","domain":"finance","subject":"throughline.finance.v1.CreditNoteIssued","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["creditNoteId","invoiceId","orderId","opportunityId","occurrence","returnId","creditNoteNumber","currency","amount","issuedAt","externalIds"],"schema":{"type":"record","name":"CreditNoteIssued","namespace":"throughline.finance.v1","doc":"A part of the invoice was credited, by our command or by a person in the billing system; a whole invoice that is taken back is InvoiceCredited instead.","fields":[{"name":"creditNoteId","doc":"Canonical id of the credit note.","type":{"type":"string","logicalType":"uuid"}},{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"returnId","doc":"Canonical id of the return it credits; null where a person credited in the billing system.","type":["null",{"type":"string","logicalType":"uuid"}],"default":null},{"name":"creditNoteNumber","doc":"Number of the credit note.","type":"string"},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"amount","doc":"Amount credited, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"issuedAt","doc":"When the billing system issued it.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  CreditNoteRejected: {"type":"CreditNoteRejected","kind":"event","domain":"finance","subject":"throughline.finance.v1.CreditNoteRejected","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","returnId","reason","field","message"],"schema":{"type":"record","name":"CreditNoteRejected","namespace":"throughline.finance.v1","doc":"The credit note cannot be issued; nothing was credited.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"returnId","doc":"Canonical id of the return it credits; null where a person credited in the billing system.","type":["null",{"type":"string","logicalType":"uuid"}],"default":null},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  CreditNoteVoided: {"type":"CreditNoteVoided","kind":"event","domain":"finance","subject":"throughline.finance.v1.CreditNoteVoided","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["creditNoteId","invoiceId","orderId","opportunityId","occurrence","returnId","creditNoteNumber","currency","amount","voidedAt","message","externalIds"],"schema":{"type":"record","name":"CreditNoteVoided","namespace":"throughline.finance.v1","doc":"A credit note was voided by a person in the billing system: the customer owes again what it had credited. Nothing follows it by itself.","fields":[{"name":"creditNoteId","doc":"Canonical id of the credit note.","type":{"type":"string","logicalType":"uuid"}},{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"returnId","doc":"Canonical id of the return it credits; null where a person credited in the billing system.","type":["null",{"type":"string","logicalType":"uuid"}],"default":null},{"name":"creditNoteNumber","doc":"Number of the credit note.","type":"string"},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"amount","doc":"Amount that was credited and is owed again, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"voidedAt","doc":"When the billing system voided it.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"message","doc":"What happened and what to do, for a person.","type":"string"},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  FulfilOrderLine: {"type":"FulfilOrderLine","kind":"command","domain":"operations","subject":"throughline.operations.v1.FulfilOrderLine","topic":"throughline.operations.order-commands","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","lineItemId","quantity"],"schema":{"type":"record","name":"FulfilOrderLine","namespace":"throughline.operations.v1","doc":"Command: deliver one line of an order: what is in stock now, the rest as stock arrives.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"lineItemId","doc":"The line of the order, by the id it has in the deal.","type":"string"},{"name":"quantity","doc":"The quantity ordered, up to 4 decimals.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}}]}},
  InvoiceCredited: {"type":"InvoiceCredited","kind":"event","domain":"finance","subject":"throughline.finance.v1.InvoiceCredited","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","creditNoteNumber","currency","amount","creditedAt","externalIds"],"schema":{"type":"record","name":"InvoiceCredited","namespace":"throughline.finance.v1","doc":"The paid invoice was taken back: whatever had not been credited before was credited now.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"creditNoteNumber","doc":"Number of the credit note; of the last one where all had been credited before.","type":"string"},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"amount","doc":"Amount credited now, in `currency`: the total less what had been credited before.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"creditedAt","doc":"When.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  InvoiceIssued: {"type":"InvoiceIssued","kind":"event","domain":"finance","subject":"throughline.finance.v1.InvoiceIssued","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","invoiceNumber","currency","totalAmount","issuedAt","externalIds"],"schema":{"type":"record","name":"InvoiceIssued","namespace":"throughline.finance.v1","doc":"The invoice was finalised and has its number.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"invoiceNumber","doc":"Number people know the invoice by.","type":"string"},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"issuedAt","doc":"When it was finalised.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  InvoiceRejected: {"type":"InvoiceRejected","kind":"event","domain":"finance","subject":"throughline.finance.v1.InvoiceRejected","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"InvoiceRejected","namespace":"throughline.finance.v1","doc":"The invoice was refused; nothing of it is open.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  InvoiceVoidRejected: {"type":"InvoiceVoidRejected","kind":"event","domain":"finance","subject":"throughline.finance.v1.InvoiceVoidRejected","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"InvoiceVoidRejected","namespace":"throughline.finance.v1","doc":"The invoice cannot be taken back.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  InvoiceVoided: {"type":"InvoiceVoided","kind":"event","domain":"finance","subject":"throughline.finance.v1.InvoiceVoided","topic":"throughline.finance.invoice","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","voidedAt","externalIds"],"schema":{"type":"record","name":"InvoiceVoided","namespace":"throughline.finance.v1","doc":"The unpaid invoice was voided.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"voidedAt","doc":"When.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  IssueCreditNote: {"type":"IssueCreditNote","kind":"command","domain":"finance","subject":"throughline.finance.v1.IssueCreditNote","topic":"throughline.finance.invoice-commands","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","returnId","amount","currency"],"schema":{"type":"record","name":"IssueCreditNote","namespace":"throughline.finance.v1","doc":"Command: credit a part of an invoice for goods that came back.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"returnId","doc":"Canonical id of the return it credits.","type":{"type":"string","logicalType":"uuid"}},{"name":"amount","doc":"Amount to credit, in `currency`; greater than 0.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"}]}},
  IssueInvoice: {"type":"IssueInvoice","kind":"command","domain":"finance","subject":"throughline.finance.v1.IssueInvoice","topic":"throughline.finance.invoice-commands","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","orderNumber","opportunityId","occurrence","account","currency","totalAmount","lineItems"],"schema":{"type":"record","name":"IssueInvoice","namespace":"throughline.finance.v1","doc":"Command: invoice the order.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderNumber","doc":"Number people know the order by.","type":"string"},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"account","doc":"The customer.","type":{"type":"record","name":"Account","doc":"The customer, as known when the message was written.","fields":[{"name":"accountId","doc":"Canonical id of the account.","type":{"type":"string","logicalType":"uuid"}},{"name":"name","doc":"Legal or trading name.","type":"string"},{"name":"domain","doc":"Internet domain, lower case.","type":["null","string"],"default":null},{"name":"billingEmail","doc":"Where invoices are sent.","type":["null","string"],"default":null},{"name":"country","doc":"ISO 3166-1 alpha-2 code.","type":["null","string"],"default":null},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"lineItems","doc":"The lines sold, at least one.","type":{"type":"array","items":{"type":"record","name":"LineItem","doc":"One line of the deal.","fields":[{"name":"lineItemId","doc":"Id of the line in the source system.","type":"string"},{"name":"productId","doc":"Canonical id of the product.","type":{"type":"string","logicalType":"uuid"}},{"name":"sku","doc":"Stock-keeping unit, or the product id of the source system where it has none.","type":"string"},{"name":"name","doc":"What the customer reads on the invoice.","type":"string"},{"name":"quantity","doc":"How many units, up to 4 decimals.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"unitAmount","doc":"Price of one unit, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"amount","doc":"Total of the line as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}}]}}}]}},
  OpportunityAmended: {"type":"OpportunityAmended","kind":"event","domain":"revenue","subject":"throughline.revenue.v1.OpportunityAmended","topic":"throughline.revenue.opportunity","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","amendmentId","name","account","currency","totalAmount","closedAt","closedBy","amendedAt","serviceStart","serviceEnd","lineItems","externalIds","sourceVersion"],"schema":{"type":"record","name":"OpportunityAmended","namespace":"throughline.revenue.v1","doc":"A won deal was edited: the whole deal as it is now, in the same closing.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"amendmentId","doc":"Canonical id of this amendment; derived from the version of the deal.","type":{"type":"string","logicalType":"uuid"}},{"name":"name","doc":"Name of the deal.","type":"string"},{"name":"account","doc":"The customer.","type":{"type":"record","name":"Account","doc":"The customer, as known when the message was written.","fields":[{"name":"accountId","doc":"Canonical id of the account.","type":{"type":"string","logicalType":"uuid"}},{"name":"name","doc":"Legal or trading name.","type":"string"},{"name":"domain","doc":"Internet domain, lower case.","type":["null","string"],"default":null},{"name":"billingEmail","doc":"Where invoices are sent.","type":["null","string"],"default":null},{"name":"country","doc":"ISO 3166-1 alpha-2 code.","type":["null","string"],"default":null},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"closedAt","doc":"When the deal was set to closed-won.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"closedBy","doc":"Whose deal it is, as the source names them, for example hubspot:4711:owner:77; null where it names nobody, and in messages from before it was carried.","type":["null","string"],"default":null},{"name":"amendedAt","doc":"When the deal, or the newest of its lines, was edited in the CRM.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"serviceStart","doc":"First day of the service period.","type":{"type":"int","logicalType":"date"}},{"name":"serviceEnd","doc":"Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once.","type":{"type":"int","logicalType":"date"}},{"name":"lineItems","doc":"The lines sold, at least one.","type":{"type":"array","items":{"type":"record","name":"LineItem","doc":"One line of the deal.","fields":[{"name":"lineItemId","doc":"Id of the line in the source system.","type":"string"},{"name":"productId","doc":"Canonical id of the product.","type":{"type":"string","logicalType":"uuid"}},{"name":"sku","doc":"Stock-keeping unit, or the product id of the source system where it has none.","type":"string"},{"name":"name","doc":"What the customer reads on the invoice.","type":"string"},{"name":"quantity","doc":"How many units, up to 4 decimals.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"unitAmount","doc":"Price of one unit, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"amount","doc":"Total of the line as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}}]}}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":"ExternalId"},"default":[]},{"name":"sourceVersion","doc":"Opaque version of the source snapshot; compared by the connector only.","type":"string"}]}},
  OpportunityAmendmentRejected: {"type":"OpportunityAmendmentRejected","kind":"event","domain":"revenue","subject":"throughline.revenue.v1.OpportunityAmendmentRejected","topic":"throughline.revenue.opportunity","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","amendmentId","name","reason","field","message","rejectedAt","externalIds","sourceVersion"],"schema":{"type":"record","name":"OpportunityAmendmentRejected","namespace":"throughline.revenue.v1","doc":"A won deal was edited into what cannot become an order; what was started for it stays as it was.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"amendmentId","doc":"Canonical id of the amendment that was refused; derived from the version of the deal.","type":{"type":"string","logicalType":"uuid"}},{"name":"name","doc":"Name of the deal.","type":"string"},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"},{"name":"rejectedAt","doc":"When it was refused.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]},{"name":"sourceVersion","doc":"Opaque version of the source snapshot.","type":"string"}]}},
  OpportunityClosedWon: {"type":"OpportunityClosedWon","kind":"event","domain":"revenue","subject":"throughline.revenue.v1.OpportunityClosedWon","topic":"throughline.revenue.opportunity","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","name","account","currency","totalAmount","closedAt","closedBy","serviceStart","serviceEnd","lineItems","externalIds","sourceVersion"],"schema":{"type":"record","name":"OpportunityClosedWon","namespace":"throughline.revenue.v1","doc":"A deal was won: the snapshot of the deal, its lines and its customer at one moment.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"name","doc":"Name of the deal.","type":"string"},{"name":"account","doc":"The customer.","type":{"type":"record","name":"Account","doc":"The customer, as known when the message was written.","fields":[{"name":"accountId","doc":"Canonical id of the account.","type":{"type":"string","logicalType":"uuid"}},{"name":"name","doc":"Legal or trading name.","type":"string"},{"name":"domain","doc":"Internet domain, lower case.","type":["null","string"],"default":null},{"name":"billingEmail","doc":"Where invoices are sent.","type":["null","string"],"default":null},{"name":"country","doc":"ISO 3166-1 alpha-2 code.","type":["null","string"],"default":null},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"closedAt","doc":"When the deal was set to closed-won.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"closedBy","doc":"Whose deal it is, as the source names them, for example hubspot:4711:owner:77; null where it names nobody, and in messages from before it was carried.","type":["null","string"],"default":null},{"name":"serviceStart","doc":"First day of the service period.","type":{"type":"int","logicalType":"date"}},{"name":"serviceEnd","doc":"Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once.","type":{"type":"int","logicalType":"date"}},{"name":"lineItems","doc":"The lines sold, at least one.","type":{"type":"array","items":{"type":"record","name":"LineItem","doc":"One line of the deal.","fields":[{"name":"lineItemId","doc":"Id of the line in the source system.","type":"string"},{"name":"productId","doc":"Canonical id of the product.","type":{"type":"string","logicalType":"uuid"}},{"name":"sku","doc":"Stock-keeping unit, or the product id of the source system where it has none.","type":"string"},{"name":"name","doc":"What the customer reads on the invoice.","type":"string"},{"name":"quantity","doc":"How many units, up to 4 decimals.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"unitAmount","doc":"Price of one unit, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"amount","doc":"Total of the line as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}}]}}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":"ExternalId"},"default":[]},{"name":"sourceVersion","doc":"Opaque version of the source snapshot; compared by the connector only.","type":"string"}]}},
  OpportunityRejected: {"type":"OpportunityRejected","kind":"event","domain":"revenue","subject":"throughline.revenue.v1.OpportunityRejected","topic":"throughline.revenue.opportunity","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","name","reason","field","message","rejectedAt","externalIds","sourceVersion"],"schema":{"type":"record","name":"OpportunityRejected","namespace":"throughline.revenue.v1","doc":"A won deal cannot become an order; nothing was started for it.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"name","doc":"Name of the deal.","type":"string"},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"},{"name":"rejectedAt","doc":"When it was refused.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]},{"name":"sourceVersion","doc":"Opaque version of the source snapshot.","type":"string"}]}},
  OpportunityReopened: {"type":"OpportunityReopened","kind":"event","domain":"revenue","subject":"throughline.revenue.v1.OpportunityReopened","topic":"throughline.revenue.opportunity","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","stage","reopenedAt","externalIds","sourceVersion"],"schema":{"type":"record","name":"OpportunityReopened","namespace":"throughline.revenue.v1","doc":"A won deal left closed-won: what was done for this occurrence is to be undone.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"stage","doc":"The stage the deal is in now, as the source names it.","type":"string"},{"name":"reopenedAt","doc":"When it left closed-won.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]},{"name":"sourceVersion","doc":"Opaque version of the source snapshot.","type":"string"}]}},
  OpportunityUpdateRejected: {"type":"OpportunityUpdateRejected","kind":"event","domain":"revenue","subject":"throughline.revenue.v1.OpportunityUpdateRejected","topic":"throughline.revenue.opportunity","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"OpportunityUpdateRejected","namespace":"throughline.revenue.v1","doc":"The CRM refused the write-back.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  OpportunityUpdated: {"type":"OpportunityUpdated","kind":"event","domain":"revenue","subject":"throughline.revenue.v1.OpportunityUpdated","topic":"throughline.revenue.opportunity","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","orderNumber","invoiceNumber","updatedAt","externalIds"],"schema":{"type":"record","name":"OpportunityUpdated","namespace":"throughline.revenue.v1","doc":"The order and invoice numbers stand in the CRM.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"orderNumber","doc":"As written.","type":"string"},{"name":"invoiceNumber","doc":"As written.","type":"string"},{"name":"updatedAt","doc":"When the CRM confirmed it.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  OrderCancellationRejected: {"type":"OrderCancellationRejected","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderCancellationRejected","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"OrderCancellationRejected","namespace":"throughline.operations.v1","doc":"The order cannot be cancelled.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  OrderCancelled: {"type":"OrderCancelled","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderCancelled","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","cancelledAt","externalIds"],"schema":{"type":"record","name":"OrderCancelled","namespace":"throughline.operations.v1","doc":"The order was cancelled, by command or by a person in the order system.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"cancelledAt","doc":"When.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  OrderCreated: {"type":"OrderCreated","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderCreated","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","orderNumber","currency","totalAmount","createdAt","externalIds","serviceStart","serviceEnd"],"schema":{"type":"record","name":"OrderCreated","namespace":"throughline.operations.v1","doc":"The order stands in the order system.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"orderNumber","doc":"Number people know the order by.","type":"string"},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"createdAt","doc":"When the order system created it.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]},{"name":"serviceStart","doc":"First day of the service period; null in messages from before it was carried.","type":["null",{"type":"int","logicalType":"date"}],"default":null},{"name":"serviceEnd","doc":"Last day of the service period, inclusive; null in messages from before it was carried.","type":["null",{"type":"int","logicalType":"date"}],"default":null}]}},
  OrderLineBackordered: {"type":"OrderLineBackordered","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderLineBackordered","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","lineItemId","outstandingQuantity","expectedAt"],"schema":{"type":"record","name":"OrderLineBackordered","namespace":"throughline.operations.v1","doc":"A part of an order line, or all of it, is not in stock; it ships when stock arrives.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"lineItemId","doc":"The line of the order, by the id it has in the deal.","type":"string"},{"name":"outstandingQuantity","doc":"What of the line is still to be delivered.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"expectedAt","doc":"When stock is expected; null where the order system does not know.","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null}]}},
  OrderLineFulfilled: {"type":"OrderLineFulfilled","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderLineFulfilled","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","lineItemId","quantity","fulfilledAt"],"schema":{"type":"record","name":"OrderLineFulfilled","namespace":"throughline.operations.v1","doc":"All of an order line was delivered.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"lineItemId","doc":"The line of the order, by the id it has in the deal.","type":"string"},{"name":"quantity","doc":"The quantity ordered, all of which was delivered.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"fulfilledAt","doc":"When the last of it was delivered.","type":{"type":"long","logicalType":"timestamp-millis"}}]}},
  OrderLineFulfilmentRejected: {"type":"OrderLineFulfilmentRejected","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderLineFulfilmentRejected","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","lineItemId","reason","field","message"],"schema":{"type":"record","name":"OrderLineFulfilmentRejected","namespace":"throughline.operations.v1","doc":"An order line cannot be delivered; what of it was delivered before stays delivered.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"lineItemId","doc":"The line of the order, by the id it has in the deal.","type":"string"},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  OrderLineReturned: {"type":"OrderLineReturned","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderLineReturned","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","returnId","lineItemId","quantity","amount","currency","returnedAt","externalIds"],"schema":{"type":"record","name":"OrderLineReturned","namespace":"throughline.operations.v1","doc":"A part of an order line, or all of it, came back and was received: one event per return and line.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"returnId","doc":"Canonical id of the part of this line in this return; no other line has it.","type":{"type":"string","logicalType":"uuid"}},{"name":"lineItemId","doc":"The line of the order, by the id it has in the deal.","type":"string"},{"name":"quantity","doc":"What of the line came back with this return.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"amount","doc":"The exact share of what was paid for the line that came back, in `currency`: its amount less its share of the order's discounts, which are lines of a negative amount. The shares of all returns of a line add up to that.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"returnedAt","doc":"When the order system recorded the receipt.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  OrderLineShipped: {"type":"OrderLineShipped","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderLineShipped","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","fulfilmentId","lineItemId","quantity","outstandingQuantity","shippedAt","externalIds"],"schema":{"type":"record","name":"OrderLineShipped","namespace":"throughline.operations.v1","doc":"A part of an order line, or all of it, left the house: one event per shipment and line.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"fulfilmentId","doc":"Canonical id of the part of this line in this shipment; no other line has it.","type":{"type":"string","logicalType":"uuid"}},{"name":"lineItemId","doc":"The line of the order, by the id it has in the deal.","type":"string"},{"name":"quantity","doc":"What this shipment delivers of the line.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"outstandingQuantity","doc":"What of the line is still to be delivered after it; 0 with the last one.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"shippedAt","doc":"When the order system recorded the shipment; of what needs no shipping, when it was fulfilled.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  OrderProvisioned: {"type":"OrderProvisioned","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderProvisioned","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","provisionedAt","externalIds","lines"],"schema":{"type":"record","name":"OrderProvisioned","namespace":"throughline.operations.v1","doc":"The order is ready to be delivered: all of it that is in stock was fulfilled in the order system.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"provisionedAt","doc":"When the order system recorded the fulfilment.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]},{"name":"lines","doc":"What is to be delivered, line by line; empty in events from before lines were carried.","type":{"type":"array","items":{"type":"record","name":"OrderLine","doc":"One line of an order, as far as delivery needs it.","fields":[{"name":"lineItemId","doc":"Id of the line in the source system.","type":"string"},{"name":"sku","doc":"Stock-keeping unit, or the product id of the source system where it has none.","type":"string"},{"name":"name","doc":"What the customer reads on the invoice.","type":"string"},{"name":"quantity","doc":"How many units, up to 4 decimals.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}}]}},"default":[]}]}},
  OrderProvisioningRejected: {"type":"OrderProvisioningRejected","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderProvisioningRejected","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"OrderProvisioningRejected","namespace":"throughline.operations.v1","doc":"The order cannot be provisioned.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  OrderRejected: {"type":"OrderRejected","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderRejected","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"OrderRejected","namespace":"throughline.operations.v1","doc":"The order was refused; nothing of it stands.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  OrderReleaseRejected: {"type":"OrderReleaseRejected","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderReleaseRejected","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"OrderReleaseRejected","namespace":"throughline.operations.v1","doc":"The provisioning cannot be undone.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  OrderReleased: {"type":"OrderReleased","kind":"event","domain":"operations","subject":"throughline.operations.v1.OrderReleased","topic":"throughline.operations.order","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","releasedAt","externalIds"],"schema":{"type":"record","name":"OrderReleased","namespace":"throughline.operations.v1","doc":"The provisioning was undone.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"releasedAt","doc":"When.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  PaymentReceived: {"type":"PaymentReceived","kind":"event","domain":"finance","subject":"throughline.finance.v1.PaymentReceived","topic":"throughline.finance.payment","keyField":"paymentId","owner":"billing","fields":["paymentId","invoiceId","orderId","opportunityId","occurrence","currency","amount","receivedAt","externalIds"],"schema":{"type":"record","name":"PaymentReceived","namespace":"throughline.finance.v1","doc":"Money arrived for an invoice.","fields":[{"name":"paymentId","doc":"Canonical id of the payment.","type":{"type":"string","logicalType":"uuid"}},{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"amount","doc":"Amount received, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"receivedAt","doc":"When the payment system recorded it.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  ProvisionOrder: {"type":"ProvisionOrder","kind":"command","domain":"operations","subject":"throughline.operations.v1.ProvisionOrder","topic":"throughline.operations.order-commands","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence"],"schema":{"type":"record","name":"ProvisionOrder","namespace":"throughline.operations.v1","doc":"Command: make the order ready for use.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1}]}},
  RecordRevenueSchedule: {"type":"RecordRevenueSchedule","kind":"command","domain":"finance","subject":"throughline.finance.v1.RecordRevenueSchedule","topic":"throughline.finance.revenue-schedule-commands","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","invoiceId","opportunityId","occurrence","currency","totalAmount","serviceStart","serviceEnd"],"schema":{"type":"record","name":"RecordRevenueSchedule","namespace":"throughline.finance.v1","doc":"Command: plan the recognition of the contract amount over the service period.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"serviceStart","doc":"First day of the service period.","type":{"type":"int","logicalType":"date"}},{"name":"serviceEnd","doc":"Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once.","type":{"type":"int","logicalType":"date"}}]}},
  ReduceRevenueSchedule: {"type":"ReduceRevenueSchedule","kind":"command","domain":"finance","subject":"throughline.finance.v1.ReduceRevenueSchedule","topic":"throughline.finance.revenue-schedule-commands","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","creditNoteId","currency","amount","issuedAt"],"schema":{"type":"record","name":"ReduceRevenueSchedule","namespace":"throughline.finance.v1","doc":"Command: take the amount of a credit note off the schedule.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"creditNoteId","doc":"Canonical id of the credit note.","type":{"type":"string","logicalType":"uuid"}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"amount","doc":"Amount credited, in `currency`; greater than 0.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"issuedAt","doc":"When the credit note was issued; its day in UTC counts.","type":{"type":"long","logicalType":"timestamp-millis"}}]}},
  ReleaseOrder: {"type":"ReleaseOrder","kind":"command","domain":"operations","subject":"throughline.operations.v1.ReleaseOrder","topic":"throughline.operations.order-commands","keyField":"orderId","owner":"order-management","fields":["orderId","opportunityId","occurrence","reason"],"schema":{"type":"record","name":"ReleaseOrder","namespace":"throughline.operations.v1","doc":"Command: undo the provisioning.","fields":[{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Why this is undone: the type of the message that caused it.","type":"string"}]}},
  RevenueRecognitionStartRejected: {"type":"RevenueRecognitionStartRejected","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueRecognitionStartRejected","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","fulfilmentId","reason","field","message"],"schema":{"type":"record","name":"RevenueRecognitionStartRejected","namespace":"throughline.finance.v1","doc":"The shipment cannot start the recognition of the schedule.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"fulfilmentId","doc":"Canonical id of the fulfilment that was shipped.","type":{"type":"string","logicalType":"uuid"}},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  RevenueRecognitionStarted: {"type":"RevenueRecognitionStarted","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueRecognitionStarted","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","fulfilmentId","recognisedFrom","planVersion","externalIds"],"schema":{"type":"record","name":"RevenueRecognitionStarted","namespace":"throughline.finance.v1","doc":"The shipment is on record with the schedule, and recognition runs from the day of the first shipment.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"fulfilmentId","doc":"Canonical id of the fulfilment that was shipped.","type":{"type":"string","logicalType":"uuid"}},{"name":"recognisedFrom","doc":"First day of recognition: the planned start, or the day of the first shipment where that is later.","type":{"type":"int","logicalType":"date"}},{"name":"planVersion","doc":"Version of the plan that stands after it; 1 is the plan as it was recorded.","type":"int"},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  RevenueScheduleRecorded: {"type":"RevenueScheduleRecorded","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueScheduleRecorded","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","invoiceId","opportunityId","occurrence","currency","totalAmount","serviceStart","serviceEnd","entryCount","recordedAt","externalIds"],"schema":{"type":"record","name":"RevenueScheduleRecorded","namespace":"throughline.finance.v1","doc":"The schedule stands in the subledger; its entries sum exactly to the total.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"totalAmount","doc":"Total as the source sent it, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"serviceStart","doc":"First day of the service period.","type":{"type":"int","logicalType":"date"}},{"name":"serviceEnd","doc":"Last day of the service period, inclusive; equal to serviceStart where revenue is recognised at once.","type":{"type":"int","logicalType":"date"}},{"name":"entryCount","doc":"How many dated entries it has.","type":"int"},{"name":"recordedAt","doc":"When.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  RevenueScheduleReduced: {"type":"RevenueScheduleReduced","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueScheduleReduced","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","creditNoteId","currency","amount","remainingAmount","planVersion","externalIds"],"schema":{"type":"record","name":"RevenueScheduleReduced","namespace":"throughline.finance.v1","doc":"The amount of the credit note was taken off the schedule: off what was not yet recognised on its day, and what exceeds that on that day.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"creditNoteId","doc":"Canonical id of the credit note.","type":{"type":"string","logicalType":"uuid"}},{"name":"currency","doc":"ISO 4217 code, upper case.","type":"string"},{"name":"amount","doc":"Amount taken off, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"remainingAmount","doc":"What the schedule comes to afterwards, in `currency`.","type":{"type":"bytes","logicalType":"decimal","precision":19,"scale":4}},{"name":"planVersion","doc":"Version of the plan that stands after it; 1 is the plan as it was recorded.","type":"int"},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  RevenueScheduleReductionRejected: {"type":"RevenueScheduleReductionRejected","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueScheduleReductionRejected","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","creditNoteId","reason","field","message"],"schema":{"type":"record","name":"RevenueScheduleReductionRejected","namespace":"throughline.finance.v1","doc":"The amount of the credit note cannot be taken off the schedule.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"creditNoteId","doc":"Canonical id of the credit note.","type":{"type":"string","logicalType":"uuid"}},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  RevenueScheduleRejected: {"type":"RevenueScheduleRejected","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueScheduleRejected","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"RevenueScheduleRejected","namespace":"throughline.finance.v1","doc":"The schedule was refused; nothing of it stands.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  RevenueScheduleReversalRejected: {"type":"RevenueScheduleReversalRejected","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueScheduleReversalRejected","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","reason","field","message"],"schema":{"type":"record","name":"RevenueScheduleReversalRejected","namespace":"throughline.finance.v1","doc":"The schedule cannot be reversed.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Stable code of the refusal, kebab-case.","type":"string"},{"name":"field","doc":"The field that caused it, as a path.","type":["null","string"],"default":null},{"name":"message","doc":"What is wrong and what to do, for a person.","type":"string"}]}},
  RevenueScheduleReversed: {"type":"RevenueScheduleReversed","kind":"event","domain":"finance","subject":"throughline.finance.v1.RevenueScheduleReversed","topic":"throughline.finance.revenue-schedule","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","reversedAt","externalIds"],"schema":{"type":"record","name":"RevenueScheduleReversed","namespace":"throughline.finance.v1","doc":"The schedule was reversed by entries of equal and opposite amount.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reversedAt","doc":"When.","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"externalIds","doc":"How the systems name this entity.","type":{"type":"array","items":{"type":"record","name":"ExternalId","doc":"How one system names this entity.","fields":[{"name":"system","doc":"The system, for example hubspot, medusa or stripe.","type":"string"},{"name":"tenant","doc":"The account, portal or store within that system.","type":"string"},{"name":"type","doc":"The kind of object in that system, for example deal or invoice.","type":"string"},{"name":"id","doc":"The identifier in that system.","type":"string"}]}},"default":[]}]}},
  ReverseRevenueSchedule: {"type":"ReverseRevenueSchedule","kind":"command","domain":"finance","subject":"throughline.finance.v1.ReverseRevenueSchedule","topic":"throughline.finance.revenue-schedule-commands","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","reason"],"schema":{"type":"record","name":"ReverseRevenueSchedule","namespace":"throughline.finance.v1","doc":"Command: reverse the schedule.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Why this is undone: the type of the message that caused it.","type":"string"}]}},
  StartRevenueRecognition: {"type":"StartRevenueRecognition","kind":"command","domain":"finance","subject":"throughline.finance.v1.StartRevenueRecognition","topic":"throughline.finance.revenue-schedule-commands","keyField":"scheduleId","owner":"revenue-accounting","fields":["scheduleId","orderId","opportunityId","occurrence","fulfilmentId","shippedAt"],"schema":{"type":"record","name":"StartRevenueRecognition","namespace":"throughline.finance.v1","doc":"Command: goods were shipped, so recognition starts; a first shipment after the planned start moves the start to its day.","fields":[{"name":"scheduleId","doc":"Canonical id of the revenue schedule.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"fulfilmentId","doc":"Canonical id of the fulfilment that was shipped.","type":{"type":"string","logicalType":"uuid"}},{"name":"shippedAt","doc":"When the goods left the house; its day in UTC counts.","type":{"type":"long","logicalType":"timestamp-millis"}}]}},
  UpdateOpportunity: {"type":"UpdateOpportunity","kind":"command","domain":"revenue","subject":"throughline.revenue.v1.UpdateOpportunity","topic":"throughline.revenue.opportunity-commands","keyField":"opportunityId","owner":"revenue-operations","fields":["opportunityId","occurrence","orderId","orderNumber","invoiceId","invoiceNumber"],"schema":{"type":"record","name":"UpdateOpportunity","namespace":"throughline.revenue.v1","doc":"Command: write the order and invoice numbers back to the CRM.","fields":[{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderNumber","doc":"Number people know the order by.","type":"string"},{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"invoiceNumber","doc":"Number people know the invoice by.","type":"string"}]}},
  VoidInvoice: {"type":"VoidInvoice","kind":"command","domain":"finance","subject":"throughline.finance.v1.VoidInvoice","topic":"throughline.finance.invoice-commands","keyField":"invoiceId","owner":"billing","fields":["invoiceId","orderId","opportunityId","occurrence","reason"],"schema":{"type":"record","name":"VoidInvoice","namespace":"throughline.finance.v1","doc":"Command: take the invoice back: void it, or credit it in full where it is paid.","fields":[{"name":"invoiceId","doc":"Canonical id of the invoice.","type":{"type":"string","logicalType":"uuid"}},{"name":"orderId","doc":"Canonical id of the order.","type":{"type":"string","logicalType":"uuid"}},{"name":"opportunityId","doc":"Canonical id of the opportunity.","type":{"type":"string","logicalType":"uuid"}},{"name":"occurrence","doc":"Which closing of the opportunity this belongs to, from 1; a deal that closes again is 2.","type":"int","default":1},{"name":"reason","doc":"Why this is undone: the type of the message that caused it.","type":"string"}]}},
};

export const topics: readonly Topic[] = [
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.revenue.opportunity","owner":"revenue-operations","key":"opportunityId","kind":"event","retentionMs":-1,"description":"A deal was won, amended, reopened, refused or updated in the CRM.","types":["OpportunityClosedWon","OpportunityAmended","OpportunityAmendmentRejected","OpportunityReopened","OpportunityRejected","OpportunityUpdated","OpportunityUpdateRejected"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.revenue.opportunity-commands","owner":"revenue-operations","key":"opportunityId","kind":"command","retentionMs":1209600000,"description":"What the CRM side is asked to do.","types":["UpdateOpportunity"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.operations.order","owner":"order-management","key":"orderId","kind":"event","retentionMs":-1,"description":"The life of an order in the order system.","types":["OrderCreated","OrderRejected","OrderProvisioned","OrderProvisioningRejected","OrderReleased","OrderReleaseRejected","OrderCancelled","OrderCancellationRejected","OrderLineShipped","OrderLineBackordered","OrderLineFulfilled","OrderLineFulfilmentRejected","OrderLineReturned"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.operations.order-commands","owner":"order-management","key":"orderId","kind":"command","retentionMs":1209600000,"description":"What the operations side is asked to do.","types":["CreateOrder","ProvisionOrder","FulfilOrderLine","ReleaseOrder","CancelOrder"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.finance.invoice","owner":"billing","key":"invoiceId","kind":"event","retentionMs":-1,"description":"The life of an invoice.","types":["InvoiceIssued","InvoiceRejected","InvoiceVoided","InvoiceCredited","InvoiceVoidRejected","CreditNoteIssued","CreditNoteVoided","CreditNoteRejected"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.finance.invoice-commands","owner":"billing","key":"invoiceId","kind":"command","retentionMs":1209600000,"description":"What billing is asked to do.","types":["IssueInvoice","VoidInvoice","IssueCreditNote"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.finance.payment","owner":"billing","key":"paymentId","kind":"event","retentionMs":-1,"description":"Money that arrived.","types":["PaymentReceived"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.finance.revenue-schedule","owner":"revenue-accounting","key":"scheduleId","kind":"event","retentionMs":-1,"description":"Revenue schedules of the subledger.","types":["RevenueScheduleRecorded","RevenueScheduleRejected","RevenueScheduleReversed","RevenueScheduleReversalRejected","RevenueRecognitionStarted","RevenueRecognitionStartRejected","RevenueScheduleReduced","RevenueScheduleReductionRejected"]},
  {"partitions":6,"minInSyncReplicas":1,"name":"throughline.finance.revenue-schedule-commands","owner":"revenue-accounting","key":"scheduleId","kind":"command","retentionMs":1209600000,"description":"What the subledger is asked to do.","types":["RecordRevenueSchedule","ReverseRevenueSchedule","StartRevenueRecognition","ReduceRevenueSchedule"]},
];
