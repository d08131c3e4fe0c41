/** The line above a marked cell: what it is, how its step went, what is wrong; with what comes in and goes out beside it. */

import * as React from 'react';
import { createPortal } from 'react-dom';

import { counts, worst } from '../diagnostics/model';
import { useNow } from '../runs/clock';
import {
  SIGNS,
  duration,
  elapsed,
  isGoing,
  moment,
  stateWord,
  type ITranslate
} from '../words';
import type { Role } from './marks';
import type { ICellView, IFlow, IStepRun } from './view';

/** What a badge lets one do. */
export interface IBadgeActions {
  /** Show what the cell can be, below an element. */
  openMenu(cell: string, anchor: HTMLElement): void;
  openRun(run: string, step: string): void;
  showProblems(cell: string): void;
}

interface IBadgeProps {
  view: ICellView;
  /** Which of the steps' colours. */
  hue: number;
  actions: IBadgeActions;
  trans: ITranslate;
}

/** How many colours steps have, in `cells.css`. */
export const HUES = 8;

export function Badge(props: IBadgeProps): JSX.Element {
  const { view, hue, actions, trans } = props;
  return (
    <div
      className="jp-KFBadge"
      data-role={view.role ?? 'none'}
      data-hue={view.role === 'step' ? hue : undefined}
      role="group"
      aria-label={trans.__('Pipeline: %1', roleText(view, trans))}
    >
      {view.role && <Name {...props} />}
      {view.run && view.leads && (
        <StepState
          run={view.run}
          trans={trans}
          onOpen={() => view.run && actions.openRun(view.run.run, view.step)}
        />
      )}
      {view.problems.length > 0 && (
        <ProblemCount view={view} actions={actions} trans={trans} />
      )}
    </div>
  );
}

function ProblemCount(props: Omit<IBadgeProps, 'hue'>): JSX.Element {
  const { view, actions, trans } = props;
  return (
    <button
      type="button"
      className="jp-KFBadge-problems"
      data-severity={worst(view.problems) ?? undefined}
      title={view.problems.map(each => each.message).join('\n')}
      onClick={() => actions.showProblems(view.id)}
    >
      <span aria-hidden="true">⚠</span> {countText(view, trans)}
    </button>
  );
}

/** `1 error, 2 warnings`. */
function countText(view: ICellView, trans: ITranslate): string {
  const { error, warning, info } = counts(view.problems);
  const words: string[] = [];
  if (error) {
    words.push(
      error === 1 ? trans.__('1 error') : trans.__('%1 errors', error)
    );
  }
  if (warning) {
    words.push(
      warning === 1 ? trans.__('1 warning') : trans.__('%1 warnings', warning)
    );
  }
  if (info) {
    words.push(info === 1 ? trans.__('1 note') : trans.__('%1 notes', info));
  }
  return words.join(', ');
}

function StepState(props: {
  run: IStepRun;
  trans: ITranslate;
  onOpen: () => void;
}): JSX.Element {
  const { run, trans, onOpen } = props;
  const now = useNow(isGoing(run.state));
  const seconds = run.seconds ?? elapsed(run.started, run.finished, now);
  const word = run.cached
    ? trans.__('from the cache')
    : stateWord(run.state, trans);
  const time = run.cached ? '' : duration(seconds);
  const said = trans.__(
    'In the last run, %1. Open it.',
    moment(run.finished ?? run.started) || word
  );
  return (
    <button
      type="button"
      className="jp-KFBadge-state"
      data-state={run.state}
      title={[said, run.error].filter(Boolean).join('\n')}
      onClick={onOpen}
    >
      <span aria-hidden="true">{SIGNS[run.state]}</span> {word} {time}
    </button>
  );
}

