/** The graph of a run. Loaded when it is first shown, with React Flow and dagre. */

import '@xyflow/react/dist/base.css';

import {
  Background,
  BaseEdge,
  Controls,
  EdgeLabelRenderer,
  getBezierPath,
  Handle,
  MiniMap,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Edge,
  type EdgeProps,
  type Node,
  type NodeProps,
  type ReactFlowState
} from '@xyflow/react';
import React, {
  createContext,
  memo,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent
} from 'react';

import type { Pipeline } from '../../api/types';
import { useNow } from '../../runs/clock';
import { duration, isGoing } from '../../words';
import { useSurroundings } from '../context';
import { useSize, useStep } from '../hooks';
import type { RunModel } from '../model';
import { Sign, stepWord } from '../parts';
import { secondsOf, stateOf } from '../steps';
import { laidOut } from './dagre';
import {
  LARGE,
  neighbour,
  type Direction,
  type IBox,
  type IPlace
} from './layout';

/** The size of a step's box in pixels. */
const BOX = { width: 190, height: 48 };

interface IChosen {
  readonly model: RunModel;
  readonly step: string | null;
  readonly choose: (step: string) => void;
}

const Chosen = createContext<IChosen | null>(null);

type StepNode = Node<{ label: string }, 'step'>;
type ValueEdge = Edge<{ names: string[] }, 'value'>;

interface IGraphProps {
  model: RunModel;
  pipeline: Pipeline | null;
  names: readonly string[];
  step: string | null;
  onChoose: (step: string) => void;
}

export default function Graph(props: IGraphProps): JSX.Element {
  const { model, step, onChoose } = props;
  const chosen = useMemo(
    () => ({ model, step, choose: onChoose }),
    [model, step, onChoose]
  );
  return (
    <Chosen.Provider value={chosen}>
      <ReactFlowProvider>
        <Flow {...props} />
      </ReactFlowProvider>
    </Chosen.Provider>
  );
}

const NODE_TYPES = { step: memo(StepBox) };
const EDGE_TYPES = { value: memo(ValueLine) };
const NO_EDGES: Pipeline['edges'] = [];

function Flow(props: IGraphProps): JSX.Element {
  const { pipeline, names, step, onChoose } = props;
  const { trans } = useSurroundings();
  const flow = useReactFlow();
  const far = useStore(isFar);
  const host = useRef<HTMLDivElement | null>(null);
  const lines = pipeline?.edges ?? NO_EDGES;
  const key = names.join('\n');
  const { nodes, edges, places } = useMemo(
    () => drawn(key ? key.split('\n') : [], lines),
    [key, lines]
  );
  const large = nodes.length > LARGE;
  const [sizeRef, width, height] = useSize<HTMLDivElement>();
  const moved = useRef(false);
  useEffect(() => {
    // as long as nobody has moved it the graph fits the room it has
    if (!moved.current && width > 0) {
      void flow.fitView(FIT);
    }
  }, [flow, nodes, width, height]);
  useEffect(() => {
    const place = step === null ? undefined : places.get(step);
    if (place && width > 0) {
      const { x, y, zoom } = flow.getViewport();
      const left = place.x * zoom + x;
      const top = place.y * zoom + y;
      const seen =
        left >= 0 &&
        top >= 0 &&
        left + BOX.width * zoom <= width &&
        top + BOX.height * zoom <= height;
      if (!seen && moved.current) {
        void flow.setCenter(place.x + BOX.width / 2, place.y + BOX.height / 2, {
          zoom,
          duration: 150
        });
      }
    }
  }, [flow, places, step, width, height]);
  const focus = useCallback(
    (id: string) => {
      const place = places.get(id);
      moved.current = true;
      if (place) {
        const zoom = Math.max(flow.getZoom(), 0.6);
        void flow.setCenter(place.x + BOX.width / 2, place.y + BOX.height / 2, {
          zoom,
          duration: 150
        });
      }
      // a box that was out of view is drawn in the next frame
      requestAnimationFrame(() =>
        requestAnimationFrame(() =>
          host.current
            ?.querySelector<HTMLElement>(
              `.react-flow__node[data-id="${CSS.escape(id)}"] .jp-KFRun-box`
            )
            ?.focus()
        )
      );
    },
    [flow, places]
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = DIRECTIONS[event.key];
    const from = (event.target as HTMLElement).dataset.step;
    if (direction && from !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      const to = neighbour(from, direction, places, lines);
      if (to !== null) {
        onChoose(to);
        focus(to);
      }
    }
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={element => {
        host.current = element;
        sizeRef(element);
      }}
      className={`jp-KFRun-graph ${far ? 'jp-mod-far' : ''}`}
      role="group"
      aria-label={trans.__('Steps and the values between them')}
      onKeyDown={onKeyDown}
    >
      <ReactFlow<StepNode, ValueEdge>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        onlyRenderVisibleElements={large}
        disableKeyboardA11y
        onMove={event => {
          // null where the graph was moved by its own controls or by us
          moved.current ||= event !== null;
        }}
        deleteKeyCode={null}
        fitView
        fitViewOptions={FIT}
        minZoom={0.03}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={24} />
        <Controls
          showInteractive={false}
          fitViewOptions={FIT}
          aria-label={trans.__('Zoom')}
        />
        {large && (
          <MiniMap
            pannable
            zoomable
            nodeClassName={node => (node.id === step ? 'jp-mod-chosen' : '')}
            ariaLabel={trans.__('Overview of all steps')}
          />
        )}
      </ReactFlow>
    </div>
  );
}

