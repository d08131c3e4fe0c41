/** The layout of small graphs, by dagre. Loaded with the graph. */

import { graphlib, layout } from '@dagrejs/dagre';

import {
  GAP,
  LARGE,
  proper,
  quickLayout,
  type IBox,
  type ILine,
  type IPlace
} from './layout';

/** Lay out a graph from left to right. */
export function laidOut(
  boxes: readonly IBox[],
  lines: readonly ILine[]
): Map<string, IPlace> {
  if (boxes.length > LARGE) {
    return quickLayout(boxes, lines);
  }
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: GAP.box, ranksep: GAP.layer });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of boxes) {
    graph.setNode(id, { width, height });
  }
  for (const { source, target } of proper(boxes, lines)) {
    graph.setEdge(source, target);
  }
  layout(graph);
  return new Map(
    boxes.map(({ id, width, height }) => {
      const { x, y } = graph.node(id) as IPlace;
      return [id, { x: x - width / 2, y: y - height / 2 }];
    })
  );
}
