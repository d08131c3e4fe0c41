/** The artifacts of a run; of a chosen one what made it, what it is, what used it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useMemo } from 'react';

import type { Run } from '../api/types';
import { useSurroundings } from '../run/context';
import { useLoaded } from '../run/hooks';
import { Blank, Button, Loading, Problem, Sign } from '../run/parts';
import { ArtifactPreview } from '../run/preview';
import { isGoing, moment, size } from '../words';
import {
  byRun,
  listed,
  short,
  type Artifact,
  type IListed,
  type Use
} from './model';

interface IArtifactsProps {
  run: Run;
  /** The digest of the chosen artifact. */
  chosen: string | null;
  onChoose: (digest: string) => void;
  onStep: (step: string) => void;
}

export function Artifacts(props: IArtifactsProps): JSX.Element {
  const { run, chosen, onChoose, onStep } = props;
  const { client, trans } = useSurroundings();
  const { done } = run.progress;
  const loaded = useLoaded(`${run.id} ${run.state} ${done}`, async signal => {
    const path = { run: run.id };
    const [{ artifacts }, graph] = await Promise.all([
      client.get('/runs/{run}/artifacts', { path }, signal),
      client.get('/runs/{run}/lineage', { path }, signal)
    ]);
    return listed(artifacts, graph);
  });
  if (!loaded.value) {
    return loaded.error ? <Problem error={loaded.error} /> : <Loading />;
  }
  const list = loaded.value;
  if (list.length === 0 && chosen === null) {
    return (
      <Blank>
        {isGoing(run.state)
          ? trans.__('There are no artifacts yet.')
          : trans.__('The run left no artifacts.')}
      </Blank>
    );
  }
  const shown = chosen ?? list[0].artifact.digest;
  return (
    <div className="jp-KFRun-artifacts">
      <ul className="jp-KFRun-list" aria-label={trans.__('Artifacts')}>
        {list.map(one => (
          <Item
            key={one.artifact.digest}
            one={one}
            chosen={one.artifact.digest === shown}
            onChoose={onChoose}
          />
        ))}
      </ul>
      <Detail key={shown} digest={shown} here={run.id} onStep={onStep} />
    </div>
  );
}

function Item(props: {
  one: IListed;
  chosen: boolean;
  onChoose: (digest: string) => void;
}): JSX.Element {
  const { one, chosen, onChoose } = props;
  const { artifact, names, madeBy, usedBy } = one;
  const { trans } = useSurroundings();
  const name = names.join(', ') || nameless(artifact, trans);
  return (
    <li>
      <button
        type="button"
        className="jp-KFRun-item"
        aria-pressed={chosen}
        title={name}
        onClick={() => onChoose(artifact.digest)}
      >
        <span className="jp-KFRun-itemName">{name}</span>
        <span className="jp-KFRun-dim">
          {[artifact.kind, artifact.size ? size(artifact.size) : '']
            .filter(Boolean)
            .join(' · ')}
        </span>
        <span className="jp-KFRun-dim">
          {madeBy.join(', ')}
          {usedBy.length > 0 && ` → ${usedBy.join(', ')}`}
        </span>
      </button>
    </li>
  );
}

/** What an artifact is called that has no name of its own. */
function nameless(artifact: Artifact, trans: TranslationBundle): string {
  switch (artifact.kind) {
    case 'notebook':
      return trans.__('The notebook as it was run');
    case 'environment':
      return trans.__('The environment');
    default:
      return short(artifact.digest);
  }
}

function Detail(props: {
  digest: string;
  here: string;
  onStep: (step: string) => void;
}): JSX.Element {
  const { digest, here, onStep } = props;
  const { client, trans } = useSurroundings();
  const loaded = useLoaded(digest, signal =>
    client.get('/artifacts/{digest}', { path: { digest } }, signal)
  );
  if (!loaded.value) {
    return loaded.error ? <Problem error={loaded.error} /> : <Loading />;
  }
  const { artifact, made_by: madeBy, used_by: usedBy } = loaded.value;
  const href = client.href('/artifacts/{digest}/content', {
    path: { digest },
    query: {}
  });
  const name = artifact.names[0] ?? short(digest);
  const previewed =
    artifact.kind === 'bundle' ? artifact.names.slice(0, 6) : [undefined];
  return (
    <div className="jp-KFRun-artifact">
      <Uses
        title={trans.__('Made by')}
        none={trans.__('Nothing that is still known made it.')}
        uses={madeBy}
        here={here}
        onStep={onStep}
      />
      <section className="jp-KFRun-artifactCard">
        <h3>{artifact.names.join(', ') || nameless(artifact, trans)}</h3>
        <div className="jp-KFRun-dim">
          {[artifact.kind, size(artifact.size), moment(artifact.created)]
            .filter(Boolean)
            .join(' · ')}
        </div>
        <div className="jp-KFRun-dim" title={digest}>
          <code>{short(digest)}</code>
        </div>
        {artifact.gone ? (
          <p>
            {trans.__('It was collected: only what is known of it was kept.')}
          </p>
        ) : (
          <>
            {artifact.kind !== 'folder' && (
              <a className="jp-KFRun-link" href={href} download={name}>
                {trans.__('Download')}
              </a>
            )}
            {previewed.map(one => (
              <ArtifactPreview key={one ?? ''} digest={digest} name={one} />
            ))}
          </>
        )}
      </section>
      <Uses
        title={trans.__('Used by')}
        none={trans.__('Nothing used it.')}
        uses={usedBy}
        here={here}
        onStep={onStep}
      />
    </div>
  );
}

function Uses(props: {
  title: string;
  none: string;
  uses: readonly Use[];
  here: string;
  onStep: (step: string) => void;
}): JSX.Element {
  const { title, none, uses, here, onStep } = props;
  const { trans, open } = useSurroundings();
  const runs = useMemo(() => byRun(uses, here), [uses, here]);
  return (
    <section className="jp-KFRun-uses">
      <h3>{title}</h3>
      {runs.length === 0 && <div className="jp-KFRun-dim">{none}</div>}
      {runs.map(({ run, name, uses }) => (
        <div key={run}>
          <div className="jp-KFRun-dim">
            {run === here ? trans.__('this run') : name}
          </div>
          {uses.map(use => (
            <Button
              key={`${use.step} ${use.name}`}
              kind="plain"
              label={use.step || trans.__('the run')}
              title={use.cached ? trans.__('from the cache') : use.name}
              onClick={() =>
                run === here && use.step
                  ? onStep(use.step)
                  : open({ run, step: use.step || undefined })
              }
            >
              <Sign state={use.state ?? 'NONE'} />{' '}
              {use.step || trans.__('the run')}
              {use.name && <span className="jp-KFRun-dim"> · {use.name}</span>}
            </Button>
          ))}
        </div>
      ))}
    </section>
  );
}
