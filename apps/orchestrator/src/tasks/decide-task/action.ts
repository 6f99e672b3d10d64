/** What can be done with a task. */
export type Action = { reason?: string | undefined } & (
  | { kind: 'claim' }
  | { kind: 'release' }
  | { kind: 'resubmit' }
  | { kind: 'reject' }
  | { kind: 'assign'; to: string }
  | { kind: 'delegate'; to: string }
  | { kind: 'approve'; values?: Record<string, unknown> | undefined }
  /** `to`: who has to answer, where nobody is known as the requester. */
  | { kind: 'send-back'; to?: string | undefined }
  | { kind: 'add-attachment'; name: string; uri: string; sha256?: string | undefined }
  /** `null` takes it back. */
  | { kind: 'set-follow-up'; at: string | null }
);

export type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** Who acts. */
export interface Actor {
  id: string;
  /** In whose name, where a person may act for several; their own comes first. */
  onBehalfOf?: string | undefined;
  /** The version that they decided on; without one, whatever it is now. */
  seenVersion?: number | undefined;
}
