/** What is shown at one cell: its mark, its findings, what its step takes and gives, and how the step's last run went. */

import type { Check, Execution, State } from '../api/types';
import type { IProblem } from '../diagnostics/model';
import type { IMark, Role } from './marks';

/** A value that a step takes or gives, and the steps at the other end. */
export interface IFlow {
  readonly name: string;
  readonly steps: readonly string[];
}

export interface ICellView {
  readonly id: string;
  readonly role: Role | null;
  readonly step: string;
  readonly by: IMark['by'] | null;
  /** The first of the cells of its step. */
  readonly leads: boolean;
  readonly problems: readonly IProblem[];
  readonly incoming: readonly IFlow[];
  readonly outgoing: readonly IFlow[];
  /** Steps that it waits for without taking a value. */
  readonly after: readonly string[];
  readonly run: IStepRun | null;
}

/** The newest attempt of the cell's step. */
export interface IStepRun {
  readonly run: string;
  readonly state: State;
  readonly cached: boolean;
  readonly started: string | null;
  readonly finished: string | null;
  readonly seconds: number | null;
  /** What went wrong; empty where nothing did. */
  readonly error: string;
}

/** What comes into a step and goes out of it. */
export type Flows = Pick<ICellView, 'incoming' | 'outgoing' | 'after'>;

const NO_FLOWS: Flows = { incoming: [], outgoing: [], after: [] };

/** What comes into each step and goes out of it, by the pipeline of a check. */
export function flowsOf(check: Check | null): Map<string, Flows> {
  const { steps, edges } = check?.pipeline ?? { steps: [], edges: [] };
  const takers = new Map<string, string[]>();
  for (const { source, target, names } of edges) {
    for (const name of names) {
      const key = JSON.stringify([source, name]);
      takers.set(key, [...(takers.get(key) ?? []), target]);
    }
  }
  return new Map(
    steps.map(({ name: step, inputs, outputs, after }) => {
      const givers = new Set(inputs.map(each => each.producer));
      const flows: Flows = {
        incoming: inputs
          .filter(each => isName(each.name))
          .map(each => ({ name: each.name, steps: [each.producer] })),
        outgoing: outputs.filter(isName).map(name => ({
          name,
          steps: takers.get(JSON.stringify([step, name])) ?? []
        })),
        after: after.filter(name => !givers.has(name))
      };
      return [step, flows];
    })
  );
}

/** Implicit variables, such as the state of a generator, are written in angle brackets and not shown. */
function isName(name: string): boolean {
  return !name.startsWith('<');
}

export function stepRun(execution: Execution | undefined): IStepRun | null {
  if (!execution) {
    return null;
  }
  const { run, state, cached, started, finished, seconds } = execution;
  const error = execution.error?.message ?? '';
  return { run, state, cached, started, finished, seconds, error };
}

/** The views of all cells that have anything to show, by cell id. */
export function cellViews(
  marks: ReadonlyMap<string, IMark>,
  problems: readonly IProblem[],
  flows: ReadonlyMap<string, Flows>,
  lastRun: ReadonlyMap<string, Execution>
): Map<string, ICellView> {
  const byCell = new Map<string, IProblem[]>();
  for (const problem of problems) {
    if (problem.cell !== null) {
      byCell.set(problem.cell, [...(byCell.get(problem.cell) ?? []), problem]);
    }
  }
  const steps = new Set<string>();
  const views = new Map<string, ICellView>();
  const ids = new Set([...marks.keys(), ...byCell.keys()]);
  for (const id of ids) {
    const mark = marks.get(id);
    const step = mark?.role === 'step' ? mark.step : '';
    const leads = step !== '' && !steps.has(step);
    steps.add(step);
    views.set(id, {
      id,
      role: mark?.role ?? null,
      step,
      by: mark?.by ?? null,
      leads,
      problems: byCell.get(id) ?? [],
      ...(flows.get(step) ?? NO_FLOWS),
      run: step ? stepRun(lastRun.get(step)) : null
    });
  }
  return views;
}
