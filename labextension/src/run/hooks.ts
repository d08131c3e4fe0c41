/** React hooks that the views share. */

import { useEffect, useRef, useState, useSyncExternalStore } from 'react';

import { asApiError, isAborted, type ApiError } from '../api/errors';
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
 * @param key what the answer depends on; null asks nothing
 */
export function useLoaded<T>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<T>
): ILoaded<T> {
  const [state, setState] = useState<ILoaded<T>>({
    value: null,
    error: null,
    loading: key !== null
  });
  const asker = useRef(ask);
  asker.current = ask;
  useEffect(() => {
    if (key === null) {
      setState({ value: null, error: null, loading: false });
      return;
    }
    const stop = new AbortController();
    setState(old => ({ ...old, loading: true }));
    asker.current(stop.signal).then(
      value => {
        if (!stop.signal.aborted) {
          setState({ value, error: null, loading: false });
        }
      },
      (error: unknown) => {
        if (!stop.signal.aborted && !isAborted(error)) {
          setState(old => ({
            ...old,
            error: asApiError(error),
            loading: false
          }));
        }
      }
    );
    return () => stop.abort();
  }, [key]);
  return state;
}

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
