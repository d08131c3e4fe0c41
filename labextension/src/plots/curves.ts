/** Which curves stand in which chart, of one run or of several. Pure. */

import type { Metrics } from '../api/types';
import {
  COLOURS,
  placed,
  smoothed,
  type Axis,
  type ILogged,
  type ISeries
} from './model';

export type Curve = Metrics['curves'][number];

/** The curves of a run; `label` names the run where several are compared. */
export interface IRunCurves {
  readonly run: string;
  readonly label: string;
  readonly curves: readonly Curve[];
}

/** All curves of one metric. */
export interface IPlot {
  readonly name: string;
  readonly series: readonly ISeries[];
  /** The curves before they were smoothed; undefined where they were not. */
  readonly raw?: readonly ISeries[];
}

/** One number of a metric that was logged once. */
export interface ISingle {
  readonly name: string;
  readonly step: string;
  readonly label: string;
  readonly value: number | string;
}

export interface IHow {
  readonly axis: Axis;
  /** 0 (off) to below 1. */
  readonly smoothing: number;
}

/**
 * Sort curves into a chart for each metric, in the order of their names.
 *
 * Of one run a curve's colour tells its step; of several it tells the run, so that a run has one colour in all charts.
 * Metrics that every run and step logged only once are no curves: they are told as numbers.
 */
export function plots(
  runs: readonly IRunCurves[],
  how: IHow
): { plots: IPlot[]; singles: ISingle[] } {
  const several = runs.length > 1;
  const byName = new Map<string, { run: number; curve: Curve }[]>();
  const steps = new Map<string, number>();
  runs.forEach((one, run) => {
    for (const curve of one.curves) {
      const list = byName.get(curve.name) ?? [];
      list.push({ run, curve });
      byName.set(curve.name, list);
      if (!steps.has(curve.step)) {
        steps.set(curve.step, steps.size);
      }
    }
  });
  const out: IPlot[] = [];
  const singles: ISingle[] = [];
  for (const name of [...byName.keys()].sort()) {
    const list = byName.get(name) ?? [];
    const manySteps = new Set(list.map(({ curve }) => curve.step)).size > 1;
    const labelled = (run: number, curve: Curve) =>
      [several ? runs[run].label : '', manySteps || !several ? curve.step : '']
        .filter(Boolean)
        .join(' · ');
    if (list.every(({ curve }) => curve.points.length === 1)) {
      for (const { run, curve } of list) {
        const { value } = curve.points[0];
        const label = labelled(run, curve);
        singles.push({ name, step: curve.step, label, value });
      }
      continue;
    }
    const raw = list.map(({ run, curve }): ISeries => ({
      key: `${run} ${curve.step}`,
      label: labelled(run, curve),
      colour: (several ? run : (steps.get(curve.step) ?? 0)) % COLOURS,
      points: placed(curve.points as readonly ILogged[], how.axis)
    }));
    if (how.smoothing > 0) {
      const series = raw.map(one => ({
        ...one,
        points: smoothed(one.points, how.smoothing)
      }));
      out.push({ name, series, raw });
    } else {
      out.push({ name, series: raw });
    }
  }
  return { plots: out, singles };
}
