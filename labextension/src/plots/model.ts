/** Curves: which points are drawn where. Pure. */

/** A point as it was logged. `value` is text for NaN and infinities; `at` the step that was given with it. */
export interface ILogged {
  readonly value: number | string;
  readonly at?: number | null;
  readonly time?: string | null;
}

/** What curves are drawn over: the logged step, seconds since the first point, or the moment. */
export type Axis = 'step' | 'elapsed' | 'time';

export interface IPoint {
  readonly x: number;
  readonly y: number;
}

/** One line of a chart. `y` is NaN where the line is broken. */
export interface ISeries {
  readonly key: string;
  readonly label: string;
  /** Which of the palette's colours. */
  readonly colour: number;
  readonly points: readonly IPoint[];
}

export type Range = readonly [low: number, high: number];

/** How many colours the palette has before it begins again. */
export const COLOURS = 8;

/** The number a logged value stands for; NaN for what is no number, and for infinities, which no chart can show. */
export function numeric(value: number | string): number {
  const number = typeof value === 'number' ? value : Number(value);
  return Number.isFinite(number) ? number : NaN;
}

/**
 * Place logged points on an axis.
 *
 * Points without a step take their number in order; points are sorted by x, so that a curve never runs backwards.
 */
export function placed(points: readonly ILogged[], axis: Axis): IPoint[] {
  const moments = points.map(point => Date.parse(point.time ?? ''));
  const known = moments.filter(Number.isFinite);
  const first = known.length ? Math.min(...bounds(known)) : NaN;
  const out = points.map((point, i) => {
    const moment = moments[i];
    const x =
      axis === 'step'
        ? (point.at ?? i)
        : axis === 'time'
          ? moment
          : (moment - first) / 1000;
    return { x: Number.isFinite(x) ? x : i, y: numeric(point.value) };
  });
  return out.sort((a, b) => a.x - b.x);
}

/**
 * Smooth by an exponential moving average; `weight` 0 (off) to below 1.
 *
 * The start is debiased (Kingma & Ba 2015, section 3), so that a curve does not begin at zero. Gaps stay gaps.
 */
export function smoothed(
  points: readonly IPoint[],
  weight: number
): readonly IPoint[] {
  if (weight <= 0) {
    return points;
  }
  let mean = 0;
  let mass = 0;
  return points.map(({ x, y }) => {
    if (!Number.isFinite(y)) {
      return { x, y };
    }
    mean = weight * mean + (1 - weight) * y;
    mass = weight * mass + (1 - weight);
    return { x, y: mean / mass };
  });
}

/** The lowest and highest of some numbers, without a limit on how many. */
function bounds(numbers: Iterable<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const number of numbers) {
    low = Math.min(low, number);
    high = Math.max(high, number);
  }
  return [low, high];
}

/** What an axis has to show of all series; null where nothing can be drawn. */
export function rangeOf(
  series: readonly ISeries[],
  which: 'x' | 'y',
  log = false
): Range | null {
  let low = Infinity;
  let high = -Infinity;
  for (const one of series) {
    for (const point of one.points) {
      const number = point[which];
      if (Number.isFinite(point.y) && (!log || number > 0)) {
        low = Math.min(low, number);
        high = Math.max(high, number);
      }
    }
  }
  if (low > high) {
    return null;
  }
  if (low === high) {
    const pad = log ? low / 2 : Math.abs(low) / 10 || 0.5;
    return [low - pad, high + pad];
  }
  return [low, high];
}

/** Leave some air above and below. */
export function padded([low, high]: Range, log = false): Range {
  if (log) {
    const factor = (high / low) ** 0.05;
    return [low / factor, high * factor];
  }
  const pad = (high - low) * 0.05;
  return [low - pad, high + pad];
}

/** A scale: from a range of numbers to a range of pixels. */
export function scale(
  [low, high]: Range,
  [start, end]: Range,
  log = false
): (number: number) => number {
  const warp = log ? Math.log : (number: number) => number;
  const [from, to] = [warp(low), warp(high)];
  return number =>
    start + ((warp(number) - from) / (to - from)) * (end - start);
}

/** At most about `count` round numbers in a range (1, 2 or 5 times a power of ten); powers of ten on a log scale. */
export function ticks(
  [low, high]: Range,
  count: number,
  log = false
): number[] {
  if (log) {
    const powers = decades(low, high);
    if (powers.length >= 2) {
      const every = Math.ceil(powers.length / count);
      return powers.filter((_, i) => i % every === 0);
    }
  }
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map(by => by * power).find(by => by >= rough * 0.999) ??
    10 * power;
  const out = [];
  for (
    let i = Math.ceil(low / step - 1e-9);
    i * step <= high + step * 1e-9;
    i++
  ) {
    out.push(Number((i * step).toPrecision(12)));
  }
  return out;
}

function decades(low: number, high: number): number[] {
  const out = [];
  for (
    let i = Math.ceil(Math.log10(low) - 1e-9);
    i <= Math.log10(high) + 1e-9;
    i++
  ) {
    out.push(Number(`1e${i}`));
  }
  return out;
}

/** A tick's label, as short as it can be. */
export function tickLabel(number: number): string {
  const size = Math.abs(number);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) {
    return number.toExponential().replace('e+', 'e');
  }
  return String(Number(number.toPrecision(6)));
}

/** An SVG path through the points; broken where a value is missing or cannot be shown on a log scale. */
export function path(
  points: readonly IPoint[],
  x: (number: number) => number,
  y: (number: number) => number,
  log = false
): string {
  let out = '';
  let pen = false;
  for (const point of points) {
    if (!Number.isFinite(point.y) || (log && point.y <= 0)) {
      pen = false;
      continue;
    }
    out += `${pen ? 'L' : 'M'}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`;
    pen = true;
  }
  return out;
}

/** The points that no line joins to another: they are drawn as dots. */
export function alone(points: readonly IPoint[]): IPoint[] {
  const is = (i: number) => Number.isFinite(points[i]?.y);
  return points.filter((_, i) => is(i) && !is(i - 1) && !is(i + 1));
}

/** The point whose x is nearest; null for none. Points are sorted by x. */
export function nearest(points: readonly IPoint[], x: number): IPoint | null {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].x < x) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const right = points[low];
  const left = points[low - 1];
  if (!left || !right) {
    return left ?? right ?? null;
  }
  return x - left.x <= right.x - x ? left : right;
}
