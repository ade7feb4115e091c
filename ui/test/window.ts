// Shows the window with a View of the gallery's fixtures.

import { cleanup, render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { afterEach } from 'vitest';

import { App } from '../src/app.svelte';
import { placeNamed } from '../src/screen';
import { Words } from '../src/strings';
import type { View } from '../src/view';
import Window from '../src/Window.svelte';
import { StillBridge } from '../gallery/bridge';
import { views, ZONE } from '../gallery/fixtures';

afterEach(cleanup);

export interface Shown {
  app: App;
  bridge: StillBridge;
  user: ReturnType<typeof userEvent.setup>;
  /** Moves time on. */
  pass(milliseconds: number): Promise<void>;
}

/** The View of a fixture, to be changed at will. */
export function fixture(name: string): View {
  const view = views[name];
  if (!view) throw new Error(`no View is called ${name}`);
  return structuredClone(view);
}

export async function show(name: string, place = '', language = 'en'): Promise<Shown> {
  const bridge = new StillBridge(language);
  let time = 0;
  const app = new App(bridge, new Words({ language, timeZone: ZONE }), () => time);
  app.place = placeNamed(place);
  const view = views[name];
  if (view !== undefined) app.tell(view);
  render(Window, { app });
  await settled();
  const pass = async (milliseconds: number) => {
    time += milliseconds;
    app.tick();
    await settled();
  };
  return { app, bridge, user: userEvent.setup(), pass };
}

/** Waits until what has been answered is shown. */
export async function settled() {
  await tick();
  await Promise.resolve();
  await tick();
}

export const heading = () => screen.getByRole('heading', { level: 1 });
export const button = (name: string | RegExp) => screen.getByRole('button', { name });
