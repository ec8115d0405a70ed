// The SQL of JupyterLab's registry, with what our cells have besides.

import { indentNodeProp, languageDataProp } from '@codemirror/language';
import { parseMixed } from '@lezer/common';

import { Leaf } from './parsed.js';

const WORDS = new Set(['Identifier', 'QuotedIdentifier', 'Keyword', 'Type', 'Builtin', 'Bool', 'Null']);
// As crdb_magic/sql/lexer.py has it: a colon that neither casts nor ends a slice's lower bound.
const COLON = /(?:^|[^\w\x80-\uffff$:"\])]):$/;
const PARAMETER = /^(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*|"[A-Za-z_\x80-\uffff][\w\x80-\uffff]*")$/;
// Words that PostgreSQL's dialect lacks.
const COCKROACHS =
  /^(?:upsert|storing|inverted|hash|sharded|locality|regional|survive|backup|changefeed|databases|ranges|jobs|sessions)$/i;
// Its keywords that are columns more often than not; who means the keyword writes it large. Its older lists have letters.
const COLUMNS = new RegExp(
  '^(?:[A-Za-z]|id|name|owner|user|type|class|label|value|data|count|level|rank|size|length|position|location|source|state|section' +
    '|language|version|year|month|day|hour|minute|second)$'
);

/** Let words behind a colon be parameters, columns no keywords, and CockroachDB's words keywords. */
export function withParameters(parser, types) {
  const parameter = new Leaf(types.Parameter);
  const keyword = new Leaf(types.Keyword);
  const column = new Leaf(types.Column);
  const wrap = parseMixed((node, input) => {
    if (!WORDS.has(node.name)) {
      return null;
    }
    const word = input.read(node.from, node.to);
    const before = input.read(Math.max(0, node.from - 2), node.from);
    if (PARAMETER.test(word) && COLON.test(before)) {
      return { parser: parameter };
    }
    if (node.name === 'Identifier' && COCKROACHS.test(word)) {
      return { parser: keyword };
    }
    return node.name === 'Keyword' && (COLUMNS.test(word) || before.endsWith('.')) ? { parser: column } : null;
  });
  // A new line stands where the one before does, as in any other cell.
  return parser.configure({ props: [indentNodeProp.add({ Statement: () => null })], wrap });
}

/** Let a language's parser stand in for another's where comments are concerned: a line magic is commented as Python. */
export function commentedAs(parser, language) {
  return parser.configure({ props: [languageDataProp.add(type => (type.isTop ? language.data : undefined))] });
}
