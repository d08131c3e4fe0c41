/** The code of a run as it was when the run was made. */

import React, { useEffect, useRef } from 'react';

import type { Source } from '../api/types';
import { Code } from './code';
import { useSurroundings } from './context';
import { useLoaded } from './hooks';
import { Blank, Button, Loading, Problem } from './parts';

export function useSource(run: string, version: number) {
  const { client } = useSurroundings();
  return useLoaded(`${run} ${version}`, signal =>
    client.get('/runs/{run}/source', { path: { run } }, signal)
  );
}

type StepSource = Source['steps'][number];

function Cells(props: { step: StepSource; path: string | null }): JSX.Element {
  const { step, path } = props;
  const { trans, openCell } = useSurroundings();
  return (
    <>
      {step.cells.map(({ id, index, source }) => {
        const name = trans.__('Cell %1', index + 1);
        return (
          <div key={id} className="jp-KFRun-cell">
            {path === null ? (
              <span className="jp-KFRun-dim">{name}</span>
            ) : (
              <Button
                kind="link"
                label={name}
                title={trans.__('Go to the cell in the notebook')}
                onClick={() => openCell({ path, cell: id, index })}
              />
            )}
            <Code source={source} label={name} />
          </div>
        );
      })}
    </>
  );
}

/** The cells of one step. */
export function StepSource(props: {
  source: ReturnType<typeof useSource>;
  step: string;
  path: string | null;
}): JSX.Element {
  const { source, step, path } = props;
  const { trans } = useSurroundings();
  if (!source.value) {
    return source.error ? <Problem error={source.error} /> : <Loading />;
  }
  const found = source.value.steps.find(one => one.name === step);
  const shared = (source.value.fragments ?? []).filter(one =>
    one.steps.includes(step)
  );
  if (!found) {
    return <Blank>{trans.__('The source of this step was not kept.')}</Blank>;
  }
  return (
    <div className="jp-KFRun-scroll">
      <Cells step={found} path={path} />
      {shared.length > 0 && <Fragments fragments={shared} open={false} />}
    </div>
  );
}

type Fragment = NonNullable<Source['fragments']>[number];

/** Imports and definitions of other cells that steps bring along. */
function Fragments(props: {
  fragments: readonly Fragment[];
  open: boolean;
}): JSX.Element {
  const { trans } = useSurroundings();
  const { fragments, open } = props;
  return (
    <details className="jp-KFRun-fragments" open={open}>
      <summary>
        {trans.__(
          'Imports and definitions brought along (%1)',
          fragments.length
        )}
      </summary>
      {fragments.map((fragment, i) => (
        <Code
          key={i}
          source={fragment.source}
          label={fragment.names.join(', ')}
        />
      ))}
    </details>
  );
}

/** The cells of all steps. */
export function RunSource(props: {
  source: ReturnType<typeof useSource>;
  step: string | null;
  path: string | null;
  onChoose: (step: string) => void;
}): JSX.Element {
  const { source, step, path, onChoose } = props;
  const { trans } = useSurroundings();
  const host = useRef<HTMLDivElement>(null);
  const { value } = source;
  useEffect(() => {
    if (step !== null && value) {
      host.current
        ?.querySelector(`[data-step="${CSS.escape(step)}"]`)
        ?.scrollIntoView({ block: 'nearest' });
    }
  }, [step, value]);
  if (!value) {
    return source.error ? <Problem error={source.error} /> : <Loading />;
  }
  if (value.steps.length === 0) {
    return <Blank>{trans.__('No source was kept of this run.')}</Blank>;
  }
  return (
    <div className="jp-KFRun-scroll" ref={host}>
      {value.steps.map(one => (
        <section
          key={one.name}
          className="jp-KFRun-sourceStep"
          data-step={one.name}
          aria-current={one.name === step || undefined}
        >
          <h3>
            <Button
              kind="link"
              label={one.name}
              onClick={() => onChoose(one.name)}
            />
          </h3>
          <Cells step={one} path={path} />
        </section>
      ))}
      {value.fragments && value.fragments.length > 0 && (
        <Fragments fragments={value.fragments} open={false} />
      )}
    </div>
  );
}
