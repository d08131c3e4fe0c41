/** Which runs are chosen and which row has the keyboard. Pure. */

export interface ISelection {
  /** Ids that are chosen. */
  readonly chosen: ReadonlySet<string>;
  /** The row that the keyboard is on: a run's id, or a group's key. */
  readonly current: string | null;
  /** Where a range begins. */
  readonly anchor: string | null;
}

export const NOTHING: ISelection = {
  chosen: new Set(),
  current: null,
  anchor: null
};

/** A row as the list shows it. */
export interface IRow {
  readonly key: string;
  /** The run, or null for the heading of a group. */
  readonly run: string | null;
}

export function toggled(selection: ISelection, run: string): ISelection {
  const chosen = new Set(selection.chosen);
  if (!chosen.delete(run)) {
    chosen.add(run);
  }
  return { chosen, current: run, anchor: run };
}

/** Everything between the anchor and a run. */
export function extended(
  selection: ISelection,
  rows: readonly IRow[],
  run: string
): ISelection {
  const to = rows.findIndex(row => row.run === run);
  const { anchor } = selection;
  const from = rows.findIndex(row => row.run !== null && row.run === anchor);
  if (from < 0 || to < 0) {
    return { chosen: new Set([run]), current: run, anchor: run };
  }
  const range = rows.slice(Math.min(from, to), Math.max(from, to) + 1);
  const chosen = new Set(range.flatMap(row => row.run ?? []));
  return { chosen, current: run, anchor };
}

/** Without runs that are not shown any more. */
export function restricted(
  selection: ISelection,
  rows: readonly IRow[]
): ISelection {
  const shown = new Set(rows.flatMap(row => row.run ?? []));
  const chosen = [...selection.chosen].filter(run => shown.has(run));
  return chosen.length === selection.chosen.size
    ? selection
    : { ...selection, chosen: new Set(chosen) };
}

/** The row that a key leads to; null where the key is none that moves. */
export function moved(
  rows: readonly IRow[],
  current: string | null,
  key: string,
  page: number
): string | null {
  if (rows.length === 0) {
    return null;
  }
  const at = rows.findIndex(row => row.key === current);
  const last = rows.length - 1;
  const to = (index: number) => rows[Math.min(last, Math.max(0, index))].key;
  switch (key) {
    case 'ArrowDown':
      return to(at + 1);
    case 'ArrowUp':
      return to(at < 0 ? 0 : at - 1);
    case 'PageDown':
      return to(at + page);
    case 'PageUp':
      return to(at - page);
    case 'Home':
      return to(0);
    case 'End':
      return to(last);
    default:
      return null;
  }
}
