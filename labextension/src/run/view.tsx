/** A run in the main area: its head, its views, the pane of a chosen step. */

import React, {
  lazy,
  Suspense,
  useCallback,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent
} from 'react';

import { Artifacts } from '../lineage/view';
import { AllLogs } from '../logs/view';
import { Environment } from './environment';
import { Header } from './header';
import { useRun, useSize } from './hooks';
import { RunMetrics } from './metrics';
import type { RunModel } from './model';
import { Blank, Loading, Problem, Tabs } from './parts';
import { useSource, RunSource } from './source';
import { StepPane } from './step';
import { stepOfInterest } from './steps';
import { Timeline } from './timeline/view';
import { useSurroundings } from './context';

const Graph = lazy(() => import('./graph/view'));

/** Where one is in the view of a run; kept over a reload of the page. */
export interface IRunPlace {
  readonly view: string;
  /** The step whose pane is open; null for none, undefined while nobody has chosen. */
  readonly step?: string | null;
  readonly tab: string;
  readonly artifact: string | null;
}

export const START: IRunPlace = {
  view: 'graph',
  tab: 'outputs',
  artifact: null
};

interface IRunViewProps {
  model: RunModel;
  place: IRunPlace;
  onPlace: (change: Partial<IRunPlace>) => void;
}

/** Views that a step's pane stands beside; the others need the room themselves. */
const BESIDE: ReadonlySet<string> = new Set(['graph', 'timeline', 'source']);

/** Below this width the step's pane goes below the view, in pixels. */
const NARROW = 760;

export function RunView(props: IRunViewProps): JSX.Element {
  const { model, place, onPlace } = props;
  const { trans } = useSurroundings();
  const now = useRun(model);
  const { run, pipeline, steps } = now;
  const [ref, width] = useSize<HTMLDivElement>();
  const source = useSource(model.id, run?.resumes ?? 0);
  const key = [...steps.keys()].join('\n');
  const names = useMemo(() => (key ? key.split('\n') : []), [key]);
  const onStep = useCallback((step: string) => onPlace({ step }), [onPlace]);
  const onArtifact = useCallback(
    (artifact: string) => onPlace({ view: 'artifacts', artifact }),
    [onPlace]
  );
  if (now.deleted) {
    return <Blank>{trans.__('This run was deleted.')}</Blank>;
  }
  if (run === null) {
    return now.error ? (
      <Problem error={now.error} onRetry={() => void model.load()} />
    ) : (
      <Loading />
    );
  }
  const step =
    place.step === undefined ? stepOfInterest(run, steps) : place.step;
  const open = step !== null && steps.has(step) ? step : null;
  const views = [
    { id: 'graph', label: trans.__('Graph') },
    { id: 'timeline', label: trans.__('Timeline') },
    { id: 'metrics', label: trans.__('Metrics') },
    { id: 'logs', label: trans.__('Logs') },
    { id: 'artifacts', label: trans.__('Artifacts') },
    { id: 'source', label: trans.__('Source') },
    { id: 'environment', label: trans.__('Environment') }
  ];
  const view = views.some(one => one.id === place.view) ? place.view : 'graph';
  const beside = open !== null && BESIDE.has(view);
  const body = () => {
    switch (view) {
      case 'timeline':
        return (
          <Timeline run={run} steps={steps} step={open} onChoose={onStep} />
        );
      case 'metrics':
        return <RunMetrics run={run} />;
      case 'logs':
        return <AllLogs steps={steps} />;
      case 'artifacts':
        return (
          <Artifacts
            run={run}
            chosen={place.artifact}
            onChoose={onArtifact}
            onStep={step => onPlace({ view: 'graph', step })}
          />
        );
      case 'source':
        return (
          <RunSource
            source={source}
            step={open}
            path={run.path}
            onChoose={onStep}
          />
        );
      case 'environment':
        return <Environment run={run.id} />;
      default:
        return names.length === 0 ? (
          <Blank>{trans.__('No step has begun.')}</Blank>
        ) : (
          <Suspense fallback={<Loading />}>
            <Graph
              model={model}
              pipeline={pipeline}
              names={names}
              step={open}
              onChoose={onStep}
            />
          </Suspense>
        );
    }
  };
  return (
    <div className="jp-KFRun" ref={ref}>
      <Header
        model={model}
        run={run}
        told={beside && Boolean(steps.get(open)?.latest?.error)}
      />
      <Split below={width < NARROW} label={trans.__('Size of the step’s pane')}>
        <Tabs
          label={trans.__('Views of the run')}
          tabs={views}
          chosen={view}
          onChoose={id => onPlace({ view: id })}
        >
          {body()}
        </Tabs>
        {beside && (
          <StepPane
            key={open}
            model={model}
            run={run}
            pipeline={pipeline}
            source={source}
            name={open}
            tab={place.tab}
            onTab={tab => onPlace({ tab })}
            onStep={onStep}
            onArtifact={onArtifact}
            onClose={() => onPlace({ step: null })}
          />
        )}
      </Split>
    </div>
  );
}

/** Two panes with a bar between them that can be moved, also by arrow keys; one alone takes all. */
function Split(props: {
  below: boolean;
  label: string;
  children: [JSX.Element, JSX.Element | false];
}): JSX.Element {
  const { below, label, children } = props;
  const [first, second] = children;
  const [share, setShare] = useState(46);
  const host = useRef<HTMLDivElement>(null);
  const set = (percent: number) =>
    setShare(Math.min(80, Math.max(20, Math.round(percent))));
  const onPointerMove = (event: PointerEvent) => {
    const box = host.current?.getBoundingClientRect();
    if (box && event.currentTarget.hasPointerCapture(event.pointerId)) {
      set(
        below
          ? (100 * (box.bottom - event.clientY)) / box.height
          : (100 * (box.right - event.clientX)) / box.width
      );
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: 2, ArrowUp: 2, ArrowRight: -2, ArrowDown: -2 }[
      event.key
    ];
    if (by !== undefined) {
      event.preventDefault();
      set(share + by);
    }
  };
  return (
    <div ref={host} className="jp-KFRun-split" data-below={below || undefined}>
      <div className="jp-KFRun-pane">{first}</div>
      {second && (
        <>
          {/* a separator that can be moved is a widget: WAI-ARIA's window splitter */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
          <div
            className="jp-KFRun-splitter"
            role="separator"
            aria-orientation={below ? 'horizontal' : 'vertical'}
            aria-label={label}
            aria-valuenow={share}
            aria-valuemin={20}
            aria-valuemax={80}
            // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
            tabIndex={0}
            onKeyDown={onKeyDown}
            onPointerDown={event =>
              event.currentTarget.setPointerCapture(event.pointerId)
            }
            onPointerMove={onPointerMove}
          />
          <div className="jp-KFRun-pane" style={{ flex: `0 0 ${share}%` }}>
            {second}
          </div>
        </>
      )}
    </div>
  );
}
