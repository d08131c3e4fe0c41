/** Rows of the list: an experiment's heading, a run. */

import type { TranslationBundle } from '@jupyterlab/translation';
import {
  caretDownIcon,
  caretRightIcon,
  ellipsesIcon,
  refreshIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import React, { memo } from 'react';

import { isFinal } from '../api/store';
import type { Run } from '../api/types';
import {
  ago,
  duration,
  elapsed,
  moment,
  SIGNS,
  stateWord,
  value
} from '../words';
import { useNow } from './clock';
import {
  abilities,
  failedStep,
  kindWord,
  metricWord,
  notebookWord,
  situation
} from './words';

/** What rows tell the list. */
export interface IRowActions {
  open(run: string): void;
  openFailed(run: Run): void;
  /** `range`: from the row that was chosen before. */
  choose(run: string, range: boolean): void;
  cancel(run: string): void;
  resume(run: string): void;
  /** A menu opens for this run. */
  aim(run: string): void;
  focus(key: string): void;
  fold(experiment: string): void;
}

interface IGroupRowProps {
  experiment: string;
  /** How many runs are in the group, as far as they are loaded. */
  count: string;
  folded: boolean;
  rowKey: string;
  current: boolean;
  actions: IRowActions;
}

export const GroupRow = memo(function GroupRow(props: IGroupRowProps) {
  const { experiment, count, folded, rowKey, current, actions } = props;
  const Caret = folded ? caretRightIcon : caretDownIcon;
  return (
    // keys are heard by the treegrid, for all rows
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="row"
      aria-level={1}
      aria-expanded={!folded}
      className="jp-KFRuns-group"
      data-key={rowKey}
      tabIndex={current ? 0 : -1}
      onClick={() => actions.fold(experiment)}
      onFocus={() => actions.focus(rowKey)}
    >
      <span role="gridcell" className="jp-KFRuns-groupName" title={experiment}>
        <Caret.react tag="span" width="14px" aria-hidden="true" />
        <span>{experiment}</span>
      </span>
      <span role="gridcell" className="jp-KFRuns-count">
        {count}
      </span>
    </div>
  );
});

interface IRunRowProps {
  run: Run;
  chosen: boolean;
  current: boolean;
  /** Whether the list mixes notebooks, so that the row names its own. */
  named: boolean;
  actions: IRowActions;
  trans: TranslationBundle;
}

export const RunRow = memo(function RunRow(props: IRunRowProps) {
  const { run, chosen, current, named, actions, trans } = props;
  const can = abilities(run);
  const failed = run.state === 'FAILED' ? failedStep(run) : '';
  const where = situation(run, trans);
  const metric = metricWord(run);
  const notebook = named ? notebookWord(run) : '';
  return (
    // keys are heard by the treegrid, for all rows
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="row"
      aria-level={2}
      aria-selected={chosen}
      className="jp-KFRuns-run"
      data-key={run.id}
      data-run={run.id}
      data-state={run.state}
      tabIndex={current ? 0 : -1}
      title={tooltip(run, trans)}
      onClick={event => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) {
          actions.choose(run.id, event.shiftKey);
        } else {
          actions.open(run.id);
        }
      }}
      onContextMenu={() => actions.aim(run.id)}
      onFocus={() => actions.focus(run.id)}
    >
      <span role="gridcell" className="jp-KFRuns-check">
        <input
          type="checkbox"
          tabIndex={-1}
          checked={chosen}
          aria-label={trans.__('Choose %1', run.name)}
          onClick={event => {
            event.stopPropagation();
            actions.choose(run.id, event.shiftKey);
          }}
          readOnly
        />
        <StateSign run={run} trans={trans} />
      </span>
      <span role="gridcell" className="jp-KFRuns-body">
        <span className="jp-KFRuns-name">{run.name}</span>
        <span className="jp-KFRuns-line">
          {failed ? (
            <button
              type="button"
              tabIndex={-1}
              className="jp-KFRuns-failed"
              title={run.error?.message ?? ''}
              onClick={event => {
                event.stopPropagation();
                actions.openFailed(run);
              }}
            >
              {where}
            </button>
          ) : (
            where && <span className="jp-KFRuns-where">{where}</span>
          )}
          <Times run={run} trans={trans} />
          {notebook && <span className="jp-KFRuns-notebook">{notebook}</span>}
          {metric && <span className="jp-KFRuns-metric">{metric}</span>}
          {run.kind !== 'pipeline' && <span>{kindWord(run, trans)}</span>}
        </span>
        {!isFinal(run) && <Bar run={run} trans={trans} />}
      </span>
      <span role="gridcell" className="jp-KFRuns-actions">
        {can.cancel && (
          <RowButton
            label={trans.__('Cancel %1', run.name)}
            onClick={() => actions.cancel(run.id)}
          >
            <stopIcon.react tag="span" width="14px" />
          </RowButton>
        )}
        {can.resume && (
          <RowButton
            label={trans.__('Resume %1', run.name)}
            onClick={() => actions.resume(run.id)}
          >
            <refreshIcon.react tag="span" width="14px" />
          </RowButton>
        )}
        <RowButton
          label={trans.__('More for %1', run.name)}
          onClick={target => {
            // Lab's own context menu, as for the right mouse button
            const { left, bottom } = target.getBoundingClientRect();
            const place = { clientX: left, clientY: bottom };
            target.dispatchEvent(
              new MouseEvent('contextmenu', {
                bubbles: true,
                cancelable: true,
                ...place
              })
            );
          }}
        >
          <ellipsesIcon.react tag="span" width="14px" />
        </RowButton>
      </span>
    </div>
  );
});

