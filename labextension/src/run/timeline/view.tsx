/** Who ran when: a row a step, a bar an attempt. */

import React, {
  memo,
  useEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent
} from 'react';

import type { Run } from '../../api/types';
import { visibleRows } from '../../logs/buffer';
import { useNow } from '../../runs/clock';
import { duration, isGoing, moment } from '../../words';
import { useSurroundings } from '../context';
import { useSize } from '../hooks';
import { Blank, Button, stepWord } from '../parts';
import type { IStepNow } from '../steps';
import {
  shifted,
  sinceLabel,
  timeline,
  timeTicks,
  zoomed,
  type IBar,
  type IRow,
  type Window
} from './model';

const ROW = 26;
const HEAD = 26;
/** The room that a bar's label takes, in pixels. */
const LABEL = 60;

interface ITimelineProps {
  run: Run;
  steps: ReadonlyMap<string, IStepNow>;
  step: string | null;
  onChoose: (step: string) => void;
}

export function Timeline(props: ITimelineProps): JSX.Element {
  const { run, steps, step, onChoose } = props;
  const { trans } = useSurroundings();
  const now = useNow(isGoing(run.state));
  const [hostRef, width, height] = useSize<HTMLDivElement>();
  const [top, setTop] = useState(0);
  // null: the whole, which grows with the run
  const [window, setWindow] = useState<Window | null>(null);
  const scroller = useRef<HTMLDivElement | null>(null);
  const line = timeline(run, steps, now);
  const whole: Window = [line.start, line.end];
  const shown = window ?? whole;
  const names = Math.min(220, Math.max(90, width * 0.25));
  const wide = Math.max(50, width - names - 16);
  const x = (time: number) =>
    ((time - shown[0]) / (shown[1] - shown[0])) * wide;

  const move = (next: Window) =>
    setWindow(next[1] - next[0] >= (whole[1] - whole[0]) * 0.999 ? null : next);
  useWheel(scroller, (event, left) => {
    if (event.ctrlKey || event.metaKey) {
      const about = shown[0] + ((left - names) / wide) * (shown[1] - shown[0]);
      move(zoomed(shown, about, event.deltaY > 0 ? 1.25 : 0.8, whole));
      return true;
    }
    if (event.shiftKey && window) {
      move(
        shifted(shown, (event.deltaY / wide) * (shown[1] - shown[0]), whole)
      );
      return true;
    }
    return false;
  });
  const zoom = (factor: number) =>
    move(zoomed(shown, (shown[0] + shown[1]) / 2, factor, whole));
  const drag = useDrag((by: number) => {
    if (window) {
      move(shifted(shown, (-by / wide) * (shown[1] - shown[0]), whole));
    }
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const at = line.rows.findIndex(row => row.step === step);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (to !== undefined && line.rows[to]) {
      event.preventDefault();
      onChoose(line.rows[to].step);
      const host = scroller.current;
      if (host && to * ROW < host.scrollTop) {
        host.scrollTop = to * ROW;
      } else if (host && (to + 2) * ROW > host.scrollTop + host.clientHeight) {
        host.scrollTop = (to + 2) * ROW - host.clientHeight;
      }
    } else if (event.key === '+' || event.key === '-') {
      zoom(event.key === '+' ? 0.6 : 1 / 0.6);
    } else if (window && event.key.startsWith('Arrow')) {
      event.preventDefault();
      const by = (shown[1] - shown[0]) / (event.key === 'ArrowLeft' ? -8 : 8);
      move(shifted(shown, by, whole));
    }
  };

  if (line.rows.length === 0) {
    return <Blank>{trans.__('No step has begun.')}</Blank>;
  }
  const [first, end] = visibleRows(line.rows.length, ROW, top, height);
  const ticks = timeTicks(shown, line.start, Math.max(2, wide / 90));
  const step0 = ticks.length > 1 ? ticks[1] - ticks[0] : shown[1] - shown[0];
  return (
    <div className="jp-KFRun-timeline" ref={hostRef}>
      <div className="jp-KFRun-timelineTools">
        <Button label={trans.__('Zoom in')} onClick={() => zoom(0.5)}>
          +
        </Button>
        <Button label={trans.__('Zoom out')} onClick={() => zoom(2)}>
          −
        </Button>
        <Button
          label={trans.__('Whole run')}
          disabled={window === null}
          onClick={() => setWindow(null)}
        />
        <span className="jp-KFRun-dim">
          {trans.__('Ctrl + wheel zooms, dragging moves')}
        </span>
      </div>
      <div
        className="jp-KFRun-timelineRows"
        ref={scroller}
        role="grid"
        aria-label={trans.__('When each step ran')}
        aria-rowcount={line.rows.length}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onScroll={event => setTop(event.currentTarget.scrollTop)}
        {...drag}
      >
        <div
          className="jp-KFRun-timelineHead"
          aria-hidden="true"
          style={{ height: HEAD }}
        >
          {ticks.map(tick => (
            <span key={tick} style={{ left: names + x(tick) }}>
              {sinceLabel(tick - line.start, step0)}
            </span>
          ))}
        </div>
        <div
          className="jp-KFRun-timelineAll"
          role="rowgroup"
          style={{ height: line.rows.length * ROW }}
        >
          {ticks.map(tick => (
            <i
              key={tick}
              aria-hidden="true"
              style={{ left: names + x(tick) }}
            />
          ))}
          {line.rows.slice(first, end).map((row, i) => (
            <Row
              key={row.step}
              row={row}
              at={first + i}
              names={names}
              wide={wide}
              shown={shown}
              chosen={row.step === step}
              onChoose={onChoose}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

const Row = memo(function Row(props: {
  row: IRow;
  at: number;
  names: number;
  wide: number;
  shown: Window;
  chosen: boolean;
  onChoose: (step: string) => void;
}) {
  const { row, at, names, wide, shown, chosen, onChoose } = props;
  const [from, to] = shown;
  const x = (time: number) => ((time - from) / (to - from)) * wide;
  return (
    <div
      role="row"
      aria-rowindex={at + 1}
      aria-selected={chosen}
      className="jp-KFRun-timelineRow"
      style={{ top: at * ROW, height: ROW }}
    >
      <button
        type="button"
        role="gridcell"
        tabIndex={-1}
        className="jp-KFRun-timelineName"
        style={{ width: names }}
        title={row.step}
        onClick={() => onChoose(row.step)}
      >
        {row.step}
      </button>
      <div
        role="gridcell"
        className="jp-KFRun-timelineBars"
        style={{ left: names, width: wide }}
      >
        {row.bars
          .filter(bar => bar.end >= from && bar.start <= to)
          .map(bar => {
            const left = Math.max(-4, x(bar.start));
            const right = Math.min(wide + 4, x(bar.end));
            return (
              <Bar
                key={bar.execution.id}
                bar={bar}
                left={left}
                width={right - left}
                room={wide - right}
                onChoose={onChoose}
              />
            );
          })}
      </div>
    </div>
  );
});

function Bar(props: {
  bar: IBar;
  left: number;
  width: number;
  room: number;
  onChoose: (step: string) => void;
}): JSX.Element {
  const { trans } = useSurroundings();
  const { bar, left, width, room, onChoose } = props;
  const { execution } = bar;
  const took = duration((bar.end - bar.start) / 1000);
  const word = bar.cached
    ? trans.__('from the cache')
    : stepWord(bar.state, trans);
  const said = [
    execution.step,
    trans.__('attempt %1', execution.attempt),
    word,
    took,
    moment(execution.started)
  ].join(', ');
  return (
    <button
      type="button"
      tabIndex={-1}
      className="jp-KFRun-bar"
      data-state={bar.state}
      data-cached={bar.cached || undefined}
      style={{ left, width: Math.max(bar.cached ? 8 : 3, width) }}
      title={said}
      aria-label={said}
      onClick={() => onChoose(execution.step)}
    >
      {(room > LABEL || left > LABEL) && (
        <span className={room > LABEL ? undefined : 'jp-mod-before'}>
          {bar.cached ? trans.__('cached') : took}
        </span>
      )}
    </button>
  );
}

/** Listen to the wheel where React's own listener could not keep the page from scrolling. */
function useWheel(
  ref: React.RefObject<HTMLElement>,
  onWheel: (event: WheelEvent, left: number) => boolean
): void {
  const handler = useRef(onWheel);
  handler.current = onWheel;
  useEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const listener = (event: WheelEvent) => {
      const { left } = element.getBoundingClientRect();
      if (handler.current(event, event.clientX - left)) {
        event.preventDefault();
      }
    };
    element.addEventListener('wheel', listener, { passive: false });
    return () => element.removeEventListener('wheel', listener);
  });
}

/** Tell how far the pointer was dragged. */
function useDrag(onDrag: (by: number) => void): {
  onPointerDown: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
} {
  const last = useRef<number | null>(null);
  return {
    onPointerDown: event => {
      last.current = event.button === 0 ? event.clientX : null;
    },
    onPointerMove: event => {
      if (last.current !== null && event.buttons === 1) {
        onDrag(event.clientX - last.current);
        last.current = event.clientX;
      }
    }
  };
}
