// The window with one View of fixtures.ts, chosen by the address: #name or #name/language.

import '../src/style';

import { mount } from 'svelte';

import { App } from '../src/app.svelte';
import { placeNamed } from '../src/screen';
import { Words } from '../src/strings';
import Window from '../src/Window.svelte';
import { StillBridge } from './bridge';
import { places, views } from './fixtures';

const [name = '', language = 'en'] = location.hash.slice(1).split('/');
const place = places[name];
const bridge = new StillBridge(language);
// The clock stands still, so that a picture does not depend on when it was taken.
const app = new App(bridge, new Words(await bridge.locale()), () => 0);
app.place = placeNamed(place?.place ?? '');
const view = views[place?.view ?? name];
if (view !== undefined) app.tell(view);
document.documentElement.lang = app.words.language;
mount(Window, { target: document.body, props: { app } });
