import { nameIn, problemsOf, ruleName } from '@throughline/rule-form';
import { z } from 'zod';
import { durationExamples, parseDuration } from './duration.js';
import { invalidDefinition } from './errors.js';

const name = ruleName('write-back');
const messageType = z
  .string()
  .trim()
  .regex(/^[A-Z][A-Za-z0-9]*$/, { error: 'must be a message type, for example OrderCreated' });
const fieldName = z.string().regex(/^[a-z][A-Za-z0-9]*$/, { error: 'must be a field name, for example orderId' });

/** Names of settings where this path of a definition leads. */
function settingsAt(path: PropertyKey[]): string[] {
  if (path.length === 0) return Object.keys(schema.shape);
  if (path[0] !== 'steps') return [];
  if (path.length === 2) return Object.keys(step.shape);
  return Object.keys((path[2] === 'retry' ? retry : compensation).shape);
}

/** `OrderCreated | OrderRejected`: read aloud as "order created or order rejected". */
const alternatives = z
  .string({ error: 'must be the events that end it, joined by "|", for example OrderCreated | OrderRejected' })
  .transform((text) => text.split('|').map((part) => part.trim()))
  .pipe(z.array(messageType).min(1, { error: 'must name an event' }));

const durationForm = `a number and a unit, for example ${durationExamples}`;

const duration = z.string({ error: `must be ${durationForm}` }).transform((text, context) => {
  const parsed = parseDuration(text);
  if (parsed !== undefined) return parsed;
  context.addIssue(`"${text}" is not a duration; write ${durationForm}`);
  return z.NEVER;
});

const oneOrMany = <T extends z.ZodType>(item: T) =>
  z.union([item.transform((one) => [one]), z.array(item)]).default([] as never);

const source = z.string().regex(/^[A-Z][A-Za-z0-9]*\.[a-z][A-Za-z0-9]*$/, {
  error: 'must name an event and its field, for example OrderCreated.orderNumber',
});
const overrides = z.record(fieldName, source).default({});

const compensation = z.strictObject({
  command: messageType.describe('What is sent to undo the step.'),
  until: alternatives.describe('Events that end it, joined by "|". A name ending in Rejected is a refusal.'),
  timeout: duration.optional().describe('When its absence becomes visible. Default: the timeout of the step.'),
  with: overrides.describe('`field: Event.field`, where a command field is not found by its name.'),
  first: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Undone before all others, and why: where it is refused, nothing else was touched, and a person decides.',
    ),
});

const howUndone =
  'must be "none", "irreversible" or a command with the events that end it; a step that does things must say how they are undone';

const retry = z.strictObject({
  attempts: z.int().min(2).max(100).describe('How often it is commanded at most, the first time included.'),
  every: duration.describe('Pause before it is commanded again.'),
  reasons: oneOrMany(z.string().min(1)).describe('Only refusals with one of these reasons. Default: any.'),
});

