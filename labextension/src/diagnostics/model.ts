/** Findings about a notebook: which are there, where they point to now, which comes next, what their fix writes. No DOM. */

import type { Check, Diagnostic, TextEdit } from '../api/types';

/** A finding with its cell by id, even where the server knows the cell by its index only. */
export interface IProblem extends Diagnostic {
  /** Tells findings of one check apart. */
  readonly key: string;
}

/** A place in the notebook: the cell's index among all and the line from 1. */
export interface IPlace {
  index: number;
  line: number;
}

const RANK = { error: 0, warning: 1, info: 2 } as const;

/** The findings of a check, those about the whole notebook first, then by place, the worst of a place first. */
export function problemsOf(check: Check): IProblem[] {
  return check.diagnostics
    .map((each, index) => ({ ...each, key: `${index}:${each.code}` }))
    .sort(
      (a, b) =>
        (a.cell_index ?? -1) - (b.cell_index ?? -1) ||
        (a.line ?? 0) - (b.line ?? 0) ||
        RANK[a.severity] - RANK[b.severity]
    );
}

/** How many there are of each severity. */
export function counts(
  problems: readonly Diagnostic[]
): Record<Diagnostic['severity'], number> {
  const found = { error: 0, warning: 0, info: 0 };
  for (const each of problems) {
    found[each.severity]++;
  }
  return found;
}

/** The worst severity, null for none. */
export function worst(
  problems: readonly Diagnostic[]
): Diagnostic['severity'] | null {
  return problems.reduce<Diagnostic['severity'] | null>(
    (found, each) =>
      found === null || RANK[each.severity] < RANK[found]
        ? each.severity
        : found,
    null
  );
}

/**
 * The finding after (`1`) or before (`-1`) a place, round the end; those about the whole notebook come with the first.
 *
 * `key` is the finding that is being looked at: of several at one place the next is taken.
 */
export function neighbour(
  problems: readonly IProblem[],
  place: IPlace | null,
  key: string | null,
  step: 1 | -1
): IProblem | null {
  if (problems.length === 0) {
    return null;
  }
  const at = problems.findIndex(each => each.key === key);
  if (at >= 0 && (place === null || isAt(problems[at], place))) {
    return problems[(at + step + problems.length) % problems.length];
  }
  const here = place ?? { index: -1, line: 0 };
  const ordered = step > 0 ? problems : [...problems].reverse();
  const next = ordered.find(each => step * compare(each, here) > 0);
  return next ?? ordered[0];
}

function isAt(problem: IProblem, place: IPlace): boolean {
  return problem.cell_index === null || compare(problem, place) === 0;
}

function compare(problem: IProblem, place: IPlace): number {
  return (
    (problem.cell_index ?? -1) - place.index || (problem.line ?? 1) - place.line
  );
}

/**
 * The text of a cell once an edit is applied to it, null where the text is no longer the one that was checked.
 *
 * @param checked the text that the edit was made for
 */
export function edited(
  source: string,
  edit: TextEdit,
  checked: string | undefined
): string | null {
  if (source !== checked) {
    return null;
  }
  const lines = source.split('\n');
  if (edit.line < 1 || edit.end_line > lines.length) {
    return null;
  }
  lines.splice(
    edit.line - 1,
    Math.max(0, edit.end_line - edit.line + 1),
    ...edit.text.split('\n')
  );
  return lines.join('\n');
}

/** From where to where a line's text goes, without the space around it; a line that is gone is the last. */
export function lineSpan(
  source: string,
  line: number
): { from: number; to: number } {
  const lines = source.split('\n');
  const index = Math.min(Math.max(line, 1), lines.length) - 1;
  const before = lines
    .slice(0, index)
    .reduce((sum, each) => sum + each.length + 1, 0);
  const text = lines[index];
  const from = before + text.length - text.trimStart().length;
  return { from, to: Math.max(from, before + text.trimEnd().length) };
}
