/** Two or more runs side by side. */

import React, { useMemo, useState, type ReactNode } from 'react';

import type { Compared, Comparison, State } from '../api/types';
import { COLOURS } from '../plots/model';
import { MetricsView } from '../plots/view';
import { useSurroundings } from '../run/context';
import { useLoaded } from '../run/hooks';
import {
  Blank,
  Button,
  Loading,
  Problem,
  Sign,
  StateLabel
} from '../run/parts';
import {
  ago,
  duration,
  elapsed,
  isGoing,
  moment,
  value as said
} from '../words';
import { useNow } from '../runs/clock';
import {
  asStepDone,
  byStep,
  counts,
  differencesFirst,
  diffLines,
  extremes,
  labels
} from './model';

/** A part with more rows than this, all the same, is folded at first. */
const LONG = 12;
/** How often runs that are not over are compared anew, in milliseconds. */
const OFTEN = 3000;

export function CompareView({
  runs
}: {
  runs: readonly string[];
}): JSX.Element {
  const { client, trans } = useSurroundings();
  const [only, setOnly] = useState(false);
  const [going, setGoing] = useState(false);
  const now = useNow(going);
  const beat = going ? Math.floor(now / OFTEN) : 0;
  const [retries, setRetries] = useState(0);
  const loaded = useLoaded(
    `${runs.join(' ')} ${beat} ${retries}`,
    async signal => {
      const comparison = await client.get(
        '/runs/compare',
        { query: { run: [...runs] } },
        signal
      );
      setGoing(comparison.runs.some(run => isGoing(run.state)));
      return comparison;
    }
  );
  if (!loaded.value) {
    return loaded.error ? (
      <Problem error={loaded.error} onRetry={() => setRetries(retries + 1)} />
    ) : (
      <Loading />
    );
  }
  return (
    <div className="jp-KFRun jp-KFCompare">
      <div className="jp-KFRun-tools">
        <h2>{trans._n('%1 run', '%1 runs compared', runs.length)}</h2>
        <label>
          <input
            type="checkbox"
            checked={only}
            onChange={event => setOnly(event.target.checked)}
          />{' '}
          {trans.__('Only differences')}
        </label>
      </div>
      {loaded.error && <Problem error={loaded.error} />}
      <Tables comparison={loaded.value} only={only} now={now} beat={beat} />
    </div>
  );
}

