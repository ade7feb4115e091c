import './style';

import { mount } from 'svelte';

import { App } from './app.svelte';
import { tauri as bridge } from './bridge';
import { placeNamed } from './screen';
import { Words } from './strings';
import Window from './Window.svelte';

const [locale, screen] = await Promise.all([
  bridge.locale().catch(() => ({ language: navigator.language, timeZone: null })),
  bridge.initialScreen().catch(() => ''),
]);
const app = new App(bridge, new Words(locale));
app.place = placeNamed(screen);
document.documentElement.lang = app.words.language;
mount(Window, { target: document.body, props: { app } });
await bridge.onShow((name) => void app.go(placeNamed(name)));
await bridge.watch((view) => app.tell(view));
