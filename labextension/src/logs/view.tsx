/** The logs of one attempt of a step, and those of all steps one below the other. */

import React, { useEffect, useMemo, useReducer, useState } from 'react';

import type { Execution } from '../api/types';
import { asApiError, isAborted, type ApiError } from '../api/errors';
import { useSurroundings } from '../run/context';
import { Button, Problem } from '../run/parts';
import type { IStepNow } from '../run/steps';
import { isGoing, size } from '../words';
import { LogBuffer } from './buffer';
import { LogStream, type StreamName } from './stream';
import { LogViewer } from './viewer';

/** Draw anew, at most once a frame, however many pieces come. */
function useRedraw(): [version: number, redraw: () => void] {
  const [version, bump] = useReducer((count: number) => count + 1, 0);
  const redraw = useMemo(() => {
    let asked = false;
    return () => {
      if (!asked) {
        asked = true;
        requestAnimationFrame(() => {
          asked = false;
          bump();
        });
      }
    };
  }, []);
  return [version, redraw];
}

export function ExecutionLog({
  execution
}: {
  execution: Execution;
}): JSX.Element {
  const { client, trans } = useSurroundings();
  const [name, setName] = useState<StreamName>('stdout');
  const [whole, setWhole] = useState(false);
  const [version, redraw] = useRedraw();
  const { run, id } = execution;
  const going = isGoing(execution.state);
  const stream = useMemo(
    () => new LogStream(client, { run, execution: id, stream: name }, redraw),
    [client, run, id, name, redraw]
  );
  useEffect(() => {
    const stop = new AbortController();
    // also what is over is followed: such an answer ends by itself at the end of the log
    void stream.read(!whole, stop.signal, whole).then(redraw);
    return () => stop.abort();
  }, [stream, whole, redraw]);
  const choose = (stream: StreamName) => {
    setName(stream);
    setWhole(false);
  };
  const href = client.href('/runs/{run}/executions/{execution}/logs/{stream}', {
    path: { run, execution: id, stream: name },
    query: {}
  });
  return (
    <div className="jp-KFRun-fill">
      {stream.error && <Problem error={stream.error} />}
      <LogViewer
        key={name}
        buffer={stream.buffer}
        version={version}
        going={going}
        label={trans.__('%1 of %2', name, execution.step)}
        empty={
          stream.waiting
            ? trans.__('Loading…')
            : going
              ? trans.__('Nothing was written yet.')
              : trans.__('Nothing was written.')
        }
      >
        <span role="group" aria-label={trans.__('Stream')}>
          <Button
            label="stdout"
            pressed={name === 'stdout'}
            onClick={() => choose('stdout')}
          />
          <Button
            label="stderr"
            pressed={name === 'stderr'}
            onClick={() => choose('stderr')}
          />
        </span>
        <a
          className="jp-KFRun-link"
          href={href}
          download={`${execution.step}-${execution.attempt}.${name}.txt`}
        >
          {trans.__('Download')}
        </a>
        {stream.skipped > 0 && (
          <Button
            label={trans.__('Load all (%1 more)', size(stream.skipped))}
            onClick={() => setWhole(true)}
          />
        )}
      </LogViewer>
    </div>
  );
}

/** How much of each step's log is shown among those of all steps, in bytes. */
const SHARE = 128 * 1024;
/** How often the logs of steps that are running are looked at, in milliseconds. */
const OFTEN = 1500;
/** How many logs are asked for at once: a browser opens six connections, and others want some. */
const AT_ONCE = 3;
/** How often what came is shown while more is asked for, in milliseconds. */
const SHOWING = 400;

export function AllLogs({
  steps
}: {
  steps: ReadonlyMap<string, IStepNow>;
}): JSX.Element {
  const { client, trans } = useSurroundings();
  const [version, redraw] = useRedraw();
  const [loading, setLoading] = useState(true);
  const [error, setError] = useState<ApiError | null>(null);
  const executions = useMemo(() => begun(steps), [steps]);
  const texts = useMemo(() => new Map<string, IText>(), []);
  const [beat, setBeat] = useReducer((count: number) => count + 1, 0);
  const going = executions.some(execution => isGoing(execution.state));

  useEffect(() => {
    const stop = new AbortController();
    const ask = async (execution: Execution) => {
      const final = !isGoing(execution.state);
      const text: IText = { out: '', err: '', final };
      for (const [stream, part] of STREAMS) {
        const response = await client.request(
          '/runs/{run}/executions/{execution}/logs/{stream}',
          'get',
          {
            path: { run: execution.run, execution: execution.id, stream },
            query: { offset: -SHARE }
          },
          stop.signal
        );
        text[part] = await response.text();
      }
      texts.set(execution.id, text);
    };
    const wanted = executions.filter(one => !texts.get(one.id)?.final);
    const worker = async () => {
      for (
        let next = wanted.shift();
        next && !stop.signal.aborted;
        next = wanted.shift()
      ) {
        await ask(next);
      }
    };
    // what came is shown now and then: with each answer it would be put together anew
    const shower = setInterval(redraw, SHOWING);
    const asked = Promise.all(Array.from({ length: AT_ONCE }, worker));
    asked
      .finally(() => clearInterval(shower))
      .then(
        () => {
          redraw();
          setLoading(false);
        },
        (thrown: unknown) => {
          redraw();
          if (!isAborted(thrown)) {
            setError(asApiError(thrown));
            setLoading(false);
          }
        }
      );
    return () => stop.abort();
  }, [client, executions, texts, redraw, beat]);
  useEffect(() => {
    if (going) {
      const timer = setInterval(setBeat, OFTEN);
      return () => clearInterval(timer);
    }
  }, [going]);

  const buffer = useMemo(
    () => together(executions, texts),
    // `texts` is the same map: the version says when it is another
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [executions, texts, version]
  );
  return (
    <div className="jp-KFRun-fill">
      {error && <Problem error={error} />}
      <LogViewer
        buffer={buffer}
        version={version}
        going={going}
        label={trans.__('Logs of all steps')}
        empty={
          loading ? trans.__('Loading…') : trans.__('Nothing was written.')
        }
      >
        {loading && (
          <span className="jp-KFRun-dim" role="status">
            {trans.__('%1 of %2 steps', texts.size, executions.length)}
          </span>
        )}
      </LogViewer>
    </div>
  );
}

interface IText {
  out: string;
  err: string;
  final: boolean;
}

const STREAMS = [
  ['stdout', 'out'],
  ['stderr', 'err']
] as const;

/** The last attempts that were begun, in the order in which they were. */
function begun(steps: ReadonlyMap<string, IStepNow>): Execution[] {
  const out = [];
  for (const { latest } of steps.values()) {
    if (latest?.started && !latest.cached) {
      out.push(latest);
    }
  }
  return out.sort(
    (a, b) => Date.parse(a.started ?? '') - Date.parse(b.started ?? '')
  );
}

function together(
  executions: readonly Execution[],
  texts: ReadonlyMap<string, IText>
): LogBuffer {
  const buffer = new LogBuffer();
  for (const { id, step } of executions) {
    const text = texts.get(id);
    for (const [stream, part] of STREAMS) {
      if (text?.[part]) {
        buffer.heading(stream === 'stdout' ? step : `${step} · ${stream}`);
        buffer.append(text[part]);
      }
    }
  }
  return buffer;
}
