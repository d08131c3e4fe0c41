/**
 * Where the boxes of a graph lie. Pure.
 *
 * Small graphs are laid out by dagre, which finds the prettier edges; its time grows fast (2 s for 500 steps with 1,000
 * edges), so large ones take layers by longest path and some sweeps of barycentres (Sugiyama, Tagawa & Toda 1981)
 * without bent edges: some milliseconds.
 */

export interface IBox {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface ILine {
  readonly source: string;
  readonly target: string;
}

export interface IPlace {
  readonly x: number;
  readonly y: number;
}

/** From this many boxes on the quick layout is taken. */
export const LARGE = 120;

/** Space between layers and between the boxes of a layer. */
export const GAP = { layer: 64, box: 20 };

/** The lines between boxes that are there, each once, without those that lead to their own box. */
export function proper(
  boxes: readonly IBox[],
  lines: readonly ILine[]
): ILine[] {
  const ids = new Set(boxes.map(box => box.id));
  const seen = new Set<string>();
  return lines.filter(({ source, target }) => {
    const key = JSON.stringify([source, target]);
    const good =
      source !== target && ids.has(source) && ids.has(target) && !seen.has(key);
    seen.add(key);
    return good;
  });
}

/**
 * The layer of each box: one more than the highest of those it comes after.
 *
 * Boxes on a cycle, which a pipeline never has, are put below what is not.
 */
export function layers(
  boxes: readonly IBox[],
  lines: readonly ILine[]
): Map<string, number> {
  const next = new Map<string, string[]>(boxes.map(box => [box.id, []]));
  const waiting = new Map<string, number>(boxes.map(box => [box.id, 0]));
  for (const { source, target } of lines) {
    next.get(source)?.push(target);
    waiting.set(target, (waiting.get(target) ?? 0) + 1);
  }
  const layer = new Map<string, number>();
  const ready = boxes.filter(box => waiting.get(box.id) === 0).map(b => b.id);
  ready.forEach(id => layer.set(id, 0));
  for (let i = 0; i < ready.length; i++) {
    const at = layer.get(ready[i]) ?? 0;
    for (const target of next.get(ready[i]) ?? []) {
      layer.set(target, Math.max(layer.get(target) ?? 0, at + 1));
      const left = (waiting.get(target) ?? 1) - 1;
      waiting.set(target, left);
      if (left === 0) {
        ready.push(target);
      }
    }
  }
  const last = Math.max(-1, ...new Set(layer.values())) + 1;
  for (const box of boxes) {
    if ((waiting.get(box.id) ?? 0) > 0) {
      layer.set(box.id, last);
    }
  }
  return layer;
}

/**
 * The quick layout, from left to right.
 *
 * A layer of many boxes goes on in further columns, so that a wide graph stays near the shape of a screen.
 */
export function quickLayout(
  boxes: readonly IBox[],
  lines: readonly ILine[]
): Map<string, IPlace> {
  const good = proper(boxes, lines);
  const order = ordered(boxes, good);
  const high = Math.max(12, Math.ceil(Math.sqrt(boxes.length) * 1.6));
  const places = new Map<string, IPlace>();
  let x = 0;
  for (const layer of order) {
    for (let from = 0; from < layer.length; from += high) {
      const column = layer.slice(from, from + high);
      const tall =
        column.reduce((sum, box) => sum + box.height + GAP.box, 0) - GAP.box;
      let y = -tall / 2;
      for (const box of column) {
        places.set(box.id, { x, y });
        y += box.height + GAP.box;
      }
      const wide = Math.max(...column.map(box => box.width));
      const more = from + high < layer.length;
      x += wide + (more ? GAP.box : GAP.layer);
    }
  }
  return places;
}

/** The boxes of each layer, in an order with few crossings. */
function ordered(boxes: readonly IBox[], lines: readonly ILine[]): IBox[][] {
  const layer = layers(boxes, lines);
  const out: IBox[][] = [];
  for (const box of boxes) {
    const at = layer.get(box.id) ?? 0;
    (out[at] ??= []).push(box);
  }
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, id: string) => {
    const list = map.get(key);
    if (list) {
      list.push(id);
    } else {
      map.set(key, [id]);
    }
  };
  for (const { source, target } of lines) {
    add(before, target, source);
    add(after, source, target);
  }
  const filled = out.filter(Boolean);
  for (let sweep = 0; sweep < 4; sweep++) {
    const down = sweep % 2 === 0;
    sweepOnce(down ? filled : [...filled].reverse(), down ? before : after);
  }
  return filled;
}

function sweepOnce(
  order: readonly IBox[][],
  beside: ReadonlyMap<string, readonly string[]>
): void {
  const place = new Map<string, number>();
  for (const layer of order) {
    const middle = (layer.length - 1) / 2;
    layer.forEach((box, i) => place.set(box.id, i - middle));
  }
  for (const layer of order) {
    const weight = new Map<string, number>();
    for (const box of layer) {
      const others = beside.get(box.id) ?? [];
      const sum = others.reduce((all, id) => all + (place.get(id) ?? 0), 0);
      weight.set(
        box.id,
        others.length ? sum / others.length : (place.get(box.id) ?? 0)
      );
    }
    layer.sort((a, b) => (weight.get(a.id) ?? 0) - (weight.get(b.id) ?? 0));
    const middle = (layer.length - 1) / 2;
    layer.forEach((box, i) => place.set(box.id, i - middle));
  }
}

/** Which way an arrow key leads. */
export type Direction = 'left' | 'right' | 'up' | 'down';

/**
 * The box that an arrow key leads to from one: along a line if there is one in that direction, else the nearest.
 *
 * Null where there is none.
 */
export function neighbour(
  from: string,
  direction: Direction,
  places: ReadonlyMap<string, IPlace>,
  lines: readonly ILine[]
): string | null {
  const here = places.get(from);
  if (!here) {
    return null;
  }
  const joined = new Set<string>();
  for (const { source, target } of lines) {
    if (direction === 'right' && source === from) {
      joined.add(target);
    } else if (direction === 'left' && target === from) {
      joined.add(source);
    }
  }
  let best: string | null = null;
  let least = Infinity;
  for (const [id, { x, y }] of places) {
    const dx = x - here.x;
    const dy = y - here.y;
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const across = Math.abs(
      direction === 'left' || direction === 'right' ? dy : dx
    );
    if (id === from || along <= 0 || (joined.size > 0 && !joined.has(id))) {
      continue;
    }
    const distance = along + 2 * across;
    if (distance < least) {
      best = id;
      least = distance;
    }
  }
  return best;
}
