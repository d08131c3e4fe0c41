/** One clock for all times that are shown, which stands still while nobody looks. */

import { useEffect, useState } from 'react';

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  if (document.visibilityState === 'visible') {
    listeners.forEach(listener => listener());
  }
}

/** The time in milliseconds, each second anew while `fast`, else every half minute. */
export function useNow(fast: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    let shown = 0;
    const listener = () => {
      const time = Date.now();
      if (fast || time - shown > 30_000) {
        shown = time;
        setNow(time);
      }
    };
    listeners.add(listener);
    timer ??= setInterval(tick, 1000);
    listener();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, [fast]);
  return now;
}
