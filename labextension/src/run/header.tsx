/** The head of a run: what it is, how far it is, and what can be done to it. */

import React, { useState, type FormEvent } from 'react';

import { isFinal } from '../api/store';
import { asApiError, type ApiError } from '../api/errors';
import type { Run } from '../api/types';
import { useNow } from '../runs/clock';
import { abilities, kindWord } from '../runs/words';
import { CommandIDs } from '../tokens';
import { ago, duration, elapsed, moment, value as said } from '../words';
import { useSurroundings } from './context';
import type { RunModel } from './model';
import { Button, Failure, Problem, StateLabel } from './parts';

export function Header(props: {
  model: RunModel;
  run: Run;
  /** The run's error is shown elsewhere already. */
  told: boolean;
}): JSX.Element {
  const { model, run, told } = props;
  const { trans, openNotebook } = useSurroundings();
  const [error, setError] = useState<ApiError | null>(null);
  const edit: RunModel['edit'] = async change => {
    try {
      await model.edit(change);
      setError(null);
    } catch (thrown) {
      setError(asApiError(thrown));
      throw thrown;
    }
  };
  const kind = kindWord(run, trans);
  return (
    <header className="jp-KFRun-head">
      <div className="jp-KFRun-headLine">
        <h2 title={run.id}>{run.name}</h2>
        <StateLabel state={run.state} />
        <Progress run={run} />
        <Times run={run} />
        <span className="jp-KFRun-space" />
        <Actions run={run} />
      </div>
      <dl className="jp-KFRun-facts">
        <Fact name={trans.__('Experiment')}>{run.experiment}</Fact>
        <Fact name={trans.__('Notebook')}>
          {run.path === null ? (
            <span title={run.notebook}>
              {run.notebook.split(/[\\/]/).pop()}
            </span>
          ) : (
            <Button
              kind="link"
              label={run.path}
              title={trans.__('Open %1', run.path)}
              onClick={() => openNotebook(run)}
            />
          )}
        </Fact>
        {kind && <Fact name={trans.__('Kind')}>{kind}</Fact>}
        <Fact name={trans.__('Engine')}>{run.engine}</Fact>
        {Object.entries(run.parameters).map(([name, it]) => (
          <Fact key={name} name={name} kind="parameter">
            <code>{said(it)}</code>
          </Fact>
        ))}
        <Tags run={run} edit={edit} />
        <Note key={run.note} run={run} edit={edit} />
      </dl>
      {error && <Problem error={error} />}
      {run.error && !told && <Failure error={run.error} path={run.path} />}
    </header>
  );
}

