/**
 * The part of JupyterLab's and Lumino's types that the extension uses.
 *
 * It is written by hand, since the packages that carry the types are 400 MB and none of their code
 * is bundled. Names and shapes are those of JupyterLab 4; the browser tests run the real thing.
 */

declare module '@lumino/widgets' {
  import type { LabIcon } from '@jupyterlab/ui-components';

  export class Title {
    label: string;
    caption: string;
    icon: LabIcon | undefined;
    closable: boolean;
  }
  export class Widget {
    hide(): void;
    constructor(options?: { node?: HTMLElement });
    id: string;
    readonly node: HTMLElement;
    readonly title: Title;
    readonly isDisposed: boolean;
    readonly isVisible: boolean;
    readonly parent: Widget | null;
    addClass(name: string): void;
    dispose(): void;
    protected onAfterAttach(message: unknown): void;
    protected onActivateRequest(message: unknown): void;
  }
}

declare module '@jupyterlab/ui-components' {
  export class LabIcon {
    constructor(options: { name: string; svgstr: string });
    element(options?: {
      container?: HTMLElement;
      tag?: string;
      className?: string;
      elementPosition?: string;
      elementSize?: string;
    }): HTMLElement;
  }
}

declare module '@jupyterlab/application' {
  import type { Widget } from '@lumino/widgets';
  import type { WidgetTracker } from '@jupyterlab/apputils';

  export interface CommandOptions {
    label: string;
    caption?: string;
    icon?: unknown;
    isEnabled?: () => boolean;
    execute: (args: Record<string, any>) => unknown;
  }
  export interface JupyterFrontEnd {
    readonly restored: Promise<void>;
    readonly shell: {
      readonly currentWidget: Widget | null;
      add(widget: Widget, area: string, options?: { rank?: number; mode?: string }): void;
      activateById(id: string): void;
    };
    readonly commands: {
      addCommand(id: string, options: CommandOptions): void;
      execute(id: string, args?: Record<string, unknown>): Promise<any>;
    };
    readonly docRegistry: {
      addWidgetExtension(
        factory: string,
        extension: { createNew(panel: NotebookPanel): { dispose(): void } }
      ): void;
    };
  }
  /** Of @jupyterlab/notebook and @jupyterlab/cells, which an application may lack. */
  export interface NotebookPanel {
    readonly node: HTMLElement;
    readonly context: { readonly path: string };
    readonly toolbar: { insertItem(index: number, name: string, item: Widget): boolean };
    readonly disposed: { connect(slot: () => void): boolean };
    readonly content: {
      readonly widgets: readonly NotebookCell[];
      readonly model: {
        readonly sharedModel: {
          insertCell(index: number, cell: { cell_type: 'code'; source: string }): unknown;
        };
      };
    };
  }
  export interface NotebookCell {
    readonly node: HTMLElement;
    readonly model: {
      readonly type: string;
      getMetadata(key: string): unknown;
      readonly sharedModel: { getSource(): string; setSource(source: string): void };
    };
  }
  export interface JupyterFrontEndPlugin<T> {
    id: string;
    description?: string;
    autoStart?: boolean;
    requires?: unknown[];
    optional?: unknown[];
    activate: (app: JupyterFrontEnd, ...services: any[]) => T;
  }
  export interface ILayoutRestorer {
    add(widget: Widget, name: string): void;
    restore<T extends Widget>(
      tracker: WidgetTracker<T>,
      options: {
        command: string;
        args: (widget: T) => Record<string, unknown>;
        name: (widget: T) => string;
      }
    ): Promise<unknown>;
  }
  export const ILayoutRestorer: unknown;
}

declare module '@jupyterlab/apputils' {
  import type { Widget } from '@lumino/widgets';

  export class MainAreaWidget<T extends Widget = Widget> extends Widget {
    constructor(options: { content: T });
    readonly content: T;
    readonly toolbar: Widget;
  }
  export class WidgetTracker<T extends Widget = Widget> {
    constructor(options: { namespace: string });
    readonly currentWidget: T | null;
    add(widget: T): Promise<void>;
    find(holds: (widget: T) => boolean): T | undefined;
  }
  export class ToolbarButton extends Widget {
    constructor(options: { icon?: unknown; label?: string; tooltip?: string; onClick: () => void });
  }
  export interface ICommandPalette {
    addItem(item: { command: string; category: string; args?: Record<string, unknown> }): void;
  }
  export const ICommandPalette: unknown;
  export namespace Notification {
    type Kind = 'default' | 'info' | 'success' | 'warning' | 'error';
    interface Options {
      autoClose?: number | false;
      actions?: {
        label: string;
        caption?: string;
        displayType?: 'default' | 'accent' | 'warn' | 'link';
        callback: (event: MouseEvent) => void;
      }[];
    }
    function emit(message: string, type?: Kind, options?: Options): string;
    function dismiss(id?: string): void;
  }
}

declare module '@jupyterlab/statusbar' {
  import type { Widget } from '@lumino/widgets';

  export interface IStatusBar {
    registerStatusItem(
      id: string,
      item: { item: Widget; align?: 'left' | 'right' | 'middle'; rank?: number }
    ): { dispose(): void };
  }
  export const IStatusBar: unknown;
}

/** A style sheet with all that it imports, as text (`build.mjs`). */
declare module '*.css' {
  const text: string;
  export default text;
}