function Tables(props: {
  comparison: Comparison;
  only: boolean;
  now: number;
  beat: number;
}): JSX.Element {
  const { comparison, only, now, beat } = props;
  const { trans, open } = useSurroundings();
  const { runs } = comparison;
  const names = useMemo(() => labels(runs), [runs]);
  return (
    <div className="jp-KFRun-scroll">
      <div className="jp-KFRun-tableScroll">
        <table className="jp-KFRun-table jp-KFCompare-table">
          <thead>
            <tr>
              <td />
              {runs.map((run, i) => (
                <th key={run.id} scope="col">
                  <span className="jp-KFRun-dot" data-colour={i % COLOURS} />
                  <Button
                    kind="link"
                    label={names[i]}
                    title={run.id}
                    onClick={() => open({ run: run.id })}
                  />
                  {i === 0 && (
                    <span className="jp-KFRun-dim">
                      {' '}
                      {trans.__('reference')}
                    </span>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">{trans.__('State')}</th>
              {runs.map(run => (
                <td key={run.id}>
                  <StateLabel state={run.state} />
                </td>
              ))}
            </tr>
            <tr>
              <th scope="row">{trans.__('Made')}</th>
              {runs.map(run => (
                <td key={run.id} title={moment(run.created)}>
                  {ago(run.created, now, trans)}
                </td>
              ))}
            </tr>
            <tr>
              <th scope="row">{trans.__('Duration')}</th>
              {runs.map(run => (
                <td key={run.id}>
                  {duration(elapsed(run.started, run.finished, now))}
                </td>
              ))}
            </tr>
          </tbody>
          <Rows
            title={trans.__('Parameters')}
            rows={comparison.parameters}
            only={only}
            cell={said}
          />
          <Rows
            title={trans.__('Metrics')}
            rows={comparison.metrics}
            only={only}
            cell={(it, row) => <Metric value={it} row={row} />}
          />
          <Rows
            title={trans.__('Steps')}
            rows={comparison.steps}
            only={only}
            cell={it => <StepDone value={it} />}
          />
        </table>
      </div>
      <Curves comparison={comparison} names={names} beat={beat} />
      <Code comparison={comparison} names={names} />
      <div className="jp-KFRun-tableScroll">
        <table className="jp-KFRun-table jp-KFCompare-table">
          <Rows
            title={trans.__('Environment')}
            rows={comparison.environment}
            only={only}
            cell={said}
          />
        </table>
      </div>
    </div>
  );
}

function Rows(props: {
  title: string;
  rows: readonly Compared[];
  only: boolean;
  cell: (value: unknown, row: Compared) => ReactNode;
}): JSX.Element | null {
  const { title, rows, only, cell } = props;
  const { trans } = useSurroundings();
  const shown = differencesFirst(rows, only);
  // what is long and all the same is not in the way
  const [open, setOpen] = useState(
    rows.length <= LONG || rows.some(row => row.differs)
  );
  if (rows.length === 0) {
    return null;
  }
  const different = rows.filter(row => row.differs).length;
  return (
    <tbody>
      <tr className="jp-KFCompare-group">
        <th scope="rowgroup" colSpan={99}>
          <button
            type="button"
            className="jp-KFRun-disclose"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            {title}
          </button>{' '}
          <span className="jp-KFRun-dim">
            {different === 0
              ? trans.__('%1, all the same', rows.length)
              : trans.__('%1 of %2 differ', different, rows.length)}
          </span>
        </th>
      </tr>
      {open &&
        shown.map(row => (
          <tr key={row.name} data-differs={row.differs || undefined}>
            <th scope="row" title={row.name}>
              {row.name}
            </th>
            {row.values.map((it, i) => (
              <td key={i}>
                {it === null || it === undefined ? (
                  <span className="jp-KFRun-dim">–</span>
                ) : (
                  cell(it, row)
                )}
              </td>
            ))}
          </tr>
        ))}
    </tbody>
  );
}

/** A metric; a bar shows where it stands between the least and the greatest. */
function Metric({
  value,
  row
}: {
  value: unknown;
  row: Compared;
}): JSX.Element {
  const range = extremes(row.values);
  const share =
    range && typeof value === 'number'
      ? (100 * (value - range.low)) / (range.high - range.low)
      : null;
  return (
    <span className="jp-KFCompare-metric">
      {said(value)}
      {share !== null && (
        <span className="jp-KFCompare-share" aria-hidden="true">
          <span style={{ width: `${Math.max(3, share)}%` }} />
        </span>
      )}
    </span>
  );
}

function StepDone({ value }: { value: unknown }): JSX.Element {
  const { trans } = useSurroundings();
  const done = asStepDone(value);
  if (!done) {
    return <>{said(value)}</>;
  }
  return (
    <span>
      <Sign state={done.state as State} />{' '}
      {done.cached ? trans.__('from the cache') : duration(done.seconds)}
    </span>
  );
}

/** The curves of all runs laid over each other. */
function Curves(props: {
  comparison: Comparison;
  names: readonly string[];
  beat: number;
}): JSX.Element | null {
  const { comparison, names, beat } = props;
  const { client, trans } = useSurroundings();
  const { runs } = comparison;
  const loaded = useLoaded(
    `${runs.map(run => run.id).join(' ')} ${beat}`,
    signal =>
      Promise.all(
        runs.map(async ({ id }, i) => {
          const { curves } = await client.get(
            '/runs/{run}/metrics',
            { path: { run: id }, query: {} },
            signal
          );
          return { run: id, label: names[i], curves };
        })
      )
  );
  if (loaded.error) {
    return <Problem error={loaded.error} />;
  }
  const curved = loaded.value?.some(run =>
    run.curves.some(curve => curve.points.length > 1)
  );
  if (!loaded.value || !curved) {
    return null;
  }
  return (
    <section>
      <h3>{trans.__('Curves')}</h3>
      <MetricsView runs={loaded.value} going={false} />
    </section>
  );
}

function Code(props: {
  comparison: Comparison;
  names: readonly string[];
}): JSX.Element {
  const { comparison, names } = props;
  const { trans } = useSurroundings();
  const { runs, code } = comparison;
  const steps = byStep(code);
  const nameOf = (id: string) =>
    names[runs.findIndex(run => run.id === id)] ?? id;
  return (
    <section>
      <h3>{trans.__('Code')}</h3>
      {steps.length === 0 && (
        <Blank>{trans.__('The code of all steps is the same.')}</Blank>
      )}
      {steps.map(({ step, diffs }) =>
        diffs.map(({ run, diff }) => (
          <Diff
            key={`${step} ${run}`}
            title={
              runs.length > 2 ? trans.__('%1, in %2', step, nameOf(run)) : step
            }
            diff={diff}
          />
        ))
      )}
    </section>
  );
}

function Diff({ title, diff }: { title: string; diff: string }): JSX.Element {
  const { trans } = useSurroundings();
  const lines = useMemo(() => diffLines(diff), [diff]);
  const [added, removed] = counts(lines);
  return (
    <details className="jp-KFCompare-diff" open>
      <summary>
        {title}{' '}
        <span className="jp-KFRun-dim">
          {trans.__('+%1 −%2', added, removed)}
        </span>
      </summary>
      <div
        className="jp-KFRun-tableScroll"
        // what scrolls must be reachable by keyboard
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        role="region"
        aria-label={title}
      >
        <table>
          <tbody>
            {lines
              .filter(line => line.kind !== 'file')
              .map((line, i) => (
                <tr key={i} data-kind={line.kind}>
                  <td className="jp-mod-number">{line.before}</td>
                  <td className="jp-mod-number">{line.after}</td>
                  <td
                    aria-label={
                      line.kind === 'added'
                        ? trans.__('added')
                        : line.kind === 'removed'
                          ? trans.__('removed')
                          : undefined
                    }
                  >
                    {line.kind === 'added'
                      ? '+'
                      : line.kind === 'removed'
                        ? '−'
                        : ''}
                  </td>
                  <td>
                    <pre>{line.text}</pre>
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
