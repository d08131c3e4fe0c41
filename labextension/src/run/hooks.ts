/** React hooks that the views share. */

import { useEffect, useRef, useState, useSyncExternalStore } from 'react';

import { asApiError, type ApiError } from '../api/errors';
import type { IRunNow, RunModel } from './model';
import type { IStepNow } from './steps';

/** What is asked of the server: on its way, there, or refused. */
export interface ILoaded<T> {
  readonly value: T | null;
  readonly error: ApiError | null;
  readonly loading: boolean;
}

/** Follow a run. */
export function useRun(model: RunModel): IRunNow {
  return useSyncExternalStore(model.subscribe, model.snapshot);
}

/** Follow one step: draws anew only when this step is different. */
export function useStep(model: RunModel, name: string): IStepNow | null {
  return useSyncExternalStore(
    model.subscribe,
    () => model.snapshot().steps.get(name) ?? null
  );
}

/**
 * Ask once for each `key`, and again whenever it changes; an old answer stays in view until the new one is there.
 *
 * One question is under way at a time: where keys change faster than answers come, the last key is asked for next, so
 * that a slow server still shows something. What is shown for another subject altogether wants a component of its own.
 *
 * @param key what the answer depends on
 */
export function useLoaded<T>(
  key: string,
  ask: (signal: AbortSignal) => Promise<T>
): ILoaded<T> {
  const [state, setState] = useState<ILoaded<T>>(NOTHING_YET);
  const latest = useRef({ key, ask });
  latest.current = { key, ask };
  const stop = useRef<AbortController | null>(null);
  const busy = useRef(false);
  useEffect(() => {
    if (busy.current) {
      return;
    }
    busy.current = true;
    const work = async () => {
      let asked: string;
      do {
        stop.current = new AbortController();
        const { signal } = stop.current;
        asked = latest.current.key;
        setState(old => ({ ...old, loading: true }));
        try {
          const value = await latest.current.ask(signal);
          if (!signal.aborted) {
            setState({ value, error: null, loading: false });
          }
        } catch (thrown) {
          if (!signal.aborted) {
            const error = asApiError(thrown);
            setState(old => ({ ...old, error, loading: false }));
          }
        }
        if (signal.aborted) {
          break; // nobody looks any more
        }
      } while (asked !== latest.current.key);
      busy.current = false;
    };
    void work();
  }, [key]);
  useEffect(() => () => stop.current?.abort(), []);
  return state;
}

const NOTHING_YET = { value: null, error: null, loading: true };

/** The size of an element in pixels, as it changes. */
export function useSize<E extends Element>(): [
  ref: (element: E | null) => void,
  width: number,
  height: number
] {
  const [element, setElement] = useState<E | null>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    if (!element) {
      return;
    }
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      setSize(old =>
        old.width === width && old.height === height ? old : { width, height }
      );
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, size.width, size.height];
}
