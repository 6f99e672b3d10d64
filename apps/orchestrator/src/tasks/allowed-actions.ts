import { codeOf } from '@throughline/contracts';
import { decideTask } from './decide-task.js';
import type { Action } from './decide-task/action.js';
import type { Circumstances } from './decide-task/turn.js';
import type { RefusalCode } from './errors.js';
import type { Task } from './task.js';

/** One of each kind; what a person would fill in does not matter here. */
const tries: Action[] = [
  { kind: 'claim' },
  { kind: 'release' },
  { kind: 'assign', to: '' },
  { kind: 'delegate', to: '' },
  { kind: 'approve' },
  { kind: 'reject', reason: 'x' },
  { kind: 'send-back', reason: 'x' },
  { kind: 'resubmit' },
  { kind: 'add-attachment', name: 'x', uri: 'https://x.example' },
  { kind: 'set-follow-up', at: null },
];

/** Refusals of what was filled in, and not of the action. */
const ofContent: RefusalCode[] = ['TASK_PERSON_UNFIT', 'TASK_FORM_INVALID', 'TASK_REQUESTER_UNKNOWN'];

/** What a person may do with a task now. */
export function allowedActions(task: Task, person: string, now: string, around: Circumstances): Action['kind'][] {
  return tries
    .filter((action) => {
      try {
        return decideTask(task, action, { id: person }, now, around).audit.length > 0;
      } catch (error) {
        return ofContent.includes(codeOf(error) as RefusalCode);
      }
    })
    .map(({ kind }) => kind);
}
