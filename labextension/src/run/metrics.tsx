/** The metrics of an open run, or of one of its steps, as they are logged. */

import React, { useMemo } from 'react';

import type { Run } from '../api/types';
import { MetricsView } from '../plots/view';
import { useNow } from '../runs/clock';
import { isGoing } from '../words';
import { useSurroundings } from './context';
import { useLoaded } from './hooks';
import { Loading, Problem } from './parts';

/** How often curves are asked for anew while the run goes on, in milliseconds. */
const OFTEN = 2000;

export function RunMetrics(props: {
  run: Run;
  /** Only those of this step. */
  step?: string;
}): JSX.Element {
  const { run, step } = props;
  const { client } = useSurroundings();
  const going = isGoing(run.state);
  const now = useNow(going);
  const beat = going ? Math.floor(now / OFTEN) : run.state;
  const loaded = useLoaded(`${run.id} ${step ?? ''} ${beat}`, signal =>
    client.get(
      '/runs/{run}/metrics',
      { path: { run: run.id }, query: { step } },
      signal
    )
  );
  const curves = loaded.value?.curves;
  const runs = useMemo(
    () => (curves ? [{ run: run.id, label: run.name, curves }] : []),
    [curves, run.id, run.name]
  );
  if (!curves) {
    return loaded.error ? <Problem error={loaded.error} /> : <Loading />;
  }
  return <MetricsView runs={runs} going={going} />;
}
