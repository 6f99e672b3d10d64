import { refused } from '../errors.js';
import type { Person } from '../people.js';
import type { ActionOf } from './action.js';
import { authority } from './authority.js';
import { saidWhy, type Turn } from './turn.js';

/** Whoever may decide, and whoever has to answer, may show what it is about. @throws `TASK_ATTACHMENT_INVALID` */
export function attach(turn: Turn, person: Person, action: ActionOf<'add-attachment'>): void {
  const { name, uri, sha256, reason } = action;
  if (!turn.isRequester(person.id)) authority(turn, person, undefined);
  const problem = attachmentProblem(uri);
  if (problem) throw refused('TASK_ATTACHMENT_INVALID', problem, 'uri');
  const document = { name, uri, ...(sha256 && { sha256 }) };
  turn.task.attachments.push({ ...document, by: person.id, at: turn.now });
  turn.note('attached', { ...saidWhy(reason), details: document });
}

/** A reference that says where a document lies, and neither holds it nor a password. */
function attachmentProblem(uri: string): string | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url)
    return `"${uri}" is no URI: say where the document lies, such as https://documents.example/contract-4711.pdf.`;
  if (['data:', 'javascript:', 'blob:'].includes(url.protocol))
    return 'A document is attached by reference: store it where it belongs, and give its address.';
  return url.username || url.password ? 'The address holds a name or a password: give it without.' : undefined;
}
