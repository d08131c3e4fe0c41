/** The sidebar's section of runs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import {
  closeIcon,
  filterIcon,
  refreshIcon,
  searchIcon
} from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import React, { useEffect, useMemo, useReducer, useRef, useState } from 'react';

import type { ApiError } from '../api/errors';
import type { Live } from '../api/live';
import { runPipelineIcon } from '../icons';
import type { RunsPanelModel } from './panelModel';
import { STATES, type RunList, type StateChoice } from './model';
import { GroupRow, RunRow, type IRowActions } from './row';
import { moved, type IRow } from './selection';

/** Rows that PageUp and PageDown pass over. */
const PAGE_ROWS = 10;
/** How long the search waits for the next letter, in milliseconds. */
const TYPING = 250;

interface IRunsViewProps {
  model: RunsPanelModel;
  list: RunList;
  live: Live;
  actions: IRowActions;
  /** Ask for parameters and run the open notebook. */
  onRun: () => void;
  onCompare: () => void;
  onDelete: () => void;
  trans: TranslationBundle;
}

export function RunsView(props: IRunsViewProps): JSX.Element {
  const { model, list, live, trans } = props;
  useSignals(model.changed, list.changed, live.changed);
  const rows = model.rows;
  const chosen = model.selection.chosen;
  return (
    <div className="jp-KFRuns">
      <Head {...props} />
      <Problems {...props} />
      <Body {...props} rows={rows} />
      {chosen.size > 0 && (
        <div className="jp-KFRuns-chosen" role="toolbar">
          <span aria-live="polite">{trans.__('%1 chosen', chosen.size)}</span>
          <button
            type="button"
            className="jp-KFRuns-text"
            disabled={chosen.size < 2 || chosen.size > 12}
            title={
              chosen.size < 2
                ? trans.__('Choose two or more runs')
                : chosen.size > 12
                  ? trans.__('Choose at most twelve runs')
                  : ''
            }
            onClick={props.onCompare}
          >
            {trans.__('Compare')}
          </button>
          <button
            type="button"
            className="jp-KFRuns-text"
            onClick={props.onDelete}
          >
            {trans.__('Delete…')}
          </button>
          <IconButton
            label={trans.__('Choose none')}
            onClick={() => model.choose([])}
          >
            <closeIcon.react tag="span" width="14px" />
          </IconButton>
        </div>
      )}
    </div>
  );
}

/** What is shown and how to start a run. */
function Head(props: IRunsViewProps): JSX.Element {
  const { model, list, trans } = props;
  const [search, setSearch] = useTyped(list.query.search, search => {
    void list.select({ search });
  });
  const [filter, setFilter] = useTyped(list.query.filter, filter => {
    void list.select({ filter });
  });
  const [filtering, setFiltering] = useState(list.query.filter !== '');
  const notebook = model.notebook;
  const stateWords: Record<StateChoice, string> = {
    all: trans.__('All states'),
    active: trans.__('Not over'),
    failed: trans.__('Failed'),
    succeeded: trans.__('Succeeded'),
    canceled: trans.__('Cancelled')
  };
  return (
    <div className="jp-KFRuns-head">
      <div className="jp-KFRuns-start">
        <button
          type="button"
          className="jp-KFRuns-run-notebook"
          disabled={notebook === null}
          title={
            notebook === null
              ? trans.__('Open a notebook to run it as a pipeline')
              : trans.__('Run %1 as a pipeline', notebook)
          }
          onClick={props.onRun}
        >
          <runPipelineIcon.react tag="span" width="16px" />
          <span>{trans.__('Run notebook…')}</span>
        </button>
        <IconButton
          label={trans.__('Filter by an expression')}
          pressed={filtering}
          onClick={() => {
            if (filtering) {
              setFilter('');
            }
            setFiltering(!filtering);
          }}
        >
          <filterIcon.react tag="span" width="16px" />
        </IconButton>
        <IconButton
          label={trans.__('Refresh')}
          onClick={() => void list.refresh()}
        >
          <refreshIcon.react tag="span" width="16px" />
        </IconButton>
      </div>
      <div
        className="jp-KFRuns-scope"
        role="group"
        aria-label={trans.__('Whose runs')}
      >
        <button
          type="button"
          aria-pressed={model.ofNotebook}
          onClick={() => model.setScope(true)}
        >
          {trans.__('This notebook')}
        </button>
        <button
          type="button"
          aria-pressed={!model.ofNotebook}
          onClick={() => model.setScope(false)}
        >
          {trans.__('All')}
        </button>
      </div>
      <div className="jp-KFRuns-search">
        <span className="jp-KFRuns-input">
          <searchIcon.react tag="span" width="14px" aria-hidden="true" />
          <input
            type="search"
            value={search}
            placeholder={trans.__('Search name, tag, note, id')}
            aria-label={trans.__('Search runs')}
            onChange={event => setSearch(event.target.value)}
          />
        </span>
        <select
          aria-label={trans.__('States')}
          value={list.query.states}
          onChange={event => {
            const states = event.target.value as StateChoice;
            void list.select({ states });
          }}
        >
          {Object.keys(STATES).map(choice => (
            <option key={choice} value={choice}>
              {stateWords[choice as StateChoice]}
            </option>
          ))}
        </select>
      </div>
      {filtering && (
        <div className="jp-KFRuns-filter">
          <input
            type="text"
            className={list.filterIsWrong ? 'jp-mod-wrong' : ''}
            value={filter}
            spellCheck={false}
            placeholder='metrics.acc > 0.9 and tags.team = "a"'
            aria-label={trans.__('Filter')}
            aria-invalid={list.filterIsWrong}
            aria-describedby="jp-KFRuns-filter-error"
            onChange={event => setFilter(event.target.value)}
          />
          <span id="jp-KFRuns-filter-error" role="alert">
            {list.filterIsWrong && list.error && errorText(list.error)}
          </span>
        </div>
      )}
    </div>
  );
}

