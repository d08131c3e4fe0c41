/** Terminal text: colours by ANSI escape sequences (ECMA-48 SGR), overwritten lines by carriage returns. Pure. */

/** A stretch of text that looks the same. */
export interface ISpan {
  readonly text: string;
  /** Class names, those that Lab's own sheet gives colours to. */
  readonly classes: string;
  /** Inline colours, for the 256 colours and true colours that have no class. */
  readonly style?: { color?: string; backgroundColor?: string };
}

/** How text looks from some place on. */
export interface ILook {
  readonly foreground: string | number | null;
  readonly background: string | number | null;
  readonly bold: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
}

export const PLAIN: ILook = {
  foreground: null,
  background: null,
  bold: false,
  underline: false,
  inverse: false
};

const NAMES = [
  'black',
  'red',
  'green',
  'yellow',
  'blue',
  'magenta',
  'cyan',
  'white'
];

// CSI sequences, OSC sequences (links, titles), two-character escapes
const ESCAPE =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[([0-?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[@-Z\\^_]|$)/g;

/** Take the escape sequences out. */
export function plain(text: string): string {
  return text.includes('\u001b') ? text.replace(ESCAPE, '') : text;
}

/** What a terminal shows of a line in the end: what follows the last carriage return that something follows. */
export function overwritten(line: string): string {
  if (!line.includes('\r')) {
    return line;
  }
  const parts = line.split('\r');
  for (let i = parts.length - 1; i >= 0; i--) {
    if (parts[i]) {
      return parts[i];
    }
  }
  return '';
}

/** Split a line into stretches; `look` is how the line before ended. */
export function spans(line: string, look: ILook = PLAIN): [ISpan[], ILook] {
  const out: ISpan[] = [];
  let at = 0;
  const put = (end: number) => {
    if (end > at) {
      out.push(dressed(line.slice(at, end), look));
    }
  };
  if (!line.includes('\u001b')) {
    put(line.length);
    return [out, look];
  }
  for (const match of line.matchAll(ESCAPE)) {
    put(match.index);
    at = match.index + match[0].length;
    if (match[2] === 'm') {
      look = applied(look, match[1]);
    }
  }
  put(line.length);
  return [out, look];
}

/** How text looks after a line, without splitting it. */
export function lookAfter(line: string, look: ILook): ILook {
  if (line.includes('\u001b')) {
    for (const match of line.matchAll(ESCAPE)) {
      if (match[2] === 'm') {
        look = applied(look, match[1]);
      }
    }
  }
  return look;
}

function applied(look: ILook, parameters: string): ILook {
  const codes = parameters.split(/[;:]/).map(Number);
  const next = { ...look };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 0) {
      Object.assign(next, PLAIN);
    } else if (code === 1) {
      next.bold = true;
    } else if (code === 4) {
      next.underline = true;
    } else if (code === 7) {
      next.inverse = true;
    } else if (code === 22) {
      next.bold = false;
    } else if (code === 24) {
      next.underline = false;
    } else if (code === 27) {
      next.inverse = false;
    } else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      next.foreground = code < 90 ? code - 30 : code - 90 + 8;
    } else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) {
      next.background = code < 100 ? code - 40 : code - 100 + 8;
    } else if (code === 39) {
      next.foreground = null;
    } else if (code === 49) {
      next.background = null;
    } else if (code === 38 || code === 48) {
      const which = code === 38 ? 'foreground' : 'background';
      if (codes[i + 1] === 5) {
        next[which] = indexed(codes[i + 2] ?? 0);
        i += 2;
      } else if (codes[i + 1] === 2) {
        const [r, g, b] = codes.slice(i + 2, i + 5);
        next[which] = `rgb(${r ?? 0}, ${g ?? 0}, ${b ?? 0})`;
        i += 4;
      }
    }
  }
  return next;
}

/** A colour of xterm's 256: the first sixteen have names, then a cube of six by six by six, then greys. */
function indexed(index: number): string | number {
  if (index < 16) {
    return index;
  }
  if (index >= 232) {
    const grey = 8 + 10 * (index - 232);
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const level = (digit: number) => (digit ? 55 + 40 * digit : 0);
  const cube = index - 16;
  const [r, g, b] = [
    Math.floor(cube / 36),
    Math.floor(cube / 6) % 6,
    cube % 6
  ].map(level);
  return `rgb(${r}, ${g}, ${b})`;
}

function dressed(text: string, look: ILook): ISpan {
  const { bold, underline, inverse } = look;
  const foreground = inverse ? look.background : look.foreground;
  const background = inverse ? look.foreground : look.background;
  const classes = [];
  const style: ISpan['style'] = {};
  if (typeof foreground === 'number') {
    classes.push(`ansi-${named(foreground)}-fg`);
  } else if (foreground) {
    style.color = foreground;
  } else if (inverse) {
    classes.push('ansi-default-inverse-fg');
  }
  if (typeof background === 'number') {
    classes.push(`ansi-${named(background)}-bg`);
  } else if (background) {
    style.backgroundColor = background;
  } else if (inverse) {
    classes.push('ansi-default-inverse-bg');
  }
  if (bold) {
    classes.push('ansi-bold');
  }
  if (underline) {
    classes.push('ansi-underline');
  }
  return Object.keys(style).length
    ? { text, classes: classes.join(' '), style }
    : { text, classes: classes.join(' ') };
}

function named(index: number): string {
  return index < 8 ? NAMES[index] : `${NAMES[index - 8]}-intense`;
}