const step = z
  .strictObject({
    after: oneOrMany(name).describe('Steps that must be done before. Steps that wait for the same run in parallel.'),
    owner: name.describe('Who answers for the step; the name stands in the file of owners.'),
    when: z.string().min(1).optional().describe('A condition in CEL. Where it is false, the step is not needed.'),
    'for-each': fieldName.optional().describe('A list field of the start event: the step runs once for each element.'),
    on: messageType.optional().describe('The step runs once for each event of this type, whenever one comes.'),
    by: fieldName.optional().describe('The field that tells the runs of a repeated step apart; its events carry it.'),
    checkpoint: name
      .optional()
      .describe('A person decides: the policy that says who, by when, and what if nobody does.'),
    due: duration.optional().describe('Of a checkpoint: when a missing decision becomes visible.'),
    command: messageType.optional().describe('What is sent. Without it the step waits for what another process does.'),
    assigns: oneOrMany(fieldName).describe('Ids of things that this step makes.'),
    with: overrides.describe('`field: Event.field`, where a command field is not found by its name.'),
    'stops-without': oneOrMany(fieldName).describe(
      'Fields of its commands whose source may know no value: the instance stops there, until a person has repaired it.',
    ),
    until: alternatives
      .optional()
      .describe('Events that end the step, joined by "|". A name ending in Rejected is a refusal.'),
    progress: oneOrMany(messageType).describe('Events that say the step is moving: its timeout starts again.'),
    timeout: duration.optional().describe('When a missing outcome becomes visible. It is not taken for a failure.'),
    sla: duration.optional().describe('Promised time; a breach is recorded and counted.'),
    retry: retry.optional().describe('A refusal is answered by commanding it again.'),
    'on-refusal': z
      .enum(['compensate', 'stop'])
      .default('compensate')
      .describe('`compensate`: everything done is undone. `stop`: nothing is taken back, a person is needed.'),
    because: z
      .string()
      .min(1)
      .optional()
      .describe('With `compensation: none`: why what it did may stand when the rest is undone.'),
    compensation: z
      .union([z.literal('none'), z.literal('irreversible'), compensation], { error: howUndone })
      .optional()
      .describe(
        'How the step is undone. `none`: it need not be. `irreversible`: it cannot be, and a person decided before it.',
      ),
  })
  .superRefine((given, context) => {
    const wrong = (path: keyof typeof given, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    const isCheckpoint = given.checkpoint !== undefined;
    if (isCheckpoint) {
      for (const key of ['command', 'until', 'timeout', 'retry', 'compensation', 'for-each', 'on'] as const) {
        if (given[key] !== undefined)
          wrong(key, 'does not go with a checkpoint, which a person ends; remove one of the two');
      }
      return;
    }
    if (given.due !== undefined) wrong('due', 'belongs to a checkpoint; for an awaited event write "timeout"');
    if (!given.until)
      wrong('until', 'is missing: name the events that end the step, or the checkpoint that a person decides');
    if (!given.timeout) wrong('timeout', 'is missing: without it a lost answer would be waited for in silence');
    if (given.command && given.compensation === undefined) wrong('compensation', howUndone);
    if (!given.command && given.retry)
      wrong('retry', 'needs a command: what another process does cannot be asked for again');
    if (!given.command && given['stops-without'].length > 0)
      wrong('stops-without', 'needs a command: it is about fields of one');
    if (!given.command && given.assigns.length > 0)
      wrong('assigns', 'needs a command: only what this process makes has an id of its own');
    if (given['for-each'] && given.on) wrong('on', 'does not go with "for-each"; make two steps of it');
    const isRepeated = given['for-each'] !== undefined || given.on !== undefined;
    if (isRepeated && !given.by) wrong('by', 'is missing: name the field that tells one run from another');
    if (given.by && !isRepeated) wrong('by', 'belongs to a step with "for-each" or "on"');
  });

const schema = z.strictObject({
  process: name.describe('Name of the process.'),
  version: z.int().positive().describe('A version that has run is never edited: give a change the next number.'),
  owner: name.describe('Who answers for the process; the name stands in the file of owners.'),
  description: z.string().optional(),
  starts: messageType.describe('The event that starts an instance.'),
  key: fieldName.describe('The field that says which instance an event belongs to, together with `occurrence`.'),
  calendar: name.optional().describe('The business calendar of "business" durations.'),
  sla: duration.optional().describe('Promised time from the start to the end; a breach is recorded and counted.'),
  attributes: oneOrMany(fieldName).describe('Fields of the start event shown to people.'),
  amount: fieldName
    .optional()
    .describe('The field of the start event that says how much is at risk, in its `currency`.'),
  requester: fieldName
    .optional()
    .describe('The field of the start event that says who asked for it: nobody decides about their own request.'),
  'rejected-by': oneOrMany(messageType).describe('The thing could not start; a later start still may.'),
  'cancelled-by': oneOrMany(messageType).describe('Undo everything, at any moment.'),
  'amended-by': oneOrMany(messageType).describe(
    'Facts changed: steps that used what changed are undone and done again.',
  ),
  records: oneOrMany(messageType).describe('Kept whenever it comes, without effect on the way.'),
  shown: oneOrMany(messageType).describe(
    'Shown to people whenever it comes, with its own message where it has one: no step answers it.',
  ),
  unexpected: z
    .enum(['attention', 'pause'])
    .default('attention')
    .describe('An event that contradicts what is known is shown to people; `pause`: and the instance waits for one.'),
  steps: z
    .record(name, step)
    .refine((steps) => Object.keys(steps).length > 0, { error: 'must hold at least one step' }),
});

/** A process as a person wrote it, checked for form: durations are parsed, lists are lists. */
export type Definition = z.output<typeof schema> & {
  /** As it was written, for storing. */
  source: unknown;
};
export type StepDefinition = Definition['steps'][string];

/** The form of a definition as JSON Schema, by which editors complete and check one. */
export function definitionJsonSchema(): object {
  return { title: 'A Throughline process', ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) };
}

/**
 * Checks the form of a definition read from YAML or JSON.
 * Throws `PROCESS_DEFINITION_INVALID` with every problem, each with its path. What the names refer to is checked by `compileDefinition`.
 */
export function parseDefinition(data: unknown): Definition {
  const result = schema.safeParse(data);
  if (result.success) return { ...result.data, source: data };
  throw invalidDefinition(nameIn(data, 'process'), problemsOf(result.error.issues, settingsAt));
}
