import {
  NOTHING,
  extended,
  moved,
  restricted,
  toggled,
  type IRow
} from '../selection';

const rows: IRow[] = [
  { key: 'experiment:x', run: null },
  { key: 'a', run: 'a' },
  { key: 'b', run: 'b' },
  { key: 'experiment:y', run: null },
  { key: 'c', run: 'c' }
];

describe('selection', () => {
  it('chooses a range over headings, both ways', () => {
    const one = toggled(NOTHING, 'c');
    expect([...extended(one, rows, 'a').chosen]).toEqual(['a', 'b', 'c']);
    const again = extended(extended(one, rows, 'a'), rows, 'b');
    expect([...again.chosen]).toEqual(['b', 'c']);
    expect([...extended(NOTHING, rows, 'b').chosen]).toEqual(['b']);
  });

  it('takes a run away that is chosen twice or not shown any more', () => {
    const both = toggled(toggled(NOTHING, 'a'), 'b');
    expect([...toggled(both, 'a').chosen]).toEqual(['b']);
    expect([...restricted(both, rows.slice(2)).chosen]).toEqual(['b']);
    expect(restricted(both, rows)).toBe(both);
  });

  it.each([
    ['a', 'ArrowDown', 'b'],
    ['experiment:x', 'ArrowUp', 'experiment:x'],
    ['c', 'ArrowDown', 'c'],
    ['a', 'End', 'c'],
    ['c', 'Home', 'experiment:x'],
    ['experiment:x', 'PageDown', 'b'],
    ['c', 'PageUp', 'b'],
    [null, 'ArrowDown', 'experiment:x'],
    ['a', 'x', null]
  ])('from %s by %s to %s', (from, key, to) => {
    expect(moved(rows, from, key, 2)).toBe(to);
  });
});
