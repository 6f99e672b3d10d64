import type { Group, LetterStory, LetterSummary, Release, StoredAuditEntry } from '@throughline/messaging';
import { traceIdOf, traceUrl } from '@throughline/telemetry';
import type { AuditView, GroupView, LetterSummaryView, LetterView, ReleaseView, Text } from './views.js';

export function toLetterSummaryView(letter: LetterSummary, viewerUrl: string | undefined): LetterSummaryView {
  const traceId = traceIdOf(letter.traceparent ?? undefined) ?? null;
  return {
    id: letter.id,
    status: letter.status,
    group: letter.fingerprint,
    kind: letter.kind,
    type: letter.type,
    key: toText(letter.key),
    messageId: letter.messageId,
    errorCode: letter.errorCode,
    errorMessage: letter.errorMessage,
    attempts: letter.attempts,
    firstFailedAt: letter.firstFailedAt.toISOString(),
    failedAt: letter.failedAt.toISOString(),
    held: letter.held,
    traceId,
    traceUrl: traceUrl(viewerUrl, traceId),
  };
}

export function toLetterView(service: string, letter: LetterStory, viewerUrl: string | undefined): LetterView {
  const { original } = letter;
  return {
    service,
    ...toLetterSummaryView(letter, viewerUrl),
    version: letter.version,
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    content: toContentView(letter),
    original: original && toContentView(original),
    edits: letter.edits.map(({ at, actor, reason }) => ({ at: at.toISOString(), actor, reason })),
    errorStack: letter.errorStack,
    serviceVersion: letter.serviceVersion,
    dependency: letter.queue,
    waitsFor: letter.waitsFor,
    handledAt: letter.handledAt?.toISOString() ?? null,
    archivedAt: letter.archivedAt?.toISOString() ?? null,
  };
}

export function toGroupView({ reopenedAt, firstFailedAt, failedAt, ...group }: Group): GroupView {
  return {
    ...group,
    reopenedAt: reopenedAt?.toISOString() ?? null,
    firstFailedAt: firstFailedAt.toISOString(),
    failedAt: failedAt.toISOString(),
  };
}

export function toReleaseView({ fingerprint, createdAt, endedAt, ...release }: Release): ReleaseView {
  return {
    ...release,
    group: fingerprint,
    createdAt: createdAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  };
}

export function toAuditEntryView({ at, target, ...entry }: StoredAuditEntry): AuditView['entries'][number] {
  return { ...entry, at: at.toISOString(), target: `${target.type}:${target.id}` };
}

type Content = Pick<LetterStory, 'key' | 'headers' | 'value' | 'decoded'>;

function toContentView({ key, headers, value, decoded }: Content): LetterView['content'] {
  return {
    key: toText(key),
    headers,
    value: value?.toString('base64') ?? null,
    payload: 'payload' in decoded ? decoded.payload : null,
    problem: 'problem' in decoded ? decoded.problem : null,
  };
}

function toText(bytes: Buffer | null): Text | null {
  if (bytes === null) return null;
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString('base64') };
}
