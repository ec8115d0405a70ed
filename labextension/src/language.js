// The language of code cells: IPython's Python, and SQL where magics have it.

import { indentNodeProp, Language, languageDataProp, LanguageSupport } from '@codemirror/language';
import { NodeSet, NodeType, parseMixed, Parser, Tree } from '@lezer/common';
import { styleTags, tags } from '@lezer/highlight';

import { parts } from './parts.js';

const NAMES = ['Cell', 'Magic', 'Option', 'Value', 'Name', 'Operator', 'Quote', 'Parameter', 'Keyword', 'Sql'];
// JupyterLab's own style gives these tags their colours.
const STYLE = styleTags({
  Magic: tags.meta,
  Option: tags.attributeName,
  'Value Quote': tags.string,
  Name: tags.definition(tags.variableName),
  Operator: tags.operator,
  Parameter: tags.special(tags.variableName),
  Keyword: tags.keyword
});
const AS_THE_LINE_BEFORE = () => null;

/** Make the support for code cells of those for Python and for SQL. */
export function withMagics(python, sql) {
  const types = nodeTypes(python.language);
  const parser = new CellParser(types, python.language.parser, withParameters(types, sql.language.parser));
  return new LanguageSupport(new Language(python.language.data, parser, [], 'ipython'), python.support);
}

function nodeTypes(python) {
  const bare = NAMES.map((name, id) => NodeType.define({ id, name, top: id === 0 }));
  const nodes = new NodeSet(bare).extend(
    STYLE,
    languageDataProp.add({ Cell: python.data }),
    indentNodeProp.add({ Cell: AS_THE_LINE_BEFORE })
  );
  return Object.fromEntries(nodes.types.map(type => [type.name, type]));
}

/** Parses at once what parts() finds, and hands the Python and the SQL in between on to their own parsers. */
class CellParser extends Parser {
  constructor(types, python, sql) {
    super();
    this.types = types;
    this.python = python;
    this.sql = sql;
  }

  createParse(input, fragments, ranges) {
    const found = parts(input.read(0, input.length));
    if (found.lines.length === 0) {
      return this.python.createParse(input, fragments, ranges);
    }
    const outside = without(found.lines, input.length);
    const mixed = parseMixed(node => {
      if (node.type === this.types.Sql) {
        return { parser: this.sql };
      }
      return node.type === this.types.Cell && outside.length > 0 ? { parser: this.python, overlay: outside } : null;
    });
    return mixed(new Parsed(this.tree(found.parts, input.length)), input, fragments, ranges);
  }

  tree(found, length) {
    const leaves = found.map(({ type, from, to }) => new Tree(this.types[type], [], [], to - from));
    return new Tree(this.types.Cell, leaves, found.map(one => one.from), length);
  }
}

/** A parse that is done: nothing of it needs to be put off. */
class Parsed {
  constructor(tree) {
    this.tree = tree;
    this.parsedPos = tree.length;
    this.stoppedAt = null;
  }

  advance() {
    return this.tree;
  }

  stopAt(position) {
    this.stoppedAt = position;
  }
}

/** Let SQL's words be parameters behind a single colon, and keywords where only CockroachDB has them. */
function withParameters(types, sql) {
  const parameter = new Leaf(types.Parameter);
  const keyword = new Leaf(types.Keyword);
  const wrap = parseMixed((node, input) => {
    if (!node.node.firstChild && /^\w/.test(input.read(node.from, node.from + 1)) || node.name === 'QuotedIdentifier') {
      if (/(^|[^\w$:"\])]):$/.test(input.read(Math.max(0, node.from - 2), node.from))) {
        return { parser: parameter };
      }
      if (node.name === 'Identifier' && /^upsert$/i.test(input.read(node.from, node.to))) {
        return { parser: keyword };
      }
    }
    return null;
  });
  return sql.configure({ props: [indentNodeProp.add({ Statement: AS_THE_LINE_BEFORE })], wrap });
}

/** A parser to which everything is one node. */
class Leaf extends Parser {
  constructor(type) {
    super();
    this.type = type;
  }

  createParse(input, fragments, ranges) {
    return new Parsed(new Tree(this.type, [], [], ranges.at(-1).to - ranges[0].from));
  }
}

/** Give the ranges between those given. */
function without(lines, length) {
  const ends = [0, ...lines.map(line => line.to)];
  const starts = [...lines.map(line => line.from), length];
  return ends.map((from, index) => ({ from, to: starts[index] })).filter(({ from, to }) => from < to);
}
