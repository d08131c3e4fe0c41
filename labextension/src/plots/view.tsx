/** The metrics of one run or of several: curves with their choices, and what was logged once. */

import React, { useMemo, useState } from 'react';

import { useSurroundings } from '../run/context';
import { Blank } from '../run/parts';
import { duration, value as said } from '../words';
import { Chart, Legend } from './chart';
import { plots, type IRunCurves } from './curves';
import { tickLabel, type Axis } from './model';

export function MetricsView(props: {
  runs: readonly IRunCurves[];
  /** Whether more may be logged. */
  going: boolean;
}): JSX.Element {
  const { runs, going } = props;
  const { trans } = useSurroundings();
  const [axis, setAxis] = useState<Axis>('step');
  const [log, setLog] = useState(false);
  const [smoothing, setSmoothing] = useState(0);
  const [words, setWords] = useState('');
  const { plots: all, singles } = useMemo(
    () => plots(runs, { axis, smoothing }),
    [runs, axis, smoothing]
  );
  const wanted = (name: string) =>
    name.toLowerCase().includes(words.trim().toLowerCase());
  const shown = all.filter(plot => wanted(plot.name));
  const numbers = singles.filter(single => wanted(single.name));
  if (all.length + singles.length === 0) {
    return (
      <Blank>
        {going
          ? trans.__('No metric was logged yet.')
          : trans.__('No metric was logged. In a step, kf.log_metric does it.')}
      </Blank>
    );
  }
  const xLabel = (x: number) =>
    axis === 'step'
      ? tickLabel(x)
      : axis === 'elapsed'
        ? duration(x) || '0'
        : new Date(x).toLocaleTimeString();
  return (
    <div className="jp-KFRun-metrics">
      <div className="jp-KFRun-tools">
        {all.length > 0 && (
          <>
            <label>
              {trans.__('Over')}{' '}
              <select
                className="jp-KFRun-input"
                value={axis}
                onChange={event => setAxis(event.target.value as Axis)}
              >
                <option value="step">{trans.__('step')}</option>
                <option value="elapsed">{trans.__('time since start')}</option>
                <option value="time">{trans.__('time of day')}</option>
              </select>
            </label>
            <label>
              <input
                type="checkbox"
                checked={log}
                onChange={event => setLog(event.target.checked)}
              />{' '}
              {trans.__('Logarithmic')}
            </label>
            <label>
              {trans.__('Smoothing')}{' '}
              <input
                type="range"
                min={0}
                max={0.98}
                step={0.02}
                value={smoothing}
                onChange={event => setSmoothing(Number(event.target.value))}
              />{' '}
              <span className="jp-KFRun-dim">{smoothing.toFixed(2)}</span>
            </label>
          </>
        )}
        {all.length + singles.length > 6 && (
          <input
            type="search"
            className="jp-KFRun-input"
            placeholder={trans.__('Filter metrics')}
            aria-label={trans.__('Filter metrics')}
            value={words}
            onChange={event => setWords(event.target.value)}
          />
        )}
      </div>
      <div className="jp-KFRun-scroll">
        {shown.length > 0 && runs.length > 1 && (
          <Legend
            series={runs.map(({ run, label }, i) => ({
              key: run,
              label,
              colour: i % 8,
              points: []
            }))}
          />
        )}
        <div className="jp-KFRun-charts">
          {shown.map(plot => (
            <div key={plot.name}>
              <Chart
                title={plot.name}
                series={plot.series}
                raw={plot.raw}
                log={log}
                xLabel={xLabel}
                empty={
                  log
                    ? trans.__('No positive number: switch the scale.')
                    : trans.__('No finite number.')
                }
              />
              {runs.length === 1 && plot.series.length > 1 && (
                <Legend series={plot.series} />
              )}
            </div>
          ))}
        </div>
        {numbers.length > 0 && (
          <table className="jp-KFRun-table">
            <caption>{trans.__('Logged once')}</caption>
            <thead>
              <tr>
                <th scope="col">{trans.__('Metric')}</th>
                <th scope="col">
                  {runs.length > 1 ? trans.__('Run') : trans.__('Step')}
                </th>
                <th scope="col" className="jp-mod-number">
                  {trans.__('Value')}
                </th>
              </tr>
            </thead>
            <tbody>
              {numbers.map(({ name, label, value }, i) => (
                <tr key={i}>
                  <td>{name}</td>
                  <td>{label}</td>
                  <td className="jp-mod-number">{said(value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}