function Fact(props: {
  name: string;
  kind?: 'parameter';
  children: React.ReactNode;
}): JSX.Element {
  return (
    <div className="jp-KFRun-fact" data-kind={props.kind}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Progress({ run }: { run: Run }): JSX.Element | null {
  const { trans } = useSurroundings();
  const { done, total, cached, failed } = run.progress;
  if (total === 0) {
    return null;
  }
  const words = [
    run.kind === 'notebook'
      ? trans._n('%2 of %1 cell', '%2 of %1 cells', total, done)
      : trans._n('%2 of %1 step', '%2 of %1 steps', total, done),
    cached > 0 ? trans.__('%1 from the cache', cached) : '',
    failed > 0 ? trans.__('%1 failed', failed) : ''
  ].filter(Boolean);
  return (
    <>
      {!isFinal(run) && (
        <span
          className="jp-KFRun-progress"
          role="progressbar"
          aria-label={trans.__('Progress')}
          aria-valuemin={0}
          aria-valuemax={total}
          aria-valuenow={done}
        >
          <span style={{ width: `${(100 * done) / total}%` }} />
        </span>
      )}
      <span className="jp-KFRun-dim">{words.join(', ')}</span>
    </>
  );
}

function Times({ run }: { run: Run }): JSX.Element {
  const { trans } = useSurroundings();
  const now = useNow(!isFinal(run));
  const took = elapsed(run.started, run.finished, now);
  return (
    <span className="jp-KFRun-dim">
      {duration(took)}
      {took !== null && ' · '}
      <time dateTime={run.created ?? undefined} title={moment(run.created)}>
        {ago(run.created, now, trans)}
      </time>
      {run.resumes > 0 &&
        ` · ${trans._n('resumed once', 'resumed %1 times', run.resumes)}`}
    </span>
  );
}

function Actions({ run }: { run: Run }): JSX.Element {
  const { trans, command, compareWith } = useSurroundings();
  const can = abilities(run);
  return (
    <div
      className="jp-KFRun-actions"
      role="group"
      aria-label={trans.__('What can be done with the run')}
    >
      {can.cancel && (
        <Button
          kind="warn"
          label={trans.__('Cancel')}
          onClick={() => command(CommandIDs.cancelRun, run)}
        />
      )}
      {can.resume && (
        <Button
          kind="accept"
          label={trans.__('Resume')}
          title={trans.__(
            'Go on where the run ended, with the notebook as it was'
          )}
          onClick={() => command(CommandIDs.resumeRun, run)}
        />
      )}
      {can.edited && (
        <Button
          label={trans.__('Resume edited')}
          title={trans.__('Go on with the notebook as it is saved now')}
          onClick={() => command(CommandIDs.resumeEdited, run)}
        />
      )}
      <Button
        label={trans.__('Compare…')}
        title={trans.__('Show this run beside others')}
        onClick={() => compareWith(run)}
      />
      {can.remove && (
        <Button
          label={trans.__('Delete…')}
          onClick={() => command(CommandIDs.deleteRuns, run)}
        />
      )}
    </div>
  );
}

interface IEditProps {
  run: Run;
  edit: RunModel['edit'];
}

function Tags({ run, edit }: IEditProps): JSX.Element {
  const { trans } = useSurroundings();
  const [adding, setAdding] = useState(false);
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const [name, ...rest] = text.split('=');
    if (name.trim()) {
      edit({ tags: { [name.trim()]: rest.join('=').trim() } }).then(
        () => {
          setText('');
          setAdding(false);
        },
        () => undefined // the head shows why; what was typed stays
      );
    }
  };
  return (
    <Fact name={trans.__('Tags')}>
      {Object.entries(run.tags).map(([name, it]) => (
        <span key={name} className="jp-KFRun-tag">
          {it ? `${name}=${it}` : name}
          <button
            type="button"
            aria-label={trans.__('Take the tag %1 away', name)}
            title={trans.__('Take the tag %1 away', name)}
            onClick={() => {
              edit({ tags: { [name]: null } }).catch(() => undefined);
            }}
          >
            ×
          </button>
        </span>
      ))}
      {adding ? (
        <form className="jp-KFRun-inline" onSubmit={submit}>
          <input
            className="jp-KFRun-input"
            // the user has just asked for it
            // eslint-disable-next-line jsx-a11y/no-autofocus
            autoFocus
            size={14}
            placeholder={trans.__('name=value')}
            aria-label={trans.__('New tag, as name=value')}
            value={text}
            onChange={event => setText(event.target.value)}
            onKeyDown={event => {
              if (event.key === 'Escape') {
                setAdding(false);
              }
            }}
          />
        </form>
      ) : (
        <Button
          kind="link"
          label={trans.__('+ tag')}
          onClick={() => setAdding(true)}
        />
      )}
    </Fact>
  );
}

function Note({ run, edit }: IEditProps): JSX.Element {
  const { trans } = useSurroundings();
  const [text, setText] = useState<string | null>(null);
  if (text === null) {
    return (
      <Fact name={trans.__('Note')}>
        {run.note && <span className="jp-KFRun-note">{run.note}</span>}{' '}
        <Button
          kind="link"
          label={run.note ? trans.__('edit') : trans.__('+ note')}
          onClick={() => setText(run.note)}
        />
      </Fact>
    );
  }
  const save = () => {
    edit({ note: text }).then(
      () => setText(null),
      () => undefined // the head shows why; what was typed stays
    );
  };
  return (
    <Fact name={trans.__('Note')}>
      <textarea
        className="jp-KFRun-input"
        // eslint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        rows={2}
        cols={50}
        aria-label={trans.__('Note')}
        value={text}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            setText(null);
          } else if (
            event.key === 'Enter' &&
            (event.ctrlKey || event.metaKey)
          ) {
            save();
          }
        }}
      />
      <Button kind="accept" label={trans.__('Save')} onClick={save} />
      <Button label={trans.__('Cancel')} onClick={() => setText(null)} />
    </Fact>
  );
}
