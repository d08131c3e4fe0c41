/** Lines of a log: only those in view are drawn; searched, followed, coloured as in a terminal. */

import React, {
  memo,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode
} from 'react';

import { useSurroundings } from '../run/context';
import { useSize } from '../run/hooks';
import { Button } from '../run/parts';
import { plain, spans } from './ansi';
import {
  matches,
  visibleRows,
  type ILine,
  type IMatch,
  type LogBuffer
} from './buffer';

/** The height of a line in pixels, also in the sheet. */
const ROW = 18;
/** Nearer to the end than this, in pixels, the log is followed. */
const NEAR = 24;

interface ILogViewerProps {
  buffer: LogBuffer;
  /** Goes up with each change of the buffer. */
  version: number;
  /** Whether more may come. */
  going: boolean;
  label: string;
  /** What an empty log says. */
  empty: string;
  /** More tools, before the search. */
  children?: ReactNode;
}

export function LogViewer(props: ILogViewerProps): JSX.Element {
  const { buffer, version, going, label, empty, children } = props;
  const { trans } = useSurroundings();
  const [words, setWords] = useState('');
  const [current, setCurrent] = useState(0);
  const [following, setFollowing] = useState(true);
  const [top, setTop] = useState(0);
  const [hostRef, , height] = useSize<HTMLDivElement>();
  const host = useRef<HTMLDivElement | null>(null);
  const count = buffer.lines.length;

  // the buffer is the same object: its version says when it is to be searched anew
  const found = useMemo(
    () => matches(buffer.lines, words),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [buffer, version, words]
  );
  const byLine = useMemo(() => grouped(found), [found]);
  const match = found.length
    ? found[Math.min(current, found.length - 1)]
    : null;

  useLayoutEffect(() => {
    const element = host.current;
    if (element && following) {
      element.scrollTop = element.scrollHeight;
    }
  }, [version, following, height, buffer]);
  useEffect(() => {
    const element = host.current;
    if (element && match) {
      setFollowing(false);
      element.scrollTop = match.line * ROW - element.clientHeight / 2;
    }
    // a log that grows does not move away from what is looked at
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [current, words]);

  const step = (by: number) => {
    if (found.length) {
      setCurrent((current + by + found.length) % found.length);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      step(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      setWords('');
    }
  };
  const onScroll = () => {
    const element = host.current;
    if (element) {
      setTop(element.scrollTop);
      const left =
        element.scrollHeight - element.scrollTop - element.clientHeight;
      setFollowing(left < NEAR);
    }
  };
  const [first, end] = visibleRows(count, ROW, top, height);
  return (
    <div className="jp-KFRun-log">
      <div className="jp-KFRun-tools">
        {children}
        <input
          type="search"
          className="jp-KFRun-input"
          placeholder={trans.__('Search')}
          aria-label={trans.__('Search the log')}
          value={words}
          onChange={event => {
            setWords(event.target.value);
            setCurrent(0);
          }}
          onKeyDown={onKeyDown}
        />
        {words && (
          <>
            <span className="jp-KFRun-dim" aria-live="polite">
              {found.length
                ? trans.__(
                    '%1 of %2',
                    Math.min(current, found.length - 1) + 1,
                    found.length
                  )
                : trans.__('not found')}
            </span>
            <Button
              label={trans.__('Previous match')}
              disabled={!found.length}
              onClick={() => step(-1)}
            >
              ↑
            </Button>
            <Button
              label={trans.__('Next match')}
              disabled={!found.length}
              onClick={() => step(1)}
            >
              ↓
            </Button>
          </>
        )}
        {!following && count > 0 && (
          <Button
            label={going ? trans.__('Follow') : trans.__('To the end')}
            onClick={() => setFollowing(true)}
          />
        )}
      </div>
      {buffer.dropped > 0 && (
        <div className="jp-KFRun-dim">
          {trans.__(
            'The first %1 lines are not shown; the download has them.',
            buffer.dropped
          )}
        </div>
      )}
      {count === 0 && <div className="jp-KFRun-blank">{empty}</div>}
      {/* a region that scrolls must be reachable by keyboard */}
      <div
        className="jp-KFRun-logLines jp-RenderedText"
        ref={element => {
          host.current = element;
          hostRef(element);
        }}
        hidden={count === 0}
        role="log"
        aria-label={label}
        aria-live="off"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={onScroll}
      >
        <pre style={{ height: count * ROW }}>
          <div style={{ transform: `translateY(${first * ROW}px)` }}>
            {buffer.lines.slice(first, end).map((line, i) => (
              <Line
                key={first + i}
                line={line}
                found={byLine.get(first + i)}
                current={match?.line === first + i ? match.start : -1}
              />
            ))}
          </div>
        </pre>
      </div>
    </div>
  );
}

const Line = memo(function Line(props: {
  line: ILine;
  found: readonly IMatch[] | undefined;
  current: number;
}) {
  const { line, found, current } = props;
  if (line.heading) {
    return <div className="jp-KFRun-logHeading">{line.text}</div>;
  }
  if (found) {
    return <div>{marked(plain(line.text), found, current)}</div>;
  }
  const [parts] = spans(line.text, line.look);
  return (
    <div>
      {parts.length === 0
        ? '\u200b'
        : parts.map((part, i) =>
            part.classes || part.style ? (
              <span key={i} className={part.classes} style={part.style}>
                {part.text}
              </span>
            ) : (
              part.text
            )
          )}
    </div>
  );
});

/** A line with the places that a search met; its colours rest meanwhile. */
function marked(
  text: string,
  found: readonly IMatch[],
  current: number
): ReactNode[] {
  const out: ReactNode[] = [];
  let at = 0;
  for (const { start, length } of found) {
    out.push(text.slice(at, start));
    out.push(
      <mark
        key={start}
        className={start === current ? 'jp-mod-current' : undefined}
      >
        {text.slice(start, start + length)}
      </mark>
    );
    at = start + length;
  }
  out.push(text.slice(at));
  return out;
}

function grouped(found: readonly IMatch[]): Map<number, IMatch[]> {
  const out = new Map<number, IMatch[]>();
  for (const match of found) {
    const list = out.get(match.line);
    if (list) {
      list.push(match);
    } else {
      out.set(match.line, [match]);
    }
  }
  return out;
}