/** Whether the graph is seen from so far away that only colours can be told. */
function isFar({ transform }: ReactFlowState): boolean {
  return transform[2] < 0.4;
}

/** Small graphs are not blown up. */
const FIT = { maxZoom: 1, padding: 0.08 };

const DIRECTIONS: Record<string, Direction | undefined> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down'
};

/** Boxes and lines, which stay as they are while states change. */
function drawn(
  names: readonly string[],
  lines: Pipeline['edges']
): {
  nodes: StepNode[];
  edges: ValueEdge[];
  places: ReadonlyMap<string, IPlace>;
} {
  const boxes: IBox[] = names.map(id => ({ id, ...BOX }));
  const places = laidOut(boxes, lines);
  const nodes = names.map((id): StepNode => ({
    id,
    type: 'step',
    data: { label: id },
    position: places.get(id) ?? { x: 0, y: 0 },
    // the size is known ahead, so nothing has to be measured before the first paint
    width: BOX.width,
    height: BOX.height,
    measured: BOX,
    handles: [
      {
        type: 'target',
        position: Position.Left,
        x: 0,
        y: BOX.height / 2,
        width: 1,
        height: 1
      },
      {
        type: 'source',
        position: Position.Right,
        x: BOX.width,
        y: BOX.height / 2,
        width: 1,
        height: 1
      }
    ]
  }));
  const edges = lines.map(({ source, target, names }): ValueEdge => ({
    id: JSON.stringify([source, target]),
    source,
    target,
    type: 'value',
    data: { names }
  }));
  return { nodes, edges, places };
}

function StepBox({ id }: NodeProps<StepNode>): JSX.Element {
  const { model, step: chosen, choose } = useChosen();
  const { trans } = useSurroundings();
  const step = useStep(model, id);
  const latest = step?.latest ?? null;
  const state = step ? stateOf(step) : 'NONE';
  const now = useNow(latest !== null && isGoing(latest.state));
  const took = duration(secondsOf(latest, now));
  const word = latest?.cached
    ? trans.__('from the cache')
    : stepWord(state, trans);
  const attempts = step?.attempts.length ?? 0;
  const progress = latest?.progress;
  return (
    <button
      type="button"
      className="jp-KFRun-box"
      data-step={id}
      data-state={state}
      data-cached={latest?.cached || undefined}
      aria-pressed={chosen === id}
      aria-label={[id, word, took].filter(Boolean).join(', ')}
      title={[id, word, latest?.error?.message ?? latest?.reason]
        .filter(Boolean)
        .join('\n')}
      tabIndex={chosen === id || chosen === null ? 0 : -1}
      onClick={() => choose(id)}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Sign state={state} />
      <span className="jp-KFRun-boxText">
        <span className="jp-KFRun-boxName">{id}</span>
        <span className="jp-KFRun-dim">
          {progress && isGoing(latest.state)
            ? trans.__('%1 of %2 cells', progress.done, progress.total)
            : word}
          {took && !latest?.cached && ` · ${took}`}
          {attempts > 1 && ` · ${trans.__('attempt %1', attempts)}`}
        </span>
      </span>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </button>
  );
}

/** A line between two boxes; what travels along it shows while the pointer is on it. */
function ValueLine(props: EdgeProps<ValueEdge>): JSX.Element {
  const { data, source, target } = props;
  const { step } = useChosen();
  const { trans } = useSurroundings();
  const [over, setOver] = useState(false);
  const [path, x, y] = getBezierPath(props);
  const names = data?.names ?? [];
  const near = step === source || step === target;
  const label = names.length ? shortened(names) : trans.__('order only');
  return (
    <>
      <BaseEdge
        path={path}
        interactionWidth={0}
        className={[
          'jp-KFRun-line',
          names.length ? '' : 'jp-mod-order',
          near || over ? 'jp-mod-near' : ''
        ].join(' ')}
      />
      <path
        d={path}
        className="jp-KFRun-lineReach"
        onMouseEnter={() => setOver(true)}
        onMouseLeave={() => setOver(false)}
      />
      {over && (
        <EdgeLabelRenderer>
          <div
            className="jp-KFRun-lineLabel"
            style={{
              transform: `translate(-50%, -50%) translate(${x}px, ${y}px)`
            }}
          >
            {label}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

/** The first names of many. */
function shortened(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} … (+${names.length - 8})` : shown;
}

function useChosen(): IChosen {
  const chosen = useContext(Chosen);
  if (!chosen) {
    throw new Error('A part of the graph is drawn outside of it.');
  }
  return chosen;
}
