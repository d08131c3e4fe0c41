/** The graph of a run. Loaded when it is first shown, with React Flow and dagre. */

import '@xyflow/react/dist/base.css';

import {
  Background,
  BaseEdge,
  Controls,
  EdgeLabelRenderer,
  Handle,
  getBezierPath,
  MiniMap,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  ViewportPortal,
  type Edge,
  type EdgeProps,
  type MiniMapNodeProps,
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

/** Draws anew only when the steps or the chosen one are others: states are followed box by box. */
export default memo(function Graph(props: IGraphProps): JSX.Element {
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
});

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
  // a large graph has one path for all its lines: those at the chosen step are drawn upon it one by one
  const shownEdges = useMemo(
    () =>
      large
        ? edges.filter(edge => edge.source === step || edge.target === step)
        : edges,
    [large, edges, step]
  );
  const allLines = useMemo(
    () => (large ? allPaths(lines, places) : ''),
    [large, lines, places]
  );
  const [sizeRef, width, height] = useSize<HTMLDivElement>();
  const moved = useRef(false);
  useEffect(() => {
    // as long as nobody has moved it a graph fits the room it has, and a large one shows where it begins
    if (!moved.current && width > 0) {
      if (large) {
        void flow.setViewport(beginning(places, height));
      } else {
        void flow.fitView(FIT);
      }
    }
  }, [flow, nodes, places, large, width, height]);
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
      if (!seen && (large || moved.current)) {
        moved.current = true;
        const [x, y] = [place.x + BOX.width / 2, place.y + BOX.height / 2];
        void flow.setCenter(x, y, { zoom, duration: 150 });
        // a box that went out of view took the focus with it
        const timer = setTimeout(() => {
          if (document.activeElement === document.body) {
            boxOf(host.current, step)?.focus({ preventScroll: true });
          }
        }, 250);
        return () => clearTimeout(timer);
      }
    }
    return undefined;
  }, [flow, places, large, step, width, height]);
  const onMoved = useCallback(() => {
    moved.current = true;
  }, []);
  const onMove = useCallback((event: unknown) => {
    // null where the graph was moved by its own controls or by us
    moved.current ||= event !== null;
  }, []);
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
        requestAnimationFrame(() => boxOf(host.current, id)?.focus())
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
        edges={shownEdges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        onlyRenderVisibleElements={large}
        disableKeyboardA11y
        onMove={onMove}
        deleteKeyCode={null}
        fitView={!large}
        fitViewOptions={FIT}
        minZoom={0.03}
        maxZoom={2}
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={24} />
        {large && (
          <ViewportPortal>
            <svg className="jp-KFRun-allLines" aria-hidden="true">
              <path d={allLines} />
            </svg>
          </ViewportPortal>
        )}
        <Controls
          showInteractive={false}
          onZoomIn={onMoved}
          onZoomOut={onMoved}
          onFitView={large ? onMoved : undefined}
          fitViewOptions={FIT}
          aria-label={trans.__('Zoom')}
        />
        {large && (
          <MiniMap
            pannable
            zoomable
            nodeComponent={MiniStep}
            ariaLabel={trans.__('Overview of all steps')}
          />
        )}
      </ReactFlow>
    </div>
  );
}

/** The zoom at which a large graph is first seen: its boxes can be read. */
const READABLE = 0.7;

/** Where a large graph begins: its first layer at the left, its middle in the middle. */
function beginning(
  places: ReadonlyMap<string, IPlace>,
  height: number
): { x: number; y: number; zoom: number } {
  const all = [...places.values()];
  const left = Math.min(...all.map(place => place.x));
  const top = Math.min(...all.map(place => place.y));
  const bottom = Math.max(...all.map(place => place.y)) + BOX.height;
  const tall = (bottom - top) * READABLE;
  return {
    x: 32 - left * READABLE,
    y: (tall < height ? (height - tall) / 2 : 32) - top * READABLE,
    zoom: READABLE
  };
}

/** All lines as one path. */
function allPaths(
  lines: Pipeline['edges'],
  places: ReadonlyMap<string, IPlace>
): string {
  let out = '';
  for (const { source, target } of lines) {
    const from = places.get(source);
    const to = places.get(target);
    if (from && to) {
      const [path] = getBezierPath({
        sourceX: from.x + BOX.width,
        sourceY: from.y + BOX.height / 2,
        sourcePosition: Position.Right,
        targetX: to.x,
        targetY: to.y + BOX.height / 2,
        targetPosition: Position.Left
      });
      out += path;
    }
  }
  return out;
}

function boxOf(graph: HTMLElement | null, step: string | null) {
  return graph?.querySelector<HTMLElement>(
    `.jp-KFRun-box[data-step="${CSS.escape(step ?? '')}"]`
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
      {/* where lines end: React Flow measures them */}
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
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
    </button>
  );
}

/** A step on the overview of a large graph. */
function MiniStep({ id, x, y, width, height }: MiniMapNodeProps): JSX.Element {
  const { model, step: chosen } = useChosen();
  const step = useStep(model, id);
  return (
    <rect
      className={`jp-KFRun-miniStep ${id === chosen ? 'jp-mod-chosen' : ''}`}
      data-state={step ? stateOf(step) : 'NONE'}
      x={x}
      y={y}
      width={width}
      height={height}
    />
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