/** What keeps the list from being what it should be. */
function Problems({ list, live, trans }: IRunsViewProps): JSX.Element | null {
  const failed = list.filterIsWrong ? null : list.error;
  const error = failed ?? live.error;
  if (error === null) {
    return null;
  }
  const stale = list.runs.length > 0;
  return (
    <div className="jp-KFRuns-problem" role="alert">
      <span>
        {errorText(error)}
        {stale && ` ${trans.__('Shown is what was known before.')}`}
      </span>
      <button
        type="button"
        className="jp-KFRuns-text"
        onClick={() => {
          void live.refresh();
          void list.refresh();
        }}
      >
        {trans.__('Try again')}
      </button>
    </div>
  );
}

function Body(
  props: IRunsViewProps & { rows: readonly IRow[] }
): JSX.Element | null {
  const { model, list, actions, rows, trans } = props;
  const grid = useRef<HTMLDivElement>(null);
  const { selection } = model;
  const current = rows.some(row => row.key === selection.current)
    ? selection.current
    : (rows[0]?.key ?? null);

  const focusRow = (key: string) => {
    model.setCurrent(key);
    grid.current
      ?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)
      ?.focus();
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const row = rows.find(one => one.key === current);
    if (!row || !(event.target as HTMLElement).matches('[role="row"]')) {
      return;
    }
    const target = moved(rows, row.key, event.key, PAGE_ROWS);
    if (target !== null) {
      focusRow(target);
      const run = rows.find(one => one.key === target)?.run;
      if (event.shiftKey && run) {
        if (selection.anchor === null && row.run) {
          actions.choose(row.run, false);
        }
        actions.choose(run, true);
      }
    } else if (row.run === null) {
      const folded = model.isFolded(row.key);
      const fold =
        event.key === 'Enter' ||
        event.key === ' ' ||
        event.key === (folded ? 'ArrowRight' : 'ArrowLeft');
      if (!fold) {
        return;
      }
      model.fold(row.key);
    } else if (event.key === 'Enter') {
      actions.open(row.run);
    } else if (event.key === ' ') {
      actions.choose(row.run, event.shiftKey);
    } else if (event.key === 'ArrowLeft') {
      const at = rows.indexOf(row);
      const head = rows
        .slice(0, at)
        .reverse()
        .find(one => one.run === null);
      if (head) {
        focusRow(head.key);
      }
    } else if (event.key === 'Delete') {
      if (!selection.chosen.has(row.run)) {
        model.choose([row.run]);
      }
      props.onDelete();
    } else if (event.key === 'Escape' && selection.chosen.size > 0) {
      model.choose([]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  if (rows.length === 0) {
    return <Empty {...props} />;
  }
  const runs = new Map(list.runs.map(run => [run.id, run]));
  return (
    <div
      className="jp-KFRuns-list"
      aria-busy={list.phase === 'loading' || list.phase === 'more'}
    >
      <div
        ref={grid}
        role="treegrid"
        tabIndex={-1}
        aria-label={trans.__('Runs')}
        aria-multiselectable="true"
        onKeyDown={onKeyDown}
      >
        {rows.map(row => {
          const run = row.run === null ? undefined : runs.get(row.run);
          return run ? (
            <RunRow
              key={row.key}
              run={run}
              chosen={selection.chosen.has(run.id)}
              current={row.key === current}
              named={!model.ofNotebook}
              actions={actions}
              trans={trans}
            />
          ) : (
            <GroupRow
              key={row.key}
              rowKey={row.key}
              experiment={model.experimentOf(row.key)}
              count={`${model.countOf(row.key)}${list.hasMore ? '+' : ''}`}
              folded={model.isFolded(row.key)}
              current={row.key === current}
              actions={actions}
            />
          );
        })}
      </div>
      <More list={list} trans={trans} />
    </div>
  );
}

/** Loads the next page when it comes into sight. */
function More({
  list,
  trans
}: {
  list: RunList;
  trans: TranslationBundle;
}): JSX.Element | null {
  const button = useRef<HTMLButtonElement>(null);
  const { hasMore } = list;
  useEffect(() => {
    const node = button.current;
    if (!node) {
      return;
    }
    const observer = new IntersectionObserver(entries => {
      if (entries.some(entry => entry.isIntersecting)) {
        void list.loadMore();
      }
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [list, hasMore]);
  if (!hasMore) {
    return null;
  }
  return (
    <button
      ref={button}
      type="button"
      className="jp-KFRuns-more"
      disabled={list.phase === 'more'}
      onClick={() => void list.loadMore()}
    >
      {list.phase === 'more'
        ? trans.__('Loading…')
        : trans.__('%1 of %2 shown: more', list.runs.length, list.total)}
    </button>
  );
}

/** What stands where there are no rows. */
function Empty({ model, list, trans }: IRunsViewProps): JSX.Element {
  if (list.phase === 'idle' || list.phase === 'loading') {
    return (
      <div className="jp-KFRuns-empty" role="status">
        {trans.__('Loading runs…')}
      </div>
    );
  }
  if (list.error) {
    return <div className="jp-KFRuns-empty" />;
  }
  const { search, filter, states } = list.query;
  const narrowed = search !== '' || filter !== '' || states !== 'all';
  if (narrowed) {
    return (
      <div className="jp-KFRuns-empty" role="status">
        <p>{trans.__('No run is like that.')}</p>
        <button
          type="button"
          className="jp-KFRuns-text"
          onClick={() => {
            void list.select({ search: '', filter: '', states: 'all' });
          }}
        >
          {trans.__('Show all states, without search and filter')}
        </button>
      </div>
    );
  }
  return (
    <div className="jp-KFRuns-empty" role="status">
      <p>
        {model.ofNotebook && model.notebook !== null
          ? trans.__('This notebook has no runs yet.')
          : trans.__('There are no runs yet.')}
      </p>
      <p>
        {trans.__(
          'Mark cells with “%1”, then run the notebook: each marked cell becomes a step in a process of its own.',
          '%%kubeflow step NAME'
        )}
      </p>
    </div>
  );
}

function IconButton(props: {
  label: string;
  pressed?: boolean;
  onClick: () => void;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-KFRuns-button"
      title={props.label}
      aria-label={props.label}
      aria-pressed={props.pressed}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

function errorText(error: ApiError): string {
  return [error.message, error.fix].filter(Boolean).join(' ');
}

/** Draw again whenever one of the signals is emitted. */
function useSignals(...signals: ISignal<unknown, void>[]): void {
  const [, refresh] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = () => refresh();
    signals.forEach(signal => signal.connect(slot));
    return () => signals.forEach(signal => signal.disconnect(slot));
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, signals);
}

/** A text that is handed on when the typing pauses, and follows when it is changed from elsewhere. */
function useTyped(
  settled: string,
  settle: (text: string) => void
): [string, (text: string) => void] {
  const [text, setText] = useState(settled);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const latest = useRef(settle);
  latest.current = settle;
  useEffect(() => {
    setText(settled);
  }, [settled]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = useMemo(
    () => (typed: string) => {
      setText(typed);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => latest.current(typed), TYPING);
    },
    []
  );
  return [text, type];
}
