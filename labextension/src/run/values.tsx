/** What goes into a step and what comes out of it. */

import React, { useState } from 'react';

import type { ArtifactEntry, ExecutionDetail, Value } from '../api/types';
import { size } from '../words';
import { useSurroundings } from './context';
import { Blank, Button } from './parts';
import { ArtifactPreview } from './preview';

interface IValuesProps {
  detail: ExecutionDetail;
  onStep: (step: string) => void;
  onArtifact: (digest: string) => void;
}

export function Values(props: IValuesProps): JSX.Element {
  const { detail, onStep, onArtifact } = props;
  const { trans } = useSurroundings();
  const { inputs, outputs, logged, files } = detail;
  const empty =
    inputs.length + outputs.length + logged.length === 0 &&
    files.read.length + files.written.length === 0;
  if (empty) {
    return <Blank>{trans.__('No values came in, none went out.')}</Blank>;
  }
  return (
    <div className="jp-KFRun-scroll">
      <ValueTable
        title={trans.__('Inputs')}
        values={inputs}
        onStep={onStep}
        onArtifact={onArtifact}
      />
      <ValueTable
        title={trans.__('Outputs')}
        values={outputs}
        onStep={onStep}
        onArtifact={onArtifact}
      />
      {logged.length > 0 && (
        <section>
          <h3>{trans.__('Logged')}</h3>
          {logged.map(entry => (
            <Logged
              key={`${entry.name} ${entry.artifact.digest}`}
              entry={entry}
              onArtifact={onArtifact}
            />
          ))}
        </section>
      )}
      <Files title={trans.__('Files read')} names={files.read} />
      <Files title={trans.__('Files written')} names={files.written} />
    </div>
  );
}

function Files(props: { title: string; names: readonly string[] }) {
  const { title, names } = props;
  return names.length === 0 ? null : (
    <section>
      <h3>{title}</h3>
      <ul className="jp-KFRun-files">
        {names.map(name => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </section>
  );
}

function ValueTable(props: {
  title: string;
  values: readonly Value[];
  onStep: (step: string) => void;
  onArtifact: (digest: string) => void;
}): JSX.Element | null {
  const { title, values, onStep, onArtifact } = props;
  const { trans } = useSurroundings();
  if (values.length === 0) {
    return null;
  }
  const from = values.some(value => value.producer);
  return (
    <section>
      <h3>{title}</h3>
      <table className="jp-KFRun-table jp-mod-values">
        <thead>
          <tr>
            <th scope="col">{trans.__('Name')}</th>
            <th scope="col">{trans.__('Type')}</th>
            <th scope="col" className="jp-mod-number">
              {trans.__('Size')}
            </th>
            {from && <th scope="col">{trans.__('From')}</th>}
            <th scope="col">{trans.__('Value')}</th>
          </tr>
        </thead>
        <tbody>
          {values.map(value => (
            <ValueRow
              key={value.name}
              value={value}
              from={from}
              onStep={onStep}
              onArtifact={onArtifact}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function ValueRow(props: {
  value: Value;
  from: boolean;
  onStep: (step: string) => void;
  onArtifact: (digest: string) => void;
}): JSX.Element {
  const { value, from, onStep, onArtifact } = props;
  const { trans } = useSurroundings();
  const [open, setOpen] = useState(false);
  const { name, producer } = value;
  return (
    <>
      <tr>
        <td>
          {value.gone ? (
            name
          ) : (
            <button
              type="button"
              className="jp-KFRun-disclose"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
            >
              {name}
            </button>
          )}
        </td>
        <td title={value.type}>{value.type}</td>
        <td className="jp-mod-number">{size(value.size)}</td>
        {from && (
          <td>
            {producer && (
              <Button
                kind="link"
                label={producer}
                title={trans.__('Show the step that made it')}
                onClick={() => onStep(producer)}
              />
            )}
          </td>
        )}
        <td className="jp-KFRun-valuePreview" title={value.preview}>
          {value.gone
            ? trans.__('collected: its artifact is no longer kept')
            : value.preview}
        </td>
      </tr>
      {open && (
        <tr>
          <td className="jp-KFRun-valueOpen" colSpan={from ? 5 : 4}>
            <ArtifactPreview digest={value.digest} name={name} />
            <Button
              kind="link"
              label={trans.__('Where it comes from and goes to')}
              onClick={() => onArtifact(value.digest)}
            />
          </td>
        </tr>
      )}
    </>
  );
}

function Logged(props: {
  entry: ArtifactEntry;
  onArtifact: (digest: string) => void;
}): JSX.Element {
  const { entry, onArtifact } = props;
  const { client, trans } = useSurroundings();
  const { name, artifact } = entry;
  const href = client.href('/artifacts/{digest}/content', {
    path: { digest: artifact.digest },
    query: {}
  });
  return (
    <div className="jp-KFRun-logged">
      <div>
        <b>{name}</b>{' '}
        <span className="jp-KFRun-dim">{size(artifact.size)}</span>{' '}
        {!artifact.gone && artifact.kind === 'file' && (
          <a className="jp-KFRun-link" href={href} download={name}>
            {trans.__('Download')}
          </a>
        )}{' '}
        <Button
          kind="link"
          label={trans.__('Lineage')}
          onClick={() => onArtifact(artifact.digest)}
        />
      </div>
      {artifact.gone ? (
        <div className="jp-KFRun-dim">
          {trans.__('collected: its artifact is no longer kept')}
        </div>
      ) : (
        <ArtifactPreview digest={artifact.digest} />
      )}
    </div>
  );
}
