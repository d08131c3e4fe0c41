/** Something to look at of an artifact: a table, an image, text. Nothing of it is run. */

import React from 'react';

import type { Preview } from '../api/types';
import { size } from '../words';
import { useSurroundings } from './context';
import { useLoaded } from './hooks';
import { Loading, Problem } from './parts';

export function ArtifactPreview(props: {
  digest: string;
  /** A variable of a bundle or a file of a folder. */
  name?: string;
}): JSX.Element {
  const { digest, name } = props;
  const { client } = useSurroundings();
  const preview = useLoaded(`${digest} ${name ?? ''}`, signal =>
    client.get(
      '/artifacts/{digest}/preview',
      { path: { digest }, query: { name } },
      signal
    )
  );
  if (preview.error) {
    return <Problem error={preview.error} />;
  }
  return preview.value ? <Shown preview={preview.value} /> : <Loading />;
}

function Shown({ preview }: { preview: Preview }): JSX.Element {
  const { trans } = useSurroundings();
  const { kind, name, shape, truncated } = preview;
  const more = [
    preview.type,
    shape?.length ? shape.join(' × ') : '',
    truncated ? trans.__('not all is shown') : ''
  ].filter(Boolean);
  return (
    <figure className="jp-KFRun-preview" data-kind={kind}>
      <Body preview={preview} />
      <figcaption className="jp-KFRun-dim">
        {[name, ...more].join(' · ')}
      </figcaption>
    </figure>
  );
}

function Body({ preview }: { preview: Preview }): JSX.Element {
  const { trans } = useSurroundings();
  const { kind, name, text, data } = preview;
  switch (kind) {
    case 'table':
      return <Table preview={preview} />;
    case 'image':
      return (
        <img
          src={`data:${preview.media_type ?? 'image/png'};base64,${data ?? ''}`}
          alt={name}
        />
      );
    case 'html':
      // a sandbox without any permission: no scripts, no forms, an origin of its own
      return (
        <iframe
          sandbox=""
          srcDoc={text ?? ''}
          title={name}
          referrerPolicy="no-referrer"
        />
      );
    case 'folder':
      return (
        <table className="jp-KFRun-table">
          <tbody>
            {preview.files?.map(file => (
              <tr key={file.name}>
                <td>{file.name}</td>
                <td className="jp-mod-number">{size(file.size)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      );
    case 'json':
    case 'text':
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre className="jp-KFRun-code" tabIndex={0} aria-label={name}>
          {kind === 'json' ? indented(text ?? '') : text}
        </pre>
      );
    case 'none':
      return (
        <div className="jp-KFRun-dim">
          {trans.__('There is no preview of this; it can be downloaded.')}
        </div>
      );
  }
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // cut in the middle
  }
}

function Table({ preview }: { preview: Preview }): JSX.Element {
  const { columns, rows } = preview;
  return (
    <div
      className="jp-KFRun-tableScroll"
      // what scrolls must be reachable by keyboard
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      role="region"
      aria-label={preview.name}
    >
      <table className="jp-KFRun-table">
        {columns && (
          <thead>
            <tr>
              {columns.map((column, i) => (
                <th key={i} scope="col" title={column.type}>
                  {column.name}
                  <div className="jp-KFRun-dim">{column.type}</div>
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows?.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
