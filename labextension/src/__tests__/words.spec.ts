import {
  ago,
  duration,
  elapsed,
  isGoing,
  size,
  stateWord,
  value
} from '../words';

const trans = {
  __: (text: string, ...args: unknown[]) =>
    text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]))
};

describe('words', () => {
  it.each([
    [null, ''],
    [0, '0 ms'],
    [0.0123, '12 ms'],
    [0.0996, '0.1 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [99.4, '99 s'],
    [125, '2m 05s'],
    [119.7, '2m 00s'],
    [6 * 3600 + 240, '6h 04m'],
    [5 * 86400, '5d 00h'],
    [NaN, '']
  ])('says a duration of %p as %p', (seconds, said) => {
    expect(duration(seconds)).toBe(said);
  });

  it('counts to the end, else to now', () => {
    const start = '2026-01-01T00:00:00Z';
    const now = Date.parse('2026-01-01T00:01:00Z');
    expect(elapsed(start, '2026-01-01T00:00:02.500Z', now)).toBe(2.5);
    expect(elapsed(start, null, now)).toBe(60);
    expect(elapsed(null, null, now)).toBeNull();
    expect(elapsed('2026-01-01T00:01:05Z', null, now)).toBe(0);
  });

  it('says how long ago', () => {
    const now = Date.parse('2026-01-10T00:00:00Z');
    expect(ago('2026-01-09T23:59:58Z', now, trans)).toBe('just now');
    expect(ago('2026-01-09T23:59:00Z', now, trans)).toBe('60 s ago');
    expect(ago('2026-01-09T23:00:00Z', now, trans)).toBe('60 min ago');
    expect(ago('2026-01-09T00:00:00Z', now, trans)).toBe('24 h ago');
    expect(ago('2026-01-01T00:00:00Z', now, trans)).toBe('9 d ago');
    expect(ago(null, now, trans)).toBe('');
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_700, '1.0 MB'],
    [123_456_789, '123 MB'],
    [5e12, '5.0 TB'],
    [undefined, '']
  ])('says %p bytes as %p', (count, said) => {
    expect(size(count)).toBe(said);
  });

  it('keeps values short', () => {
    expect(value(0.1234567891)).toBe('0.123457');
    expect(value(1e-12)).toBe('1e-12');
    expect(value(12)).toBe('12');
    expect(value('NaN')).toBe('NaN');
    expect(value([1, 'a'])).toBe('[1,"a"]');
    expect(value(null)).toBe('null');
  });

  it('tells what goes on by itself', () => {
    expect(isGoing('CANCELING')).toBe(true);
    expect(isGoing('PAUSED')).toBe(false);
    expect(stateWord('INTERRUPTED', trans)).toBe('interrupted');
  });
});
