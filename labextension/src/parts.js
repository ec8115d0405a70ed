// A cell's text -> which of it is a magic's line and which is SQL; the rest is Python.

const MAGIC = '(?<name>crdb_txn|crdb_export|sql)(?![\\w.])';
// As IPython has it: behind nothing but blank lines.
const CELL = new RegExp(`^\\s*(?<magic>%%${MAGIC})(?<line>.*)`);
// A line may be a magic only outside of Python's strings and comments, so those are read too. A backslash continues it.
const LINE = new RegExp(
  '"""[^]*?(?:"""|$)|\'\'\'[^]*?(?:\'\'\'|$)|"(?:\\\\.|[^"\\\\\\n])*"?|\'(?:\\\\.|[^\'\\\\\\n])*\'?|#.*' +
    `|^(?<before>[ \\t]*(?:[\\w.,[\\]"' \\t]+?=[ \\t]*)?)(?<magic>%${MAGIC})(?<line>(?:\\\\\\n|.)*)`,
  'gm'
);
// What may follow an option that takes no value.
const STATEMENT = new RegExp(
  '(?:select|insert|upsert|update|delete|with|show|create|alter|drop|truncate|set|reset|explain|table|values|grant|revoke' +
    '|begin|call|analyze|comment|import|backup|restore|use|prepare|execute|refresh|\\()(?!\\w)',
  'iy'
);
const INTO = /(\s*)([^\W\d]\w*)(\s*)(<<)/y;
const OPTION = /(\s*)(--[A-Za-z][\w-]*)(=?)/y;
const VALUE = /(\s*)('[^'\n]*'|"[^"\n]*"|(?!--)\S+)/y;
const EXPORT = /(\s*)(['"])([^]+)\2(\s+)(\S+)\s*$/y;

/** Give the parts as {type, from, to}, in their order, and the magics' lines, which Python is not to see. */
export function parts(text) {
  if (!text.includes('%')) {
    return { parts: [], lines: [] };
  }
  const cell = CELL.exec(text);
  if (cell === null) {
    return inPython(text, 0);
  }
  const from = cell[0].length - cell.groups.line.length;
  const head = options(text, from, cell[0].length, [part('Magic', from - cell.groups.magic.length, from)]);
  if (head.parts.some(one => one.type === 'Option' && text.slice(one.from, one.to) === '--python')) {
    const body = inPython(text, cell[0].length);
    return { parts: [...head.parts, ...body.parts], lines: [{ from: 0, to: cell[0].length }, ...body.lines] };
  }
  return {
    parts: [...head.parts, ...rest(text, head.at, cell[0].length, 'Value'), part('Sql', cell[0].length, text.length)],
    lines: [{ from: 0, to: text.length }]
  };
}

/** Find the line magics in Python. */
function inPython(text, start) {
  const found = { parts: [], lines: [] };
  LINE.lastIndex = start;
  for (let line; (line = LINE.exec(text)) !== null; ) {
    if (line.groups.magic !== undefined) {
      found.lines.push({ from: line.index, to: LINE.lastIndex });
      found.parts.push(...lineMagic(text, line));
    }
  }
  return found;
}

function lineMagic(text, { index, groups }) {
  const name = index + groups.before.length;
  const from = name + groups.magic.length;
  const to = from + groups.line.length;
  const equals = text.lastIndexOf('=', name);
  const first = groups.before.includes('=') ? [part('Operator', equals, equals + 1)] : [];
  const head = options(text, from, to, [...first, part('Magic', name, from)]);
  const quoted = groups.name === 'crdb_export' ? matchAt(EXPORT, text, head.at, to) : null;
  if (quoted === null) {
    return [...head.parts, ...rest(text, head.at, to, 'Sql')];
  }
  const open = head.at + quoted[1].length;
  const close = open + 1 + quoted[3].length;
  const file = close + 1 + quoted[4].length;
  return [
    ...head.parts,
    part('Quote', open, open + 1),
    part('Sql', open + 1, close),
    part('Quote', close, close + 1),
    part('Value', file, file + quoted[5].length)
  ];
}

/** Read `[NAME <<] [--option [value]]… [NAME <<]` and give where that ends. */
function options(text, from, to, parts) {
  let at = from;
  for (let found; ; ) {
    if ((found = matchAt(INTO, text, at, to)) !== null) {
      const name = at + found[1].length;
      at += found[0].length;
      parts.push(part('Name', name, name + found[2].length), part('Operator', at - 2, at));
    } else if ((found = matchAt(OPTION, text, at, to)) !== null) {
      const glued = found[3] !== '';
      parts.push(part('Option', at + found[1].length, at + found[1].length + found[2].length));
      at += found[0].length;
      const value = matchAt(VALUE, text, at, to);
      if (value !== null && (glued ? value[1] === '' : !isStatement(value[2]))) {
        parts.push(part(kindOf(value[2]), at + value[1].length, at + value[0].length));
        at += value[0].length;
      }
    } else {
      return { parts, at };
    }
  }
}

/** Give what is left of a line, without the blanks around it. */
function rest(text, from, to, type) {
  const left = text.slice(from, to);
  const words = left.trim();
  const start = from + left.indexOf(words);
  return words === '' ? [] : [part(type, start, start + words.length)];
}

function matchAt(pattern, text, from, to) {
  pattern.lastIndex = from;
  return pattern.exec(text.slice(0, to));
}

function isStatement(word) {
  STATEMENT.lastIndex = 0;
  return STATEMENT.test(word);
}

const kindOf = value => (/^:[^\W\d]\w*$/.test(value) ? 'Parameter' : 'Value');
const part = (type, from, to) => ({ type, from, to });
