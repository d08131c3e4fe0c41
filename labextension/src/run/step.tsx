/** One step of a run: what happened, what it displayed and wrote, what came in and went out, its code. */

import React, { useCallback, useState } from 'react';

import type { Execution, Pipeline, Run, Usage } from '../api/types';
import { ExecutionLog } from '../logs/view';
import { useNow } from '../runs/clock';
import { duration, isGoing, moment, size, value as said } from '../words';
import { useSurroundings } from './context';
import { useLoaded, useStep } from './hooks';
import { RunMetrics } from './metrics';
import type { RunModel } from './model';
import { ExecutionOutputs } from './outputs';
import {
  Blank,
  Button,
  Failure,
  Loading,
  Problem,
  StateLabel,
  Tabs
} from './parts';
import { StepSource, type useSource } from './source';
import { secondsOf } from './steps';
import { Values } from './values';

interface IStepPaneProps {
  model: RunModel;
  run: Run;
  pipeline: Pipeline | null;
  source: ReturnType<typeof useSource>;
  name: string;
  tab: string;
  onTab: (tab: string) => void;
  onStep: (step: string) => void;
  onArtifact: (digest: string) => void;
  onClose: () => void;
}

export function StepPane(props: IStepPaneProps): JSX.Element {
  const { model, run, name, tab, onTab, onStep, onClose } = props;
  const { trans } = useSurroundings();
  const step = useStep(model, name);
  const [chosen, setChosen] = useState<string | null>(null);
  const attempts = step?.attempts ?? [];
  const execution =
    attempts.find(one => one.id === chosen) ?? step?.latest ?? null;
  const tabs = [
    { id: 'outputs', label: trans.__('Outputs') },
    { id: 'logs', label: trans.__('Logs') },
    { id: 'values', label: trans.__('Values') },
    { id: 'source', label: trans.__('Source') },
    { id: 'metrics', label: trans.__('Metrics') },
    { id: 'details', label: trans.__('Details') }
  ];
  const shown = tabs.some(one => one.id === tab) ? tab : 'outputs';
  return (
    <section
      className="jp-KFRun-step"
      aria-label={trans.__('Step %1', name)}
      data-step={name}
    >
      <div className="jp-KFRun-stepHead">
        <h3>{name}</h3>
        <StateLabel state={execution?.state ?? 'NONE'}>
          {execution?.cached && (
            <span className="jp-KFRun-dim">{trans.__('from the cache')}</span>
          )}
        </StateLabel>
        {execution && <Took execution={execution} />}
        {attempts.length > 1 && (
          <label className="jp-KFRun-dim">
            {trans.__('Attempt')}{' '}
            <select
              className="jp-KFRun-input"
              value={execution?.id}
              onChange={event => setChosen(event.target.value)}
            >
              {attempts.map((one, i) => (
                <option key={one.id} value={one.id}>
                  {one.superseded
                    ? trans.__('%1 (void)', one.attempt || i + 1)
                    : String(one.attempt || i + 1)}
                </option>
              ))}
            </select>
          </label>
        )}
        <span className="jp-KFRun-space" />
        <Button label={trans.__('Close the step')} onClick={onClose}>
          ×
        </Button>
      </div>
      {execution?.error && <Failure error={execution.error} path={run.path} />}
      <Tabs
        label={trans.__('Parts of the step')}
        tabs={tabs}
        chosen={shown}
        onChoose={onTab}
      >
        {shown === 'source' ? (
          <StepSource source={props.source} step={name} path={run.path} />
        ) : execution === null ? (
          <NotBegun {...props} onStep={onStep} />
        ) : (
          <ExecutionPart
            key={execution.id}
            {...props}
            execution={execution}
            attempts={attempts}
            shown={shown}
          />
        )}
      </Tabs>
    </section>
  );
}

function Took({ execution }: { execution: Execution }): JSX.Element {
  const now = useNow(isGoing(execution.state));
  return (
    <span
      className="jp-KFRun-dim"
      title={[moment(execution.started), moment(execution.finished)]
        .filter(Boolean)
        .join(' – ')}
    >
      {duration(secondsOf(execution, now))}
    </span>
  );
}

