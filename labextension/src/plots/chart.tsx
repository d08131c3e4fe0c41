/** A line chart in SVG, in Lab's colours. */

import React, { useId, useMemo, useState, type KeyboardEvent } from 'react';

import { useSize } from '../run/hooks';
import { useSurroundings } from '../run/context';
import { value as said, type ITranslate } from '../words';
import {
  alone,
  nearest,
  padded,
  path,
  rangeOf,
  scale,
  tickLabel,
  ticks,
  type ISeries
} from './model';

const MARGIN = { left: 52, right: 12, top: 8, bottom: 22 };

interface IChartProps {
  title: string;
  series: readonly ISeries[];
  /** The same curves before they were smoothed, drawn thinly; the same order. */
  raw?: readonly ISeries[];
  log: boolean;
  height?: number;
  /** What a number on the x axis is called. */
  xLabel: (x: number) => string;
  /** What the chart says without points. */
  empty: string;
}

export function Chart(props: IChartProps): JSX.Element {
  const { title, series, raw, log, height = 190, xLabel, empty } = props;
  const { trans } = useSurroundings();
  const [ref, width] = useSize<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const clip = useId();
  const all = useMemo(
    () => (raw ? [...series, ...raw] : series),
    [series, raw]
  );
  const xs = rangeOf(series, 'x', false);
  const ys = rangeOf(all, 'y', log);
  const drawable = xs !== null && ys !== null && width > 0;
  const right = Math.max(MARGIN.left + 20, width - MARGIN.right);
  const bottom = height - MARGIN.bottom;
  const yRange = ys && padded(ys, log);
  const x = useMemo(
    () => scale(xs ?? [0, 1], [MARGIN.left, right]),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [xs?.[0], xs?.[1], right]
  );
  const y = useMemo(
    () => scale(yRange ?? [0, 1], [bottom, MARGIN.top], log),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [yRange?.[0], yRange?.[1], bottom, log]
  );
  const lines = useMemo(
    () =>
      drawable
        ? {
            smooth: series.map(one => path(one.points, x, y, log)),
            raw: raw?.map(one => path(one.points, x, y, log)) ?? []
          }
        : { smooth: [], raw: [] },
    [drawable, series, raw, x, y, log]
  );
  const where = (left: number) =>
    xs
      ? xs[0] + ((left - MARGIN.left) / (right - MARGIN.left)) * (xs[1] - xs[0])
      : null;
  const onKeyDown = (event: KeyboardEvent) => {
    if (!xs || !['ArrowLeft', 'ArrowRight', 'Escape'].includes(event.key)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.key === 'Escape') {
      setAt(null);
      return;
    }
    const by = ((xs[1] - xs[0]) / 50) * (event.key === 'ArrowLeft' ? -1 : 1);
    setAt(old => Math.min(xs[1], Math.max(xs[0], (old ?? xs[0]) + by)));
  };
  const points =
    at === null
      ? []
      : series.flatMap(one => {
          const point = nearest(one.points, at);
          return point && Number.isFinite(point.y) ? [{ one, point }] : [];
        });
  return (
    <figure className="jp-KFRun-chart">
      <figcaption>{title}</figcaption>
      {/* the arrow keys move along the curves, as the pointer does */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={ref}
        className="jp-KFRun-chartBody"
        style={{ height }}
        role="img"
        aria-label={summary(title, series, trans)}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerMove={event => {
          const { left } = event.currentTarget.getBoundingClientRect();
          setAt(where(event.clientX - left));
        }}
        onPointerLeave={() => setAt(null)}
      >
        {!drawable && width > 0 && (
          <div className="jp-KFRun-blank">{empty}</div>
        )}
        {drawable && yRange && (
          <svg width={width} height={height} aria-hidden="true">
            <clipPath id={clip}>
              <rect
                x={MARGIN.left - 2}
                y={0}
                width={right - MARGIN.left + 4}
                height={bottom + 2}
              />
            </clipPath>
            {ticks(yRange, 4, log).map(tick => (
              <g key={tick} transform={`translate(0 ${y(tick)})`}>
                <line x1={MARGIN.left} x2={right} />
                <text x={MARGIN.left - 6} dy="0.32em" textAnchor="end">
                  {tickLabel(tick)}
                </text>
              </g>
            ))}
            {ticks(xs, Math.max(2, width / 110)).map(tick => (
              <g key={tick} transform={`translate(${x(tick)} 0)`}>
                <line y1={bottom} y2={bottom + 4} />
                <text y={bottom + 16} textAnchor="middle">
                  {xLabel(tick)}
                </text>
              </g>
            ))}
            <g clipPath={`url(#${clip})`} fill="none">
              {lines.raw.map((d, i) => (
                <path
                  key={series[i].key}
                  className="jp-mod-raw"
                  data-colour={series[i].colour}
                  d={d}
                />
              ))}
              {lines.smooth.map((d, i) => (
                <path
                  key={series[i].key}
                  data-colour={series[i].colour}
                  d={d}
                />
              ))}
              {series.flatMap(one =>
                alone(one.points).map(point => (
                  <circle
                    key={`${one.key} ${point.x}`}
                    data-colour={one.colour}
                    cx={x(point.x)}
                    cy={y(point.y)}
                    r={3}
                  />
                ))
              )}
            </g>
            {at !== null && (
              <line
                className="jp-mod-cursor"
                x1={x(at)}
                x2={x(at)}
                y1={MARGIN.top}
                y2={bottom}
              />
            )}
            {points
              .filter(({ point }) => !log || point.y > 0)
              .map(({ one, point }) => (
                <circle
                  key={one.key}
                  data-colour={one.colour}
                  cx={x(point.x)}
                  cy={y(point.y)}
                  r={3.5}
                />
              ))}
          </svg>
        )}
        {at !== null && points.length > 0 && (
          <div
            className="jp-KFRun-chartTip"
            role="status"
            style={
              x(at) > width / 2
                ? { right: width - x(at) + 12 }
                : { left: x(at) + 12 }
            }
          >
            <div className="jp-KFRun-dim">{xLabel(points[0].point.x)}</div>
            {points.slice(0, 12).map(({ one, point }) => (
              <div key={one.key}>
                <span className="jp-KFRun-dot" data-colour={one.colour} />
                {one.label} <b>{said(point.y)}</b>
              </div>
            ))}
            {points.length > 12 && <div>… (+{points.length - 12})</div>}
          </div>
        )}
      </div>
    </figure>
  );
}

/** What a chart shows, in words. */
function summary(
  title: string,
  series: readonly ISeries[],
  trans: ITranslate
): string {
  const parts = series.slice(0, 6).map(({ label, points }) => {
    const numbers = points.map(point => point.y).filter(Number.isFinite);
    const last = numbers[numbers.length - 1];
    return trans.__(
      '%1: %2 points, last %3',
      label,
      numbers.length,
      said(last)
    );
  });
  return `${title}. ${parts.join('; ')}`;
}

export function Legend({
  series
}: {
  series: readonly ISeries[];
}): JSX.Element {
  return (
    <ul className="jp-KFRun-legend">
      {series.map(one => (
        <li key={one.key} title={one.label}>
          <span className="jp-KFRun-dot" data-colour={one.colour} />
          {one.label}
        </li>
      ))}
    </ul>
  );
}
