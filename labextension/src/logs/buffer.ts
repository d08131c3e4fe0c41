/** A log as lines: text arrives in pieces, the oldest lines give way to new ones. Pure. */

import { lookAfter, overwritten, plain, PLAIN, type ILook } from './ansi';

export interface ILine {
  readonly text: string;
  /** How the line before ended. */
  readonly look: ILook;
  /** A heading between parts of a log, not something that was logged. */
  readonly heading?: boolean;
}

/** A place in a log where a search is met: the line and the first character. */
export interface IMatch {
  readonly line: number;
  readonly start: number;
  readonly length: number;
}

/** Lines that are kept: what a browser holds with ease. */
export const MOST_LINES = 200_000;
/** Characters of a line that are shown: longer ones are data, not text. */
export const LONGEST = 20_000;

export class LogBuffer {
  constructor(private readonly most = MOST_LINES) {}

  /** Every line; the last may still grow. */
  get lines(): readonly ILine[] {
    return this._lines;
  }

  /** How many lines gave way. */
  get dropped(): number {
    return this._dropped;
  }

  /** Goes up with each change. */
  get version(): number {
    return this._version;
  }

  /** Take in a piece of text, wherever it was cut. */
  append(text: string): void {
    if (!text) {
      return;
    }
    this._version++;
    const pieces = (this._rest + text).replace(/\r\n/g, '\n').split('\n');
    if (this._open) {
      this._lines.pop();
    }
    const rest = pieces.pop() as string;
    for (const piece of pieces) {
      this.push(overwritten(piece));
    }
    // of a line that is written again and again only what shows is kept; a last \r may be half of a line's end
    this._rest = rest.endsWith('\r')
      ? `${overwritten(rest)}\r`
      : overwritten(rest);
    this._open = this._rest !== '';
    if (this._open) {
      const look = this._look;
      this.push(overwritten(this._rest));
      this._look = look;
    }
    const over = this._lines.length - this.most;
    if (over > 0) {
      this._lines.splice(0, over);
      this._dropped += over;
    }
  }

  /** Put a heading below what is there. */
  heading(text: string): void {
    this._version++;
    this._rest = '';
    this._open = false;
    this._look = PLAIN;
    this._lines.push({ text, look: PLAIN, heading: true });
  }

  clear(): void {
    this._version++;
    this._lines = [];
    this._rest = '';
    this._open = false;
    this._look = PLAIN;
    this._dropped = 0;
  }

  private push(text: string): void {
    if (text.length > LONGEST) {
      const more = text.length - LONGEST;
      text = `${text.slice(0, LONGEST)} … (+${more})`;
    }
    this._lines.push({ text, look: this._look });
    this._look = lookAfter(text, this._look);
  }

  private _lines: ILine[] = [];
  private _rest = '';
  private _open = false;
  private _look: ILook = PLAIN;
  private _dropped = 0;
  private _version = 0;
}

/** Where the words occur, upper and lower case alike, at most `most` places. */
export function matches(
  lines: readonly ILine[],
  words: string,
  most = 10_000
): IMatch[] {
  const wanted = words.toLowerCase();
  const out: IMatch[] = [];
  if (!wanted) {
    return out;
  }
  for (let line = 0; line < lines.length; line++) {
    const text = plain(lines[line].text).toLowerCase();
    let start = text.indexOf(wanted);
    while (start >= 0) {
      out.push({ line, start, length: wanted.length });
      if (out.length >= most) {
        return out;
      }
      start = text.indexOf(wanted, start + wanted.length);
    }
  }
  return out;
}

/** Which rows of equal height a window shows, with some beyond it. */
export function visibleRows(
  count: number,
  rowHeight: number,
  top: number,
  height: number,
  beyond = 10
): [first: number, end: number] {
  const first = Math.max(0, Math.floor(top / rowHeight) - beyond);
  const end = Math.min(count, Math.ceil((top + height) / rowHeight) + beyond);
  return [Math.min(first, count), Math.max(end, 0)];
}
