/** Who ran when: bars over time. Pure. */

import type { Execution, Run, State } from '../../api/types';
import { isGoing } from '../../words';
import type { IStepNow } from '../steps';

/** One attempt of a step on the time axis; moments in milliseconds. */
export interface IBar {
  readonly execution: Execution;
  readonly start: number;
  readonly end: number;
  readonly state: State;
  readonly cached: boolean;
}

export interface IRow {
  readonly step: string;
  readonly bars: readonly IBar[];
}

export interface ITimeline {
  readonly rows: readonly IRow[];
  readonly start: number;
  readonly end: number;
}

/** The bars of a run: steps in the order they began, then those that did not; what is not over ends at `now`. */
export function timeline(
  run: Run,
  steps: ReadonlyMap<string, IStepNow>,
  now: number
): ITimeline {
  const rows = [...steps.values()].map(step => ({
    step: step.name,
    bars: step.attempts.flatMap(execution => bar(execution, now))
  }));
  const first = (row: IRow) => row.bars[0]?.start ?? Infinity;
  rows.sort((a, b) => (first(a) === first(b) ? 0 : first(a) - first(b)));
  const bars = rows.flatMap(row => row.bars);
  let start = Date.parse(run.started ?? run.created ?? '');
  let end = isGoing(run.state) ? now : Date.parse(run.finished ?? '');
  for (const one of bars) {
    start = Number.isFinite(start) ? Math.min(start, one.start) : one.start;
    end = Number.isFinite(end) ? Math.max(end, one.end) : one.end;
  }
  if (!Number.isFinite(start)) {
    start = Number.isFinite(end) ? end - 1 : now - 1;
  }
  return { rows, start, end: Math.max(end || start, start + 1) };
}

function bar(execution: Execution, now: number): IBar[] {
  const start = Date.parse(execution.started ?? execution.finished ?? '');
  if (!Number.isFinite(start)) {
    return [];
  }
  const finished = Date.parse(execution.finished ?? '');
  const end = Number.isFinite(finished) ? finished : now;
  const { state, cached } = execution;
  return [{ execution, start, end: Math.max(start, end), state, cached }];
}

/** A window on the time axis, in milliseconds. */
export type Window = readonly [start: number, end: number];

/** The shortest stretch that can be looked at. */
const SHORTEST = 5;

/** Zoom about a moment, never beyond the whole nor below some milliseconds. */
export function zoomed(
  [start, end]: Window,
  about: number,
  factor: number,
  [first, last]: Window
): Window {
  const length = Math.min(
    Math.max((end - start) * factor, SHORTEST),
    last - first
  );
  const share = (about - start) / (end - start);
  return shifted([about - length * share, about + length * (1 - share)], 0, [
    first,
    last
  ]);
}

/** Move by some milliseconds, never beyond the whole. */
export function shifted(
  [start, end]: Window,
  by: number,
  [first, last]: Window
): Window {
  const length = Math.min(end - start, last - first);
  const from = Math.min(Math.max(start + by, first), last - length);
  return [from, from + length];
}

const SECOND = 1000;
const STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60,
  120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400
];

/** Round moments in a window, counted from `zero`, about `count` of them. */
export function timeTicks(
  [start, end]: Window,
  zero: number,
  count: number
): number[] {
  const wanted = (end - start) / SECOND / Math.max(1, count);
  const step =
    (STEPS.find(one => one >= wanted) ?? Math.ceil(wanted / 86400) * 86400) *
    SECOND;
  const out = [];
  for (
    let i = Math.ceil((start - zero) / step - 1e-9);
    zero + i * step <= end + step * 1e-9;
    i++
  ) {
    out.push(zero + i * step);
  }
  return out;
}

/** A time since the beginning, as exact as ticks `step` apart need it; all in milliseconds. */
export function sinceLabel(since: number, step: number): string {
  const seconds = since / SECOND;
  if (step < SECOND) {
    const digits = step < 10 ? 3 : step < 100 ? 2 : 1;
    return `${seconds.toFixed(digits)} s`;
  }
  const whole = Math.round(seconds);
  if (whole < 120) {
    return `${whole} s`;
  }
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    whole % 60
  ];
  const two = (n: number) => String(n).padStart(2, '0');
  return hours
    ? `${hours}:${two(minutes)}:${two(rest)}`
    : `${minutes}:${two(rest)}`;
}
