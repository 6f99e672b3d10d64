import {
  allowedActions,
  amountAtRisk,
  inFlight,
  unitsOf,
  waitsOf,
  type Cause,
  type CompiledStep,
  type Execution,
  type ExternalId,
  type Process,
  type State,
  type UnitState,
  type Wait,
} from '@throughline/process';
import type { StoredEvent, StoredInstance } from '@throughline/process/postgres';
import type {
  CauseView,
  ExecutionView,
  HistoryEntryView,
  InstanceSummaryView,
  InstanceView,
  PaymentView,
  StepView,
  TimerView,
  WaitingForView,
} from './instance-view.js';

/** What a list shows of an instance. */
export function toSummaryView(process: Process, instance: StoredInstance): InstanceSummaryView {
  const { id, version, key, occurrence, status, state, correlationId, traceId, startedAt, endedAt } = instance;
  return {
    id,
    process: process.name,
    version,
    key,
    occurrence,
    status,
    attributes: state.attributes,
    ...amountAtRisk(process, state),
    paused: state.paused ?? null,
    correlationId,
    traceId,
    startedAt: startedAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    durationMs: startedAt && endedAt ? endedAt.getTime() - startedAt.getTime() : null,
    cause: toCauseView(state.rejection ?? state.cause),
    attention: state.attention.map((one) => ({ ...one, acknowledged: one.acknowledged ?? null })),
    waitingFor: waitsOf(process, state).map((wait) => toWaitingView(wait, instance.createdAt)),
  };
}

/** The whole story of an instance. */
export function toInstanceView(process: Process, instance: StoredInstance, history: StoredEvent[]): InstanceView {
  return {
    ...toSummaryView(process, instance),
    revision: instance.state.revision ?? 0,
    slaDueAt: instance.state.slaDueAt ?? null,
    slaBreachedAt: instance.state.slaBreachedAt ?? null,
    timers: toTimerViews(instance.state),
    actions: allowedActions(process, instance.state).map(({ action, unit }) => ({ action, unit: unit ?? null })),
    steps: process.steps.flatMap((step) => toStepViews(step, instance.state)),
    payments: history.filter(({ type }) => type === 'PaymentReceived').map(toPaymentView),
    history: history.map(toHistoryView),
  };
}

/** One for each run of the step; one that waits where there is none yet. */
function toStepViews(step: CompiledStep, state: State): StepView[] {
  const units = unitsOf(state, step);
  if (units.length === 0) return step.repeat ? [] : [toStepView(step, step.name, { status: 'waiting' }, state)];
  return units.map(([id, unit]) => toStepView(step, id, unit, state));
}

function toStepView(step: CompiledStep, id: string, unit: UnitState, state: State): StepView {
  const { status, execution, compensation, condition, policy, skipped } = unit;
  return {
    step: id,
    owner: step.owner,
    status: state.rejection ? 'skipped' : status,
    after: step.after,
    ...toExecutionView(execution ?? { ...(step.command && { command: step.command.type }) }),
    condition: condition ?? null,
    policy: policy ?? null,
    skipped: skipped ?? null,
    compensation: compensation ? toExecutionView(compensation) : null,
  };
}

function toExecutionView(run: Execution): ExecutionView {
  const { commandedAt, outcomeAt } = run;
  return {
    command: run.command ?? null,
    service: run.service ?? null,
    commandedAt: commandedAt ?? null,
    dueAt: run.dueAt ?? null,
    slaDueAt: run.slaDueAt ?? null,
    slaBreachedAt: run.slaBreachedAt ?? null,
    retryAt: run.retryAt ?? null,
    progress: run.progress ?? null,
    by: run.by ?? null,
    overdueSince: run.overdueSince ?? null,
    outcome: run.outcome ?? null,
    outcomeAt: outcomeAt ?? null,
    durationMs: commandedAt && outcomeAt ? Date.parse(outcomeAt) - Date.parse(commandedAt) : null,
    attempts: commandedAt ? (run.attempts ?? 1) : 0,
    externalIds: run.externalIds ?? [],
    reason: run.reason ?? null,
    field: run.field ?? null,
    message: run.message ?? null,
  };
}

/** What time will do to it, as far as it is known. */
function toTimerViews(state: State): TimerView[] {
  if (state.phase === 'ended') return [];
  const timers: TimerView[] =
    state.slaDueAt && !state.slaBreachedAt ? [{ unit: null, kind: 'sla', at: state.slaDueAt }] : [];
  for (const [unit, run] of inFlight(state)) {
    if (run.dueAt && !run.overdueSince) timers.push({ unit, kind: 'due', at: run.dueAt });
    if (run.slaDueAt && !run.slaBreachedAt) timers.push({ unit, kind: 'sla', at: run.slaDueAt });
  }
  for (const [unit, { status, execution }] of Object.entries(state.steps))
    if (status === 'retrying') timers.push({ unit, kind: 'retry', at: execution!.retryAt! });
  return timers.toSorted((a, b) => a.at.localeCompare(b.at));
}

function toWaitingView({ command, since, dueAt, ...wait }: Wait, createdAt: Date): WaitingForView {
  return { ...wait, command: command ?? null, since: since ?? createdAt.toISOString(), dueAt: dueAt ?? null };
}

function toCauseView(cause: Cause | undefined): CauseView | null {
  if (!cause) return null;
  const { type, at, step = null, reason = null, field = null, message = null } = cause;
  return { type, at, step, reason, field, message };
}

function toPaymentView({ payload, traceId }: StoredEvent): PaymentView {
  const { paymentId, amount, currency, receivedAt, externalIds } = payload as unknown as PaymentView;
  return { paymentId, amount, currency, receivedAt, externalIds, traceId };
}

function toHistoryView(event: StoredEvent): HistoryEntryView {
  const { messageId, type, effect, step, source, commands, payload, detail, occurredAt, recordedAt, traceId } = event;
  return {
    messageId,
    type,
    effect,
    step,
    source,
    commands,
    externalIds: (payload?.externalIds as ExternalId[] | undefined) ?? [],
    detail,
    occurredAt: occurredAt.toISOString(),
    recordedAt: recordedAt.toISOString(),
    traceId,
  };
}
