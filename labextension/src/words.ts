/** Times, sizes, numbers and states in words, for all views. Pure. */

import type { State } from './api/types';

/** What texts are translated by: the part of Lab's TranslationBundle that words need. */
export interface ITranslate {
  __(text: string, ...args: unknown[]): string;
}

/** States that go on by themselves. */
const GOING: ReadonlySet<State> = new Set<State>([
  'PENDING',
  'RUNNING',
  'CANCELING'
]);

/** Whether a run or execution in this state is not over. */
export function isGoing(state: State): boolean {
  return GOING.has(state);
}

/** One character for each state, so that colour is never the only sign. */
export const SIGNS: Record<State, string> = {
  PENDING: '·',
  RUNNING: '▶',
  SUCCEEDED: '✓',
  SKIPPED: '–',
  FAILED: '✗',
  CANCELING: '…',
  CANCELED: '⊘',
  PAUSED: '‖',
  INTERRUPTED: '!'
};

export function stateWord(state: State, trans: ITranslate): string {
  switch (state) {
    case 'PENDING':
      return trans.__('waiting');
    case 'RUNNING':
      return trans.__('running');
    case 'SUCCEEDED':
      return trans.__('succeeded');
    case 'SKIPPED':
      return trans.__('skipped');
    case 'FAILED':
      return trans.__('failed');
    case 'CANCELING':
      return trans.__('being cancelled');
    case 'CANCELED':
      return trans.__('cancelled');
    case 'PAUSED':
      return trans.__('paused');
    case 'INTERRUPTED':
      return trans.__('interrupted');
  }
}

/** A duration in at most seven characters; nothing is empty. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !isFinite(seconds)) {
    return '';
  }
  if (seconds < 0.0995) {
    return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  }
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  if (seconds < 99.5) {
    return `${Math.round(seconds)} s`;
  }
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 100) {
    return `${minutes}m ${two(whole % 60)}s`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 100
    ? `${hours}h ${two(minutes % 60)}m`
    : `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

/** Seconds from one moment to another, or to `now` (milliseconds) where there is no other. */
export function elapsed(
  started: string | null,
  finished: string | null,
  now: number
): number | null {
  if (!started) {
    return null;
  }
  const end = finished ? Date.parse(finished) : now;
  return Math.max(0, (end - Date.parse(started)) / 1000);
}

/** How long ago a moment was; `now` in milliseconds. */
export function ago(
  moment: string | null | undefined,
  now: number,
  trans: ITranslate
): string {
  if (!moment) {
    return '';
  }
  const past = Math.max(0, (now - Date.parse(moment)) / 1000);
  if (past < 5) {
    return trans.__('just now');
  }
  if (past < 90) {
    return trans.__('%1 s ago', Math.round(past));
  }
  if (past < 5400) {
    return trans.__('%1 min ago', Math.round(past / 60));
  }
  if (past < 129600) {
    return trans.__('%1 h ago', Math.round(past / 3600));
  }
  return trans.__('%1 d ago', Math.round(past / 86400));
}

/** A moment as local date and time, to the second. */
export function moment(text: string | null | undefined): string {
  return text ? new Date(text).toLocaleString() : '';
}

/** A number of bytes. */
export function size(count: number | null | undefined): string {
  if (count === null || count === undefined) {
    return '';
  }
  let rest = count;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (rest < 999.5) {
      return unit === 'B' || rest >= 99.95
        ? `${Math.round(rest)} ${unit}`
        : `${rest.toFixed(1)} ${unit}`;
    }
    rest /= 1000;
  }
  return `${rest.toFixed(1)} TB`;
}

/** A metric's or parameter's value, short: six digits of a number, JSON of a structure. */
export function value(it: unknown): string {
  if (typeof it === 'number') {
    return Number.isInteger(it)
      ? String(it)
      : String(Number(it.toPrecision(6)));
  }
  if (typeof it === 'string') {
    return it;
  }
  return it === undefined ? '' : JSON.stringify(it);
}

function two(count: number): string {
  return String(count).padStart(2, '0');
}
