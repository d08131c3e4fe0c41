import { overwritten, plain, PLAIN, spans } from '../ansi';
import { LogBuffer, matches, visibleRows } from '../buffer';

const ESC = '\u001b';
const texts = (log: LogBuffer) => log.lines.map(line => line.text);

describe('colours', () => {
  it('become classes', () => {
    const [out, look] = spans(`a${ESC}[1;31mb${ESC}[0mc${ESC}[4m`);
    expect(out).toEqual([
      { text: 'a', classes: '' },
      { text: 'b', classes: 'ansi-red-fg ansi-bold' },
      { text: 'c', classes: '' }
    ]);
    expect(look).toEqual({ ...PLAIN, underline: true });
  });

  it('go on in the next line', () => {
    const log = new LogBuffer();
    log.append(`${ESC}[32mgreen\nstill${ESC}[39m\nnot`);
    expect(spans(log.lines[1].text, log.lines[1].look)[0][0].classes).toBe(
      'ansi-green-fg'
    );
    expect(spans(log.lines[2].text, log.lines[2].look)[0][0].classes).toBe('');
  });

  it('of 256 and of 16 million', () => {
    const style = (code: string) => spans(`${ESC}[${code}mx`)[0][0];
    expect(style('38;5;9').classes).toBe('ansi-red-intense-fg');
    expect(style('38;5;196').style).toEqual({ color: 'rgb(255, 0, 0)' });
    expect(style('48;5;232').style).toEqual({
      backgroundColor: 'rgb(8, 8, 8)'
    });
    expect(style('38;2;1;2;3').style).toEqual({ color: 'rgb(1, 2, 3)' });
    expect(style('94').classes).toBe('ansi-blue-intense-fg');
  });

  it('are swapped by inverse', () => {
    expect(spans(`${ESC}[7mx`)[0][0].classes).toBe(
      'ansi-default-inverse-fg ansi-default-inverse-bg'
    );
    expect(spans(`${ESC}[31;7mx`)[0][0].classes).toBe(
      'ansi-default-inverse-fg ansi-red-bg'.split(' ').join(' ')
    );
  });

  it('and other sequences vanish from plain text', () => {
    expect(
      plain(`${ESC}[2K${ESC}[1Aa${ESC}]8;;http://x${ESC}\\b${ESC}]0;t\u0007c`)
    ).toBe('abc');
  });
});

describe('a log', () => {
  it('is put together wherever it was cut', () => {
    const whole = 'one\ntwo\r\nthree\n\nfive';
    for (let cut = 0; cut <= whole.length; cut++) {
      const log = new LogBuffer();
      log.append(whole.slice(0, cut));
      log.append(whole.slice(cut));
      expect(texts(log)).toEqual(['one', 'two', 'three', '', 'five']);
    }
  });

  it('shows a progress bar once', () => {
    const log = new LogBuffer();
    for (let i = 0; i <= 100; i++) {
      log.append(`\r${i} %`);
    }
    expect(texts(log)).toEqual(['100 %']);
    log.append('\ndone\n');
    expect(texts(log)).toEqual(['100 %', 'done']);
    expect(overwritten('a\rb\r')).toBe('b');
  });

  it('lets the oldest lines go', () => {
    const log = new LogBuffer(3);
    log.append('1\n2\n3\n4\n5');
    expect(texts(log)).toEqual(['3', '4', '5']);
    expect(log.dropped).toBe(2);
  });

  it('cuts lines that are no text', () => {
    const log = new LogBuffer();
    log.append('x'.repeat(50_000));
    expect(log.lines[0].text.length).toBeLessThan(20_100);
    expect(log.lines[0].text).toContain('(+30000)');
  });

  it('has headings', () => {
    const log = new LogBuffer();
    log.append('half');
    log.heading('train');
    log.append('other\n');
    expect(log.lines.map(line => [line.text, !!line.heading])).toEqual([
      ['half', false],
      ['train', true],
      ['other', false]
    ]);
  });

  it('is searched as it is shown', () => {
    const log = new LogBuffer();
    log.append(`no\nAn ${ESC}[31mErr${ESC}[0mor, error\n`);
    expect(matches(log.lines, 'error')).toEqual([
      { line: 1, start: 3, length: 5 },
      { line: 1, start: 10, length: 5 }
    ]);
    expect(matches(log.lines, '')).toEqual([]);
    expect(matches(log.lines, 'r', 2)).toHaveLength(2);
  });
});

it('only rows in view are drawn', () => {
  expect(visibleRows(1000, 20, 0, 200, 5)).toEqual([0, 15]);
  expect(visibleRows(1000, 20, 10_000, 200, 5)).toEqual([495, 515]);
  expect(visibleRows(3, 20, 0, 200)).toEqual([0, 3]);
  expect(visibleRows(0, 20, 0, 200)).toEqual([0, 0]);
});
