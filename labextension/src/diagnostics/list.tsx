/** The list of what was found in a notebook: where, what, why, and what to do. */

import * as React from 'react';

import type { ApiError } from '../api/errors';
import type { Diagnostic } from '../api/types';
import type { ITranslate } from '../words';
import type { IProblem } from './model';
import type { IProblemActions } from './tokens';

export interface IProblemListProps {
  /** The notebook's name; null where none is open. */
  notebook: string | null;
  /** Whether the notebook has any mark, so that it is checked. */
  isMarked: boolean;
  /** Null while the first answer is to come. */
  problems: readonly IProblem[] | null;
  error: ApiError | null;
  /** The finding that was shown last. */
  current: string | null;
  actions: IProblemActions;
  trans: ITranslate;
}

export function ProblemList(props: IProblemListProps): JSX.Element {
  const { problems, error, current, actions, trans } = props;
  const said = emptyText(props);
  return (
    <div className="jp-KFProblems-content">
      {error && (
        <div className="jp-KFProblems-error" role="alert">
          {error.message} {error.fix}
        </div>
      )}
      {said !== null && (
        <div className="jp-KFProblems-empty" role="status">
          {said}
        </div>
      )}
      <ul aria-label={trans.__('Problems')}>
        {(problems ?? []).map(problem => (
          <Problem
            key={problem.key}
            problem={problem}
            isCurrent={problem.key === current}
            actions={actions}
            trans={trans}
          />
        ))}
      </ul>
    </div>
  );
}

/** What is said in the place of a list. */
function emptyText(props: IProblemListProps): string | null {
  const { notebook, isMarked, problems, error, trans } = props;
  if (notebook === null) {
    return trans.__('Open a notebook to see what is found in it.');
  }
  if (!isMarked) {
    return trans.__(
      'No cell of this notebook is marked. Make one a step: by its toolbar, or with “%1” as its first line.',
      '%%kubeflow step NAME'
    );
  }
  if (problems === null) {
    return error ? null : trans.__('Looking at the notebook…');
  }
  return problems.length === 0
    ? trans.__('Nothing is wrong with this notebook.')
    : null;
}

function Problem(props: {
  problem: IProblem;
  isCurrent: boolean;
  actions: IProblemActions;
  trans: ITranslate;
}): JSX.Element {
  const { problem, isCurrent, actions, trans } = props;
  const item = React.useRef<HTMLLIElement>(null);
  React.useEffect(() => {
    if (isCurrent) {
      item.current?.scrollIntoView({ block: 'nearest' });
    }
  }, [isCurrent]);
  return (
    <li
      ref={item}
      className="jp-KFProblem"
      data-severity={problem.severity}
      aria-current={isCurrent || undefined}
    >
      <button
        type="button"
        className="jp-KFProblem-message"
        onClick={() => void actions.reveal(problem)}
      >
        <span className="jp-KFProblem-severity">
          {severityWord(problem.severity, trans)}
        </span>{' '}
        <Prose text={problem.message} />
        <span className="jp-KFProblem-place">{placeText(problem, trans)}</span>
      </button>
      {problem.fix && (
        <p className="jp-KFProblem-fix">
          <Prose text={problem.fix} />
        </p>
      )}
      <div className="jp-KFProblem-foot">
        {problem.edit && (
          <button
            type="button"
            className="jp-KFProblem-apply"
            title={editText(problem, trans)}
            onClick={() => void actions.fix(problem)}
          >
            {trans.__('Apply fix')}
          </button>
        )}
        {problem.why ? (
          <details>
            <summary>{trans.__('%1: why?', problem.code)}</summary>
            <p>
              <Prose text={problem.why} />
            </p>
          </details>
        ) : (
          <span className="jp-KFProblem-code">{problem.code}</span>
        )}
      </div>
    </li>
  );
}

/** Text in which what stands between backticks is code. */
function Prose({ text }: { text: string }): JSX.Element {
  return (
    <>
      {text
        .split('`')
        .map((part, index) =>
          index % 2 === 1 ? <code key={index}>{part}</code> : part
        )}
    </>
  );
}

export function severityWord(
  severity: Diagnostic['severity'],
  trans: ITranslate
): string {
  switch (severity) {
    case 'error':
      return trans.__('Error');
    case 'warning':
      return trans.__('Warning');
    case 'info':
      return trans.__('Note');
  }
}

function placeText(problem: IProblem, trans: ITranslate): string {
  if (problem.cell_index === null) {
    return trans.__('notebook');
  }
  return problem.line === null
    ? trans.__('cell %1', problem.cell_index)
    : trans.__('cell %1, line %2', problem.cell_index, problem.line);
}

/** What the fix writes. */
export function editText(problem: IProblem, trans: ITranslate): string {
  const text = problem.edit?.text.split('\n')[0] ?? '';
  return trans.__('Writes: %1', text);
}
