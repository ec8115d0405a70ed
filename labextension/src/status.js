// Draws the status line below a result.

import { Widget } from '@lumino/widgets';

const MIME = 'application/vnd.crdb-magic.status+json';

/** The output's data is the same on every run; what differs between them is HTML in its metadata. */
class Status extends Widget {
  constructor(sanitizer) {
    super();
    this.sanitizer = sanitizer;
    this.node.dataset.mimeType = MIME;
    this.addClass('jp-RenderedHTMLCommon');
  }

  async renderModel(model) {
    const html = model.metadata.crdb_status?.html;
    if (typeof html === 'string') {
      this.node.innerHTML = this.sanitizer.sanitize(html);
    } else {
      this.node.textContent = model.data[MIME]?.text ?? '';
    }
  }
}

export const statusRenderer = {
  safe: true,
  mimeTypes: [MIME],
  createRenderer: options => new Status(options.sanitizer)
};
