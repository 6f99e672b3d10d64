import {
  inFlight,
  type Cause,
  type CompiledStep,
  type Execution,
  type ExternalId,
  type Process,
  type State,
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
  WaitingForView,
} from './instance-view.js';

/** What a list shows of an instance. */
export function toSummaryView(instance: StoredInstance): InstanceSummaryView {
  const { id, process, version, key, occurrence, status, state, correlationId, traceId, startedAt, endedAt } = instance;
  return {
    id,
    process,
    version,
    key,
    occurrence,
    status,
    attributes: state.attributes,
    correlationId,
    traceId,
    startedAt: startedAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    durationMs: startedAt && endedAt ? endedAt.getTime() - startedAt.getTime() : null,
    cause: toCauseView(state.rejection ?? state.cause),
    attention: state.attention,
  };
}

/** The whole story of an instance. */
export function toInstanceView(process: Process, instance: StoredInstance, history: StoredEvent[]): InstanceView {
  return {
    ...toSummaryView(instance),
    waitingFor: waitingFor(process, instance),
    steps: process.steps.map((step) => toStepView(step, instance.state)),
    payments: history.filter(({ type }) => type === 'PaymentReceived').map(toPaymentView),
    history: history.map(toHistoryView),
  };
}

function toStepView(step: CompiledStep, state: State): StepView {
  const { status, execution, compensation } = state.steps[step.name] ?? { status: 'waiting' as const };
  return {
    step: step.name,
    owner: step.owner,
    status: state.rejection ? 'skipped' : status,
    after: step.after,
    ...toExecutionView(execution ?? { command: step.command.type }),
    compensation: compensation ? toExecutionView(compensation) : null,
  };
}

function toExecutionView(run: Execution): ExecutionView {
  const { commandedAt, outcomeAt } = run;
  return {
    command: run.command,
    service: run.service ?? null,
    commandedAt: commandedAt ?? null,
    dueAt: run.dueAt ?? null,
    overdueSince: run.overdueSince ?? null,
    outcome: run.outcome ?? null,
    outcomeAt: outcomeAt ?? null,
    durationMs: commandedAt && outcomeAt ? Date.parse(outcomeAt) - Date.parse(commandedAt) : null,
    attempts: commandedAt ? 1 : 0,
    externalIds: run.externalIds ?? [],
    reason: run.reason ?? null,
    field: run.field ?? null,
    message: run.message ?? null,
  };
}

function waitingFor(process: Process, { state, createdAt }: StoredInstance): WaitingForView[] {
  if (state.phase === 'new') {
    const start = { step: 'start', owner: process.owner, command: null, events: [process.starts] };
    return [{ ...start, since: createdAt.toISOString(), dueAt: null, isOverdue: false, needsPerson: false }];
  }
  const stuck = Object.entries(state.steps).flatMap(([name, step]) => {
    if (step.status === 'compensation-refused') return [toWaitingView(process, state, name, step.compensation!, true)];
    const isRefusedForward = step.status === 'refused' && state.phase === 'forward';
    return isRefusedForward ? [toWaitingView(process, state, name, step.execution!, true)] : [];
  });
  return [...stuck, ...inFlight(state).map(([name, run]) => toWaitingView(process, state, name, run, false))];
}

function toWaitingView(
  process: Process,
  state: State,
  name: string,
  run: Execution,
  needsPerson: boolean,
): WaitingForView {
  const direction = run === state.steps[name]?.compensation ? 'compensation' : 'forward';
  const outcomes = [...process.outcomes].filter(
    ([, { step, ...outcome }]) => step === name && outcome.direction === direction,
  );
  return {
    step: name,
    owner: process.step(name).owner,
    command: run.command,
    // A second refusal would change nothing for a step that was refused.
    events: outcomes.filter(([, { refusal }]) => !(needsPerson && refusal)).map(([type]) => type),
    since: (needsPerson ? run.outcomeAt : run.commandedAt) ?? '',
    dueAt: run.dueAt ?? null,
    isOverdue: !needsPerson && run.overdueSince !== undefined,
    needsPerson,
  };
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
  const { messageId, type, effect, step, source, commands, payload, occurredAt, recordedAt, traceId } = event;
  return {
    messageId,
    type,
    effect,
    step,
    source,
    commands,
    externalIds: (payload?.externalIds as ExternalId[] | undefined) ?? [],
    occurredAt: occurredAt.toISOString(),
    recordedAt: recordedAt.toISOString(),
    traceId,
  };
}
