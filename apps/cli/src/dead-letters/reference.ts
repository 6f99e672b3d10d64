import { CommandError } from '../output.js';

/** What a person names: every service has numbers of its own, so the service is part of the name. */
export type Reference = { service: string } & (
  { kind: 'letter'; id: string } | { kind: 'group'; fingerprint: string } | { kind: 'release'; id: string }
);

const FORM = /^([a-z][a-z0-9-]*)\/(?:(\d{1,18})|(fp[0-9a-f]{12})|release-(\d{1,18}))$/;

/** `ops-adapter/12` is a letter, `ops-adapter/fp0123456789ab` a group, `ops-adapter/release-3` a release. */
export function parseReference(text: string): Reference {
  const [, service, letter, fingerprint, release] = FORM.exec(text) ?? [];
  if (service && letter) return { service, kind: 'letter', id: letter };
  if (service && fingerprint) return { service, kind: 'group', fingerprint };
  if (service && release) return { service, kind: 'release', id: release };
  throw new CommandError(
    `"${text}" names no letter, group or release: copy one from "dead-letters list", such as ops-adapter/12, ops-adapter/fp0123456789ab or ops-adapter/release-3.`,
  );
}

/** Letters of one service are moved together. A group stands for itself. */
export interface Move {
  service: string;
  selection: { ids: string[] } | { group: string };
}

export function toMoves(references: Reference[]): Move[] {
  const moves: Move[] = [];
  const letters = new Map<string, string[]>();
  for (const reference of references) {
    const { service } = reference;
    if (reference.kind === 'release') {
      throw new CommandError(`${service}/release-${reference.id} is a release: name letters or a group here.`);
    }
    if (reference.kind === 'group') moves.push({ service, selection: { group: reference.fingerprint } });
    else letters.set(service, [...(letters.get(service) ?? []), reference.id]);
  }
  return [...moves, ...[...letters].map(([service, ids]) => ({ service, selection: { ids } }))];
}
