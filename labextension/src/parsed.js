// Parsers for what is known at once.

import { Parser, Tree } from '@lezer/common';

/** A parse that is done: nothing of it needs to be put off. */
export class Parsed {
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

/** A parser to which everything is one node. */
export class Leaf extends Parser {
  constructor(type) {
    super();
    this.type = type;
  }

  createParse(input, fragments, ranges) {
    return new Parsed(new Tree(this.type, [], [], ranges.at(-1).to - ranges[0].from));
  }
}
