/** What a step displayed, as the notebook would show it. */

import {
  OutputAreaModel,
  SimplifiedOutputArea,
  type IOutputAreaModel
} from '@jupyterlab/outputarea';
import type { IOutput } from '@jupyterlab/nbformat';
import { Widget } from '@lumino/widgets';
import React, { useEffect, useLayoutEffect, useRef, useState } from 'react';

import { asApiError, type ApiError } from '../api/errors';
import type { Execution, Outputs } from '../api/types';
import { isGoing } from '../words';
import { useSurroundings } from './context';
import { Blank, Button, Loading, Problem } from './parts';

/** How often a running step is asked for more, in milliseconds. */
const OFTEN = 800;

type Shown = Outputs['outputs'][number];

/** What one cell displayed. */
interface IGroup {
  readonly cell: string;
  readonly model: IOutputAreaModel;
}

export function ExecutionOutputs(props: {
  execution: Execution;
  /** The notebook, for going to a cell; null where Lab cannot open it. */
  path: string | null;
  /** The number of a cell in the notebook, from 0, where it is known. */
  indexOf: (cell: string) => number | null;
}): JSX.Element {
  const { execution, path, indexOf } = props;
  const { trans, openCell } = useSurroundings();
  const { groups, loaded, error } = useOutputs(execution);
  if (error && groups.length === 0) {
    return <Problem error={error} />;
  }
  if (groups.length === 0) {
    return loaded ? (
      <Blank>
        {isGoing(execution.state)
          ? trans.__('Nothing was displayed yet.')
          : trans.__('The step displayed nothing.')}
      </Blank>
    ) : (
      <Loading />
    );
  }
  return (
    <div className="jp-KFRun-outputs">
      {error && <Problem error={error} />}
      {groups.map(({ cell, model }, i) => {
        const index = indexOf(cell);
        return (
          <section key={`${i} ${cell}`}>
            <div className="jp-KFRun-outputsHead">
              {path !== null ? (
                <Button
                  kind="link"
                  label={cellName(index, cell, trans)}
                  onClick={() => openCell({ path, cell, index })}
                />
              ) : (
                <span className="jp-KFRun-dim">
                  {cellName(index, cell, trans)}
                </span>
              )}
            </div>
            <OutputsOfCell model={model} />
          </section>
        );
      })}
    </div>
  );
}

function cellName(
  index: number | null,
  id: string,
  trans: ReturnType<typeof useSurroundings>['trans']
): string {
  return index === null
    ? trans.__('Cell %1', id)
    : trans.__('Cell %1', index + 1);
}

/** Ask for outputs, while the step runs again and again. */
function useOutputs(execution: Execution): {
  groups: readonly IGroup[];
  loaded: boolean;
  error: ApiError | null;
} {
  const { client } = useSurroundings();
  const [groups, setGroups] = useState<readonly IGroup[]>([]);
  const [loaded, setLoaded] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const next = useRef(0);
  const { run, id } = execution;
  const going = isGoing(execution.state);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      try {
        const answer = await client.get(
          '/runs/{run}/executions/{execution}/outputs',
          { path: { run, execution: id }, query: { after: next.current } },
          stop.signal
        );
        if (stop.signal.aborted) {
          return;
        }
        next.current = answer.next;
        if (answer.outputs.length) {
          setGroups(old => extended(old, answer.outputs));
        }
        setLoaded(true);
        setError(null);
      } catch (thrown) {
        if (stop.signal.aborted) {
          return;
        }
        setError(asApiError(thrown));
      }
      if (going) {
        timer = setTimeout(() => void ask(), OFTEN);
      }
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
    // asked once more when the step is over
  }, [client, run, id, going]);
  return { groups, loaded, error };
}

/** Put outputs to the group of their cell; models take them in, so that what is drawn stays. */
function extended(
  groups: readonly IGroup[],
  outputs: readonly Shown[]
): readonly IGroup[] {
  const out = [...groups];
  for (const { cell, output } of outputs) {
    let last = out[out.length - 1];
    if (last?.cell !== cell) {
      // not trusted: scripts and active HTML of a run stay off
      last = { cell, model: new OutputAreaModel({ trusted: false }) };
      out.push(last);
    }
    last.model.add(output as IOutput);
  }
  return out;
}

function OutputsOfCell({ model }: { model: IOutputAreaModel }): JSX.Element {
  const { rendermime, trans } = useSurroundings();
  const host = useRef<HTMLDivElement>(null);
  // in the layout phase: its end comes while the node is still in the page, as Lumino wants it
  useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const area = new SimplifiedOutputArea({ model, rendermime });
    // Lab's renderer of images gives them no text
    const name = trans.__('Image that the cell displayed');
    const describer = new MutationObserver(() => {
      for (const image of node.querySelectorAll('img:not([alt])')) {
        image.setAttribute('alt', name);
      }
    });
    describer.observe(node, { childList: true, subtree: true });
    Widget.attach(area, node);
    return () => {
      describer.disconnect();
      area.dispose();
    };
  }, [model, rendermime, trans]);
  return (
    <div
      ref={host}
      className="jp-KFRun-outputArea"
      role="region"
      aria-label={trans.__('Output')}
    />
  );
}
