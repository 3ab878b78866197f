/** The notebook widget, as anywidget loads it: a view of one study. */

import { Client } from './client';
import { mountDashboard } from './dashboard';
import { connect, type Model } from './transports';

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const client = new Client(connect(model));
  const number: number = model.get('candidate');
  const candidate = number < 0 ? undefined : number; // a trait of anywidget cannot be missing
  const unmount = mountDashboard(el, client, { view: model.get('view'), candidate });
  return () => {
    unmount();
    client.close();
  };
}

export default { render };
