/** Small parts that the views of runs are made of. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, {
  useId,
  useRef,
  type KeyboardEvent,
  type ReactNode
} from 'react';

import type { ApiError } from '../api/errors';
import type { ErrorBody } from '../api/types';
import { SIGNS, stateWord } from '../words';
import { useSurroundings } from './context';
import type { StepState } from './steps';

export function stepWord(state: StepState, trans: TranslationBundle): string {
  return state === 'NONE' ? trans.__('not begun') : stateWord(state, trans);
}

/** A state's sign in its colour; a ring that turns while something goes on. */
export function Sign({ state }: { state: StepState }): JSX.Element {
  const turning = state === 'RUNNING' || state === 'CANCELING';
  return (
    <span className="jp-KFRun-sign" data-state={state} aria-hidden="true">
      {turning || state === 'NONE' ? '' : SIGNS[state]}
    </span>
  );
}

export function StateLabel(props: {
  state: StepState;
  children?: ReactNode;
}): JSX.Element {
  const { trans } = useSurroundings();
  return (
    <span className="jp-KFRun-state" data-state={props.state}>
      <Sign state={props.state} />
      <span>{stepWord(props.state, trans)}</span>
      {props.children}
    </span>
  );
}

export function Loading(): JSX.Element {
  const { trans } = useSurroundings();
  return (
    <div className="jp-KFRun-blank" role="status">
      <span className="jp-KFRun-sign" data-state="RUNNING" aria-hidden="true" />
      {trans.__('Loading…')}
    </div>
  );
}

export function Blank({ children }: { children: ReactNode }): JSX.Element {
  return <div className="jp-KFRun-blank">{children}</div>;
}

/** Why something cannot be shown, with what to do about it. */
export function Problem(props: {
  error: ApiError;
  onRetry?: () => void;
}): JSX.Element {
  const { trans } = useSurroundings();
  const { error, onRetry } = props;
  return (
    <div className="jp-KFRun-problem" role="alert">
      <div>
        {error.code && <b>{error.code} </b>}
        {error.message}
      </div>
      {error.fix && <div className="jp-KFRun-dim">{error.fix}</div>}
      {onRetry && <Button onClick={onRetry} label={trans.__('Try again')} />}
    </div>
  );
}

/** The error that a run or an execution ended with. */
export function Failure(props: {
  error: ErrorBody;
  /** The notebook, as the contents API names it; null where Lab cannot open it. */
  path: string | null;
}): JSX.Element {
  const { trans, openCell } = useSurroundings();
  const { error, path } = props;
  const { cell, cell_index: index, line } = error;
  const known = cell !== null && cell !== undefined;
  return (
    <section
      className="jp-KFRun-failure"
      aria-label={trans.__('What went wrong')}
    >
      <div className="jp-KFRun-failureMessage">
        <b>{error.code}</b> {error.message}
      </div>
      {error.quote && <pre>{error.quote}</pre>}
      {error.fix && <div className="jp-KFRun-dim">{error.fix}</div>}
      {path !== null && (known || typeof index === 'number') && (
        <Button
          label={
            line
              ? trans.__('Go to the cell, line %1', line)
              : trans.__('Go to the cell')
          }
          onClick={() => openCell({ path, cell: cell ?? null, index, line })}
        />
      )}
    </section>
  );
}

export function Button(props: {
  label: string;
  onClick: () => void;
  title?: string;
  kind?: 'plain' | 'accept' | 'warn' | 'link';
  disabled?: boolean;
  pressed?: boolean;
  children?: ReactNode;
}): JSX.Element {
  const { label, onClick, title, kind = 'plain', children } = props;
  return (
    <button
      type="button"
      className={`jp-KFRun-button jp-mod-${kind}`}
      title={title}
      aria-label={children ? label : undefined}
      aria-pressed={props.pressed}
      disabled={props.disabled}
      onClick={onClick}
    >
      {children ?? label}
    </button>
  );
}

export interface ITab {
  readonly id: string;
  readonly label: string;
  /** Something short beside the label, such as a number. */
  readonly note?: string;
}

/** Tabs and the panel of the chosen one; arrow keys go from tab to tab (WAI-ARIA's pattern). */
export function Tabs(props: {
  label: string;
  tabs: readonly ITab[];
  chosen: string;
  onChoose: (id: string) => void;
  children: ReactNode;
}): JSX.Element {
  const { label, tabs, chosen, onChoose, children } = props;
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex(tab => tab.id === chosen);
    const next = {
      ArrowRight: (at + 1) % tabs.length,
      ArrowLeft: (at + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      onChoose(tabs[next].id);
      list.current
        ?.querySelectorAll<HTMLElement>('[role="tab"]')
        [next]?.focus();
    }
  };
  return (
    <div className="jp-KFRun-tabs">
      <div
        ref={list}
        role="tablist"
        tabIndex={-1}
        aria-label={label}
        className="jp-KFRun-tabList"
        onKeyDown={onKeyDown}
      >
        {tabs.map(tab => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${id}-${tab.id}`}
            aria-selected={tab.id === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={tab.id === chosen ? 0 : -1}
            onClick={() => onChoose(tab.id)}
          >
            {tab.label}
            {tab.note && <span className="jp-KFRun-tabNote">{tab.note}</span>}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${chosen}`}
        className="jp-KFRun-tabPanel"
      >
        {children}
      </div>
    </div>
  );
}
