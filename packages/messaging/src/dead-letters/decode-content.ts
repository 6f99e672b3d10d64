import { catalog, type Codec, type MessageType } from '@throughline/contracts';
import type { Content } from './apply-edit.js';
import type { Letter } from './letter.js';

/** What a letter carries as JSON, or why nobody can read it. */
export type Decoded = { payload: unknown } | { problem: string };

/** Read when it is asked for: a schema that was unknown when the letter died may be known by now. */
export async function decodeContent(
  letter: Pick<Letter, 'kind' | 'type'>,
  content: Content,
  codec: Codec,
): Promise<Decoded> {
  if (letter.kind === 'job') return { payload: content.job?.payload };
  const type = typeOf(letter, content);
  if (!type) return { problem: 'Its header ce_type names no type that this service knows.' };
  try {
    return { payload: await codec.decode(type, content.value ?? Buffer.alloc(0)) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

/** The type of a message; of a record that nobody could read, what its header says, where that is one at all. */
export function typeOf(
  { kind, type }: Pick<Letter, 'kind' | 'type'>,
  { headers }: Pick<Content, 'headers'>,
): MessageType | undefined {
  if (kind !== 'record') return type as MessageType;
  return Object.values(catalog).find(({ subject }) => subject === headers?.['ce_type'])?.type;
}
