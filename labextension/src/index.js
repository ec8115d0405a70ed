// The plugins of the extension: colours for cells, and the status line below results.

import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { withMagics } from './language.js';
import { statusRenderer } from './status.js';

const colours = {
  id: 'crdb_magic:colours',
  description: 'SQL in the cells and lines of magics is coloured as SQL.',
  autoStart: true,
  requires: [IEditorLanguageRegistry],
  activate: (app, languages) => {
    // The language of code cells is loaded with the first of them; what the registry has can't be registered again.
    const cells = languages.findByMIME('text/x-ipython');
    const { load } = cells;
    const plain = Object.create(cells); // load() keeps what it has loaded in `this`, where the next cell would take it
    const both = async () => {
      const [python, sql] = await Promise.all([load.call(plain), languages.getLanguage('text/x-pgsql')]);
      try {
        return withMagics(python, sql.support);
      } catch (error) {
        console.warn('crdb_magic: SQL is not coloured in this version of JupyterLab.', error);
        return python;
      }
    };
    let loading;
    cells.support = undefined;
    cells.load = () => (loading ??= both());
  }
};

const status = {
  id: 'crdb_magic:status',
  description: 'The status line below a result is drawn, with what differs from run to run.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  activate: (app, rendermime) => rendermime.addFactory(statusRenderer, 0)
};

export default [colours, status];