/** A step that has not begun: what it waits for. */
function NotBegun(props: IStepPaneProps): JSX.Element {
  const { pipeline, name, run, onStep } = props;
  const { trans } = useSurroundings();
  const before = (pipeline?.edges ?? [])
    .filter(edge => edge.target === name)
    .map(edge => edge.source);
  return (
    <Blank>
      <div>
        {isGoing(run.state)
          ? trans.__('The step has not begun.')
          : trans.__('The step was not run.')}
        {before.length > 0 && (
          <div>
            {trans.__('It comes after')}{' '}
            {before.map(one => (
              <Button
                key={one}
                kind="link"
                label={one}
                onClick={() => onStep(one)}
              />
            ))}
          </div>
        )}
      </div>
    </Blank>
  );
}

interface IPartProps extends IStepPaneProps {
  execution: Execution;
  attempts: readonly Execution[];
  shown: string;
}

function ExecutionPart(props: IPartProps): JSX.Element {
  const { execution, run, source, shown, name } = props;
  const cells = source.value?.steps.find(one => one.name === name)?.cells;
  const indexOf = useCallback(
    (id: string) => cells?.find(cell => cell.id === id)?.index ?? null,
    [cells]
  );
  switch (shown) {
    case 'logs':
      return <ExecutionLog execution={execution} />;
    case 'metrics':
      return <RunMetrics run={run} step={name} />;
    case 'outputs':
      return (
        <ExecutionOutputs
          execution={execution}
          path={run.path}
          indexOf={indexOf}
        />
      );
    default:
      return <Loaded {...props} />;
  }
}

/** What is asked for with the execution's details. */
function Loaded(props: IPartProps): JSX.Element {
  const { execution, attempts, shown, onStep, onArtifact } = props;
  const { client } = useSurroundings();
  const { run, id, state } = execution;
  const loaded = useLoaded(`${id} ${state}`, signal =>
    client.get(
      '/runs/{run}/executions/{execution}',
      { path: { run, execution: id } },
      signal
    )
  );
  if (!loaded.value) {
    return loaded.error ? <Problem error={loaded.error} /> : <Loading />;
  }
  return shown === 'values' ? (
    <Values detail={loaded.value} onStep={onStep} onArtifact={onArtifact} />
  ) : (
    <Details
      execution={execution}
      attempts={attempts}
      usage={loaded.value.usage}
    />
  );
}

function Details(props: {
  execution: Execution;
  attempts: readonly Execution[];
  usage: Usage;
}): JSX.Element {
  const { execution, attempts, usage } = props;
  const { trans } = useSurroundings();
  const { cpu_seconds: seconds, memory_peak: peak, cpu, memory } = usage;
  const rows: [string, string][] = [
    [trans.__('Execution'), execution.id],
    [trans.__('Began'), moment(execution.started)],
    [trans.__('Ended'), moment(execution.finished)],
    [trans.__('Why'), execution.reason],
    [trans.__('Processor time'), duration(seconds)],
    [trans.__('Most memory'), size(peak)],
    [trans.__('Cores asked for'), cpu ? said(cpu) : ''],
    [trans.__('Memory asked for'), size(memory)],
    [
      trans.__('GPUs'),
      usage.gpus?.length
        ? usage.gpus.join(', ')
        : usage.gpu
          ? said(usage.gpu)
          : ''
    ],
    ...Object.entries(execution.metrics).map(([name, it]): [string, string] => [
      name,
      said(it)
    ])
  ];
  return (
    <div className="jp-KFRun-scroll">
      <table className="jp-KFRun-table jp-mod-facts">
        <tbody>
          {rows
            .filter(([, it]) => it)
            .map(([name, it]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{it}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {attempts.length > 1 && (
        <table className="jp-KFRun-table">
          <caption>{trans.__('Attempts')}</caption>
          <tbody>
            {attempts.map(one => (
              <tr key={one.id}>
                <td>{one.attempt}</td>
                <td>
                  <StateLabel state={one.state} />
                </td>
                <td>{moment(one.started)}</td>
                <td className="jp-mod-number">{duration(one.seconds)}</td>
                <td>{one.error?.message ?? one.reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
