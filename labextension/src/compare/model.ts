/** Runs side by side: what differs first, diffs line by line. Pure. */

import type { Compared, Comparison } from '../api/types';

/** What differs first, then what is the same; each in the order it came. With `only` what is the same is left out. */
export function differencesFirst(
  rows: readonly Compared[],
  only: boolean
): Compared[] {
  const different = rows.filter(row => row.differs);
  return only ? different : [...different, ...rows.filter(row => !row.differs)];
}

/** What a step did in a run. */
export interface IStepDone {
  readonly state: string;
  readonly seconds: number | null;
  readonly cached: boolean;
}

export function asStepDone(value: unknown): IStepDone | null {
  if (typeof value !== 'object' || value === null || !('state' in value)) {
    return null;
  }
  const { state, seconds, cached } = value as Record<string, unknown>;
  return {
    state: String(state),
    seconds: typeof seconds === 'number' ? seconds : null,
    cached: cached === true
  };
}

/** The least and the greatest of some values, where at least two are numbers and they differ. */
export function extremes(
  values: readonly unknown[]
): { low: number; high: number } | null {
  const numbers = values.filter(
    (value): value is number => typeof value === 'number'
  );
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  return numbers.length > 1 && low < high ? { low, high } : null;
}

export type DiffKind = 'same' | 'added' | 'removed' | 'place' | 'file';

export interface IDiffLine {
  readonly kind: DiffKind;
  readonly text: string;
  /** The line's number before and after; null where it is not there. */
  readonly before: number | null;
  readonly after: number | null;
}

/** Read a unified diff. */
export function diffLines(diff: string): IDiffLine[] {
  const out: IDiffLine[] = [];
  let before = 0;
  let after = 0;
  let inside = false;
  for (const line of diff.replace(/\n$/, '').split('\n')) {
    const place = /^@@ -(\d+)(?:,\d+)? \+(\d+)/.exec(line);
    if (place) {
      before = Number(place[1]);
      after = Number(place[2]);
      inside = true;
      out.push({ kind: 'place', text: line, before: null, after: null });
    } else if (!inside) {
      out.push({ kind: 'file', text: line, before: null, after: null });
    } else if (line.startsWith('+')) {
      out.push({
        kind: 'added',
        text: line.slice(1),
        before: null,
        after: after++
      });
    } else if (line.startsWith('-')) {
      out.push({
        kind: 'removed',
        text: line.slice(1),
        before: before++,
        after: null
      });
    } else if (!line.startsWith('\\')) {
      out.push({
        kind: 'same',
        text: line.slice(1),
        before: before++,
        after: after++
      });
    }
  }
  return out;
}

/** How many lines a diff adds and takes away. */
export function counts(diff: readonly IDiffLine[]): [number, number] {
  const of = (kind: DiffKind) => diff.filter(line => line.kind === kind).length;
  return [of('added'), of('removed')];
}

/** Diffs by step, each with the runs they belong to. */
export function byStep(
  code: Comparison['code']
): { step: string; diffs: { run: string; diff: string }[] }[] {
  const steps = new Map<string, { run: string; diff: string }[]>();
  for (const { run, step, diff } of code) {
    if (diff) {
      steps.set(step, [...(steps.get(step) ?? []), { run, diff }]);
    }
  }
  return [...steps].map(([step, diffs]) => ({ step, diffs }));
}

/** Short names that tell runs apart: the name where no other has it, else with the beginning of the id. */
export function labels(
  runs: readonly { readonly id: string; readonly name: string }[]
): string[] {
  const count = (name: string) => runs.filter(run => run.name === name).length;
  return runs.map(({ id, name }) =>
    count(name) > 1 ? `${name} (${id.slice(-6)})` : name
  );
}
