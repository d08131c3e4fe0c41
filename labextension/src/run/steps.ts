/** What the steps of a run are doing, folded from its executions. Pure. */

import type { Execution, Pipeline, Run, State } from '../api/types';
import { elapsed, isGoing } from '../words';

/** A step as it stands. */
export interface IStepNow {
  readonly name: string;
  /** The newest attempt; null before the first. */
  readonly latest: Execution | null;
  /** All attempts, oldest first, those too that a later change of an input made void. */
  readonly attempts: readonly Execution[];
}

/** What a step shows: its state, or that it has not begun. */
export type StepState = State | 'NONE';

export function stateOf(step: IStepNow): StepState {
  return step.latest?.state ?? 'NONE';
}

/** The names of a run's steps, in the notebook's order; of a run without a pipeline those that were executed. */
export function stepNames(
  pipeline: Pipeline | null,
  executions: readonly Execution[]
): string[] {
  const names = new Set(pipeline?.steps.map(step => step.name));
  for (const execution of executions) {
    names.add(execution.step);
  }
  return [...names];
}

/**
 * Fold executions into steps.
 *
 * A step of which nothing changed stays the object it was in `before`, so that what shows it need not draw anew.
 */
export function foldSteps(
  names: readonly string[],
  executions: readonly Execution[],
  before: ReadonlyMap<string, IStepNow> = new Map()
): Map<string, IStepNow> {
  const attempts = new Map<string, Execution[]>(names.map(name => [name, []]));
  for (const execution of executions) {
    const list = attempts.get(execution.step);
    if (list) {
      list.push(execution);
    } else {
      attempts.set(execution.step, [execution]);
    }
  }
  const steps = new Map<string, IStepNow>();
  for (const [name, list] of attempts) {
    list.sort((a, b) => a.attempt - b.attempt || compare(a.id, b.id));
    const old = before.get(name);
    const same =
      old?.attempts.length === list.length &&
      list.every((execution, i) => execution === old.attempts[i]);
    steps.set(
      name,
      same && old ? old : { name, attempts: list, latest: newest(list) }
    );
  }
  return steps;
}

/** The last attempt that counts. */
function newest(attempts: readonly Execution[]): Execution | null {
  const kept = attempts.filter(execution => !execution.superseded);
  return kept[kept.length - 1] ?? attempts[attempts.length - 1] ?? null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How long a step took, or has been going; null before it began. */
export function secondsOf(
  execution: Execution | null,
  now: number
): number | null {
  if (!execution) {
    return null;
  }
  if (!isGoing(execution.state) && execution.seconds !== null) {
    return execution.seconds;
  }
  return elapsed(execution.started, execution.finished, now);
}

/** The step to show first: what failed, else what runs, else none. */
export function stepOfInterest(
  run: Run,
  steps: ReadonlyMap<string, IStepNow>
): string | null {
  if (run.progress.failed_step && steps.has(run.progress.failed_step)) {
    return run.progress.failed_step;
  }
  for (const [name, step] of steps) {
    if (step.latest?.state === 'FAILED') {
      return name;
    }
  }
  return steps.size === 1 ? [...steps.keys()][0] : null;
}
