// The language of code cells: IPython's Python, and SQL where magics have it.

import { indentNodeProp, Language, languageDataProp, LanguageSupport } from '@codemirror/language';
import { NodeSet, NodeType, parseMixed, Parser, Tree } from '@lezer/common';
import { styleTags, tags } from '@lezer/highlight';

import { Parsed } from './parsed.js';
import { parts } from './parts.js';
import { commentedAs, withParameters } from './sql.js';

// JupyterLab's own style gives these tags their colours: those are taken that are legible on light and on dark.
const STYLE = styleTags({
  'Magic Operator': tags.operator,
  Option: tags.attributeName,
  'Value Quote': tags.string,
  // The notebook's variables.
  'Name Parameter': tags.special(tags.variableName),
  Keyword: tags.keyword
});
const TOPS = ['PythonCell', 'SqlCell', 'Head'];
const NAMES = [...TOPS, ...'Magic Option Value Quote Name Operator Parameter Keyword Column Sql SqlInLine Python'.split(' ')];

/** Make the support for code cells of those for Python and for SQL. */
export function withMagics(python, sql) {
  const parser = new CellParser(nodeTypes(python.language, sql.language), python.language, sql.language);
  return new LanguageSupport(new Language(python.language.data, parser, [], 'ipython'), python.support);
}

function nodeTypes(python, sql) {
  const bare = NAMES.map((name, id) => NodeType.define({ id, name, top: TOPS.includes(name) }));
  const nodes = new NodeSet(bare).extend(
    STYLE,
    // What comments a line: Python's sign does in the first one, so that a cell can be commented as a whole.
    languageDataProp.add({ PythonCell: python.data, Head: python.data, SqlCell: sql.data }),
    indentNodeProp.add({ 'PythonCell SqlCell Head': () => null })
  );
  return Object.fromEntries(nodes.types.map(type => [type.name, type]));
}

/** Parses at once what parts() finds, and hands the Python and the SQL in between on to their own parsers. */
class CellParser extends Parser {
  constructor(types, python, sql) {
    super();
    this.types = types;
    this.python = python.parser;
    this.sql = withParameters(sql.parser, types);
    this.sqlInLine = commentedAs(this.sql, python);
  }

  createParse(input, fragments, ranges) {
    const found = parts(input.read(0, input.length));
    if (found.lines.length === 0) {
      return this.python.createParse(input, fragments, ranges);
    }
    const outside = without(found.lines, input.length);
    // Python in one piece is a node like others; in several, which are read as one, it lies over the whole.
    const python = outside.length === 1 ? [{ type: 'Python', ...outside[0] }] : [];
    const parsers = new Map([
      [this.types.Sql, { parser: this.sql }],
      [this.types.SqlInLine, { parser: this.sqlInLine }],
      [this.types.Python, { parser: this.python }],
      [this.types.PythonCell, outside.length > 1 ? { parser: this.python, overlay: outside } : null]
    ]);
    const tree = this.tree([...found.parts, ...python].sort((one, other) => one.from - other.from), found.head, input.length);
    return parseMixed(node => parsers.get(node.type) ?? null)(new Parsed(tree), input, fragments, ranges);
  }

  tree(parts, head, length) {
    const leaf = ({ type, from, to }) => ({ tree: new Tree(this.types[type], [], [], to - from), at: from });
    const inside = parts.filter(one => one.from < head).map(leaf);
    const below = parts.filter(one => one.from >= head).map(leaf);
    const top = parts.at(-1).type === 'Sql' && head < length ? this.types.SqlCell : this.types.PythonCell;
    return node(top, head > 0 ? [{ tree: node(this.types.Head, inside, head), at: 0 }, ...below] : below, length);
  }
}

function node(type, children, length) {
  return new Tree(type, children.map(child => child.tree), children.map(child => child.at), length);
}

/** Give the ranges between those given. */
function without(lines, length) {
  const ends = [0, ...lines.map(line => line.to)];
  const starts = [...lines.map(line => line.from), length];
  return ends.map((from, index) => ({ from, to: starts[index] })).filter(({ from, to }) => from < to);
}