/** What the cell is, as the button of its menu; what a step takes and gives shows while it is hovered or has the focus. */
function Name({ view, actions, trans }: IBadgeProps): JSX.Element {
  const [anchor, setAnchor] = React.useState<DOMRect | null>(null);
  const card = React.useId();
  const isStep = view.role === 'step';
  const show = (event: React.SyntheticEvent<HTMLElement>) =>
    setAnchor(event.currentTarget.getBoundingClientRect());
  const hide = () => setAnchor(null);
  return (
    <>
      <button
        type="button"
        className="jp-KFBadge-name"
        aria-haspopup="menu"
        aria-describedby={card}
        onClick={event => {
          hide();
          actions.openMenu(view.id, event.currentTarget);
        }}
        onMouseEnter={show}
        onMouseLeave={hide}
        onFocus={show}
        onBlur={hide}
        onKeyDown={event => {
          if (event.key === 'Escape' && anchor) {
            event.stopPropagation();
            hide();
          }
        }}
      >
        <span className="jp-KFBadge-dot" aria-hidden="true" />
        {isStep ? view.step : roleText(view, trans)}
      </button>
      <span id={card} hidden>
        {flowText(view, trans)}
      </span>
      {anchor &&
        createPortal(
          <div
            className="jp-KFBadge-card"
            role="tooltip"
            style={{ left: anchor.left, top: anchor.bottom + 4 }}
          >
            {isStep && <Card view={view} trans={trans} />}
            <p className="jp-KFBadge-by">{byText(view, trans)}</p>
          </div>,
          document.body
        )}
    </>
  );
}

/** What comes in and goes out, as one sentence to be read out. */
function flowText(view: ICellView, trans: ITranslate): string {
  const names = (flows: readonly IFlow[]) =>
    flows.map(each => each.name).join(', ');
  const words: string[] = [];
  if (view.incoming.length > 0) {
    words.push(trans.__('takes %1', names(view.incoming)));
  }
  if (view.outgoing.length > 0) {
    words.push(trans.__('gives %1', names(view.outgoing)));
  }
  if (view.after.length > 0) {
    words.push(trans.__('runs after %1', view.after.join(', ')));
  }
  return words.join('; ');
}

/** What comes in and goes out. */
function Card({
  view,
  trans
}: Pick<IBadgeProps, 'view' | 'trans'>): JSX.Element {
  const { incoming, outgoing, after } = view;
  return (
    <>
      <Flows title={trans.__('Takes')} sign="←" flows={incoming} />
      <Flows title={trans.__('Gives')} sign="→" flows={outgoing} />
      {after.length > 0 && <p>{trans.__('Runs after %1', after.join(', '))}</p>}
      {incoming.length + outgoing.length + after.length === 0 && (
        <p>
          {trans.__('Takes nothing from other steps and gives nothing on.')}
        </p>
      )}
    </>
  );
}

/** More than these are only counted. */
const MANY = 12;

function Flows(props: {
  title: string;
  sign: string;
  flows: readonly IFlow[];
}): JSX.Element | null {
  const { title, sign, flows } = props;
  if (flows.length === 0) {
    return null;
  }
  return (
    <dl>
      <dt>{title}</dt>
      {flows.slice(0, MANY).map(flow => (
        <dd key={flow.name}>
          <code>{flow.name}</code> <span aria-hidden="true">{sign}</span>{' '}
          {flow.steps.join(', ')}
        </dd>
      ))}
      {flows.length > MANY && <dd>… +{flows.length - MANY}</dd>}
    </dl>
  );
}

/** A role in words. */
export function roleWord(role: Role, trans: ITranslate): string {
  switch (role) {
    case 'step':
      return trans.__('step');
    case 'params':
      return trans.__('parameters');
    case 'setup':
      return trans.__('set-up');
    case 'skip':
      return trans.__('skipped');
    case 'broken':
      return trans.__('not understood');
    case 'imports':
      return trans.__('imports');
    case 'functions':
      return trans.__('functions');
    case 'metrics':
      return trans.__('metrics');
  }
}

function roleText(view: ICellView, trans: ITranslate): string {
  if (view.role === null) {
    return trans.__('not marked');
  }
  const word = roleWord(view.role, trans);
  return view.role === 'step' ? `${word} ${view.step}` : word;
}

function byText(view: ICellView, trans: ITranslate): string {
  switch (view.by) {
    case 'tag':
      return trans.__('Marked by a tag. Click to change it.');
    case 'above':
      return trans.__('Belongs to the cell above, as Kale has it.');
    case 'papermill':
      return trans.__('The tag “parameters” makes it the parameters cell.');
    default:
      return trans.__('Marked by its first line. Click to change it.');
  }
}