function RowButton(props: {
  label: string;
  onClick: (target: HTMLElement) => void;
  children: React.ReactNode;
}) {
  return (
    <button
      type="button"
      tabIndex={-1}
      className="jp-KFRuns-button"
      title={props.label}
      aria-label={props.label}
      onClick={event => {
        event.stopPropagation();
        props.onClick(event.currentTarget);
      }}
    >
      {props.children}
    </button>
  );
}

function StateSign({ run, trans }: { run: Run; trans: TranslationBundle }) {
  return (
    <span
      className="jp-KFRuns-state"
      role="img"
      aria-label={stateWord(run.state, trans)}
    >
      {run.state === 'RUNNING' || run.state === 'CANCELING'
        ? null
        : SIGNS[run.state]}
    </span>
  );
}

/** How far an unfinished run is. */
function Bar({ run, trans }: { run: Run; trans: TranslationBundle }) {
  const { done, total } = run.progress;
  return (
    <span
      className="jp-KFRuns-bar"
      role="progressbar"
      aria-label={trans.__('Progress of %1', run.name)}
      aria-valuemin={0}
      aria-valuemax={total || 1}
      aria-valuenow={done}
    >
      <span style={{ width: `${total ? (100 * done) / total : 0}%` }} />
    </span>
  );
}

/** How long a run took and how long ago it was made. */
function Times({ run, trans }: { run: Run; trans: TranslationBundle }) {
  const now = useNow(!isFinal(run));
  const took = elapsed(run.started, run.finished, now);
  return (
    <>
      {took !== null && (
        <span className="jp-KFRuns-took">{duration(took)}</span>
      )}
      <time dateTime={run.created ?? undefined} title={moment(run.created)}>
        {ago(run.created, now, trans)}
      </time>
    </>
  );
}

/** Everything that a row leaves out. */
function tooltip(run: Run, trans: TranslationBundle): string {
  const lines = [
    `${run.name} (${run.id})`,
    run.notebook,
    trans.__('Made %1', moment(run.created))
  ];
  if (run.finished) {
    lines.push(trans.__('Over %1', moment(run.finished)));
  }
  if (run.resumes > 0) {
    lines.push(trans._n('Resumed once', 'Resumed %1 times', run.resumes));
  }
  const pairs = [run.parameters, run.metrics].flatMap(Object.entries);
  lines.push(
    ...pairs.slice(0, 12).map(([name, it]) => `${name} = ${value(it)}`)
  );
  if (run.error) {
    lines.push(`${run.error.code}: ${run.error.message}`);
  }
  if (run.note) {
    lines.push(run.note);
  }
  return lines.filter(Boolean).join('\n');
}
