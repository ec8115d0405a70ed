// A cell's text -> which of it is a magic's line and which is SQL; the rest is Python.

const MAGIC = '(?<name>crdb_\\w+|sql)(?![\\w.])';
// As IPython has it: behind nothing but blank lines.
const CELL = /^\s*(?<magic>%%(?:crdb_txn|crdb_export|sql)(?![\w.]))(?<line>.*)\n?/;
// A line may be a magic only outside of Python's strings and comments, so those are read too. A backslash continues it.
const LINE = new RegExp(
  '"""[^]*?(?:"""|$(?![^]))|\'\'\'[^]*?(?:\'\'\'|$(?![^]))|"(?:\\\\.|[^"\\\\\\n])*"?|\'(?:\\\\.|[^\'\\\\\\n])*\'?|#.*' +
    `|^(?<before>[ \\t]*(?:[\\w.,[\\]"' \\t]+?=[ \\t]*)?)(?<magic>%${MAGIC})(?<line>(?:\\\\\\n|.)*)`,
  'gm'
);
const INTO = /(\s*)([^\W\d]\w*)(\s*)(<<)/y;
const OPTION = /(\s*)(--[A-Za-z][\w-]*)(=?)/y;
const VALUE = /(\s*)('[^'\n]*'|"[^"\n]*"|(?!--)\S+)/y;
// What may follow an option that takes no value.
const STATEMENT = new RegExp(
  '^(?:\\(|(?:select|insert|upsert|update|delete|with|show|create|alter|drop|truncate|set|reset|explain|table|values' +
    '|grant|revoke|begin|call|analyze|comment|import|backup|restore|use|prepare|execute|refresh)$)',
  'i'
);
const WORD = /\s*\S+/y;
const EXPORT = /(\s*)(['"])([^]+)\2(\s+)(\S+)\s*$/y;

/**
 * Give what a text is made of.
 *
 * @returns {{head: number, parts: {type: string, from: number, to: number}[], lines: {from: number, to: number}[]}}
 *   the length of a cell magic's line (0 without one), its parts and those of other lines in their order, and what
 *   Python is not to see.
 */
export function parts(text) {
  const cell = CELL.exec(text);
  if (cell === null) {
    return { head: 0, ...lineMagics(text, 0) };
  }
  const head = cell[0].length;
  const to = head - (cell[0].endsWith('\n') ? 1 : 0);
  const from = to - cell.groups.line.length;
  const read = options(text, from, to);
  const first = [part('Magic', from - cell.groups.magic.length, from), ...read.parts, ...rest(text, read.at, to, 'Value')];
  if (first.some(one => one.type === 'Option' && text.slice(one.from, one.to) === '--python')) {
    const body = lineMagics(text, head);
    return { head, parts: [...first, ...body.parts], lines: [{ from: 0, to: head }, ...body.lines] };
  }
  return { head, parts: [...first, part('Sql', head, text.length)], lines: [{ from: 0, to: text.length }] };
}

/** Find the line magics in Python. */
function lineMagics(text, start) {
  const found = { parts: [], lines: [] };
  if (!text.includes('%', start)) {
    return found;
  }
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
  const read = options(text, from, to);
  const first = [
    ...(equals >= index ? [part('Operator', equals, equals + 1)] : []),
    part('Magic', name, from),
    ...read.parts
  ];
  switch (groups.name) {
    case 'crdb_txn':
    case 'sql':
      return [...first, ...rest(text, read.at, to, 'SqlInLine')];
    case 'crdb_export':
      return [...first, ...quoted(text, read.at, to)];
    default:
      return [...first, ...words(text, read.at, to)];
  }
}

/** Read `'SELECT …' FILE`. */
function quoted(text, from, to) {
  const found = match(EXPORT, text, from, to);
  if (found === null) {
    return [];
  }
  const open = from + found[1].length;
  const close = open + 1 + found[3].length;
  const file = close + 1 + found[4].length;
  return [
    part('Quote', open, open + 1),
    part('SqlInLine', open + 1, close),
    part('Quote', close, close + 1),
    part('Value', file, file + found[5].length)
  ];
}

/** Read what may have options behind it. */
function words(text, from, to) {
  const word = match(WORD, text, from, to);
  if (word === null) {
    return [];
  }
  const read = options(text, from + word[0].length, to);
  return [...read.parts, ...words(text, read.at, to)];
}

/** Read `[NAME <<] [--option [value]]… [NAME <<]`: its parts, and where it ends. */
function options(text, from, to) {
  const parts = [];
  let at = from;
  for (let found; ; ) {
    if ((found = match(INTO, text, at, to)) !== null) {
      const name = at + found[1].length;
      at += found[0].length;
      parts.push(part('Name', name, name + found[2].length), part('Operator', at - found[4].length, at));
    } else if ((found = match(OPTION, text, at, to)) !== null) {
      const option = at + found[1].length;
      at += found[0].length;
      parts.push(part('Option', option, option + found[2].length));
      const value = match(INTO, text, at, to) === null ? match(VALUE, text, at, to) : null;
      if (value !== null && (found[3] === '=' ? value[1] === '' : !STATEMENT.test(value[2]))) {
        parts.push(part(/^:[^\W\d]\w*$/.test(value[2]) ? 'Parameter' : 'Value', at + value[1].length, at + value[0].length));
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

function match(pattern, text, from, to) {
  pattern.lastIndex = from;
  return pattern.exec(text.slice(0, to));
}

const part = (type, from, to) => ({ type, from, to });
