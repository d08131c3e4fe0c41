/** What a run ran in: Python, the machine, packages, the state of the code's repository. */

import React, { useState } from 'react';

import { value as said } from '../words';
import { useSurroundings } from './context';
import { useLoaded } from './hooks';
import { Blank, Loading, Problem } from './parts';

/** Tables with more rows than this can be searched. */
const MANY = 20;

export function Environment({ run }: { run: string }): JSX.Element {
  const { client, trans } = useSurroundings();
  const [words, setWords] = useState('');
  const loaded = useLoaded(run, signal =>
    client.get('/runs/{run}/environment', { path: { run } }, signal)
  );
  if (!loaded.value) {
    return loaded.error ? <Problem error={loaded.error} /> : <Loading />;
  }
  const facts = Object.entries(loaded.value as Record<string, unknown>);
  const plain = facts.filter(([, it]) => !isTable(it));
  const tables = facts.filter(
    (fact): fact is [string, Record<string, unknown>] => isTable(fact[1])
  );
  if (facts.length === 0) {
    return <Blank>{trans.__('The environment was not recorded.')}</Blank>;
  }
  const many = tables.some(([, table]) => Object.keys(table).length > MANY);
  const wanted = (name: string) =>
    name.toLowerCase().includes(words.trim().toLowerCase());
  return (
    <div className="jp-KFRun-scroll">
      <Facts facts={plain} />
      {many && (
        <input
          type="search"
          className="jp-KFRun-input"
          placeholder={trans.__('Filter')}
          aria-label={trans.__('Filter the environment')}
          value={words}
          onChange={event => setWords(event.target.value)}
        />
      )}
      {tables.map(([name, table]) => (
        <section key={name}>
          <h3>{name}</h3>
          <Facts facts={Object.entries(table).filter(([key]) => wanted(key))} />
        </section>
      ))}
    </div>
  );
}

function Facts({
  facts
}: {
  facts: readonly (readonly [string, unknown])[];
}): JSX.Element {
  return (
    <table className="jp-KFRun-table jp-mod-facts">
      <tbody>
        {facts.map(([name, it]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{shown(it)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function shown(it: unknown): string {
  if (it === null) {
    return '–';
  }
  if (Array.isArray(it)) {
    return it.map(said).join(', ');
  }
  return isTable(it)
    ? Object.entries(it)
        .map(([name, one]) => `${name}=${said(one)}`)
        .join(', ')
    : said(it);
}

function isTable(it: unknown): it is Record<string, unknown> {
  return typeof it === 'object' && it !== null && !Array.isArray(it);
}
